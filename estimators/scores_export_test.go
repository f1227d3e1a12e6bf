package estimators

// ByGroup is least squares whose scores are computed group by group.
type ByGroup struct{ OLS }

// Bind is that of OLS, of which another method could read the parts.
func (o ByGroup) Bind(name string, s *Setup) (Fitter, error) {
	return o.byOutcome(s, func(f *Formula) (Fitter, error) { return o.bind(name, s, f) })
}

// Nested counts regressions that are nested in another, and those whose projections were
// the other's in the data set fitted last.
func (p *Panel) Nested() (all, used int) {
	for _, l := range p.setup.linear {
		if l.columns == nil || l.columns.within == nil {
			continue
		}
		all++
		if l.columns.sound && l.columns.within.base.sound {
			used++
		}
	}
	return all, used
}
