package sim

import (
	"fmt"
	"io"
	"math"
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

	covariates int     // of units, in the regression
	among      float64 // degrees of freedom among units without them and the contrast
}

// ClosedForm finds the closed form of an estimate: its design, with intraclass
// correlations and R² that the trial's variance components imply. Where there is
// none, the second result says why.
func (s Study) ClosedForm(row estimators.Row) (*ClosedForm, string) {
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

// AddClosedForms puts the power of each estimate's closed form, where it has one,
// into the rows of a study's summary.
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

// WriteClosedForms says for every estimate of a treatment effect which closed
// form it has, or why it has none. A sweep is represented by its first design.
func (s Study) WriteClosedForms(w io.Writer) error {
	design := s.designs()[0].Study
	rows, err := design.Rows()
	if err != nil {
		return err
	}
	var none []string
	why := map[string][]string{}
	for _, row := range rows {
		if row.Target == nil {
			continue
		}
		form, reason := design.ClosedForm(row)
		name := row.Estimator + ": " + row.Outcome
		if form == nil {
			if why[reason] == nil {
				none = append(none, reason)
			}
			why[reason] = append(why[reason], name)
			continue
		}
		var inputs []string
		for _, k := range form.Design.Inputs {
			if x := form.Values[k]; x != 0 {
				inputs = append(inputs, fmt.Sprintf("%s=%s", k, decimal(math.Round(x*1e6)/1e6)))
			}
		}
		inputs = append(inputs, fmt.Sprintf("p=%s", decimal(form.Values[analytic.P])), fmt.Sprintf("es=%s", decimal(math.Round(form.Values[analytic.ES]*1e6)/1e6)))
		approximate := ""
		if len(form.Approximate) > 0 {
			approximate = "; approximate: " + strings.Join(form.Approximate, "; ")
		}
		if _, err := fmt.Fprintf(w, "%s: power %s%% by %s %s%s\n", name, fixed(100*form.Power, 1), form.Design.Name, strings.Join(inputs, " "), approximate); err != nil {
			return err
		}
	}
	for _, reason := range none {
		names := why[reason]
		text := strings.Join(names, ", ")
		if len(names) > 4 {
			text = fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
		}
		if _, err := fmt.Fprintf(w, "%s: none, as %s\n", text, reason); err != nil {
			return err
		}
	}
	return nil
}
