package main

import (
	"errors"
	"io"
	"testing"

	"coachsim/plots"
)

// A failing figure is one that cannot be drawn.
type failing struct{ name, why string }

func (f failing) Name() string                            { return f.name }
func (f failing) Words() plots.Words                      { return plots.Words{} }
func (f failing) Draw(plots.Theme) (plots.Drawing, error) { return plots.Drawing{}, errors.New(f.why) }
func (f failing) Table() [][]string                       { return nil }

// What several figures fail of is said once.
func TestFiguresFailAlike(t *testing.T) {
	f := &finished{dir: t.TempDir()}
	const full = "no space left on device"
	figures := []plots.Figure{failing{"a", full}, failing{"b", full}, failing{"c", "too small"}, failing{"d", full}}
	_, err := f.writeFigures(streams{talk: io.Discard}, plots.Journal(), figures, []plots.Format{plots.SVG})
	if want := "figure a: " + full + "; the same with b, d\nfigure c: too small"; err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %q", err, want)
	}
}
