package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"coachsim/estimators"
	"coachsim/sim"
)

// A Proposal is what a run says for a grant proposal or a registration.
type Proposal struct {
	Long      string // every assumption with its source, in sentences
	Short     string // the same in at most 150 words
	Checklist []Item
	Selection sim.Summary // whose selection rates are told, of studies that select predictors
	Made      sim.Provenance
}

// An Item is one line of a checklist of what a sample-size calculation should
// state.
type Item struct{ Name, Value, Source string }

// notStated stands for what the study says nothing of.
const notStated = "not stated"

// maxShort is the number of words that Short may have.
const maxShort = 150

// Proposal writes the proposal of a run: of the study's primary estimate, in the
// design that plan tells. It is empty where nothing was estimated.
//
// The items are those that CONSORT asks of cluster trials (Campbell, Piaggio,
// Elbourne and Altman, BMJ 2012;345:e5661, item 7a) and that J-PAL, 3ie and the AEA
// registry ask of power calculations.
func (r Results) Proposal() Proposal {
	p := newPlan(r)
	if p == nil {
		return Proposal{}
	}
	return Proposal{Long: strings.Join(p.long(), " "), Short: p.short(), Checklist: p.checklist(), Selection: r.Summary, Made: p.Summary.Made}
}

// sourced puts a source behind a fact.
func sourced(source string) string {
	if source == "" {
		return " [source " + notStated + "]"
	}
	return " [" + strings.TrimRight(strings.TrimSpace(source), ".") + "]"
}

// optional puts a source behind a fact that needs none.
func optional(source string) string {
	if source == "" {
		return ""
	}
	return sourced(source)
}

// sentence ends words as a sentence, unless there are none.
func sentence(words ...string) string {
	text := strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), "")
	if text == "" {
		return ""
	}
	return capital(text) + "."
}

// long lists the sentences of the long paragraph.
func (p *plan) long() []string {
	s := p.Study.Sources
	var all []string
	say := func(words ...string) {
		if text := sentence(words...); text != "" {
			all = append(all, text)
		}
	}
	all = append(all, p.opening())
	say(p.schools(), sourced(s.Sizes))
	if lost := losses(p.design.Design); lost != "" {
		say("we allow for the loss of ", lost, sourced(s.Attrition))
	} else {
		say("no attrition is assumed", optional(s.Attrition))
	}
	if len(p.design.Design.Arms) > 1 {
		if takeUp := p.takeUp(); takeUp != "" {
			say("take-up is ", takeUp, sourced(s.TakeUp))
		} else if p.lots() {
			say("full compliance with the assignment is assumed", optional(s.TakeUp))
		}
	}
	if delivery := p.delivery(); delivery != "" {
		say("also modelled: ", delivery)
	}
	all = append(all, p.aims()...)
	if v := p.variance(); v == nil {
		say("the intraclass correlation of this outcome is ", notStated)
	} else {
		say("the ", plural(strings.Count(p.icc(), "("), "intraclass correlation of ", "intraclass correlations of "), p.column, " ",
			plural(strings.Count(p.icc(), "("), "is ", "are "), p.icc(), sourced(s.ICC))
		if r2 := p.r2(); r2 != "" {
			say(p.explains(), " ", r2, sourced(s.R2))
		} else {
			say("no baseline test or covariate explains any of its variance", optional(s.R2))
		}
	}
	if p.usesQuality() {
		say("the reliability of classroom observation is ", p.reliability(), sourced(s.Reliability))
	}
	if _, correlation := p.method(p.row.Estimator).(estimators.Correlation); correlation {
		say("we will estimate the correlation of ", p.row.Outcome, " and ", p.row.Term)
	} else {
		say(p.verb(), " by ", p.analysis().sentence())
	}
	if p.tested() {
		say("tests are two-sided at ", p.level(), "; ", p.multiplicity())
	}
	all = append(all, p.results()...)
	if left := p.left(); len(left) > 0 {
		say("the simulation leaves out ", listed(left))
	}
	return all
}

// verb begins the sentence on the analysis.
func (p *plan) verb() string {
	switch {
	case p.row.Estimand == "":
		return "we will estimate the coefficient of " + p.row.Term + " on " + p.row.Outcome
	case p.target != nil && p.target.Per != "":
		return "we will estimate the effect per unit of " + p.target.Per
	}
	return "we will estimate the effect"
}

// arms names the treatments.
func (p *plan) arms() []string {
	var all []string
	for _, arm := range p.design.Design.Arms[1:] {
		if !strings.Contains(arm, "+") {
			all = append(all, arm)
		}
	}
	return all
}

// opening is the first sentence: who is in the study, and how they come into arms.
func (p *plan) opening() string {
	d := p.design.Design
	strata := p.strata()
	if strata != "" {
		strata = " (" + strata + ")"
	}
	switch {
	case len(d.Arms) == 1:
		return sentence("we will observe ", p.units(), strata, "; no treatment is assigned")
	case !p.lots():
		return sentence("this is an observational study: ", p.Study.Sources.Choice, " decide on ", listed(p.arms()), ". The simulation starts from ", p.units(), strata,
			", of which ", p.allocation(), "; choice is modelled by who leaves them")
	}
	how := d.Lottery().How
	switch {
	case strings.HasPrefix(how, "by ") || strings.HasPrefix(how, "to "):
		how = " " + how
	case how != "":
		how = ", " + how
	}
	return sentence("we will randomise ", p.units(), strata, how, "; ", p.allocation())
}

// schools says the sizes.
func (p *plan) schools() string {
	if p.design.Design.TeacherShares == nil && p.design.Design.Teachers == 1 {
		return "there will be 1 study teacher per school, with a class of " + strings.Replace(p.classSizes(), " per class", "", 1)
	}
	return "there will be " + p.teachers() + ", and " + p.classSizes()
}

// aims says the outcome and the effect, with the other treatments' effects.
func (p *plan) aims() []string {
	s := p.Study.Sources
	first := sentence("the primary outcome is ", p.outcome())
	if p.row.Estimand == "" {
		return []string{first}
	}
	if p.target == nil { // the truth is another estimate's, which only a simulation can make
		return []string{first, sentence("the true coefficient of ", p.row.Term, ", the ", p.row.Estimand, ", is ", p.effectOf(p.row), optional(s.Effect))}
	}
	text := "the assumed effect of " + p.treatment() + " is " + p.effectOf(p.row)
	if p.row.Null() {
		return []string{first, sentence("no effect of ", p.treatment(), " is assumed: the truth is ", p.effectOf(p.row), p.whose(), optional(s.Effect))}
	}
	if !p.estimated() {
		text = "the assumed effect of " + p.treatment() + " is of " + p.effectOf(p.row)
	}
	return []string{first, sentence(text, p.onTests(), p.whose(), sourced(s.Effect))}
}

// whose says over whom the effect is averaged, where that is not all.
func (p *plan) whose() string {
	if p.target != nil && p.target.Where != "" {
		return " among units with " + p.target.Where
	}
	return ""
}

// multiplicity says how p-values are adjusted.
func (p *plan) multiplicity() string {
	text := "the primary test is not adjusted for multiplicity"
	if f, _ := p.family(); f != nil {
		text = "the p-value of the primary test is adjusted " + familyWords(f)
	}
	for _, f := range p.otherFamilies() {
		text += fmt.Sprintf("; the family “%s” is adjusted %s", f.Family, familyWords(f))
	}
	return text
}

// results says what the simulation found.
func (p *plan) results() []string {
	var all []string
	say := func(words ...string) { all = append(all, sentence(words...)) }
	trials, unit := p.trials(), p.scale(p.row.Outcome)
	from := "in " + trials + " (" + p.provenance() + "), "
	switch {
	case !p.estimated():
		say(from, "no fit worked, so that there is no estimate and no power")
	case !p.tested():
		mean, mcse := inUnits(p.row.Mean), errorOf(p.row.MeanMCSE())
		say(from, "the mean estimate is ", mean, withMCSE(mcse), "; it has no test, and so no power")
	case p.row.Estimand == "":
		mean, mcse := inUnits(p.row.Mean), errorOf(p.row.MeanMCSE())
		say(from, "the mean estimate is ", mean, withMCSE(mcse), ", for which the simulation has no true value to compare; its test rejects in ", ofTrials(p.power()))
	case !p.lots():
		bias, mcse := inUnits(p.row.Bias), errorOf(p.row.BiasMCSE)
		say(from, "the bias is ", bias, unit, withMCSE(mcse), " and the ", written(100-100*p.Summary.Alpha), "% confidence interval covers the true effect in ", ofTrials(p.row.Coverage()))
		say("the test rejects in ", ofTrials(p.power()), ", which includes the bias and is no power")
	default:
		say(from, p.rejectionWords(p.row), share(p.power()), p.biased(p.row, true))
		if f, _ := p.family(); f != nil {
			say("without adjustment it is ", share(p.row.Rejections()))
		}
		of := ""
		if p.assigned() {
			of = "of assignment "
		}
		if mdes, mcse := p.detectable(); mdes != "" {
			say("the smallest effect "+of+"detectable with ", written(100*sim.MDESPower), "% power is ", mdes, withMCSE(mcse), ", from the spread of the estimates", p.unadjusted())
		} else {
			say(p.undetectable())
		}
		say(p.size())
	}
	for _, i := range p.otherArms() {
		r := &p.Summary.Rows[i]
		say("for ", armWords(r.Term), ", with an assumed effect of ", p.effectOf(r), ", ", p.rejectionWords(r), share(p.rejections(r)), p.biased(r, true))
	}
	say(p.spread())
	if p.lots() {
		say(p.mediation())
		if i := p.indirect(); i >= 0 && i != p.at {
			r := &p.Summary.Rows[i]
			say("for the indirect effect of ", p.effectOf(r), " (", r.Estimator, "), ", p.rejectionWords(r), share(p.rejections(r)), p.biased(r, true))
		}
		say(p.parts())
	}
	failures := "of the " + counted(p.row.N, "fit", "fits") + " of this estimate, none failed"
	if p.row.NFail > 0 {
		failures = "of the " + counted(p.row.N, "fit", "fits") + " of this estimate, " + grouped(p.row.NFail) + " failed"
	}
	if slices.ContainsFunc(p.Summary.Rows, func(r sim.SummaryRow) bool { return r.Estimator != p.row.Estimator && r.NFail > 0 }) {
		failures += ", but fits of others did, as the tables show"
	}
	say(failures, "; ", plural(p.row.NFail, "a failed fit counts", "failed fits count"), " as not significant")
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// rejectionWords introduce the share of trials in which a test rejects.
func (p *plan) rejectionWords(r *sim.SummaryRow) string {
	if r.Null() {
		return "the rate of false positives" + p.adjusted(r) + " is "
	}
	return "power" + p.adjusted(r) + " is "
}

// adjusted says of a test in a family that what is told of it is after adjustment.
func (p *plan) adjusted(r *sim.SummaryRow) string {
	if f, _ := p.Families.Of(r); f != nil {
		return " after adjustment"
	}
	return ""
}

// biased warns of a bias that is more than Monte Carlo error, of which 3 standard errors
// warn of an unbiased estimate in 0.3% of runs, and more than a tenth of the standard error,
// which makes power of no use alone; with its coverage if asked.
func (p *plan) biased(r *sim.SummaryRow, coverage bool) string {
	if !(math.Abs(r.Bias) > max(3*r.BiasMCSE, 0.1*r.EmpSE)) {
		return ""
	}
	text := "; but the estimate has a bias of " + inUnits(r.Bias) + p.scale(r.Outcome) + withMCSE(errorOf(r.BiasMCSE)) + ", which this includes"
	if coverage && r.Intervals > 0 {
		text += ", and its interval covers the true effect in " + ofTrials(r.Coverage())
	}
	return text
}

// undetectable says why there is no smallest detectable effect.
func (p *plan) undetectable() string {
	if p.row.Estimates() < 2 {
		return "the smallest detectable effect follows from the spread of the estimates, of which there is only one"
	}
	return "the smallest detectable effect has no formula for this test; coachsim mde finds it by simulation"
}

// unadjusted warns where the detectable effect is that of a test which is adjusted.
func (p *plan) unadjusted() string {
	if f, _ := p.family(); f != nil {
		return " and before adjustment"
	}
	return ""
}

func withMCSE(mcse string) string {
	if mcse == "" {
		return ""
	}
	return " (Monte Carlo standard error " + mcse + ")"
}

// size says how often the test rejects without an effect.
func (p *plan) size() string {
	row, differs := p.without()
	switch row {
	case p.row:
		return ""
	case nil:
		return "the size of the test was not simulated; a sweep with a design without effect (key: effect) shows it"
	}
	at := ""
	if len(differs) > 0 {
		at = " (design with " + factorWords(differs) + ")"
	}
	return "without an effect" + at + " the same test rejects in " + ofTrials(p.rejections(row)) + p.adjusted(row)
}

// spread says the sensitivity.
func (p *plan) spread() string {
	designs, power, effect := p.sensitivity()
	if power == "" {
		return "no other design was simulated; a sweep would show how sensitive this is to the assumptions"
	}
	what := "power"
	if !p.lots() || p.row.Estimand == "" {
		what = "the share of significant tests"
	}
	what += p.adjusted(p.row)
	text := "over designs that differ in " + designs + ", " + what + " goes from " + power
	if effect != "" && p.lots() {
		text += " and the smallest detectable effect from " + effect
	}
	return text
}

// mediation says the power to find an effect on classroom quality.
func (p *plan) mediation() string {
	if p.isQuality(p.row.Outcome) {
		return ""
	}
	i := p.mediator()
	if i < 0 {
		return ""
	}
	r := &p.Summary.Rows[i]
	return fmt.Sprintf("for the assumed effect of %s on observed classroom quality (%s), %s%s", p.effectOf(r), r.Outcome, p.rejectionWords(r), share(p.rejections(r)))
}

// maxSubgroups is how many subgroups the paragraph tells of.
const maxSubgroups = 3

// parts says the power in subgroups.
func (p *plan) parts() string {
	found := p.subgroups()
	if len(found) == 0 {
		return ""
	}
	var all []string
	for _, i := range found[:min(len(found), maxSubgroups)] {
		r := &p.Summary.Rows[i]
		name := r.Term + " on " + r.Outcome
		if t := p.targets[[3]string{r.Estimator, r.Outcome, r.Term}]; t != nil && t.Where != "" {
			name += " where " + t.Where
		}
		all = append(all, name+" in "+ofTrials(p.rejections(r))+p.adjusted(r))
	}
	text := "in subgroups, the tests reject: " + listed(all)
	if n := len(found) - maxSubgroups; n > 0 {
		text += fmt.Sprintf(", and %s more", grouped(n))
	}
	return text
}

// short writes the short paragraph: the sentences that must be, and of the others,
// in the order of their weight, those that leave it short enough.
func (p *plan) short() string {
	type part struct {
		text   string
		weight int // 0 must be
	}
	d := p.design.Design
	tested := "about " + rounded(math.Round(d.TestsPerClass())) + " tested children per class"
	var parts []part
	add := func(weight int, words ...string) { parts = append(parts, part{sentence(words...), weight}) }
	parts = append(parts, part{p.opening(), 0})
	add(1, "there will be ", strings.TrimSuffix(p.teachers(), ", with a class each"), " and ", tested)
	if takeUp := p.takeUp(); takeUp != "" {
		add(1, "take-up is ", takeUp)
	}
	var assumed []string
	if icc := p.icc(); icc != "" && p.variance() != nil {
		assumed = append(assumed, plural(strings.Count(icc, "("), "an intraclass correlation of ", "intraclass correlations of ")+strings.ReplaceAll(icc, ", which is the class", ""))
	}
	if r2 := p.r2(); r2 != "" {
		assumed = append(assumed, "that "+p.explains()+" "+r2)
	}
	if lost := losses(p.design.Design); lost != "" {
		assumed = append(assumed, "the loss of "+lost)
	}
	if assumed != nil {
		last := len(assumed) - 1
		if last > 0 {
			assumed[last] = "and " + assumed[last]
		}
		add(2, "we assume ", strings.Join(assumed, "; "))
	}
	a := p.analysis()
	with := a.Method
	if a.Errors != "" {
		with += " with " + strings.ReplaceAll(a.Errors, " (Satterthwaite's degrees of freedom)", "")
	}
	adjusted := ""
	f, _ := p.family()
	if f != nil {
		adjusted = fmt.Sprintf(", adjusted by %s over %s", adjustmentWords(f.Method), counted(len(f.Outcomes), "outcome", "outcomes"))
	}
	from := "by " + with + ", two-sided at " + p.level() + adjusted + ", " + p.trials() + " "
	if !p.tested() {
		from = "by " + with + ", " + p.trials() + " "
	}
	gives := plural(p.row.N, "gives ", "give ")
	number := p.effectOf(p.row)
	switch {
	case !p.estimated():
		add(0, from, gives, "no estimate")
	case !p.tested() || p.row.Estimand == "":
		mean, mcse := inUnits(p.row.Mean), errorOf(p.row.MeanMCSE())
		text := []string{from, gives, "a mean coefficient of ", mean, withMCSE(mcse), " for ", p.row.Term, " on ", p.row.Outcome}
		if p.tested() {
			text = append(text, "; its test rejects in ", ofTrials(p.power()))
		}
		add(0, text...)
	case !p.lots():
		bias, mcse := inUnits(p.row.Bias), errorOf(p.row.BiasMCSE)
		add(0, from, gives, "a bias of ", bias, withMCSE(mcse), " for an effect of ", number, " on ", p.row.Outcome, "; ", written(100-100*p.Summary.Alpha), "% intervals cover it in ", ofTrials(p.row.Coverage()))
	case p.row.Null():
		add(0, from, gives, "a rate of false positives of ", share(p.power()), " on ", p.row.Outcome, p.biased(p.row, false))
	default:
		add(0, from, gives, "power ", share(p.power()), " for an effect of ", p.treatment(), " of ", number, " on ", p.row.Outcome, p.biased(p.row, false))
		if mdes, mcse := p.detectable(); mdes != "" {
			add(1, written(100*sim.MDESPower), "% power", strings.Replace(p.unadjusted(), " and", "", 1), " takes an effect of ", mdes, strings.Replace(withMCSE(mcse), "Monte Carlo ", "", 1))
		}
	}
	if row, differs := p.without(); p.lots() && row != nil && row != p.row && len(differs) < 3 {
		add(3, "the test's size", p.adjusted(row), " is ", percentWith1(p.rejections(row).Value), fmt.Sprintf(" (standard error %.1f)", 100*p.rejectionsMCSE(row)))
	}
	if _, power, _ := p.sensitivity(); power != "" && p.lots() && p.row.Estimand != "" {
		add(4, "power", p.adjusted(p.row), " over the sweep is ", strings.Replace(power, "Monte Carlo ", "", 1))
	}
	if p.row.NFail > 0 {
		add(0, p.failures(), ", and count as not significant")
	} else {
		add(3, "no fit failed")
	}
	add(5, "simulated by ", p.provenance())
	words := 0
	for _, q := range parts {
		if q.weight == 0 {
			words += len(strings.Fields(q.text))
		}
	}
	keep := make([]bool, len(parts))
	for weight := range 6 {
		for i, q := range parts {
			n := len(strings.Fields(q.text))
			if q.weight == 0 {
				keep[i] = true
			} else if q.weight == weight && words+n <= maxShort {
				keep[i] = true
				words += n
			}
		}
	}
	var texts []string
	for i, q := range parts {
		if keep[i] {
			texts = append(texts, q.text)
		}
	}
	return strings.Join(texts, " ")
}

// checklist lists what a sample-size calculation should state.
func (p *plan) checklist() []Item {
	d, s := p.design.Design, p.Study.Sources
	var all []Item
	add := func(name, value, source string) {
		if value == "" {
			value = notStated
		}
		all = append(all, Item{name, value, source})
	}
	stated := func(source string) string {
		if source == "" {
			return notStated
		}
		return source
	}
	level := d.Assignment.Level()
	switch {
	case len(d.Arms) == 1:
		add("Unit of assignment", "none: no treatment is assigned", "")
		add("Units", p.units(), stated(s.Sizes))
	case !p.lots():
		add("Unit of assignment", "none: "+s.Choice+" decide", "")
		add("Units", p.units(), stated(s.Sizes))
	default:
		how := d.Lottery().How
		if how == "" {
			how = "all together"
		}
		add("Unit of randomisation", level.String()+", "+how, "")
		add("Number randomised", p.units(), stated(s.Sizes))
	}
	if strata := p.strata(); strata != "" {
		add("Blocks (strata)", strata, "")
	} else {
		add("Blocks (strata)", "none", "")
	}
	if len(d.Arms) > 1 {
		add("Allocation", p.allocation(), "")
	}
	add("Teachers", p.teachers(), stated(s.Sizes))
	add("Children and variation of cluster size", p.classSizes(), stated(s.Sizes))
	add("Primary outcome and scale", p.outcome(), "")
	if p.row.Estimand != "" {
		add("Effect of "+p.treatment(), p.effectOf(p.row)+p.onTests()+p.whose(), stated(s.Effect))
	}
	add("Intraclass correlations", p.icc(), stated(s.ICC))
	if r2 := p.r2(); r2 != "" {
		add("R²", strings.TrimSpace(p.explains()+" "+r2), stated(s.R2))
	} else if p.variance() != nil {
		add("R²", "0", "")
	} else {
		add("R²", "", "")
	}
	if p.usesQuality() {
		add("Reliability of observation", p.reliability(), stated(s.Reliability))
	}
	if lost := losses(p.design.Design); lost != "" {
		add("Attrition", lost, stated(s.Attrition))
	} else {
		add("Attrition", "none", stated(s.Attrition))
	}
	if len(d.Arms) > 1 {
		if takeUp := p.takeUp(); takeUp != "" {
			add("Take-up", takeUp, stated(s.TakeUp))
		} else {
			add("Take-up", "as assigned", stated(s.TakeUp))
		}
	}
	add("Estimator and standard error", p.analysis().sentence(), "")
	if p.tested() {
		add("Level of the test", p.level()+", two-sided", "")
		add("Multiplicity", p.multiplicity(), "")
	}
	switch {
	case !p.estimated():
		add("Power", "no fit worked", "simulated")
	case !p.tested():
		add("Power", "no test", "simulated")
	case p.row.Estimand == "":
		add("Share of significant tests"+p.adjusted(p.row), share(p.power()), "simulated")
	case !p.lots():
		bias, mcse := inUnits(p.row.Bias), errorOf(p.row.BiasMCSE)
		add("Bias", bias+p.scale(p.row.Outcome)+withMCSE(mcse), "simulated")
		add("Coverage", share(p.row.Coverage()), "simulated")
		add("Share of significant tests"+p.adjusted(p.row)+", bias included", share(p.power()), "simulated")
	default:
		name := "Power"
		if p.row.Null() {
			name = "Rate of false positives"
		}
		add(name+p.adjusted(p.row), share(p.power()), "simulated")
		mdes, mcse := p.detectable()
		if mdes == "" {
			mdes = "no formula for this test"
			if p.row.Estimates() < 2 {
				mdes = "needs two trials at least"
			}
		}
		add("Smallest effect detectable with "+written(100*sim.MDESPower)+"% power", mdes+strings.Replace(p.unadjusted(), " and", ",", 1)+withMCSE(mcse), "simulated")
		if p.biased(p.row, false) != "" {
			add("Bias", inUnits(p.row.Bias)+p.scale(p.row.Outcome)+withMCSE(errorOf(p.row.BiasMCSE))+", which the shares include", "simulated")
		}
		if row, differs := p.without(); row != nil {
			at := ""
			if len(differs) > 0 {
				at = ", design with " + factorWords(differs)
			}
			add("Size of the test", share(p.rejections(row))+p.adjusted(row)+at, "simulated")
		} else {
			add("Size of the test", "not simulated", "")
		}
	}
	if designs, power, effect := p.sensitivity(); power != "" {
		text := "share of significant tests"
		if p.lots() && p.row.Estimand != "" {
			text = "power"
		}
		text += p.adjusted(p.row) + " " + power + " over " + designs
		if effect != "" && p.lots() {
			text += "; detectable effect " + effect
		}
		add("Sensitivity", text, "simulated")
	} else {
		add("Sensitivity", "no other design simulated", "")
	}
	if p.lots() {
		if p.isQuality(p.row.Outcome) {
			add("Mediator (classroom quality)", "is the primary outcome", "")
		} else if i := p.mediator(); i >= 0 {
			r := &p.Summary.Rows[i]
			add("Mediator (classroom quality)", p.effectOf(r)+" on "+r.Outcome+", power"+p.adjusted(r)+" "+share(p.rejections(r)), "simulated")
		} else {
			add("Mediator (classroom quality)", "not estimated", "")
		}
		if i := p.indirect(); i >= 0 {
			r := &p.Summary.Rows[i]
			add("Indirect effect", p.effectOf(r)+" on "+r.Outcome+" ("+r.Estimator+"), power"+p.adjusted(r)+" "+share(p.rejections(r)), "simulated")
		}
		if found := p.subgroups(); len(found) > 0 {
			add("Subgroups", p.parts(), "simulated")
		} else {
			add("Subgroups", "not estimated", "")
		}
	}
	add("Failed fits", p.failures()+"; a failure counts as not significant", "simulated")
	add("Simulation", p.trials()+", "+p.provenance(), "")
	add("Left out", listed(p.left()), "")
	for _, warning := range p.Study.Warnings() {
		add("Warning", warning, "")
	}
	return all
}

// WriteMarkdown writes the proposal in Markdown: the long paragraph, the short one
// and the checklist.
func (p Proposal) WriteMarkdown(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "# Power calculation\n\n%s\n\n## In %d words\n\n%s\n\n## Checklist\n\n| Item | This study | Source |\n| :-- | :-- | :-- |\n",
		markdown(p.Long), maxShort, markdown(p.Short))
	for _, item := range p.Checklist {
		fmt.Fprintf(&out, "| %s | %s | %s |\n", markdown(item.Name), markdown(item.Value), markdown(item.Source))
	}
	writeSelection(&out, p.Selection)
	fmt.Fprintf(&out, "\nMade by %s.\n", markdown(p.Made.String()))
	_, err := io.WriteString(w, out.String())
	return err
}

// writeSelection writes the tables of a study that selects predictors.
func writeSelection(out *strings.Builder, s sim.Summary) {
	for _, group := range s.SelectionTables() {
		for _, t := range group.Tables {
			fmt.Fprintf(out, "\n## %s\n\n| estimator |", markdown(t.Title))
			for _, c := range t.Columns {
				fmt.Fprintf(out, " %s %s |", c.Head[0], c.Head[1])
			}
			fmt.Fprintf(out, "\n| :-- |%s\n", strings.Repeat(" --: |", len(t.Columns)))
			for line, name := range t.Names {
				fmt.Fprintf(out, "| %s |", markdown(name))
				for _, c := range t.Columns {
					number, mcse := c.Written(line)
					switch {
					case number == "":
						number = missing
					case mcse != "":
						number += " (" + mcse + ")"
					}
					fmt.Fprintf(out, " %s |", number)
				}
				out.WriteByte('\n')
			}
		}
		fmt.Fprintf(out, "\n%s\n", markdown(strings.Join(group.Notes, " ")))
	}
}
