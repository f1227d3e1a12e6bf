package estimators_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// equalClusters draws a trial of J1 treated and J0 control schools with n
// children each, and returns the schools' means by arm.
func equalClusters(treated, control, n int, seed uint64) (dgp.Shape, *dgp.Data, [2][]float64) {
	r := rand.New(rand.NewPCG(seed, 1))
	schools := treated + control
	shape := dgp.Shape{Columns: []dgp.Column{{Name: "coaching", Level: dgp.SchoolLevel, Arm: true}, {Name: "score", Level: dgp.ChildLevel, PostTreatment: true}}}
	d := &dgp.Data{N: [4]int{1, schools, schools, schools * n}, SchoolBlock: make([]int, schools), Columns: [][]float64{nil, nil}}
	var means [2][]float64
	for s := range schools {
		d.TeacherSchool = append(d.TeacherSchool, s)
		d.TeacherStart = append(d.TeacherStart, s)
		d.ChildStart = append(d.ChildStart, s*n)
		arm := 0
		if s < treated {
			arm = 1
		}
		d.Columns[0] = append(d.Columns[0], float64(arm))
		shared, mean := 0.6*r.NormFloat64(), 0.0
		for range n {
			y := shared + 0.3*float64(arm) + r.NormFloat64()
			d.Columns[1] = append(d.Columns[1], y)
			mean += y / float64(n)
		}
		means[arm] = append(means[arm], mean)
	}
	d.TeacherStart = append(d.TeacherStart, schools)
	d.ChildStart = append(d.ChildStart, schools*n)
	shape.Max = d.N
	return shape, d, means
}

func meanVariance(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x)-1)
	}
	return mean, variance
}

func holds(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s is %.15g, want %.15g", what, got, want)
	}
}

// With clusters of one size and nothing but the arm, CR2 is Welch's test of the
// clusters' means (Satterthwaite's df under equal variances), CR0 shrinks the
// variance of each arm by (J-1)/J, and CR1 stretches CR0 by Stata's factor.
func TestClusterIdentities(t *testing.T) {
	const n = 7
	for _, c := range []struct {
		treated, control int
		df               float64 // to the printed digits
	}{{10, 10, 18}, {7, 13, 12.403}, {5, 15, 6.892}} {
		shape, d, means := equalClusters(c.treated, c.control, n, uint64(c.treated))
		fit := func(se estimators.SE) estimators.Estimate {
			panel, err := estimators.Bind([]estimators.Named{{Name: "itt", Method: estimators.OLS{
				Formula: "score ~ coaching", Cluster: "school", SE: se, Report: []string{"coaching"},
			}}}, shape, nil)
			if err != nil {
				t.Fatal(err)
			}
			return panel.Fit(d)[0]
		}
		m1, v1 := meanVariance(means[1])
		m0, v0 := meanVariance(means[0])
		j1, j0 := float64(c.treated), float64(c.control)
		e := fit(estimators.CR2)
		holds(t, "the difference", e.Value, m1-m0, 1e-11)
		holds(t, "CR2", e.SE*e.SE, v1/j1+v0/j0, 1e-11)
		holds(t, "its df", e.DF, (1/j1+1/j0)*(1/j1+1/j0)/(1/(j1*j1*(j1-1))+1/(j0*j0*(j0-1))), 1e-11)
		if math.Abs(e.DF-c.df) > 0.0005 {
			t.Errorf("%d and %d clusters have %.4f df, want %.3f", c.treated, c.control, e.DF, c.df)
		}
		cr0 := fit(estimators.CR0)
		holds(t, "CR0", cr0.SE*cr0.SE, v1*(j1-1)/(j1*j1)+v0*(j0-1)/(j0*j0), 1e-11)
		g := j1 + j0
		cr1 := fit(estimators.CR1)
		holds(t, "CR1", cr1.SE*cr1.SE, cr0.SE*cr0.SE*g/(g-1)*(g*n-1)/(g*n-2), 1e-12)
	}
}

// In a balanced trial a random intercept by REML is the t test of the clusters'
// means, with J-2 degrees of freedom, by Kenward and Roger's rule as by
// Satterthwaite's.
func TestBalancedREMLIsTheTestOfMeans(t *testing.T) {
	shape, d, means := equalClusters(9, 9, 12, 3)
	m1, v1 := meanVariance(means[1])
	m0, v0 := meanVariance(means[0])
	for _, rule := range []estimators.MixedDF{estimators.Satterthwaite, estimators.KenwardRoger} {
		panel, err := estimators.Bind([]estimators.Named{{Name: "mixed", Method: estimators.Mixed{
			Formula: "score ~ coaching + (1 | school)", DF: rule, Report: []string{"coaching"},
		}}}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		e := panel.Fit(d)[0]
		holds(t, "the difference", e.Value, m1-m0, 1e-9)
		holds(t, "the standard error", e.SE, math.Sqrt((v1+v0)/2*(2.0/9)), 1e-6)
		holds(t, "df by "+rule.String(), e.DF, 16, 1e-5)
	}
}

// With G clusters and signs, the smallest p-value of the wild bootstrap is
// 2^(1-G): of all signs and their opposite.
func TestWildBootstrapSmallestP(t *testing.T) {
	shape, d, _ := equalClusters(4, 4, 5, 1)
	for s := range 4 {
		for i := range 5 {
			d.Columns[1][s*5+i] += 1000 * (1 + 0.001*float64(s))
		}
	}
	panel, err := estimators.Bind([]estimators.Named{{Name: "wild", Method: estimators.WildBootstrap{
		OLS:   estimators.OLS{Formula: "score ~ coaching", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}},
		Draws: 9999,
	}}}, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, "the smallest p", panel.Fit(d)[0].P, math.Pow(2, 1-8), 1e-12)
}
