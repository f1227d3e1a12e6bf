package estimators

import "math"

// A VarianceComponent is the variance of a random effect between units of a level,
// or of the residuals, in the last fit of a mixed model.
type VarianceComponent struct {
	Outcome  string
	Level    string // e.g. "school"; "residual"
	Term     string // "(Intercept)", or the term whose coefficient varies; "" for residuals
	Variance float64
	// ICC is the share of the sum of all variances: the correlation of two rows that
	// have this level in common and none below, but for the shares of the levels
	// above. It is NaN where a coefficient varies, with which variances change.
	ICC float64
	// With is the term of the same units that the effect is correlated with, "" for
	// none, and Correlation that correlation, NaN where a variance is 0.
	With        string
	Correlation float64
}

// residualLevel is what the level of residuals is called.
const residualLevel = "residual"

// VarianceComponents returns those of the last Fit, of all mixed models, by
// outcome; none of outcomes whose fit failed.
func (p *Panel) VarianceComponents() []VarianceComponent {
	var all []VarianceComponent
	for _, f := range p.fitters {
		all = append(all, componentsOf(f)...)
	}
	return all
}

func componentsOf(f Fitter) (all []VarianceComponent) {
	switch f := f.(type) {
	case *fitters:
		for _, one := range f.each {
			all = append(all, componentsOf(one)...)
		}
	case *mixed:
		for i := range f.l.outcomes {
			if f.found[i].sigma2 > 0 {
				all = append(all, f.components(i)...)
			}
		}
	}
	return all
}

// foundVariances are those of one outcome: σ², 0 where the fit failed, and the
// ratios, or entries of the matrices D, per σ².
type foundVariances struct {
	sigma2    float64
	parameter [mostParameters]float64
}

// components are those of outcome i, the highest level first.
func (m *mixed) components(i int) []VarianceComponent {
	found := &m.found[i]
	rows := len(m.l.rows) / len(m.l.outcomes)
	outcome := m.l.rows[i*rows].Outcome
	nan := math.NaN()
	var all []VarianceComponent
	add := func(level, term string, ratio float64) {
		all = append(all, VarianceComponent{Outcome: outcome, Level: level, Term: term, Variance: found.sigma2 * ratio, ICC: nan, Correlation: nan})
	}
	if m.slopes != nil {
		r := m.slopes
		for t := len(r.active) - 1; t >= 0; t-- {
			term := &r.active[t]
			level, k := term.level.String(), term.first
			if len(term.columns) == 1 {
				z := term.columns[0]
				add(level, r.names[z], found.parameter[k]/(r.scale[z]*r.scale[z]))
				continue
			}
			// b0 + b1 (x-c)/s is (b0 - b1 c/s) + (b1/s) x.
			x, z := term.columns[0], term.columns[1]
			d00, d01, d11 := found.parameter[k], found.parameter[k+1], found.parameter[k+2]
			sx, sz := r.scale[x], r.scale[z]
			d00, d01, d11 = d00/(sx*sx), d01/(sx*sz), d11/(sz*sz)
			c := r.centers[z]
			d00, d01 = d00-2*c*d01+c*c*d11, d01-c*d11
			add(level, r.names[x], d00)
			add(level, r.names[z], d11)
			last := &all[len(all)-1]
			last.With = r.names[x]
			if last.Correlation = d01 / math.Sqrt(d00*d11); math.IsInf(last.Correlation, 0) {
				last.Correlation = nan
			}
		}
	} else {
		level := m.inner.String()
		if m.nested && !m.single {
			add(m.outer.String(), interceptName, found.parameter[1])
		} else if m.nested { // one unit in each: nothing tells the two apart
			level = m.outer.String() + "/" + level
		}
		add(level, interceptName, found.parameter[0])
	}
	add(residualLevel, "", 1)
	if m.slopes == nil || !m.slopes.sloped() {
		total := 0.0
		for _, c := range all {
			total += c.Variance
		}
		for k := range all {
			all[k].ICC = all[k].Variance / total
		}
	}
	return all
}

// sloped reports whether a coefficient varies.
func (r *randomSlopes) sloped() bool {
	for i := range r.active {
		for _, z := range r.active[i].columns {
			if z > 0 {
				return true
			}
		}
	}
	return false
}
