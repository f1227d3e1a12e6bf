package sim

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func planPath(dir string) string { return filepath.Join(dir, "plan.yaml") }
func chunkDir(dir string) string { return filepath.Join(dir, "chunks") }

// hashLine begins the line of a plan's text that holds its hash.
const hashLine = "# plan: "

// PlanText puts the lines that identify a plan before its resolved study. The
// whole is a study file again.
func PlanText(study []byte, p Provenance) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The resolved study of this run directory, with every default written out.\n")
	fmt.Fprintf(&b, "# Run it again with: coachsim run plan.yaml --out OTHER\n")
	for _, line := range [][2]string{
		{hashLine, p.Plan}, {studyLine, p.Study}, {versionLine, p.Version}, {commitLine, p.Commit}, {goLine, p.Go}, {processorLine, p.Processor},
		{resultsLine, strconv.Itoa(p.Results)}, {seedLine, strconv.FormatUint(p.Seed, 10)}, {shardsLine, "1"},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%s%s\n", line[0], line[1])
		}
	}
	b.Write(study)
	return b.Bytes()
}

// The lines of a plan's text that say which part of a run it is.
const (
	shardsLine = "# shards: "
	shardLine  = "# shard: "
)

// Part returns the plan of one shard of a run.
func (p Plan) Part(s Shard) Plan {
	p.Shard = s
	if !s.Whole() {
		p.Text = bytes.Replace(p.Text, []byte(shardsLine+"1\n"), fmt.Appendf(nil, "%s%d\n%s%s\n", shardsLine, s.N, shardLine, s), 1)
	}
	return p
}

// planShard reads which part of a run a plan's text is of.
func planShard(text []byte) Shard {
	var s Shard
	if s.Set(planLine(text, shardLine)) != nil {
		return Shard{}
	}
	return s
}

// The lines of a plan's provenance. That with the number of the program's results counts
// its changes of any draw or estimate.
const (
	studyLine     = "# study: "
	versionLine   = "# version: "
	commitLine    = "# commit: "
	goLine        = "# go: "
	processorLine = "# processor: "
	resultsLine   = "# results: "
	seedLine      = "# seed: "
)

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
	plan := Plan{Text: text, Hash: planHash(text), StudyHash: planLine(text, studyLine), Shard: planShard(text)}
	plan.Build = Build{planLine(text, versionLine), planLine(text, commitLine), planLine(text, goLine), planLine(text, processorLine)}
	if n, err := strconv.Atoi(planLine(text, resultsLine)); err == nil {
		plan.Results = n
	}
	return plan, nil
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

// clearRun removes a run from a directory: what Run and the figures wrote, and
// nothing else.
func clearRun(dir string) error {
	if _, err := os.Stat(planPath(dir)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // no run to remove
		}
		return err
	}
	// The plan goes last: without it the directory would not be known as a run's.
	for _, name := range []string{truthsFile, ProvenanceFile, "failures.csv", "report.html", "power.md", "table.tex", "table.md", "table.csv", "table.html", "summary.csv", "summary.json", "comparison.csv", "families.csv", "families.json", "differences.csv", "design-differences.csv", "chunks", "figures", "plan.yaml"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// writeAtomic writes a file that appears whole or not at all.
func writeAtomic(path string, text []byte) error {
	return ReplaceFile(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// ReplaceFile writes a file that appears under path whole or not at all: it is
// written beside it under another name, brought to the disk, and renamed. What a
// killed process leaves behind begins with a dot and ends in ".tmp"; Run removes it.
func ReplaceFile(path string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = file.Close() // closed twice if only the rename failed
			if e := os.Remove(file.Name()); !errors.Is(e, fs.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}()
	buffered := bufio.NewWriter(file)
	if err := write(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := file.Chmod(0o644); err != nil { // a temporary file is private; a run is shared
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// isTemporary reports whether a file has a name that ReplaceFile gives.
func isTemporary(name string) bool {
	return strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".tmp")
}

// removeTemporary removes what a killed process left of ReplaceFile.
func removeTemporary(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if isTemporary(entry.Name()) {
			if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
