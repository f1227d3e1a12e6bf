package plots

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"coachsim/dgp"
	"coachsim/sim"
)

// Words are what a figure says of itself beside the picture.
type Words struct {
	Title string // what it shows, such as "Power over schools per block"
	Note  string // how to read it: replicates, Monte Carlo errors, what bands are
}

// A Captioned figure is one with its title above and a caption below: its note,
// and Study, words on the study that it comes from. State comes first: what a reader has
// to know of the run, such as Unfinished.
type Captioned struct {
	Figure
	State, Study string
}

// Caption is the text below the figure.
func (c Captioned) Caption() string {
	return sentences(c.State, c.Words().Note, c.Study)
}

// Unfinished says of a run that was stopped that its figures show a part of it,
// "Unfinished: 1,600 of 20,000 trials."; "" of one that is done.
func Unfinished(e sim.Extent) string {
	if e.Unfinished() == "" {
		return ""
	}
	return sentences(capital(e.Unfinished()) + " trials")
}

// Draw lays the figure out with its title and caption.
func (c Captioned) Draw(t Theme) (Drawing, error) {
	inner, err := c.Figure.Draw(t)
	if err != nil || t.Bare {
		return inner, err
	}
	room := inner.Width - 2*edge
	title := wrap(t.boldFace(t.TitleSize), c.Words().Title, room)
	caption := wrap(t.face(t.TickSize), c.Caption(), room)
	above := vg.Length(len(title))*leading*t.TitleSize + 0.7*t.TitleSize
	below := vg.Length(len(caption))*leading*t.TickSize + 0.9*t.TickSize
	d := inner
	d.Height = above + inner.Height + below
	d.Paint = func(canvas draw.Canvas) {
		p := pen{Canvas: canvas, theme: t}
		y := canvas.Max.Y - edge - t.TitleSize
		for _, line := range title {
			p.text(t.boldFace(t.TitleSize), t.Ink, canvas.Min.X+edge, y, alignLeft, line)
			y -= leading * t.TitleSize
		}
		y = canvas.Min.Y + below - 1.3*t.TickSize
		for _, line := range caption {
			p.text(t.face(t.TickSize), t.Quiet, canvas.Min.X+edge, y, alignLeft, line)
			y -= leading * t.TickSize
		}
		inner.Paint(draw.Crop(canvas, 0, 0, below, -above))
	}
	return d, nil
}

// sentences joins texts, each of which ends like a sentence.
func sentences(texts ...string) string {
	var all []string
	for _, s := range texts {
		s = strings.Join(strings.Fields(s), " ")
		if s == "" {
			continue
		}
		if !strings.ContainsAny(s[len(s)-1:], ".?!") {
			s += "."
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

// OfStudy says in words what study a figure comes from: its aim, and what of the
// trial all of its designs have in common. Varied are keys that differ besides
// those of its sweep.
func OfStudy(s sim.Study, varied ...string) string {
	swept := map[string]bool{}
	for _, key := range varied {
		swept[key] = true
	}
	for _, cell := range s.Cells {
		for _, f := range cell.Factors {
			swept[f.Key] = true
		}
	}
	d := s.Design
	is := func(key string) bool { return swept["trial."+key] }
	var trial []string
	switch {
	case is("schools") && is("blocks"):
	case is("schools"):
		if d.Blocks > 1 {
			trial = append(trial, countOf(d.Blocks, "block"))
		}
	case is("blocks"):
		trial = append(trial, countOf(d.Schools, "school")+" per block")
	case d.Blocks == 1:
		trial = append(trial, countOf(d.Schools, "school"))
	default:
		trial = append(trial, countOf(d.Blocks, "block")+" of "+countOf(d.Schools, "school"))
	}
	if !is("teachers") && len(d.TeacherShares) == 0 {
		trial = append(trial, countOf(d.Teachers, "teacher")+" per school")
	}
	if mean := d.Children.Mean; mean > 0 && !is("children") && !is("children.mean") {
		trial = append(trial, signed(mean, min(1, digitsOf(mean)))+" children per class")
	}
	if _, none := d.Assignment.(dgp.None); !none && d.Assignment != nil {
		trial = append(trial, d.Assignment.Level().Plural()+" assigned to "+strings.Join(d.Arms, ", "))
	}
	words := ""
	if len(trial) > 0 {
		words = "Trial: " + strings.Join(trial, "; ")
	}
	return sentences("Study: "+s.Aim, words)
}

func countOf(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + one + "s"
}

// trialsNote says how many simulated trials stand behind rows.
func trialsNote(rows []Row) string {
	if len(rows) == 0 {
		return ""
	}
	least, most := rows[0].N, rows[0].N
	swept := false
	for _, row := range rows {
		least, most = min(least, row.N), max(most, row.N)
		swept = swept || row.Cell != rows[0].Cell || len(row.Factors) > 0
	}
	words := count(most) + " simulated trials"
	if least < most {
		words = count(least) + " to " + words
	}
	if swept {
		words += " per design"
	}
	return words
}

// loggedNote is trialsNote of rows whose records may be those of the first replicates alone.
func loggedNote(rows []LoggedRow) string {
	taken, of := 0, 0
	for _, row := range rows {
		taken, of = max(taken, len(row.Records)), max(of, row.N)
	}
	return sentences(trialsNote(plainRows(rows)), firstNote(taken, of))
}

// firstNote says that a figure shows no more than the first replicates.
func firstNote(taken, of int) string {
	if taken >= of {
		return ""
	}
	return "Shown are the first " + count(taken)
}

// sharedNote says what all of several rows have in common.
func sharedNote(rows []Row) string {
	shared := sharedKeys(Theme{}, rows)
	if len(shared) == 0 {
		return ""
	}
	var others []string
	for _, f := range rows[0].Factors {
		if !slices.Contains(shared, f.Key) {
			others = append(others, f.Key)
		}
	}
	return "All at " + rows[0].whereBut(others)
}

// worstMCSE names the largest Monte Carlo standard error of a measure of rows.
func worstMCSE(rows []Row, of, unit string, mcse func(Row) float64) string {
	ends := span{}
	for _, row := range rows {
		ends.add(mcse(row))
	}
	if !ends.any {
		return ""
	}
	return fmt.Sprintf("Monte Carlo standard error of %s at most %s%s", of, short(ends.hi, ends.hi), unit)
}

func powerMCSE(row Row) float64 { return 100 * row.PowerMCSE }
func coverMCSE(row Row) float64 { return 100 * row.CoverMCSE }
