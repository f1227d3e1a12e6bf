package dgp

import (
	"fmt"
	"math"
	"slices"
)

// Dosage is how much of the treatment is delivered to those who receive it: a
// number N of cycles, such as visits of the coach, from 0 to Max. N has the mean
// and SD asked for and is otherwise as spread out as can be: of all laws on 0 to
// Max with these two moments it is the one of the largest entropy, P(n) ∝
// exp(αn + βn²), a discrete normal cut off at the ends.
//
// The share of an arm's full effect that n cycles bring is
//
//	s(n) = (1 - exp(-c n/Max))/(1 - exp(-c))     c = Concavity; n/Max at c = 0
//
// The effects of the study are by default those at the mean: s(N) is divided by
// its expectation, so that those who receive the treatment have the effects stated
// on average. With stated: full, they are the effects of Max cycles.
type Dosage struct {
	Mean      float64 `yaml:"mean" required:"true" gt:"0" doc:"mean number of cycles of those who receive the treatment"`
	SD        float64 `yaml:"sd" min:"0" doc:"SD of their number of cycles"`
	Max       int     `yaml:"max" required:"true" min:"1" max:"1000" doc:"cycles planned; nobody has more"`
	Concavity float64 `yaml:"concavity" min:"0" max:"50" doc:"how fast returns to cycles diminish: 0 is a straight line; with 2, half of the cycles bring 73% of the full effect"`
	Stated    Stated  `yaml:"stated" doc:"whose effects the study states: mean (of those who receive the treatment, on average) or full (of max cycles)"`
	Column    string  `yaml:"column" doc:"name of the column of cycles delivered; by default cycles"`
}

// Stated says at which dose a study states its effects.
type Stated uint8

// The doses.
const (
	StatedMean Stated = iota
	StatedFull
	statedDoses
)

var statedNames = [statedDoses]string{"mean", "full"}

func (s Stated) String() string {
	if s >= statedDoses {
		return fmt.Sprintf("Stated(%d)", uint8(s))
	}
	return statedNames[s]
}

// MarshalText writes the dose's name.
func (s Stated) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a dose's name: mean or full.
func (s *Stated) UnmarshalText(text []byte) error {
	at := slices.Index(statedNames[:], string(text))
	if at < 0 {
		return fmt.Errorf("%q is not a dose at which effects are stated; the doses are mean and full", text)
	}
	*s = Stated(at)
	return nil
}

// Names lists the values a Stated can take, for error messages and schemas.
func (Stated) Names() []string { return statedNames[:] }

func (d *Dosage) name() string {
	if d.Column == "" {
		return "cycles"
	}
	return d.Column
}

func (d *Dosage) check(f *Faults) {
	const path = "trial.dosage"
	if !(d.Mean > 0 && d.Mean <= float64(d.Max)) {
		f.Add(path+".mean", "must be above 0 and at most trial.dosage.max, %d, not %g", d.Max, d.Mean)
		return
	}
	low, high := d.bounds()
	if !(d.SD >= low-doseSlack && d.SD <= high+doseSlack) {
		f.Add(path+".sd", "of whole numbers from 0 to %d with mean %g is from %.4g to %.4g, not %g", d.Max, d.Mean, low, high, d.SD)
	} else if d.law() == nil {
		f.Add(path+".sd", "%g is so close to a limit, %.4g or %.4g, that no law was found; take the limit itself", d.SD, low, high)
	}
}

// doseSlack is how far an SD may be from its limits to be taken for them.
const doseSlack = 1e-4

// bounds are the smallest and largest SDs that cycles can have.
func (d *Dosage) bounds() (low, high float64) {
	_, rest := math.Modf(d.Mean)
	return math.Sqrt(rest * (1 - rest)), math.Sqrt(d.Mean * (float64(d.Max) - d.Mean))
}

// law returns the probability of each number of cycles, or nil where it is not
// found.
func (d *Dosage) law() []float64 {
	p := make([]float64, d.Max+1)
	low, high := d.bounds()
	whole, rest := math.Modf(d.Mean)
	switch {
	case d.SD <= low+doseSlack:
		p[int(whole)] = 1 - rest
		if rest > 0 {
			p[int(whole)+1] = rest
		}
		return p
	case d.SD >= high-doseSlack:
		p[d.Max] = d.Mean / float64(d.Max)
		p[0] = 1 - p[d.Max]
		return p
	}
	// Newton's steps on the convex dual log Σ exp(αx + βx²) - β s², with x
	// measured from the mean in SDs asked for, halved until they descend. The
	// start is the uniform law.
	alpha, beta := 0.0, 0.0
	x := func(n int) float64 { return (float64(n) - d.Mean) / d.SD }
	dual := func(alpha, beta float64) float64 {
		top := math.Inf(-1)
		for n := range p {
			top = max(top, alpha*x(n)+beta*x(n)*x(n))
		}
		sum := 0.0
		for n := range p {
			p[n] = math.Exp(alpha*x(n) + beta*x(n)*x(n) - top)
			sum += p[n]
		}
		for n := range p {
			p[n] /= sum
		}
		return top + math.Log(sum) - beta
	}
	value := dual(alpha, beta)
	for range 500 {
		var m [5]float64 // moments about the mean asked for
		for n, q := range p {
			for k, power := 0, 1.0; k < 5; k, power = k+1, power*x(n) {
				m[k] += q * power
			}
		}
		if math.Abs(m[1]) < 1e-12 && math.Abs(m[2]-1) < 1e-12 {
			return p
		}
		// Gradient (m1, m2 - 1); Hessian, the covariance of x and x².
		a, b, c := m[2]-m[1]*m[1], m[3]-m[1]*m[2], m[4]-m[2]*m[2]
		det := a*c - b*b
		if !(det > 0) {
			return nil
		}
		stepA, stepB := (c*m[1]-b*(m[2]-1))/det, (a*(m[2]-1)-b*m[1])/det
		size := 1.0
		for ; size > 1e-30; size /= 2 {
			if dual(alpha-size*stepA, beta-size*stepB) <= value+1e-15*math.Abs(value) {
				break
			}
		}
		alpha, beta = alpha-size*stepA, beta-size*stepB
		value = dual(alpha, beta)
	}
	var m [2]float64
	for n, q := range p {
		m[0] += q * x(n)
		m[1] += q * x(n) * x(n)
	}
	if math.Abs(m[0]) < 1e-9 && math.Abs(m[1]-1) < 1e-9 { // rounding kept it from less
		return p
	}
	return nil
}

// words says the dosage.
func (d *Dosage) words() string {
	text := fmt.Sprintf("%g of %d cycles on average (SD %g)", d.Mean, d.Max, d.SD)
	if d.Stated == StatedFull {
		return text + fmt.Sprintf("; effects are stated for all %d", d.Max)
	}
	return text + "; effects are stated at this mean"
}

// A dose is a compiled Dosage.
type dose struct {
	below  []float64 // P(N <= n)
	share  []float64 // by cycles: of the effects stated
	cycles []int     // by unit that the treatment reaches
	mean   float64   // E share, without lost cycles
}

func newDose(d *Dosage, units int) *dose {
	if d == nil {
		return nil
	}
	s := &dose{share: make([]float64, d.Max+1), cycles: make([]int, units)}
	for n := range s.share {
		s.share[n] = float64(n) / float64(d.Max)
		if c := d.Concavity; c > 0 {
			s.share[n] = math.Expm1(-c*s.share[n]) / math.Expm1(-c)
		}
	}
	sum := 0.0
	p := d.law()
	for n, q := range p {
		sum += q
		s.below = append(s.below, sum)
		s.mean += q * s.share[n]
	}
	s.below[d.Max] = 1
	if d.Stated == StatedMean {
		for n := range s.share {
			s.share[n] /= s.mean
		}
		s.mean = 1
	}
	return s
}

// after is the expected share where so many cycles are lost.
func (s *dose) after(lost int) float64 {
	sum, before := 0.0, 0.0
	for n, at := range s.below {
		sum += (at - before) * s.share[max(n-lost, 0)]
		before = at
	}
	return sum
}

// draw draws the cycles that each of n units would have.
func (s *dose) draw(n int, r *Source) {
	for i := range n {
		at, found := slices.BinarySearch(s.below, r.Float64())
		if found {
			at++ // P(N <= n) itself belongs to the next number
		}
		s.cycles[i] = at
	}
}
