package estimators_test

import (
	"testing"

	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// BenchmarkUnitCrossProducts reads a data set of about the size of Ecuador's
// (200 classes of 20) for seven outcomes, four of them indicators, and ten
// regressors: percentiles, cross-products by class, and their sum.
func BenchmarkUnitCrossProducts(b *testing.B) {
	design := estimatortest.Design{Blocks: 10, Schools: 24, Teachers: 1, Children: 26, Effect: 0.1, Shared: 0.2}
	shape, d := design.Shape(), design.Draw(1)
	panel, err := estimators.Bind([]estimators.Named{{Name: "itt", Method: estimators.OLS{
		Formula: "c(score, below(score, 10), below(score, 20), above(score, 80), above(score, 90), reading, passed) ~ " +
			"coaching*class + girl + age + age^2 + ses + experience + rural + founded | block",
		Cluster: "school", SE: cr1, Report: []string{"coaching"},
	}}}, shape, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ReportMetric(float64(d.Children()), "children")
	for b.Loop() {
		panel.Load(d)
	}
}
