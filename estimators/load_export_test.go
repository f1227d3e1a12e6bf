package estimators

import "coachsim/dgp"

// Load lets a benchmark time what all methods share: derived columns and
// cross-products, without a fit.
func (p *Panel) Load(d *dgp.Data) { p.setup.load(d) }
