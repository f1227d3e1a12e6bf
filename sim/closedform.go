package sim

import (
	"fmt"
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
	found := s.rowForm(row)
	return found.form, found.why
}

// A rowForm is an estimate with its closed form, or the reason why there is none.
type rowForm struct {
	estimators.Row
	form   *ClosedForm
	search *closedFormOf // that found form; nil for a mediation
	why    string
}

func (s Study) rowForm(row estimators.Row) rowForm {
	found := rowForm{Row: row}
	if m, ok := s.mediation(row.Estimator); ok {
		found.form, found.why = s.mediated(m, row)
		return found
	}
	if row.Target == nil {
		found.why = "it is no estimate of a treatment effect"
		return found
	}
	b := closedFormOf{study: s, trial: s.Trial, target: row.Target}
	for _, e := range s.Estimators {
		if e.Name == row.Estimator {
			b.method = e.Method
		}
	}
	for _, step := range []func() string{b.parse, b.findTarget, b.findDesign, b.findFormula, b.findTest, b.findVariance} {
		if found.why = step(); found.why != "" {
			return found
		}
	}
	found.search = &b
	found.form, found.why = b.finish()
	return found
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

// Expected returns the rows that the study's summary will have, in every design,
// without results and without estimands.
func (s Study) Expected() (all []SummaryRow, err error) {
	for i, design := range s.designs() {
		rows, err := design.Study.Rows()
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			all = append(all, SummaryRow{Cell: i, Factors: design.Factors, Estimator: row.Estimator, Outcome: row.Outcome, Term: row.Term})
		}
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
	if slices.ContainsFunc(c.cases, func(one formCase) bool { return len(one.chance) > 1 }) {
		inputs = append(inputs, "allowing for covariates out of balance by chance") // which the design alone does not
	}
	return strings.Join(inputs, " ")
}
