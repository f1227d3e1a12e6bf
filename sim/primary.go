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
	part, names := misnamed([3]string{p.Estimator, p.Outcome, p.Term}, rows)
	key := [3]string{"estimator", "outcome", "term"}[part]
	given := [3]string{p.Estimator, p.Outcome, p.Term}[part]
	message := fmt.Sprintf("%q is none that is estimated; there is %s", given, strings.Join(names, ", "))
	if near := spelling.Nearest(given, names); near != "" {
		message = fmt.Sprintf("%q is none that is estimated; did you mean %q?", given, near)
	}
	return []Fault{{"primary." + key, -1, message}}
}

// misnamed finds the first of an estimate's three names, of its estimator, outcome
// and term, that fits no row which the names before it fit, and the names that would
// have. An empty name fits all. part is 3 if all of them fit.
func misnamed(given [3]string, rows []estimators.Row) (part int, names []string) {
	for part := range given {
		var names []string
		var fitting []estimators.Row
		for _, r := range rows {
			name := [3]string{r.Estimator, r.Outcome, r.Term}[part]
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			if given[part] == "" || given[part] == name {
				fitting = append(fitting, r)
			}
		}
		if len(fitting) == 0 {
			return part, names
		}
		rows = fitting
	}
	return len(given), nil
}
