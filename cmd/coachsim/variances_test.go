package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"coachsim/configs"
)

// On any terminal of 80 columns or more the implied variances fit, and all their numbers
// stand there.
func TestVariancesFitTheTerminal(t *testing.T) {
	starter, _ := configs.StarterFor("coaching", "study.yaml")
	study, err := configs.Load("study.yaml", []byte(starter), nil)
	if err != nil {
		t.Fatal(err)
	}
	table := func(terminal int) string {
		var out strings.Builder
		writeVariances(&out, study.Trial.Variances(), terminal)
		_, lines, _ := strings.Cut(strings.TrimSpace(out.String()), "\n")
		return lines
	}
	numbers := func(text string) (found []string) {
		for _, word := range strings.Fields(text) {
			if strings.Contains(word, ".") {
				found = append(found, word)
			}
		}
		return found
	}
	wide := table(200)
	for _, terminal := range []int{80, 110} {
		narrow := table(terminal)
		for line := range strings.SplitSeq(narrow, "\n") {
			if n := utf8.RuneCountInString(line); n > terminal {
				t.Errorf("%d columns: %q", n, line)
			}
		}
		if fmt.Sprint(numbers(narrow)) != fmt.Sprint(numbers(wide)) || narrow == wide {
			t.Errorf("in %d columns:\n%s\nin 200:\n%s", terminal, narrow, wide)
		}
		for _, want := range []string{"\n  pretest, unit: SD of the baseline\n   block ", "\n   all             1.0000  reliability 0.8500\n  es, unit: SD of the observed score\n"} {
			if !strings.Contains(narrow, want) {
				t.Errorf("no %q in\n%s", want, narrow)
			}
		}
	}
	if !strings.Contains(wide, "\n  pretest      SD of the baseline        block ") {
		t.Errorf("wide, it is\n%s", wide)
	}
}
