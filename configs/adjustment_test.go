package configs_test

import (
	"math"
	"testing"

	"coachsim/configs"
	"coachsim/dgp"
	"coachsim/estimators"
)

// The estimators of the adjustment study are as precise as the correlation r of
// the two tests says. With the same r between and within schools the variances
// relative to post-only are 2(1-r) of gains and 1-r² of ANCOVA, so that ANCOVA is
// more precise than both, and gains are worse than nothing for r < 1/2.
//
// The log of the variance ratio of two normal estimates with correlation c over n
// trials has SD 2√(1-c²)/√n. Each of the six comparisons is off by chance at the
// rate of 1e-5 (4.417 SD), and the order where it is closest, ANCOVA and post-only
// at r = 0.3, at 1e-4 or less; 0.04 is allowed for the slope being estimated, which
// costs 1/40 in the means of 40 schools.
func TestAdjustmentOrder(t *testing.T) {
	const n = 1000
	study, err := configs.Load("adjustment.yaml", mustPreset(t, "adjustment"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(study.Cells) != 2 {
		t.Fatalf("%d designs", len(study.Cells))
	}
	for cell, r := range []float64{0.3, 0.7} {
		s := study.Cells[cell].Study
		g, err := s.Trial.Compile()
		if err != nil {
			t.Fatal(err)
		}
		var methods []estimators.Named
		for _, e := range s.Estimators {
			methods = append(methods, estimators.Named{Name: e.Name, Method: e.Method})
		}
		panel, err := estimators.Bind(methods, g.Shape(), s.Terms)
		if err != nil {
			t.Fatal(err)
		}
		estimates := map[string][]float64{}
		for rep := range uint64(n) {
			d, _ := g.Draw(dgp.Stream{Seed: s.Seed, Replicate: rep})
			for i, e := range panel.Fit(d) {
				if !e.Status.Worked() {
					t.Fatalf("%s: %s", panel.Rows()[i].Estimator, e.Status)
				}
				name := panel.Rows()[i].Estimator
				estimates[name] = append(estimates[name], e.Value)
			}
		}
		for _, c := range []struct {
			name, reference string
			ratio           float64
		}{
			{"gain", "post", 2 * (1 - r)},
			{"ancova", "post", 1 - r*r},
			{"ancova", "gain", (1 + r) / 2},
		} {
			x, y := estimates[c.name], estimates[c.reference]
			vx, vy, correlation := secondMoments(x, y)
			sd := 2 * math.Sqrt((1-correlation*correlation)/n)
			got, want := math.Log(vx/vy), math.Log(c.ratio)
			t.Logf("r = %g: variance of %s over that of %s %.3f, expected %.3f (SD of the log %.3f)", r, c.name, c.reference, vx/vy, c.ratio, sd)
			if !(math.Abs(got-want) < 4.417*sd+0.04) {
				t.Errorf("r = %g: the variance of %s is %.3f times that of %s, expected %.3f", r, c.name, vx/vy, c.reference, c.ratio)
			}
			if (vx < vy) != (c.ratio < 1) {
				t.Errorf("r = %g: %s and %s are in the wrong order, variance ratio %.3f", r, c.name, c.reference, vx/vy)
			}
		}
		// Lin's and ANCOVA are the same to first order, arms being of one size; so
		// are the two that use the schools' means.
		for _, pair := range [][2]string{{"lin", "ancova"}, {"means", "context"}} {
			if _, _, c := secondMoments(estimates[pair[0]], estimates[pair[1]]); !(c > 0.99) {
				t.Errorf("r = %g: %s and %s correlate %.4f", r, pair[0], pair[1], c)
			}
		}
	}
}

// secondMoments are the variances of two samples and their correlation.
func secondMoments(x, y []float64) (vx, vy, correlation float64) {
	n, mx, my, xy := float64(len(x)), 0.0, 0.0, 0.0
	for i := range x {
		mx += x[i] / n
		my += y[i] / n
	}
	for i := range x {
		vx += (x[i] - mx) * (x[i] - mx) / (n - 1)
		vy += (y[i] - my) * (y[i] - my) / (n - 1)
		xy += (x[i] - mx) * (y[i] - my) / (n - 1)
	}
	return vx, vy, xy / math.Sqrt(vx*vy)
}
