package sim

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func planPath(dir string) string { return filepath.Join(dir, "plan.yaml") }
func chunkDir(dir string) string { return filepath.Join(dir, "chunks") }

// hashLine begins the line of a plan's text that holds its hash.
const hashLine = "# plan: "

// PlanText puts the lines that identify a plan before its resolved study. The
// whole is a study file again.
func PlanText(study []byte, hash, version string, seed uint64) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The resolved study of this run directory, with every default written out.\n")
	fmt.Fprintf(&b, "# Run it again with: coachsim run plan.yaml --out OTHER\n")
	fmt.Fprintf(&b, "%s%s\n%s%s\n# seed: %d\n# shards: 1\n", hashLine, hash, versionLine, version, seed)
	b.Write(study)
	return b.Bytes()
}

// versionLine begins the line with the version of the program.
const versionLine = "# version: "

// planHash reads the hash off a plan's text, "" if there is none.
func planHash(text []byte) string { return planLine(text, hashLine) }

// planLine reads what follows the beginning of a line.
func planLine(text []byte, begins string) string {
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, begins); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// ReadPlan reads the plan of a run directory, without its Study, which package
// configs reads from the text.
func ReadPlan(dir string) (Plan, error) {
	text, err := os.ReadFile(planPath(dir))
	if err != nil {
		return Plan{}, err
	}
	return Plan{Text: text, Hash: planHash(text), Version: planLine(text, versionLine)}, nil
}

// planReplicates reads the line with the number of replicates off a plan's text.
func planReplicates(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "replicates:") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

// planDiff lists the lines that only one of two plans has, up to twenty.
func planDiff(old, now []byte) string {
	lines := func(text []byte) map[string]bool {
		set := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			set[strings.TrimRight(line, "\n")] = true
		}
		return set
	}
	var out strings.Builder
	shown := 0
	list := func(text []byte, other map[string]bool, mark string) {
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\n")
			if !other[line] && !strings.HasPrefix(line, hashLine) && !strings.HasPrefix(line, "replicates:") && shown < 20 {
				fmt.Fprintf(&out, "  %s %s\n", mark, line)
				shown++
			}
		}
	}
	list(old, lines(now), "-")
	list(now, lines(old), "+")
	return out.String()
}

// clearRun removes a run from a directory: what Run and the figures wrote, and
// nothing else.
func clearRun(dir string) error {
	if _, err := os.Stat(planPath(dir)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // no run to remove
		}
		return err
	}
	for _, name := range []string{"plan.yaml", truthsFile, "report.html", "summary.csv", "summary.json", "comparison.csv", "families.csv", "families.json", "differences.csv", "chunks", "figures"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// writeAtomic writes a file under a temporary name and renames it into place.
func writeAtomic(path string, text []byte) error {
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, text, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
