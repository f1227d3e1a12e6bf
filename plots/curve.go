package plots

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
)

// PowerCurve shows how power changes over a sweep: a panel for every estimate,
// across it a swept key that is a number, and in it a line for every value of
// another. Bands are 95% Wilson intervals; the power by a closed form, where
// there is one, is dotted. Reference lines stand at Target and at Alpha, where
// the points of true null effects belong, and where a line reaches Target stands
// above the panel: the sample size, or over effects the minimum detectable
// effect, with the 95% Monte Carlo interval that the band gives it.
//
// Rows without a power (numbers that are not tested) are left out. One page
// holds up to [MaxPanels] panels; [PowerCurve.Pages] divides more.
type PowerCurve struct {
	File   string    // name of the files; "power-curve" where empty
	Width  vg.Length // 0 chooses by the number of panels
	Alpha  float64   // level of the tests, in (0, 1)
	Target float64   // 0.8 where 0
	Keys
	Rows []Row

	page *curves // what Pages put on this page; nil for all rows
}

// Name returns the name of the figure's files.
func (c PowerCurve) Name() string { return named(c.File, "power-curve") }

// Pages divides the panels over figures of at most MaxPanels, named NAME-1,
// NAME-2 and so on; a figure that fits on one page is returned as it is.
func (c PowerCurve) Pages() []PowerCurve {
	all, err := c.arrange()
	if err != nil || len(all.panels) <= MaxPanels {
		return []PowerCurve{c}
	}
	var pages []PowerCurve
	for i, part := range all.pages() {
		page := c
		page.File = fmt.Sprintf("%s-%d", c.Name(), i+1)
		page.page = &part
		pages = append(pages, page)
	}
	return pages
}

// arrange divides the rows over panels and lines.
func (c PowerCurve) arrange() (curves, error) {
	if c.page != nil {
		return *c.page, nil
	}
	var rows []curveRow
	for _, row := range c.Rows {
		if power := row.Rejections(); isFinite(power) {
			closed := row.AnalyticPower
			if !(closed > 0 && closed < 1) { // also a row that no closed form was looked for
				closed = math.NaN()
			}
			rows = append(rows, curveRow{row, power, closed})
		}
	}
	return newCurves(rows, c.Keys)
}

func (c PowerCurve) style() curveStyle {
	target := c.Target
	if target == 0 {
		target = 0.8
	}
	y := newVertical(0, 100)
	what := "Power (%)"
	if !slices.ContainsFunc(c.Rows, func(row Row) bool { return !math.IsNaN(row.Power) && !row.Null() }) {
		what = "Size (%)"
	}
	return curveStyle{
		width: c.Width, what: what, unit: 100, y: y, target: target, share: true,
		references: []reference{
			{percent(target), 100 * target, targetDashes},
			{fmt.Sprintf("α = %v", c.Alpha), 100 * c.Alpha, alphaDashes},
		},
	}
}

// Words are the figure's title and note.
func (c PowerCurve) Words() Words {
	measure, _, _ := strings.Cut(c.style().what, " (")
	w := Words{Title: measure}
	a, _ := c.arrange()
	if len(a.panels) == 0 {
		return w
	}
	w.Title += " over " + InSentence(AxisName(a.across))
	notes := []string{trialsNote(c.Rows), "Bands and bars are 95% Monte Carlo intervals (Wilson)", worstMCSE(c.Rows, InSentence(measure), " points", powerMCSE)}
	if a.hasClosed() {
		notes = append(notes, "Dotted: power by a closed form")
	}
	w.Note = sentences(append(notes, fmt.Sprintf("Tests at α = %v", c.Alpha))...)
	return w
}

// Draw lays the figure out.
func (c PowerCurve) Draw(t Theme) (Drawing, error) {
	if err := errors.Join(t.validate(), checkAlpha(c.Alpha)); err != nil {
		return Drawing{}, err
	}
	if c.Target < 0 || c.Target >= 1 {
		return Drawing{}, fmt.Errorf("plots: the target is %v; it must lie between 0 and 1", c.Target)
	}
	a, err := c.arrange()
	if err != nil {
		return Drawing{}, err
	}
	if len(a.panels) == 0 {
		return Drawing{}, &Empty{"no row has a power and a swept number to show it over"}
	}
	return a.drawing(t, c.style())
}

// Table returns the plotted numbers.
func (c PowerCurve) Table() [][]string {
	a, _ := c.arrange() // without panels there is only a header
	return a.table("power", c.style(), c.Alpha)
}
