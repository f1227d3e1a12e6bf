package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"coachsim/dgp/spelling"
	"coachsim/estimators"
)

// againstFaults returns the faults of estimators that are held against others.
func (s Study) againstFaults(rows []estimators.Row) []Fault {
	terms := map[string]int{}
	for _, row := range rows {
		if !isJoint(row) {
			terms[row.Estimator]++
		}
	}
	var names []string
	for _, e := range s.Estimators {
		names = append(names, e.Name)
	}
	var faults []Fault
	for i, e := range s.Estimators {
		if e.Against == "" {
			continue
		}
		bad := func(format string, args ...any) {
			faults = append(faults, Fault{fmt.Sprintf("estimators[%d].against", i), -1, fmt.Sprintf(format, args...)})
		}
		switch k := slices.Index(names, e.Against); {
		case k < 0:
			hint := ""
			if near := spelling.Nearest(e.Against, names); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			bad("there is no estimator %q%s", e.Against, hint)
		case k == i:
			bad("an estimator cannot be held against itself")
		case s.Estimators[k].Against != "":
			bad("%q is itself held against %q; name that one", e.Against, s.Estimators[k].Against)
		case e.Estimand != Population:
			bad("says what estimand says in another way; leave one of them out")
		case terms[e.Name] != terms[e.Against]:
			bad("%q has %d terms and %q %d; they must be as many, in the same order", e.Name, terms[e.Name], e.Against, terms[e.Against])
		}
	}
	return faults
}

// references finds, for every row, the row whose estimate is its truth, or -1. An
// estimator whose reference is not fitted has none.
func (s Study) references(rows []estimators.Row) []int {
	against := map[string]string{}
	for _, e := range s.Estimators {
		if e.Against != "" {
			against[e.Name] = e.Against
		}
	}
	terms := map[string][]int{}
	for i, row := range rows {
		if !isJoint(row) {
			terms[row.Estimator] = append(terms[row.Estimator], i)
		}
	}
	of := slices.Repeat([]int{-1}, len(rows))
	for name, reference := range against {
		for k, i := range terms[name] {
			if k < len(terms[reference]) {
				of[i] = terms[reference][k]
			}
		}
	}
	return of
}

// isJoint reports whether a row is a test of several terms, whose statistic
// estimates nothing.
func isJoint(row estimators.Row) bool { return strings.HasPrefix(row.Term, "joint(") }

// againstName is what the log calls an estimand that is another estimate.
func againstName(estimator string) string { return "estimate of " + estimator }

// follow fills the truths that are estimates.
func (w *world) follow(estimates []estimators.Estimate) {
	for _, i := range w.following {
		if w.truth[i] = math.NaN(); estimates[w.reference[i]].Status.Worked() {
			w.truth[i] = estimates[w.reference[i]].Value
		}
	}
}
