package sim

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// An EffectSearch looks for the minimum detectable effect: the value of an
// effect's key at which a test has the power asked for.
type EffectSearch struct {
	At         func(x float64) (Study, error) // the study with the key at x
	Test       Test
	Power      float64 // the target
	Replicates int     // of the last simulations
	Workers    int
	Tell       func(x float64, l Looked)
}

// ErrUnmoved says that the key of an EffectSearch is of no effect on its test.
var ErrUnmoved = errors.New("the effect's key does not move the estimate")

// A Detectable is a minimum detectable effect.
type Detectable struct {
	Key     Uncertain  // value of the effect's key
	Effect  *Uncertain // population effect on the test's outcome, nil where it has none
	Confirm Looked     // the simulation at At
	At      float64
	Trials  int
}

// An Uncertain is an estimate with its Monte Carlo standard error.
type Uncertain struct{ Value, MCSE float64 }

// Find finds the effect. It starts from the standard error at no effect, moves
// to the root of
//
//	λ(x) = Φ⁻¹(power) + Φ⁻¹(1-α/2),
//
// which is close to linear in the effect x, and ends with full simulations there.
// All values share random draws. Where a family adjusts the test's p-values, power is
// that after adjustment, and 1-α/2 is where the estimates say that it rejects: the
// effect in standard errors less Φ⁻¹(power).
func (s EffectSearch) Find(ctx context.Context) (Detectable, error) {
	var d Detectable
	pilot := min(max(s.Replicates/5, 200), s.Replicates)
	look := func(x float64, n int) (*sample, error) {
		study, err := s.At(x)
		if err != nil {
			return nil, err
		}
		p := newSample(study, []Test{s.Test})
		if err := p.grow(ctx, n, s.Workers); err != nil {
			return nil, err
		}
		d.Trials += n
		if s.Tell != nil {
			s.Tell(x, (&candidate{values: []float64{x}, cost: math.NaN(), sample: p}).looked())
		}
		return p, nil
	}
	zero, err := look(0, pilot)
	if err != nil {
		return d, err
	}
	mean0, sd := zero.estimate(0)
	if !(sd > 0) {
		return d, fmt.Errorf("the estimates of %s do not vary, or every fit failed, without an effect", s.Test)
	}
	model := &surrogate{critical: distuv.UnitNormal.Quantile(1 - zero.level(0)/2)}
	want := model.lambda(s.Power)
	x := want * sd
	first, err := look(x, pilot)
	if err != nil {
		return d, err
	}
	mean1, _ := first.estimate(0)
	slope := (mean1 - mean0) / x // of the estimate on the key; the draws are the same
	if !(math.Abs(slope)*x > 0.02*sd) {
		return d, fmt.Errorf("%w of %s: from 0 to %.3g it moves by %.2g, and its standard deviation is %.2g", ErrUnmoved, s.Test, x, mean1-mean0, sd)
	}
	x = want * sd / math.Abs(slope)

	// From here the power itself is brought to the target.
	const rounds = 15
	n, last := pilot, false
	for range rounds {
		p, err := look(x, n)
		if err != nil {
			return d, err
		}
		power, mcse := p.power(0)
		if n < s.Replicates {
			power, _ = p.smooth(0)
		}
		if power <= 0.01 || power >= 0.9999 && n == s.Replicates {
			return d, fmt.Errorf("no effect was found with power %.3g: at %.4g power is %.3g", s.Power, x, power)
		}
		if p.adjusted(0) {
			mean, sd := p.estimate(0)
			model.critical = math.Abs(mean)/sd - distuv.UnitNormal.Quantile(power)
			want = model.lambda(s.Power)
		}
		lambda := model.lambda(power)
		rate := lambda / x
		// The correction is less than a step wherever λ is close to linear.
		next := x * min(max(want/lambda, 0.3), 3)
		se := mcse / (distuv.UnitNormal.Prob(distuv.UnitNormal.Quantile(power)) * rate)
		if n == s.Replicates {
			d.Key, d.At = Uncertain{next, se}, x
			d.Confirm = (&candidate{values: []float64{x}, cost: math.NaN(), sample: p}).looked()
			if last || math.Abs(next-x) < se/2 {
				break
			}
			last = math.Abs(next-x) < 2*se
		}
		x, n = next, s.Replicates
	}
	return d, s.effect(&d)
}

// effect fills the population effect on the test's outcome.
func (s EffectSearch) effect(d *Detectable) error {
	study, err := s.At(d.Key.Value)
	if err != nil {
		return err
	}
	study = study.only([]Test{s.Test})
	for i := range study.Estimators {
		study.Estimators[i].Estimand = Population
	}
	truths, err := study.population(s.Workers)
	if err != nil {
		return err
	}
	for _, t := range truths {
		if (Test{t.Estimator, t.Outcome, t.Term}) == s.Test && isFinite(t.Value) {
			size := math.Abs(t.Value)
			d.Effect = &Uncertain{size, math.Hypot(t.MCSE, size/d.Key.Value*d.Key.MCSE)}
		}
	}
	return nil
}
