package estimators_test

import (
	"testing"

	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// Sums by class are those child by child, whatever the number of columns and outcomes, and
// wherever a square stands.
func TestSumsByClass(t *testing.T) {
	design := estimatortest.Design{Blocks: 2, Schools: 4, Teachers: 2, Children: 9, Effect: 0.3, Shared: 0.4}
	shape, d := design.Shape(), design.Draw(3)
	for terms, square := range map[string]bool{
		"coaching":                             false,
		"girl":                                 false,
		"age + age^2":                          false,
		"girl + ses + born":                    false,
		"girl + age + age^2":                   true,
		"age + age^2 + girl":                   true,
		"age^2 + girl + age":                   true,
		"girl + age^2 + age":                   true,
		"ses + girl + born + age^2 + age":      true,
		"age^3 + ses + age^2 + age + girl":     true,
		"girl:age + girl + age + ses:coaching": false,
	} {
		for _, outcomes := range []string{"score", "c(score, reading)", "c(score, reading, passed)"} {
			panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: estimators.OLS{
				Formula: outcomes + " ~ " + terms + " | block", Cluster: "school", SE: cr1,
			}}}, shape, lists)
			if err != nil {
				t.Fatal(err)
			}
			worst, squared := panel.CompareSums(d)
			if !(worst < 1e-13) || squared != square {
				t.Errorf("%s ~ %s: off by %g, square beside its column: %v, want %v", outcomes, terms, worst, squared, square)
			}
		}
	}
}
