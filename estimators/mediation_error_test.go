package estimators_test

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"coachsim/dgp"
	"coachsim/estimators"
)

// ratedTrial is an invented trial of two domains, scored with error, with unequal
// classes, covariates of classes and children, and slopes that differ by arm.
func ratedTrial() dgp.Trial {
	t := dgp.DefaultTrial()
	t.Design.Blocks, t.Design.Schools, t.Design.Teachers, t.Design.Tested = 4, 9, 2, 9
	t.Design.Children = dgp.ClassSize{Mean: 7, SD: 2, Min: 3}
	t.Design.Assignment = dgp.Blocked{Share: 0.5}
	t.Covariates = []dgp.Covariate{
		{Name: "wealth", Level: dgp.SchoolLevel, Law: dgp.Normal{SD: 1}, Quality: 0.5, Achievement: 1},
		{Name: "months", Level: dgp.ChildLevel, Law: dgp.Normal{Mean: 60, SD: 4}, Slope: 0.02},
	}
	t.Quality = dgp.Quality{
		Domains: []string{"support", "order"}, SD: []float64{0.9, 0.7}, Correlation: dgp.Matrix{{1}, {0.5, 1}}, SchoolShare: 0.3,
		Effect:  dgp.QualityEffect{Shift: []float64{0.6, 0.4}, Noise: []float64{0.3, 0.2}},
		Context: dgp.Context{Variance: []float64{0.2, 0.2}, BlockShare: 0.3},
	}
	t.Observation = dgp.Observation{
		Segments: 5, Coders: 2, Total: "class", SegmentSD: []float64{0.9, 1.1}, CoderSD: []float64{0.5, 0.6}, ErrorCorrelation: dgp.Matrix{{1}, {0.4, 1}},
		Scale: dgp.RatingScale{Mean: []float64{4, 3}, Points: []float64{0.5, 0.8}, Min: -50, Max: 50},
	}
	t.Achievement = dgp.Achievement{
		Tests: []string{"reading"}, Total: "achievement", Scale: 1, Residual: dgp.Matrix{{0.75}}, SchoolSD: 0.2, CovariateSD: 0.2, Points: true,
		Slope:  dgp.Slopes{Control: []float64{0.3, 0.2}, Treated: []float64{0.1, 0.3}},
		Effect: dgp.TestEffect{Mean: []float64{0.4}},
	}
	return t
}

// A ratedReference is errors-in-variables regression as in a textbook: every child a row,
// projections as matrices.
type ratedReference struct {
	data    *dgp.Data
	z       *mat.Dense // other regressors and blocks
	y       []float64
	arm     []float64 // by class
	classOf []int
	annihil *mat.Dense
	size    []float64 // D'MD by class
}

func newRatedReference(shape dgp.Shape, d *dgp.Data) *ratedReference {
	r := &ratedReference{data: d, y: d.Columns[shape.Index("reading")]}
	n := d.Children()
	r.z = mat.NewDense(n, 2+d.N[dgp.BlockLevel], nil)
	for i := range n {
		class := d.Ancestor(dgp.ChildLevel, i, dgp.TeacherLevel)
		school := d.Ancestor(dgp.ChildLevel, i, dgp.SchoolLevel)
		r.classOf = append(r.classOf, class)
		r.z.Set(i, 0, d.Columns[shape.Index("wealth")][school])
		r.z.Set(i, 1, d.Columns[shape.Index("months")][i])
		r.z.Set(i, 2+d.SchoolBlock[school], 1)
	}
	for j := range d.Teachers() {
		r.arm = append(r.arm, d.Columns[shape.Index("coaching")][d.TeacherSchool[j]])
	}
	r.annihil = annihilator(r.z)
	r.size = make([]float64, d.Teachers())
	for i, a := range r.classOf {
		for k, b := range r.classOf {
			if a == b {
				r.size[a] += r.annihil.At(i, k)
			}
		}
	}
	return r
}

// annihilator is I - Z(Z'Z)⁻¹Z'.
func annihilator(z *mat.Dense) *mat.Dense {
	n, _ := z.Dims()
	var gram, inverse, hat mat.Dense
	gram.Mul(z.T(), z)
	if err := inverse.Inverse(&gram); err != nil {
		panic(err)
	}
	hat.Product(z, &inverse, z.T())
	m := mat.NewDense(n, n, nil)
	for i := range n {
		m.Set(i, i, 1)
	}
	m.Sub(m, &hat)
	return m
}

// focal is the children's matrix of the mediators, their products with the arm, and
// the arm.
func (r *ratedReference) focal(mediator [2][]float64) *mat.Dense {
	f := mat.NewDense(len(r.y), 5, nil)
	for i, j := range r.classOf {
		for k := range mediator {
			f.Set(i, k, mediator[k][j])
			f.Set(i, 2+k, mediator[k][j]*r.arm[j])
		}
		f.Set(i, 4, r.arm[j])
	}
	return f
}

// solve returns θ of (W'MF - Λ)θ = W'My, and the influence of every school.
func (r *ratedReference) solve(f, w, lambda *mat.Dense, part func(class int) *mat.Dense) (theta []float64, influence [][]float64) {
	var wm, left, inverse, right, b mat.Dense
	wm.Mul(w.T(), r.annihil)
	left.Mul(&wm, f)
	if lambda != nil {
		left.Sub(&left, lambda)
	}
	if err := inverse.Inverse(&left); err != nil {
		panic(err)
	}
	right.Mul(&wm, mat.NewDense(len(r.y), 1, r.y))
	b.Mul(&inverse, &right)
	var fitted, e mat.Dense
	fitted.Mul(f, &b)
	e.Sub(mat.NewDense(len(r.y), 1, r.y), &fitted)
	var left2 mat.Dense
	left2.Mul(r.annihil, &e)
	for range r.data.N[dgp.SchoolLevel] {
		influence = append(influence, make([]float64, 5))
	}
	add := func(school int, score []float64) {
		for k := range 5 {
			for l := range 5 {
				influence[school][k] += inverse.At(k, l) * score[l]
			}
		}
	}
	score := make([]float64, 5)
	for i, j := range r.classOf {
		for k := range score {
			score[k] = wm.At(k, i) * left2.At(i, 0)
		}
		add(r.data.TeacherSchool[j], score)
	}
	if part != nil {
		for j := range r.data.Teachers() {
			var own mat.Dense
			own.Mul(part(j), &b)
			for k := range score {
				score[k] = own.At(k, 0) / float64(r.data.Teachers())
			}
			add(r.data.TeacherSchool[j], score)
		}
	}
	for k := range 5 {
		theta = append(theta, b.At(k, 0))
	}
	return theta, influence
}

// errorPart is what an error covariance adds to F'MF.
func (r *ratedReference) errorPart(sigma [2][2]float64) *mat.Dense {
	m := mat.NewDense(5, 5, nil)
	for j, d := range r.size {
		for k := range 2 {
			for l := range 2 {
				for a := range 2 {
					for b := range 2 {
						m.Set(2*a+k, 2*b+l, m.At(2*a+k, 2*b+l)+d*sigma[k][l]*math.Pow(r.arm[j], float64(a+b)))
					}
				}
			}
		}
	}
	return m
}

func sd(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(sd / float64(len(x)-1))
}

// Corrections for measurement error equal dense ones to 1e-8: estimates of all but
// SIMEX, and standard errors where these are of one estimating equation.
func TestErrorCorrectionsAgainstReference(t *testing.T) {
	g, err := ratedTrial().Compile()
	if err != nil {
		t.Fatal(err)
	}
	shape := g.Shape()
	data, _ := g.Draw(dgp.Stream{Seed: 4})
	r := newRatedReference(shape, data)
	n := float64(data.Teachers())

	// Scores, segments as scores, and what each class tells of the error.
	var score, half0, half1 [2][]float64
	segments := [2][5][]float64{}
	part := make([][2][2]float64, data.Teachers())
	for k, domain := range []string{"support", "order"} {
		score[k] = data.Columns[shape.Index(domain)]
		whole := make([]float64, data.Teachers())
		for s := range 5 {
			segments[k][s] = make([]float64, data.Teachers())
			for j := range whole {
				x := (data.Columns[shape.Index(domain+"_s"+string(rune('1'+s))+"_c1")][j] + data.Columns[shape.Index(domain+"_s"+string(rune('1'+s))+"_c2")][j]) / 2
				segments[k][s][j] = x
				whole[j] += x / 5
			}
		}
		from, spread := sd(whole)
		to, unit := sd(score[k])
		half0[k], half1[k] = make([]float64, data.Teachers()), make([]float64, data.Teachers())
		for s := range 5 {
			for j := range whole {
				x := to + unit/spread*(segments[k][s][j]-from)
				segments[k][s][j] = x
				if s%2 == 0 {
					half0[k][j] += x / 3
				} else {
					half1[k][j] += x / 2
				}
			}
		}
	}
	var sigma [2][2]float64
	for j := range part {
		for k := range 2 {
			for l := range 2 {
				for s := range 5 {
					part[j][k][l] += (segments[k][s][j] - score[k][j]) * (segments[l][s][j] - score[l][j]) / 4 / 5
				}
				sigma[k][l] += part[j][k][l] / n
			}
		}
	}
	known := [2]float64{0.7, 0.6}
	var knownSigma [2][2]float64
	for k := range known {
		_, s := sd(score[k])
		knownSigma[k][k] = (1 - known[k]) * s * s
	}

	// The scores less Σ S⁻¹ times what a regression leaves of them.
	shrunk := func(sigma [2][2]float64, conditional bool) (used [2][]float64) {
		classes := mat.NewDense(data.Teachers(), 2, nil)
		z := mat.NewDense(data.Teachers(), 1, nil)
		df := n - 1
		if conditional {
			z = mat.NewDense(data.Teachers(), 6, nil)
			df = n - 6
		}
		for j := range data.Teachers() {
			school := data.TeacherSchool[j]
			z.Set(j, 0, 1)
			if conditional {
				z.Set(j, 0, r.arm[j])
				z.Set(j, 1, data.Columns[shape.Index("wealth")][school])
				z.Set(j, 2+data.SchoolBlock[school], 1)
			}
			classes.Set(j, 0, score[0][j])
			classes.Set(j, 1, score[1][j])
		}
		var residual, s, inverse, shrink mat.Dense
		residual.Mul(annihilator(z), classes)
		s.Mul(residual.T(), &residual)
		s.Scale(1/df, &s)
		if err := inverse.Inverse(&s); err != nil {
			t.Fatal(err)
		}
		shrink.Mul(mat.NewDense(2, 2, []float64{sigma[0][0], sigma[0][1], sigma[1][0], sigma[1][1]}), &inverse)
		for k := range used {
			for j := range data.Teachers() {
				used[k] = append(used[k], score[k][j]-shrink.At(k, 0)*residual.At(j, 0)-shrink.At(k, 1)*residual.At(j, 1))
			}
		}
		return used
	}

	fit := func(e *estimators.MeasurementError) []estimators.Estimate {
		// The first estimator makes the terms of the shared cross-products stand in
		// another order.
		panel, err := estimators.Bind([]estimators.Named{{Name: "itt", Method: estimators.OLS{Formula: "reading ~ months + wealth + coaching | block"}}, {Name: "m", Method: estimators.Mediation{
			Formula: "reading ~ coaching*support + coaching*order + wealth + months | block", Mediator: "c(support, order) ~ coaching + wealth | block",
			Cluster: "school", SE: estimators.CR1, Error: e,
		}}}, shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		panel.Use(dgp.Stream{Seed: 9})
		estimates := panel.Fit(data)
		estimates = estimates[len(estimates)-len(panel.Rows()):]
		first := slices.IndexFunc(panel.Rows(), func(row estimators.Row) bool { return row.Term == "b(support)" })
		return estimates[first : first+4] // b(support), b(order), and what the arm adds
	}
	check := func(name string, got []estimators.Estimate, theta []float64, influence [][]float64) {
		t.Helper()
		rows, schools := float64(data.Children()), float64(data.N[dgp.SchoolLevel])
		scale := schools / (schools - 1) * (rows - 1) / (rows - float64(2+4+5))
		for k, e := range got {
			if !(math.Abs(e.Value-theta[k]) < 1e-8*math.Max(1, math.Abs(theta[k]))) {
				t.Errorf("%s: coefficient %d is %.12g, want %.12g", name, k, e.Value, theta[k])
			}
			if influence == nil {
				continue
			}
			v := 0.0
			for _, of := range influence {
				v += scale * of[k] * of[k]
			}
			if se := math.Sqrt(v); !(math.Abs(e.SE/se-1) < 1e-8) {
				t.Errorf("%s: standard error of coefficient %d is %.12g, want %.12g", name, k, e.SE, se)
			}
		}
	}

	f := r.focal(score)
	theta, influence := r.solve(f, f, r.errorPart(sigma), func(j int) *mat.Dense { return r.errorPart(part[j]) })
	check("moments", fit(&estimators.MeasurementError{}), theta, influence)

	theta, influence = r.solve(f, f, r.errorPart(knownSigma), func(j int) *mat.Dense {
		var own [2][2]float64
		for k := range known {
			mean, _ := sd(score[k])
			own[k][k] = (1 - known[k]) * (score[k][j] - mean) * (score[k][j] - mean) * n / (n - 1)
		}
		return r.errorPart(own)
	})
	check("moments, known", fit(&estimators.MeasurementError{Reliability: known[:]}), theta, influence)

	one, first := r.solve(r.focal(half0), r.focal(half1), nil, nil)
	two, second := r.solve(r.focal(half1), r.focal(half0), nil, nil)
	for k := range one {
		one[k] = (one[k] + two[k]) / 2
		for s := range first {
			first[s][k] = (first[s][k] + second[s][k]) / 2
		}
	}
	check("split-half", fit(&estimators.MeasurementError{Method: estimators.SplitHalf}), one, first)

	for method, conditional := range map[estimators.ErrorMethod]bool{estimators.RegressionCalibration: true, estimators.FactorScore: false} {
		f := r.focal(shrunk(sigma, conditional))
		theta, _ := r.solve(f, f, nil, nil)
		check(method.String(), fit(&estimators.MeasurementError{Method: method}), theta, nil)
	}

	// SIMEX is near the parabola through what added error makes of the estimates on
	// average, (F'MF + ζΛ)⁻¹F'My but for terms of higher order.
	var want [5]float64
	for i, weight := range simexWeights() {
		level := mat.NewDense(5, 5, nil)
		level.Scale(-float64(i)/2, r.errorPart(sigma))
		theta, _ := r.solve(f, f, level, nil)
		for k := range want {
			want[k] += weight * theta[k]
		}
	}
	for k, e := range fit(&estimators.MeasurementError{Method: estimators.SIMEX, Draws: 2000}) {
		if math.Abs(e.Value-want[k]) > 0.02 {
			t.Errorf("SIMEX: coefficient %d is %g, want %g", k, e.Value, want[k])
		}
	}
}

// simexWeights are the weights of least squares with which a parabola through
// values at 0, 0.5, 1, 1.5 and 2 is extrapolated to -1, by normal equations.
func simexWeights() []float64 {
	x := mat.NewDense(5, 3, nil)
	for i := range 5 {
		for d := range 3 {
			x.Set(i, d, math.Pow(float64(i)/2, float64(d)))
		}
	}
	var gram, inverse, w mat.Dense
	gram.Mul(x.T(), x)
	if err := inverse.Inverse(&gram); err != nil {
		panic(err)
	}
	w.Product(mat.NewDense(1, 3, []float64{1, -1, 1}), &inverse, x.T())
	return w.RawRowView(0)
}

// What SIMEX adds up over its draws equals a regression in full for every draw to 1e-12 of
// the largest estimate and influence, also with slopes by arm, classes without rows and
// collinear covariates.
func TestSIMEXEqualsRegressions(t *testing.T) {
	g, err := ratedTrial().Compile()
	if err != nil {
		t.Fatal(err)
	}
	shape := g.Shape()
	for name, m := range map[string]estimators.Mediation{
		"two":         {Formula: "reading ~ coaching + support + order + months + wealth | block", Mediator: "c(support, order) ~ coaching | block"},
		"by arm":      {Formula: "reading ~ coaching*support + months + wealth + I(months + 1) | block", Mediator: "support ~ coaching | block"},
		"no effect":   {Formula: "reading ~ coaching + support + months", Mediator: "support ~ coaching"},
		"some blocks": {Formula: "reading ~ coaching + support | block", Mediator: "support ~ coaching | block", Where: "wealth > -0.5"},
	} {
		m.Cluster, m.SE = "school", estimators.CR1
		m.Error = &estimators.MeasurementError{Method: estimators.SIMEX, Draws: 7}
		panel, err := estimators.Bind([]estimators.Named{{Name: "m", Method: m}}, shape, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for rep := range 3 {
			st := dgp.Stream{Seed: 4, Replicate: uint64(rep)}
			data, _ := g.Draw(st)
			panel.Use(st)
			panel.Fit(data)
			got, influence, want, influences := panel.SIMEX()
			if want == nil {
				t.Fatalf("%s: no solution", name)
			}
			for _, c := range []struct {
				what      string
				got, want []float64
			}{{"estimates", got, want}, {"influences", influence, influences}} {
				most, off := 0.0, 0.0
				for i := range c.want {
					most, off = max(most, math.Abs(c.want[i])), max(off, math.Abs(c.got[i]-c.want[i]))
				}
				if !(off <= 1e-12*most) || most == 0 {
					t.Errorf("%s: %s are %g off, of at most %g", name, c.what, off, most)
				}
			}
		}
	}
}

// What classes without rows score is of no matter to any correction, not even where it
// is missing.
func TestCorrectionsLeaveOutMissingScores(t *testing.T) {
	g, err := ratedTrial().Compile()
	if err != nil {
		t.Fatal(err)
	}
	shape := g.Shape()
	var all []estimators.Named
	for _, method := range []estimators.ErrorMethod{estimators.ErrorMoments, estimators.RegressionCalibration, estimators.SIMEX, estimators.SplitHalf, estimators.FactorScore} {
		all = append(all, estimators.Named{Name: method.String(), Method: estimators.Mediation{
			Formula: "reading ~ coaching + support + months | block", Mediator: "support ~ coaching | block", Where: "wealth > -0.5",
			Cluster: "school", SE: estimators.CR1, Error: &estimators.MeasurementError{Method: method},
		}})
	}
	panel, err := estimators.Bind(all, shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	st := dgp.Stream{Seed: 4}
	data, _ := g.Draw(st)
	panel.Use(st)
	want := slices.Clone(panel.Fit(data))
	missing := 0
	for j, school := range data.TeacherSchool {
		if data.Columns[shape.Index("wealth")][school] > -0.5 {
			continue
		}
		missing++
		for c, column := range shape.Columns {
			if slices.Contains(column.Domains, "support") {
				data.Columns[c][j] = math.NaN()
			}
		}
	}
	panel.Use(st)
	for i, e := range panel.Fit(data) {
		if e.Value != want[i].Value || e.SE != want[i].SE || !e.Status.Worked() || missing == 0 {
			t.Errorf("%+v: %+v with %d classes missing, %+v without", panel.Rows()[i], e, missing, want[i])
		}
	}
}
