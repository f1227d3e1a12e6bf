package plots_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bytes"

	"gonum.org/v1/plot/vg"

	"coachsim/estimators"
	"coachsim/plots"
	"coachsim/sim"
)

// loggedStudy returns the log of a small sweep, two estimators of one effect in
// four designs, and its factors.
func loggedStudy() (records []sim.Record, factors [][]sim.Factor) {
	rng := rand.New(rand.NewPCG(7, 7))
	for _, schools := range []string{"10", "20", "40"} {
		for _, effect := range []string{"[0]", "[0.2]", "[0.4]"} {
			factors = append(factors, []sim.Factor{{Key: "trial.schools", Value: schools}, {Key: "achievement.effect.mean", Value: effect}})
		}
	}
	for cell, f := range factors {
		n, _ := strconv.ParseFloat(f[0].Value, 64)
		truth, _ := strconv.ParseFloat(strings.Trim(f[1].Value, "[]"), 64)
		for rep := range 120 {
			z := rng.NormFloat64()
			for e, name := range []string{"ols", "mixed"} {
				se := 1 / math.Sqrt(n) * (1 + 0.05*float64(e)*rng.Float64())
				r := sim.Record{Cell: cell, Replicate: rep, Estimator: name, Outcome: "reading", Term: "coaching", Estimand: "population", Truth: truth}
				r.Value, r.SE, r.DF = truth+se*(z+0.2*float64(e)*rng.NormFloat64()), se, n-2
				r.P = math.Erfc(math.Abs(r.Value/se) / math.Sqrt2)
				if rep == 7 && e == 1 {
					r.Status, r.Value, r.SE, r.P = estimators.NotConverged, nan, nan, nan
				}
				records = append(records, r)
			}
		}
	}
	return records, factors
}

func loggedRun(t *testing.T) plots.Run {
	t.Helper()
	records, factors := loggedStudy()
	chunks := iter.Seq2[[]sim.Record, error](func(yield func([]sim.Record, error) bool) { yield(records, nil) })
	summary, err := sim.Summarise(chunks, 0.05, factors)
	if err != nil {
		t.Fatal(err)
	}
	for i := range summary.Rows {
		if r := &summary.Rows[i]; r.Estimator == "ols" {
			r.AnalyticPower = min(0.99, r.Power+0.01)
		}
	}
	return plots.Run{Summary: summary, Chunks: chunks}
}

// kindFigures returns figures of every kind that is drawn from the log.
func kindFigures(t *testing.T) []plots.Figure {
	t.Helper()
	run := loggedRun(t)
	var all []plots.Figure
	for _, f := range []sim.Figure{
		{Kind: "power-curve", Name: "power-curve-effect", X: "effect", By: "schools", Panel: "estimator"},
		{Kind: "mdes", X: "schools", By: "estimator", Only: map[string]string{"effect": "0"}},
		{Kind: "contour", Only: map[string]string{"estimator": "ols"}},
		{Kind: "contour", Name: "contour-mdes", Measure: "mdes"},
		{Kind: "nested-loop", Measure: "coverage"},
		{Kind: "lollipop", Only: map[string]string{"schools": "10"}},
		{Kind: "zip", Only: map[string]string{"schools": "10", "effect": "0.4"}},
		{Kind: "p-values", Only: map[string]string{"schools": "10", "effect": "0"}},
		{Kind: "scatter", Only: map[string]string{"effect": "0.2"}},
		{Kind: "estimators", Name: "estimators-log"},
		{Kind: "sampling", Name: "sampling-log", Only: map[string]string{"effect": "0.2"}},
		{Kind: "bias", Name: "bias-log"}, {Kind: "power", Name: "power-log"},
	} {
		figures, err := plots.Make(run, f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, figures...)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	density := plots.Density{}
	for i, name := range []string{"Total score", "Achievement"} {
		panel := plots.DensityPanel{Title: name, XLabel: "points", Cuts: []float64{3, 5}}
		arms := []string{"control", "coaching"}
		sets := make([][][]float64, len(arms))
		for g := range arms {
			for range 20 {
				set := make([]float64, 100)
				for k := range set {
					set[k] = 4 + 0.3*float64(g) + float64(i+1)*0.5*rng.NormFloat64()
				}
				sets[g] = append(sets[g], set)
			}
		}
		panel.Densities = sim.Densities(arms, sets, sim.Unbounded())
		density.Panels = append(density.Panels, panel)
	}
	frontier := plots.Frontier{Keys: []string{"trial.schools", "trial.tested"}, Target: 0.8, Budget: nan, Designs: []plots.FrontierDesign{
		{Values: []float64{10, 5}, Cost: 20000, Power: 0.31, Replicates: 250, Frontier: true, Rough: true},
		{Values: []float64{16, 10}, Cost: 41000, Power: 0.55, Replicates: 250, Frontier: true, Rough: true},
		{Values: []float64{14, 20}, Cost: 47000, Power: 0.52, Replicates: 250, Rough: true},
		{Values: []float64{26, 10}, Cost: 68000, Power: 0.802, Replicates: 2000, Frontier: true, Answer: true},
		{Values: []float64{26, 15}, Cost: 73500, Power: 0.82, Replicates: 2000, Frontier: true},
		{Values: []float64{24, 20}, Cost: 80000, Power: 0.795, Replicates: 2000},
		{Values: []float64{40, 20}, Cost: 131000, Power: 0.97, Replicates: 250, Frontier: true, Rough: true},
	}}
	reliability := plots.Reliability{Says: plots.Words{Title: "Reliability of class by plan of observation", Note: "By formula"}}
	for _, days := range []int{1, 2, 4} {
		for _, segments := range []int{1, 2, 4} {
			for coders := range 2 {
				n := float64(days * segments)
				wrong := 0.2/float64(days) + 1/n + 0.4/float64(coders+1)
				reliability.Plans = append(reliability.Plans, plots.ReliabilityPlan{
					Days: days, Segments: segments, Coders: coders + 1, Own: days == 1 && segments == 4 && coders == 1,
					Dependability: 1 / (1 + wrong), Generalisability: 1 / (1 + wrong - 0.1),
				})
			}
		}
	}
	return append(all, density, frontier, reliability)
}

func TestKindsGolden(t *testing.T) {
	for _, fig := range kindFigures(t) {
		t.Run(fig.Name(), func(t *testing.T) {
			compareGolden(t, fig.Name()+".svg", render(t, plots.SVG, fig))
		})
	}
}

// TestLayout measures the text of every figure at the widths of journals: none
// leaves the paper, and none overlaps another.
func TestLayout(t *testing.T) {
	for _, width := range []vg.Length{0, plots.OneColumn, plots.MidWidth, plots.TwoColumns} {
		for _, fig := range slices.Concat(figures(), kindFigures(t)) {
			theme := plots.Journal()
			theme.Width, theme.Text = width, plots.Fonts
			name := fmt.Sprintf("%s at %.0f mm", fig.Name(), width/vg.Millimeter)
			drawing, err := plots.Captioned{Figure: fig, Study: "Study: " + strings.Repeat("how many schools does it take? ", 9)}.Draw(theme)
			if err != nil {
				if !strings.Contains(err.Error(), " mm") { // may refuse a width, with reason
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			drawing.Text = plots.Fonts
			checkText(t, name, drawing)
		}
	}
}

type textBox struct {
	text                     string
	left, right, top, bottom float64
}

// checkText reads the place of all text off an SVG file that holds it as text.
func checkText(t *testing.T, name string, drawing plots.Drawing) {
	t.Helper()
	var b bytes.Buffer
	if err := plots.Render(&b, plots.SVG, drawing); err != nil {
		t.Fatal(err)
	}
	document := b.String()
	decoder := xml.NewDecoder(&b)
	var boxes []textBox
	open := false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if open = token.Name.Local == "text"; !open {
				continue
			}
			get := map[string]string{}
			for _, a := range token.Attr {
				get[a.Name.Local] = a.Value
			}
			m := decimals.FindAllString(get["transform"], -1)
			x, _ := strconv.ParseFloat(m[4], 64)
			y, _ := strconv.ParseFloat(m[5], 64)
			size, _ := strconv.ParseFloat(get["font-size"], 64)
			long, _ := strconv.ParseFloat(get["textLength"], 64)
			boxes = append(boxes, textBox{"", x, x + long, y - 0.69*size, y}) // to the height of a digit
		case xml.CharData:
			if open {
				boxes[len(boxes)-1].text += string(token)
			}
		case xml.EndElement:
			open = false
		}
	}
	if len(boxes) < 3 {
		t.Errorf("%s has %d texts", name, len(boxes))
	}
	checkInk(t, name, drawing, document)
	const slack = 0.3
	for i, a := range boxes {
		if a.left < -slack || a.right > drawing.Width.Points()+slack || a.top < -slack || a.bottom > drawing.Height.Points()+slack {
			t.Errorf("%s: %q leaves the paper", name, a.text)
		}
		for _, b := range boxes[:i] {
			if a.left < b.right-slack && b.left < a.right-slack && a.top < b.bottom-slack && b.top < a.bottom-slack {
				t.Errorf("%s: %q and %q overlap", name, a.text, b.text)
			}
		}
	}
}

var (
	pathData = regexp.MustCompile(`<path d="([^"]*)"`)
	decimals = regexp.MustCompile(`-?[0-9.]+`)
)

// checkInk makes sure that no line or area leaves the paper, and that every
// coordinate is a number.
func checkInk(t *testing.T, name string, drawing plots.Drawing, document string) {
	t.Helper()
	for _, bad := range []string{"NaN", "Inf"} {
		if strings.Contains(document, bad) {
			t.Errorf("%s: a coordinate is %s", name, bad)
		}
	}
	const slack = 0.6
	for _, path := range pathData.FindAllStringSubmatch(document, -1) {
		numbers := decimals.FindAllString(path[1], -1)
		for i := 0; i+1 < len(numbers); i += 2 {
			x, _ := strconv.ParseFloat(numbers[i], 64)
			y, _ := strconv.ParseFloat(numbers[i+1], 64)
			if x < -slack || x > drawing.Width.Points()+slack || y < -slack || y > drawing.Height.Points()+slack {
				t.Errorf("%s: ink at (%v, %v) leaves the paper of %.1f by %.1f", name, x, y, drawing.Width.Points(), drawing.Height.Points())
				return
			}
		}
	}
}

// The twin of a zip plot counts its coverage as the summary does.
func TestZipCoverage(t *testing.T) {
	run := loggedRun(t)
	figures, err := plots.Make(run, sim.Figure{Kind: "zip", Only: map[string]string{"estimator": "mixed"}})
	if err != nil {
		t.Fatal(err)
	}
	table := figures[0].Table()
	for _, r := range run.Summary.Rows {
		if r.Estimator != "mixed" {
			continue
		}
		where := "schools = " + r.Factors[0].Value + ", effect = " + strings.Trim(r.Factors[1].Value, "[]")
		got := find(t, table, "centile", "coaching → reading (mixed)", where, "coverage")
		if v, err := strconv.ParseFloat(got, 64); err != nil || math.Abs(v-100*r.Cover) > 1e-9 {
			t.Errorf("%s: coverage %s, the summary has %v", where, got, 100*r.Cover)
		}
		if n := find(t, table, "n", "coaching → reading (mixed)", where, "coverage"); n != "119" { // one fit failed
			t.Errorf("%s: %s intervals, want 119", where, n)
		}
	}
}

// Where a line reaches the target is linear on the probit scale: of power 0.5 at
// 10 and 0.975 at 20, 0.8 is at 10 + 10 z(0.8)/z(0.975) = 14.2941.
func TestPowerCurveLocates(t *testing.T) {
	var rows []plots.Row
	for x, power := range map[string]float64{"10": 0.5, "20": 0.975} {
		r := row("effect", 0, 0.1, power, 0)
		r.Factors = []sim.Factor{{Key: "trial.schools", Value: x}}
		rows = append(rows, r)
	}
	table := plots.PowerCurve{Rows: rows, Alpha: 0.05}.Table()
	last := table[len(table)-1]
	if last[len(last)-1] != "reaches" || !near(last[3], 10+10*0.8416212335729143/1.959963984540054) {
		t.Errorf("the target is reached at %v", last)
	}
}

// The line drawn passes where the target is said to be reached: halfway between 10 and 20
// it is at Φ((z(0.5) + z(0.975))/2), and not at the mean of the shares.
func TestPowerCurveIsStraightInProbits(t *testing.T) {
	var rows []plots.Row
	for x, power := range map[string]float64{"10": 0.5, "20": 0.975} {
		r := row("effect", 0, 0.1, power, 0)
		r.Factors = []sim.Factor{{Key: "trial.schools", Value: x}}
		r.AnalyticPower = power / 2
		rows = append(rows, r)
	}
	figure := plots.PowerCurve{Rows: rows, Alpha: 0.05}
	p, twin := readFigure(t, figure, false)[0], readTwin(t, figure)
	for _, want := range []float64{
		0.83645249615443,  // R: pnorm((qnorm(.5) + qnorm(.975))/2)
		0.362076507605235, // R: pnorm((qnorm(.25) + qnorm(.4875))/2), by the closed form
	} {
		twin.shown(p, p.ink, 15, 100*want, 0)
	}
	for _, a := range p.ink {
		if x, y := (float64(a.X)-p.across.at)/p.across.per, (float64(a.Y)-p.up.at)/p.up.per; math.Abs(x-15) < 1e-3 && math.Abs(y-100*(0.5+0.975)/2) < 0.5 {
			t.Error("a line is straight in percent")
		}
	}
}

// MDES by Bloom's formula, with R: (qt(.975, 8) + qt(.8, 8)) * 0.1.
func TestMDESFormula(t *testing.T) {
	r := row("", 0, 0.1, 0.5, 0)
	r.EmpSEMCSE = 0.002
	var rows []plots.Row
	for _, schools := range []string{"10", "20"} {
		r.Factors = []sim.Factor{{Key: "trial.schools", Value: schools}}
		rows = append(rows, r)
	}
	rows[0].InverseDF, rows[1].InverseDF = 1./8, nan
	table := plots.MDESCurve{Rows: rows, Alpha: 0.05}.Table()
	if len(table) != 1 {
		t.Errorf("one value of the key makes a curve: %v", table)
	}
	rows[1].InverseDF = 1. / 8
	table = plots.MDESCurve{Rows: rows, Alpha: 0.05}.Table()
	if got := table[1][4]; !near(got, 0.3194893653) {
		t.Errorf("MDES %s, want 0.31949", got)
	}
}

// The answer is labelled however crowded it is, and wherever it stands: on the frontier,
// off it, in a corner.
func TestFrontierLabelsTheAnswer(t *testing.T) {
	for _, answer := range []int{0, 5, 22, 44} {
		f := plots.Frontier{Keys: []string{"trial.schools", "trial.tested"}, Target: 0.8, Budget: nan}
		for i := range 45 {
			f.Designs = append(f.Designs, plots.FrontierDesign{
				Values: []float64{float64(10 + i), 7}, Cost: 40_000 + 100*float64(i), Power: 0.5 + 0.01*float64(i), Replicates: 60, Frontier: i != answer || i%2 == 0, Answer: i == answer,
			})
		}
		drawing, err := f.Draw(plots.Journal())
		if err != nil {
			t.Fatal(err)
		}
		drawing.Text = plots.Fonts
		var svg bytes.Buffer
		if err := plots.Render(&svg, plots.SVG, drawing); err != nil {
			t.Fatal(err)
		}
		if label := fmt.Sprintf(">%d; 7<", 10+answer); !strings.Contains(svg.String(), label) {
			t.Errorf("the figure does not say %q", label)
		}
	}
}

// Every design of a search is in the twin, drawn or not.
func TestFrontierTwin(t *testing.T) {
	f := plots.Frontier{Keys: []string{"trial.schools"}, Target: nan, Budget: nan, Designs: []plots.FrontierDesign{{Values: []float64{10}, Cost: nan, Power: 0.5, Replicates: 100}}}
	if table := f.Table(); len(table) != 2 || table[1][0] != "10" || table[1][1] != "" {
		t.Errorf("the twin holds %v", table)
	}
	if _, err := f.Draw(plots.Journal()); err == nil || !strings.Contains(err.Error(), "no design has a cost") {
		t.Errorf("a design without a cost was drawn: %v", err)
	}
}

// Figures that cannot be drawn say why.
func TestMakeRefuses(t *testing.T) {
	run := loggedRun(t)
	for want, f := range map[string]sim.Figure{
		`"schols" is no swept key; there are trial.schools, achievement.effect.mean`: {Kind: "zip", Only: map[string]string{"schols": "10"}},
		"trial.schools is never 11; it is 10, 20, 40":                                {Kind: "bias", Only: map[string]string{"schools": "11"}},
		`"x" is no kind of figure`:                                                   {Kind: "x"},
	} {
		if _, err := plots.Make(run, f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	for want, f := range map[string]sim.Figure{
		`"nowhere" is no swept key`:        {Kind: "power-curve", X: "nowhere"},
		"a key can lie only in one place":  {Kind: "power-curve", X: "schools", By: "trial.schools"},
		"besides trial.schools there is n": {Kind: "contour", By: "estimator"},
	} {
		figures, err := plots.Make(run, f)
		if err == nil {
			_, err = figures[0].Draw(plots.Journal())
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	wrong := plots.Check(sim.Figure{Kind: "zipp", Name: "../a", Measure: "speed"})
	if len(wrong) != 3 {
		t.Errorf("%d faults, want 3: %v", len(wrong), wrong)
	}
	for _, k := range plots.Kinds() {
		if wrong := plots.Check(sim.Figure{Kind: k.Name}); len(wrong) > 0 {
			t.Errorf("%s: %v", k.Name, wrong)
		}
	}
}

// Slides are the same drawing, larger.
func TestEnlarge(t *testing.T) {
	drawing, err := plots.Power{Rows: rows(), Alpha: 0.05}.Draw(plots.Journal())
	if err != nil {
		t.Fatal(err)
	}
	size := func(f plots.Format) string {
		var b bytes.Buffer
		if err := plots.Render(&b, f, drawing); err != nil {
			t.Fatal(err)
		}
		pattern := map[plots.Format]string{plots.SVG: `width="([0-9.]+)pt"`, plots.PDF: `/MediaBox \[0 0 ([0-9.]+) `}[f]
		found := regexp.MustCompile(pattern).FindSubmatch(b.Bytes())
		if found == nil {
			t.Fatalf("%s names no size", f)
		}
		return string(found[1])
	}
	drawing.Enlarge = 2
	for f, want := range map[plots.Format]float64{plots.SVG: 992.13, plots.PDF: 992.13} {
		if got, err := strconv.ParseFloat(size(f), 64); err != nil || math.Abs(got-want) > 0.02 {
			t.Errorf("%s is %v wide, want %v", f, got, want)
		}
	}
}

// The figure of reliability says what it shows in numbers, lies days across where
// segments do not differ, and refuses what cannot be drawn.
func TestReliabilityFigure(t *testing.T) {
	r := plots.Reliability{Plans: []plots.ReliabilityPlan{
		{Days: 1, Segments: 4, Coders: 2, Dependability: 0.5, Generalisability: 0.6, Own: true},
		{Days: 3, Segments: 4, Coders: 2, Dependability: 0.7, Generalisability: 0.75},
	}}
	want := [][]string{
		{"days", "segments", "coders", "dependability", "generalisability", "own"},
		{"1", "4", "2", "0.5", "0.6", "true"}, {"3", "4", "2", "0.7", "0.75", "false"},
	}
	if got := r.Table(); !reflect.DeepEqual(got, want) {
		t.Errorf("table %v, want %v", got, want)
	}
	if svg := string(render(t, plots.SVG, r)); len(svg) < 1000 {
		t.Errorf("drew %d bytes", len(svg))
	}
	if _, err := (plots.Reliability{}).Draw(plots.Journal()); err == nil {
		t.Error("no plans make a figure")
	}
	for c := range 9 {
		r.Plans = append(r.Plans, plots.ReliabilityPlan{Days: 1, Segments: 4, Coders: c + 3})
	}
	if _, err := r.Draw(plots.Journal()); err == nil {
		t.Error("ten numbers of coders make ten lines")
	}
}
