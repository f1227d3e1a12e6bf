package estimators

// ByGroup is least squares whose scores are computed group by group.
type ByGroup struct{ OLS }

// Bind is that of OLS, of which another method could read the parts.
func (o ByGroup) Bind(name string, s *Setup) (Fitter, error) {
	return o.byOutcome(s, func(f *Formula) (Fitter, error) { return o.bind(name, s, f) })
}
