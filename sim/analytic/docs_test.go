package analytic

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/closed-forms.md")

// TestDocs keeps the list of designs in docs/closed-forms.md as Designs has it.
func TestDocs(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "closed-forms.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const mark = "<!-- The rest is written by go test ./sim/analytic -update. -->\n"
	head, _, ok := strings.Cut(string(text), mark)
	if !ok {
		t.Fatalf("%s has no line %q", path, mark)
	}
	var out strings.Builder
	out.WriteString(head + mark)
	for _, d := range Designs() {
		fmt.Fprintf(&out, "\n### %s: %s\n\n", d.Name, d.Title)
		if len(d.Aliases) > 0 {
			fmt.Fprintf(&out, "Also called %s.\n\n", strings.Join(d.Aliases, ", "))
		}
		fmt.Fprintf(&out, "    %s\n\nSource: %s.\n\n", strings.ReplaceAll(d.Formula, "\n", "\n    "), d.Source)
		var must, may []string
		defaults := d.Defaults()
		for _, k := range d.Keys() {
			if math.IsNaN(defaults[k]) {
				must = append(must, k.String())
			} else {
				may = append(may, fmt.Sprintf("%s (%g)", k, defaults[k]))
			}
		}
		fmt.Fprintf(&out, "Inputs: %s; with defaults: %s.\n", strings.Join(must, ", "), strings.Join(may, ", "))
	}
	out.WriteString("\n### Inputs\n\n| key | range | meaning |\n|---|---|---|\n")
	for k := range keys {
		in := k.Input()
		fmt.Fprintf(&out, "| %s | %s | %s |\n", in.Name, in.Range(), in.Doc)
	}
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if out.String() != string(text) {
		t.Errorf("%s is not what the designs are; go test ./sim/analytic -update rewrites it", path)
	}
}
