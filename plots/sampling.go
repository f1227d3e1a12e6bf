package plots

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/sim"
)

// MaxPanels is the number of panels that one SamplingDistribution can show.
const MaxPanels = 16

// A Sample holds the estimates of one quantity over the replicates of a study.
type Sample struct {
	Label       string
	Estimates   []float64 // one a replicate; those that are not finite are left out
	Truth       float64   // the true effect; NaN where there is none
	Published   float64   // the printed value; NaN where there is none
	PublishedSE float64   // its standard error; NaN where there is none
	Taken, Of   int       // the estimates are those of the first replicates of a long run, of so many; 0 where they are of all
}

// SamplingDistribution is a grid of histograms, one a sample: the distribution
// of the estimate over replicates, a line at the true effect, and above the
// histogram the published value with a bar of one standard error to each side.
// Panels have their own scales. One page holds up to [MaxPanels] samples;
// [SamplingDistribution.Pages] divides more.
//
// Estimates far outside the rest would squeeze the histogram ([sim.NewHistogram]);
// they are counted in the panel and in the data twin instead of drawn.
type SamplingDistribution struct {
	File    string    // name of the files; "sampling" where empty
	Width   vg.Length // 0 chooses by the number of panels
	XLabel  string    // below the panels; "Estimate (outcome units)" where empty
	Samples []Sample
}

// Name returns the name of the figure's files.
func (s SamplingDistribution) Name() string { return named(s.File, "sampling") }

// Pages divides the samples evenly over figures of at most MaxPanels, named
// NAME-1, NAME-2 and so on; a figure that fits on one page is returned as it is.
func (s SamplingDistribution) Pages() []SamplingDistribution {
	if len(s.Samples) <= MaxPanels {
		return []SamplingDistribution{s}
	}
	var pages []SamplingDistribution
	number := (len(s.Samples) + MaxPanels - 1) / MaxPanels
	for part := range slices.Chunk(s.Samples, (len(s.Samples)+number-1)/number) {
		page := s
		page.File = fmt.Sprintf("%s-%d", s.Name(), len(pages)+1)
		page.Samples = part
		pages = append(pages, page)
	}
	return pages
}

// Words are the figure's title and note.
func (s SamplingDistribution) Words() Words {
	w := Words{Title: "Sampling distribution of each estimate"}
	most, outside, taken, of := 0, 0, 0, 0
	for _, sample := range s.Samples {
		h := sim.NewHistogram(sample.Estimates)
		most, outside = max(most, len(sample.Estimates)), outside+h.Below+h.Above
		taken, of = max(taken, sample.Taken), max(of, sample.Of)
	}
	notes := []string{count(max(most, of)) + " simulated trials per panel", firstNote(taken, of)}
	if len(s.Samples) > 1 {
		notes = append(notes, "Scales differ between panels")
	}
	if outside > 0 {
		notes = append(notes, "Estimates off the scale are counted, not drawn")
	}
	w.Note = sentences(notes...)
	return w
}

// Draw lays the figure out.
func (s SamplingDistribution) Draw(t Theme) (Drawing, error) {
	if err := t.validate(); err != nil {
		return Drawing{}, err
	}
	n := len(s.Samples)
	if n == 0 {
		return Drawing{}, &Empty{"no sampling distribution to show"}
	}
	if n > MaxPanels {
		return Drawing{}, fmt.Errorf("plots: %d sampling distributions do not fit on one page of %d; use Pages", n, MaxPanels)
	}
	panels := make([]samplingPanel, n)
	for i, sample := range s.Samples {
		h := sim.NewHistogram(sample.Estimates)
		if h.Used == 0 {
			return Drawing{}, &Empty{fmt.Sprintf("%q has no finite estimate", sample.Label)}
		}
		panels[i] = samplingPanel{Sample: sample, Histogram: h}
	}

	columns, width := grid(t, s.Width, n)
	inside := width - 2*edge
	const gap = vg.Length(16)
	panelWidth := (inside - vg.Length(columns-1)*gap) / vg.Length(columns)
	if panelWidth < 20*vg.Millimeter {
		return Drawing{}, fmt.Errorf("plots: %d columns of panels need more than %.0f mm", columns, width/vg.Millimeter)
	}
	bodyHeight := min(0.62*panelWidth, 34*vg.Millimeter)

	// Titles of a row of panels take the room of the longest.
	face := t.face(t.LegendSize)
	rows := (n + columns - 1) / columns
	titleLines := make([]int, rows)
	for i := range panels {
		panels[i].title = wrap(face, panels[i].Label, panelWidth)
		titleLines[i/columns] = max(titleLines[i/columns], len(panels[i].title))
		if remark := panels[i].remark(); remark != "" {
			panels[i].remarks = wrap(t.face(t.TickSize), remark, panelWidth)
		}
	}
	published := false
	remarkLines := make([]int, rows)
	for i, p := range panels {
		published = published || finite(p.Published)
		remarkLines[i/columns] = max(remarkLines[i/columns], len(p.remarks))
	}
	var flagHeight vg.Length // room for published values above the histograms
	if published {
		flagHeight = 2 * t.MarkerWidth
	}
	headHeight := func(row int) vg.Length {
		return (leading*vg.Length(titleLines[row])+0.4)*t.LegendSize +
			leading*vg.Length(remarkLines[row])*t.TickSize
	}
	footHeight := tickLength + 1.3*t.TickSize

	legend := s.legend(t, panels)
	legendHeight := legend.height(t, inside)
	height := 2*edge + legendHeight + 1.6*t.LabelSize - panelGap
	for row := range rows {
		height += headHeight(row) + flagHeight + bodyHeight + footHeight + panelGap
	}
	xlabel := "Estimate (outcome units)"
	if n > 1 {
		xlabel = "Estimate (outcome units; scales differ between panels)"
	}
	xlabel = named(s.XLabel, xlabel)
	paint := func(canvas draw.Canvas) {
		p := pen{Canvas: canvas, theme: t}
		left := canvas.Min.X + edge
		top := canvas.Max.Y - edge
		legend.paint(p, left, top, inside)
		top -= legendHeight
		for row := range rows {
			head := headHeight(row)
			for col := 0; col < columns && row*columns+col < n; col++ {
				x := left + vg.Length(col)*(panelWidth+gap)
				body := vg.Rectangle{
					Min: vg.Point{X: x, Y: top - head - flagHeight - bodyHeight},
					Max: vg.Point{X: x + panelWidth, Y: top - head - flagHeight},
				}
				panels[row*columns+col].paint(p, body, top, flagHeight)
			}
			top -= head + flagHeight + bodyHeight + footHeight + panelGap
		}
		p.text(t.face(t.LabelSize), t.Ink, left+inside/2, top+panelGap-1.25*t.LabelSize, alignCentre, xlabel)
	}
	return Drawing{Width: width, Height: height, Paint: paint}, nil
}

type samplingPanel struct {
	Sample
	sim.Histogram
	title, remarks []string
}

// remark says how many estimates the histogram leaves out.
func (s samplingPanel) remark() string {
	lost, outside := len(s.Estimates)-s.Used, s.Below+s.Above
	switch {
	case lost > 0 && outside > 0:
		return fmt.Sprintf("%s failed, %s off the scale", count(lost), count(outside))
	case lost > 0:
		return count(lost) + " failed"
	case outside > 0:
		return count(outside) + " off the scale"
	}
	return ""
}

func (s SamplingDistribution) legend(t Theme, panels []samplingPanel) (l legend) {
	truth, published, sameN := false, false, true
	for _, p := range panels {
		truth = truth || finite(p.Truth)
		published = published || finite(p.Published)
		sameN = sameN && len(p.Estimates) == len(panels[0].Estimates)
	}
	what := "Simulated estimates"
	if sameN {
		what += " (" + count(len(panels[0].Estimates)) + " replicates)"
	}
	l = append(l, legendEntry{what, 12, func(p pen, box vg.Rectangle) {
		p.fill(tint(t.Series[0].Color, 0.35), box.Min.X, box.Min.Y, box.Max.X, box.Max.Y)
	}})
	if truth {
		l = append(l, legendEntry{"True effect", 2, func(p pen, box vg.Rectangle) {
			x := (box.Min.X + box.Max.X) / 2
			p.line(t.Series[1].Color, t.LineWidth, nil, x, box.Min.Y-1, x, box.Max.Y+1)
		}})
	}
	if published {
		l = append(l, intervalEntry("Published value ± its standard error", publishedLook(t)))
	}
	return l
}

func publishedLook(t Theme) Series { return Series{Color: t.Ink, Marker: Diamond, Hollow: true} }

// paint draws the panel with its histogram in body, its title from top down
// and the published value in a strip of flagHeight above body.
func (s samplingPanel) paint(p pen, body vg.Rectangle, top, flagHeight vg.Length) {
	t := p.theme
	title, small := t.face(t.LegendSize), t.face(t.TickSize)
	y := top - title.Font.Size
	for _, line := range s.title {
		p.text(title, t.Ink, body.Min.X, y, alignLeft, line)
		y -= leading * title.Font.Size
	}
	for _, line := range s.remarks {
		p.text(small, t.Quiet, body.Min.X, y, alignLeft, line)
		y -= leading * small.Font.Size
	}

	domain := span{}
	domain.add(s.Edge(0), s.Edge(len(s.Counts)), s.Truth, s.Published, s.Published-s.PublishedSE, s.Published+s.PublishedSE)
	width := body.Max.X - body.Min.X
	x := newAxis(domain.lo, domain.hi, small, width)
	at := func(v float64) vg.Length { return body.Min.X + vg.Length(x.norm(v))*width }

	highest := slices.Max(s.Counts)
	level := func(n int) vg.Length {
		return body.Min.Y + 0.97*(body.Max.Y-body.Min.Y)*vg.Length(n)/vg.Length(highest)
	}
	// One closed outline: separate bars would show hairlines between them.
	var area vg.Path
	area.Move(vg.Point{X: at(s.Edge(0)), Y: body.Min.Y})
	for i, n := range s.Counts {
		area.Line(vg.Point{X: at(s.Edge(i)), Y: level(n)})
		area.Line(vg.Point{X: at(s.Edge(i + 1)), Y: level(n)})
	}
	area.Line(vg.Point{X: at(s.Edge(len(s.Counts))), Y: body.Min.Y})
	area.Close()
	p.SetColor(tint(t.Series[0].Color, 0.35))
	p.Fill(area)

	if finite(s.Truth) {
		p.line(t.Series[1].Color, t.LineWidth, nil, at(s.Truth), body.Min.Y, at(s.Truth), body.Max.Y)
	}
	if finite(s.Published) {
		p.interval(publishedLook(t), at(s.Published),
			at(s.Published-s.PublishedSE), at(s.Published+s.PublishedSE), body.Max.Y+0.45*flagHeight)
	}
	paintAxis(p, x, body.Min.X, body.Max.X, body.Min.Y, t.Ink)
}

// Table returns the plotted numbers, one row a bin or mark. A bin has its ends
// and its count; "below" and "above" count the estimates off the scale and
// "failed" those that are not finite; marks have their place as value and, for
// the published value, the ends of its bar.
func (s SamplingDistribution) Table() [][]string {
	table := [][]string{{"label", "element", "low", "high", "value"}}
	for _, sample := range s.Samples {
		add := func(element, low, high, value string) {
			table = append(table, []string{sample.Label, element, low, high, value})
		}
		h := sim.NewHistogram(sample.Estimates)
		for i, n := range h.Counts {
			add("bin", cell(h.Edge(i)), cell(h.Edge(i+1)), whole(n))
		}
		add("below", "", "", whole(h.Below))
		add("above", "", "", whole(h.Above))
		add("failed", "", "", whole(len(sample.Estimates)-h.Used))
		if finite(sample.Truth) {
			add("truth", "", "", cell(sample.Truth))
		}
		if v, se := sample.Published, sample.PublishedSE; finite(v) {
			add("published", cell(v-se), cell(v+se), cell(v))
		}
	}
	return table
}
