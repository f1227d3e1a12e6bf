package dgp_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"coachsim/dgp"
)

// randomTrial draws a small trial of any shape.
func randomTrial(t *rapid.T) dgp.Trial {
	trial := manyTeachers()
	d := &trial.Design
	d.Blocks = rapid.IntRange(1, 4).Draw(t, "blocks")
	d.Schools = rapid.IntRange(2, 6).Draw(t, "schools")
	d.Teachers = rapid.IntRange(1, 3).Draw(t, "teachers")
	d.Tested = rapid.IntRange(1, 9).Draw(t, "tested")
	d.Children = dgp.ClassSize{
		Mean: rapid.Float64Range(4, 12).Draw(t, "size"), SD: rapid.SampledFrom([]float64{0, 3}).Draw(t, "size sd"), Min: rapid.IntRange(1, 4).Draw(t, "size min"),
		Small: dgp.SmallClasses{Share: rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "small"), Min: 1, Max: 3},
	}
	share := rapid.Float64Range(0.05, 0.95).Draw(t, "share")
	d.Arms = rapid.SampledFrom([][]string{
		{"usual", "mentoring"}, {"usual", "mentoring", "money"}, {"usual", "mentoring", "money", "mentoring+money"}, {"usual", "mentoring", "money", "time", "mentoring+money+time"},
	}).Draw(t, "arms")
	unit := rapid.SampledFrom([]dgp.Unit{dgp.SchoolUnit, dgp.TeacherUnit, dgp.ChildUnit}).Draw(t, "unit")
	shares := map[string]float64{}
	if len(d.Arms) > 2 {
		for i, arm := range d.Arms[1:] {
			shares[arm] = share * float64(i+1) / 12
		}
		share = 0
	} else {
		shares = nil
	}
	d.Assignment = rapid.SampledFrom([]dgp.Assignment{
		dgp.Blocked{Unit: unit, Share: share, Shares: shares}, dgp.Complete{Unit: unit, Share: share, Shares: shares}, dgp.Simple{Unit: unit, Share: share, Shares: shares},
	}).Draw(t, "assignment")
	most := (d.Blocks*d.Schools - 1) / 2
	if unit != dgp.SchoolUnit {
		most = 0
	}
	d.Attrition = dgp.Attrition{
		Schools:  map[string]int{"usual": rapid.IntRange(0, most).Draw(t, "lost"), "mentoring": rapid.IntRange(0, most).Draw(t, "lost treated")},
		Children: rapid.SampledFrom([]float64{0, 0.1, 0.9}).Draw(t, "missing"),
	}
	trial.Covariates = slices.Clone(trial.Covariates)
	if rapid.Bool().Draw(t, "without covariates") {
		trial.Covariates = nil
	}
	if rapid.Bool().Draw(t, "integers") {
		trial.Observation.Scale.Min, trial.Observation.Scale.Max, trial.Observation.Scale.Integer = 20, 70, true
	}
	trial.Observation.Points = rapid.Bool().Draw(t, "scores in points")
	trial.Achievement.Points = rapid.Bool().Draw(t, "tests in points")
	if rapid.Bool().Draw(t, "without options") {
		trial.Quality.Effect, trial.Quality.Context, trial.Quality.SchoolShare = dgp.QualityEffect{}, dgp.Context{}, 0
		trial.Achievement.Slope, trial.Achievement.Effect = dgp.Slopes{}, dgp.TestEffect{}
	}
	if unit == dgp.ChildUnit {
		trial.Quality.Effect = dgp.QualityEffect{}
	}
	if combined := d.Arms[len(d.Arms)-1]; rapid.Bool().Draw(t, "effects by arm") {
		if unit != dgp.ChildUnit {
			trial.Quality.ArmEffects = map[string]dgp.QualityEffect{combined: {Shift: []float64{0.5, 0.1}, Engagement: []float64{-0.2, 0.3}, Skew: 0.4}}
		}
		trial.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{
			combined: {TestEffect: dgp.TestEffect{Mean: []float64{0.2, 0, 0, 0.1, 0}, Bottom: 0.3}, Treated: []float64{0.5, 0.5}, Baseline: []float64{0, 0.2}},
		}
		if len(d.Arms) == 2 { // no other arm takes the effects of all
			trial.Quality.Effect, trial.Achievement.Effect = dgp.QualityEffect{}, dgp.TestEffect{}
		}
	}
	return trial
}

func TestDataIsConsistent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trial := randomTrial(t)
		g, err := trial.Compile()
		if err != nil {
			t.Fatal(err)
		}
		for rep := range 2 { // the second draw must leave nothing of the first
			data, truth := g.Draw(dgp.Stream{Seed: rapid.Uint64().Draw(t, "seed"), Replicate: uint64(rep)})
			checkHierarchy(t, trial, g, data)
			checkColumns(t, trial, g, data)
			checkTruth(t, trial, g, data, truth)
			checkDeviations(t, trial, g, data, truth)
		}
	})
}

func TestDataOfSchemesIsConsistent(t *testing.T) {
	for _, trial := range schemes() {
		g := compile(t, trial)
		for rep := range 5 {
			data, truth := g.Draw(dgp.Stream{Seed: 1, Replicate: uint64(rep)})
			checkHierarchy(t, trial, g, data)
			checkColumns(t, trial, g, data)
			checkTruth(t, trial, g, data, truth)
			checkDeviations(t, trial, g, data, truth)
		}
	}
}

func TestEcuadorDataIsConsistent(t *testing.T) {
	trial := ecuador(t)
	g := compile(t, trial)
	for rep := range 5 {
		data, truth := g.Draw(dgp.Stream{Seed: 1, Replicate: uint64(rep)})
		checkHierarchy(t, trial, g, data)
		checkColumns(t, trial, g, data)
		checkTruth(t, trial, g, data, truth)
		checkDeviations(t, trial, g, data, truth)
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkHierarchy: who is in the data is who stayed, in order, and every unit
// lies within its parent.
func checkHierarchy(t fataler, trial dgp.Trial, g *dgp.Generator, data *dgp.Data) {
	t.Helper()
	d := g.Drawn()
	design := trial.Design
	schools, teachers, children := data.N[dgp.SchoolLevel], data.Teachers(), data.Children()
	lost := 0
	for s := range d.Block {
		lost += int(number(d.Left[s]))
		if d.Block[s] != s/design.Schools {
			t.Fatalf("school %d is in block %d", s, d.Block[s])
		}
	}
	staying := 0 // teachers of schools that stay, lost or not with their schools
	for _, s := range d.School {
		staying += int(number(!d.Left[s]))
	}
	if schools+lost != design.Blocks*design.Schools || teachers != staying || design.TeacherShares == nil && teachers != schools*design.Teachers || data.N[dgp.BlockLevel] != design.Blocks {
		t.Fatalf("%v units with %d schools lost of %d", data.N, lost, design.Blocks*design.Schools)
	}
	for level, n := range data.N {
		if n > g.Shape().Max[level] {
			t.Fatalf("%v units; the shape allows %v", data.N, g.Shape().Max)
		}
	}
	if len(data.SchoolBlock) != schools || len(data.TeacherSchool) != teachers || len(data.TeacherStart) != schools+1 || len(data.ChildStart) != teachers+1 {
		t.Fatalf("lengths of the hierarchy: %d %d %d %d", len(data.SchoolBlock), len(data.TeacherSchool), len(data.TeacherStart), len(data.ChildStart))
	}
	if data.TeacherStart[0] != 0 || data.TeacherStart[schools] != teachers || data.ChildStart[0] != 0 || data.ChildStart[teachers] != children {
		t.Fatalf("the ranges do not cover all units")
	}
	if !slices.IsSorted(d.Schools) || !slices.IsSorted(d.Teachers) || !slices.IsSorted(d.Children) || !slices.IsSorted(data.SchoolBlock) {
		t.Fatalf("units are not in order")
	}
	for s, drawn := range d.Schools {
		if d.Left[drawn] || data.SchoolBlock[s] != d.Block[drawn] {
			t.Fatalf("school %d of the data is school %d, left: %v, block %d", s, drawn, d.Left[drawn], data.SchoolBlock[s])
		}
		for j := data.TeacherStart[s]; j < data.TeacherStart[s+1]; j++ {
			if data.TeacherSchool[j] != s || d.School[d.Teachers[j]] != drawn {
				t.Fatalf("teacher %d is not in school %d", j, s)
			}
		}
	}
	for j, drawn := range d.Teachers {
		valid := 0
		for i := d.Start[drawn]; i < d.Start[drawn+1]; i++ {
			valid += int(number(d.Valid[i]))
		}
		if want := min(d.Size[drawn], design.Tested); d.Start[drawn+1]-d.Start[drawn] != want {
			t.Fatalf("%d children of a class of %d are tested", d.Start[drawn+1]-d.Start[drawn], d.Size[drawn])
		}
		if data.ChildStart[j+1]-data.ChildStart[j] != valid {
			t.Fatalf("teacher %d has %d children, %d of them valid", j, data.ChildStart[j+1]-data.ChildStart[j], valid)
		}
		for i := data.ChildStart[j]; i < data.ChildStart[j+1]; i++ {
			if c := d.Children[i]; !d.Valid[c] || c < d.Start[drawn] || c >= d.Start[drawn+1] {
				t.Fatalf("child %d of the data is child %d, which is not valid or not of teacher %d", i, c, drawn)
			}
			s := data.TeacherSchool[j]
			if data.Ancestor(dgp.ChildLevel, i, dgp.TeacherLevel) != j || data.Ancestor(dgp.ChildLevel, i, dgp.SchoolLevel) != s ||
				data.Ancestor(dgp.ChildLevel, i, dgp.BlockLevel) != data.SchoolBlock[s] || data.Ancestor(dgp.ChildLevel, i, dgp.ChildLevel) != i {
				t.Fatalf("Ancestor of child %d", i)
			}
		}
	}
}

// checkColumns: every column has a value for every unit, covariates are those
// drawn, ratings are on the scale, totals are means of their parts, and what
// is standardised has mean 0 and SD 1.
func checkColumns(t fataler, trial dgp.Trial, g *dgp.Generator, data *dgp.Data) {
	t.Helper()
	d := g.Drawn()
	shape := g.Shape()
	if len(data.Columns) != len(shape.Columns) {
		t.Fatalf("%d columns, %d in the shape", len(data.Columns), len(shape.Columns))
	}
	column := func(name string) []float64 { return data.Columns[shape.Index(name)] }
	for c, column := range shape.Columns {
		x := data.Columns[c]
		if len(x) != data.N[column.Level] {
			t.Fatalf("column %s has %d values for %d units", column.Name, len(x), data.N[column.Level])
		}
		for i, v := range x {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("column %s of unit %d is %g", column.Name, i, v)
			}
		}
	}
	from := [...][]int{dgp.SchoolLevel: d.Schools, dgp.TeacherLevel: d.Teachers, dgp.ChildLevel: d.Children}
	level := trial.Design.Assignment.Level()
	for _, name := range trial.Design.Arms[1:] {
		if strings.Contains(name, "+") {
			continue
		}
		for u, on := range column(name) {
			own := trial.Design.Arms[d.Arm[from[level][u]]]
			if on != number(slices.Contains(strings.Split(own, "+"), name)) {
				t.Fatalf("%s %d of arm %s has %s %g in the data", level, u, own, name, on)
			}
		}
	}
	for _, v := range trial.Covariates {
		for u, x := range column(v.Name) {
			if x != d.Covariate[v.Name][from[v.Level][u]] {
				t.Fatalf("covariate %s of unit %d is another unit's", v.Name, u)
			}
		}
		if _, ok := v.Law.(dgp.ClassSizeLaw); ok {
			for j, x := range column(v.Name) {
				if x != float64(d.Size[d.Teachers[j]]) {
					t.Fatalf("class %d of %d children has size %g", j, d.Size[d.Teachers[j]], x)
				}
			}
		}
	}

	o := trial.Observation
	scores := make([][]float64, len(trial.Quality.Domains)) // in points
	for k, domain := range trial.Quality.Domains {
		scores[k] = make([]float64, data.Teachers())
		for s := range o.Segments {
			for c := range o.Coders {
				name := fmt.Sprintf("%s_s%d_c%d", domain, s+1, c+1)
				if r := shape.Columns[shape.Index(name)].Rating; r == nil || *r != (dgp.Rating{Domain: domain, Day: 1, Segment: s + 1, Coder: c + 1}) {
					t.Fatalf("rating %s is declared %+v", name, r)
				}
				for j, x := range column(name) {
					if x < o.Scale.Min || x > o.Scale.Max || o.Scale.Integer && x != math.Floor(x) {
						t.Fatalf("rating %s of class %d is %g", name, j, x)
					}
					scores[k][j] += x / float64(o.Segments*o.Coders)
				}
			}
		}
		checkScaled(t, domain, column(domain), scores[k], !o.Points)
	}
	checkScaled(t, o.Total, column(o.Total), meanOf(scores), !o.Points)

	a := trial.Achievement
	tests := make([][]float64, len(a.Tests))
	for k, name := range a.Tests {
		tests[k] = column(name)
		raw := make([]float64, data.Children())
		for i := range raw {
			arm := d.Arm[from[level][data.Ancestor(dgp.ChildLevel, i, level)]]
			raw[i] = d.Score[arm][k][i]
		}
		checkScaled(t, name, column(name), raw, !a.Points)
	}
	checkScaled(t, a.Total, column(a.Total), meanOf(tests), !a.Points)
}

func meanOf(columns [][]float64) []float64 {
	m := make([]float64, len(columns[0]))
	for _, x := range columns {
		for i, v := range x {
			m[i] += v / float64(len(columns))
		}
	}
	return m
}

// checkScaled holds a column against its raw values: the same, or with mean 0
// and SD 1; without variation only centred.
func checkScaled(t fataler, name string, got, raw []float64, standardised bool) {
	t.Helper()
	n := len(raw)
	if n == 0 {
		return
	}
	m := mean(n, func(i int) float64 { return raw[i] })
	ss := 0.0
	for _, x := range raw {
		ss += (x - m) * (x - m)
	}
	sd := math.Sqrt(ss / float64(n-1))
	if n < 2 || sd < 1e-9*(1+math.Abs(m)) {
		sd = 1
	}
	if !standardised {
		m, sd = 0, 1
	}
	for i, x := range raw {
		if want := (x - m) / sd; math.Abs(got[i]-want) > 1e-9*(1+math.Abs(want)) {
			t.Fatalf("%s of unit %d is %g, want %g", name, i, got[i], want)
		}
	}
}

// checkDeviations: the sample means that Deviations gives, worked out from
// what was drawn. That their expectation is 0 is checked with the moments.
func checkDeviations(t fataler, trial dgp.Trial, g *dgp.Generator, data *dgp.Data, truth *dgp.Truth) {
	t.Helper()
	d := g.Drawn()
	var want []float64
	teachers, children := float64(data.Teachers()), float64(data.Children())
	strength, variance := 0.0, 0.0
	for k := range trial.Achievement.Tests {
		for l := range trial.Achievement.Tests {
			variance += element(trial.Achievement.Residual, k, l)
		}
	}
	for i, c := range d.Children {
		j := d.Teachers[data.Ancestor(dgp.ChildLevel, i, dgp.TeacherLevel)]
		for k := range trial.Achievement.Tests {
			strength += (d.Score[0][k][i] - trial.Achievement.Scale*(d.Class[0][j]+d.Child[c])) / math.Sqrt(variance)
		}
	}
	for arm := 1; arm < len(trial.Design.Arms); arm++ {
		for k := range trial.Quality.Domains {
			sum := 0.0
			for _, j := range d.Teachers {
				sum += d.Under[arm][k][j] - d.Untreated[k][j] - meanShift(trial, trial.Design.Arms[arm], k)
			}
			want = append(want, sum/teachers)
		}
		class := 0.0
		for i := range d.Children {
			j := d.Teachers[data.Ancestor(dgp.ChildLevel, i, dgp.TeacherLevel)]
			class += d.Class[arm][j] - d.Class[0][j]
		}
		want = append(want, class/max(children, 1))
	}
	want = append(want, strength/max(children, 1))
	got := truth.Deviations()
	for i := range want {
		if teachers > 0 && !(math.Abs(got[i]-want[i]) < 1e-9) {
			t.Fatalf("deviation %d is %g, want %g", i, got[i], want[i])
		}
	}
}

// checkTruth: the potential outcome of the arm a unit was in is the data's
// value, to the last bit, and the other arm's is on the same scale.
func checkTruth(t fataler, trial dgp.Trial, g *dgp.Generator, data *dgp.Data, truth *dgp.Truth) {
	t.Helper()
	d := g.Drawn()
	shape := g.Shape()
	level := trial.Design.Assignment.Level()
	from := [...][]int{dgp.SchoolLevel: d.Schools, dgp.TeacherLevel: d.Teachers, dgp.ChildLevel: d.Children}
	buffers := columnsOf(len(trial.Design.Arms), shape.Max[dgp.ChildLevel]+1)
	for c, column := range shape.Columns {
		known := slices.Contains(trial.Quality.Domains, column.Name) || slices.Contains(trial.Achievement.Tests, column.Name) ||
			column.Name == trial.Observation.Total || column.Name == trial.Achievement.Total
		if g.HasPotential(c) != known {
			t.Fatalf("HasPotential(%s) is %v", column.Name, !known)
		}
		if !known {
			continue
		}
		var y [][]float64
		for arm := range buffers {
			y = append(y, truth.Potential(buffers[arm], c, arm))
		}
		y0, y1 := y[0], y[1]
		if len(y0) != len(data.Columns[c]) {
			t.Fatalf("%d potential outcomes of %d units of %s", len(y0), len(data.Columns[c]), column.Name)
		}
		for u, x := range data.Columns[c] {
			arm := 0 // of a class whose children are assigned
			if level <= column.Level {
				arm = d.Arm[from[level][data.Ancestor(column.Level, u, level)]]
			}
			if have := y[arm][u]; have != x {
				t.Fatalf("%s of unit %d is %v; its potential outcome under its own arm %v", column.Name, u, x, have)
			}
		}
		// Differences between arms, raw differences divided by one SD.
		if k := slices.Index(trial.Achievement.Tests, column.Name); k >= 0 {
			ratio := math.NaN()
			for u := range y0 {
				raw := d.Score[1][k][u] - d.Score[0][k][u]
				if math.Abs(raw) < 1e-3 {
					continue
				}
				if r := (y1[u] - y0[u]) / raw; math.IsNaN(ratio) {
					ratio = r
				} else if math.Abs(r/ratio-1) > 1e-9 {
					t.Fatalf("the effects on %s have more than one scale: %g and %g", column.Name, r, ratio)
				}
			}
		}
	}
}

// The average difference of potential outcomes is achievement.effect.mean for
// each test, on the standardised scale up to the SD of the data set, whose
// expectation is 1 in ecuador; of the total as the calibration says.
func TestPotentialEffects(t *testing.T) {
	draws := short(600)
	trial := ecuador(t)
	g := compile(t, trial)
	shape := g.Shape()
	var c checks
	buffer := [2][]float64{make([]float64, shape.Max[dgp.ChildLevel]), make([]float64, shape.Max[dgp.ChildLevel])}
	effect := func(truth *dgp.Truth, name string) float64 {
		y0 := truth.Potential(buffer[0], shape.Index(name), 0)
		y1 := truth.Potential(buffer[1], shape.Index(name), 1)
		return mean(len(y0), func(i int) float64 { return y1[i] - y0[i] })
	}
	for rep := range draws {
		_, truth := g.Draw(dgp.Stream{Seed: 13, Replicate: uint64(rep)})
		for k, name := range trial.Achievement.Tests {
			c.add(name, trial.Achievement.Effect.Mean[k], effect(truth, name))
		}
		c.add("achievement", -0.0692, effect(truth, "achievement"))
		// These two pass through whole ratings, so that only the calibration knows them.
		c.add("es", 0.323, effect(truth, "es"))
		c.add("co", 0.111, effect(truth, "co"))
	}
	c.test(t)
	for _, name := range c.order {
		a := c.by[name]
		t.Logf("%s: %.4f (asked %.4f)", name, a.mean, a.want)
	}
}

// With effect.bottom, children below their class lose more: the effect on the
// lower tail of achievement is stronger than on the upper.
func TestBottomOfTheDistribution(t *testing.T) {
	trial := ecuador(t)
	trial.Achievement.Effect.Mean = []float64{-0.2, -0.2, -0.2, -0.2}
	gap := map[float64]float64{}
	for _, bottom := range []float64{0, 0.3} {
		trial.Achievement.Effect.Bottom = bottom
		g := compile(t, trial)
		total := g.Shape().Index("achievement")
		buffer := [2][]float64{make([]float64, g.Shape().Max[dgp.ChildLevel]), make([]float64, g.Shape().Max[dgp.ChildLevel])}
		tail := func(y0, y1 []float64, in func(y float64) bool) float64 {
			sum, n := 0.0, 0
			for i := range y0 {
				if in(y0[i]) {
					sum += y1[i] - y0[i]
					n++
				}
			}
			return sum / float64(n)
		}
		draws := short(200)
		for rep := range draws {
			_, truth := g.Draw(dgp.Stream{Seed: 14, Replicate: uint64(rep)})
			y0, y1 := truth.Potential(buffer[0], total, 0), truth.Potential(buffer[1], total, 1)
			low := tail(y0, y1, func(y float64) bool { return y < -1 })
			high := tail(y0, y1, func(y float64) bool { return y > 1 })
			gap[bottom] += (low - high) / float64(draws)
		}
	}
	// The tails lie 1.5 SDs from the mean. The mean effect on the total is about
	// -0.26, of which bottom takes 30% for a child 1 SD down; a class's share of
	// that distance takes a little off: 2 × 1.5 × 0.3 × 0.26 is 0.23.
	if d := gap[0.3] - gap[0]; d > -0.18 || d < -0.26 {
		t.Errorf("children 1 SD below the mean lose %.3f more than those above, without bottom %.3f", -gap[0.3], -gap[0])
	}
	t.Logf("effect on the lower tail minus the upper: %.3f, without bottom %.3f", gap[0.3], gap[0])
}

// Block-randomised arms: the same number in every block, in every draw.
func TestBlockedIsExact(t *testing.T) {
	for _, c := range []struct {
		schools  int
		share    float64
		low, top int
	}{{20, 0.5, 10, 10}, {10, 0.3, 3, 3}, {10, 0.7, 7, 7}, {5, 0.5, 2, 3}, {3, 0.1, 0, 1}} {
		trial := oneDomain()
		trial.Design.Blocks, trial.Design.Schools = 6, c.schools
		trial.Design.Assignment = dgp.Blocked{Share: c.share}
		g := compile(t, trial)
		seen := map[int]bool{}
		for rep := range 200 {
			g.Draw(dgp.Stream{Seed: 9, Replicate: uint64(rep)})
			treated := make([]int, 6)
			for s, arm := range g.Units().Arm {
				treated[s/c.schools] += arm
			}
			for _, n := range treated {
				seen[n] = true
				if n < c.low || n > c.top {
					t.Fatalf("%g of %d schools: %d treated", c.share, c.schools, n)
				}
			}
		}
		if !seen[c.low] || !seen[c.top] {
			t.Errorf("%g of %d schools: treated are always %v", c.share, c.schools, seen)
		}
	}
}

// A complete scheme treats a fixed number of all schools; a simple one does not.
func TestCompleteIsExact(t *testing.T) {
	trial := oneDomain()
	trial.Design.Blocks, trial.Design.Schools = 2, 5
	for _, c := range []struct {
		scheme dgp.Assignment
		counts []int
	}{
		{dgp.Complete{Share: 0.3}, []int{3}},
		{dgp.Complete{Share: 0.25}, []int{2, 3}},
		{dgp.Simple{Share: 0.5}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
	} {
		trial.Design.Assignment = c.scheme
		g := compile(t, trial)
		seen := map[int]bool{}
		for rep := range 6000 { // 10 coins fall heads once in 1024 times
			g.Draw(dgp.Stream{Seed: 10, Replicate: uint64(rep)})
			n := 0
			for _, arm := range g.Units().Arm {
				n += arm
			}
			seen[n] = true
		}
		for n := range 11 {
			if seen[n] != slices.Contains(c.counts, n) {
				t.Errorf("%T %v: %d treated schools: %v", c.scheme, c.scheme, n, seen[n])
			}
		}
	}
}

// A column whose values are all the same has no SD to divide by. The mean of
// many 4.9s is not 4.9, and the rounding must not be blown up to an SD of 1.
func TestConstantColumnIsOnlyCentred(t *testing.T) {
	trial := oneDomain()
	trial.Observation.Scale = dgp.RatingScale{Mean: []float64{4.9}, Points: []float64{0}, Min: 1, Max: 7}
	g := compile(t, trial)
	data, _ := g.Draw(dgp.Stream{Seed: 1})
	for _, name := range []string{"q", "class"} {
		for j, x := range data.Columns[g.Shape().Index(name)] {
			if math.Abs(x) > 1e-9 {
				t.Fatalf("%s of class %d is %g", name, j, x)
			}
		}
	}
}

// No child may be left, in few schools; the next draw is whole again.
func TestDataWithoutChildren(t *testing.T) {
	trial := oneDomain()
	trial.Design.Schools, trial.Design.Assignment = 3, dgp.Complete{Share: 1.0 / 3}
	trial.Design.Attrition = dgp.Attrition{Schools: map[string]int{"control": 1, "coaching": 1}, Children: 0.999999}
	g := compile(t, trial)
	data, truth := g.Draw(dgp.Stream{Seed: 1})
	if data.N != [...]int{1, 1, 1, 0} {
		t.Fatalf("%v units", data.N)
	}
	if d := truth.Deviations(); slices.ContainsFunc(d, math.IsNaN) || d[len(d)-1] != 0 {
		t.Fatalf("deviations of no children: %v", d)
	}
	checkHierarchy(t, trial, g, data)
	checkColumns(t, trial, g, data)
	checkTruth(t, trial, g, data, truth)
	checkDeviations(t, trial, g, data, truth)
}

func columnsOf(k, n int) [][]float64 {
	columns := make([][]float64, k)
	for i := range columns {
		columns[i] = make([]float64, n)
	}
	return columns
}

// meanShift is the mean effect of an arm on quality: its own, and its parts'.
func meanShift(trial dgp.Trial, arm string, k int) float64 {
	own, named := trial.Quality.ArmEffects[arm]
	parts := strings.Split(arm, "+")
	if !named && len(parts) == 1 {
		own = trial.Quality.Effect
	}
	shift := orZero(own.Shift, k)
	if len(parts) > 1 {
		for _, part := range parts {
			shift += meanShift(trial, part, k)
		}
	}
	return shift
}
