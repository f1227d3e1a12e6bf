package estimators

import (
	"fmt"
	"slices"
	"strings"

	"coachsim/dgp"
)

// Mixed is a linear mixed model with one random intercept, or two nested ones,
//
//	score ~ coaching + age + (1 | school/teacher) | block
//
// fitted by restricted or full maximum likelihood, as lme4's lmer fits it. The
// effects of the level after the last bar, if any, are fixed.
type Mixed struct {
	Formula    string     `yaml:"formula" required:"true" doc:"outcomes ~ terms + (1 | school/teacher) | fixed effect, as in lme4 and fixest"`
	Rows       string     `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcomes"`
	Where      string     `yaml:"where" doc:"restriction of the rows, such as coaching == 0"`
	Likelihood Likelihood `yaml:"method" doc:"criterion of the variance components: REML or ML"`
	DF         MixedDF    `yaml:"df" doc:"degrees of freedom: satterthwaite, kenward-roger (which also corrects the standard error) or residual"`
	Report     []string   `yaml:"report" required:"true" minlen:"1" doc:"terms to report, as written in the formula, or (Intercept)"`
}

// Likelihood is a criterion that variance components maximise.
type Likelihood uint8

// The criteria.
const (
	REML Likelihood = iota // restricted likelihood: that of the residuals
	ML                     // full likelihood
	likelihoods
)

var likelihoodNames = [likelihoods]string{"REML", "ML"}

func (l Likelihood) String() string {
	if l >= likelihoods {
		return fmt.Sprintf("Likelihood(%d)", uint8(l))
	}
	return likelihoodNames[l]
}

// MarshalText writes the name.
func (l Likelihood) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (l *Likelihood) UnmarshalText(text []byte) error {
	for i, name := range likelihoodNames {
		if strings.EqualFold(string(text), name) {
			*l = Likelihood(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a method; the methods are %s", text, strings.Join(likelihoodNames[:], " and "))
}

// Names lists the criteria.
func (Likelihood) Names() []string { return likelihoodNames[:] }

// MixedDF is a rule for the degrees of freedom of a mixed model's t tests.
type MixedDF uint8

// The rules.
const (
	Satterthwaite MixedDF = iota // from the curvature of the deviance, as lmerTest
	KenwardRoger                 // from the expected information, with an adjusted variance, as pbkrtest
	ResidualDF                   // rows less fixed effects, which are too many
	mixedDFs
)

var mixedDFNames = [mixedDFs]string{"satterthwaite", "kenward-roger", "residual"}

func (d MixedDF) String() string {
	if d >= mixedDFs {
		return fmt.Sprintf("MixedDF(%d)", uint8(d))
	}
	return mixedDFNames[d]
}

// MarshalText writes the name.
func (d MixedDF) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (d *MixedDF) UnmarshalText(text []byte) error {
	for i, name := range mixedDFNames {
		if strings.EqualFold(string(text), name) {
			*d = MixedDF(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a rule for degrees of freedom; the rules are %s", text, strings.Join(mixedDFNames[:], ", "))
}

// Names lists the rules.
func (MixedDF) Names() []string { return mixedDFNames[:] }

// Bind looks up the columns and registers the model's cross-products, which
// are those of the least-squares regression with the same fixed effects.
func (o Mixed) Bind(name string, s *Setup) (Fitter, error) {
	f, err := ParseFormula(o.Formula, s.lists)
	if err != nil {
		return nil, keyError("formula", err)
	}
	if err := f.NotInstrumented(); err != nil {
		return nil, keyError("formula", err)
	}
	return s.byOutcome(f, func(f *Formula) (Fitter, error) { return o.bind(name, s, f) })
}

// bind binds a formula whose outcomes are observed together.
func (o Mixed) bind(name string, s *Setup, f *Formula) (Fitter, error) {
	if o.Likelihood == ML && o.DF == KenwardRoger {
		return nil, keyError("df", fmt.Errorf("kenward-roger is for REML; with ML use satterthwaite"))
	}
	fixed := OLS{Formula: o.Formula, Rows: o.Rows, Where: o.Where, Report: o.Report}
	b := &olsBinding{OLS: fixed, name: name, setup: s, formula: f, l: &linear{se: Classical}}
	if err := b.findRows(); err != nil {
		return nil, err
	}
	levels, err := o.randomLevels(f, b.rows)
	if err != nil {
		return nil, keyError("formula", err)
	}
	for _, step := range []func() error{b.findWhere, b.findCluster, b.findTerms, b.findOutcomes, b.findReport} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	s.linear = append(s.linear, b.l)
	m := &mixed{l: b.l, likelihood: o.Likelihood, rule: o.DF, inner: levels[0], nested: len(levels) == 2}
	if m.nested {
		m.outer = levels[1]
	}
	if f.Intercept && f.Absorb == "" {
		m.constant = 1
	}
	m.absorbed = f.Absorb != ""
	m.allocate(s.shape, b.rows)
	return m, nil
}

// randomLevels returns the levels of the random intercepts, lowest first.
func (o Mixed) randomLevels(f *Formula, rows dgp.Level) ([]dgp.Level, error) {
	if len(f.Random) == 0 {
		return nil, &SyntaxError{Offset: len(o.Formula), Message: "there is no random intercept, such as (1 | school); kind: ols fits models without"}
	}
	if len(f.Random) > 2 {
		return nil, &SyntaxError{Offset: f.Random[2].Pos, Message: "at most two random intercepts can be fitted"}
	}
	var levels []dgp.Level
	for i, r := range f.Random {
		fault := func(format string, args ...any) error {
			return &SyntaxError{Offset: r.Pos, Message: fmt.Sprintf(format, args...)}
		}
		level, ok := levelNamed(r.Level)
		if !ok || level >= rows {
			above := []string{"block", "school", "teacher"}[:min(int(rows), 3)]
			return nil, fault("%q has no random intercept; the levels above %s rows are %s", r.Level, rows, strings.Join(above, ", "))
		}
		absorb, ok := levelNamed(f.Absorb)
		if f.Absorb != "" && !ok {
			return nil, &SyntaxError{Offset: f.AbsorbPos, Message: fmt.Sprintf("mixed models absorb the effects of a level above the random intercepts, such as block; %q is none", f.Absorb)}
		}
		if ok && level <= absorb {
			return nil, fault("fixed effects of %s leave no random intercept of %s", absorb, level)
		}
		if i > 0 && level == levels[0] {
			return nil, fault("the random intercept of %s stands here twice", level)
		}
		levels = append(levels, level)
	}
	slices.Sort(levels)
	slices.Reverse(levels)
	return levels, nil
}

var _ Method = Mixed{}
