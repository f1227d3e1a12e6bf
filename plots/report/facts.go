package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"coachsim/dgp"
	"coachsim/plots"
	"coachsim/sim"
)

// Facts are said once, in words that both paragraphs and the checklist use. None
// ends in a full stop, and "" is a fact that the study does not have.

func grouped(n int) string { return sim.Grouped(n) }

// lots reports whether units are assigned by lot: the study has a treatment, and
// does not say that the units choose.
func (p *plan) lots() bool {
	return len(p.design.Design.Arms) > 1 && p.Study.Sources.Choice == ""
}

// units counts the units that are assigned, with those that they stand in.
func (p *plan) units() string {
	d := p.design.Design
	level := d.Assignment.Level()
	n := int(math.Round(d.Units(level)))
	text := unitWords(n, level)
	if level == dgp.ChildLevel {
		return fmt.Sprintf("about %s in %s of %s", text, classes(int(d.Units(dgp.TeacherLevel))), unitWords(int(d.Units(dgp.SchoolLevel)), dgp.SchoolLevel))
	}
	if level == dgp.TeacherLevel {
		text += " of " + unitWords(int(d.Units(dgp.SchoolLevel)), dgp.SchoolLevel)
	}
	return text
}

func classes(n int) string {
	if n == 1 {
		return "1 class"
	}
	return grouped(n) + " classes"
}

// strata says the blocks: "6 blocks of 10 schools"; "" for one.
func (p *plan) strata() string {
	d := p.design.Design
	if d.Blocks == 1 {
		return ""
	}
	return fmt.Sprintf("%s blocks of %s", grouped(d.Blocks), unitWords(d.Schools, dgp.SchoolLevel))
}

// allocation says how many units are in each arm: "30 go to control and 30 to
// coaching", or for those that nobody sends there, "30 are in control and 30 in
// coaching".
func (p *plan) allocation() string {
	d := p.design.Design
	lottery := d.Lottery()
	numbers := lottery.Numbers(d)
	one, many, to := "goes", "go", "to"
	if !p.lots() {
		one, many, to = "is", "are", "in"
	}
	var parts []string
	for i, arm := range d.Arms {
		words := []string{percentOf(lottery.Shares[i])}
		n := 2
		if numbers != nil {
			n = numbers[i]
			words[0] = grouped(n)
		}
		if i == 0 {
			words = append(words, plural(n, one, many))
		}
		parts = append(parts, strings.Join(append(words, to, armWords(arm)), " "))
	}
	if numbers == nil {
		return "on average, " + listed(parts)
	}
	return listed(parts)
}

// percentOf writes a share of the study.
func percentOf(share float64) string {
	return strconv.FormatFloat(math.Round(1e4*share)/100, 'g', -1, 64) + "%"
}

// teachers says how many a school has.
func (p *plan) teachers() string {
	d := p.design.Design
	if d.TeacherShares == nil && d.Teachers == 1 {
		return "1 study teacher per school"
	}
	return strings.Replace(d.TeachersPerSchool(), "teachers", "study teachers per school, with a class each", 1)
}

// classSizes says how large classes are, how much that varies, and who is tested.
func (p *plan) classSizes() string {
	d := p.design.Design
	mean, sd := d.ClassSizes()
	text := fmt.Sprintf("%s children per class", strconv.FormatFloat(math.Round(10*mean)/10, 'g', -1, 64))
	if sd > 1e-9 {
		text += fmt.Sprintf(" on average (coefficient of variation %s)", rounded(sd/mean))
	}
	all := d
	all.Attrition.Children = 0
	if tested, _ := all.TestedSize(); tested > mean-1e-9 {
		if losses(d) != "" {
			return text + ", all of them to be tested"
		}
		return text + ", all of them tested"
	}
	return text + fmt.Sprintf(", of whom at most %s %s tested", grouped(d.Tested), plural(d.Tested, "is", "are"))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// rounded has two digits behind the point at most, and more where two would say
// nothing.
func rounded(x float64) string {
	if x != 0 && math.Abs(x) < 0.095 {
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
	return strconv.FormatFloat(math.Round(100*x)/100, 'g', -1, 64)
}

// losses says who is lost after assignment, by level.
func losses(d dgp.Design) string {
	var parts []string
	for _, arm := range d.Arms {
		if n := d.Attrition.Schools[arm]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s %s", grouped(n), armWords(arm), plural(n, "school", "schools")))
		}
	}
	for _, of := range []struct {
		level dgp.Level
		loss  dgp.Loss
	}{{dgp.SchoolLevel, d.Attrition.Loss.School}, {dgp.TeacherLevel, d.Attrition.Loss.Teacher}, {dgp.ChildLevel, d.Attrition.Loss.Child}} {
		if text := lossWords(of.loss, of.level, d.Arms); text != "" {
			parts = append(parts, text)
		}
	}
	if c := d.Attrition.Children; c > 0 {
		parts = append(parts, percentOf(c)+" of sampled children")
	}
	return listed(parts)
}

// lossWords says the rates of one loss: the same in all arms, or by arm.
func lossWords(l dgp.Loss, level dgp.Level, arms []string) string {
	same, any := true, false
	for _, arm := range arms {
		same = same && l.Rate[arm] == l.Rate[arms[0]]
		any = any || l.Rate[arm] > 0
	}
	if !any {
		return ""
	}
	var text string
	if same {
		text = percentOf(l.Rate[arms[0]]) + " of " + level.Plural()
	} else {
		var parts []string
		for _, arm := range arms {
			parts = append(parts, percentOf(l.Rate[arm])+" in "+armWords(arm))
		}
		text = level.Plural() + " (" + listed(parts) + ")"
	}
	on := map[string]bool{}
	for name := range l.Depends {
		on[name] = true
	}
	for _, slopes := range l.DependsByArm {
		for name := range slopes {
			on[name] = true
		}
	}
	if len(on) > 0 {
		text += ", depending on " + listed(slices.Sorted(maps.Keys(on)))
	}
	if differsByArm(l, arms) {
		text += " differently by arm"
	}
	return text
}

// differsByArm reports whether a loss depends on anything more in one arm than in another,
// of those that lose any.
func differsByArm(l dgp.Loss, arms []string) bool {
	for _, arm := range arms {
		for _, other := range arms {
			for name, slope := range l.DependsByArm[arm] {
				if l.Rate[arm] > 0 && l.Rate[other] > 0 && slope != l.DependsByArm[other][name] {
					return true
				}
			}
		}
	}
	return false
}

// takeUp says what share of those assigned receive the treatment.
func (p *plan) takeUp() string {
	for _, s := range p.design.Design.Delivery() {
		if s.Name == "Compliance" {
			return s.Words
		}
	}
	return ""
}

// delivery says the rest of how the treatment is delivered.
func (p *plan) delivery() string {
	var parts []string
	for _, s := range p.design.Design.Delivery() {
		if s.Name != "Compliance" {
			parts = append(parts, strings.ToLower(s.Name)+" ("+s.Words+")")
		}
	}
	return listed(parts)
}

// scale is the unit of the outcome, behind a number with its space; "" where it is
// not known.
func (p *plan) scale(outcome string) string {
	name := columnOf(outcome)
	a, o := p.design.Achievement, p.design.Observation
	switch {
	case name == "":
		return ""
	case p.isQuality(name):
		if o.Points {
			return " points"
		}
		return " SD"
	case a.Outcomes[name] != nil:
		return ""
	case name == a.Total || slices.Contains(a.Tests, name):
		if !a.Points {
			return " SD"
		}
		if v := p.design.Trial.Variances().Find(name); v != nil && math.Abs(v.Variance-1) < 0.005 {
			return " SD"
		}
		return " points"
	}
	return ""
}

// outcome says what the primary outcome is.
func (p *plan) outcome() string {
	a, o, name := p.design.Achievement, p.design.Observation, p.column
	unit := strings.TrimSpace(p.scale(p.row.Outcome))
	if unit == "SD" {
		unit = "standard deviations"
	}
	what := ""
	switch {
	case p.isQuality(name) && name == o.Total:
		what = "total score of classroom observation"
	case p.isQuality(name):
		what = "score of a domain of classroom observation"
	case a.Outcomes[name] != nil:
		what = a.Outcomes[name].Doc()
	case name == a.Total && len(a.Tests) > 1:
		what = "mean of " + listed(a.Tests)
	case name == a.Total || slices.Contains(a.Tests, name):
		what = "test score"
	}
	text := p.row.Outcome
	if unit != "" {
		what = strings.TrimPrefix(what+", in "+unit, ", ")
	}
	if what != "" {
		text += " (" + what + ")"
	}
	return text
}

// treatment is the arm that the estimate is of, in words, and what its effect is
// measured by.
func (p *plan) treatment() string {
	if p.target == nil {
		return armWords(p.row.Term)
	}
	text := armWords(p.target.Arm)
	switch {
	case p.design.Design.Compliance.IsReceipt(p.target.Per, p.target.Arm):
		text = "receiving " + text
	case p.target.Per != "":
		text += " per unit of " + p.target.Per
	case p.assigned():
		text = "assignment to " + text
	}
	return text
}

// assigned reports whether the plan's effect is that of assignment to an arm, which not
// all who are assigned to it receive, or others too.
func (p *plan) assigned() bool {
	return p.target != nil && p.target.Per == "" && p.design.Design.Compliance.Partial(p.target.Arm)
}

// tested reports whether the estimate has a test.
func (p *plan) tested() bool { return !math.IsNaN(p.row.Power) }

// estimated reports whether any fit worked.
func (p *plan) estimated() bool { return p.row.NFail < p.row.N }

// effectOf is a row's true effect with its unit.
func (p *plan) effectOf(row *sim.SummaryRow) string {
	if math.IsNaN(row.Truth) {
		return "unknown size"
	}
	return inUnits(row.Truth) + p.scale(row.Outcome)
}

// onTests says the effect that the study declares on each test, where the outcome is
// the total of several, or where not all receive the treatment: it is declared for those
// who do.
func (p *plan) onTests() string {
	a := p.design.Achievement
	total := p.column == a.Total && len(a.Tests) > 1
	test := slices.Index(a.Tests, p.column)
	if p.target == nil || len(a.Outcomes) > 0 || !total && (test < 0 || !p.assigned()) {
		return ""
	}
	mean := a.Effect.Mean
	if own, named := a.ArmEffects[p.target.Arm]; named {
		mean = own.Mean
	}
	if p.design.Trial.Effect != nil {
		mean = slices.Repeat([]float64{*p.design.Trial.Effect}, len(a.Tests))
	}
	if len(mean) != len(a.Tests) {
		return ""
	}
	among := ""
	if p.assigned() {
		among = " on those who receive it"
	}
	switch {
	case !total:
		return fmt.Sprintf(" (%s%s)", written(mean[test]), among)
	case slices.Min(mean) == slices.Max(mean):
		return fmt.Sprintf(" (%s on each test%s)", written(mean[0]), among)
	}
	var parts []string
	for k, name := range a.Tests {
		parts = append(parts, written(mean[k])+" on "+name)
	}
	return " (" + listed(parts) + among + ")"
}

// variance is that of the outcome by level, nil where it is not known.
func (p *plan) variance() *dgp.OutcomeVariance {
	if p.column == "" {
		return nil
	}
	return p.design.Trial.Variances().Find(p.column)
}

// icc says the intraclass correlations of the outcome.
func (p *plan) icc() string {
	v := p.variance()
	if v == nil {
		return ""
	}
	var parts []string
	for _, l := range v.Levels[:3] { // children and rating error have the rest
		if l.ICC > 0 {
			parts = append(parts, fmt.Sprintf("%s (%s)", rounded(l.ICC), p.levelWords(l.Level)))
		}
	}
	if parts == nil {
		return "0"
	}
	return listed(parts)
}

// levelWords names a level of variance; a school with one teacher is its class.
func (p *plan) levelWords(level string) string {
	if level == "school" && p.design.Design.TeacherShares == nil && p.design.Design.Teachers == 1 {
		return "school, which is the class"
	}
	return level
}

// r2 says what the baseline and covariates explain, by level.
func (p *plan) r2() string {
	v := p.variance()
	if v == nil {
		return ""
	}
	var parts []string
	for _, l := range v.Levels {
		if l.R2 > 0 {
			of := ""
			if parts == nil {
				of = " of the variance"
			}
			parts = append(parts, fmt.Sprintf("%s%s between %s", percentOf(math.Round(1e3*l.R2)/1e3), of, pluralLevel(l.Level)))
		}
	}
	return listed(parts)
}

func pluralLevel(level string) string {
	if level == "child" {
		return "children"
	}
	return level + "s"
}

// explains names what explains variance: the baseline, covariates or both.
func (p *plan) explains() string {
	v := p.variance()
	if v == nil {
		return ""
	}
	baseline, covariates := 0.0, 0.0
	for _, l := range v.Levels {
		baseline += l.Baseline
		covariates += l.Covariates
	}
	switch {
	case baseline > 0 && covariates > 0:
		return "the baseline test and covariates explain"
	case baseline > 0:
		return "the baseline test explains"
	case covariates > 0:
		return "covariates explain"
	}
	return ""
}

// reliability says that of the total score of classroom observation, or of the one
// that is the outcome.
func (p *plan) reliability() string {
	o := p.design.Observation
	if o.IsZero() {
		return ""
	}
	name := o.Total
	if p.isQuality(p.column) {
		name = p.column
	}
	v := p.design.Trial.Variances().Find(name)
	if v == nil || v.Reliability == nil {
		return ""
	}
	days := ""
	if o.Days > 1 {
		days = counted(o.Days, "day", "days") + " of "
	}
	return fmt.Sprintf("%s for %s, from %s%s, each rated by %s", rounded(*v.Reliability), name,
		days, counted(o.Segments, "segment", "segments"), counted(o.Coders, "coder", "coders"))
}

func counted(n int, one, many string) string { return grouped(n) + " " + plural(n, one, many) }

// usesQuality reports whether the study observes classrooms to any purpose: any
// estimate has an observed score in it.
func (p *plan) usesQuality() bool {
	if p.design.Observation.IsZero() {
		return false
	}
	names := append([]string{p.design.Observation.Total}, p.design.Quality.Domains...)
	for _, i := range p.inCell() {
		r := &p.Summary.Rows[i]
		words := strings.FieldsFunc(r.Outcome+" "+r.Term, func(c rune) bool { return !isNameRune(c) })
		if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(names, w) }) {
			return true
		}
	}
	return false
}

// analysis says how the estimate is made and tested.
func (p *plan) analysis() analysis {
	return analysisOf(p.method(p.row.Estimator), p.row.Term, p.design.Design.Arms, p.Study.Terms)
}

// level says the size of the tests.
func (p *plan) level() string { return "α = " + written(p.Summary.Alpha) }

// adjustmentWords name an adjustment of p-values.
func adjustmentWords(a sim.Adjustment) string {
	words := map[sim.Adjustment]string{
		sim.Bonferroni: "Bonferroni's method", sim.Holm: "Holm's method", sim.Hochberg: "Hochberg's method",
		sim.BH: "Benjamini and Hochberg's method", sim.BY: "Benjamini and Yekutieli's method",
		sim.WestfallYoung: "Westfall and Young's method", sim.RomanoWolf: "Romano and Wolf's method",
	}[a]
	if words == "" {
		return a.String()
	}
	return words
}

// familyWords say how a family is adjusted: "by Holm's method over 2 outcomes
// (reading and maths)".
func familyWords(f *sim.FamilyPower) string {
	return fmt.Sprintf("by %s over %s (%s)", adjustmentWords(f.Method), counted(len(f.Outcomes), "outcome", "outcomes"), listed(f.Outcomes))
}

// inUnits writes an effect or its like to three digits.
func inUnits(x float64) string { return digits(x, 3) }

// errorOf writes a Monte Carlo standard error to two digits; "" where there is none.
func errorOf(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return digits(x, 2)
}

// digits writes a number with so many significant digits, zeros at its end included,
// and no exponent.
func digits(x float64, n int) string {
	if x == 0 {
		return "0"
	}
	// The exponent after rounding: 0.09996 has three digits as 0.100.
	text := strconv.FormatFloat(x, 'e', n-1, 64)
	exponent, _ := strconv.Atoi(text[strings.IndexByte(text, 'e')+1:])
	return strconv.FormatFloat(x, 'f', max(0, n-1-exponent), 64)
}

// share writes a simulated share in percent with its 95% Monte Carlo interval.
func share(s sim.Simulated) string {
	return percentWith1(s.Value) + interval(s)
}

// ofTrials is share where it is one of trials.
func ofTrials(s sim.Simulated) string { return percentWith1(s.Value) + " of trials" + interval(s) }

func interval(s sim.Simulated) string {
	return fmt.Sprintf(" (95%% Monte Carlo interval %s to %s)", percentWith1(s.Low), percentWith1(s.High))
}

func percentWith1(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + "%" }

// rejections is the share of trials in which a row's test rejects: with adjusted
// p-values where it is in a family.
func (p *plan) rejections(row *sim.SummaryRow) sim.Simulated {
	if f, adjusted := p.Families.Of(row); f != nil {
		return sim.Wilson(adjusted.Value, f.N)
	}
	return row.Rejections()
}

// rejectionsMCSE is the Monte Carlo standard error of rejections.
func (p *plan) rejectionsMCSE(row *sim.SummaryRow) float64 {
	value := p.rejections(row).Value
	return math.Sqrt(value * (1 - value) / float64(row.N))
}

// power is the power that the plan states.
func (p *plan) power() sim.Simulated { return p.rejections(p.row) }

// detectable says the minimum detectable effect; "" where there is no formula.
func (p *plan) detectable() (value, mcse string) {
	x, e := p.row.MDES, p.row.MDESMCSE
	if math.IsNaN(x) {
		return "", ""
	}
	return inUnits(x) + p.scale(p.row.Outcome), errorOf(e)
}

// trials says how much was simulated, and by what.
func (p *plan) trials() string {
	text := counted(p.row.N, "simulated trial", "simulated trials")
	if unfinished := p.Summary.Extent().Unfinished(); unfinished != "" {
		text += " (" + unfinished + ")"
	}
	return text
}

// provenance is version and seed.
func (p *plan) provenance() string {
	return fmt.Sprintf("coachsim %s, seed %d", p.Summary.Made.Version, p.Study.Seed)
}

// sensitivity says over which designs power was simulated, and from where to where
// it goes, after adjustment where the test is in a family; "" without a sweep.
// Designs without an effect are left out.
func (p *plan) sensitivity() (designs, power, effect string) {
	var with []int
	for _, i := range p.same() {
		if r := &p.Summary.Rows[i]; !r.Null() && !math.IsNaN(r.Power) {
			with = append(with, i)
		}
	}
	if len(with) < 2 {
		return "", "", ""
	}
	rows := p.Summary.Rows
	var varied []string
	keys := factorKeys(p.factors)
	for k, key := range keys {
		words := plots.InSentence(plots.AxisName(key))
		var values []string
		for _, i := range with {
			if v := plots.Bare(rows[i].Factors[k].Value); !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		if len(values) > 1 {
			varied = append(varied, words+" ("+valueRange(values)+")")
		}
	}
	least, most := math.Inf(1), math.Inf(-1)
	var leastError, mostError float64
	for _, i := range with {
		value, mcse := p.rejections(&rows[i]).Value, p.rejectionsMCSE(&rows[i])
		if value < least {
			least, leastError = value, mcse
		}
		if value > most {
			most, mostError = value, mcse
		}
	}
	power = fmt.Sprintf("%s to %s (Monte Carlo standard errors %.1f and %.1f points)", percentWith1(least), percentWith1(most), 100*leastError, 100*mostError)
	low, high := -1, -1
	for _, i := range with {
		x := rows[i].MDES
		if math.IsNaN(x) {
			return listed(varied), power, ""
		}
		if low < 0 {
			low, high = i, i
		}
		if x < rows[low].MDES {
			low = i
		}
		if x > rows[high].MDES {
			high = i
		}
	}
	return listed(varied), power, inUnits(rows[low].MDES) + " to " + inUnits(rows[high].MDES) + p.scale(p.row.Outcome) +
		fmt.Sprintf(" (Monte Carlo standard errors %s and %s)", errorOf(rows[low].MDESMCSE), errorOf(rows[high].MDESMCSE))
}

// valueRange lists few values, and says the ends of many numbers.
func valueRange(values []string) string {
	var numbers []float64
	for _, v := range values {
		if x, err := strconv.ParseFloat(v, 64); err == nil {
			numbers = append(numbers, x)
		}
	}
	if len(values) <= 3 || len(numbers) < len(values) {
		return listed(values)
	}
	return written(slices.Min(numbers)) + " to " + written(slices.Max(numbers))
}

// failures says how many fits failed.
func (p *plan) failures() string {
	if p.row.NFail == 0 {
		return fmt.Sprintf("none of %s failed", counted(p.row.N, "fit", "fits"))
	}
	return fmt.Sprintf("%s of %s failed", grouped(p.row.NFail), counted(p.row.N, "fit", "fits"))
}

// left lists what the trial does not model.
func (p *plan) left() []string {
	d, a, q := p.design.Design, p.design.Achievement, p.design.Quality
	var all []string
	add := func(absent bool, what string) {
		if absent {
			all = append(all, what)
		}
	}
	treated := len(d.Arms) > 1
	add(treated && d.Coaches == nil, "differences between coaches")
	add(treated && d.Compliance == nil, "incomplete take-up and contamination")
	add(treated && d.Dosage == nil, "dosage")
	add(d.Turnover == nil, "turnover of teachers")
	add(d.Mobility == nil, "mobility of children")
	add(treated && d.Spillover == nil, "spillover")
	add(p.usesQuality() && p.design.Observation.Raters == nil, "severity and drift of raters")
	depends := func(l dgp.Loss) bool { return len(l.Depends)+len(l.DependsByArm) > 0 }
	loss := d.Attrition.Loss
	add(losses(p.design.Design) == "", "attrition")
	add(losses(p.design.Design) != "" && !depends(loss.School) && !depends(loss.Teacher) && !depends(loss.Child), "attrition that depends on outcomes")
	varies := func(e dgp.TestEffect) bool {
		return e.Bottom != 0 || len(e.By) > 0 || len(e.Quantiles) > 0 || e.SchoolSD > 0 || e.BlockSD > 0
	}
	differs := varies(a.Effect) || len(q.Effect.By) > 0 || slices.ContainsFunc(q.Effect.Engagement, nonzero) || slices.ContainsFunc(q.Effect.Noise, nonzero)
	for _, e := range a.ArmEffects {
		differs = differs || varies(e.TestEffect)
	}
	for _, e := range q.ArmEffects {
		differs = differs || len(e.By) > 0 || slices.ContainsFunc(e.Engagement, nonzero) || slices.ContainsFunc(e.Noise, nonzero)
	}
	add(treated && !differs, "effects that differ between units")
	return all
}

func nonzero(x float64) bool { return x != 0 }
