package sim

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
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

// closedFormOf is the state of one search.
type closedFormOf struct {
	study   Study
	trial   dgp.Trial
	target  *estimators.Target
	outcome string // its column
	method  estimators.Method
	formula *estimators.Formula

	mixed    bool
	blocked  bool    // block effects are held fixed
	share    float64 // of schools that is treated
	schools  float64 // per block, or in all without blocks
	arms     [2]float64
	given    map[string]int
	atSchool int // covariates of schools in the formula

	crossed [2]dgp.Components // by arm: without covariates
	after   [2]dgp.Components // given the covariates of the formula
	size    float64           // children per class
	cv      float64

	notes []string
}

func (b *closedFormOf) note(text string) { b.notes = append(b.notes, text) }

func (b *closedFormOf) findTarget() string {
	t := b.target
	v, err := estimators.ParseVariable(t.Outcome)
	if err != nil {
		return err.Error()
	}
	switch b.outcome = plainColumn(v); {
	case t.Where != "":
		return "it uses only some of the rows"
	case b.outcome == "":
		return "its outcome is a function of columns, " + t.Outcome
	case len(b.trial.Design.Arms) != 2 || t.Arm != b.trial.Design.Arms[1]:
		return "there are more than two arms"
	case t.Rows != dgp.ChildLevel:
		return "its rows are no children"
	}
	return ""
}

// plainColumn returns the column that a variable is, but for its unit; "" for
// another function.
func plainColumn(v estimators.Variable) string {
	if v.Call != nil && v.Call.Function == "std" {
		v = v.Call.Args[0]
	}
	return v.Name
}

// knownKeys are the keys of a trial that the formulas allow for. A trial that
// sets another has no closed form.
var knownKeys = map[string]bool{
	"trial.blocks": true, "trial.schools": true, "trial.teachers": true, "trial.children": true, "trial.tested": true, "trial.arms": true,
	"trial.assignment":        true, // see findDesign
	"trial.attrition.schools": true, "trial.attrition.children": true,
	"covariates":      true,
	"quality.domains": true, "quality.sd": true, "quality.correlation": true, "quality.school_share": true, "quality.context": true,
	"quality.effect.shift": true, "quality.effect.engagement": true, "quality.effect.noise": true, "quality.effect.skew": true, "quality.effect.with_quality": true,
	"observation":     true,
	"achievement.icc": true, "achievement.r2": true, "achievement.correlation": true, "achievement.correlations": true,
	"achievement.tests": true, "achievement.total": true, "achievement.residual": true, "achievement.scale": true, "achievement.block_sd": true,
	"achievement.covariate_sd": true, "achievement.school_sd": true, "achievement.teacher_sd": true, "achievement.slope.sorting": true,
	"achievement.slope.control": true, "achievement.slope.treated": true, "achievement.slope.baseline": true,
	"achievement.effect.mean": true, "achievement.effect.bottom": true, "achievement.points": true,
	"effect": true,
}

// unknownKey returns the path of a key that is set and not among knownKeys, or "".
func unknownKey(v reflect.Value, path string) string {
	if knownKeys[path] || v.IsZero() {
		return ""
	}
	if v.Kind() != reflect.Struct {
		return path
	}
	for i := range v.NumField() {
		tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if key := unknownKey(v.Field(i), strings.TrimPrefix(path+"."+tag, ".")); key != "" {
			return key
		}
	}
	return ""
}

func (b *closedFormOf) findDesign() string {
	if key := unknownKey(reflect.ValueOf(b.trial), ""); key != "" {
		return "the formulas know nothing of " + key
	}
	d := b.trial.Design
	blocks, schools := float64(d.Blocks), float64(d.Schools)
	scheme := reflect.ValueOf(d.Assignment)
	for i := range scheme.NumField() {
		if field := scheme.Type().Field(i); field.Name != "Share" && !scheme.Field(i).IsZero() {
			key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			return "the formulas know nothing of trial.assignment." + key
		}
	}
	equal := func(share float64) float64 { // arms of equal size by default
		if share == 0 {
			return 0.5
		}
		return share
	}
	whole := func(x float64) bool { return math.Abs(x-math.Round(x)) < 1e-9 }
	switch a := d.Assignment.(type) {
	case dgp.Blocked:
		b.share, b.blocked = equal(a.Share), d.Blocks > 1
		if !whole(b.share * schools) {
			return "the number of treated schools is not the same in every block"
		}
	case dgp.Complete:
		b.share = equal(a.Share)
		if !whole(b.share * schools * blocks) {
			return "the number of treated schools varies"
		}
	default:
		return "the number of treated schools varies"
	}
	b.schools = schools
	b.arms = [2]float64{blocks * schools * (1 - b.share), blocks * schools * b.share}
	lost := false
	for arm, name := range d.Arms {
		if n := d.Attrition.Schools[name]; n > 0 {
			lost = true
			b.arms[arm] -= float64(n)
		}
	}
	if lost {
		all := b.arms[0] + b.arms[1]
		b.share, b.schools = b.arms[1]/all, all/blocks
		if b.blocked {
			b.note("schools are lost from blocks at random, so that blocks are unequal")
		}
	}
	return ""
}

// parse reads the formula of a least-squares or mixed regression.
func (b *closedFormOf) parse() string {
	var text string
	switch m := b.method.(type) {
	case estimators.OLS:
		text = m.Formula
	case estimators.Mixed:
		text, b.mixed = m.Formula, true
	default:
		return "its kind of estimator has none"
	}
	f, err := estimators.ParseFormula(text, b.study.Terms)
	if err != nil {
		return err.Error()
	}
	b.formula = f
	return ""
}

func (b *closedFormOf) findFormula() string {
	f, d := b.formula, b.trial.Design
	b.given = map[string]int{}
	for _, term := range f.Terms {
		if len(term.Factors) != 1 {
			return "its formula has the interaction " + term.String()
		}
		p := term.Factors[0]
		if p.Name == b.target.Arm && p.Power == 1 {
			continue
		}
		name := plainColumn(p.Variable)
		i := slices.IndexFunc(b.trial.Covariates, func(c dgp.Covariate) bool { return c.Name == name })
		if i < 0 {
			return "its formula has " + term.String() + ", which is no covariate of the trial"
		}
		if c := b.trial.Covariates[i]; c.Level == dgp.SchoolLevel || c.Level == dgp.TeacherLevel && d.Teachers == 1 {
			b.atSchool++
		}
		// Powers count in order: with x^2 alone neither part is held fixed.
		if p.Power == b.given[name]+1 {
			b.given[name] = p.Power
		}
	}
	blocks := max(b.trial.Achievement.BlockSD, b.trial.Achievement.ICC.Block)
	switch {
	case f.Second != nil:
		return "it absorbs two effects"
	case f.Absorb == "" && b.blocked && blocks > 0:
		return "schools are randomised within blocks, and its formula leaves the blocks out"
	case f.Absorb == "":
		b.schools *= float64(d.Blocks)
		if b.blocked = false; d.Blocks > 1 && blocks > 0 {
			return "schools of a block have something in common, and assignment and formula leave the blocks out"
		}
	case f.Absorb != "block":
		return "it absorbs the effects of " + f.Absorb
	case d.Blocks == 1: // a constant, like the intercept
	case !b.blocked:
		return "it absorbs blocks of unequal shares of treated schools"
	case b.share != 0.5 && !b.mixed:
		return "blocks of unequal arms give cluster-robust standard errors no simple distribution"
	}
	return ""
}

// findTest makes sure that the estimator's standard error allows for the schools.
func (b *closedFormOf) findTest() string {
	d := b.trial.Design
	switch m := b.method.(type) {
	case estimators.OLS:
		switch m.SE {
		case estimators.CR0, estimators.CR1, estimators.CR2, estimators.CR3:
		default:
			return "its standard error does not allow for schools"
		}
		if m.Cluster != "school" && (m.Cluster != "teacher" || d.Teachers > 1) {
			return "its clusters are not the schools that are randomised"
		}
		if m.Rows != "" && m.Rows != "child" {
			return "its rows are no children"
		}
		if b.atSchool > 0 {
			b.note("covariates of schools make cluster-robust degrees of freedom differ a little from schools less parameters")
		}
	case estimators.Mixed:
		var levels []string
		for _, r := range b.formula.Random {
			if !r.Intercept || len(r.Slopes) > 0 {
				return "it has random slopes"
			}
			levels = append(levels, r.Level)
		}
		if at := strings.Join(levels, "/"); at != "school" && at != "school/teacher" && (at != "teacher" || d.Teachers > 1) {
			return "its random intercepts are not those of schools"
		}
		if m.DF == estimators.ResidualDF {
			return "its degrees of freedom are those of children, not of schools"
		}
		if m.Likelihood != estimators.REML {
			return "maximum likelihood takes variances for too small"
		}
	}
	return ""
}

func (b *closedFormOf) findVariance() string {
	weights, ok, err := b.trial.OutcomeWeights(b.outcome, b.share)
	if err != nil {
		return err.Error()
	}
	if !ok {
		return "its outcome is no test"
	}
	for arm := range b.crossed {
		if b.crossed[arm], err = b.trial.Components(weights, arm, nil); err == nil {
			b.after[arm], err = b.trial.Components(weights, arm, b.given)
		}
		if err != nil {
			return err.Error()
		}
	}
	b.size, b.cv = b.trial.Design.TestedSize()
	return ""
}

// pooled is the variance at one level such that pooled/(p(1-p)) is the sum of
// both arms' variances over their shares.
func (b *closedFormOf) pooled(of func(dgp.Components) float64, c [2]dgp.Components) float64 {
	return b.share*of(c[0]) + (1-b.share)*of(c[1])
}

func (b *closedFormOf) finish() (*ClosedForm, string) {
	d := b.trial.Design
	block := func(c dgp.Components) float64 { return c.Block }
	school := func(c dgp.Components) float64 { return c.School }
	teacher := func(c dgp.Components) float64 { return c.Teacher }
	child := func(c dgp.Components) float64 { return c.Child }
	schools, teachers, children := b.pooled(school, b.crossed), b.pooled(teacher, b.crossed), b.pooled(child, b.crossed)
	total := schools + teachers + children
	if b.blocked {
		total += b.pooled(block, b.crossed)
	}
	explained := func(of func(dgp.Components) float64) float64 {
		if before := b.pooled(of, b.crossed); before > 0 {
			return math.Max(0, 1-b.pooled(of, b.after)/before)
		}
		return 0
	}
	set := map[analytic.Key]float64{
		analytic.P: b.share, analytic.N: b.size, analytic.CV: b.cv, analytic.Alpha: b.study.Alpha,
		analytic.ES:  (b.crossed[1].Mean - b.crossed[0].Mean) / math.Sqrt(total),
		analytic.R21: explained(child),
	}
	if !b.mixed {
		set[analytic.OLS] = 1
	}
	var name string
	switch {
	case d.Teachers == 1 && !b.blocked:
		name = "cra2"
		set[analytic.J], set[analytic.G2] = b.schools, float64(b.atSchool)
	case d.Teachers == 1:
		name = "bcra3c2"
		set[analytic.J], set[analytic.K], set[analytic.G2] = b.schools, float64(d.Blocks), float64(b.atSchool)
		set[analytic.Rho3] = b.pooled(block, b.crossed) / total
	case !b.blocked:
		name = "cra3"
		set[analytic.J], set[analytic.K], set[analytic.G3] = float64(d.Teachers), b.schools, float64(b.atSchool)
	default:
		name = "bcra4c3"
		total -= b.pooled(block, b.crossed) // its SDs are those within blocks
		set[analytic.ES] = (b.crossed[1].Mean - b.crossed[0].Mean) / math.Sqrt(total)
		set[analytic.J], set[analytic.K], set[analytic.L], set[analytic.G3] = float64(d.Teachers), b.schools, float64(d.Blocks), float64(b.atSchool)
	}
	if d.Teachers == 1 { // a school is a class
		set[analytic.Rho2] = (schools + teachers) / total
		both := func(c dgp.Components) float64 { return c.School + c.Teacher }
		set[analytic.R22] = explained(both)
	} else {
		set[analytic.Rho3], set[analytic.Rho2] = schools/total, teachers/total
		set[analytic.R23], set[analytic.R22] = explained(school), explained(teacher)
	}
	design := analytic.Find(name)
	c := &ClosedForm{Design: design, Values: design.Defaults()}
	for key, x := range set {
		c.Values[key] = x
	}
	if faults := design.Check(c.Values, -1); len(faults) > 0 {
		return nil, faults[0].Error()
	}
	c.Test = design.Test(c.Values)
	if !b.mixed {
		b.robust(&c.Test)
	}
	c.Power = b.power(c)
	b.approximate(c)
	c.Approximate = b.notes
	return c, ""
}

// robust gives a test the cluster-robust variance's expectation and degrees of
// freedom. For equal clusters and a regression on the arm, CR2 is the sum over
// arms of s²/J; the other kinds shrink or stretch each arm's part, which makes
// their mean wrong by a known factor. With blocks both arms are equal, the
// leverage of every school is the same, and all kinds are multiples of the pooled
// variance of school means.
func (b *closedFormOf) robust(t *analytic.Test) {
	se := b.method.(estimators.OLS).SE
	schools := b.arms[0] + b.arms[1]
	rows := schools * float64(b.trial.Design.Teachers) * b.size
	// Parameters at the level of schools, and all.
	atTop := 2.0 + float64(b.atSchool)
	if b.blocked {
		atTop = float64(b.trial.Design.Blocks) + 1 + float64(b.atSchool)
	}
	parameters := atTop + float64(len(b.formula.Terms)-1-b.atSchool)
	factor := func(arm float64, used float64) float64 { // of s²/arm
		switch se {
		case estimators.CR0:
			return 1 - used/arm
		case estimators.CR1:
			return (1 - used/arm) * schools / (schools - 1) * (rows - 1) / (rows - parameters)
		case estimators.CR3:
			return 1 / (1 - used/arm)
		default:
			return 1
		}
	}
	if se == estimators.CR0 || se == estimators.CR1 {
		t.CriticalDF = schools - 1
	}
	if b.share == 0.5 && b.arms[0] == b.arms[1] {
		t.Inflation = factor(schools, atTop)
		return
	}
	// Welch and Satterthwaite, with covariates' degrees of freedom taken off.
	wanted, unbiased, spread, working := 0.0, 0.0, 0.0, 0.0
	for arm, n := range b.arms {
		c := b.after[arm]
		v := (c.School + (c.Teacher+c.Child/b.size)/float64(b.trial.Design.Teachers)) / n
		f := factor(n, 1)
		wanted += f * v
		unbiased += v
		spread += f * v * f * v / (n - 1)
		working += 1 / n
	}
	t.Inflation = wanted / unbiased
	t.DF = wanted*wanted/spread - float64(b.atSchool)
	if t.CriticalDF == 0 {
		// The degrees of freedom that the estimator works out take all clusters
		// for alike.
		sum := 0.0
		for _, n := range b.arms {
			sum += 1 / (n * n * (n - 1))
		}
		t.CriticalDF = working*working/sum - float64(b.atSchool)
	}
}

// power is that of the test. Covariates of schools differ between the arms by
// chance, which costs precision: with normal covariates, the share of the arm's
// variance that they leave is Beta((G-1-g)/2, g/2), g their number and G-1 the
// degrees of freedom among schools (within blocks), and the power is its average.
func (b *closedFormOf) power(c *ClosedForm) float64 {
	level := analytic.Level{Alpha: b.study.Alpha, Tails: 2}
	es := c.Values[analytic.ES]
	if b.atSchool == 0 {
		return c.Test.Power(es, level)
	}
	among := c.Test.DF + 1 + float64(b.atSchool)
	if !b.mixed && !b.blocked {
		among = b.arms[0] + b.arms[1] - 1
	}
	left := distuv.Beta{Alpha: (among - float64(b.atSchool)) / 2, Beta: float64(b.atSchool) / 2}
	// Midpoints of equal probability.
	const points = 400
	sum := 0.0
	for i := range points {
		sum += c.Test.Power(es*math.Sqrt(left.Quantile((float64(i)+0.5)/points)), level)
	}
	return sum / points
}

// approximate notes where the formula is no exact description.
func (b *closedFormOf) approximate(c *ClosedForm) {
	if b.cv > 0 {
		b.note("classes are of unequal size")
	}
	v := [2]float64{}
	for arm, of := range b.after {
		v[arm] = of.School + (of.Teacher+of.Child/b.size)/float64(b.trial.Design.Teachers)
	}
	unequal := math.Abs(v[1]/v[0]-1) > 1e-9
	if unequal && (b.mixed || b.blocked) {
		b.note("the arms' variances differ")
	}
	if !b.mixed && !b.blocked && b.arms[0] != b.arms[1] {
		b.note("arms of unequal size have Welch's test, by Satterthwaite's approximation")
	}
	if b.mixed { // REML puts a negative variance of schools at 0, and the test is another then
		inside := b.after[0].Child
		units := b.size
		if b.trial.Design.Teachers > 1 {
			inside += b.size * b.after[0].Teacher
			units *= float64(b.trial.Design.Teachers)
		}
		between := b.after[0].School
		if b.trial.Design.Teachers == 1 {
			between += b.after[0].Teacher
		}
		schools := b.arms[0] + b.arms[1]
		within := schools * (float64(b.trial.Design.Teachers) - 1)
		if b.trial.Design.Teachers == 1 {
			within = schools * (b.size - 1)
		}
		if within > 0 && c.Test.DF > 0 {
			f := distuv.F{D1: c.Test.DF, D2: within}
			if p := f.CDF(inside / (inside + units*between)); p > 0.001 {
				b.note(fmt.Sprintf("in %.1f%% of trials the variance of schools is estimated at 0", 100*p))
			}
		}
	}
	for name := range b.given {
		i := slices.IndexFunc(b.trial.Covariates, func(c dgp.Covariate) bool { return c.Name == name })
		if cov := b.trial.Covariates[i]; cov.Level != dgp.ChildLevel {
			if _, normal := cov.Law.(dgp.Normal); !normal {
				b.note("covariates of schools or teachers are not normal")
				break
			}
		}
	}
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
		rows, err := design.Study.rows()
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

// rows lists what the study's estimators estimate.
func (s Study) rows() ([]estimators.Row, error) {
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
	rows, err := design.rows()
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
