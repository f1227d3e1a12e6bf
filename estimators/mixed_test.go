package estimators_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// fitMixed binds and fits one mixed model.
func fitMixed(t *testing.T, o estimators.Mixed, d *dgp.Data, shape dgp.Shape) []estimators.Estimate {
	t.Helper()
	panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, lists)
	if err != nil {
		t.Fatal(err)
	}
	return panel.Fit(d)
}

// agree reports whether x and y agree relative to the scale.
func agree(x, y, scale, tolerance float64) bool { return math.Abs(x-y) <= tolerance*scale }

// compareMixed holds estimates against those of the reference.
func compareMixed(got, want []estimators.Estimate) error {
	for i, g := range got {
		w := want[i]
		switch {
		case g.Status != w.Status:
			return fmt.Errorf("estimate %d: status %s, want %s (%v, %v)", i, g.Status, w.Status, g, w)
		case !w.Status.Worked():
		case math.IsNaN(w.SE): // an F test
			if !agree(g.Value, w.Value, w.Value, 1e-5) || !math.IsNaN(g.SE) || !agree(g.DF, w.DF, w.DF, 1e-4) || !agree(g.P, w.P, w.P, 1e-4*(1+w.Value)) {
				return fmt.Errorf("estimate %d: %v, want %v", i, g, w)
			}
		case !agree(g.Value, w.Value, math.Max(math.Abs(w.Value), w.SE), 1e-6),
			!agree(g.SE, w.SE, w.SE, 1e-6), !agree(g.DF, w.DF, w.DF, 1e-4),
			!agree(g.P, w.P, w.P, 1e-4*(1+w.Value*w.Value/(w.SE*w.SE))):
			return fmt.Errorf("estimate %d: %v, want %v", i, g, w)
		}
	}
	return nil
}

var (
	reml, ml     = estimators.REML, estimators.ML
	satterth     = estimators.Satterthwaite
	kenwardRoger = estimators.KenwardRoger
)

func TestMixedAgainstReference(t *testing.T) {
	tiny := estimatortest.Design{Blocks: 3, Schools: 4, Teachers: 3, Children: 4, Effect: 0.3, Shared: 0.6}
	wide := estimatortest.Design{Blocks: 4, Schools: 6, Teachers: 1, Children: 5, Effect: 0.3, Shared: 0.6}
	for _, c := range []struct {
		name   string
		design estimatortest.Design
		mixed  estimators.Mixed
	}{
		{"one intercept", wide, estimators.Mixed{Formula: "score ~ coaching + (1 | school)", Report: []string{"coaching", "(Intercept)"}}},
		{"block effects", wide, estimators.Mixed{Formula: "c(score, reading) ~ coaching + ses + age + age^2 + girl + (1 | school) | block", Report: []string{"coaching", "ses", "age", "age^2"}}},
		{"nested", tiny, estimators.Mixed{Formula: "c(score, reading) ~ coaching + ses + experience + (1 | school/teacher)", Report: []string{"coaching", "ses", "experience", "(Intercept)"}}},
		{"nested, block effects", tiny, estimators.Mixed{Formula: "score ~ coaching*girl + (1 | school/teacher) | block", Report: []string{"coaching", "coaching:girl"}}},
		{"nested, written apart", tiny, estimators.Mixed{Formula: "score ~ (1 | teacher) + coaching + (1|school)", Report: []string{"coaching"}}},
		{"blocks at random", wide, estimators.Mixed{Formula: "score ~ coaching + (1 | block/school)", Report: []string{"coaching", "(Intercept)"}}},
		{"teachers in schools with effects", tiny, estimators.Mixed{Formula: "score ~ ses + class + (1 | teacher) | school", Report: []string{"ses", "class"}}},
		{"teacher rows", tiny, estimators.Mixed{Formula: "c(class, es_s1_c1) ~ coaching + experience + (1 | school)", Report: []string{"coaching", "experience", "(Intercept)"}}},
		{"some children", tiny, estimators.Mixed{Formula: "score ~ coaching + ses + (1 | school) | block", Where: "girl == 1", Report: []string{"coaching", "ses"}}},
		{"some schools", wide, estimators.Mixed{Formula: "score ~ ses + age + (1 | school)", Where: "coaching == 0", Report: []string{"ses", "age", "(Intercept)"}}},
		{"no intercept", wide, estimators.Mixed{Formula: "score ~ ses + coaching - 1 + (1 | school)", Report: []string{"ses", "coaching"}}},
		{"collinear", wide, estimators.Mixed{Formula: "score ~ coaching + girl + boy + (1 | school) | block", Report: []string{"coaching", "girl", "boy"}}},
		{"collinear, intercept", wide, estimators.Mixed{Formula: "score ~ rural + urban + coaching + (1 | school)", Report: []string{"rural", "(Intercept)"}}},
		{"joint", tiny, estimators.Mixed{Formula: "score ~ coaching + ses + age + age^2 + girl + (1 | school/teacher)", Report: []string{"coaching"}, Joint: [][]string{{"coaching", "ses", "girl"}, {"age", "age^2"}, {"(Intercept)", "ses"}}}},
		{"joint, block effects", wide, estimators.Mixed{Formula: "c(score, reading) ~ coaching + ses + girl + boy + (1 | school) | block", Report: []string{"ses"}, Joint: [][]string{{"coaching", "ses"}, {"ses", "boy"}, {"ses"}}}},
		{"constant alone", wide, estimators.Mixed{Formula: "reading ~ 1 + (1 | school)", Report: []string{"(Intercept)"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(2) {
				d, shape := c.design.Draw(seed), c.design.Shape()
				for _, kind := range [][]struct {
					by   estimators.Likelihood
					rule estimators.MixedDF
				}{{{reml, satterth}, {ml, estimators.ResidualDF}}, {{reml, kenwardRoger}, {ml, satterth}}}[seed] {
					c.mixed.Likelihood, c.mixed.DF = kind.by, kind.rule
					want, err := estimatortest.Mixed(c.mixed, d, shape, lists)
					if err != nil {
						t.Fatal(err)
					}
					if err := compareMixed(fitMixed(t, c.mixed, d, shape), want); err != nil {
						t.Errorf("seed %d, %s, %s: %v", seed, kind.by, kind.rule, err)
					}
				}
			}
		})
	}
}

func TestMixedSlopesAgainstReference(t *testing.T) {
	six := estimatortest.Design{Blocks: 6, Schools: 4, Teachers: 2, Children: 3, Effect: 0.3, Shared: 0.6, Varying: 1.2}
	wide := estimatortest.Design{Blocks: 6, Schools: 5, Teachers: 1, Children: 3, Effect: 0.3, Shared: 0.6, Varying: 1.2}
	for _, c := range []struct {
		name   string
		design estimatortest.Design
		mixed  estimators.Mixed
	}{
		{"effects by block", wide, estimators.Mixed{Formula: "score ~ coaching + (1 + coaching | block)", Report: []string{"coaching", "(Intercept)"}}},
		{"and schools", wide, estimators.Mixed{Formula: "c(score, reading) ~ coaching + ses + age + (coaching | block) + (1 | school)", Report: []string{"coaching", "ses", "age", "(Intercept)"}, Joint: [][]string{{"coaching", "ses"}}}},
		{"and teachers", six, estimators.Mixed{Formula: "score ~ coaching + ses + (1 + coaching | block) + (1 | school/teacher)", Report: []string{"coaching", "ses", "(Intercept)"}, Joint: [][]string{{"coaching", "ses", "(Intercept)"}}}},
		{"uncorrelated", wide, estimators.Mixed{Formula: "score ~ coaching + girl + (1 + coaching || block) + (1 | school)", Report: []string{"coaching", "girl"}}},
		{"slopes alone", six, estimators.Mixed{Formula: "score ~ coaching + ses + (0 + coaching | block) + (1 | teacher)", Report: []string{"coaching", "ses"}}},
		{"fixed intercepts, random coefficients", wide, estimators.Mixed{Formula: "score ~ coaching + ses + (0 + coaching | block) + (1 | school) | block", Report: []string{"coaching", "ses"}, Joint: [][]string{{"coaching", "ses"}}}},
		{"children's slopes", six, estimators.Mixed{Formula: "score ~ coaching + ses + (ses | school)", Report: []string{"coaching", "ses"}}},
		{"children's slopes, far from zero", six, estimators.Mixed{Formula: "score ~ coaching + age + (1 + age || school) | block", Report: []string{"coaching", "age"}}},
		{"two levels of slopes", six, estimators.Mixed{Formula: "score ~ coaching + (coaching | block) + (0 + ses | school)", Report: []string{"coaching"}}},
		{"slopes without a coefficient", wide, estimators.Mixed{Formula: "score ~ coaching + (0 + ses | block) + (1 | school)", Report: []string{"coaching"}}},
		{"teacher rows", six, estimators.Mixed{Formula: "class ~ coaching + experience + (coaching | block)", Report: []string{"coaching", "experience"}}},
		{"some children", wide, estimators.Mixed{Formula: "score ~ coaching + (coaching | block)", Where: "girl == 1", Report: []string{"coaching"}}},
		{"collinear", wide, estimators.Mixed{Formula: "score ~ coaching + girl + boy + (coaching | block)", Report: []string{"coaching", "girl", "boy"}}},
		{"no intercept", wide, estimators.Mixed{Formula: "score ~ ses + coaching - 1 + (0 + coaching | block) + (1 | school)", Report: []string{"ses", "coaching"}}},
	} {
		seeds := uint64(2)
		if testing.Short() {
			seeds = 1
		}
		t.Run(c.name, func(t *testing.T) {
			for seed := range seeds {
				d, shape := c.design.Draw(seed), c.design.Shape()
				for _, kind := range [][]struct {
					by   estimators.Likelihood
					rule estimators.MixedDF
				}{{{reml, satterth}, {ml, estimators.ResidualDF}}, {{reml, kenwardRoger}, {ml, satterth}}}[seed] {
					c.mixed.Likelihood, c.mixed.DF = kind.by, kind.rule
					want, err := estimatortest.Mixed(c.mixed, d, shape, lists)
					if err != nil {
						t.Fatal(err)
					}
					if err := compareMixed(fitMixed(t, c.mixed, d, shape), want); err != nil {
						t.Errorf("seed %d, %s, %s: %v", seed, kind.by, kind.rule, err)
					}
				}
			}
		})
	}
}

// With equal sizes the treatment effect and its test are those of the
// difference of the schools' means: SE² = s²(1/J1+1/J0), s² pooled, J-2 df.
func TestMixedBalanced(t *testing.T) {
	const schools, children = 12, 5
	design := estimatortest.Design{Blocks: 1, Schools: schools, Teachers: 1, Children: children, Effect: 0.3, Shared: 0.8}
	shape := design.Shape()
	score := shape.Index("score")
	for seed := range uint64(20) {
		d := balanced(design, shape, seed, schools, children)
		arm := d.Columns[shape.Index("coaching")]
		var n, mean, square [2]float64
		for s := range schools {
			y := 0.0
			for _, v := range d.Columns[score][d.ChildStart[s]:d.ChildStart[s+1]] {
				y += v / children
			}
			a := int(arm[s])
			n[a]++
			mean[a] += y
			square[a] += y * y
		}
		pooled := 0.0
		for a := range n {
			mean[a] /= n[a]
			pooled += (square[a] - n[a]*mean[a]*mean[a]) / (schools - 2)
		}
		se := math.Sqrt(pooled * (1/n[0] + 1/n[1]))
		for _, rule := range []estimators.MixedDF{satterth, kenwardRoger} {
			o := estimators.Mixed{Formula: "score ~ coaching + (1 | school)", DF: rule, Report: []string{"coaching"}}
			got := fitMixed(t, o, d, shape)[0]
			if got.Status == estimators.Boundary {
				continue
			}
			if !agree(got.Value, mean[1]-mean[0], 1, 1e-10) || !agree(got.SE, se, se, 1e-8) || !agree(got.DF, schools-2, schools-2, 1e-7) {
				t.Errorf("seed %d, %s: %v, want %v, SE %v", seed, rule, got, mean[1]-mean[0], se)
			}
		}
	}
}

// balanced draws data of one block in which every school has as many children.
func balanced(design estimatortest.Design, shape dgp.Shape, seed uint64, schools, children int) *dgp.Data {
	design.Schools, design.Children = 2*schools, 2*children
	d := design.Draw(seed)
	kept := 0
	d = estimatortest.Without(d, design.Shape(), dgp.SchoolLevel, func(int) bool { kept++; return kept > schools })
	d = estimatortest.Without(d, shape, dgp.ChildLevel, func(i int) bool {
		for t := range d.Teachers() {
			if i < d.ChildStart[t+1] {
				return i-d.ChildStart[t] >= children
			}
		}
		return false
	})
	for s := range schools { // half of the schools in each arm
		d.Columns[shape.Index("coaching")][s] = float64(s % 2)
	}
	return d
}

// Whatever the formula and the data, a fit is the reference's.
func TestMixedRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		design := estimatortest.Design{
			Blocks: rapid.IntRange(3, 4).Draw(t, "blocks"), Schools: rapid.IntRange(5, 6).Draw(t, "schools"),
			Teachers: rapid.IntRange(1, 2).Draw(t, "teachers"), Children: rapid.IntRange(3, 5).Draw(t, "children"),
			Effect: 0.3, Shared: rapid.SampledFrom([]float64{0, 0.3, 1}).Draw(t, "shared"),
		}
		random := rapid.SampledFrom([]string{"(1 | school)", "(1 | teacher)", "(1 | school/teacher)", "(1 | block/school)"}).Draw(t, "random")
		terms := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"coaching", "rural", "experience", "age", "ses", "girl", "coaching:ses"}), 1, 4, rapid.ID[string]).Draw(t, "terms")
		o := estimators.Mixed{
			Formula: "score ~ " + strings.Join(terms, " + ") + " + " + random, Report: terms,
			Likelihood: rapid.SampledFrom([]estimators.Likelihood{reml, ml}).Draw(t, "likelihood"),
		}
		if rapid.Bool().Draw(t, "effects") && !strings.Contains(random, "block") {
			o.Formula += " | block"
		}
		if o.Likelihood == reml {
			o.DF = rapid.SampledFrom([]estimators.MixedDF{satterth, kenwardRoger}).Draw(t, "df")
		}
		d := design.Draw(rapid.Uint64().Draw(t, "seed"))
		panel, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, design.Shape(), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := panel.Fit(d)
		for _, e := range got {
			if e.Status.Worked() && (math.IsNaN(e.Value) || !(e.SE > 0) || !(e.DF > 0) || !(e.P >= 0 && e.P <= 1)) {
				t.Fatalf("%s: %v", o.Formula, e)
			}
		}
		if !got[0].Status.Worked() || strings.Contains(random, "/") && onlyChildren(d, random) {
			return
		}
		want, err := estimatortest.Mixed(o, d, design.Shape(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := compareMixed(got, want); err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
	})
}

// onlyChildren reports whether every school has one teacher, so that two
// nested intercepts cannot be told apart.
func onlyChildren(d *dgp.Data, random string) bool {
	return strings.Contains(random, "teacher") && d.Teachers() == d.N[dgp.SchoolLevel]
}

func TestMixedStatus(t *testing.T) {
	design := estimatortest.Design{Blocks: 2, Schools: 6, Teachers: 1, Children: 5, Effect: 0.3, Shared: 0.5}
	shape := design.Shape()
	fit := func(formula string, change func(d *dgp.Data)) estimators.Status {
		d := design.Draw(3)
		change(d)
		e := fitMixed(t, estimators.Mixed{Formula: formula, Report: []string{"coaching"}}, d, shape)[0]
		if e.Status.Worked() == math.IsNaN(e.P) {
			t.Errorf("%s: %v", formula, e)
		}
		return e.Status
	}
	set := func(name string, value func(i int) float64) func(d *dgp.Data) {
		return func(d *dgp.Data) {
			x := d.Columns[shape.Index(name)]
			for i := range x {
				x[i] = value(i)
			}
		}
	}
	const formula = "score ~ coaching + ses + (1 | school)"
	for _, c := range []struct {
		name    string
		formula string
		change  func(d *dgp.Data)
		want    []estimators.Status
	}{
		{"constant outcome", formula, set("score", func(int) float64 { return 3 }), []estimators.Status{estimators.NoVariation}},
		{"NaN outcome", formula, set("score", func(int) float64 { return math.NaN() }), []estimators.Status{estimators.NotFinite}},
		{"infinite outcome", formula, func(d *dgp.Data) { d.Columns[shape.Index("score")][1] = math.Inf(1) }, []estimators.Status{estimators.NotFinite}},
		{"NaN regressor", formula, func(d *dgp.Data) { d.Columns[shape.Index("ses")][1] = math.NaN() }, []estimators.Status{estimators.NotFinite}},
		{"constant arm", formula, set("coaching", func(int) float64 { return 1 }), []estimators.Status{estimators.Collinear}},
		{"schools all alike", "ses ~ coaching + (1 | school)", set("ses", func(i int) float64 { return float64(i % 2) }), []estimators.Status{estimators.Boundary, estimators.OK}},
		{"a regressor between two blocks", "score ~ coaching + region + (1 | block/school)", func(*dgp.Data) {}, []estimators.Status{estimators.TooFewClusters}},
		{"one teacher a school", "score ~ coaching + (1 | school/teacher)", func(*dgp.Data) {}, []estimators.Status{estimators.Boundary}},
		{"perfect fit", "score ~ coaching + ses + (1 | school)", func(d *dgp.Data) {
			copy(d.Columns[shape.Index("score")], d.Columns[shape.Index("ses")])
		}, []estimators.Status{estimators.NoResidual}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := fit(c.formula, c.change)
			for _, want := range c.want {
				if got == want {
					return
				}
			}
			t.Errorf("status %s, want %v", got, c.want)
		})
	}
	// Rows of children whose outcome is constant in each school: the ratio of
	// variances grows without bound.
	d := design.Draw(3)
	e := fitMixed(t, estimators.Mixed{Formula: "attendance ~ coaching + (1 | school)", Rows: "child", Report: []string{"coaching"}}, d, shape)[0]
	if e.Status.Worked() {
		t.Errorf("outcome constant in schools: %v", e)
	}
}

func TestMixedAllocatesNothing(t *testing.T) {
	design := estimatortest.Small
	panel, err := estimators.Bind([]estimators.Named{
		{Name: "nested", Method: estimators.Mixed{Formula: "c(score, reading) ~ coaching + $controls + (1 | school/teacher) | block", Report: []string{"coaching"}}},
		{Name: "slopes", Method: estimators.Mixed{Formula: "c(score, reading) ~ coaching + $controls + (coaching | block) + (1 | school/teacher)", Report: []string{"coaching"}, Joint: [][]string{{"coaching", "(Intercept)"}}}},
		{Name: "slopes, effects", Method: estimators.Mixed{Formula: "score ~ coaching + ses + (0 + coaching | block) + (ses | school) | block", DF: kenwardRoger, Report: []string{"coaching"}, Joint: [][]string{{"coaching", "ses"}}}},
		{Name: "rotated", Method: estimators.Mixed{Formula: "c(score, reading) ~ coaching + ses + near6 + (1 | school/teacher)", Report: []string{"coaching", "near6"}, Joint: [][]string{{"coaching", "ses"}}}},
		{Name: "rotated slopes", Method: estimators.Mixed{Formula: "score ~ coaching + ses + near6 + (coaching | block)", DF: kenwardRoger, Report: []string{"coaching"}}},
		{Name: "one", Method: estimators.Mixed{Formula: "score ~ coaching + ses + (1 | school)", DF: kenwardRoger, Report: []string{"coaching", "(Intercept)"}}},
	}, design.Shape(), lists)
	if err != nil {
		t.Fatal(err)
	}
	var data []*dgp.Data
	for seed := range uint64(5) {
		data = append(data, design.Draw(seed))
	}
	i := 0
	if n := testing.AllocsPerRun(20, func() { panel.Fit(data[i%5]); i++ }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMixedBindFaults(t *testing.T) {
	shape := estimatortest.Small.Shape()
	for _, c := range []struct {
		mixed estimators.Mixed
		want  string
	}{
		{estimators.Mixed{Formula: "score ~ coaching"}, "kind: ols"},
		{estimators.Mixed{Formula: "score ~ coaching + (1 | pupil)"}, `"pupil" has no random intercept; the levels above child rows are block, school, teacher`},
		{estimators.Mixed{Formula: "class ~ coaching + (1 | teacher)"}, "the levels above teacher rows are block, school"},
		{estimators.Mixed{Formula: "score ~ coaching + (1 | block/school/teacher)"}, "at most two"},
		{estimators.Mixed{Formula: "score ~ coaching + (1 | school) + (1 | school)"}, "stands here twice"},
		{estimators.Mixed{Formula: "score ~ ses + (1 | school) | school"}, "leave no random intercept"},
		{estimators.Mixed{Formula: "score ~ coaching + (1 | block) | school"}, "leave no random intercept"},
		{estimators.Mixed{Formula: "score ~ coaching + (coaching | school)"}, "at character 21: coaching does not vary within a unit of school"},
		{estimators.Mixed{Formula: "score ~ coaching + (1 + nix | school)"}, "at character 25: there is no column"},
		{estimators.Mixed{Formula: "score ~ coaching + (0 | school)"}, "at character 21: nothing is random here"},
		{estimators.Mixed{Formula: "score ~ coaching + (ses + age | school)"}, "at character 21: at most two random effects of a level can be correlated"},
		{estimators.Mixed{Formula: "score ~ coaching + (ses + age + girl || school/teacher)"}, "more than 6 variances"},
		{estimators.Mixed{Formula: "score ~ coaching + (ses | school) + (0 + ses | school)"}, "at character 42: the coefficient of ses that varies between units of school stands here twice"},
		{estimators.Mixed{Formula: "score ~ coaching + (ses | school) + (1 | school)"}, "stands here twice"},
		{estimators.Mixed{Formula: "score ~ coaching + (coaching | block) | block"}, "leave no random intercept"},
		{estimators.Mixed{Formula: "score ~ ses + (0 + coaching | block) | school"}, "not of block"},
		{estimators.Mixed{Formula: "score ~ coaching + (1 | school"}, "expected / or )"},
		{estimators.Mixed{Formula: "score ~ coaching + (1 | )"}, "expected the level"},
		{estimators.Mixed{Formula: "score ~ coaching:(ses + (1 | school))"}, "a term of its own"},
		{estimators.Mixed{Formula: "score ~ coaching + (1 | school)", Likelihood: ml, DF: kenwardRoger}, "kenward-roger is for REML"},
	} {
		c.mixed.Report = []string{"coaching"}
		_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: c.mixed}}, shape, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.mixed.Formula, err, c.want)
		}
	}
	_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: estimators.OLS{Formula: "score ~ coaching + (1 | school)", Report: []string{"coaching"}}}}, shape, nil)
	if err == nil || !strings.Contains(err.Error(), "kind: mixed") {
		t.Errorf("least squares takes a random intercept: %v", err)
	}
}
