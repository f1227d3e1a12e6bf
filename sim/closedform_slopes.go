package sim

import (
	"math"
	"slices"

	"coachsim/dgp"
)

// A regressor is a covariate that varies at several levels, as a baseline test
// does, or the means of a covariate over schools or teachers. Its slope is that of
// the regression of the outcome on it, by the strata of an analysis of variance:
// one for the differences between schools of an arm, one for those between the
// teachers of a school, one for those between the children of a class. Strata of
// which the formula knows no means apart share one slope.
type regressor struct {
	name  string
	own   bool               // it is in the formula itself
	means map[dgp.Level]bool // and its means over these

	covariance byLevel // with the outcome
	variance   byLevel
	slope      byLevel // of the outcome, in each stratum
}

// regressor returns the regressor with a name, nil for a name that is no column
// known before the assignment.
func (b *closedFormOf) regressor(name string) *regressor {
	t := b.trial
	known := t.Achievement.Baseline != nil && name == t.Achievement.Baseline.Name ||
		slices.ContainsFunc(t.Covariates, func(c dgp.Covariate) bool { return c.Name == name })
	if !known {
		return nil
	}
	for _, r := range b.regressors {
		if r.name == name {
			return r
		}
	}
	r := &regressor{name: name, means: map[dgp.Level]bool{}}
	b.regressors = append(b.regressors, r)
	return r
}

// mean is the variance, or covariance, of the mean of a unit of a level, about
// those above, of something with parts of units at each level.
func (b *closedFormOf) mean(v byLevel, of dgp.Level) float64 {
	sum, units := 0.0, 1.0
	for l := of; l <= b.rows; l++ {
		if l > of {
			units *= b.size[l]
		}
		sum += v[l] / units
	}
	return sum
}

// fold moves what is below the rows into them.
func (b *closedFormOf) fold(v byLevel) byLevel {
	units := 1.0
	for l := b.rows + 1; l <= dgp.ChildLevel; l++ {
		units *= b.size[l]
		v[b.rows] += v[l] / units
		v[l] = 0
	}
	return v
}

// A stratum is a line of an analysis of variance.
type stratum struct {
	level  dgp.Level
	df     float64
	rows   float64 // per unit
	pooled bool    // a mixed model has no variance of its own for it, but that of the next
}

// anova lists the lines between whose units the regression compares.
func (b *closedFormOf) anova() []stratum {
	var all []stratum
	for l := dgp.BlockLevel; l <= b.rows; l++ {
		if l < b.rows && b.absorbs(l) {
			continue
		}
		s := stratum{level: l, df: b.above(l)*b.size[l] - b.above(l), rows: 1}
		if l == dgp.BlockLevel {
			s.df = b.size[l] - 1
		}
		if l == b.unit {
			s.df -= b.armParameters()
		}
		for below := l + 1; below <= b.rows; below++ {
			s.rows *= b.size[below]
		}
		s.pooled = b.mixed && l < b.rows && !b.random(l)
		if s.df > 0 {
			all = append(all, s)
		}
	}
	return all
}

// explain takes what a regressor explains off the variances, and adds to the
// variance of a unit's mean what its estimated slope costs.
func (b *closedFormOf) explain(r *regressor) {
	if !r.own && b.given[r.name] > 0 {
		// What the means tell, the covariate itself has told.
		r.covariance, r.variance = byLevel{}, byLevel{}
	}
	strata := b.anova()
	for first := 0; first < len(strata); {
		last := first // of the strata with one slope
		for last+1 < len(strata) && !r.means[strata[last].level] {
			last++
		}
		together := strata[first : last+1]
		first = last + 1
		if !r.own && !r.means[together[len(together)-1].level] {
			continue // below all means, of a covariate that is not in the formula
		}
		x, error := b.slope(r, together)
		for _, s := range together {
			r.slope[s.level] = x
			if s.level != b.unit {
				continue
			}
			if len(together) == 1 {
				b.atUnit++ // one more covariate of units
			} else {
				b.added += b.mean(r.variance, b.unit) * error
			}
		}
	}
	// The variance of a unit's mean changes with the slope of its own stratum; what
	// the units below do not account for is its own.
	var residual byLevel
	for l := b.unit; l <= b.rows; l++ {
		if residual[l] = r.change(r, l, b); l < b.rows {
			residual[l] -= r.change(r, l+1, b) / b.size[l+1]
		}
	}
	for _, of := range [][]byLevel{b.after, b.received} {
		for arm := range of {
			for l := b.unit; l <= b.rows; l++ {
				of[arm][l] += residual[l]
			}
		}
	}
}

// change is what the slopes of a regressor do to the variance of the mean of a unit of
// a level, or, with those on another outcome, to the covariance of both.
func (r *regressor) change(o *regressor, l dgp.Level, b *closedFormOf) float64 {
	return r.slope[l]*o.slope[l]*b.mean(r.variance, l) - r.slope[l]*b.mean(o.covariance, l) - o.slope[l]*b.mean(r.covariance, l)
}

// slope returns the slope that strata have in common and the variance of its
// estimate.
func (b *closedFormOf) slope(r *regressor, strata []stratum) (slope, variance float64) {
	type product struct{ df, xx, xy, yy, weight float64 }
	products := make([]product, len(strata))
	for i, s := range strata {
		for arm := range b.after {
			products[i].yy += s.rows * b.mean(b.after[arm], s.level) * b.units[arm] / b.all()
		}
		products[i].df, products[i].weight = s.df, 1
		products[i].xx, products[i].xy = s.rows*b.mean(r.variance, s.level), s.rows*b.mean(r.covariance, s.level)
	}
	solve := func() {
		top, bottom := 0.0, 0.0
		for _, p := range products {
			top += p.df * p.xy * p.weight
			bottom += p.df * p.xx * p.weight
		}
		if slope = 0; bottom > 0 {
			slope = top / bottom
		}
	}
	left := func(p product) float64 { return max(p.yy-2*slope*p.xy+slope*slope*p.xx, 0) }
	solve()
	for range 200 { // restricted likelihood: weights are the inverses of mean squares
		if !b.mixed {
			break
		}
		before := slope
		for i := 0; i < len(products); {
			last := i
			for last+1 < len(products) && strata[last].pooled {
				last++
			}
			square, df := 0.0, 0.0
			for _, p := range products[i : last+1] {
				square, df = square+p.df*left(p), df+p.df
			}
			for ; i <= last; i++ {
				products[i].weight = df / max(square, 1e-300)
			}
		}
		if solve(); math.Abs(slope-before) < 1e-12*(1+math.Abs(slope)) {
			break
		}
	}
	score, information := 0.0, 0.0
	for _, p := range products {
		// Of a sum of products of a normal regressor and its residual.
		with := p.xy - slope*p.xx
		score += p.weight * p.weight * p.df * (p.xx*left(p) + with*with)
		information += p.weight * p.df * p.xx
	}
	if information == 0 {
		return slope, 0
	}
	return slope, score / (information * information)
}
