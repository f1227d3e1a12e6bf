package report

import (
	"math"
	"reflect"
	"slices"
	"strings"

	"coachsim/dgp"
	"coachsim/estimators"
	"coachsim/plots"
	"coachsim/sim"
)

// A plan is what the paragraph of a proposal is about: one estimate, in one design
// of the study.
//
// The estimate is the study's primary one, or the first with the effect of a
// treatment for its truth, or where there is none the first with a test. Of a sweep
// the design is the study as it is written without its sweep; where it is none of
// the designs, or has no effect, the design with an effect that differs from it in
// the fewest numbers, the first of these.
type plan struct {
	Results
	design  sim.Study       // in the cell
	cell    int             // of the sweep, or 0
	factors []sim.Factor    // of the cell
	at      int             // the estimate's row of the summary
	row     *sim.SummaryRow // the same
	column  string          // of the data, that the outcome is but for its unit; "" for another function
	target  *estimators.Target
	targets map[[3]string]*estimators.Target // of all rows, by estimator, outcome and term
}

// newPlan finds the estimate and the design; nil where nothing was estimated.
func newPlan(r Results) *plan {
	p := &plan{Results: r, design: r.Study}
	first := p.primary()
	if first < 0 {
		return nil
	}
	of := &r.Summary.Rows[first]
	best, least := -1, math.MaxInt
	for i := range r.Summary.Rows {
		row := &r.Summary.Rows[i]
		if row.Estimator != of.Estimator || row.Outcome != of.Outcome || row.Term != of.Term || row.Estimand != of.Estimand {
			continue
		}
		differs := 0
		if len(r.Study.Cells) > 0 {
			differs = differences(reflect.ValueOf(r.Study.Cells[row.Cell].Study.Trial), reflect.ValueOf(r.Study.Trial))
		}
		if row.Null() {
			differs += math.MaxInt / 2 // an effect goes before likeness
		}
		if differs < least {
			best, least = i, differs
		}
	}
	p.at, p.row = best, &r.Summary.Rows[best]
	p.cell, p.factors = p.row.Cell, p.row.Factors
	if len(r.Study.Cells) > 0 {
		p.design = r.Study.Cells[p.cell].Study
	}
	p.targets = map[[3]string]*estimators.Target{}
	rows, err := p.design.Rows()
	if err == nil { // the study was simulated, so it binds
		for _, row := range rows {
			p.targets[[3]string{row.Estimator, row.Outcome, row.Term}] = row.Target
		}
	}
	p.target = p.targets[[3]string{p.row.Estimator, p.row.Outcome, p.row.Term}]
	p.column = columnOf(p.row.Outcome)
	return p
}

// primary returns the first row of the summary of the estimate that the plan is
// about, or -1.
func (p *plan) primary() int {
	rows := p.Summary.Rows
	if given := p.Study.Primary; given != nil {
		return slices.IndexFunc(rows, func(r sim.SummaryRow) bool { return given.Is(r.Estimator, r.Outcome, r.Term) })
	}
	if i := slices.IndexFunc(rows, func(r sim.SummaryRow) bool { return r.Estimand != "" }); i >= 0 {
		return i
	}
	if i := slices.IndexFunc(rows, func(r sim.SummaryRow) bool { return !math.IsNaN(r.Power) }); i >= 0 {
		return i
	}
	return min(0, len(rows)-1)
}

// differences counts the numbers and words in which two values differ.
func differences(a, b reflect.Value) int {
	if a.IsValid() != b.IsValid() {
		return 1
	}
	if !a.IsValid() {
		return 0
	}
	if a.Type() != b.Type() {
		return 1
	}
	n := 0
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).IsExported() {
				n += differences(a.Field(i), b.Field(i))
			}
		}
	case reflect.Pointer, reflect.Interface:
		return differences(a.Elem(), b.Elem())
	case reflect.Slice:
		for i := range max(a.Len(), b.Len()) {
			if i >= a.Len() || i >= b.Len() {
				n++
				continue
			}
			n += differences(a.Index(i), b.Index(i))
		}
	default:
		if !reflect.DeepEqual(a.Interface(), b.Interface()) {
			return 1
		}
	}
	return n
}

// columnOf returns the column that an outcome is, but for its unit or for being
// averaged; "" for another function.
func columnOf(outcome string) string {
	v, err := estimators.ParseVariable(outcome)
	if err != nil {
		return ""
	}
	if v.Call != nil && slices.Contains([]string{"std", "mean", "center"}, v.Call.Function) && len(v.Call.Args) > 0 {
		v = v.Call.Args[0]
	}
	return v.Name
}

// inCell lists the rows of the summary in the plan's design.
func (p *plan) inCell() []int {
	var all []int
	for i := range p.Summary.Rows {
		if p.Summary.Rows[i].Cell == p.cell {
			all = append(all, i)
		}
	}
	return all
}

// same lists the rows of the plan's estimate in all designs.
func (p *plan) same() []int {
	var all []int
	for i := range p.Summary.Rows {
		r := &p.Summary.Rows[i]
		if r.Estimator == p.row.Estimator && r.Outcome == p.row.Outcome && r.Term == p.row.Term && r.Estimand == p.row.Estimand {
			all = append(all, i)
		}
	}
	return all
}

// without returns the plan's estimate in the design without an effect that differs
// from the plan's in the fewest factors, and those factors; nil where no effect was
// simulated without.
func (p *plan) without() (row *sim.SummaryRow, differs []sim.Factor) {
	if p.row.Null() {
		return p.row, nil
	}
	for _, i := range p.same() {
		r := &p.Summary.Rows[i]
		if !r.Null() || math.IsNaN(r.Power) {
			continue
		}
		var other []sim.Factor
		for k, f := range r.Factors {
			if f.Value != p.factors[k].Value {
				other = append(other, f)
			}
		}
		if row == nil || len(other) < len(differs) {
			row, differs = r, other
		}
	}
	return row, differs
}

// family returns the power of the plan's test in its family, after adjustment; nil
// where it is in none.
func (p *plan) family() (family *sim.FamilyPower, adjusted sim.Share) { return p.Families.Of(p.row) }

// otherFamilies lists the families that are adjusted and that the plan's test is
// not in, once each.
func (p *plan) otherFamilies() (all []*sim.FamilyPower) {
	own, _ := p.family()
	var named []string
	for i := range p.Families.Rows {
		f := &p.Families.Rows[i]
		if f.Cell == p.cell && f.Method != sim.NoAdjustment && !slices.Contains(named, f.Family) && (own == nil || own.Family != f.Family) {
			named = append(named, f.Family)
			all = append(all, f)
		}
	}
	return all
}

// otherArms lists the rows of the effects of the other treatments, on the same
// outcome by the same estimator.
func (p *plan) otherArms() (all []int) {
	for _, i := range p.inCell() {
		r := &p.Summary.Rows[i]
		if r.Estimator == p.row.Estimator && r.Outcome == p.row.Outcome && r.Term != p.row.Term && r.Estimand != "" && !math.IsNaN(r.Power) && slices.Contains(p.design.Design.Arms, r.Term) {
			all = append(all, i)
		}
	}
	return all
}

// isQuality reports whether an outcome is a score of classroom observation.
func (p *plan) isQuality(outcome string) bool {
	name := columnOf(outcome)
	return !p.design.Observation.IsZero() && (name == p.design.Observation.Total || slices.Contains(p.design.Quality.Domains, name))
}

// mediator returns the row of the treatment's effect on classroom quality, in all if
// it is estimated, else in the first domain that is; -1 without.
func (p *plan) mediator() int {
	found := -1
	for _, i := range p.inCell() {
		r := &p.Summary.Rows[i]
		if r.Estimand == "" || r.Term != p.row.Term || !p.isQuality(r.Outcome) || math.IsNaN(r.Power) {
			continue
		}
		if columnOf(r.Outcome) == p.design.Observation.Total {
			return i
		}
		if found < 0 {
			found = i
		}
	}
	return found
}

// indirect returns the first row of an indirect effect in all, on the plan's outcome;
// -1 without.
func (p *plan) indirect() int {
	return slices.IndexFunc(p.Summary.Rows, func(r sim.SummaryRow) bool {
		return r.Cell == p.cell && r.Term == "indirect" && r.Outcome == p.row.Outcome && r.Estimand != "" && !math.IsNaN(r.Power)
	})
}

// subgroups lists the rows with a test of a treatment's effect in a part of the
// units, or of how it differs with a covariate.
func (p *plan) subgroups() (all []int) {
	for _, i := range p.inCell() {
		r := &p.Summary.Rows[i]
		if math.IsNaN(r.Power) || i == p.at {
			continue
		}
		target := p.targets[[3]string{r.Estimator, r.Outcome, r.Term}]
		if target != nil && p.byCovariate(target.Where) || p.interaction(r.Term) {
			all = append(all, i)
		}
	}
	return all
}

// byCovariate reports whether a condition names a covariate.
func (p *plan) byCovariate(where string) bool {
	words := strings.FieldsFunc(where, func(r rune) bool { return !isNameRune(r) })
	return slices.ContainsFunc(words, p.isCovariate)
}

func isNameRune(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func (p *plan) isCovariate(name string) bool {
	if b := p.design.Achievement.Baseline; b != nil && b.Name == name {
		return true
	}
	return slices.ContainsFunc(p.design.Covariates, func(c dgp.Covariate) bool { return c.Name == name })
}

// interaction reports whether a term is that of an arm with a covariate.
func (p *plan) interaction(term string) bool {
	parts := strings.Split(term, ":")
	arm, covariate := false, false
	for _, part := range parts {
		arm = arm || slices.Contains(p.design.Design.Arms[1:], part)
		covariate = covariate || p.byCovariate(part)
	}
	return len(parts) > 1 && arm && covariate
}

// factorWords are the values of factors in words: "schools 8, effect 0.4".
func factorWords(factors []sim.Factor) string {
	var parts []string
	for k, words := range plots.InWords(factorKeys(factors)) {
		parts = append(parts, words+" "+plots.Bare(factors[k].Value))
	}
	return listed(parts)
}
