package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/plot/vg"
)

// PValues shows whether a test keeps its size: two panels for each row, a
// histogram of its p-values and their quantiles against those of a uniform
// distribution, on a scale of -log10 p that spreads the small ones. Where there
// is no effect the histogram is flat and the quantiles lie on the diagonal; the
// bands hold 95% of the bins (normal approximation of the binomial) and of the
// order statistics (Beta(k, n+1-k)) of a test that keeps its size. A test with
// power has both above.
type PValues struct {
	File  string    // name of the files; "p-values" where empty
	Width vg.Length // 0 chooses by the number of panels
	Rows  []LoggedRow
}

// Name returns the name of the figure's files.
func (v PValues) Name() string { return named(v.File, "p-values") }

const (
	pBins     = 20
	maxPoints = 120 // of a quantile plot
)

type pPanel struct {
	name   []string
	counts [pBins]int
	points []pPoint
	n      int
}

// A pPoint is the k-th smallest p-value on the scale of -log10.
type pPoint struct{ expected, observed, low, high float64 }

func (v PValues) panels() (panels []pPanel) {
	for _, row := range v.Rows {
		var values []float64
		for _, r := range row.Records {
			if r.Status.Worked() && r.P >= 0 && r.P <= 1 {
				values = append(values, r.P)
			}
		}
		n := len(values)
		if n == 0 {
			continue
		}
		slices.Sort(values)
		panel := pPanel{name: row.title(), n: n}
		for _, p := range values {
			panel.counts[min(pBins-1, int(p*pBins))]++
		}
		log := func(p float64) float64 { return -math.Log10(max(p, 1e-16)) }
		last := 0
		for i := range maxPoints { // even on the logarithmic scale
			k := int(math.Round(math.Pow(float64(n), float64(i)/(maxPoints-1))))
			if k <= last {
				continue
			}
			last = k
			a, b := float64(k), float64(n+1-k)
			panel.points = append(panel.points, pPoint{
				expected: log((a - 0.5) / float64(n)), observed: log(values[k-1]),
				low: log(mathext.InvRegIncBeta(a, b, 0.975)), high: log(mathext.InvRegIncBeta(a, b, 0.025)),
			})
		}
		panels = append(panels, panel)
	}
	return panels
}

// band returns the counts that hold 95% of the bins of n uniform p-values.
func (panel pPanel) band() (low, high float64) {
	m := float64(panel.n) / pBins
	half := normal95 * math.Sqrt(m*(1-1./pBins))
	return max(0, m-half), m + half
}

// Draw lays the figure out.
func (v PValues) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	panels := v.panels()
	if len(panels) == 0 {
		return Drawing{}, errors.New("plots: no row has p-values")
	}
	if 2*len(panels) > MaxPanels {
		return Drawing{}, fmt.Errorf("plots: the p-values of %d tests do not fit on one page of %d", len(panels), MaxPanels/2)
	}
	width, columns := MidWidth, 2
	if len(panels) > 2 {
		width, columns = TwoColumns, 4
	}
	if width = t.width(v.Width, width); width < 150*vg.Millimeter {
		columns = 2
	}
	most := 0
	var heads []gridPanel
	for _, panel := range panels {
		most = max(most, slices.Max(panel.counts[:]))
		heads = append(heads, gridPanel{title: panel.name, remarks: []string{"histogram: number of p-values"}},
			gridPanel{title: []string{"quantiles"}, remarks: []string{"−log10 p, observed against expected"}})
	}
	look := t.Series[0]
	return panelGrid{
		width: width, columns: columns, gap: 12, scale: scaleRoom(t, count(most), "0.0"),
		xlabel: "p-value (histograms), −log10 p of a uniform p-value (quantiles)",
		panels: heads,
		legend: legend{
			{"p-values", 12, func(p pen, box vg.Rectangle) {
				p.fill(tint(look.Color, 0.45), box.Min.X, box.Min.Y, box.Max.X, box.Max.Y)
			}},
			referenceEntry("expected without an effect", targetDashes),
			{"95% band without an effect", 12, func(p pen, box vg.Rectangle) {
				p.fill(t.Faint, box.Min.X, box.Min.Y, box.Max.X, box.Max.Y)
			}},
		},
		height: func(w vg.Length) vg.Length { return max(26*vg.Millimeter, 0.7*w) },
		paint: func(p pen, i int, body vg.Rectangle) {
			if i%2 == 0 {
				panels[i/2].paintHistogram(p, body)
			} else {
				panels[i/2].paintQuantiles(p, body)
			}
		},
	}.drawing(t)
}

func (panel pPanel) paintHistogram(p pen, body vg.Rectangle) {
	t := p.theme
	low, high := panel.band()
	y := newVertical(0, max(high, float64(slices.Max(panel.counts[:]))))
	at := paintVertical(p, y, body)
	x := newAxis(0, 1, t.face(t.TickSize), body.Size().X)
	atX := func(v float64) vg.Length { return body.Min.X + vg.Length(x.norm(v))*body.Size().X }
	var area vg.Path
	area.Move(vg.Point{X: atX(0), Y: at(0)})
	for i, n := range panel.counts {
		area.Line(vg.Point{X: atX(float64(i) / pBins), Y: at(float64(n))})
		area.Line(vg.Point{X: atX(float64(i+1) / pBins), Y: at(float64(n))})
	}
	area.Line(vg.Point{X: atX(1), Y: at(0)})
	area.Close()
	p.SetColor(tint(t.Series[0].Color, 0.45))
	p.Fill(area)
	p.SetColor(translucent(t.Ink, 0.12))
	p.Fill(vg.Rectangle{Min: vg.Point{X: atX(0), Y: at(low)}, Max: vg.Point{X: atX(1), Y: at(high)}}.Path())
	mean := at(float64(panel.n) / pBins)
	p.line(t.Quiet, 1.4*t.AxisWidth, targetDashes, atX(0), mean, atX(1), mean)
	paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
}

func (panel pPanel) paintQuantiles(p pen, body vg.Rectangle) {
	t := p.theme
	ends, across := span{lo: 0, hi: 1, any: true}, span{lo: 0, hi: 1, any: true}
	for _, pt := range panel.points {
		ends.add(pt.observed, pt.high)
		across.add(pt.expected)
	}
	y := newVertical(0, ends.hi)
	at := paintVertical(p, y, body)
	x := newAxis(0, across.hi, t.face(t.TickSize), body.Size().X)
	atX := func(v float64) vg.Length { return body.Min.X + vg.Length(x.norm(v))*body.Size().X }
	var band vg.Path
	for i, pt := range panel.points {
		place := vg.Point{X: atX(pt.expected), Y: at(pt.high)}
		if i == 0 {
			band.Move(place)
		} else {
			band.Line(place)
		}
	}
	for _, pt := range slices.Backward(panel.points) {
		band.Line(vg.Point{X: atX(pt.expected), Y: at(pt.low)})
	}
	band.Close()
	p.SetColor(t.Faint)
	p.Fill(band)
	p.line(t.Quiet, 1.4*t.AxisWidth, targetDashes, atX(0), at(0), atX(across.hi), at(across.hi))
	small := p
	small.theme.MarkerWidth *= 0.55
	for _, pt := range panel.points {
		small.marker(t.Series[0], atX(pt.expected), at(pt.observed))
	}
	paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
}

// Table returns the plotted numbers: the bins, with the band of their counts, and
// the quantiles on the scale of -log10 with theirs.
func (v PValues) Table() [][]string {
	table := [][]string{{"label", "where", "element", "x", "value", "low", "high", "n"}}
	for _, panel := range v.panels() {
		where := ""
		if len(panel.name) > 1 {
			where = panel.name[1]
		}
		low, high := panel.band()
		for i, n := range panel.counts {
			table = append(table, []string{panel.name[0], where, "bin", cell((float64(i) + 0.5) / pBins), whole(n), cell(low), cell(high), whole(panel.n)})
		}
		for _, pt := range panel.points {
			table = append(table, []string{panel.name[0], where, "quantile", cell(pt.expected), cell(pt.observed), cell(pt.low), cell(pt.high), whole(panel.n)})
		}
	}
	return table
}
