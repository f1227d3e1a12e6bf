package dgp

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// A variation is how the effect of an arm differs between children: by
// covariates, between schools and blocks, and along the distribution of scores
// without coaching.
type variation struct {
	by                []moderator
	school, block     []float64 // drawn; nil without
	schoolSD, blockSD float64
	profile           []float64

	class float64 // scratch: part of the class
	child float64 // scratch: class and child
	exact float64 // scratch: the same of what has mean 0 also where large classes weigh more
	// mean is that of exact over the valid children, whose expectation is 0.
	mean       float64
	classExact float64
}

// A moderator is a covariate by which an effect differs.
type moderator struct {
	column *drawnColumn
	slope  float64
	size   bool // it is the class size, whose mean over children is another one
}

// of returns what the covariate adds for child i of class j.
func (m moderator) of(p *population, j, i int) float64 {
	unit := i
	switch m.column.Level {
	case SchoolLevel:
		unit = p.school[j]
	case TeacherLevel:
		unit = j
	}
	return m.slope * (m.column.values[unit] - m.column.law.mean)
}

// moderators looks up the covariates of a section, in the order of their names.
func moderators(by map[string]float64, p *population) []moderator {
	var all []moderator
	for _, name := range slices.Sorted(maps.Keys(by)) {
		column := p.column(name)
		_, size := column.Law.(ClassSizeLaw)
		all = append(all, moderator{column, by[name], size})
	}
	return all
}

// newVariation returns nil where the effect varies by none of this.
func newVariation(e TestEffect, p *population) *variation {
	if len(e.By) == 0 && e.SchoolSD == 0 && e.BlockSD == 0 && e.Quantiles == nil {
		return nil
	}
	return &variation{
		by: moderators(e.By, p), profile: e.Quantiles,
		schoolSD: e.SchoolSD, blockSD: e.BlockSD, school: make([]float64, len(p.block)), block: make([]float64, p.design.Blocks),
	}
}

// vary draws how effects vary between blocks and schools, arm by arm.
func (ts *tested) vary(p *population, r *Source) {
	for i := range ts.arms {
		v := ts.arms[i].varied
		if v == nil {
			continue
		}
		for b := range v.block {
			v.block[b] = v.blockSD * r.NormFloat64()
		}
		for s := range v.school {
			v.school[s] = v.block[p.block[s]] + v.schoolSD*r.NormFloat64()
		}
	}
}

// enter begins with class j.
func (v *variation) enter(p *population, j int) {
	v.class = v.school[p.school[j]]
	v.classExact = v.class
	for _, m := range v.by {
		if m.column.Level != ChildLevel {
			x := m.of(p, j, 0)
			v.class += x
			if !m.size {
				v.classExact += x
			}
		}
	}
}

// of sets the part of child i of the class.
func (v *variation) of(i int) {
	v.child, v.exact = v.class, v.classExact
	for _, m := range v.by {
		if m.column.Level == ChildLevel {
			x := m.slope * (m.column.values[i] - m.column.law.mean)
			v.child += x
			v.exact += x
		}
	}
	v.mean += v.exact
}

// at returns the profile at a standard normal score.
func (v *variation) at(z float64) float64 {
	u := 0.5 * math.Erfc(-z/math.Sqrt2) * float64(len(v.profile)-1)
	k := min(int(u), len(v.profile)-2)
	u -= float64(k)
	return (1-u)*v.profile[k] + u*v.profile[k+1]
}

func (e TestEffect) checkVariation(f *Faults, path string, t Trial) {
	checkModerators(f, path+".by", e.By, t, ChildLevel)
	if e.Quantiles == nil {
		return
	}
	if len(e.Quantiles) < 2 {
		f.Add(path+".quantiles", "has %s; it needs two at least, for the lowest and the highest score", count(len(e.Quantiles), "number", "numbers"))
		return
	}
	mean := 0.0 // of straight lines: the ends count half
	for k, x := range e.Quantiles {
		if k == 0 || k == len(e.Quantiles)-1 {
			x /= 2
		}
		mean += x / float64(len(e.Quantiles)-1)
	}
	if math.Abs(mean) > 1e-9 {
		f.Add(path+".quantiles", "averages %.4g over all children, not 0 (the ends count half); take that from each number and add it to mean", mean)
	}
}

// checkModerators adds a fault for every name of a section that is no covariate
// of a level down to lowest.
func checkModerators(f *Faults, path string, by map[string]float64, t Trial, lowest Level) {
	var names []string
	for _, c := range t.before() {
		_, size := c.Law.(ClassSizeLaw)
		if c.Level <= lowest && !(size && lowest == TeacherLevel) && !t.onlyAbout(c) {
			names = append(names, c.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if slices.Contains(names, name) {
			continue
		}
		known := "there is none"
		if len(names) > 0 {
			known = strings.Join(names, ", ")
		}
		if c := findCovariate(t.before(), name); c != nil {
			why := fmt.Sprintf("a %s covariate", c.Level)
			if c.Level <= lowest {
				why = "the class size, which makes the average over children another one"
			}
			if t.onlyAbout(*c) {
				why = "a covariate that loads on other covariates, whose mean is only about known"
			}
			f.Add(path+"."+name, "cannot be %s here; those that can: %s", why, known)
			continue
		}
		f.Add(path+"."+name, "there is no covariate %q; those that can differ effects: %s", name, known)
	}
}
