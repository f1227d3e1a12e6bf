package sim

import (
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// Standard errors that take children of one assigned unit for independent are warned of,
// by the estimator's name and with what to write; others are not.
func TestWarningsOfClusters(t *testing.T) {
	const cluster, random = "write cluster: ", "write (1 | "
	ols := func(cluster string) estimators.Method {
		m := estimators.OLS{Formula: "reading ~ coaching", Cluster: cluster, Report: []string{"coaching"}}
		if cluster != "" {
			m.SE = estimators.CR1
		}
		return m
	}
	mixed := func(random string) estimators.Method {
		return estimators.Mixed{Formula: "reading ~ coaching + " + random, Report: []string{"coaching"}}
	}
	for name, test := range map[string]struct {
		method   estimators.Method
		unit     dgp.Unit
		teachers int
		want     string // "" for no warning
	}{
		"no clusters":             {ols(""), dgp.SchoolUnit, 2, cluster + "school"},
		"one teacher":             {ols(""), dgp.SchoolUnit, 1, cluster + "school"},
		"schools":                 {ols("school"), dgp.SchoolUnit, 2, ""},
		"blocks":                  {ols("block"), dgp.SchoolUnit, 2, ""},
		"teachers":                {ols("teacher"), dgp.SchoolUnit, 2, cluster + "school"},
		"teachers, one each":      {ols("teacher"), dgp.SchoolUnit, 1, ""},
		"two ways":                {ols("teacher + school"), dgp.SchoolUnit, 2, ""},
		"teachers assigned":       {ols(""), dgp.TeacherUnit, 2, cluster + "teacher"},
		"teachers clustered":      {ols("teacher"), dgp.TeacherUnit, 2, ""},
		"schools above":           {ols("school"), dgp.TeacherUnit, 2, ""},
		"children assigned":       {ols(""), dgp.ChildUnit, 2, ""},
		"difference in means":     {estimators.DifferenceInMeans{Formula: "reading ~ coaching"}, dgp.SchoolUnit, 2, cluster + "school"},
		"averages of schools":     {estimators.OLS{Formula: "mean(reading, school) ~ coaching", Report: []string{"coaching"}}, dgp.SchoolUnit, 2, ""},
		"random schools":          {mixed("(1 | school)"), dgp.SchoolUnit, 2, ""},
		"random teachers":         {mixed("(1 | teacher)"), dgp.SchoolUnit, 2, random + "school"},
		"random nested":           {mixed("(1 | school/teacher)"), dgp.SchoolUnit, 2, ""},
		"random teachers, theirs": {mixed("(1 | teacher)"), dgp.TeacherUnit, 2, ""},
		"randomisation":           {estimators.Randomisation{OLS: estimators.OLS{Formula: "reading ~ coaching", Report: []string{"coaching"}}, Draws: 99}, dgp.SchoolUnit, 2, ""},
		"a correlation":           {estimators.Correlation{Columns: []string{"reading", "maths"}}, dgp.SchoolUnit, 2, ""},
	} {
		s := smallStudy(1)
		s.Design.Teachers = test.teachers
		s.Design.Assignment = dgp.Blocked{Unit: test.unit, Share: 0.5}
		if test.unit == dgp.ChildUnit {
			s.Quality.Effect = dgp.QualityEffect{}
		}
		s.Estimators = []Estimator{{Name: "mine", Method: test.method}}
		if _, err := s.Rows(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := strings.Join(s.Warnings(), "\n")
		switch {
		case test.want == "" && got != "":
			t.Errorf("%s: %s", name, got)
		case test.want != "" && (!strings.Contains(got, test.want) || !strings.Contains(got, " of mine take")):
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	// A sweep is warned of once, for all its designs.
	s := sweptStudy(1, Common)
	for i := range s.Cells[1:] {
		s.Cells[1+i].Study.Estimators = []Estimator{{Name: "mine", Method: ols("")}}
	}
	if got := s.Warnings(); len(got) != 1 || !strings.Contains(got[0], "mine") {
		t.Errorf("%q", got)
	}
}
