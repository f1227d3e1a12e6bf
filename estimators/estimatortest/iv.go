package estimatortest

import (
	"fmt"
	"math"
	"slices"

	"coachsim/dgp"
	"coachsim/estimators"
)

// IV fits o to one data set as a textbook does, in arithmetic that loses
// nothing: every row is written out, the regressors X are projected on the
// instruments Z, and
//
//	X̂ = Z(Z'Z)⁻¹Z'X,  b = (X̂'X̂)⁻¹ X̂'y,  e = y - Xb
//
// with sandwich variances as for least squares on X̂, but with the residuals e
// (Wooldridge 2010, section 5.2). Intervals are left out; AndersonRubin checks
// them.
func IV(o estimators.IV, d *dgp.Data, shape dgp.Shape, lists map[string]string) ([]estimators.Estimate, error) {
	t, err := newStages(o, d, shape, lists)
	if err != nil {
		return nil, err
	}
	var all []estimators.Estimate
	for i := range t.formula.Outcomes {
		estimates, err := t.fit(i)
		if err != nil {
			return nil, err
		}
		all = append(all, estimates...)
	}
	return all, nil
}

// AndersonRubin returns the p-value of the null that the coefficient of the
// endogenous regressor is null: the F test, in the regression of y - null·d on
// all instruments, that those which are no regressors have coefficients 0.
func AndersonRubin(o estimators.IV, d *dgp.Data, shape dgp.Shape, lists map[string]string, outcome int, null float64) (float64, error) {
	t, err := newStages(o, d, shape, lists)
	if err != nil {
		return 0, err
	}
	y := t.numbers(t.formula.Outcomes[outcome].Variable)
	endogenous := t.original.columnOf(len(t.original.bread) - 1)
	for i := range y {
		y[i] = sub(y[i], mul(num(null), endogenous[i]))
	}
	return t.reducedForm(y).P, nil
}

// stages are the two regressions of two-stage least squares.
type stages struct {
	method  estimators.IV
	formula *estimators.Formula

	instruments regression // on Z
	original    regression // on X
	projected   regression // on X̂
}

func newStages(o estimators.IV, d *dgp.Data, shape dgp.Shape, lists map[string]string) (*stages, error) {
	f, err := estimators.ParseFormula(o.Formula, lists)
	if err != nil {
		return nil, err
	}
	t := &stages{method: o, formula: f}
	options := estimators.OLS{Rows: o.Rows, Where: o.Where, Weights: o.Weights, Cluster: o.Cluster, SE: o.SE}
	for _, part := range []struct {
		r     *regression
		terms []estimators.Term
	}{{&t.instruments, f.Instruments}, {&t.original, f.Endogenous}} {
		own := *f
		own.Terms = slices.Concat(f.Terms, part.terms)
		*part.r = regression{OLS: options, formula: &own, data: d, shape: shape}
		if err := part.r.findRows(); err != nil {
			return nil, err
		}
		part.r.buildX()
	}
	z, x := &t.instruments, &t.original
	t.projected = *x
	t.projected.x = zeroMatrix(len(x.x), len(x.bread))
	for j := range x.bread {
		b, _ := z.regress(x.columnOf(j))
		for i := range x.x {
			t.projected.x[i][j] = dot(z.x[i], b)
		}
	}
	p := len(x.bread)
	t.projected.bread = zeroMatrix(p, p)
	for j := range p {
		for k := range p {
			t.projected.bread[j][k] = dot(t.projected.columnOf(j), t.projected.columnOf(k))
		}
	}
	t.projected.lost = t.projected.bread.sweep(collinear)
	return t, nil
}

// regress returns the coefficients (X'X)⁻¹X'y and the residuals.
func (r *regression) regress(y vector) (b, e vector) {
	xy := make(vector, len(r.bread))
	for j := range xy {
		xy[j] = dot(r.columnOf(j), y)
	}
	b = r.bread.apply(xy)
	e = make(vector, len(y))
	for i := range e {
		e[i] = sub(y[i], dot(r.x[i], b))
	}
	return b, e
}

// rank counts the columns that were not dropped.
func (r *regression) rank() int {
	k := 0
	for _, lost := range r.lost {
		if !lost {
			k++
		}
	}
	return k
}

func (t *stages) numbers(v estimators.Variable) vector {
	var y vector
	for i, x := range t.original.values(v) {
		y = append(y, mul(num(x), t.original.roots[i]))
	}
	return y
}

// reducedForm tests that, in the regression of y on Z, the coefficients of the
// excluded instruments are 0.
func (t *stages) reducedForm(y vector) estimators.Estimate {
	z := &t.instruments
	b, e := z.regress(y)
	v, df, adjusted := z.variance(e, z.clusters(), z.rank())
	var group []int
	for j := z.dummy + len(t.formula.Terms); j < len(z.bread); j++ {
		if !z.lost[j] {
			group = append(group, j)
		}
	}
	return z.jointTest(group, b, v, df, adjusted, t.status())
}

func (t *stages) status() estimators.Status {
	if slices.Contains(t.instruments.lost, true) {
		return estimators.Reduced
	}
	return estimators.OK
}

func (t *stages) fit(outcome int) ([]estimators.Estimate, error) {
	x := &t.projected
	places, err := x.places(t.method.Report)
	if err != nil {
		return nil, err
	}
	groups := make([][]int, len(t.method.Joint))
	for i, group := range t.method.Joint {
		if groups[i], err = x.places(group); err != nil {
			return nil, err
		}
	}
	first := x.dummy + len(t.formula.Terms) // endogenous regressor
	out := make([]estimators.Estimate, len(places)+len(groups)+len(t.formula.Endogenous))
	if slices.Contains(x.lost[first:], true) {
		for i := range out {
			out[i] = Failed(estimators.Collinear)
		}
		return out, nil
	}
	if !x.finite || !t.instruments.finite {
		return nil, fmt.Errorf("the data are not finite")
	}
	y := t.numbers(t.formula.Outcomes[outcome].Variable)
	b, _ := x.regress(y)
	e := make(vector, len(y))
	for i := range e {
		e[i] = sub(y[i], dot(t.original.x[i], b))
	}
	v, df, adjusted := x.variance(e, x.clusters(), x.rank())
	for i, j := range places {
		if x.lost[j] {
			out[i] = Failed(estimators.Collinear)
			continue
		}
		value, se := float(b[j]), math.Sqrt(float(v[j][j]))
		ratio := value / se
		if adjusted != nil && x.clustered() {
			df = adjusted.satterthwaite(j)
		}
		out[i] = estimators.Estimate{Value: value, SE: se, DF: df, P: Tail(ratio*ratio, 1, df), Status: t.status()}
		if j >= first && t.method.Test == estimators.AndersonRubin {
			out[i].P = t.reducedForm(y).P
		}
	}
	for i, group := range groups {
		out[len(places)+i] = x.jointTest(group, b, v, df, adjusted, t.status())
	}
	for i := range t.formula.Endogenous {
		out[len(places)+len(groups)+i] = t.reducedForm(t.original.columnOf(first + i))
	}
	return out, nil
}
