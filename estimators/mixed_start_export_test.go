package estimators

import "math"

// A StartOfFit is how the search of a mixed model with one ratio began, in logarithms u.
type StartOfFit struct {
	Rows, Units, Between []float64 // by size of units: rows of each, their number, E
	Within, Share, N     float64   // R, 1 - q/m, n-p
	Least                float64   // where the profile is least
	Newton, Refined      float64   // where Newton's step from there ends, and the refined one
	End                  float64   // where the deviance is least
	Derivatives          func(u float64) (first, second float64)
}

// Start repeats the first step for outcome 0 of the mixed model that the panel fitted last.
func (p *Panel) Start() StartOfFit {
	m := p.fitters[0].(*mixed)
	u := m.start(0)
	r := m.residuals
	s := StartOfFit{Between: r.between[:len(m.size)], Within: r.within, Share: r.share, N: r.rows, Least: u[0], Derivatives: r.derivatives}
	for _, size := range m.size {
		s.Rows, s.Units = append(s.Rows, size.rows), append(s.Units, size.units)
	}
	n, _ := m.sizes()
	s.End = math.Log1p(n * m.found[0].parameter[0])
	m.evaluate(0, m.ratios(u), false)
	gradient, curvature := m.byLogs(u)
	step := newton(gradient, curvature, u, 1)[0]
	s.Newton, s.Refined = u[0]+step, u[0]+r.refine(u[0], step, curvature[0][0])
	return s
}
