package plots

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/plot/vg"

	"coachsim/sim"
)

// MDESCurve shows how the minimum detectable effect size changes over a sweep,
// laid out as a [PowerCurve]. It is Bloom's ([sim.Measures.Detectable]), from the
// simulated standard error and the degrees of freedom of the fits; bands are ±1.96
// Monte Carlo standard errors. Rows whose test has no degrees of
// freedom, such as those of randomisation inference, are left out.
type MDESCurve struct {
	File   string    // name of the files; "mdes" where empty
	Width  vg.Length // 0 chooses by the number of panels
	Alpha  float64
	Target float64 // the power at which an effect is detectable; 0.8 where 0
	Keys
	Rows []Row

	page *curves
}

// Name returns the name of the figure's files.
func (m MDESCurve) Name() string { return named(m.File, "mdes") }

// Pages divides the panels as those of a PowerCurve.
func (m MDESCurve) Pages() []MDESCurve {
	all, err := m.arrange()
	if err != nil || len(all.panels) <= MaxPanels {
		return []MDESCurve{m}
	}
	var pages []MDESCurve
	for i, part := range all.pages() {
		page := m
		page.File = fmt.Sprintf("%s-%d", m.Name(), i+1)
		page.page = &part
		pages = append(pages, page)
	}
	return pages
}

func (m MDESCurve) target() float64 {
	if m.Target == 0 {
		return 0.8
	}
	return m.Target
}

func (m MDESCurve) arrange() (curves, error) {
	if m.page != nil {
		return *m.page, nil
	}
	var rows []curveRow
	for _, row := range m.Rows {
		mdes := row.Detectable(m.Alpha, m.target())
		if v := sim.Around(mdes.Value, mdes.MCSE); isFinite(v) {
			rows = append(rows, curveRow{row, v, math.NaN()})
		}
	}
	return newCurves(rows, m.Keys)
}

func (m MDESCurve) style(a curves) curveStyle {
	ends := span{lo: 0, hi: 0, any: true}
	for _, panel := range a.panels {
		for _, line := range panel.lines {
			for _, pt := range line {
				ends.add(pt.High)
			}
		}
	}
	return curveStyle{
		width: m.Width, what: "Minimum detectable effect (outcome units), power " + percent(m.target()) + ", α = " + fmt.Sprint(m.Alpha),
		unit: 1, y: newVertical(0, ends.hi), target: math.NaN(),
	}
}

// Words are the figure's title and note.
func (m MDESCurve) Words() Words {
	w := Words{Title: "Minimum detectable effect"}
	a, _ := m.arrange()
	if len(a.panels) == 0 {
		return w
	}
	w.Title += " over " + InSentence(AxisName(a.across))
	w.Note = sentences(trialsNote(m.Rows), "By Bloom's formula from the simulated standard error and the median degrees of freedom of the test, which it takes to keep its size",
		"Bands and bars are 95% Monte Carlo intervals", fmt.Sprintf("Power %s, tests at α = %v", percent(m.target()), m.Alpha))
	return w
}

// Draw lays the figure out.
func (m MDESCurve) Draw(t Theme) (Drawing, error) {
	if err := errors.Join(t.validate(), checkAlpha(m.Alpha)); err != nil {
		return Drawing{}, err
	}
	a, err := m.arrange()
	if err != nil {
		return Drawing{}, err
	}
	if len(a.panels) == 0 {
		return Drawing{}, &Empty{"no row has degrees of freedom and a swept number to show its detectable effect over"}
	}
	return a.drawing(t, m.style(a))
}

// Table returns the plotted numbers.
func (m MDESCurve) Table() [][]string {
	a, _ := m.arrange() // without panels there is only a header
	return a.table("mdes", m.style(a), m.Alpha)
}
