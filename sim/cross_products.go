package sim

// crossProducts gathers vectors of one length, and then gives the spread of any linear
// combination of their numbers, one that is known only afterwards too: so estimates that
// are functions of means have their standard errors from one pass over the trials. Its
// memory grows with the square of the length, not with the number of vectors.
type crossProducts struct {
	n      int
	mean   []float64
	square []float64 // Σ (v - mean)(v - mean)', its lower triangle by rows
	delta  []float64 // scratch
}

func newCrossProducts(length int) *crossProducts {
	return &crossProducts{mean: make([]float64, length), delta: make([]float64, length), square: make([]float64, length*(length+1)/2)}
}

func (c *crossProducts) add(v []float64) {
	c.n++
	for i, x := range v {
		c.delta[i] = x - c.mean[i]
		c.mean[i] += c.delta[i] / float64(c.n)
	}
	at := 0
	for i := range v {
		after := v[i] - c.mean[i]
		for k := range i + 1 {
			c.square[at] += after * c.delta[k]
			at++
		}
	}
}

// spread is Σ (w·v - w·mean)² over the vectors v.
func (c *crossProducts) spread(w []float64) float64 {
	sum, at := 0.0, 0
	for i := range w {
		for k := range i {
			sum += 2 * w[i] * w[k] * c.square[at]
			at++
		}
		sum += w[i] * w[i] * c.square[at]
		at++
	}
	return max(0, sum)
}
