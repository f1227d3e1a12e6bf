package estimators_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
)

// Stepping down is closed testing: the adjusted p-value of a test is the
// largest of the p-values, by the largest statistic, of all sets of tests that
// it is in. Here all sets are tried.
func TestStepDownClosed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tests, draws := rapid.IntRange(1, 5).Draw(t, "tests"), rapid.IntRange(9, 40).Draw(t, "draws")
		// Few distinct values, so that there are ties; some infinite.
		value := rapid.SampledFrom([]float64{0, 0.3, 1, 1.7, 2, 4, 9, 1e30, math.Inf(1)})
		data := rapid.SliceOfN(value, tests, tests).Draw(t, "data")
		drawn := rapid.SliceOfN(rapid.SliceOfN(value, draws, draws), tests, tests).Draw(t, "drawn")
		own := rapid.Bool().Draw(t, "own")

		// all holds the draws, to which the data's own may belong.
		all := make([][]float64, tests)
		raw := make([]float64, tests)
		ranks, dataRanks := make([][]float64, tests), make([]float64, tests)
		for i := range tests {
			all[i] = slices.Clone(drawn[i])
			if own {
				all[i] = append(all[i], data[i])
			}
			exceeded := func(x float64) float64 { // share of draws that reach x
				n := 0.0
				for _, s := range all[i] {
					if s >= x {
						n++
					}
				}
				return n / float64(len(all[i]))
			}
			raw[i] = exceeded(data[i])
			for _, x := range all[i] {
				ranks[i] = append(ranks[i], -exceeded(x))
			}
			dataRanks[i] = -raw[i]
		}
		closed := func(data []float64, all [][]float64) []float64 {
			p := make([]float64, tests)
			for set := 1; set < 1<<tests; set++ {
				largest := func(value func(i int) float64) float64 {
					m := math.Inf(-1)
					for i := range tests {
						if set>>i&1 != 0 {
							m = max(m, value(i))
						}
					}
					return m
				}
				limit, count := largest(func(i int) float64 { return data[i] }), 0.0
				for k := range all[0] {
					if largest(func(i int) float64 { return all[i][k] }) >= limit {
						count++
					}
				}
				for i := range tests {
					if set>>i&1 != 0 {
						p[i] = max(p[i], count/float64(len(all[0])))
					}
				}
			}
			return p
		}
		maxT := estimators.StepDownP(data, drawn, false, own)
		minP := estimators.StepDownP(data, drawn, true, own)
		for i := range tests {
			if want := closed(data, all)[i]; math.Abs(maxT[i]-want) > 1e-12 {
				t.Fatalf("max-T: %v, want %v for test %d", maxT, want, i)
			}
			if want := closed(dataRanks, ranks)[i]; math.Abs(minP[i]-want) > 1e-12 {
				t.Fatalf("min-P: %v, want %v for test %d", minP, want, i)
			}
			if maxT[i] < raw[i]-1e-12 || minP[i] < raw[i]-1e-12 || minP[i] > float64(tests)*raw[i]+1e-12 && own {
				t.Fatalf("test %d: unadjusted %v, max-T %v, min-P %v", i, raw[i], maxT[i], minP[i])
			}
			for j := range tests {
				if data[i] > data[j] && maxT[i] > maxT[j] || raw[i] < raw[j] && minP[i] > minP[j] {
					t.Fatalf("not in the order of the statistics: %v, max-T %v, min-P %v", data, maxT, minP)
				}
			}
		}
		if tests == 1 && (math.Abs(maxT[0]-raw[0]) > 1e-12 || math.Abs(minP[0]-raw[0]) > 1e-12) {
			t.Fatalf("one test: unadjusted %v, max-T %v, min-P %v", raw, maxT, minP)
		}
	})
}

// fourOutcomes is a regression of outcomes that hang together.
var fourOutcomes = estimators.OLS{
	Formula: "c(score, reading, class, attendance) ~ coaching + rural | block", Rows: "child",
	Cluster: "school", SE: cr1, Report: []string{"coaching"},
}

// stepDowns are the three ways to adjust, or the same without adjustment.
func stepDowns(o estimators.OLS, draws int, adjusted bool) map[string]estimators.Method {
	westfallYoung, romanoWolf := estimators.WestfallYoung, estimators.RomanoWolf
	if !adjusted {
		westfallYoung, romanoWolf = estimators.NoStepDown, estimators.NoStepDown
	}
	return map[string]estimators.Method{
		"max-T":       estimators.Randomisation{OLS: o, Draws: draws, Statistic: estimators.StudentT, Adjust: westfallYoung},
		"min-P":       estimators.Randomisation{OLS: o, Draws: draws, Adjust: westfallYoung},
		"Romano-Wolf": estimators.WildBootstrap{OLS: o, Draws: draws, Adjust: romanoWolf},
	}
}

// The familywise error rate is 5%, if no outcome is affected and if two of
// four are, by much: then the step-down has the other two for itself. With
// randomisation inference by 99 draws it is 5% at most, and of max-T, which has
// no ties, 5%. 600 replicates; the bounds are 4.4 standard errors wide, so that
// the test fails by chance once in 15,000 times; the bootstrap, which is right
// in large samples, has a margin of 2 points more.
func TestStepDownFamilywise(t *testing.T) {
	const alpha, replicates = 0.05, 600
	design := estimatortest.Design{Blocks: 3, Schools: 10, Teachers: 1, Children: 3, Shared: 0.6}
	shape := design.Shape()
	affected := []string{"reading", "attendance"}
	for name, method := range stepDowns(fourOutcomes, 99, true) {
		panel, err := estimators.Bind([]estimators.Named{{Name: "many", Method: method}}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, partial := range []bool{false, true} {
			wrong, found := 0.0, 0.0
			for rep := range replicates {
				d := design.Draw(uint64(rep))
				if partial {
					arm := d.Columns[shape.Index("coaching")]
					for _, outcome := range affected {
						c := shape.Index(outcome)
						for i := range d.Columns[c] {
							d.Columns[c][i] += 1e4 * arm[d.Ancestor(shape.Columns[c].Level, i, dgp.SchoolLevel)]
						}
					}
				}
				panel.Use(dgp.Stream{Seed: 3, Replicate: uint64(rep)})
				mistake, hits := 0.0, 0.0
				for i, e := range panel.Fit(d) {
					switch {
					case e.P > alpha:
					case partial && slices.Contains(affected, panel.Rows()[i].Outcome):
						hits++
					default:
						mistake = 1
					}
				}
				wrong += mistake
				found += hits
			}
			rate, wide := wrong/replicates, 4.4*math.Sqrt(alpha*(1-alpha)/replicates)
			upper, lower := alpha+wide, alpha-wide
			switch name {
			case "Romano-Wolf":
				upper += 0.02
			case "min-P":
				lower = 0.01 // 99 draws leave ties among the smallest p-values
			}
			t.Logf("%s, some affected %v: familywise error rate %.3f", name, partial, rate)
			if rate > upper || rate < lower {
				t.Errorf("%s, some affected %v: familywise error rate %.3f, not between %.3f and %.3f", name, partial, rate, lower, upper)
			}
			if partial && found < 0.95*2*replicates {
				t.Errorf("%s: rejects %v of %v large effects", name, found, 2*replicates)
			}
		}
	}
}

// Stepping down changes p-values and nothing else.
func TestStepDownLeavesTheRest(t *testing.T) {
	shape, d := estimatortest.Small.Shape(), estimatortest.Small.Draw(3)
	plain := stepDowns(fourOutcomes, 99, false)
	for name, method := range stepDowns(fourOutcomes, 99, true) {
		var got [2][]estimators.Estimate
		for i, m := range []estimators.Method{plain[name], method} {
			panel, err := estimators.Bind([]estimators.Named{{Name: "many", Method: m}}, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			panel.Use(dgp.Stream{Seed: 3})
			got[i] = slices.Clone(panel.Fit(d))
			for _, row := range panel.Rows() {
				if adjusted := row.Adjustment != estimators.NoStepDown; adjusted != (i == 1) {
					t.Errorf("%s: row %+v", name, row)
				}
			}
		}
		for i, e := range got[0] {
			if e.P > got[1][i].P {
				t.Errorf("%s: p %v became %v", name, e.P, got[1][i].P)
			}
			e.P = got[1][i].P
			if e != got[1][i] {
				t.Errorf("%s: %+v became %+v", name, e, got[1][i])
			}
		}
	}
}

// Outcomes that miss different schools keep the same draws: of one that is the
// other but for a little noise, the adjusted p-value is hardly above the
// unadjusted. With draws of its own it would be near 1-(1-p)².
func TestStepDownMissing(t *testing.T) {
	design := estimatortest.Design{Blocks: 2, Schools: 20, Teachers: 1, Children: 5, Effect: 0.3, Shared: 0.3}
	shape, d := design.Shape(), design.Draw(6)
	score, reading := shape.Index("score"), shape.Index("reading")
	for i, v := range d.Columns[score] {
		d.Columns[reading][i] = v + 1e-3*d.Columns[shape.Index("age")][i]
	}
	shape.Columns[score].Observed = "here"
	shape.Columns = append(shape.Columns, dgp.Column{Name: "here", Level: dgp.SchoolLevel, PostTreatment: true})
	here := make([]float64, d.N[dgp.SchoolLevel])
	for s := range here {
		here[s] = float64(min(s, 1)) // the first school is lost
	}
	d.Columns = append(d.Columns, here)
	for i := range d.Columns[score] {
		if d.Ancestor(dgp.ChildLevel, i, dgp.SchoolLevel) == 0 {
			d.Columns[score][i] = math.NaN()
		}
	}
	o := estimators.OLS{Formula: "c(score, reading) ~ coaching", Cluster: "school", SE: cr1, Report: []string{"coaching"}}
	for _, name := range []string{"max-T", "min-P", "Romano-Wolf"} {
		var p [2]float64
		for i, adjusted := range []bool{false, true} {
			panel, err := estimators.Bind([]estimators.Named{{Name: "many", Method: stepDowns(o, 1999, adjusted)[name]}}, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			panel.Use(dgp.Stream{Seed: 3})
			e := panel.Fit(d)
			p[i] = min(e[0].P, e[1].P)
		}
		t.Logf("%s: %v", name, p)
		if independent := 1 - (1-p[0])*(1-p[0]); p[0] < 0.05 || p[0] > 0.5 || p[1]-p[0] > 0.3*(independent-p[0]) {
			t.Errorf("%s: p %v, adjusted %v; with unrelated draws %v", name, p[0], p[1], independent)
		}
	}
}

func TestStepDownRefuses(t *testing.T) {
	o := estimators.OLS{Formula: "score ~ coaching", Cluster: "school", SE: cr1, Report: []string{"coaching"}}
	for want, method := range map[string]estimators.Method{
		"adjust: randomisation inference adjusts by westfall-young": estimators.Randomisation{OLS: o, Draws: 99, Adjust: estimators.RomanoWolf},
		"adjust: the wild bootstrap adjusts by romano-wolf":         estimators.WildBootstrap{OLS: o, Draws: 99, Adjust: estimators.WestfallYoung},
		"se: randomisation inference studentises by classical, ":    estimators.Randomisation{OLS: with(o, cr2, "school"), Draws: 99, Statistic: estimators.StudentT},
		"se: the arm is the same for all children of a class":       estimators.Randomisation{OLS: with(o, hc1, ""), Draws: 99, Statistic: estimators.StudentT},
	} {
		_, err := estimators.Bind([]estimators.Named{{Name: "a", Method: method}}, estimatortest.Small.Shape(), nil)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func with(o estimators.OLS, se estimators.SE, cluster string) estimators.OLS {
	o.SE, o.Cluster = se, cluster
	return o
}
