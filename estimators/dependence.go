package estimators

import (
	"cmp"
	"slices"

	"coachsim/dgp"
)

// ForestCurves are what a forest predicts over its most important inputs: the partial
// dependence of Friedman (2001), the mean prediction of the rows if all had a value.
type ForestCurves struct {
	Estimator, Outcome string
	Rows, Trees        int
	Inputs             []InputCurve
}

// An InputCurve is the partial dependence on one input.
type InputCurve struct {
	Term       string
	Importance float64   // of a Prediction on average over its runs, 0 in one where it did not emerge
	X          []float64 // ascending: its values, or percentiles of these where there are many
	Labels     []string  // of X, where it is a factor
	Predicted  []float64 // at each X
}

// curveInputs is the number of inputs whose curves there are, and curveValues the most
// values of each: a curve costs a prediction of every row by every tree at each.
const (
	curveInputs = 6
	curveValues = 21
)

// ForestCurves returns those of the last Fit, of all forests, in the order of Rows. That
// of a Prediction is of a forest grown on all rows in the way of the runs.
func (p *Panel) ForestCurves() []ForestCurves {
	var all []ForestCurves
	for _, f := range p.fitters {
		all = append(all, p.forestCurves(f)...)
	}
	return all
}

func (p *Panel) forestCurves(f Fitter) (all []ForestCurves) {
	switch f := f.(type) {
	case *fitters:
		for _, one := range f.each {
			all = append(all, p.forestCurves(one)...)
		}
	case *cforest:
		if f.grown > 0 {
			c := ForestCurves{Estimator: f.name, Outcome: f.grove.design.outcome.Text, Rows: len(f.grove.rows), Trees: f.grown}
			for j, in := range f.grove.inputs {
				input := InputCurve{Term: in.text, Importance: f.importance[j], X: valuesOver(f.grove.x[j])}
				if in.factor {
					input.X = nil
					for code, label := range in.labels {
						if slices.Contains(f.grove.x[j], float64(code)) {
							input.X, input.Labels = append(input.X, float64(code)), append(input.Labels, label)
						}
					}
				}
				c.Inputs = append(c.Inputs, input)
			}
			c.predict(f.grove.trees.PartialDependence)
			all = append(all, c)
		}
	case *prediction:
		if f.Model == ConditionalForest && f.selection.status == OK {
			g := f.splits.design
			c := ForestCurves{Estimator: f.name, Outcome: g.outcome.Text, Rows: len(g.y), Trees: f.Forest.Trees}
			rows := make([]int, len(g.y))
			for i := range rows {
				rows[i] = i
			}
			f.forest.Grow(rows, f.control, f.Forest.Trees, f.source.Load(p.setup.stream, dgp.EstimatorPurpose(f.name+" on all rows")).Rand)
			for j, term := range g.terms {
				input := InputCurve{Term: term, X: valuesOver(g.x[j])}
				if f.count[j] > 0 {
					input.Importance = f.sum[j] / float64(f.Runs)
				}
				c.Inputs = append(c.Inputs, input)
			}
			c.predict(f.forest.PartialDependence)
			all = append(all, c)
		}
	}
	return all
}

// predict keeps the most important inputs, in their order, and finds their curves.
func (c *ForestCurves) predict(dependence func(variable int, values, dst []float64)) {
	order := make([]int, len(c.Inputs))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.Inputs[b].Importance, c.Inputs[a].Importance) })
	var kept []InputCurve
	for _, j := range order[:min(curveInputs, len(order))] {
		input := c.Inputs[j]
		input.Predicted = make([]float64, len(input.X))
		dependence(j, input.X, input.Predicted)
		kept = append(kept, input)
	}
	c.Inputs = kept
}

// valuesOver returns the different values of a variable, or where they are many,
// percentiles that are values, evenly from the smallest to the largest.
func valuesOver(x []float64) []float64 {
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	values := slices.Compact(slices.Clone(sorted))
	if len(values) <= curveValues {
		return values
	}
	values = values[:0]
	for k := range curveValues {
		values = append(values, sorted[k*(len(sorted)-1)/(curveValues-1)])
	}
	return slices.Compact(values)
}
