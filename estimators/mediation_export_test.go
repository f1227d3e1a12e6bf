package estimators

import (
	"math"
	"slices"
)

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

// SIMEX returns estimates and influences of a panel's only estimator, SIMEX of the data that it has
// just fitted, and again with a regression in full for every draw.
func (p *Panel) SIMEX() (estimates, influences, again, influencesAgain []float64) {
	c := p.fitters[0].(*mediation).paths.corrected
	n := c.paths.outcome.clusters * c.regression.focal
	estimates, influences = slices.Clone(c.theta), slices.Clone(c.influence[:n])
	if !c.slowly(p.setup).Worked() {
		return nil, nil, nil, nil
	}
	return estimates, influences, c.theta, c.influence[:n]
}

// slowly is SIMEX with a regression in full for every level of every draw.
func (c *correctedPaths) slowly(s *Setup) Status {
	clear(c.theta)
	clear(c.influence[:c.paths.outcome.clusters*c.regression.focal])
	core, k := c.paths.outcome.core, c.paths.k
	copy(c.root.l, c.sigma)
	for i := range k {
		c.raw[i] = c.sigma[i*k+i]
	}
	c.root.factor(c.raw)
	noise := make([]float64, core.groups*k)
	add := func(square, weight float64) Status {
		for g := range core.groups {
			for i := range k {
				c.used[i][g] = c.score[i][g] + math.Sqrt(square)*dot(c.root.l[i*k:i*k+i+1], noise[g*k:])
			}
		}
		c.fill(c.f, c.used)
		return c.add(weight, nil, nil)
	}
	if status := add(0, c.extrapolated[0]); !status.Worked() {
		return status
	}
	r := c.source.Load(s.stream, c.purpose)
	for range c.Draws {
		for i := range noise {
			noise[i] = r.NormFloat64()
		}
		for level, square := range simexLevels {
			if status := add(square, c.extrapolated[level+1]/float64(c.Draws)); !status.Worked() {
				return status
			}
		}
	}
	return OK
}
