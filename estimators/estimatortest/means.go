package estimatortest

import (
	"math"
	"slices"

	"coachsim/dgp"
	"coachsim/estimators"
)

// DifferenceInMeans fits o to one data set block by block: with clusters as the
// regression on the arm with the CR2 variance of Bell and McCaffrey's matrices,
// else as two lists of numbers. Every column must be observed in every row.
func DifferenceInMeans(o estimators.DifferenceInMeans, d *dgp.Data, shape dgp.Shape) ([]estimators.Estimate, error) {
	f, err := estimators.ParseFormula(o.Formula, nil)
	if err != nil {
		return nil, err
	}
	var all []estimators.Estimate
	for _, outcome := range f.Outcomes {
		for _, arm := range f.Terms {
			r := &regression{OLS: estimators.OLS{Formula: o.Formula, Rows: o.Rows, Where: o.Where}, formula: f, data: d, shape: shape}
			if err := r.findRows(); err != nil {
				return nil, err
			}
			r.formula = &estimators.Formula{Outcomes: []estimators.Outcome{outcome}, Intercept: true, Terms: []estimators.Term{arm}}
			r.rows = slices.DeleteFunc(r.rows, func(u unit) bool { return r.elsewhere(u, f, arm) })
			all = append(all, r.difference(o.Blocks, o.Cluster))
		}
	}
	return all, nil
}

// elsewhere reports whether a unit is in another arm: one of the formula, or of
// the trial if the formula has one of these.
func (r *regression) elsewhere(u unit, f *estimators.Formula, arm estimators.Term) bool {
	causal := slices.ContainsFunc(f.Terms, func(t estimators.Term) bool { return r.shape.Columns[r.shape.Index(t.String())].Arm })
	is := func(c dgp.Column) bool {
		return causal && c.Arm || slices.ContainsFunc(f.Terms, func(t estimators.Term) bool { return t.String() == c.Name })
	}
	for i, c := range r.shape.Columns {
		if c.Name != arm.String() && is(c) && r.data.Columns[i][u[c.Level]] == 1 {
			return true
		}
	}
	return false
}

// A difference is that of one block.
type difference struct {
	value, variance, df float64
	rows, units         int
	status              estimators.Status // also of a block that would do in matched pairs
}

// difference compares the arm with control.
func (r *regression) difference(blocks, cluster string) estimators.Estimate {
	if cluster != "" && len(r.groups(cluster)) < 2 {
		return Failed(estimators.TooFewClusters)
	}
	if blocks == "" {
		b := r.compareArms(cluster)
		if !b.status.Worked() {
			return Failed(b.status)
		}
		return finish(b.value, b.variance, b.df)
	}
	var all []difference
	n, units, pairs := 0.0, 0, false
	for _, group := range r.groups(blocks) {
		part := *r
		part.rows = nil
		for _, i := range group {
			part.rows = append(part.rows, r.rows[i])
		}
		b := part.compareArms(cluster)
		all = append(all, b)
		n += float64(b.rows)
		units += b.units
		pairs = pairs || b.units == 2
	}
	value, variance := 0.0, 0.0
	for _, status := range []estimators.Status{estimators.OneArm, estimators.LoneUnit} {
		for _, b := range all {
			if b.status == status && !(pairs && status == estimators.LoneUnit) {
				return Failed(status)
			}
		}
	}
	for _, b := range all {
		value += b.value * float64(b.rows) / n
		variance += b.variance * math.Pow(float64(b.rows)/n, 2)
	}
	count := float64(len(all))
	if !pairs {
		return finish(value, variance, float64(units)-2*count)
	}
	if len(all) < 2 {
		return Failed(estimators.TooFewRows)
	}
	variance = 0
	for _, b := range all {
		if cluster == "" {
			variance += math.Pow(b.value-value, 2) / count / (count - 1)
		} else {
			variance += count / (count - 1) / n / n * math.Pow(b.value*float64(b.rows)-n*value/count, 2)
		}
	}
	return finish(value, variance, count-1)
}

func finish(value, variance, df float64) estimators.Estimate {
	se := math.Sqrt(variance)
	f := value * value / variance
	return estimators.Estimate{Value: value, SE: se, DF: df, P: Tail(f, 1, df)}
}

// compareArms compares the two arms in the rows.
func (r *regression) compareArms(cluster string) difference {
	y, arm := r.values(r.formula.Outcomes[0].Variable), r.values(r.formula.Terms[0].Factors[0].Variable)
	var by [2][]float64
	for i, v := range y {
		by[int(arm[i])] = append(by[int(arm[i])], v)
	}
	b := difference{rows: len(y), units: len(y)}
	b.value = mean(by[1]) - mean(by[0])
	switch min(len(by[0]), len(by[1])) {
	case 0:
		b.status = estimators.OneArm
	case 1:
		b.status = estimators.LoneUnit
	}
	if cluster == "" {
		v := [2]float64{square(by[0]), square(by[1])}
		b.variance = v[0] + v[1]
		b.df = math.Pow(v[0]+v[1], 2) / (v[0]*v[0]/float64(len(by[0])-1) + v[1]*v[1]/float64(len(by[1])-1))
		return b
	}
	clusters := r.groups(cluster)
	b.units = len(clusters)
	var count [2]int
	for _, c := range clusters {
		count[int(arm[c[0]])]++
	}
	if b.status.Worked() && min(count[0], count[1]) == 1 {
		b.status = estimators.LoneUnit
	}
	if !b.status.Worked() {
		return b
	}
	r.roots = nil
	for range r.rows {
		r.roots = append(r.roots, num(1))
	}
	r.buildX()
	numbers := make(vector, len(y))
	for i, v := range y {
		numbers[i] = num(v)
	}
	_, e := r.regress(numbers)
	a := r.adjust(clusters, -0.5)
	b.variance, b.df = float(a.covariance(e)[1][1]), a.satterthwaite(1)
	return b
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// square is the variance of a mean.
func square(x []float64) float64 {
	sum, n := 0.0, float64(len(x))
	for _, v := range x {
		sum += math.Pow(v-mean(x), 2)
	}
	return sum / (n - 1) / n
}
