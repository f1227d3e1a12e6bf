package plots

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/vg"

	"coachsim/estimators"
	"coachsim/sim"
)

// CVCurve shows how a LASSO's penalty was chosen in one data set: over the logarithm of
// lambda the mean squared error of held-out rows with its standard error, above it the
// number of terms selected, and where the error is least and where it is within one
// standard error of that. A panel a LASSO.
type CVCurve struct {
	File   string    // name of the files; "cv-curve" where empty
	Width  vg.Length // 0 chooses by the number of panels
	Data   string    // of what data the curves are, in words
	Curves []estimators.LassoCurve
}

// Name returns the name of the figure's files.
func (f CVCurve) Name() string { return named(f.File, "cv-curve") }

// Words are the figure's title and note.
func (f CVCurve) Words() Words {
	notes := []string{f.Data, "Numbers above a curve are terms with a coefficient other than 0", "log is the natural logarithm"}
	if slices.ContainsFunc(f.Curves, func(c estimators.LassoCurve) bool { return len(c.Lambda) > 0 && shownFrom(c) > 0 }) {
		notes = append(notes, "Larger penalties, all with 0 terms, are left out; the figure's CSV file has them")
	}
	return Words{"Cross-validation of the LASSO's penalty", sentences(notes...)}
}

// shownFrom returns the place of the largest penalty that is drawn: the first, unless
// penalties that leave no term take up more than a third of the axis; then one somewhat
// beyond the least of these.
func shownFrom(c estimators.LassoCurve) int {
	empty := 0 // penalties that leave no term; they fall
	for empty < len(c.NonZero) && c.NonZero[empty] == 0 {
		empty++
	}
	if empty == 0 {
		return 0
	}
	const beyond = 0.15 // of the penalties with terms
	least := ln(c.Lambda[len(c.Lambda)-1])
	most := ln(c.Lambda[empty-1])
	if empty < len(c.Lambda) {
		most += beyond * (most - least)
	}
	if whole := ln(c.Lambda[0]) - least; empty == len(c.Lambda) || most-least > 2./3*whole {
		return 0
	}
	return slices.IndexFunc(c.Lambda, func(lambda float64) bool { return ln(lambda) <= most })
}

// title names a panel by what tells it from others.
func (f CVCurve) title(c estimators.LassoCurve) string {
	words := c.Estimator
	if words == "" { // of a data set's own fit
		return c.Outcome
	}
	if slices.ContainsFunc(f.Curves, func(o estimators.LassoCurve) bool { return o.Outcome != c.Outcome }) {
		words = strings.TrimPrefix(words+", "+c.Outcome, ", ")
	}
	return words
}

// The dashes of the marked penalties.
var (
	minDashes   = targetDashes
	oneSEDashes = alphaDashes
)

// Draw lays the figure out.
func (f CVCurve) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	n := len(f.Curves)
	if n == 0 || n > MaxPanels {
		return Drawing{}, fmt.Errorf("plots: %d curves of cross-validation; a figure can show 1 to %d", n, MaxPanels)
	}
	tops := make([]axis, n)
	var labels []string
	var heads []gridPanel
	for i, c := range f.Curves {
		var ends span
		from := 0
		if len(c.Lambda) > 0 {
			from = shownFrom(c)
		}
		for k := from; k < len(c.Mean); k++ {
			ends.add(c.Mean[k]-c.SD[k], c.Mean[k]+c.SD[k])
		}
		if !ends.any {
			return Drawing{}, fmt.Errorf("plots: the penalty of %s was not cross-validated", c.Estimator)
		}
		tops[i] = newVertical(ends.lo, ends.hi)
		labels = append(labels, tops[i].labels()...)
		heads = append(heads, gridPanel{title: []string{f.title(c)}, remarks: []string{
			markRemark("λ.min", c, c.Min),
			markRemark("λ.1se", c, c.OneSE),
		}})
	}
	columns, width := grid(t, f.Width, n)
	if n == 1 {
		width = t.width(f.Width, MidWidth)
	}
	look := t.Series[0]
	strip := 1.7 * t.TickSize // of numbers above the curve
	return panelGrid{
		width: width, columns: columns, gap: 12, scale: scaleRoom(t, labels...),
		legend: legend{
			{"mean squared error of held-out rows ± its standard error", 12, func(p pen, box vg.Rectangle) {
				p.errorBar(look, (box.Min.X+box.Max.X)/2, box.Min.Y, (box.Min.Y+box.Max.Y)/2, box.Max.Y)
			}},
			referenceEntry("λ.min: least error", minDashes),
			referenceEntry("λ.1se: largest λ within one standard error of it", oneSEDashes),
		},
		ylabel: "Mean squared error", xlabel: "log(λ)", panels: heads,
		height: func(w vg.Length) vg.Length { return max(34*vg.Millimeter, min(0.62*w, 62*vg.Millimeter)) + strip },
		paint: func(p pen, i int, body vg.Rectangle) {
			body.Max.Y -= strip
			f.paint(p, f.Curves[i], tops[i], body)
		},
	}.drawing(t)
}

// markRemark says where a marked penalty is.
func markRemark(name string, c estimators.LassoCurve, at int) string {
	words := fmt.Sprintf("%s = %s: %s", name, brief(c.Lambda[at]), terms(c.NonZero[at]))
	if at < shownFrom(c) {
		words += fmt.Sprintf(" (→ beyond the axis, at log(λ) = %s)", signed(ln(c.Lambda[at]), 1))
	}
	return words
}

// paint draws one curve.
func (f CVCurve) paint(p pen, c estimators.LassoCurve, y axis, body vg.Rectangle) {
	t := p.theme
	at := paintVertical(p, y, body)
	from := shownFrom(c)
	var ends span
	for _, lambda := range c.Lambda[from:] {
		ends.add(ln(lambda))
	}
	x := newAxis(ends.lo, ends.hi, t.face(t.TickSize), body.Size().X)
	atX := func(lambda float64) vg.Length {
		return body.Min.X + vg.Length(x.norm(ln(lambda)))*body.Size().X
	}
	for i, mark := range []struct {
		at     int
		dashes []vg.Length
	}{{c.Min, minDashes}, {c.OneSE, oneSEDashes}} {
		if mark.at < from { // an arrow to where it is, one below the other
			y := body.Max.Y - vg.Length(i+1)*t.TickSize
			p.arrow(t.Quiet, mark.dashes, body.Max.X-5*pathHead, body.Max.X, y)
			continue
		}
		p.line(t.Quiet, 1.4*t.AxisWidth, mark.dashes, atX(c.Lambda[mark.at]), body.Min.Y, atX(c.Lambda[mark.at]), body.Max.Y)
	}
	for k, lambda := range c.Lambda {
		if k < from {
			continue
		}
		p.errorBar(t.Series[0], atX(lambda), at(c.Mean[k]-c.SD[k]), at(c.Mean[k]), at(c.Mean[k]+c.SD[k]))
	}
	// Numbers of terms: those of the marked penalties first, then as many of the others
	// as there is room for.
	face := t.face(t.TickSize)
	order := []int{c.Min, c.OneSE, from, len(c.Lambda) - 1}
	for k := range c.Lambda {
		order = append(order, k)
	}
	order = slices.DeleteFunc(order, func(k int) bool { return k < from })
	type taken struct{ left, right vg.Length }
	var room []taken
	for _, k := range order {
		label := strconv.Itoa(c.NonZero[k])
		half := face.Width(label)/2 + 0.35*t.TickSize
		here := taken{atX(c.Lambda[k]) - half, atX(c.Lambda[k]) + half}
		if slices.ContainsFunc(room, func(o taken) bool { return here.left < o.right && o.left < here.right }) {
			continue
		}
		room = append(room, here)
		ink := t.Quiet
		if k == c.Min || k == c.OneSE {
			ink = t.Ink
		}
		p.text(face, ink, atX(c.Lambda[k]), body.Max.Y+0.4*t.TickSize, alignCentre, label)
	}
	paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
}

// errorBar draws a small marker with a bar up and down.
func (p pen) errorBar(s Series, x, low, y, high vg.Length) {
	p.line(translucent(s.Color, 0.45), 0.6*p.theme.LineWidth, nil, x, low, x, high)
	p.theme.MarkerWidth *= 0.55
	p.marker(s, x, y)
}

// terms counts terms.
func terms(n int) string {
	if n == 1 {
		return "1 term"
	}
	return count(n) + " terms"
}

// Table returns the plotted numbers.
func (f CVCurve) Table() [][]string {
	table := [][]string{{"estimator", "outcome", "lambda", "log_lambda", "mse", "se", "nonzero", "mark", "shown"}}
	for _, c := range f.Curves {
		for k, lambda := range c.Lambda {
			var marks []string
			if k == c.Min {
				marks = append(marks, "lambda.min")
			}
			if k == c.OneSE {
				marks = append(marks, "lambda.1se")
			}
			table = append(table, []string{
				c.Estimator, c.Outcome, cell(lambda), cell(ln(lambda)), cell(c.Mean[k]), cell(c.SD[k]), strconv.Itoa(c.NonZero[k]), strings.Join(marks, " "), strconv.FormatBool(k >= shownFrom(c)),
			})
		}
	}
	return table
}

// crossValidates reports whether an estimator chooses a LASSO's penalty by
// cross-validation on all rows.
func crossValidates(m estimators.Method) bool {
	switch m := m.(type) {
	case estimators.Lasso:
		return m.Lambda.CrossValidated()
	case estimators.Prediction:
		return m.Model == estimators.LASSO && (m.Lasso == nil || m.Lasso.Lambda == estimators.FixedLambda)
	default:
		return false
	}
}

func makeCVCurve(run Run, f sim.Figure) ([]Figure, error) {
	fit, err := run.refit(f, crossValidates)
	if err != nil {
		return nil, err
	}
	if fit == nil || len(fit.Curves) == 0 {
		return nil, errors.New("no estimator chooses a LASSO's penalty by cross-validation on all rows")
	}
	if len(fit.Curves) > maxLoggedRows {
		return nil, fmt.Errorf("%d LASSOs would need as many panels; choose among them with only, such as estimator=NAME", len(fit.Curves))
	}
	return paged(fit.Curves, MaxPanels, f.FileName(), func(name string, part []estimators.LassoCurve) CVCurve {
		return CVCurve{File: name, Data: refitWords(fit), Curves: part}
	}), nil
}

// refit fits again what a figure of one replicate shows.
func (run Run) refit(f sim.Figure, wanted func(estimators.Method) bool) (*sim.Refit, error) {
	rows, err := run.only(f)
	if err != nil {
		return nil, err
	}
	return sim.NewRefit(run.Study, summaryRows(rows), f.Replicate, wanted)
}

// refitWords says of what data set a figure is.
func refitWords(fit *sim.Refit) string {
	words := fmt.Sprintf("One simulated data set, replicate %d", fit.Replicate)
	if where := (Row{SummaryRow: sim.SummaryRow{Factors: fit.Factors}}).where(); where != "" {
		words += ", " + where
	}
	return words
}
