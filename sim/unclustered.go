package sim

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"coachsim/dgp"
	"coachsim/estimators"
)

// Warnings returns what in a valid study is likely to be a slip: of its trial, and of
// estimators whose standard errors take units for independent that are assigned together.
func (s Study) Warnings() []string {
	all := s.Trial.Warnings()
	for _, design := range s.designs() {
		for _, warning := range append(design.Study.Trial.Warnings(), design.Study.unclustered()...) {
			if !slices.Contains(all, warning) {
				all = append(all, warning)
			}
		}
	}
	return all
}

// unclustered warns of estimators of treatment effects whose rows are below the level
// that is assigned, and whose clusters are too, or that have none.
func (s Study) unclustered() []string {
	if _, none := s.Trial.Design.Assignment.(dgp.None); none || s.Trial.Design.Assignment == nil {
		return nil
	}
	assigned := s.Trial.Design.Assignment.Level()
	whole := assigned // the finest level of which units have one arm and nothing else in common
	if assigned == dgp.SchoolLevel && s.Trial.Design.OneTeacher() {
		whole = dgp.TeacherLevel
	}
	remedies := map[string]string{} // by estimator
	for _, e := range s.Estimators {
		if remedy := unclusteredMethod(e.Method, assigned, whole, s.Terms); remedy != "" {
			remedies[e.Name] = remedy
		}
	}
	if len(remedies) == 0 {
		return nil
	}
	rows, err := s.Rows()
	if err != nil {
		return nil // it is said elsewhere
	}
	var remedied []string
	names := map[string][]string{} // by remedy
	for _, row := range rows {
		remedy := remedies[row.Estimator]
		if remedy == "" || row.Target == nil || row.Target.Rows <= whole || slices.Contains(names[remedy], row.Estimator) {
			continue
		}
		if names[remedy] == nil {
			remedied = append(remedied, remedy)
		}
		names[remedy] = append(names[remedy], row.Estimator)
	}
	var all []string
	for _, remedy := range remedied {
		all = append(all, fmt.Sprintf("%s are assigned whole, but standard errors of %s take what is within one for independent, and so are too small: %s",
			assigned.Plural(), strings.Join(names[remedy], ", "), remedy))
	}
	return all
}

// unclusteredMethod says what to write so that a method clusters by a level or one above
// it; "" where it does, or where it cannot be told.
func unclusteredMethod(m estimators.Method, assigned, whole dgp.Level, lists map[string]string) string {
	below := func(name string) bool { // false for a factor, which may be anything
		return slices.ContainsFunc([]dgp.Level{dgp.TeacherLevel, dgp.ChildLevel}, func(l dgp.Level) bool { return l > whole && l.String() == name })
	}
	switch m := m.(type) {
	case estimators.Randomisation: // draws whole units again
		return ""
	case estimators.Mixed:
		f, err := estimators.ParseFormula(m.Formula, lists)
		if err != nil || slices.ContainsFunc(f.Random, func(r estimators.RandomEffect) bool {
			return r.Level != dgp.BlockLevel.String() && !below(r.Level)
		}) {
			return ""
		}
		return fmt.Sprintf("write (1 | %s) in its formula", assigned)
	}
	v := reflect.ValueOf(m)
	if v.Kind() != reflect.Struct {
		return ""
	}
	field := v.FieldByName("Cluster")
	if !field.IsValid() || field.Kind() != reflect.String {
		return ""
	}
	clusters := strings.Split(field.String(), "+")
	if field.String() != "" && slices.ContainsFunc(clusters, func(name string) bool { return !below(strings.TrimSpace(name)) }) {
		return ""
	}
	return fmt.Sprintf("write cluster: %s", assigned)
}
