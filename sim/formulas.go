package sim

import (
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Formulas are the closed forms of a study's estimates, and the reasons of those that
// have none, design by design. From them come those of its families of tests.
type Formulas struct {
	study   Study
	designs []designForms
}

type designForms struct {
	study Study
	rows  []rowForm
}

// Formulas finds the closed forms of all designs of a study.
func (s Study) Formulas() (Formulas, error) {
	f := Formulas{study: s}
	for _, design := range s.designs() {
		rows, err := design.Study.Rows()
		if err != nil {
			return f, err
		}
		all := designForms{study: design.Study}
		for _, row := range rows {
			all.rows = append(all.rows, design.Study.rowForm(row))
		}
		f.designs = append(f.designs, all)
	}
	return f, nil
}

// AddTo puts the power and the minimum detectable effect of each estimate's closed
// form, where it has one, into the rows of the study's summary.
func (f Formulas) AddTo(s *Summary) {
	type subject struct {
		cell                     int
		estimator, outcome, term string
	}
	forms := map[subject]*ClosedForm{}
	for cell, design := range f.designs {
		for _, row := range design.rows {
			if row.form != nil {
				forms[subject{cell, row.Estimator, row.Outcome, row.Term}] = row.form
			}
		}
	}
	for i := range s.Rows {
		r := &s.Rows[i]
		if form := forms[subject{r.Cell, r.Estimator, r.Outcome, r.Term}]; form != nil && !math.IsNaN(r.Power) {
			r.holdAgainst(form.Power)
			r.AnalyticMDES = form.MDES
		}
	}
}

// AddToFamilies puts what each family's closed form says beside what was simulated.
func (f Formulas) AddToFamilies(all *Families) {
	var form *FamilyForm
	why := ""
	for i := range all.Rows {
		r := &all.Rows[i]
		design := f.designs[r.Cell]
		if i == 0 || r.Cell != all.Rows[i-1].Cell || r.Family != all.Rows[i-1].Family {
			of := slices.IndexFunc(design.study.Families, func(family Family) bool { return family.Name == r.Family })
			form, why = design.family(design.study.Families[of])
		}
		if r.NoFormula = why; form == nil {
			continue
		}
		formula := form.Power(slices.Index(form.Methods, r.Method), r.N)
		if !slices.Equal(formula.Null, r.Null) || len(formula.AtLeast) != len(r.AtLeast) {
			r.NoFormula = "an effect that is 0 on average is not 0 in every trial"
			continue
		}
		r.Formula, r.FormulaError, r.Approximate = &formula, form.Error, form.Approximate()
	}
}

// EstimateName names an estimate of a treatment effect where its closed form is told.
func (s Study) EstimateName(estimator, outcome, term string) string {
	name := estimator + ": " + outcome
	if _, ok := s.mediation(estimator); ok {
		return name + ", " + term
	}
	if len(s.Trial.Design.Arms) > 2 {
		name += " on " + term
	}
	return name
}

// Form is the closed form of a row of the study's summary; nil where it has none.
func (f Formulas) Form(r *SummaryRow) *ClosedForm {
	if r.Cell >= len(f.designs) {
		return nil
	}
	for i := range f.designs[r.Cell].rows {
		if row := &f.designs[r.Cell].rows[i]; row.Estimator == r.Estimator && row.Outcome == r.Outcome && row.Term == r.Term {
			return row.form
		}
	}
	return nil
}

// A FormlessNote says of which estimates there is no closed form, in which designs of a
// sweep, and why.
type FormlessNote struct {
	Estimates []string // such as "itt: reading"
	Where     string   // such as "in 2 of 8 designs"; "" in all
	Why       string
}

// names lists the estimates, the first few by name.
func (n *FormlessNote) names(most int) string {
	text := strings.Join(n.Estimates, ", ")
	if len(n.Estimates) > most {
		text = fmt.Sprintf("%s and %d more", strings.Join(n.Estimates[:most-1], ", "), len(n.Estimates)-most+1)
	}
	if n.Where != "" {
		text += " (" + n.Where + ")"
	}
	return text
}

// Names are the estimates in a few words, and where they have no form.
func (n *FormlessNote) Names() string { return n.names(4) }

// Formless says which estimates of treatment effects have no closed form, in any design:
// a note for each reason and the designs in which it holds. Reasons that differ in a
// percentage alone are one.
func (f Formulas) Formless() []FormlessNote {
	type subject struct{ reason, name string }
	reasons := map[string]*approximation{}
	in := map[subject][]int{} // the designs
	var order []subject
	for d, design := range f.designs {
		for _, row := range design.rows {
			if row.Target == nil || row.form != nil {
				continue
			}
			at := subject{percentage.ReplaceAllString(row.why, "%"), design.study.EstimateName(row.Estimator, row.Outcome, row.Term)}
			if reasons[at.reason] == nil {
				reasons[at.reason] = &approximation{note: row.why}
			}
			reasons[at.reason].add(row.why, false)
			if in[at] == nil {
				order = append(order, at)
			}
			if n := len(in[at]); n == 0 || in[at][n-1] != d {
				in[at] = append(in[at], d)
			}
		}
	}
	var notes []FormlessNote
	place := map[string]int{} // by reason and designs
	for _, at := range order {
		id := fmt.Sprint(at.reason, in[at])
		i, ok := place[id]
		if !ok {
			i = len(notes)
			place[id] = i
			notes = append(notes, FormlessNote{Where: f.where(in[at]), Why: reasons[at.reason].words()})
		}
		notes[i].Estimates = append(notes[i].Estimates, at.name)
	}
	return notes
}

// where says in which designs of a sweep something is so: by the values of the one factor
// that tells them from the others, if there is one with few values; "" in all.
func (f Formulas) where(designs []int) string {
	if len(designs) == len(f.designs) {
		return ""
	}
	cells := f.study.designs()
	for k, factor := range cells[0].Factors {
		var inside, outside []string
		for d, cell := range cells {
			values := &outside
			if slices.Contains(designs, d) {
				values = &inside
			}
			if value := cell.Factors[k].Value; !slices.Contains(*values, value) {
				*values = append(*values, value)
			}
		}
		if len(inside) <= 3 && !slices.ContainsFunc(inside, func(v string) bool { return slices.Contains(outside, v) }) {
			return "where " + factor.Key + " is " + strings.Join(inside, " or ")
		}
	}
	return fmt.Sprintf("in %d of %d designs", len(designs), len(f.designs))
}

// WriteAll says for every estimate of a treatment effect and every family which closed
// form it has, in the first design of a sweep, and of those that have none in some design
// why not.
func (f Formulas) WriteAll(w io.Writer) error {
	if f.study.Learning != nil {
		_, err := fmt.Fprintln(w, "none, as gains come from items that are right or wrong, between a floor and a ceiling")
		return err
	}
	var out strings.Builder
	first, at := &f.designs[0], ""
	if len(f.designs) > 1 {
		at = " (first design)"
	}
	for _, row := range first.rows {
		if row.Target == nil || row.form == nil {
			continue
		}
		name := first.study.EstimateName(row.Estimator, row.Outcome, row.Term)
		fmt.Fprintf(&out, "%s%s: power %s%% by %s %s%s\n", name, at, fixed(100*row.form.Power, 1), row.form.Design.Name, row.form.Inputs(), approximateIn(row.form.Approximate))
	}
	for _, note := range f.Formless() {
		fmt.Fprintf(&out, "%s: none, as %s\n", note.Names(), note.Why)
	}
	for _, family := range first.study.Families {
		if form, why := first.family(family); form == nil {
			fmt.Fprintf(&out, "family %s%s: none, as %s\n", family.Name, at, why)
		} else {
			form.write(&out)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func approximateIn(notes []string) string {
	if len(notes) == 0 {
		return ""
	}
	return "; approximate: " + strings.Join(notes, "; ")
}

// noteLines is how many sentences WriteNotes has at most for what has no form.
const noteLines = 6

// inDesigns says of a text in how many of the designs of a sweep it is true, unless in
// all.
func (f Formulas) inDesigns(n int) string {
	if n == len(f.designs) {
		return ""
	}
	return fmt.Sprintf(" (in %d of %d designs)", n, len(f.designs))
}

// approximations are what makes the closed forms of all designs approximate, with the
// estimators that they are of.
func (f Formulas) approximations() (notes, estimators []string) {
	var alike []string // notes but for their percentages
	of := map[string]*approximation{}
	for _, design := range f.designs {
		here := map[string]bool{}
		for _, row := range design.rows {
			if row.Target == nil || row.form == nil {
				continue
			}
			for _, note := range row.form.Approximate {
				key := percentage.ReplaceAllString(note, "%")
				if of[key] == nil {
					of[key] = &approximation{note: note}
					alike = append(alike, key)
				}
				of[key].add(note, !here[key])
				here[key] = true
				if !slices.Contains(estimators, row.Estimator) {
					estimators = append(estimators, row.Estimator)
				}
			}
		}
	}
	for _, key := range alike {
		notes = append(notes, of[key].words()+f.inDesigns(of[key].designs))
	}
	return notes, estimators
}

// FarFromFormula tells of the estimate whose simulated power is farthest from its closed
// form's, where chance cannot explain it (4 Monte Carlo standard errors) and neither can what
// is known to make forms approximate (5 points; docs/closed-forms.md); else it is "".
func (s Summary) FarFromFormula() string {
	const chance, approximation = 4, 0.05
	worst, off := -1, approximation
	for i := range s.Rows {
		r := &s.Rows[i]
		if by := math.Abs(r.Power - r.AnalyticPower); math.Abs(r.AnalyticZ) > chance && by > off {
			worst, off = i, by
		}
	}
	if worst < 0 {
		return ""
	}
	r := &s.Rows[worst]
	return fmt.Sprintf("The formula of %s is %s points from the simulated power (%s on %s; z = %s), which is neither chance nor what is known of approximations: trust the simulation, and report the study as a fault.",
		r.Estimator, fixed(100*off, 1), r.Term, r.Outcome, fixed(r.AnalyticZ, 1))
}

// WarnOfFormula writes what FarFromFormula tells.
func (s Summary) WarnOfFormula(w io.Writer, width int) error {
	far := s.FarFromFormula()
	if far == "" {
		return nil
	}
	var out strings.Builder
	out.WriteByte('\n')
	WriteWrapped(&out, "Warning: "+far, "", width)
	_, err := io.WriteString(w, out.String())
	return err
}

// percentage is a number in a note that differs between designs.
var percentage = regexp.MustCompile(`[0-9.]+%`)

// An approximation is a note with the range of the percentage in it, if it has one.
type approximation struct {
	note        string
	designs     int
	least, most float64
	written     [2]string // the same as they are written; "" without
}

func (a *approximation) add(note string, inNewDesign bool) {
	if inNewDesign {
		a.designs++
	}
	text := percentage.FindString(note)
	value, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil {
		return
	}
	if a.written[0] == "" || value < a.least {
		a.least, a.written[0] = value, text
	}
	if a.written[1] == "" || value > a.most {
		a.most, a.written[1] = value, text
	}
}

func (a *approximation) words() string {
	if a.written[0] == a.written[1] {
		return a.note
	}
	return percentage.ReplaceAllString(a.note, a.written[0]+" to "+a.written[1])
}

// WriteNotes says shortly, under a table of results, which estimates of treatment
// effects have no closed form and why, a sentence for each reason, and what makes those
// that there are approximate, in any design.
func (f Formulas) WriteNotes(w io.Writer, width int) error {
	formless := f.Formless()
	notes, estimators := f.approximations()
	var out strings.Builder
	for i, note := range formless {
		if left := len(formless) - i; i == noteLines-1 && left > 1 {
			fmt.Fprintf(&out, "No formula for others, for %d more reasons: coachsim check tells all.\n", left)
			break
		}
		WriteWrapped(&out, fmt.Sprintf("No formula for %s: %s.", note.names(2), note.Why), "", width)
	}
	if len(notes) > 0 {
		WriteWrapped(&out, fmt.Sprintf("The formula is approximate for %s: %s.", strings.Join(estimators, ", "), strings.Join(notes, "; ")), "", width)
	}
	if out.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(w, "\n"+out.String())
	return err
}
