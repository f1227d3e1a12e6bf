package dgp

import "math"

// Related reports whether a column does not move the gains of classes but varies together
// with one that does: by factors, the class's ability or covariates that both load on.
// What goes with it alone makes it seem to predict.
func (g *Generator) Related(column int) bool {
	if g.learning == nil || g.Predicts(column) {
		return false
	}
	own := g.population.find(g.shape.Columns[column].Name)
	if own == nil {
		return false
	}
	if own.normal() && g.population.ability != nil && together(own.behind(), g.population.ability.parts) { // the score before
		return true
	}
	for _, c := range g.population.columns {
		if c == own || !g.learning.Gains.predicts(c.Name) {
			continue
		}
		if own.normal() && c.normal() {
			if together(own.behind(), c.behind()) {
				return true
			}
		} else if g.population.covariance(own, c) != 0 {
			return true
		}
	}
	return false
}

// behind is what stands behind a covariate: its latent normal, or where others load on
// it, its linear part.
func (c *drawnColumn) behind() latentParts {
	if c.linear != nil {
		return *c.linear
	}
	return c.latent.parts
}

// together reports whether two normal variables covary, beyond rounding.
func together(a, b latentParts) bool {
	sum := 0.0
	for _, v := range a.covariance(&b) {
		sum += v
	}
	return math.Abs(sum) > 1e-12
}
