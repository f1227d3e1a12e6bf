package dgp

import (
	"math"
)

// A population is everything about schools, classes and children that
// assignment does not touch: the hierarchy, class sizes, covariates and block
// effects. Arrays cover every unit drawn, also those that will be lost.
type population struct {
	design  Design
	sizeLaw ClassSize

	block        []int     // of each school
	school       []int     // of each teacher
	teacherStart []int     // first teacher of each school, and the end
	size         []int     // children in each class
	sizes        []float64 // scratch: normals of them
	childStart   []int     // first sampled child of each class, and the end

	factors []*drawnFactor
	ability *classAbility // nil without learning
	columns []*drawnColumn
	sources int       // independent normals behind factors, ability and covariates
	latent  []float64 // scratch: by unit of any level
	shared  []float64 // scratch: by school

	blockQuality     [][]float64 // by domain, by block
	blockAchievement []float64
	blockEffects     []float64 // where they are given
	qualityIndex     []float64 // by teacher; variance 1
	achievementIndex []float64 // by teacher; variance 1

	qualityTerms, achievementTerms []indexTerm
	childTerms                     []*drawnColumn
	child                          []float64 // by sampled child: covariates' part of achievement, SDs of the total
}

// A drawnColumn is a covariate with its values for all units drawn.
type drawnColumn struct {
	Covariate
	law    compiledLaw
	latent *compiledLatent // nil where the law draws by itself
	// Where others load on it, its linear part, in SDs from its mean; and where it
	// weighs in an index, the coefficients of its mean given the latent normal.
	linear  *latentParts
	hermite []float64
	values  []float64
}

// An indexTerm is one covariate's part of an index: weight times z-score.
type indexTerm struct {
	column *drawnColumn
	weight float64 // already divided by the index's standard deviation
}

func newPopulation(t Trial) *population {
	d := t.Design
	schools, teachers := d.schools(), d.teachers()
	p := &population{
		design:           d,
		sizeLaw:          d.Children,
		block:            make([]int, schools),
		school:           make([]int, teachers),
		size:             make([]int, teachers),
		sizes:            make([]float64, teachers),
		childStart:       make([]int, teachers+1),
		blockAchievement: make([]float64, d.Blocks),
		qualityIndex:     make([]float64, teachers),
		achievementIndex: make([]float64, teachers),
		child:            make([]float64, teachers*d.Tested),
	}
	p.blockEffects = centred(t.Achievement.BlockEffects)
	p.compile(t)
	for s := range p.block {
		p.block[s] = s / d.Schools
	}
	p.teacherStart = d.teacherStarts()
	for s := range schools {
		for j := p.teacherStart[s]; j < p.teacherStart[s+1]; j++ {
			p.school[j] = s
		}
	}
	for range t.Quality.Domains {
		p.blockQuality = append(p.blockQuality, make([]float64, d.Blocks))
	}
	units := [levels]int{d.Blocks, schools, teachers, teachers * d.Tested}
	most := 0
	for _, c := range p.columns {
		c.values = make([]float64, units[c.Level])
		if c.latent != nil {
			most = max(most, units[c.Level])
		}
	}
	for _, f := range p.factors {
		f.values = make([]float64, units[f.Level])
	}
	if p.ability != nil {
		p.ability.room(schools, teachers)
	}
	p.latent, p.shared = make([]float64, most), make([]float64, schools)
	return p
}

// compile prepares factors and covariates, without room for their values.
func (p *population) compile(t Trial) {
	for _, f := range t.Factors {
		p.factors = append(p.factors, &drawnFactor{Factor: f, latent: p.compileLatent(f.Latent, f.Level)})
	}
	if t.Learning != nil {
		p.ability = p.compileAbility(t)
	}
	for _, c := range t.Covariates {
		column := &drawnColumn{Covariate: c, law: c.Law.Compile(p)}
		switch {
		case c.Latent != nil:
			column.law = column.law.withLatent()
			column.latent = p.compileLatent(*c.Latent, c.Level)
		case column.law.draw == nil:
			column.latent = p.compileLatent(Latent{}, c.Level)
		}
		if column.latent != nil && (c.Quality != 0 || c.Achievement != 0) {
			column.hermite = hermiteOf(column.law.given)
		}
		if t.loadedOn(c.Name) {
			column.linearised(p)
		}
		p.columns = append(p.columns, column)
		if c.Level == ChildLevel && (c.Slope != 0 || c.Curvature != 0) {
			p.childTerms = append(p.childTerms, column)
		}
	}
	p.qualityTerms = p.index(func(c Covariate) float64 { return c.Quality })
	p.achievementTerms = p.index(func(c Covariate) float64 { return c.Achievement })
}

// index collects the covariates that weigh in an index. The weights are scaled
// so that the index has variance 1 when the covariates are uncorrelated.
func (p *population) index(weight func(Covariate) float64) []indexTerm {
	var terms []indexTerm
	sum := 0.0
	for _, c := range p.columns {
		if w := weight(c.Covariate); w != 0 && c.law.sd > 0 {
			terms = append(terms, indexTerm{column: c, weight: w})
			sum += w * w
		}
	}
	for i := range terms {
		terms[i].weight /= math.Sqrt(sum)
	}
	return terms
}

// column returns the covariate with a name; it must exist.
func (p *population) column(name string) *drawnColumn {
	if c := p.find(name); c != nil {
		return c
	}
	panic("dgp: no covariate " + name)
}

// find returns the column of a covariate, or nil.
func (p *population) find(name string) *drawnColumn {
	for _, c := range p.columns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// children returns the number of sampled children.
func (p *population) children() int { return p.childStart[len(p.size)] }

// draw draws the whole population.
func (p *population) draw(q Quality, a Achievement, r *Source) {
	c := q.Context.BlockCorrelation
	for b := range p.design.Blocks {
		shared := r.NormFloat64()
		for k := range p.blockQuality {
			z := math.Sqrt(c)*shared + math.Sqrt(1-c)*r.NormFloat64()
			p.blockQuality[k][b] = math.Sqrt(q.Context.BlockShare*q.Context.Variance[k]) * z
		}
		p.blockAchievement[b] = a.BlockSD * r.NormFloat64()
		if p.blockEffects != nil {
			p.blockAchievement[b] = p.blockEffects[b]
		}
	}
	p.sizeLaw.fill(p.size, p.sizes, r)
	for j, size := range p.size {
		p.childStart[j+1] = p.childStart[j] + min(size, p.design.Tested)
	}
	for _, f := range p.factors {
		f.latent.draw(f.values, p, r)
	}
	if p.ability != nil {
		p.ability.draw(p, r)
	}
	for _, column := range p.columns {
		values := column.values
		if column.Level == ChildLevel {
			values = values[:p.children()]
		}
		if column.latent == nil {
			column.law.draw(values, r)
			continue
		}
		z := p.latent[:len(values)]
		column.latent.draw(z, p, r)
		column.law.from(values, z, r)
	}
	p.fillIndex(p.qualityIndex, p.qualityTerms)
	p.fillIndex(p.achievementIndex, p.achievementTerms)
	p.fillChild()
}

func (p *population) fillIndex(index []float64, terms []indexTerm) {
	clear(index)
	for _, t := range terms {
		scale, mean, values := t.weight/t.column.law.sd, t.column.law.mean, t.column.values
		if t.column.Level == SchoolLevel {
			for j, s := range p.school[:len(index)] {
				index[j] += scale * (values[s] - mean)
			}
			continue
		}
		for j, x := range values[:len(index)] {
			index[j] += scale * (x - mean)
		}
	}
}

// fillChild adds up slope·d + curvature·(d² − E d²), d the deviation of each
// child covariate from its mean.
func (p *population) fillChild() {
	child, terms := p.child[:p.children()], p.childTerms
	if len(terms) > 1 && terms[0].Curvature == 0 { // two in one pass
		x, first, b := terms[0].values[:len(child)], terms[0].law.mean, terms[0].Slope
		y, second, variance, slope, curvature := terms[1].parts(len(child))
		for i, v := range x {
			d := y[i] - second
			child[i] = 0 + b*(v-first) + (slope*d + curvature*(d*d-variance))
		}
		terms = terms[2:]
	} else {
		clear(child)
	}
	for _, c := range terms {
		values, mean, variance, slope, curvature := c.parts(len(child))
		for i, x := range values {
			d := x - mean
			child[i] += slope*d + curvature*(d*d-variance)
		}
	}
}

// parts are those of what a child covariate adds to n children. Without curvature that is
// slope·d to the last bit, but for the sign of 0, which no sum with 0 has.
func (c *drawnColumn) parts(n int) (values []float64, mean, variance, slope, curvature float64) {
	return c.values[:n], c.law.mean, c.law.sd * c.law.sd, c.Slope, c.Curvature
}
