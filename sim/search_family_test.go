package sim

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// twoTests are the planned trial with a second test, of the same effect, that a family
// holds with the first.
func twoTests(methods ...Adjustment) Study {
	s := planned()
	s.Achievement.Tests = []string{"reading", "maths"}
	s.Achievement.Residual = dgp.Matrix{{0.9}, {0.5, 0.9}}
	s.Achievement.Effect.Mean = []float64{0.35, 0.35}
	s.Estimators = []Estimator{{Name: "both", Method: estimators.OLS{Formula: "c(reading, maths) ~ coaching", Cluster: "school", SE: estimators.CR2, Report: []string{"coaching"}}}}
	s.Families = []Family{{Name: "tests", Estimator: "both", Term: "coaching", Outcomes: []string{"reading", "maths"}, Methods: methods}}
	return s
}

// The power that a search sees of a test in a family is that which its run has after
// adjustment, trial for trial, by the first method that adjusts.
func TestSearchSeesThePowerAfterAdjustment(t *testing.T) {
	const replicates = 200
	for _, methods := range [][]Adjustment{{Holm}, {NoAdjustment, Bonferroni, Holm}, {BH}, {NoAdjustment}} {
		s := twoTests(methods...)
		s.Replicates = replicates
		dir := filepath.Join(t.TempDir(), "run")
		mustRun(t, planOf(s, "a"), silently(dir, 2))
		log, err := OpenLog(dir)
		must(t, err)
		families, err := MeasureFamilies(log.Chunks(), s.Families, s.Alpha, nil)
		must(t, err)
		summary, err := Summarise(log.Chunks(), s.Alpha, nil)
		must(t, err)
		var tests []Test
		for i := range summary.Rows {
			r := &summary.Rows[i]
			tests = append(tests, Test{r.Estimator, r.Outcome, r.Term})
		}
		p := newSample(s, tests[1:]) // of two: the other is watched all the same
		must(t, p.grow(context.Background(), replicates, 2))
		got := (&candidate{sample: p}).looked().Tests[0]
		row := &summary.Rows[1]
		want, method, name := Share{row.Power, row.PowerMCSE}, NoAdjustment, ""
		if family, share := families.Of(row); family != nil {
			want, method, name = share, family.Method, family.Family
			if share.Value == row.Power {
				t.Errorf("%v: adjusting changes nothing, so this shows nothing", methods)
			}
		}
		if got.Share != want || got.Method != method || got.Family != name {
			t.Errorf("%v: power %+v by %s of %q, in a run %+v by %s of %q", methods, got.Share, got.Method, got.Family, want, method, name)
		}
	}
}

// A search for a design with power after adjustment finds the one that simulating all
// finds, which is not the one without adjustment. Draws are seeded: no false alarms.
func TestSolveAfterAdjustment(t *testing.T) {
	schools := VariedKey{"schools", span(48, 88, 4)}
	found := map[bool]float64{}
	for _, adjusted := range []bool{true, false} {
		base := func() Study {
			s := twoTests(Bonferroni)
			s.Replicates = 300
			if !adjusted {
				s.Families = nil
			}
			return s
		}
		search := searchOf(base, []string{"both:reading"}, schools)
		answer, err := search.Cheapest(context.Background())
		must(t, err)
		want := math.NaN()
		for _, l := range exhaust(t, search) {
			if l.Weakest().Value >= search.Power {
				want = l.Values[0]
				break
			}
		}
		if found[adjusted] = answer.Answer.Values[0]; !answer.Reached || found[adjusted] != want {
			t.Errorf("adjusted %v: %v schools, want %v", adjusted, found[adjusted], want)
		}
	}
	if found[true] <= found[false] {
		t.Errorf("%v schools after adjustment, %v without", found[true], found[false])
	}
}

// The minimum detectable effect under Bonferroni has the closed form of one test at half
// the level, with t(1-α/4); see TestMDEAgainstClosedForm.
func TestMDEAfterAdjustment(t *testing.T) {
	base := func() Study {
		s := twoTests(Bonferroni)
		s.Design.Schools, s.Replicates = 60, 2000
		return s
	}
	test, err := base().FindTest("both")
	must(t, err)
	d, err := EffectSearch{
		Test: test, Power: 0.8, Replicates: 2000, Workers: 2,
		At: func(x float64) (Study, error) {
			s := base()
			s.Achievement.Effect.Mean = []float64{x, x}
			return s, nil
		},
	}.Find(context.Background())
	must(t, err)
	const multiplier = 2.3011 + 0.8481 // t with 58 df: qt(.9875), qt(.8)
	want := multiplier * math.Sqrt(4.0/60*(0.3*0.3+0.1*0.1+0.9/12))
	// 3.5 standard errors and the approximation: a false alarm in 2,000 seeds.
	if math.Abs(d.Key.Value-want) > 3.5*d.Key.MCSE+0.006*want {
		t.Errorf("the effect is %.4f (%.4f), want %.4f", d.Key.Value, d.Key.MCSE, want)
	}
	if w := d.Confirm.Weakest(); math.Abs(w.Value-0.8) > 3*w.MCSE {
		t.Errorf("confirmed with power %+v", w)
	}
}
