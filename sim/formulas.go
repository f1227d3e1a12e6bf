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
func (s Study) Formulas() (Formulas, error) { return s.formulas(s.designs()) }

// FirstFormulas finds those of the first design, which stands for the others of a sweep.
func (s Study) FirstFormulas() (Formulas, error) { return s.formulas(s.designs()[:1]) }

func (s Study) formulas(designs []Cell) (Formulas, error) {
	f := Formulas{study: s}
	for _, design := range designs {
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

// formsOf are the closed forms of a design's treatment effects, and the reasons of
// those that have none, each with its estimates.
type formsOf struct {
	names []string // estimates with a form
	forms []*ClosedForm
	none  reasons
}

// reasons are texts, each with the estimates that it is true of.
type reasons struct {
	order []string
	of    map[string][]string
}

func (r *reasons) add(reason, name string) {
	if r.of == nil {
		r.of = map[string][]string{}
	}
	if r.of[reason] == nil {
		r.order = append(r.order, reason)
	}
	r.of[reason] = append(r.of[reason], name)
}

// names lists the estimates of a reason, the first few by name.
func (r *reasons) names(reason string, most int) string {
	names := r.of[reason]
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most-1], ", "), len(names)-most+1)
	}
	return strings.Join(names, ", ")
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

// first are the forms of the first design.
func (f Formulas) first() (all formsOf) {
	if len(f.designs) == 0 {
		return all
	}
	for _, row := range f.designs[0].rows {
		if row.Target == nil {
			continue
		}
		name := f.study.EstimateName(row.Estimator, row.Outcome, row.Term)
		if row.form == nil {
			all.none.add(row.why, name)
			continue
		}
		all.names, all.forms = append(all.names, name), append(all.forms, row.form)
	}
	return all
}

// A ClosedFormNote says which closed form an estimate has, or of which estimates
// there is none, and why.
type ClosedFormNote struct {
	Estimates []string // such as "itt: reading"
	Names     string   // of many only some
	Form      *ClosedForm
	Why       string // there is none
}

// Notes tell of every estimate of a treatment effect which closed form it has, or why
// it has none: first those that have one. A sweep is represented by its first design.
func (f Formulas) Notes() []ClosedFormNote {
	all := f.first()
	var notes []ClosedFormNote
	for i, form := range all.forms {
		notes = append(notes, ClosedFormNote{Estimates: all.names[i : i+1], Names: all.names[i], Form: form})
	}
	for _, reason := range all.none.order {
		notes = append(notes, ClosedFormNote{Estimates: all.none.of[reason], Names: all.none.names(reason, 4), Why: reason})
	}
	return notes
}

// WriteAll says for every estimate of a treatment effect and every family which closed
// form it has, or why it has none. A sweep is represented by its first design.
func (f Formulas) WriteAll(w io.Writer) error {
	if f.study.Learning != nil {
		_, err := fmt.Fprintln(w, "none, as gains come from items that are right or wrong, between a floor and a ceiling")
		return err
	}
	var out strings.Builder
	all := f.first()
	for i, form := range all.forms {
		fmt.Fprintf(&out, "%s: power %s%% by %s %s%s\n", all.names[i], fixed(100*form.Power, 1), form.Design.Name, form.Inputs(), approximateIn(form.Approximate))
	}
	for _, reason := range all.none.order {
		fmt.Fprintf(&out, "%s: none, as %s\n", all.none.names(reason, 4), reason)
	}
	for _, family := range f.designs[0].study.Families {
		if form, why := f.designs[0].family(family); form == nil {
			fmt.Fprintf(&out, "family %s: none, as %s\n", family.Name, why)
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

// noteLines is how many lines WriteNotes has at most for what has no form.
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
// effects have no closed form and why, a line for each reason, and what makes those
// that there are approximate, in any design. What has no form is that of the first
// design.
func (f Formulas) WriteNotes(w io.Writer, width int) error {
	all := f.first()
	notes, estimators := f.approximations()
	var out strings.Builder
	for i, reason := range all.none.order {
		if left := len(all.none.order) - i; i == noteLines-1 && left > 1 {
			fmt.Fprintf(&out, "No formula for others, for %d more reasons: coachsim check tells all.\n", left)
			break
		}
		line := []rune(fmt.Sprintf("No formula for %s: %s.", all.none.names(reason, 2), reason))
		if len(line) > width && width > 1 {
			line = append(line[:width-1], '…')
		}
		out.WriteString(string(line) + "\n")
	}
	if len(notes) > 0 {
		writeWrapped(&out, fmt.Sprintf("The formula is approximate for %s: %s.", strings.Join(estimators, ", "), strings.Join(notes, "; ")), "", width)
	}
	if out.Len() == 0 {
		return nil
	}
	_, err := io.WriteString(w, "\n"+out.String())
	return err
}
