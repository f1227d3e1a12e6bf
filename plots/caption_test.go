package plots_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/plots"
	"coachsim/sim"
)

// Every figure says what it shows and how to read it, in words: no path of a key,
// no number that is none.
func TestWords(t *testing.T) {
	for _, fig := range slices.Concat(figures(), kindFigures(t)) {
		w := fig.Words()
		if len(w.Title) < 5 || !strings.HasSuffix(w.Note, ".") {
			t.Errorf("%s: %q, %q", fig.Name(), w.Title, w.Note)
		}
		for _, bad := range []string{"trial.", "achievement.", "NaN", "_", "  ", ".."} {
			if strings.Contains(w.Title+w.Note, bad) {
				t.Errorf("%s: %q in %q, %q", fig.Name(), bad, w.Title, w.Note)
			}
		}
	}
	curve := plots.PowerCurve{Rows: swept(), Alpha: 0.05}.Words()
	if curve.Title != "Power over schools per block" {
		t.Errorf("title %q", curve.Title)
	}
	for _, want := range []string{"2,000 simulated trials per design.", "95% Monte Carlo intervals (Wilson)", "α = 0.05."} {
		if !strings.Contains(curve.Note, want) {
			t.Errorf("%q does not say %q", curve.Note, want)
		}
	}
	rows := swept()
	for i := range rows {
		rows[i].PowerMCSE = 0.001 * float64(i)
	}
	rows[0].N = 500
	if got, want := (plots.PowerCurve{Rows: rows, Alpha: 0.05}).Words().Note, "500 to 2,000 simulated trials per design. Bands and bars are 95% Monte Carlo intervals (Wilson). Monte Carlo standard error of power at most 1.5 points."; !strings.HasPrefix(got, want) {
		t.Errorf("%q does not begin with %q", got, want)
	}
	for _, empty := range []plots.Figure{plots.PowerCurve{}, plots.MDESCurve{}, plots.Contour{}, plots.EstimatorCurves{}, plots.Zip{}, plots.SamplingDistribution{}, plots.Frontier{}, plots.Published{}} {
		if empty.Words().Title == "" {
			t.Errorf("%s without rows has no title", empty.Name())
		}
	}
}

// The figure of a search says whose power it shows.
func TestFrontierNamesItsTests(t *testing.T) {
	f := plots.Frontier{Designs: []plots.FrontierDesign{{Replicates: 50}, {Replicates: 1000}}}
	const bars = " Bars are 95% Monte Carlo intervals (Wilson)."
	for want, tests := range map[string][]string{
		"50 to 1,000 simulated trials per design." + bars:                                                                  nil,
		"50 to 1,000 simulated trials per design. Power of itt: maths on coaching." + bars:                                 {"itt: maths on coaching"},
		"50 to 1,000 simulated trials per design. Power of the weakest test of a: x on coaching, b: y on coaching." + bars: {"a: x on coaching", "b: y on coaching"},
	} {
		f.Tests = tests
		if got := f.Words().Note; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A swept key without words of its own has those of its documentation.
func TestAxisNames(t *testing.T) {
	for key, want := range map[string]string{
		"trial.schools":          "Power over schools per block",
		"trial.grades":           "Power over grades",
		"observation.coder_sd":   "Power over SD of the coder error in each domain",
		"trial.children.sd":      "Power over SD of children per class",
		"achievement.icc":        "Power over intraclass correlation of achievement",
		"trial.coaches.caseload": "Power over",
		"alpha":                  "Power over two-sided size of tests",
		"nothing.at_all_sd":      "Power over at all SD",
	} {
		rows := swept()
		for i := range rows {
			rows[i].Factors = []sim.Factor{{Key: key, Value: rows[i].Factors[0].Value}}
		}
		if got := (plots.PowerCurve{Rows: rows, Alpha: 0.05}).Words().Title; !strings.HasPrefix(got, want) || strings.ContainsAny(got, "._") {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

func TestOfStudy(t *testing.T) {
	s := sim.Study{Aim: "Does it work?", Trial: dgp.DefaultTrial()}
	s.Design.Blocks, s.Design.Schools, s.Design.Children.Mean, s.Design.Assignment = 10, 20, 31.5, dgp.Blocked{}
	for want, study := range map[string]string{
		"Study: Does it work? Trial: 10 blocks of 20 schools; 1 teacher per school; 31.5 children per class; schools assigned to control, coaching.": plots.OfStudy(s),
		"Study: Does it work? Trial: 10 blocks; 31.5 children per class; schools assigned to control, coaching.":                                     plots.OfStudy(s, "trial.schools", "trial.teachers"),
		"Study: Does it work? Trial: 20 schools per block; 1 teacher per school; 31.5 children per class; schools assigned to control, coaching.":    plots.OfStudy(s, "trial.blocks"),
		"Study: Does it work? Trial: 1 teacher per school; 31.5 children per class; schools assigned to control, coaching.":                          plots.OfStudy(s, "trial.blocks", "trial.schools"),
	} {
		if study != want {
			t.Errorf("%q, want %q", study, want)
		}
	}
	s.Cells = []sim.Cell{{Factors: []sim.Factor{{Key: "trial.children", Value: "20"}}}}
	if words := plots.OfStudy(s); strings.Contains(words, "children") {
		t.Errorf("%q names what is swept", words)
	}
}

// A caption lies around the figure and leaves it as it is; bare figures have none.
func TestCaptioned(t *testing.T) {
	fig := plots.Power{Rows: rows(), Alpha: 0.05}
	captioned := plots.Captioned{Figure: fig, Study: "Study: x."}
	theme := plots.Journal()
	inner, err := fig.Draw(theme)
	if err != nil {
		t.Fatal(err)
	}
	outer, err := captioned.Draw(theme)
	if err != nil || outer.Width != inner.Width || outer.Height <= inner.Height {
		t.Errorf("%v by %v became %v by %v, %v", inner.Width, inner.Height, outer.Width, outer.Height, err)
	}
	if !strings.HasSuffix(captioned.Caption(), "does not reject. Study: x.") {
		t.Errorf("caption %q", captioned.Caption())
	}
	captioned.State = plots.Unfinished(sim.Extent{Trials: 1600, Asked: 20000})
	if want := "Unfinished: 1,600 of 20,000 trials. " + fig.Words().Note + " Study: x."; captioned.Caption() != want {
		t.Errorf("caption %q, want %q", captioned.Caption(), want)
	}
	if done := plots.Unfinished(sim.Extent{Trials: 20000, Asked: 20000}); done != "" {
		t.Errorf("of a run that is done: %q", done)
	}
	theme.Bare = true
	if bare, err := captioned.Draw(theme); err != nil || bare.Height != inner.Height {
		t.Errorf("bare, it is %v high, not %v, %v", bare.Height, inner.Height, err)
	}
	if _, err := (plots.Captioned{Figure: plots.Power{}}).Draw(plots.Journal()); err == nil {
		t.Error("nothing to show was drawn")
	}
}

// What all rows of a figure have in common stands once, in its note; a bare figure
// says it in every label.
func TestSharedDesign(t *testing.T) {
	var rows []plots.Row
	for _, r := range swept() {
		if r.Factors[0].Value == "8" && r.Factors[2].Value == "[0.4]" {
			r.Factors = slices.Clone(r.Factors)
			rows = append(rows, r)
		}
	}
	fig := plots.Power{Rows: rows, Alpha: 0.05}
	if note := fig.Words().Note; !strings.Contains(note, "All at schools = 8, effect = 0.4. ") {
		t.Errorf("%q does not say what is shared", note)
	}
	for bare, want := range map[bool]string{false: ">coaching → reading (itt), assignment share = 0.3<", true: "coaching → reading (itt), schools = 8, assignment share = 0.3, effect = 0.4"} {
		theme := plots.Journal()
		theme.Bare = bare
		drawing, err := fig.Draw(theme)
		if err != nil {
			t.Fatal(err)
		}
		drawing.Text = plots.Fonts
		var b bytes.Buffer
		if err := plots.Render(&b, plots.SVG, drawing); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("bare %v: no %q", bare, want)
		}
	}
	for i := range rows { // the twin says it all
		if label := fig.Table()[1+i][0]; !strings.Contains(label, "schools = 8") || !strings.Contains(label, "effect = 0.4") {
			t.Errorf("the twin calls a row %q", label)
		}
	}
	if note := (plots.Power{Rows: rows[:1], Alpha: 0.05}).Words().Note; strings.Contains(note, "All at") {
		t.Errorf("one row shares with %q", note)
	}
}

// A figure that holds no more than the first replicates of a long run says so.
func TestNotesTellOfTheFirstReplicates(t *testing.T) {
	row := plots.Row{SummaryRow: sim.SummaryRow{Estimator: "itt", Outcome: "reading", Term: "coaching", Measures: sim.Measures{N: 1_000_000}}}
	long := plots.LoggedRow{row, make([]sim.Record, 14_000)}
	short := plots.LoggedRow{row, make([]sim.Record, 200)}
	short.N = 200
	sample := plots.Sample{Label: "itt", Estimates: []float64{1, 2, 3}, Taken: 262_000, Of: 1_000_000}
	for _, c := range []struct {
		note, want string
	}{
		{plots.Zip{Rows: []plots.LoggedRow{long}}.Words().Note, "1,000,000 simulated trials. Shown are the first 14,000."},
		{plots.PValues{Rows: []plots.LoggedRow{long}}.Words().Note, "1,000,000 simulated trials. Shown are the first 14,000."},
		{plots.Scatter{Rows: []plots.LoggedRow{long}}.Words().Note, "1,000,000 simulated trials. Shown are the first 14,000."},
		{plots.SamplingDistribution{Samples: []plots.Sample{sample}}.Words().Note, "1,000,000 simulated trials per panel. Shown are the first 262,000."},
	} {
		if !strings.HasPrefix(c.note, c.want) {
			t.Errorf("the note is %q, want %q first", c.note, c.want)
		}
	}
	if note := (plots.Zip{Rows: []plots.LoggedRow{short}}).Words().Note; strings.Contains(note, "Shown") || !strings.HasPrefix(note, "200 simulated trials. ") {
		t.Errorf("the note of a short run is %q", note)
	}
}
