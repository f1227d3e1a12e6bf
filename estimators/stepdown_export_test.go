package estimators

// StepDownP returns the step-down adjusted p-values of tests with the given
// statistics in the data and in the draws, by ranks (min-P) or not (max-T).
func StepDownP(data []float64, drawn [][]float64, ranked, ownCounts bool) []float64 {
	own := 0
	if ownCounts {
		own = 1
	}
	f := newStepping(&fitters{rows: make([]Row, len(data))}, WestfallYoung.tests(len(drawn[0]), own), WestfallYoung)
	f.tests.ranked = ranked
	out := make([]Estimate, len(data))
	for t, x := range data {
		copy(f.tests.add(&out[t], x, len(drawn[t])), drawn[t])
	}
	f.tests.adjust()
	p := make([]float64, len(out))
	for t, e := range out {
		p[t] = e.P
	}
	return p
}
