package sim

import (
	"errors"
	"strings"
	"testing"

	"coachsim/estimators"
)

// An estimator that never works is found before the run, with the design and the
// reason; one that works sometimes is not.
func TestRehearse(t *testing.T) {
	s := sweptStudy(1000, Common)
	if err := s.Rehearse(t.Context()); err != nil {
		t.Error(err)
	}
	never := estimators.OLS{Formula: "achievement ~ coaching + I(2*coaching)", Cluster: "school", SE: estimators.CR1, Report: []string{"I(2*coaching)"}}
	s.Cells[2].Study.Estimators = append(s.Cells[2].Study.Estimators[:1:1], Estimator{Name: "never", Method: never})
	var failed *RehearsalError
	if err := s.Rehearse(t.Context()); !errors.As(err, &failed) || failed.Design != 2 || failed.Fits != rehearsals || failed.Status != estimators.Collinear ||
		!strings.Contains(err.Error(), "every one of 20 trial fits of never: achievement on I(2 * coaching), trial.schools = 8 failed (collinear)") {
		t.Errorf("error %v", err)
	}
}
