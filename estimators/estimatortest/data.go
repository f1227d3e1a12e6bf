package estimatortest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"coachsim/dgp"
)

// A Design says how large random data are, and what holds in them.
//
// The data have columns of every level and kind that regressions meet: binary
// and continuous, some far from zero, some exact or near copies of others, an
// arm, and outcomes of children, teachers and schools. See Shape.
type Design struct {
	Blocks   int
	Schools  int // per block: from two thirds of it, at least 2
	Teachers int // per school: from 1
	Children int // per class: from half of it, at least 1
	Effect   float64
	Shared   float64 // SD of what the children of a school share
	Varying  float64 // SD between blocks of the effect, and half of it of the mean
}

// Small is a design whose regressions the reference fits within milliseconds.
var Small = Design{Blocks: 3, Schools: 6, Teachers: 3, Children: 6, Effect: 0.3, Shared: 0.5}

// near lists the columns that nearly copy ses: a name and the SD of the
// noise, whose inverse square is about the variance inflation.
var near = []struct {
	name  string
	noise float64
}{{"near4", 1e-2}, {"near6", 1e-3}, {"near8", 1e-4}}

const (
	domains  = 2
	segments = 3
	coders   = 2
)

// Shape describes the data that Draw returns, whatever the seed.
func (d Design) Shape() dgp.Shape {
	const block, school, teacher, child = dgp.BlockLevel, dgp.SchoolLevel, dgp.TeacherLevel, dgp.ChildLevel
	s := dgp.Shape{Arms: []string{"control", "coaching"}, Assignment: dgp.Blocked{Share: 0.5}}
	add := func(c dgp.Column) { s.Columns = append(s.Columns, c) }
	add(dgp.Column{Name: "coaching", Level: school, Arm: true})
	add(dgp.Column{Name: "region", Level: block})
	add(dgp.Column{Name: "rural", Level: school})
	add(dgp.Column{Name: "urban", Level: school}) // 1 - rural
	add(dgp.Column{Name: "founded", Level: school, Center: 1985})
	add(dgp.Column{Name: "cohort", Level: school, Levels: 4})
	add(dgp.Column{Name: "track", Level: teacher, Levels: 3})
	add(dgp.Column{Name: "female", Level: teacher})
	add(dgp.Column{Name: "experience", Level: teacher, Center: 15})
	add(dgp.Column{Name: "class", Level: teacher, PostTreatment: true, Center: 4.5, Domains: []string{"es", "co"}})
	for k := range domains {
		for segment := range segments {
			for coder := range coders {
				name := fmt.Sprintf("%s_s%d_c%d", []string{"es", "co"}[k], segment+1, coder+1)
				rating := &dgp.Rating{Domain: name[:2], Day: 1, Segment: segment + 1, Coder: coder + 1}
				add(dgp.Column{Name: name, Level: teacher, PostTreatment: true, Center: 4, Rating: rating})
			}
		}
	}
	add(dgp.Column{Name: "girl", Level: child})
	add(dgp.Column{Name: "boy", Level: child}) // 1 - girl
	add(dgp.Column{Name: "age", Level: child, Center: 84})
	add(dgp.Column{Name: "born", Level: child, Center: 2010})
	add(dgp.Column{Name: "ses", Level: child})
	for _, n := range near {
		add(dgp.Column{Name: n.name, Level: child})
	}
	add(dgp.Column{Name: "score", Level: child, PostTreatment: true})
	add(dgp.Column{Name: "reading", Level: child, PostTreatment: true}) // 500 ± 100
	add(dgp.Column{Name: "passed", Level: child, PostTreatment: true})
	add(dgp.Column{Name: "attendance", Level: school, PostTreatment: true})
	add(dgp.Column{Name: "weight", Level: child})
	add(dgp.Column{Name: "sat", Level: child, PostTreatment: true})
	add(dgp.Column{Name: "exam", Level: child, PostTreatment: true, Observed: "sat"})
	schools := d.Blocks * d.Schools
	s.Max = [...]int{block: d.Blocks, school: schools, teacher: schools * d.Teachers, child: schools * d.Teachers * d.Children}
	return s
}

// Draw returns random data of the design's shape; the same seed gives the
// same data.
func (d Design) Draw(seed uint64) *dgp.Data {
	r := rand.New(rand.NewPCG(seed, 0x636f616368))
	data := &dgp.Data{TeacherStart: []int{0}, ChildStart: []int{0}}
	data.N[dgp.BlockLevel] = d.Blocks
	children := 0
	for block := range d.Blocks {
		for range between(r, max(2, d.Schools*2/3), d.Schools) {
			school := len(data.SchoolBlock)
			data.SchoolBlock = append(data.SchoolBlock, block)
			for range between(r, 1, d.Teachers) {
				data.TeacherSchool = append(data.TeacherSchool, school)
				children += between(r, max(1, d.Children/2), d.Children)
				data.ChildStart = append(data.ChildStart, children)
			}
			data.TeacherStart = append(data.TeacherStart, len(data.TeacherSchool))
		}
	}
	data.N[dgp.SchoolLevel] = len(data.SchoolBlock)
	data.N[dgp.TeacherLevel] = len(data.TeacherSchool)
	data.N[dgp.ChildLevel] = children
	randomised(data)
	d.fill(data, r)
	return data
}

// randomised says that the schools of the data are those that were given arms.
func randomised(d *dgp.Data) {
	d.Randomised, d.Place = &dgp.Units{Level: dgp.SchoolLevel, N: d.N, Columns: d.Columns}, nil
	starts := []int{0}
	for s, block := range d.SchoolBlock {
		for len(starts) <= block {
			starts = append(starts, s)
		}
		d.Place = append(d.Place, s)
	}
	for len(starts) <= d.N[dgp.BlockLevel] {
		starts = append(starts, len(d.SchoolBlock))
	}
	d.Randomised.Start = [...][]int{dgp.SchoolLevel: starts, dgp.TeacherLevel: d.TeacherStart, dgp.ChildLevel: d.ChildStart}
}

func between(r *rand.Rand, least, most int) int { return least + r.IntN(most-least+1) }

// fill draws the columns.
func (d Design) fill(data *dgp.Data, r *rand.Rand) {
	shape := d.Shape()
	data.Columns = make([][]float64, len(shape.Columns))
	col := func(name string) []float64 {
		c := shape.Index(name)
		if data.Columns[c] == nil {
			data.Columns[c] = make([]float64, data.N[shape.Columns[c].Level])
		}
		return data.Columns[c]
	}
	draw := func(name string, value func(unit int) float64) {
		x := col(name)
		for i := range x {
			x[i] = value(i)
		}
	}
	normal := func(mean, sd float64) func(int) float64 {
		return func(int) float64 { return mean + sd*r.NormFloat64() }
	}
	binary := func(p float64) func(int) float64 {
		return func(int) float64 {
			if r.Float64() < p {
				return 1
			}
			return 0
		}
	}

	shared := make([]float64, data.N[dgp.SchoolLevel])
	for i := range shared {
		shared[i] = d.Shared * r.NormFloat64()
	}
	d.assign(data, col("coaching"), r)
	draw("region", normal(0, 1))
	draw("rural", binary(0.4))
	draw("urban", func(i int) float64 { return 1 - col("rural")[i] })
	draw("founded", normal(1985, 1))
	draw("cohort", func(int) float64 { return float64(r.IntN(4)) })
	draw("track", func(int) float64 { return float64(r.IntN(3)) })
	draw("female", binary(0.7))
	draw("experience", func(int) float64 { return 15 * r.ExpFloat64() })
	draw("class", func(t int) float64 {
		school := data.TeacherSchool[t]
		return 4.5 + d.Effect*col("coaching")[school] + shared[school] + 0.5*r.NormFloat64()
	})
	for _, column := range shape.Columns {
		if column.Rating == nil {
			continue
		}
		draw(column.Name, func(t int) float64 {
			return math.Round(min(max(col("class")[t]+0.7*r.NormFloat64(), 1), 7))
		})
	}
	draw("girl", binary(0.5))
	draw("boy", func(i int) float64 { return 1 - col("girl")[i] })
	draw("age", normal(84, 5))
	draw("born", normal(2010, 1))
	draw("ses", normal(0, 1))
	for _, n := range near {
		draw(n.name, func(i int) float64 { return col("ses")[i] + n.noise*r.NormFloat64() })
	}
	children := units(data, dgp.ChildLevel)
	mean, effect := make([]float64, d.Blocks), slices.Repeat([]float64{d.Effect}, d.Blocks)
	if d.Varying > 0 {
		for b := range d.Blocks {
			mean[b] = d.Varying / 2 * r.NormFloat64()
			effect[b] += d.Varying * r.NormFloat64()
		}
	}
	draw("score", func(i int) float64 {
		school, z := children[i][dgp.SchoolLevel], (col("age")[i]-84)/5
		block := children[i][dgp.BlockLevel]
		return effect[block]*col("coaching")[school] + shared[school] + mean[block] +
			0.3*col("ses")[i] + 0.1*col("girl")[i] + 0.2*z - 0.1*z*z + r.NormFloat64()
	})
	draw("reading", func(i int) float64 { return 500 + 100*(0.6*col("score")[i]+0.8*r.NormFloat64()) })
	draw("passed", func(i int) float64 {
		if col("score")[i]+r.NormFloat64() > 0 {
			return 1
		}
		return 0
	})
	draw("attendance", func(s int) float64 { return 0.9 + 0.05*(d.Effect*col("coaching")[s]+shared[s]+r.NormFloat64()) })
	draw("weight", func(int) float64 { return float64(r.IntN(8)) / 4 * (1 + r.Float64()) }) // 0 in one of eight rows
	draw("sat", func(i int) float64 {
		odds := 1.5 + 0.6*col("ses")[i] + d.Effect*col("coaching")[children[i][dgp.SchoolLevel]]
		return binary(1 / (1 + math.Exp(-odds)))(i)
	})
	draw("exam", func(i int) float64 {
		if col("sat")[i] == 0 {
			return math.NaN()
		}
		return 0.7*col("score")[i] + 0.7*r.NormFloat64()
	})
}

// assign treats half of each block's schools.
func (d Design) assign(data *dgp.Data, arm []float64, r *rand.Rand) {
	for block := range d.Blocks {
		var schools []int
		for s, b := range data.SchoolBlock {
			if b == block {
				schools = append(schools, s)
			}
		}
		for i, at := range r.Perm(len(schools)) {
			arm[schools[at]] = float64(i % 2)
		}
	}
}

// A unit is a row of data with all that contains it: its number at every
// level, up to its own.
type unit [dgp.ChildLevel + 1]int

// units lists the units of a level in order.
func units(d *dgp.Data, level dgp.Level) []unit {
	var all []unit
	switch level {
	case dgp.BlockLevel:
		for b := range d.N[dgp.BlockLevel] {
			all = append(all, unit{b})
		}
	case dgp.SchoolLevel:
		for s, b := range d.SchoolBlock {
			all = append(all, unit{b, s})
		}
	case dgp.TeacherLevel:
		for t, s := range d.TeacherSchool {
			all = append(all, unit{d.SchoolBlock[s], s, t})
		}
	case dgp.ChildLevel:
		for t, s := range d.TeacherSchool {
			for i := d.ChildStart[t]; i < d.ChildStart[t+1]; i++ {
				all = append(all, unit{d.SchoolBlock[s], s, t, i})
			}
		}
	}
	return all
}

// Clone returns a copy that shares nothing with d.
func Clone(d *dgp.Data) *dgp.Data {
	c := *d
	c.SchoolBlock = slices.Clone(d.SchoolBlock)
	c.TeacherSchool = slices.Clone(d.TeacherSchool)
	c.TeacherStart = slices.Clone(d.TeacherStart)
	c.ChildStart = slices.Clone(d.ChildStart)
	c.Columns = make([][]float64, len(d.Columns))
	for i := range c.Columns {
		c.Columns[i] = slices.Clone(d.Columns[i])
	}
	return &c
}

// Shuffle returns the same data with blocks, schools within blocks, teachers
// within schools and children within classes in a random order.
func Shuffle(d *dgp.Data, shape dgp.Shape, seed uint64) *dgp.Data {
	r := rand.New(rand.NewPCG(seed, 0x73687566))
	return regroup(d, shape, func(_ dgp.Level, list []int) []int {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return list
	})
}

// Without returns the data without the units of a level that drop names, and
// without all that these contain.
func Without(d *dgp.Data, shape dgp.Shape, level dgp.Level, drop func(unit int) bool) *dgp.Data {
	return regroup(d, shape, func(l dgp.Level, list []int) []int {
		if l == level {
			list = slices.DeleteFunc(list, drop)
		}
		return list
	})
}

// regroup builds data anew. choose is given the units of one level within one
// unit of the level above, and returns those to take, in order.
func regroup(d *dgp.Data, shape dgp.Shape, choose func(dgp.Level, []int) []int) *dgp.Data {
	span := func(lo, hi int) []int {
		var list []int
		for i := lo; i < hi; i++ {
			list = append(list, i)
		}
		return list
	}
	out := &dgp.Data{TeacherStart: []int{0}, ChildStart: []int{0}}
	var taken [dgp.ChildLevel + 1][]int // old numbers by new ones
	for _, block := range choose(dgp.BlockLevel, span(0, d.N[dgp.BlockLevel])) {
		var schools []int
		for s, b := range d.SchoolBlock {
			if b == block {
				schools = append(schools, s)
			}
		}
		for _, school := range choose(dgp.SchoolLevel, schools) {
			for _, teacher := range choose(dgp.TeacherLevel, span(d.TeacherStart[school], d.TeacherStart[school+1])) {
				children := choose(dgp.ChildLevel, span(d.ChildStart[teacher], d.ChildStart[teacher+1]))
				taken[dgp.ChildLevel] = append(taken[dgp.ChildLevel], children...)
				taken[dgp.TeacherLevel] = append(taken[dgp.TeacherLevel], teacher)
				out.TeacherSchool = append(out.TeacherSchool, len(taken[dgp.SchoolLevel]))
				out.ChildStart = append(out.ChildStart, len(taken[dgp.ChildLevel]))
			}
			taken[dgp.SchoolLevel] = append(taken[dgp.SchoolLevel], school)
			out.SchoolBlock = append(out.SchoolBlock, len(taken[dgp.BlockLevel]))
			out.TeacherStart = append(out.TeacherStart, len(taken[dgp.TeacherLevel]))
		}
		taken[dgp.BlockLevel] = append(taken[dgp.BlockLevel], block)
	}
	for level, list := range taken {
		out.N[level] = len(list)
	}
	for c, column := range shape.Columns {
		values := make([]float64, 0, out.N[column.Level])
		for _, old := range taken[column.Level] {
			values = append(values, d.Columns[c][old])
		}
		out.Columns = append(out.Columns, values)
	}
	randomised(out)
	return out
}
