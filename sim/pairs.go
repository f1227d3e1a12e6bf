package sim

// EstimatePairs are the estimates of one effect by two estimators on the same
// simulated trials, in the order of the replicates in which both fits worked.
type EstimatePairs struct {
	First, Second []float64
	Correlation   float64   // NaN where either does not vary
	Difference    Uncertain // mean of second - first
}

// PairEstimates pairs the estimates of two estimators' records by replicate.
func PairEstimates(first, second []Record) EstimatePairs {
	values := map[int]float64{}
	for i := range first {
		if r := &first[i]; judged(r.Estimate).Worked() {
			values[r.Replicate] = r.Value
		}
	}
	var p EstimatePairs
	var both comoments
	var difference moments
	for i := range second {
		r := &second[i]
		x, paired := values[r.Replicate]
		if !paired || !judged(r.Estimate).Worked() {
			continue
		}
		p.First, p.Second = append(p.First, x), append(p.Second, r.Value)
		both.add(x, r.Value)
		difference.add(r.Value - x)
	}
	p.Correlation = both.correlation()
	p.Difference = Uncertain{difference.mean(), difference.mcse()}
	return p
}
