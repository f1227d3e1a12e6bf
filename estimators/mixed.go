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
// and coefficients that vary at random between the units of a level, with an
// intercept of theirs that is correlated (|) or not (||) or none (0),
//
//	score ~ coaching + (1 + coaching | block) + (1 | school)
//	score ~ coaching + (0 + coaching | block) + (1 | school) | block
//
// fitted by restricted or full maximum likelihood, as lme4's lmer fits it. The
// effects of the level after the last bar, if any, are fixed.
type Mixed struct {
	Formula    string     `yaml:"formula" required:"true" doc:"outcomes ~ terms + (1 | school/teacher) | fixed effect, or with (1 + coaching | block), as in lme4 and fixest"`
	Rows       string     `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcomes"`
	Where      string     `yaml:"where" doc:"restriction of the rows, such as coaching == 0"`
	Likelihood Likelihood `yaml:"method" doc:"criterion of the variance components: REML or ML"`
	DF         MixedDF    `yaml:"df" doc:"degrees of freedom: satterthwaite, kenward-roger (which also corrects the standard error) or residual"`
	Report     []string   `yaml:"report" required:"true" minlen:"1" doc:"terms to report, as written in the formula, or (Intercept)"`
	Joint      [][]string `yaml:"joint" doc:"groups of terms to test jointly for zero (F test)"`
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
	f, err := s.parse(o.Formula)
	if err != nil {
		return nil, keyError("formula", err)
	}
	if err := f.NotInstrumented(); err != nil {
		return nil, keyError("formula", err)
	}
	if err := f.OneEffect(); err != nil {
		return nil, keyError("formula", err)
	}
	return s.byOutcome(f, func(f *Formula) (Fitter, error) { return o.bind(name, s, f) })
}

// bind binds a formula whose outcomes are observed together.
func (o Mixed) bind(name string, s *Setup, f *Formula) (Fitter, error) {
	if o.Likelihood == ML && o.DF == KenwardRoger {
		return nil, keyError("df", fmt.Errorf("kenward-roger is for REML; with ML use satterthwaite"))
	}
	fixed := OLS{Formula: o.Formula, Rows: o.Rows, Where: o.Where, Report: o.Report, Joint: o.Joint}
	b := &olsBinding{OLS: fixed, name: name, setup: s, formula: f, written: o.DF == Satterthwaite, l: &linear{se: Classical}}
	if err := b.findRows(); err != nil {
		return nil, err
	}
	levels, err := o.randomLevels(f, b.rows)
	if err != nil {
		return nil, keyError("formula", err)
	}
	for _, step := range []func() error{b.findWhere, b.findCluster, b.findTerms, b.findOutcomes, b.findReport, b.findJoint} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	s.linear = append(s.linear, b.l)
	m := &mixed{l: b.l, likelihood: o.Likelihood, rule: o.DF}
	if f.Intercept && f.Absorb == "" {
		m.constant = 1
	}
	m.absorbed = f.Absorb != ""
	most := 0
	for _, group := range b.l.joint {
		most = max(most, len(group))
	}
	m.joint = newMixedJoint(most)
	m.found = make([]foundVariances, len(b.l.outcomes))
	if slices.ContainsFunc(f.Random, func(r RandomEffect) bool { return r.Slopes != nil }) {
		if m.slopes, err = o.randomSlopes(b, levels); err != nil {
			return nil, keyError("formula", err)
		}
		m.slopes.m = m
		s.linear = append(s.linear, m.slopes.l)
		m.slopes.allocate(s.shape)
		return m, nil
	}
	m.inner, m.nested = levels[0], len(levels) == 2
	if m.nested {
		m.outer = levels[1]
	}
	m.allocate(s.shape, b.rows)
	return m, nil
}

// randomLevels checks the random effects and returns their levels, lowest
// first.
func (o Mixed) randomLevels(f *Formula, rows dgp.Level) ([]dgp.Level, error) {
	if len(f.Random) == 0 {
		return nil, &SyntaxError{Offset: len(o.Formula), Message: "there is no random intercept, such as (1 | school); kind: ols fits models without"}
	}
	absorb, absorbs := levelNamed(f.Absorb)
	if f.Absorb != "" && !absorbs {
		return nil, &SyntaxError{Offset: f.AbsorbPos, Message: fmt.Sprintf("mixed models absorb the effects of a level above the random intercepts, such as block; %q is none", f.Absorb)}
	}
	var levels, intercepts []dgp.Level
	for _, r := range f.Random {
		fault := func(format string, args ...any) error {
			return &SyntaxError{Offset: r.Pos, Message: fmt.Sprintf(format, args...)}
		}
		level, ok := levelNamed(r.Level)
		if !ok || level >= rows {
			above := []string{"block", "school", "teacher"}[:min(int(rows), 3)]
			return nil, fault("%q has no random intercept; the levels above %s rows are %s", r.Level, rows, strings.Join(above, ", "))
		}
		switch {
		case absorbs && r.Intercept && level <= absorb:
			return nil, fault("fixed effects of %s leave no random intercept of %s", absorb, level)
		case absorbs && level < absorb:
			return nil, fault("with fixed effects of %s a coefficient can vary between units of %s or lower levels, not of %s", absorb, absorb, level)
		case r.Intercept && slices.Contains(intercepts, level):
			return nil, fault("the random intercept of %s stands here twice", level)
		}
		if r.Intercept {
			if intercepts = append(intercepts, level); len(intercepts) > 2 && len(f.Random) == len(intercepts) && !slices.ContainsFunc(f.Random, func(r RandomEffect) bool { return r.Slopes != nil }) {
				return nil, fault("at most two random intercepts can be fitted")
			}
		}
		if !slices.Contains(levels, level) {
			levels = append(levels, level)
		}
	}
	slices.Sort(levels)
	slices.Reverse(levels)
	return levels, nil
}

// randomSlopes looks up the columns of random coefficients.
func (o Mixed) randomSlopes(b *olsBinding, levels []dgp.Level) (*randomSlopes, error) {
	r := &randomSlopes{levels: levels, l: &linear{core: b.l.core}, names: []string{interceptName}, centers: []float64{0}}
	parameters := 0
	for stage, level := range levels {
		var seen []string
		for _, effect := range b.formula.Random {
			if of, _ := levelNamed(effect.Level); of != level {
				continue
			}
			var columns []int
			if effect.Intercept {
				columns = append(columns, 0)
			}
			for _, t := range effect.Slopes {
				if slices.Contains(seen, t.key()) {
					return nil, &SyntaxError{Offset: t.Factors[0].Pos, Message: fmt.Sprintf("the coefficient of %s that varies between units of %s stands here twice", t, level)}
				}
				seen = append(seen, t.key())
				z, err := r.column(b, t, level, effect.Intercept && !effect.Independent)
				if err != nil {
					return nil, err
				}
				columns = append(columns, z)
			}
			if effect.Independent {
				for _, z := range columns {
					r.terms = append(r.terms, randomTerm{level: level, columns: []int{z}, stage: stage})
				}
			} else {
				r.terms = append(r.terms, randomTerm{level: level, columns: columns, stage: stage})
			}
			fault := func(format string, args ...any) error {
				return &SyntaxError{Offset: effect.SlopePos, Message: fmt.Sprintf(format, args...)}
			}
			last := r.terms[len(r.terms)-1]
			if len(last.columns) > 2 {
				return nil, fault("at most two random effects of a level can be correlated; || in place of | makes them independent")
			}
			if parameters += len(columns); !effect.Independent {
				parameters += triangle(len(columns)) - len(columns)
			}
			if parameters > mostParameters {
				return nil, fault("the random effects have more than %d variances and covariances", mostParameters)
			}
		}
	}
	return r, nil
}

// column adds a column whose coefficient is random and returns its place in z.
// Beside an intercept that it is correlated with it may be centred, which leaves
// the model as it is.
func (r *randomSlopes) column(b *olsBinding, t Term, level dgp.Level, correlated bool) (int, error) {
	m, err := b.monomial(t)
	if err != nil {
		return 0, err
	}
	lowest := dgp.BlockLevel
	for _, f := range m.factors {
		lowest = max(lowest, f.level)
	}
	if lowest <= level {
		return 0, &SyntaxError{Offset: t.Factors[0].Pos, Message: fmt.Sprintf("%s does not vary within a unit of %s, so its coefficient cannot vary between them", t, level)}
	}
	if correlated && len(m.factors) == 1 && m.factors[0].power == 1 && m.factors[0].column < len(b.setup.shape.Columns) {
		m.factors[0].center = b.setup.shape.Columns[m.factors[0].column].Center
	}
	u := b.l.core.addTerm(m)
	r.l.terms = append(r.l.terms, u)
	r.names, r.centers = append(r.names, t.String()), append(r.centers, m.factors[0].center)
	return len(r.l.terms), nil
}

var _ Method = Mixed{}
