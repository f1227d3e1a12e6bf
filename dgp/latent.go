package dgp

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// A Latent is a standard normal variable z behind a covariate or a factor:
//
//	z = Σ load x + √(1 - Var Σ load x) (√s N_school + √(1-s) N_unit)      s = SchoolShare
//
// with x the factors, the class's ability (Learning) and earlier covariates, each in
// SDs from its mean. A covariate's law turns z into the covariate by its quantiles,
// so that it keeps its own distribution. Where z loads on covariates, which are not
// normal, or on the ability of classes of several grades, it is only about normal, and
// the law holds about.
type Latent struct {
	Loads       map[string]float64 `yaml:"loads" min:"-1" max:"1" doc:"weights of factors, of earlier covariates, or of ability (of the class, before learning), each in SDs"`
	SchoolShare float64            `yaml:"school_share" min:"0" max:"1" doc:"share of the rest that the units of a school have in common"`
}

// A Factor is a normal variable, with mean 0 and SD 1, that no one observes and
// several covariates have in common. Covariates load on it by their own Latent, or those
// of Of all alike, by √Correlation.
type Factor struct {
	Name        string   `yaml:"name" required:"true" doc:"name, for loads"`
	Level       Level    `yaml:"level" required:"true" doc:"school or teacher"`
	Of          []string `yaml:"of,omitempty" doc:"covariates that load on it all alike, without naming it in their own loads"`
	Correlation float64  `yaml:"correlation,omitempty" min:"0" max:"1" doc:"of the normal variables behind any two of these, by the factor; of normal covariates, their own"`
	Latent      `yaml:",inline"`
}

// abilityLoad names the class's ability, before the year of Learning.
const abilityLoad = abilityVariable

// check adds the faults of what stands behind a variable of a level; known are the
// levels of all on which it may load.
func (l Latent) check(f *Faults, path string, level Level, known map[string]Level) {
	if level == SchoolLevel && l.SchoolShare != 0 {
		f.Add(path+"school_share", "is a share of what differs between the %s of a school; leave it out for a variable of schools", TeacherLevel.Plural())
	}
	for _, name := range slices.Sorted(maps.Keys(l.Loads)) {
		switch of, is := known[name]; {
		case !is:
			f.Add(path+"loads."+name, "there is no %q here; it can load on %s", name, orNothing(slices.Sorted(maps.Keys(known))))
		case of > level:
			f.Add(path+"loads."+name, "is of %s, and this of %s: it can load on what is of its own level or above", of.Plural(), level.Plural())
		}
	}
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// takesLatent reports whether a law draws by the quantile of a latent normal.
func takesLatent(l Law) bool {
	switch l.(type) {
	case ClassSizeLaw, Share:
		return false
	}
	return true
}

// loads reports whether anything loads on anything.
func (t Trial) loads() bool {
	return slices.ContainsFunc(t.Factors, func(f Factor) bool { return len(f.Loads) > 0 || len(f.Of) > 0 }) ||
		slices.ContainsFunc(t.Covariates, func(c Covariate) bool { return c.Latent != nil && len(c.Latent.Loads) > 0 }) ||
		t.Learning != nil && len(t.Learning.Ability.Loads) > 0
}

// loadedOn reports whether a covariate loads on one of this name.
func (t Trial) loadedOn(name string) bool {
	return slices.ContainsFunc(t.Covariates, func(c Covariate) bool {
		if c.Latent == nil {
			return false
		}
		_, loads := c.Latent.Loads[name]
		return loads
	})
}

// withLoads writes what factors say of covariates as loads of these.
func (t Trial) withLoads() Trial {
	cloned := false
	for _, factor := range t.Factors {
		for _, name := range factor.Of {
			if !cloned {
				t.Covariates, cloned = slices.Clone(t.Covariates), true
			}
			c := findCovariate(t.Covariates, name)
			latent := Latent{Loads: map[string]float64{}}
			if c.Latent != nil {
				latent.SchoolShare = c.Latent.SchoolShare
				maps.Copy(latent.Loads, c.Latent.Loads)
			}
			latent.Loads[factor.Name] = math.Sqrt(factor.Correlation)
			c.Latent = &latent
		}
	}
	return t
}

// checkOf adds the faults of the covariates that load on a factor all alike.
func (t Trial) checkOf(f *Faults, path string, factor Factor) {
	switch {
	case len(factor.Of) == 0 && factor.Correlation != 0:
		f.Add(path+"correlation", "is of the covariates that are named by of, and none is")
	case len(factor.Of) == 1:
		f.Add(path+"of", "names one covariate; a correlation is of two or more")
	}
	for i, name := range factor.Of {
		at := fmt.Sprintf("%sof[%d]", path, i)
		c := findCovariate(t.Covariates, name)
		switch {
		case c == nil:
			names := make([]string, len(t.Covariates))
			for k := range t.Covariates {
				names[k] = t.Covariates[k].Name
			}
			f.Add(at, "there is no covariate %q; there are %s", name, orNothing(names))
			continue
		case slices.Contains(factor.Of[:i], name):
			f.Add(at, "%q stands here twice", name)
		case !takesLatent(c.Law):
			f.Add(at, "%q is a class size or a share of members, which loads on nothing", name)
		case c.Level < factor.Level:
			f.Add(at, "%q is of %s, and the factor of %s: it can load on what is of its own level or above", name, c.Level.Plural(), factor.Level.Plural())
		case c.Level == ChildLevel && (c.Slope != 0 || c.Curvature != 0):
			f.Add(at, "the children of a class would have a part of the score in common by %q, which has slope or curvature", name)
		}
		if c.Latent != nil {
			if _, loads := c.Latent.Loads[factor.Name]; loads {
				f.Add(at, "%q has a load on %s of its own too", name, factor.Name)
			}
		}
	}
}

// checkLatents adds the faults of factors and of what stands behind covariates.
func (t Trial) checkLatents(f *Faults) {
	known := map[string]Level{}
	for i, factor := range t.Factors {
		path := fmt.Sprintf("factors[%d].", i)
		if factor.Level != SchoolLevel && factor.Level != TeacherLevel {
			f.Add(path+"level", "a factor is of schools or of teachers; this is of %s", factor.Level.Plural())
		}
		if factor.Name == abilityLoad {
			f.Add(path+"name", "%q is what loads call the class's ability; give the factor another name", abilityLoad)
		}
		factor.check(f, path, factor.Level, known)
		t.checkOf(f, path, factor)
		known[factor.Name] = factor.Level
	}
	if t.Learning != nil {
		t.Learning.Ability.checkLoads(f, known)
		known[abilityLoad] = TeacherLevel
	}
	for i, c := range t.Covariates {
		if c.Latent != nil {
			path := fmt.Sprintf("covariates[%d].latent", i)
			switch {
			case !takesLatent(c.Law):
				f.Add(path, "is for laws that draw each unit by itself; a class size or a share of members has none")
			case c.Level == ChildLevel && (c.Slope != 0 || c.Curvature != 0):
				f.Add(path, "would make a part of the score that the children of a class have in common of a child covariate with slope or curvature; leave these out, or latent")
			default:
				c.Latent.check(f, path+".", c.Level, known)
			}
		}
		known[c.Name] = c.Level
	}
}

// latentParts are the coefficients of a normal variable on independent standard
// normals, those of schools, teachers and children apart, by source.
type latentParts [levels][]float64

// add adds a multiple of another variable.
func (p *latentParts) add(weight float64, other latentParts) {
	for l := range p {
		for source, x := range other[l] {
			p.set(Level(l), source, p.get(Level(l), source)+weight*x)
		}
	}
}

func (p *latentParts) get(l Level, source int) float64 {
	if source < len(p[l]) {
		return p[l][source]
	}
	return 0
}

func (p *latentParts) set(l Level, source int, x float64) {
	for len(p[l]) <= source {
		p[l] = append(p[l], 0)
	}
	p[l][source] = x
}

// covariance is that of two variables of a unit, from the largest level to the
// smallest.
func (p *latentParts) covariance(o *latentParts) (by [levels]float64) {
	for l := range p {
		for source := range min(len(p[l]), len(o[l])) {
			by[l] += p[l][source] * o[l][source]
		}
	}
	return by
}

// variance is that of a unit.
func (p *latentParts) variance() float64 {
	sum := 0.0
	for _, v := range p.covariance(p) {
		sum += v
	}
	return sum
}

// A compiledLatent draws a Latent for every unit of its level.
type compiledLatent struct {
	level       Level
	terms       []latentTerm
	school, own float64 // weights of what is new, of the school and of the unit
	parts       latentParts
}

// A latentTerm is a variable on which a latent loads, of its level or above.
type latentTerm struct {
	values      *[]float64
	level       Level
	mean, scale float64 // it adds scale (value - mean)
}

// A drawnFactor is a factor with its values for all units drawn.
type drawnFactor struct {
	Factor
	latent *compiledLatent
	values []float64
}

// compileLatent prepares drawing what stands behind a variable. loads beyond all of
// its variance leave nothing for the rest; checkVariances says so.
func (p *population) compileLatent(l Latent, level Level) *compiledLatent {
	c := &compiledLatent{level: level}
	for _, name := range slices.Sorted(maps.Keys(l.Loads)) {
		load := l.Loads[name]
		if load == 0 {
			continue
		}
		term, parts := p.loaded(name)
		term.scale *= load
		c.terms = append(c.terms, term)
		c.parts.add(load, parts)
	}
	rest := math.Sqrt(math.Max(1-c.parts.variance(), 0))
	c.school, c.own = rest*math.Sqrt(l.SchoolShare), rest*math.Sqrt(1-l.SchoolShare)
	source := p.source()
	c.parts.set(SchoolLevel, source, c.school)
	c.parts.set(level, source, math.Hypot(c.parts.get(level, source), c.own)) // of a school both are one
	return c
}

// source numbers a normal variable that is independent of the others.
func (p *population) source() int {
	p.sources++
	return p.sources - 1
}

// loaded returns a variable on which others load, in SDs from its mean.
func (p *population) loaded(name string) (latentTerm, latentParts) {
	for _, f := range p.factors {
		if f.Name == name {
			return latentTerm{values: &f.values, level: f.Level, scale: 1}, f.latent.parts
		}
	}
	if p.ability != nil && name == abilityLoad {
		return latentTerm{values: &p.ability.values, level: TeacherLevel, scale: 1}, p.ability.parts
	}
	c := p.column(name)
	term := latentTerm{values: &c.values, level: c.Level, mean: c.law.mean}
	if c.law.sd > 0 {
		term.scale = 1 / c.law.sd
	}
	return term, *c.linear
}

// linearised sets linear: of a covariate x behind which z stands, the part
// E[x z]/sd(x) z is normal, and the rest is taken to be independent of all else.
func (c *drawnColumn) linearised(p *population) {
	c.linear = new(latentParts)
	with := 0.0
	if c.latent != nil && c.law.sd > 0 {
		with = overNormal(jumpSteps, func(z float64) float64 { return z * c.law.given(z) }) / c.law.sd
		c.linear.add(with, c.latent.parts)
	}
	c.linear.set(c.Level, p.source(), math.Sqrt(math.Max(1-with*with, 0)))
}

// draw fills z for the units of a level.
func (c *compiledLatent) draw(z []float64, p *population, r *Source) {
	switch c.level {
	case SchoolLevel:
		own := math.Hypot(c.school, c.own)
		for s := range z {
			z[s] = own * r.NormFloat64()
		}
	case TeacherLevel:
		c.shared(p, r)
		for j := range z {
			z[j] = p.shared[p.school[j]] + c.own*r.NormFloat64()
		}
	case ChildLevel:
		c.shared(p, r)
		for j, s := range p.school {
			for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
				z[i] = p.shared[s] + c.own*r.NormFloat64()
			}
		}
	}
	for _, t := range c.terms {
		values := *t.values
		switch {
		case t.level == c.level:
			for u := range z {
				z[u] += t.scale * (values[u] - t.mean)
			}
		case c.level == TeacherLevel:
			for j, s := range p.school {
				z[j] += t.scale * (values[s] - t.mean)
			}
		default: // of children
			for j, s := range p.school {
				unit := j
				if t.level == SchoolLevel {
					unit = s
				}
				x := t.scale * (values[unit] - t.mean)
				for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
					z[i] += x
				}
			}
		}
	}
}

// shared draws what the units of each school have in common.
func (c *compiledLatent) shared(p *population, r *Source) {
	if c.school == 0 {
		clear(p.shared)
		return
	}
	for s := range p.shared {
		p.shared[s] = c.school * r.NormFloat64()
	}
}

// checkVariances adds the faults of loads that explain more than all.
func (p *population) checkVariances(f *Faults) {
	check := func(path string, c *compiledLatent) {
		explained := c.parts
		last := len(explained[c.level]) - 1
		for l := range explained { // without what is new, the last source
			if explained[l] = slices.Clone(explained[l]); len(explained[l]) > last {
				explained[l][last] = 0
			}
		}
		if v := explained.variance(); v > 1+1e-9 {
			f.Add(path, "explain %.4g of a variance of 1: make them smaller", v)
		}
	}
	for i, factor := range p.factors {
		check(fmt.Sprintf("factors[%d].loads", i), factor.latent)
	}
	for i, c := range p.columns {
		if c.Latent != nil {
			check(fmt.Sprintf("covariates[%d].latent.loads", i), c.latent)
		}
	}
}

// onlyAbout reports whether the law of a covariate holds only about, because what
// stands behind it is not quite normal.
func (t Trial) onlyAbout(c Covariate) bool {
	if c.Latent == nil {
		return false
	}
	for name := range c.Latent.Loads {
		if findCovariate(t.Covariates, name) != nil {
			return true
		}
	}
	return false
}

// alone reports whether a covariate goes with no other, and not with its school.
func (c *drawnColumn) alone() bool {
	return c.linear == nil && (c.Latent == nil || len(c.Latent.Loads) == 0 && c.Latent.SchoolShare == 0)
}

// covariances are those of two covariates of a unit, by the level at which they vary
// together. Given the latent normals behind them, covariates are independent; with the
// coefficients of their means given these on the Hermite polynomials, a and b, and the
// correlation ρ of the normals, the covariance is Σ a_k b_k ρ^k (Mehler's formula). Of
// a covariate on which others load, only the part that is linear counts.
func (p *population) covariances(a, c *drawnColumn) (by [levels]float64) {
	switch {
	case a != c && (a.linear != nil || c.linear != nil) && a.normal() && c.normal():
		x, y := a.inSDs(), c.inSDs()
		by = x.covariance(&y)
		for l := range by {
			by[l] *= a.law.sd * c.law.sd
		}
	case a.latent != nil && c.latent != nil:
		rho, before := 0.0, 0.0
		for l, r := range a.latent.parts.covariance(&c.latent.parts) {
			rho += r
			upTo, power := 0.0, 1.0
			for k := range hermiteTerms {
				power *= rho
				upTo += a.hermite[k] * c.hermite[k] * power
			}
			by[l] = upTo - before
			before = upTo
		}
		if a == c { // what differs beside the latent normal
			by[a.Level] += a.law.sd*a.law.sd - before
		}
	case a.Level == c.Level:
		by[a.Level] = p.covariance(a, c)
	}
	return by
}

// hermiteTerms is the number of Hermite polynomials of covariances.
const hermiteTerms = 24

// hermiteOf returns E f(z) He_k(z)/√k! from k = 1.
func hermiteOf(f func(z float64) float64) []float64 {
	all := make([]float64, hermiteTerms)
	for k := range all {
		all[k] = overNormal(jumpSteps, func(z float64) float64 {
			// h_{n+1} = (z h_n - √n h_{n-1})/√(n+1), scaled to variance 1
			before, h := 0.0, 1.0
			for n := range k + 1 {
				before, h = h, (z*h-math.Sqrt(float64(n))*before)/math.Sqrt(float64(n+1))
			}
			return f(z) * h
		})
	}
	return all
}

// normal reports whether there are normal variables behind a covariate that others may
// have too.
func (c *drawnColumn) normal() bool { return c.linear != nil || c.latent != nil }

// inSDs returns the linear part of the covariate, in SDs from its mean, on the normal
// variables behind it.
func (c *drawnColumn) inSDs() (parts latentParts) {
	if c.linear != nil {
		return *c.linear
	}
	if c.law.sd > 0 {
		parts.add(c.hermite[0]/c.law.sd, c.latent.parts)
	}
	return parts
}
