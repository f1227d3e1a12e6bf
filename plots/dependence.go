package plots

import (
	"errors"
	"fmt"

	"gonum.org/v1/plot/vg"

	"coachsim/estimators"
	"coachsim/sim"
)

// PartialDependence shows what a forest predicts over each of its most important inputs:
// the mean prediction of the rows of one data set if all had a value (Friedman 2001). The
// panels share their vertical scale, so that they can be compared.
type PartialDependence struct {
	File   string    // name of the files; "partial-dependence" where empty
	Width  vg.Length // 0 chooses by the number of inputs
	Data   string    // of what data the forest is, in words
	Forest estimators.ForestCurves
	Roles  []sim.Role // of the inputs; nil where they are not known
}

// Name returns the name of the figure's files.
func (f PartialDependence) Name() string { return named(f.File, "partial-dependence") }

// Words are the figure's title and note.
func (f PartialDependence) Words() Words {
	title := "Partial dependence of a forest's predictions"
	if f.Forest.Estimator != "" {
		title += ": " + f.Forest.Estimator
	}
	return Words{title, sentences(f.Data,
		fmt.Sprintf("A forest of %s trees on %s rows; its most important inputs, the first the most", count(f.Forest.Trees), count(f.Forest.Rows)),
		"Lines are mean predictions of all rows if all had the value below; points are values that occur")}
}

// role is what an input is in truth.
func (f PartialDependence) role(input int) sim.Role {
	if f.Roles == nil {
		return sim.UnknownRole
	}
	return f.Roles[input]
}

// Draw lays the figure out.
func (f PartialDependence) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	inputs := f.Forest.Inputs
	if len(inputs) == 0 || len(inputs) > MaxPanels {
		return Drawing{}, fmt.Errorf("plots: %d inputs; a figure can show 1 to %d", len(inputs), MaxPanels)
	}
	var ends span
	var heads []gridPanel
	for i, in := range inputs {
		ends.add(in.Predicted...)
		head := gridPanel{title: []string{in.Term}}
		if words := [...]string{sim.NotPredictor: "no true predictor", sim.TruePredictor: "true predictor", sim.UnknownRole: ""}[f.role(i)]; words != "" {
			head.remarks = []string{words}
		}
		heads = append(heads, head)
	}
	y := newVertical(ends.lo, ends.hi)
	columns, width := grid(t, f.Width, len(inputs))
	look := t.Series[0]
	return panelGrid{
		width: width, columns: columns, gap: 12, scale: scaleRoom(t, y.labels()...),
		ylabel: "Predicted " + f.Forest.Outcome, xlabel: "Value of the input", panels: heads,
		height: func(w vg.Length) vg.Length { return max(24*vg.Millimeter, 0.62*w) },
		paint: func(p pen, i int, body vg.Rectangle) {
			in := inputs[i]
			at := paintVertical(p, y, body)
			values := in.X
			if in.Labels != nil { // levels have no distances
				values = make([]float64, len(in.X))
				for k := range values {
					values[k] = float64(k)
				}
			}
			var over span
			over.add(values...)
			x := newAxis(over.lo, over.hi, t.face(t.TickSize), body.Size().X)
			if in.Labels != nil {
				x = levelAxis(t, in.Labels, body.Size().X)
			}
			place := func(k int) vg.Point {
				return vg.Point{X: body.Min.X + vg.Length(x.norm(values[k]))*body.Size().X, Y: at(in.Predicted[k])}
			}
			if in.Labels == nil {
				for k := 1; k < len(values); k++ {
					p.line(look.Color, t.LineWidth, nil, place(k-1).X, place(k-1).Y, place(k).X, place(k).Y)
				}
			}
			p.theme.MarkerWidth *= 0.7
			for k := range values {
				p.marker(look, place(k).X, place(k).Y)
			}
			paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
		},
	}.drawing(t)
}

// levelAxis is an axis of the levels of a factor, with the labels that fit.
func levelAxis(t Theme, labels []string, length vg.Length) axis {
	a := axis{min: -0.5, max: float64(len(labels)) - 0.5}
	room := length / vg.Length(len(labels))
	face := t.face(t.TickSize)
	for i, label := range labels {
		if face.Width(label)+2 > room {
			label = ""
		}
		a.ticks = append(a.ticks, tick{float64(i), label})
	}
	return a
}

// Table returns the plotted numbers.
func (f PartialDependence) Table() [][]string {
	table := [][]string{{"estimator", "outcome", "input", "true_predictor", "importance", "value", "level", "predicted"}}
	for i, in := range f.Forest.Inputs {
		for k, v := range in.X {
			level := ""
			if in.Labels != nil {
				level = in.Labels[k]
			}
			table = append(table, []string{f.Forest.Estimator, f.Forest.Outcome, in.Term, f.role(i).String(), cell(in.Importance), cell(v), level, cell(in.Predicted[k])})
		}
	}
	return table
}

func makePartialDependence(run Run, f sim.Figure) ([]Figure, error) {
	fit, err := run.refit(f, func(m estimators.Method) bool {
		if p, is := m.(estimators.Prediction); is {
			return p.Model == estimators.ConditionalForest
		}
		_, is := m.(estimators.CForest)
		return is
	})
	if err != nil {
		return nil, err
	}
	if fit == nil || len(fit.Forests) == 0 {
		return nil, errors.New("no estimator grows a forest")
	}
	if len(fit.Forests) > maxCurvePages {
		return nil, fmt.Errorf("%d forests would need as many pages; choose among them with only, such as estimator=NAME", len(fit.Forests))
	}
	var figures []Figure
	for i, forest := range fit.Forests {
		one := PartialDependence{File: f.FileName(), Data: refitWords(fit), Forest: forest}
		for _, in := range forest.Inputs {
			one.Roles = append(one.Roles, fit.Role(in.Term))
		}
		if i > 0 {
			one.File = fmt.Sprintf("%s-%d", f.FileName(), i+1)
		}
		figures = append(figures, one)
	}
	return figures, nil
}
