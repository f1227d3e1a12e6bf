package sim

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"coachsim/estimators"
	"coachsim/sim/analytic"
)

// A ClosedForm is the design of package analytic that an estimate of a study
// comes to, with its inputs.
type ClosedForm struct {
	Design *analytic.Design
	Values analytic.Values
	Test   analytic.Test // with the critical value and standard error of the study's estimator
	Power  float64
	// Approximate says in what the formula is no exact description of the study.
	Approximate []string
	// MDES is the smallest effect with a power of MDESPower, in the units of the
	// estimate's truth.
	MDES float64
	// Limit is the power of a mediation by Design, which takes many units for granted
	// and so differs from Power; NaN where Design has none.
	Limit float64

	fits      *analytic.MediationFits // of a mediation; nil for others
	itt       float64                 // effect of assignment, in the design's SDs
	sd        float64                 // the design's SD, in the model's units of the outcome
	cases     []formCase
	likeliest float64 // probability of Test's case
}

// ClosedForm finds the closed form of an estimate: its design, with intraclass
// correlations and R² that the trial's variance components imply. Where there is
// none, the second result says why.
func (s Study) ClosedForm(row estimators.Row) (*ClosedForm, string) {
	if m, ok := s.mediation(row.Estimator); ok {
		return s.mediated(m, row)
	}
	if row.Target == nil {
		return nil, "it is no estimate of a treatment effect"
	}
	b := closedFormOf{study: s, trial: s.Trial, target: row.Target}
	for _, e := range s.Estimators {
		if e.Name == row.Estimator {
			b.method = e.Method
		}
	}
	for _, step := range []func() string{b.parse, b.findTarget, b.findDesign, b.findFormula, b.findTest, b.findVariance} {
		if why := step(); why != "" {
			return nil, why
		}
	}
	return b.finish()
}

// AddClosedForms puts the power and the minimum detectable effect of each
// estimate's closed form, where it has one, into the rows of a study's summary.
func (s *Summary) AddClosedForms(study Study) error {
	type subject struct {
		cell                     int
		estimator, outcome, term string
	}
	forms := map[subject]*ClosedForm{}
	for cell, design := range study.designs() {
		rows, err := design.Study.Rows()
		if err != nil {
			return err
		}
		for _, row := range rows {
			if form, _ := design.Study.ClosedForm(row); form != nil {
				forms[subject{cell, row.Estimator, row.Outcome, row.Term}] = form
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
	return nil
}

// holdAgainst sets the closed form's power and the distance from it in Monte
// Carlo standard errors, those of the power it says: the simulated power may be 0
// or 1, where it has none of its own.
func (r *SummaryRow) holdAgainst(power float64) {
	r.AnalyticPower = power
	if mcse := math.Sqrt(power * (1 - power) / float64(r.N)); mcse > 0 {
		r.AnalyticZ = (r.Power - power) / mcse
	}
}

// Rows lists what the study's estimators estimate.
func (s Study) Rows() ([]estimators.Row, error) {
	g, err := s.Trial.Compile()
	if err != nil {
		return nil, err
	}
	panel, err := estimators.Bind(s.methods(), g.Shape(), s.Terms)
	if err != nil {
		return nil, err
	}
	return panel.Rows(), nil
}

// formsOf are the closed forms of a study's treatment effects, and the reasons of
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

// closedForms finds those of the study's first design.
func (s Study) closedForms() (all formsOf, err error) {
	design := s.designs()[0].Study
	rows, err := design.Rows()
	if err != nil {
		return all, err
	}
	for _, row := range rows {
		if row.Target == nil {
			continue
		}
		name := s.EstimateName(row.Estimator, row.Outcome, row.Term)
		form, reason := design.ClosedForm(row)
		if form == nil {
			all.none.add(reason, name)
			continue
		}
		all.names, all.forms = append(all.names, name), append(all.forms, form)
	}
	return all, nil
}

// Inputs writes the values that the formula takes, as coachsim analytic reads them.
func (c *ClosedForm) Inputs() string {
	var inputs []string
	if c.fits != nil {
		for _, k := range c.Design.Inputs {
			if x := c.Values[k]; x != 0 && k != analytic.Alpha && k != analytic.Power {
				inputs = append(inputs, fmt.Sprintf("%s=%s", k, decimal(math.Round(x*1e6)/1e6)))
			}
		}
		inputs = append(inputs, fmt.Sprintf("with df=%s and %s", decimal(math.Round(c.fits.A.DF*10)/10), decimal(math.Round(c.fits.B.DF*10)/10)))
		if !math.IsNaN(c.Limit) {
			inputs = append(inputs, fmt.Sprintf("(the limit of many units has power %s%%)", fixed(100*c.Limit, 1)))
		}
		return strings.Join(inputs, " ")
	}
	for _, k := range append(c.Design.Inputs[:len(c.Design.Inputs):len(c.Design.Inputs)], analytic.P, analytic.TakeUp, analytic.Crossover, analytic.ES) {
		x := c.Values[k]
		if x != 0 && (k != analytic.TakeUp || x != 1) || k == analytic.ES {
			inputs = append(inputs, fmt.Sprintf("%s=%s", k, decimal(math.Round(x*1e6)/1e6)))
		}
	}
	if usual := c.Design.Test(c.Values); len(c.cases) > 1 {
		inputs = append(inputs, "averaged over the numbers of units that may be left")
	} else if math.Abs(usual.DF-c.Test.DF) > 1e-6 {
		inputs = append(inputs, fmt.Sprintf("with df=%s", decimal(math.Round(c.Test.DF*1e3)/1e3)))
	}
	return strings.Join(inputs, " ")
}

// A ClosedFormNote says which closed form an estimate has, or of which estimates
// there is none, and why.
type ClosedFormNote struct {
	Estimates []string // such as "itt: reading"
	Names     string   // of many only some
	Form      *ClosedForm
	Why       string // there is none
}

// ClosedForms tells of every estimate of a treatment effect which closed form it
// has, or why it has none: first those that have one. A sweep is represented by
// its first design.
func (s Study) ClosedForms() ([]ClosedFormNote, error) {
	all, err := s.closedForms()
	if err != nil {
		return nil, err
	}
	var notes []ClosedFormNote
	for i, form := range all.forms {
		notes = append(notes, ClosedFormNote{Estimates: all.names[i : i+1], Names: all.names[i], Form: form})
	}
	for _, reason := range all.none.order {
		notes = append(notes, ClosedFormNote{Estimates: all.none.of[reason], Names: all.none.names(reason, 4), Why: reason})
	}
	return notes, nil
}

// WriteClosedForms says for every estimate of a treatment effect which closed
// form it has, or why it has none. A sweep is represented by its first design.
func (s Study) WriteClosedForms(w io.Writer) error {
	if s.Learning != nil {
		_, err := fmt.Fprintln(w, "none, as gains come from items that are right or wrong, between a floor and a ceiling")
		return err
	}
	all, err := s.closedForms()
	if err != nil {
		return err
	}
	for i, form := range all.forms {
		approximate := ""
		if len(form.Approximate) > 0 {
			approximate = "; approximate: " + strings.Join(form.Approximate, "; ")
		}
		if _, err := fmt.Fprintf(w, "%s: power %s%% by %s %s%s\n", all.names[i], fixed(100*form.Power, 1), form.Design.Name, form.Inputs(), approximate); err != nil {
			return err
		}
	}
	for _, reason := range all.none.order {
		if _, err := fmt.Fprintf(w, "%s: none, as %s\n", all.none.names(reason, 4), reason); err != nil {
			return err
		}
	}
	return nil
}

// noteLines is how many lines WriteFormulaNotes has at most for what has no form.
const noteLines = 6

// WriteFormulaNotes says shortly, under a table of results, which estimates of
// treatment effects have no closed form and why, a line for each reason, and what
// makes those that there are approximate.
func (s Study) WriteFormulaNotes(w io.Writer, width int) error {
	all, err := s.closedForms()
	if err != nil {
		return err
	}
	var notes, estimators []string
	for i, form := range all.forms {
		for _, note := range form.Approximate {
			if !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
			if name, _, _ := strings.Cut(all.names[i], ": "); !slices.Contains(estimators, name) {
				estimators = append(estimators, name)
			}
		}
	}
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
	_, err = io.WriteString(w, "\n"+out.String())
	return err
}
