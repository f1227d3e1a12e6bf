package sim

import (
	"fmt"
	"slices"
	"strings"

	"coachsim/dgp/spelling"
	"coachsim/estimators"
)

// Primary names the estimate that a trial is planned for: the one whose power a
// proposal states.
type Primary struct {
	Estimator string `yaml:"estimator" required:"true" doc:"name of the estimator"`
	Outcome   string `yaml:"outcome,omitempty" doc:"its outcome, as its formula writes it; by default its first"`
	Term      string `yaml:"term,omitempty" doc:"the term; by default the first that it reports of the outcome"`
}

// Is reports whether an estimate is the one named, as far as names are given.
func (p Primary) Is(estimator, outcome, term string) bool {
	return p.Estimator == estimator && (p.Outcome == "" || p.Outcome == outcome) && (p.Term == "" || p.Term == term)
}

// primaryFaults checks the primary estimate against the rows that the study's
// panel estimates.
func (s Study) primaryFaults(rows []estimators.Row) []Fault {
	p := s.Primary
	if p == nil || slices.ContainsFunc(rows, func(r estimators.Row) bool { return p.Is(r.Estimator, r.Outcome, r.Term) }) {
		return nil
	}
	// The first of its keys that fits no estimate, and what would.
	key, given, one := "estimator", p.Estimator, Primary{Estimator: p.Estimator}
	known := func(name func(estimators.Row) string, of func(estimators.Row) bool) (all []string) {
		for _, r := range rows {
			if of(r) && !slices.Contains(all, name(r)) {
				all = append(all, name(r))
			}
		}
		return all
	}
	names := known(func(r estimators.Row) string { return r.Estimator }, func(estimators.Row) bool { return true })
	if slices.Contains(names, p.Estimator) {
		key, given = "outcome", p.Outcome
		names = known(func(r estimators.Row) string { return r.Outcome }, func(r estimators.Row) bool { return one.Is(r.Estimator, r.Outcome, r.Term) })
		if p.Outcome == "" || slices.Contains(names, p.Outcome) {
			key, given, one.Outcome = "term", p.Term, p.Outcome
			names = known(func(r estimators.Row) string { return r.Term }, func(r estimators.Row) bool { return one.Is(r.Estimator, r.Outcome, r.Term) })
		}
	}
	message := fmt.Sprintf("%q is none that is estimated; there is %s", given, strings.Join(names, ", "))
	if near := spelling.Nearest(given, names); near != "" {
		message = fmt.Sprintf("%q is none that is estimated; did you mean %q?", given, near)
	}
	return []Fault{{"primary." + key, -1, message}}
}
