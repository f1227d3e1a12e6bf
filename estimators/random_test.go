package estimators_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// Columns by level that random formulas draw from. Those of a copy are drawn
// too, so that some formulas lose terms.
var (
	outcomes   = [][]string{nil, {"attendance", "mean(score, school)"}, {"class", "mean(reading, teacher)", "std(class)", "above(class, 75)", "es_s1_c1"}, {"score", "reading", "passed", "below(score, 20)", "I(score - 0.4 * ses)", "log(reading + 1000)", "klk(score, reading, -passed)", "anderson(score, reading, by = coaching)"}}
	regressors = [][]string{{"region", "exp(region)"}, {"coaching", "rural", "urban", "mean(ses, school)", "n(school)"}, {"female", "experience", "co_s1_c1", "std(experience)", "sqrt(experience)", "mean(girl, track)"}, {"girl", "boy", "age", "ses", "above(ses, 60)", "center(ses)", "I(age/10 + ses^2)", "I(experience * ses)"}}
	conditions = [][]string{{"region > -0.5"}, {"coaching == 0", "rural != 1"}, {"experience < 30", "female == 1"}, {"girl == 1", "age <= 86.5", "ses > -1"}}
)

// drawOLS draws a regression that can be bound to the columns of a design.
func drawOLS(t *rapid.T) estimators.OLS {
	rows := rapid.SampledFrom([]dgp.Level{dgp.ChildLevel, dgp.ChildLevel, dgp.TeacherLevel, dgp.SchoolLevel}).Draw(t, "rows")
	upTo := func(lists [][]string, level dgp.Level) (all []string) {
		for _, list := range lists[:level+1] {
			all = append(all, list...)
		}
		return all
	}
	o := estimators.OLS{Rows: rows.String()}

	y := rapid.SliceOfNDistinct(rapid.SampledFrom(upTo(outcomes, rows)), 1, min(2, len(upTo(outcomes, rows))), rapid.ID[string]).Draw(t, "outcomes")
	factor := rapid.Custom(func(t *rapid.T) string {
		name := rapid.SampledFrom(upTo(regressors, rows)).Draw(t, "column")
		if power := rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "power"); power > 1 {
			name += fmt.Sprintf("^%d", power)
		}
		return name
	})
	terms := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		join := rapid.SampledFrom([]string{":", "*"}).Draw(t, "join")
		return strings.Join(rapid.SliceOfN(factor, 1, 2).Draw(t, "factors"), join)
	}), 1, 4).Draw(t, "terms")
	o.Formula = "c(" + strings.Join(y, ", ") + ") ~ " + strings.Join(terms, " + ")
	end := []string{"", "", " - 1"}
	for level := dgp.BlockLevel; level < rows; level++ {
		end = append(end, " | "+level.String(), " | "+level.String())
	}
	end = append(end, " | cohort")
	o.Formula += rapid.SampledFrom(end).Draw(t, "effects")

	o.Where = strings.Join(rapid.SliceOfN(rapid.SampledFrom(upTo(conditions, rows)), 0, 2).Draw(t, "where"), " & ")
	o.SE = rapid.SampledFrom([]estimators.SE{classical, hc0, hc1, hc2, hc3, cr0, cr1, cr2, cr3}).Draw(t, "se")
	if strings.HasPrefix(o.SE.String(), "CR") {
		o.Cluster = rapid.SampledFrom([][]string{1: {"block", "school", "cohort"}, 2: {"block", "school", "teacher", "track"}, 3: {"block", "school", "teacher", "cohort"}}[rows]).Draw(t, "cluster")
	}
	f, err := estimators.ParseFormula(o.Formula, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, term := range f.Terms {
		o.Report = append(o.Report, term.String())
	}
	if len(o.Report) > 1 {
		o.Joint = [][]string{o.Report[:2]}
	}
	if f.Intercept && f.Absorb == "" {
		o.Report = append(o.Report, "(Intercept)")
	}
	return o
}

// drawDesign draws a small design.
func drawDesign(t *rapid.T) estimatortest.Design {
	return estimatortest.Design{
		Blocks:   rapid.IntRange(2, 4).Draw(t, "blocks"),
		Schools:  rapid.IntRange(4, 7).Draw(t, "schools"),
		Teachers: rapid.IntRange(1, 3).Draw(t, "teachers"),
		Children: rapid.IntRange(1, 6).Draw(t, "children"),
		Effect:   0.3,
		Shared:   0.5,
	}
}

// Whatever the formula, a fit is the reference's, even after fits of other
// data of other sizes, and beside other fits.
func TestOLSRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		design := drawDesign(t)
		shape := design.Shape()
		methods := []estimators.Named{{Name: "a", Method: drawOLS(t)}, {Name: "b", Method: drawOLS(t)}}
		panel, err := estimators.Bind(methods, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		seed := rapid.Uint64().Draw(t, "seed")
		panel.Fit(design.Draw(seed + 1))
		d := design.Draw(seed)
		got := panel.Fit(d)
		at := 0
		for _, m := range methods {
			o := m.Method.(estimators.OLS)
			want, err := estimatortest.OLS(o, d, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			// Random regressions on so little data fit almost perfectly now and
			// then, or fit a cluster almost perfectly, which costs digits; the table
			// of cases is held to 1e-10.
			tolerance := 1e-6
			if o.SE == cr2 || o.SE == cr3 {
				tolerance = 1e-4
			}
			if err := estimatortest.Compare(panel.Rows()[at:at+len(want)], got[at:at+len(want)], want, tolerance); err != nil {
				t.Fatalf("%+v: %v", o, err)
			}
			at += len(want)
		}
	})
}
