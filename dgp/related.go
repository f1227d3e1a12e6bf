package dgp

import "math"

// Related reports whether a column does not move the gains of classes but varies together
// with one that does: by factors, the class's ability, covariates that both load on, or
// the grade. What goes with it alone makes it seem to predict.
func (g *Generator) Related(column int) bool {
	if g.learning == nil || g.Predicts(column) {
		return false
	}
	p := g.population
	own := p.find(g.shape.Columns[column].Name)
	if own == nil {
		return false
	}
	graded := own.byGrade() && g.trial.grades() > 1
	// The score before goes with the class's ability and, where these know more, its grade.
	if own.normal() && together(own.behind(), p.ability.parts) || graded && g.learning.byGrade() {
		return true
	}
	for _, c := range p.columns {
		if c == own || !g.learning.Gains.predicts(c.Name) {
			continue
		}
		switch {
		case graded && c.byGrade(), own.normal() && c.normal() && together(own.behind(), c.behind()), p.covariance(own, c) != 0:
			return true
		}
	}
	return false
}

// byGrade reports whether the mean of a covariate differs between grades, or it is the grade.
func (c *drawnColumn) byGrade() bool {
	switch law := c.Law.(type) {
	case ClassMean:
		return law.Grade != 0
	case gradeLaw:
		return true
	}
	return false
}

// byGrade reports whether grades differ in what children know before, or in their tests.
func (l *drawnLearning) byGrade() bool {
	differ := func(k int) bool {
		return l.Ability.GradeMeans[k] != l.Ability.GradeMeans[0] || l.Items.Numbers[k] != l.Items.Numbers[0]
	}
	for k := range l.Ability.GradeMeans {
		if differ(k) {
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
