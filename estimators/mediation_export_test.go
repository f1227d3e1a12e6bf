package estimators

// ResampleMediation refits the bootstrap of a panel's only estimator, which the panel
// has just fitted, with every cluster counted as often as count says, by its number
// among the data's. It returns a, then b by mediator, interactions and c.
func (p *Panel) ResampleMediation(outcome int, count func(cluster int) float64) []float64 {
	b := p.fitters[0].(*mediation).bootstrap
	clear(b.count)
	for _, id := range b.order {
		b.count[id] = count(id)
	}
	if !b.parts[0].solve(b) || !b.parts[1].solve(b) {
		return nil
	}
	b.worked = 0
	b.keep(outcome)
	n := b.paths.size()
	return b.drawn[outcome*b.wanted*n:][:n]
}

// DrawMediation returns how often the last sample drawn has each cluster.
func (p *Panel) DrawMediation() []float64 { return p.fitters[0].(*mediation).bootstrap.count }
