package sim

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"coachsim/dgp"
	"coachsim/estimators"
)

// closedFormOf is the state of one search for a closed form.
//
// Units of one level are assigned to arms, all of them or within strata: the units
// of the level above. A coefficient of a regression on arms is a contrast of the
// arms' means. Its test takes for error how units of an arm and stratum differ, or
// how the contrast differs between groups of strata.
type closedFormOf struct {
	study   Study
	trial   dgp.Trial
	target  *estimators.Target
	outcome string // its column
	score   bool   // of classroom quality
	method  estimators.Method
	formula *estimators.Formula
	mixed   bool

	rows, unit dgp.Level
	stratified bool            // units are assigned within strata
	within     bool            // the regression compares units of a stratum
	group      dgp.Level       // the level whose units differ by chance: unit, or one above
	size       [levels]float64 // units per unit of the level above
	cv         float64         // of the number of children in a class
	share      []float64       // by arm: of the units
	assigned   []float64       // by arm: units before losses at random
	lost       []float64       // by arm: share of units that is lost at random, one by one
	fewer      []float64       // by arm: factor of units in a stratum, for children lost
	takeUp     []float64       // by arm: share that receives the treatment; nil for none and all
	takes      dgp.Level       // the level that takes up
	iv         bool            // two-stage least squares on who receives
	wald       bool            // with its own standard error
	units      []float64       // by arm: their number
	indicators map[string]bool // columns of arms in the formula
	saturated  bool            // it has one coefficient for each treated arm
	contrast   []float64       // by arm
	leverage   [][]float64     // by two arms: of a regression on them, of one unit on another
	given      map[string]int  // covariates, with their highest power
	regressors []*regressor    // what is explained at several levels
	atUnit     int             // covariates at the level of the units, or above within groups
	before     []byLevel       // by arm: variances
	after      []byLevel       // the same given the formula's covariates
	means      []float64       // by arm
	differ     byLevel         // variance of the contrast between strata, and between units above
	added      float64         // to the variance of a unit's mean, by slopes that are estimated
	weights    []float64       // of tests or domains in the outcome
	received   []byLevel       // by arm: after, of those who receive their arm's treatment
	spread     float64         // variance of the outcome within arms, over all levels
	notes      []string
}

// levels is the number of levels: blocks, schools, teachers and children.
const levels = int(dgp.ChildLevel) + 1

// byLevel is a number for each level.
type byLevel [levels]float64

func variances(c dgp.Components) byLevel { return byLevel{c.Block, c.School, c.Teacher, c.Child} }

func (b *closedFormOf) note(text string) {
	if !slices.Contains(b.notes, text) {
		b.notes = append(b.notes, text)
	}
}

func (b *closedFormOf) findTarget() string {
	t := b.target
	v, err := estimators.ParseVariable(t.Outcome)
	if err != nil {
		return err.Error()
	}
	b.rows = t.Rows
	own := dgp.ChildLevel
	if column, at, ok := meanOf(v); ok {
		v, own = column, at
	}
	b.outcome = plainColumn(v)
	var isTest bool
	if b.outcome != "" {
		isTest = b.outcome == b.trial.Achievement.Total || slices.Contains(b.trial.Achievement.Tests, b.outcome)
		b.weights, b.score = b.trial.ScoreWeights(b.outcome)
	}
	if b.score && own == dgp.ChildLevel {
		own = dgp.TeacherLevel
	}
	switch {
	case t.Where != "":
		return "it uses only some of the rows"
	case t.Weights != "":
		return "its rows have weights"
	case t.Per != "" && (!b.iv || b.formula.Endogenous[0].String() != t.Per || !b.receives(t.Per)):
		return "it is the effect of a unit of " + t.Per
	case t.Among != estimators.Everyone:
		return "it estimates bounds, or the effect on some of the children"
	case b.outcome == "":
		return "its outcome is a function of columns, " + t.Outcome
	case !isTest && !b.score:
		return "its outcome is neither a test nor a score of quality"
	case b.rows != own:
		return "its rows are no " + own.Plural()
	}
	return ""
}

// receives reports whether a column is 1 for those who receive the treatment.
func (b *closedFormOf) receives(column string) bool {
	c := b.trial.Design.Compliance
	return c != nil && (column == c.Column || c.Column == "" && column == "received")
}

// plainColumn returns the column that a variable is, but for its unit; "" for
// another function.
func plainColumn(v estimators.Variable) string {
	if v.Call != nil && v.Call.Function == "std" {
		v = v.Call.Args[0]
	}
	return v.Name
}

// meanOf takes mean(x, school) and mean(x, teacher) apart.
func meanOf(v estimators.Variable) (of estimators.Variable, at dgp.Level, ok bool) {
	if v.Call == nil || v.Call.Function != "mean" {
		return v, 0, false
	}
	for l := dgp.SchoolLevel; l <= dgp.TeacherLevel; l++ {
		if v.Call.Args[1].Name == l.String() {
			return v.Call.Args[0], l, true
		}
	}
	return v, 0, false
}

// knownKeys are the keys of a trial that the formulas allow for. A trial that
// sets another has no closed form.
var knownKeys = map[string]bool{
	"trial.blocks": true, "trial.schools": true, "trial.teachers": true, "trial.children": true, "trial.tested": true, "trial.arms": true,
	"trial.assignment":        true, // see findDesign
	"trial.attrition.schools": true, "trial.attrition.children": true, "trial.attrition.keep": true,
	"trial.attrition.loss.school.rate": true, "trial.attrition.loss.teacher.rate": true, "trial.attrition.loss.child.rate": true,
	"trial.compliance": true, // see findTakeUp
	"covariates":       true,
	"quality.domains":  true, "quality.sd": true, "quality.correlation": true, "quality.school_share": true, "quality.context": true,
	"quality.effect.shift": true, "quality.effect.engagement": true, "quality.effect.noise": true, "quality.effect.skew": true, "quality.effect.with_quality": true,
	"quality.arm_effects": true, // see varies
	"observation":         true,
	"achievement.icc":     true, "achievement.r2": true, "achievement.correlation": true, "achievement.correlations": true, "achievement.baseline": true,
	"achievement.tests": true, "achievement.total": true, "achievement.residual": true, "achievement.scale": true, "achievement.block_sd": true,
	"achievement.block_effects": true, // where they are absorbed
	"achievement.covariate_sd":  true, "achievement.school_sd": true, "achievement.teacher_sd": true, "achievement.slope.sorting": true,
	"achievement.slope.control": true, "achievement.slope.treated": true, "achievement.slope.baseline": true,
	"achievement.effect.mean": true, "achievement.effect.bottom": true, "achievement.effect.school_sd": true, "achievement.effect.block_sd": true,
	"achievement.arm_effects": true, // see varies
	"achievement.points":      true,
	"quality.school":          true, "achievement.slope.school": true, "effect": true,
	"quality.oracle": true, "trial.grades": true, // columns
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

// varies returns the key of an arm's own effect that the formulas know nothing
// of, or "".
func varies(t dgp.Trial) string {
	for _, arm := range t.Design.Arms {
		if e, ok := t.Achievement.ArmEffects[arm]; ok && (len(e.By) > 0 || e.Quantiles != nil) {
			return "achievement.arm_effects." + arm + ".by or quantiles"
		}
		if e, ok := t.Quality.ArmEffects[arm]; ok && len(e.By) > 0 {
			return "quality.arm_effects." + arm + ".by"
		}
	}
	return ""
}

// findDesign finds who is assigned, within what, and how many.
func (b *closedFormOf) findDesign() string {
	key := unknownKey(reflect.ValueOf(b.trial), "")
	if key == "" {
		key = varies(b.trial)
	}
	if key != "" {
		return unknown(key)
	}
	d := b.trial.Design
	b.unit = d.Assignment.Level()
	b.size = [levels]float64{float64(d.Blocks), float64(d.Schools), float64(d.Teachers)}
	b.size[dgp.ChildLevel], b.cv = d.TestedSize()
	if why := b.findTakeUp(); why != "" {
		return why
	}
	switch a := d.Assignment.(type) {
	case dgp.Blocked:
		b.share = a.ArmShares(d.Arms)
		b.stratified = b.above(b.unit) > 1
	case dgp.Complete:
		b.share = a.ArmShares(d.Arms)
		if b.unit != dgp.SchoolLevel {
			return fmt.Sprintf("%s are assigned whatever their school is", b.unit.Plural())
		}
	default:
		return "who is treated is drawn in another way than equal shares of all, or of every stratum"
	}
	b.findLosses()
	if b.unit > b.rows {
		return fmt.Sprintf("its rows are %s, and %s are assigned", b.rows.Plural(), b.unit.Plural())
	}
	pool := b.above(b.unit) * b.size[b.unit] // of units that are assigned together
	strata := 1.0
	if b.stratified {
		pool, strata = b.size[b.unit], b.above(b.unit)
	}
	b.units = make([]float64, len(b.share))
	for arm, share := range b.share {
		whole := math.Abs(share*pool-math.Round(share*pool)) < 1e-9
		switch {
		case !whole && b.unit == dgp.ChildLevel && b.cv > 0: // it varies by a fraction of a child
		case !whole && share*pool < 1:
			return fmt.Sprintf("an arm has none of the %s of some %s", b.unit.Plural(), (b.unit - 1).Plural())
		case !whole && b.stratified:
			b.note(fmt.Sprintf("an arm's number of %s differs by one between %s", b.unit.Plural(), (b.unit - 1).Plural()))
		case !whole:
			b.note(fmt.Sprintf("an arm's number of %s varies by one", b.unit.Plural()))
		}
		b.units[arm] = share * pool * strata
	}
	lost := false
	for arm, name := range d.Arms {
		if n := d.Attrition.Schools[name]; n > 0 {
			lost = true
			b.units[arm] -= float64(n)
		}
	}
	if lost && b.stratified {
		b.note("schools are lost from blocks at random, so that blocks are unequal")
	}
	b.loseUnits()
	return ""
}

// above is the number of units of the level above l.
func (b *closedFormOf) above(l dgp.Level) float64 {
	n := 1.0
	for above := range l {
		n *= b.size[above]
	}
	return n
}

// all is the number of units that are assigned and not lost.
func (b *closedFormOf) all() float64 {
	n := 0.0
	for _, x := range b.units {
		n += x
	}
	return n
}

// strata is the number of strata within which the regression compares.
func (b *closedFormOf) strata() float64 {
	if b.within {
		return b.above(b.unit)
	}
	return 1
}

// parse reads the formula of a least-squares or mixed regression.
func (b *closedFormOf) parse() string {
	var text string
	switch m := b.method.(type) {
	case estimators.OLS:
		text = m.Formula
	case estimators.Mixed:
		text, b.mixed = m.Formula, true
	case estimators.IV:
		text, b.iv, b.wald = m.Formula, true, m.Test == estimators.Wald
		b.method = estimators.OLS{Rows: m.Rows, Where: m.Where, Weights: m.Weights, Cluster: m.Cluster, SE: m.SE}
	default:
		return "its kind of estimator has none"
	}
	f, err := estimators.ParseFormula(text, b.study.Terms)
	if err != nil {
		return err.Error()
	}
	if b.iv { // its reduced form
		if len(f.Endogenous) != 1 || len(f.Instruments) != 1 {
			return "it has several instruments or endogenous regressors"
		}
		f.Terms = append(slices.Clone(f.Terms), f.Instruments...)
	}
	b.formula = f
	return ""
}

// findFormula sorts the formula's terms into arms, covariates and what is
// explained at several levels.
func (b *closedFormOf) findFormula() string {
	f, t := b.formula, b.trial
	b.given, b.indicators = map[string]int{}, map[string]bool{}
	interactions := map[string]bool{}
	for _, term := range f.Terms {
		if arms, ok := b.armsIn(term); ok {
			if len(arms) == 1 {
				b.indicators[arms[0]] = true
			} else {
				slices.Sort(arms)
				interactions[strings.Join(arms, "+")] = true
			}
			continue
		}
		if len(term.Factors) != 1 {
			return "its formula has the interaction " + term.String()
		}
		p := term.Factors[0]
		if of, at, ok := meanOf(p.Variable); ok && p.Power == 1 {
			if r := b.regressor(plainColumn(of)); r != nil {
				r.means[at] = true
				continue
			}
		}
		name := plainColumn(p.Variable)
		if base := t.Achievement.Baseline; base != nil && name == base.Name && p.Power == 1 {
			b.regressor(name).own = true
			continue
		}
		i := slices.IndexFunc(t.Covariates, func(c dgp.Covariate) bool { return c.Name == name })
		if i < 0 {
			return "its formula has " + term.String() + ", which is no covariate of the trial"
		}
		level := t.Covariates[i].Level
		if level == dgp.TeacherLevel && t.Design.Teachers == 1 {
			level = dgp.SchoolLevel
		}
		if level == b.unit {
			b.atUnit++
		}
		// Powers count in order: with x^2 alone neither part is held fixed.
		if p.Power == b.given[name]+1 {
			b.given[name] = p.Power
		}
	}
	if why := b.findContrast(interactions); why != "" {
		return why
	}
	return b.findAbsorbed()
}

// armsIn returns the columns of arms that a term multiplies.
func (b *closedFormOf) armsIn(term estimators.Term) (names []string, ok bool) {
	for _, p := range term.Factors {
		if p.Call != nil || p.Power != 1 || !slices.Contains(b.trial.Design.Arms[1:], p.Name) {
			return nil, false
		}
		names = append(names, p.Name)
	}
	return names, true
}

// findContrast solves for the weights of the arms' means in the coefficient of
// the target's column: least squares on the means, with the arms' sizes.
func (b *closedFormOf) findContrast(interactions map[string]bool) string {
	arms := b.trial.Design.Arms
	columns := [][]float64{slices.Repeat([]float64{1}, len(arms))}
	target := -1
	add := func(on func(parts []string) bool) {
		column := make([]float64, len(arms))
		for a, name := range arms {
			if a > 0 && on(strings.Split(name, "+")) {
				column[a] = 1
			}
		}
		columns = append(columns, column)
	}
	for _, name := range arms[1:] {
		parts := strings.Split(name, "+")
		switch slices.Sort(parts); {
		case len(parts) == 1 && !b.indicators[name]:
			return "its formula leaves the arm " + name + " out"
		case len(parts) == 1:
			if name == b.target.Arm {
				target = len(columns)
			}
			add(func(of []string) bool { return slices.Contains(of, name) })
		case interactions[strings.Join(parts, "+")]:
			add(func(of []string) bool {
				return !slices.ContainsFunc(parts, func(p string) bool { return !slices.Contains(of, p) })
			})
			delete(interactions, strings.Join(parts, "+"))
		}
	}
	if len(interactions) > 0 {
		return "its formula multiplies arms that the trial does not combine"
	}
	if target < 0 && b.target.Contrast != nil {
		return "it is a contrast of several arms"
	}
	if target < 0 {
		return "its formula leaves the arm " + b.target.Arm + " out"
	}
	b.saturated = len(columns) == len(arms)
	// (X'NX)⁻¹ over arms a with N_a units.
	gram := mat.NewSymDense(len(columns), nil)
	for i, x := range columns {
		for j := range i + 1 {
			sum := 0.0
			for a, n := range b.units {
				sum += n * x[a] * columns[j][a]
			}
			gram.SetSym(i, j, sum)
		}
	}
	var inverse mat.Dense
	if err := inverse.Inverse(gram); err != nil {
		return "its formula has more columns of arms than there are arms"
	}
	b.contrast = make([]float64, len(arms))
	b.leverage = make([][]float64, len(arms))
	for a := range arms {
		b.leverage[a] = make([]float64, len(arms))
		for i, x := range columns {
			b.contrast[a] += inverse.At(target, i) * x[a] * b.units[a]
			for j, y := range columns {
				for o := range arms {
					b.leverage[a][o] += x[a] * inverse.At(i, j) * y[o]
				}
			}
		}
	}
	for a := range arms { // rounding
		if math.Abs(b.contrast[a]) < 1e-9 {
			b.contrast[a] = 0
		}
	}
	return ""
}

// armParameters is the number of coefficients of arms.
func (b *closedFormOf) armParameters() float64 {
	sum := 0.0
	for a, n := range b.units {
		sum += n * b.leverage[a][a]
	}
	return math.Round(sum) - 1
}

// findAbsorbed finds whether the regression compares units within strata.
func (b *closedFormOf) findAbsorbed() string {
	f, d := b.formula, b.trial.Design
	a := b.trial.Achievement
	between := max(a.BlockSD, a.ICC.Block)
	if a.Baseline != nil {
		between = max(between, a.Baseline.ICC.Block)
	}
	if b.score {
		between = b.trial.Quality.Context.BlockShare
		if !slices.ContainsFunc(b.trial.Quality.Context.Variance, func(v float64) bool { return v > 0 }) {
			between = 0
		}
	}
	if slices.ContainsFunc(a.BlockEffects, func(x float64) bool { return x != a.BlockEffects[0] }) && !b.score && !b.absorbs(dgp.BlockLevel) {
		return "effects of blocks are given (achievement.block_effects), and its formula does not absorb them, as | block would"
	}
	if f.Second != nil {
		return "it absorbs two effects"
	}
	if b.unit == dgp.SchoolLevel {
		random := b.mixed && slices.ContainsFunc(f.Random, func(r estimators.RandomEffect) bool { return r.Level == dgp.BlockLevel.String() && r.Intercept })
		switch {
		case f.Absorb == "" && random && b.stratified:
			b.within = true
		case f.Absorb == "" && b.stratified && between > 0:
			return "schools are randomised within blocks, and its formula leaves the blocks out"
		case f.Absorb == "" && d.Blocks > 1 && between > 0:
			return "schools of a block have something in common, and assignment and formula leave the blocks out"
		case f.Absorb == "":
		case f.Absorb != "block":
			return "it absorbs the effects of " + f.Absorb
		case d.Blocks == 1: // a constant, like the intercept
		case !b.stratified:
			return "it absorbs blocks of unequal shares of treated schools"
		default:
			b.within = true
		}
		return ""
	}
	// Every stratum has its share of each arm, so that what strata and those above
	// have in common drops out of the contrast, absorbed or not.
	if f.Absorb != "" && f.Absorb != "block" && f.Absorb != "school" && (f.Absorb != "teacher" || b.unit != dgp.ChildLevel) {
		return "it absorbs the effects of " + f.Absorb
	}
	b.within = true
	return ""
}

// absorbs reports whether the effects of a level are absorbed, as they are with
// those of a level below.
func (b *closedFormOf) absorbs(l dgp.Level) bool {
	for at := l; at <= dgp.TeacherLevel; at++ {
		if b.formula.Absorb == at.String() {
			return true
		}
	}
	return false
}
