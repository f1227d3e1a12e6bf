package dgp_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"coachsim/dgp"
)

// losing is manyTeachers with loss at every level.
func losing() dgp.Trial {
	t := manyTeachers()
	t.Design.Attrition = dgp.Attrition{Loss: dgp.Losses{
		School: dgp.Loss{
			Rate:    map[string]float64{"usual": 0.05, "mentoring": 0.15},
			Depends: map[string]float64{"wealth": -0.8, "quality": 0.4},
		},
		Teacher: dgp.Loss{Rate: map[string]float64{"mentoring": 0.1}},
		Child: dgp.Loss{
			Rate:         map[string]float64{"usual": 0.2, "mentoring": 0.3},
			Depends:      map[string]float64{"ability": -0.7, "lunch": 0.3, "debt": 0.2, "wealth": -0.1, "quality": -0.2},
			DependsByArm: map[string]map[string]float64{"mentoring": {"ability": 0.2, "months": -0.25}},
		},
	}}
	return t
}

// column returns a column of the data.
func column(t testing.TB, g *dgp.Generator, d *dgp.Data, name string) []float64 {
	t.Helper()
	i := g.Shape().Index(name)
	if i < 0 {
		t.Fatalf("there is no column %s", name)
	}
	return d.Columns[i]
}

// The declared rates hold at every level, among the units whose parents stay.
// Each share is held to 4.4 of its standard errors over trials and the 0.2
// percentage points that the calibration may be off: a right program fails with
// probability under 1e-4.
func TestLossRates(t *testing.T) {
	trial := losing()
	g := compile(t, trial)
	n := short(3000)
	lost := map[string][]float64{}
	for rep := range n {
		_, truth := g.Draw(dgp.Stream{Seed: 3, Replicate: uint64(rep)})
		for arm, name := range trial.Design.Arms {
			school, teacher, child := g.LossShares(truth, arm)
			for level, share := range map[string]float64{"school": school, "teacher": teacher, "child": child} {
				if !math.IsNaN(share) {
					lost[level+" "+name] = append(lost[level+" "+name], share)
				}
			}
		}
	}
	for name, want := range map[string]float64{
		"school usual": 0.05, "school mentoring": 0.15, "teacher usual": 0, "teacher mentoring": 0.1, "child usual": 0.2, "child mentoring": 0.3,
	} {
		x := lost[name]
		m, se := meanSE(x)
		t.Logf("%s: %.4f (%.4f), want %g", name, m, se, want)
		if want == 0 && m != 0 || math.Abs(m-want) > 4.4*se+0.002 {
			t.Errorf("%s: share lost %.4f (SE %.4f), want %g", name, m, se, want)
		}
	}
}

func meanSE(x []float64) (m, se float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	ss := 0.0
	for _, v := range x {
		ss += (v - m) * (v - m)
	}
	return m, math.Sqrt(ss/float64(len(x)-1)) / math.Sqrt(float64(len(x)))
}

// A logit of loss on what it depends on finds the declared log odds per SD,
// within 4.4 standard errors each (as if children were independent, which they
// are given the regressors). SDs are those of the children, taken from all
// draws: a right program fails with probability under 1e-4.
func TestLossDependsAsDeclared(t *testing.T) {
	trial := losing()
	g := compile(t, trial)
	names := []string{"ability", "debt", "lunch", "months", "quality", "wealth"}
	var z [][]float64
	lost := [2][]float64{}
	for rep := range 60 {
		_, truth := g.Draw(dgp.Stream{Seed: 4, Replicate: uint64(rep)})
		for _, u := range g.ChildLosses(truth) {
			z = append(z, []float64{1, u.Ability, u.Covariate["debt"], u.Covariate["lunch"], u.Covariate["months"], u.Quality, u.Covariate["wealth"]})
			for arm := range lost {
				lost[arm] = append(lost[arm], number(u.Lost[arm]))
			}
		}
	}
	// Ability and quality have mean 0 by design, and here the SD of the sample;
	// covariates have the mean and SD of their law.
	sd := func(k int) float64 {
		ss := 0.0
		for _, row := range z {
			ss += row[k] * row[k]
		}
		return math.Sqrt(ss / float64(len(z)))
	}
	laws := map[int][2]float64{2: {2, 3}, 3: {0.2, 0.4}, 4: {60, 4}, 6: {-3, 2}}
	scale := make([]float64, 7)
	for k := 1; k < 7; k++ {
		center := laws[k][0]
		if scale[k] = laws[k][1]; scale[k] == 0 {
			scale[k] = sd(k)
		}
		for _, row := range z {
			row[k] = (row[k] - center) / scale[k]
		}
	}
	want := [2]map[string]float64{
		{"ability": -0.7, "lunch": 0.3, "debt": 0.2, "wealth": -0.1, "quality": -0.2},
		{"ability": -0.5, "lunch": 0.3, "debt": 0.2, "wealth": -0.1, "quality": -0.2, "months": -0.25},
	}
	for arm := range lost {
		b, se := logit(z, lost[arm])
		for k, name := range names {
			t.Logf("arm %d, %s: %.3f (%.3f), want %g", arm, name, b[k+1], se[k+1], want[arm][name])
			// The SDs of ability and quality in 60 trials of 24 schools are
			// themselves known to 5% only.
			if math.Abs(b[k+1]-want[arm][name]) > 4.4*se[k+1]+0.05*math.Abs(want[arm][name]) {
				t.Errorf("arm %d: log odds per SD of %s are %.3f (SE %.3f), want %g", arm, name, b[k+1], se[k+1], want[arm][name])
			}
		}
	}
}

// logit is a logistic regression by Newton's method, with standard errors.
func logit(x [][]float64, y []float64) (b, se []float64) {
	p := len(x[0])
	b, se = make([]float64, p), make([]float64, p)
	var inverse [][]float64
	for range 12 {
		gradient := make([]float64, p)
		information := make([][]float64, p)
		for i := range information {
			information[i] = make([]float64, 2*p)
			information[i][p+i] = 1
		}
		for r, row := range x {
			eta := 0.0
			for k, v := range row {
				eta += b[k] * v
			}
			mu := 1 / (1 + math.Exp(-eta))
			for k, v := range row {
				gradient[k] += (y[r] - mu) * v
				for l, w := range row {
					information[k][l] += mu * (1 - mu) * v * w
				}
			}
		}
		for k := range p { // Gauss and Jordan
			d := information[k][k]
			for l := range information[k] {
				information[k][l] /= d
			}
			for i := range p {
				if i != k {
					f := information[i][k]
					for l := range information[i] {
						information[i][l] -= f * information[k][l]
					}
				}
			}
		}
		inverse = information
		for i := range p {
			for k := range p {
				b[i] += information[i][p+k] * gradient[k]
			}
		}
	}
	for i := range p {
		se[i] = math.Sqrt(inverse[i][p+i])
	}
	return b, se
}

// Lost units are rows whose outcomes are missing, and nothing else is.
func TestLostRowsAreMissing(t *testing.T) {
	g := compile(t, losing())
	d := g.Trial().Design
	missing := 0
	for rep := range 20 {
		data, truth := g.Draw(dgp.Stream{Seed: 5, Replicate: uint64(rep)})
		if data.N[dgp.SchoolLevel] != d.Blocks*d.Schools || data.Teachers() != d.Blocks*d.Schools*d.Teachers {
			t.Fatalf("%v units", data.N)
		}
		for c, col := range g.Shape().Columns {
			potential := make([]float64, g.Shape().Max[col.Level])
			for u, v := range data.Columns[c] {
				observed := 1.0
				if col.Observed != "" {
					at := g.Shape().Index(col.Observed)
					observed = data.Columns[at][data.Ancestor(col.Level, u, g.Shape().Columns[at].Level)]
				}
				if (observed == 0) != math.IsNaN(v) {
					t.Fatalf("unit %d of %s is %g, its indicator %g", u, col.Name, v, observed)
				}
				if math.IsNaN(v) {
					missing++
				}
			}
			if !g.HasPotential(c) {
				continue
			}
			arms := column(t, g, data, "mentoring")
			for arm := range d.Arms {
				for u, v := range truth.Potential(potential, c, arm) {
					own := int(arms[data.Ancestor(col.Level, u, dgp.SchoolLevel)]) == arm
					if own && v != data.Columns[c][u] && !math.IsNaN(data.Columns[c][u]) || math.IsNaN(v) {
						t.Fatalf("potential %s of unit %d is %g, in the data %g", col.Name, u, v, data.Columns[c][u])
					}
				}
			}
		}
	}
	if missing == 0 {
		t.Fatal("nothing was missing")
	}
}

// With the same slopes in both arms whoever stays in the arm that loses more
// stays in the other too.
func TestLossIsMonotone(t *testing.T) {
	trial := losing()
	trial.Design.Attrition.Loss.Child.DependsByArm = nil
	g := compile(t, trial)
	c := g.Shape().Index("responded")
	a, b := make([]float64, g.Shape().Max[dgp.ChildLevel]), make([]float64, g.Shape().Max[dgp.ChildLevel])
	differ := 0
	for rep := range 50 {
		_, truth := g.Draw(dgp.Stream{Seed: 6, Replicate: uint64(rep)})
		control, treated := truth.Potential(a, c, 0), truth.Potential(b, c, 1)
		for i := range control {
			if treated[i] > control[i] {
				t.Fatalf("child %d responds with mentoring only", i)
			}
			differ += int(control[i] - treated[i])
		}
	}
	if differ == 0 {
		t.Fatal("the arms lose the same children")
	}
}

// keep changes nothing but that lost units stay as rows: without these the data
// are those of the same trial without keep, to the last bit.
func TestKeepKeepsWhoWasLost(t *testing.T) {
	for name, trial := range map[string]dgp.Trial{"ecuador": ecuador(t), "many-teachers": manyTeachers(), "alike": alike()} {
		kept := trial
		kept.Design.Attrition.Keep = true
		was, is := compile(t, trial), compile(t, kept)
		for rep := range 10 {
			st := dgp.Stream{Seed: 7, Replicate: uint64(rep)}
			want, _ := was.Draw(st)
			got, _ := is.Draw(st)
			left, responded := is.Drawn().Left, column(t, is, got, "responded")
			stays := func(l dgp.Level, u int) bool {
				if l == dgp.ChildLevel {
					return responded[u] == 1
				}
				return !left[got.Ancestor(l, u, dgp.SchoolLevel)]
			}
			for c, col := range was.Shape().Columns {
				var values []float64
				for u, v := range got.Columns[is.Shape().Index(col.Name)] {
					if stays(col.Level, u) {
						values = append(values, v)
					}
				}
				if !slices.Equal(values, want.Columns[c]) {
					t.Fatalf("%s, replicate %d: %s differs: %d and %d values", name, rep, col.Name, len(values), len(want.Columns[c]))
				}
			}
			if n := want.Children(); was.ValidTests() != n || is.ValidTests() != n {
				t.Fatalf("%s, replicate %d: %d valid tests and %d, want %d", name, rep, was.ValidTests(), is.ValidTests(), n)
			}
		}
	}
}

// A school that is lost by number would also be lost by the other arm's number
// as often as schools of that arm are.
func TestPotentialLossByNumber(t *testing.T) {
	trial := manyTeachers()
	trial.Design.Assignment = dgp.Complete{Share: 0.5} // 12 and 12 of 24 schools
	trial.Design.Attrition = dgp.Attrition{Schools: map[string]int{"usual": 2, "mentoring": 5}, Keep: true}
	g := compile(t, trial)
	var share [2][]float64
	for rep := range short(4000) {
		_, truth := g.Draw(dgp.Stream{Seed: 8, Replicate: uint64(rep)})
		for arm := range share {
			school, _, _ := g.LossShares(truth, arm)
			share[arm] = append(share[arm], school)
		}
	}
	for arm, want := range []float64{2.0 / 12, 5.0 / 12} {
		if m, se := meanSE(share[arm]); math.Abs(m-want) > 4.4*se {
			t.Errorf("arm %d loses %.4f (SE %.4f) of all schools, want %.4f", arm, m, se, want)
		}
	}
}

func TestLossAllocatesNothing(t *testing.T) {
	g := compile(t, losing())
	rep := uint64(0)
	if n := testing.AllocsPerRun(20, func() {
		g.Draw(dgp.Stream{Seed: 1, Replicate: rep})
		rep++
	}); n != 0 {
		t.Errorf("a draw allocates %v times", n)
	}
}

func TestLossFaults(t *testing.T) {
	trial := losing()
	trial.Covariates = append(slices.Clone(trial.Covariates), dgp.Covariate{Name: "quality", Level: dgp.SchoolLevel, Law: dgp.Normal{SD: 1}})
	trial.Design.Attrition.Loss = dgp.Losses{
		School: dgp.Loss{Rate: map[string]float64{"money": 0.1}, Depends: map[string]float64{"quality": 1, "qualty": 1}},
		Child:  dgp.Loss{Depends: map[string]float64{"ability": 1}},
		Teacher: dgp.Loss{
			Rate: map[string]float64{"usual": 1}, DependsByArm: map[string]map[string]float64{"money": {"debt": math.Inf(1)}},
		},
	}
	var faults dgp.Faults
	if !errors.As(trial.Validate(), &faults) {
		t.Fatal("no faults")
	}
	var got []string
	for _, f := range faults {
		got = append(got, f.Path+": "+f.Message)
	}
	want := []string{
		`trial.attrition.loss.school.rate.money: there is no arm "money"; the arms are usual, mentoring`,
		`trial.attrition.loss.school.depends.quality: "quality" is also the name of a covariate; give that another name`,
		`trial.attrition.loss.school.depends.qualty: loss cannot depend on "qualty"; it can on ability, quality, staff, wealth, trained, graduate, debt, size, poor, lunch, books, months, quality`,
		`trial.attrition.loss.teacher.rate.usual: must be at least 0 and below 1, not 1`,
		`trial.attrition.loss.teacher.depends_by_arm.money: there is no arm "money"; the arms are usual, mentoring`,
		`trial.attrition.loss.teacher.depends_by_arm.money.debt: must be a finite number`,
		`trial.attrition.loss.child.rate: is missing; depends says who is lost, rate how many, by arm`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("faults\n%q\nwant\n%q", got, want)
	}
}
