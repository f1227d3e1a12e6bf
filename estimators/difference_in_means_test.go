package estimators_test

import (
	"math"
	"slices"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// meansShape describes the children of testdata/means.
func meansShape() dgp.Shape {
	return dgp.Shape{Columns: []dgp.Column{
		{Name: "coaching", Level: dgp.SchoolLevel, Arm: true}, {Name: "tablets", Level: dgp.SchoolLevel, Arm: true},
		{Name: "block", Level: dgp.SchoolLevel}, {Name: "pair", Level: dgp.SchoolLevel, Levels: 26}, {Name: "first", Level: dgp.SchoolLevel},
		{Name: "tutored", Level: dgp.ChildLevel}, {Name: "girl", Level: dgp.ChildLevel}, {Name: "whole", Level: dgp.ChildLevel, PostTreatment: true},
		{Name: "couple", Level: dgp.ChildLevel, Levels: 500}, {Name: "group", Level: dgp.ChildLevel, Levels: 500}, {Name: "picked", Level: dgp.ChildLevel},
		{Name: "income", Level: dgp.ChildLevel, PostTreatment: true}, {Name: "score", Level: dgp.ChildLevel, PostTreatment: true, Observed: "sat"},
	}}
}

// meansData reads them; score is missing where it is empty.
func meansData(t *testing.T) (dgp.Shape, *dgp.Data) {
	t.Helper()
	shape, d := readSchools(t, meansShape(), "means", "data.csv")
	sat := make([]float64, d.Children())
	for i, v := range d.Columns[shape.Index("score")] {
		if !math.IsNaN(v) {
			sat[i] = 1
		}
	}
	shape.Columns = append(shape.Columns, dgp.Column{Name: "sat", Level: dgp.ChildLevel, PostTreatment: true})
	d.Columns = append(d.Columns, sat)
	return shape, d
}

// Estimates, standard errors, degrees of freedom and p-values are those of
// estimatr's difference_in_means for every design.
func TestDifferenceInMeansAgainstR(t *testing.T) {
	shape, d := meansData(t)
	worst, designs := 0.0, map[string]int{}
	for _, row := range readTable(t, "means", "estimates.csv") {
		o := estimators.DifferenceInMeans{Formula: row["formula"], Blocks: row["blocks"], Cluster: row["cluster"], Where: row["where"]}
		rows, e := fitOne(t, o, d, shape)
		at := 0
		for rows[at].Term != row["term"] {
			at++
		}
		designs[row["design"]]++
		for name, got := range map[string]float64{"estimate": e[at].Value, "se": e[at].SE, "df": e[at].DF, "p": e[at].P} {
			want := number(t, row[name])
			off := math.Abs(got/want - 1)
			worst = max(worst, off)
			if !(off < 1e-9) {
				t.Errorf("%+v, %s: %s is %.12g, in R %.12g", o, row["term"], name, got, want)
			}
		}
	}
	if len(designs) != 6 {
		t.Errorf("the designs are %v, want 6", designs)
	}
	t.Logf("relative difference at most %.1e in %v", worst, designs)
}

// The fast way agrees with the slow one on random data of all levels, also in
// what it refuses.
func TestDifferenceInMeansAgainstReference(t *testing.T) {
	worked, failed := 0, map[estimators.Status]int{}
	for _, o := range []estimators.DifferenceInMeans{
		{Formula: "c(score, std(reading), below(score, 20)) ~ coaching"},
		{Formula: "score ~ coaching", Where: "girl == 1", Blocks: "block"},
		{Formula: "score ~ coaching", Cluster: "school"},
		{Formula: "score ~ coaching", Cluster: "school", Where: "experience < 20", Blocks: "cohort"},
		{Formula: "c(score, class) ~ coaching", Cluster: "school", Blocks: "block"},
		{Formula: "class ~ coaching"},
		{Formula: "c(mean(score, school), log(reading)) ~ coaching", Rows: "child"},
		{Formula: "mean(score, school) ~ coaching", Blocks: "block"},
		{Formula: "class ~ coaching", Blocks: "block", Cluster: "school"},
		{Formula: "attendance ~ coaching"},
		{Formula: "attendance ~ coaching", Rows: "teacher", Cluster: "school"},
		{Formula: "attendance ~ coaching", Blocks: "block"},
		{Formula: "score ~ girl + passed", Blocks: "school"}, // arms that combine: each alone
		{Formula: "score ~ girl", Blocks: "teacher"},
	} {
		for _, design := range []estimatortest.Design{{Blocks: 3, Schools: 6, Teachers: 2, Children: 3, Effect: 0.3}, {Blocks: 4, Schools: 3, Teachers: 1, Children: 2, Effect: 0.3}, {Blocks: 1, Schools: 2, Teachers: 2, Children: 5}} {
			shape := design.Shape()
			for seed := range uint64(8) {
				d := design.Draw(seed)
				want, err := estimatortest.DifferenceInMeans(o, d, shape)
				if err != nil {
					t.Fatal(err)
				}
				rows, got := fitOne(t, o, d, shape)
				for i, e := range got {
					if e.Status == estimators.NoVariation || e.Status == estimators.NoResidual {
						// The reference's variance is 0, or rounding.
						if want[i].Status.Worked() && want[i].SE > 1e-10*max(1, math.Abs(want[i].Value)) {
							t.Errorf("%+v, %v, seed %d, %s: %s, but %+v", o, design, seed, rows[i].Outcome, e.Status, want[i])
						}
						continue
					}
					if e.Status.Worked() {
						worked++
					} else {
						failed[e.Status]++
					}
					if err := estimatortest.Compare(rows[i:i+1], got[i:i+1], want[i:i+1], 1e-10); err != nil {
						t.Errorf("%+v, %v, seed %d: %v", o, design, seed, err)
					}
				}
			}
		}
	}
	if worked < 100 || failed[estimators.LoneUnit] == 0 || failed[estimators.OneArm] == 0 {
		t.Errorf("%d worked, of the others there were %v", worked, failed)
	}
	t.Logf("%d estimates worked; statuses of others: %v", worked, failed)
}

// Neyman's standard error is HC2's, and of clusters CR2's.
func TestDifferenceInMeansIsRegression(t *testing.T) {
	design := estimatortest.Small
	shape, d := design.Shape(), design.Draw(5)
	for _, cluster := range []string{"", "school"} {
		se := hc2
		if cluster != "" {
			se = cr2
		}
		_, e := fitOne(t, estimators.DifferenceInMeans{Formula: "score ~ coaching", Cluster: cluster}, d, shape)
		got := e[0]
		_, e = fitOne(t, estimators.OLS{Formula: "score ~ coaching", Cluster: cluster, SE: se, Report: []string{"coaching"}}, d, shape)
		if !near(got.Value, e[0].Value, 1e-12) || !near(got.SE, e[0].SE, 1e-12) || cluster != "" && !near(got.DF, e[0].DF, 1e-9) {
			t.Errorf("clusters %q: %v, least squares gives %v", cluster, got, e[0])
		}
	}
}

func TestDifferenceInMeansStatuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		o      estimators.DifferenceInMeans
		column string
		change func(values []float64)
		want   estimators.Status
	}{
		{"an arm of 1 and 2", estimators.DifferenceInMeans{Formula: "score ~ coaching"}, "coaching", func(x []float64) { x[0] = 2 }, estimators.BadArm},
		{"another arm", estimators.DifferenceInMeans{Formula: "score ~ coaching"}, "tablets", func(x []float64) { x[0] = math.NaN() }, estimators.BadArm},
		{"nobody treated", estimators.DifferenceInMeans{Formula: "score ~ coaching"}, "coaching", func(x []float64) { clear(x) }, estimators.OneArm},
		{"a block of one arm", estimators.DifferenceInMeans{Formula: "score ~ coaching", Blocks: "block"}, "coaching", func(x []float64) { clear(x[:10]) }, estimators.OneArm},
		{"one treated school", estimators.DifferenceInMeans{Formula: "score ~ coaching", Cluster: "school"}, "coaching", func(x []float64) {
			first := slices.Index(x, 1)
			clear(x)
			x[first] = 1
		}, estimators.LoneUnit},
		{"one treated child", estimators.DifferenceInMeans{Formula: "income ~ picked"}, "picked", func(x []float64) {
			clear(x)
			x[3] = 1
		}, estimators.LoneUnit},
		{"clusters of both arms", estimators.DifferenceInMeans{Formula: "score ~ coaching", Cluster: "pair"}, "income", func([]float64) {}, estimators.SplitCluster},
		{"clusters in two blocks", estimators.DifferenceInMeans{Formula: "score ~ first", Cluster: "school", Blocks: "couple"}, "couple", func(x []float64) {
			for i := range x {
				x[i] = float64(i % 2)
			}
		}, estimators.SplitCluster},
		{"one pair", estimators.DifferenceInMeans{Formula: "score ~ first", Cluster: "school", Blocks: "pair", Where: "pair == 1"}, "income", func([]float64) {}, estimators.TooFewRows},
		{"one school", estimators.DifferenceInMeans{Formula: "score ~ first", Cluster: "school", Where: "whole == 7"}, "whole", func(x []float64) { x[0], x[1] = 7, 7 }, estimators.TooFewClusters},
		{"no row", estimators.DifferenceInMeans{Formula: "score ~ coaching", Where: "girl == 7"}, "income", func([]float64) {}, estimators.TooFewRows},
		{"constant", estimators.DifferenceInMeans{Formula: "income ~ coaching"}, "income", func(x []float64) {
			for i := range x {
				x[i] = 1e9 + 0.1
			}
		}, estimators.NoVariation},
		{"a pair of no number", estimators.DifferenceInMeans{Formula: "score ~ first", Blocks: "pair", Cluster: "school"}, "pair", func(x []float64) { x[0] = -1 }, estimators.NotFinite},
		{"an outcome of no number", estimators.DifferenceInMeans{Formula: "income ~ coaching"}, "income", func(x []float64) { x[0] = math.NaN() }, estimators.NotFinite},
	} {
		shape, d := meansData(t)
		c.change(d.Columns[shape.Index(c.column)])
		if _, e := fitOne(t, c.o, d, shape); e[0].Status != c.want {
			t.Errorf("%s: status %s, want %s", c.name, e[0].Status, c.want)
		}
	}
	// The outcome is the arm.
	shape, d := meansData(t)
	if _, e := fitOne(t, estimators.DifferenceInMeans{Formula: "picked ~ picked"}, d, shape); e[0].Status != estimators.NoResidual {
		t.Errorf("the arm itself: status %s", e[0].Status)
	}
}

func TestDifferenceInMeansFaults(t *testing.T) {
	shape := meansShape()
	shape.Max = [...]int{1, 4, 4, 20}
	const alone = "formula: a difference in means is of arms alone, as in achievement ~ coaching; strata are the key blocks"
	for want, o := range map[string]estimators.DifferenceInMeans{
		alone: {Formula: "income ~ coaching | block"},
		"formula: at character 10: coaching:girl is no arm; a difference in means is of columns of 0 and 1": {Formula: "income ~ coaching:girl"},
		`formula: at character 10: there is no column "coachng"; did you mean "coaching"?`:                  {Formula: "income ~ coachng"},
		"formula: at character 9: girl varies within the school rows":                                       {Formula: "first ~ girl"},
		"where: a child column cannot restrict school rows":                                                 {Formula: "first ~ coaching", Where: "girl == 1"},
		"cluster: the rows of a school cannot be in different ones of \"teacher\"":                          {Formula: "first ~ coaching", Cluster: "teacher"},
		"blocks: coaching does not vary within a school":                                                    {Formula: "income ~ coaching", Blocks: "school"},
		"cluster: picked varies within a school, which was not assigned whole":                              {Formula: "income ~ picked", Cluster: "school"},
		`blocks: "pairs" is no level of the data and no factor; did you mean "pair"?`:                       {Formula: "income ~ coaching", Blocks: "pairs"},
		`cluster: "school + teacher" are two factors; a difference in means has clusters of one`:            {Formula: "income ~ coaching", Cluster: "school + teacher"},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "fit", Method: o}}, shape, nil)
		if err == nil || err.Error() != want {
			t.Errorf("%+v: error %v, want %s", o, err, want)
		}
	}
}
