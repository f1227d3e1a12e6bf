package sim

import (
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// A primary estimate that the study does not make is a fault of the first of its
// keys that fits none, and names what would.
func TestPrimaryFaults(t *testing.T) {
	rows := []estimators.Row{
		{Estimator: "itt", Outcome: "reading", Term: "coaching"},
		{Estimator: "itt", Outcome: "maths", Term: "coaching"},
		{Estimator: "itt", Outcome: "maths", Term: "training"},
		{Estimator: "classroom", Outcome: "class", Term: "coaching"},
	}
	for _, c := range []struct {
		primary *Primary
		want    string // path and message, "" for none
	}{
		{nil, ""},
		{&Primary{Estimator: "itt"}, ""},
		{&Primary{Estimator: "itt", Term: "training"}, ""},
		{&Primary{Estimator: "itt", Outcome: "maths", Term: "coaching"}, ""},
		{&Primary{Estimator: "it"}, `primary.estimator: "it" is none that is estimated; did you mean "itt"?`},
		{&Primary{Estimator: "x"}, `primary.estimator: "x" is none that is estimated; there is itt, classroom`},
		{&Primary{Estimator: "itt", Outcome: "class"}, `primary.outcome: "class" is none that is estimated; there is reading, maths`},
		{&Primary{Estimator: "itt", Outcome: "reading", Term: "training"}, `primary.term: "training" is none that is estimated; there is coaching`},
		{&Primary{Estimator: "classroom", Term: "coachin"}, `primary.term: "coachin" is none that is estimated; did you mean "coaching"?`},
	} {
		var said []string
		for _, f := range (Study{Primary: c.primary}).primaryFaults(rows) {
			said = append(said, f.Path+": "+f.Message)
		}
		if got := strings.Join(said, "\n"); got != c.want {
			t.Errorf("%+v: %q, want %q", c.primary, got, c.want)
		}
	}
}

// A valid study with a wrong primary estimate says so.
func TestPrimaryIsValidated(t *testing.T) {
	s := DefaultStudy()
	s.Aim = "Is it found?"
	s.Design.Blocks, s.Design.Schools, s.Design.Tested = 1, 8, 5
	s.Design.Children = dgp.ClassSize{Mean: 10}
	s.Design.Assignment = dgp.Complete{}
	s.Achievement.Tests, s.Achievement.ICC = []string{"reading"}, dgp.ICC{School: 0.1}
	s.Estimators = []Estimator{{Name: "itt", Method: estimators.OLS{Formula: "reading ~ coaching", Cluster: "school", SE: estimators.CR2, Report: []string{"coaching"}}}}
	if faults := s.Validate(); len(faults) > 0 {
		t.Fatalf("faults: %v", faults)
	}
	s.Primary = &Primary{Estimator: "iit"}
	if faults := s.Validate(); len(faults) != 1 || faults[0].Path != "primary.estimator" {
		t.Errorf("faults: %v", faults)
	}
}
