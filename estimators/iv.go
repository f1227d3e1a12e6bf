package estimators

import (
	"fmt"
	"slices"
	"strings"

	"coachsim/dgp"
)

// IV is two-stage least squares with at most two absorbed fixed effects,
//
//	achievement ~ $controls | block | takeup ~ coaching
//
// where takeup is endogenous and coaching, the arm that a school was assigned
// to, its instrument. Terms of the first part are their own instruments.
//
// Beside the reported terms there is a row "first-stage F(takeup)" for each
// endogenous regressor: the Wald test, with the same standard errors, that the
// instruments' coefficients in its regression on all of them are 0. With one
// endogenous regressor and robust standard errors it is the F of Kleibergen and
// Paap (2006), and with one instrument the effective F of Montiel Olea and
// Pflueger (2013). Where the instruments tell the regressor without error, as where all
// take up what they are offered and nobody else does, it is infinite: the status is
// PerfectStage, which is no failure.
//
// Where the instruments do not identify the coefficients of the endogenous
// regressors, every row is Collinear.
type IV struct {
	Formula string     `yaml:"formula" required:"true" doc:"outcomes ~ terms | fixed effect | endogenous ~ instruments, as in fixest"`
	Rows    string     `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcomes"`
	Where   string     `yaml:"where" doc:"restriction of the rows, such as girl == 0"`
	Weights string     `yaml:"weights,omitempty" doc:"column of the rows' weights, as for ols"`
	Cluster string     `yaml:"cluster" doc:"the clusters: block, school or teacher"`
	SE      SE         `yaml:"se" doc:"kind of standard error: classical, HC0-HC3, CR0, CR1 (Stata's), CR2 or CR3; for the last two, HC2 and HC3 the leverage is that of the regressors projected on the instruments, as in estimatr"`
	Test    IVTest     `yaml:"test" doc:"test of the endogenous regressor: wald, or ar (Anderson and Rubin), which keeps its size however weak the instruments are"`
	Report  []string   `yaml:"report" required:"true" minlen:"1" doc:"terms to report, as written in the formula, or (Intercept)"`
	Joint   [][]string `yaml:"joint" doc:"groups of terms to test jointly for zero (F test)"`
}

// IVTest is the test of an endogenous regressor.
type IVTest uint8

// The tests.
const (
	// Wald is the t test.
	Wald IVTest = iota
	// AndersonRubin is the test that, in the regression of y - βd on all
	// instruments, those that are no regressors have coefficients 0 (Anderson
	// and Rubin 1949). The interval holds every β that it does not reject. Where
	// that set is all numbers, or all but those between two, the interval's ends
	// are infinite; where it is empty, Low is +Inf and High is -Inf.
	AndersonRubin
	ivTests
)

var ivTestNames = [ivTests]string{"wald", "ar"}

func (t IVTest) String() string {
	if t >= ivTests {
		return fmt.Sprintf("IVTest(%d)", uint8(t))
	}
	return ivTestNames[t]
}

// MarshalText writes the name.
func (t IVTest) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (t *IVTest) UnmarshalText(text []byte) error {
	for i, name := range ivTestNames {
		if strings.EqualFold(string(text), name) {
			*t = IVTest(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a test; the tests are %s", text, strings.Join(ivTestNames[:], " and "))
}

// Names lists the tests.
func (IVTest) Names() []string { return ivTestNames[:] }

// Bind looks up the columns and registers the cross-products of all regressors
// and instruments.
func (o IV) Bind(name string, s *Setup) (Fitter, error) {
	f, err := s.parse(o.Formula, append(ClusterNames(o.Cluster), o.Weights)...)
	if err == nil {
		err = o.check(f)
	}
	if err != nil {
		return nil, keyError("formula", err)
	}
	if err := oneFactor(o.Cluster, "two-stage least squares"); err != nil {
		return nil, err
	}
	if o.SE == CR1Fixest {
		return nil, keyError("se", fmt.Errorf("%s is not defined for instruments here; CR1 is", o.SE))
	}
	if o.Test == AndersonRubin {
		switch {
		case len(f.Endogenous) > 1:
			return nil, keyError("test", fmt.Errorf("the Anderson-Rubin test is for one endogenous regressor; here are %d", len(f.Endogenous)))
		case len(f.Instruments) > 1 && o.SE != Classical:
			return nil, keyError("test", fmt.Errorf("with several instruments the Anderson-Rubin test takes se: classical; %s takes one instrument", o.SE))
		}
	}
	return s.byOutcome(f, func(f *Formula) (Fitter, error) { return o.bind(name, s, f) })
}

// bind binds a formula whose outcomes are observed together.
func (o IV) bind(name string, s *Setup, f *Formula) (Fitter, error) {
	effects := len(f.Second)
	f = f.withEffects()
	all := *f
	all.Terms = slices.Concat(f.Terms, f.Instruments, f.Endogenous)
	v := &iv{
		method: o, effects: effects, w: len(f.Terms), m: len(f.Terms) + len(f.Instruments), p: len(all.Terms),
		l: &linear{se: o.SE}, stage: &linear{se: o.SE}, rest: &linear{},
	}
	options := OLS{Formula: o.Formula, Rows: o.Rows, Where: o.Where, Weights: o.Weights, Cluster: o.Cluster, SE: o.SE, Report: o.Report, Joint: o.Joint}
	b := &olsBinding{OLS: options, name: name, setup: s, formula: &all, l: v.l}
	for _, step := range []func() error{
		b.findRows, b.findWeights, b.findWhere, b.findCluster,
		func() error { return v.findTerms(b) },
		b.findOutcomes,
		func() error { return v.findReport(b, f) },
		func() error { return v.findJoint(b, f) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	v.findStage()
	s.linear = append(s.linear, v.l, v.stage, v.rest)
	v.allocate(s.shape)
	return v, nil
}

// check checks what can be seen in the formula alone.
func (o IV) check(f *Formula) error {
	if len(f.Random) > 0 {
		return &SyntaxError{Offset: f.Random[0].Pos, Message: "two-stage least squares has no random effects"}
	}
	if f.Endogenous == nil {
		return &SyntaxError{Offset: len(o.Formula), Message: "there are no instruments, as in | takeup ~ coaching; kind: ols fits formulas without"}
	}
	if n, k := len(f.Instruments), len(f.Endogenous); n < k {
		return &SyntaxError{Offset: f.InstrumentPos, Message: fmt.Sprintf("%d endogenous regressors need as many instruments; here are %d", k, n)}
	}
	roles := map[string]string{}
	for _, part := range []struct {
		role  string
		terms []Term
	}{{"an exogenous regressor", f.Terms}, {"an endogenous regressor", f.Endogenous}, {"an instrument", f.Instruments}} {
		for _, t := range part.terms {
			if role, ok := roles[t.key()]; ok {
				return &SyntaxError{Offset: t.Factors[0].Pos, Message: fmt.Sprintf("%q is %s already and cannot be %s too", t, role, part.role)}
			}
			roles[t.key()] = part.role
		}
	}
	return nil
}

// findTerms registers the exogenous regressors, the instruments and the
// endogenous regressors, in this order. A column is centred where that leaves
// as they are the space of the instruments and that of the exogenous regressors
// with each endogenous one.
func (v *iv) findTerms(b *olsBinding) error {
	for _, t := range b.formula.Terms {
		m, err := b.monomial(t)
		if err != nil {
			return keyError("formula", err)
		}
		b.raw = append(b.raw, m)
	}
	parts := make([]olsBinding, 0, 1+v.p-v.m)
	for _, raw := range v.parts(b.raw) {
		part := *b
		part.raw = raw
		parts = append(parts, part)
	}
	for _, m := range b.raw {
		u := monomial{factors: slices.Clone(m.factors)}
		for i, f := range u.factors {
			if slices.ContainsFunc(parts, func(part olsBinding) bool { return !part.closed(f.column) }) {
				continue
			}
			u.factors[i].center = b.setup.center(f.column)
		}
		b.used = append(b.used, u)
		v.l.terms = append(v.l.terms, v.l.core.addTerm(u))
	}
	for from := range b.used {
		for to := -1; to < len(b.used); to++ {
			v.l.lowering = append(v.l.lowering, b.lowering(from, to))
		}
	}
	return nil
}

// parts lists the instruments, and the exogenous regressors with each of the
// endogenous ones.
func (v *iv) parts(terms []monomial) [][]monomial {
	all := [][]monomial{terms[:v.m]}
	for _, d := range terms[v.m:] {
		all = append(all, append(slices.Clone(terms[:v.w]), d))
	}
	return all
}

// findReport finds the reported terms and names the rows.
func (v *iv) findReport(b *olsBinding, f *Formula) error {
	for i, text := range b.Report {
		c, term, err := v.combination(b, f, text)
		if err != nil {
			return keyError(fmt.Sprintf("report[%d]", i), err)
		}
		if v.method.Test == AndersonRubin && c.term() == noTerm && slices.ContainsFunc(c.of, func(part coefficient) bool { return part.term >= v.m }) {
			return keyError("test", fmt.Errorf("the Anderson-Rubin test is of one coefficient, not of %s", term))
		}
		if c.term() >= v.m && v.method.Test == AndersonRubin {
			for t, weight := range c.weights {
				if weight != 0 && t != c.term() {
					return keyError("test", fmt.Errorf("the Anderson-Rubin test needs an endogenous regressor that no other term contains"))
				}
			}
		}
		v.l.combinations = append(v.l.combinations, c)
		v.l.reported = append(v.l.reported, term)
	}
	for _, o := range f.Outcomes {
		add := func(term string) {
			v.rows = append(v.rows, Row{Estimator: b.name, Outcome: o.Text, Term: term})
		}
		for i, term := range v.l.reported {
			add(term)
			if v.l.combinations[i].term() >= v.m {
				v.rows[len(v.rows)-1].Target = v.target(b, f, o)
			}
		}
		for _, group := range b.Joint {
			add("joint(" + strings.Join(group, ", ") + ")")
		}
		for _, t := range f.Endogenous {
			add("first-stage F(" + t.String() + ")")
		}
	}
	return nil
}

// target is the effect that the coefficient of the one endogenous regressor
// estimates, or nil: its instruments must be an arm, perhaps with products of it
// and columns of blocks, and nothing that the arm may change may be held fixed.
// With products the coefficient is a mean of the blocks' ratios of effects with
// weights of its own; it is the target where the ratio is the same in all.
func (v *iv) target(b *olsBinding, f *Formula, o Outcome) *Target {
	columns := b.setup.shape.Columns
	if len(f.Endogenous) != 1 || !f.Intercept {
		return nil
	}
	d := f.Endogenous[0].Factors
	if len(d) != 1 || d[0].Power != 1 || d[0].Call != nil || !columns[b.setup.shape.Index(d[0].Name)].PostTreatment {
		return nil
	}
	arm := -1
	for _, m := range b.raw[v.w:v.m] {
		own := -1
		for _, x := range m.factors {
			if x.column < len(columns) && columns[x.column].Arm && own < 0 && x.power == 1 {
				own = x.column
				continue
			}
			if x.level != dgp.BlockLevel {
				return nil
			}
			for _, origin := range b.setup.origins(x.column) {
				if columns[origin].Arm || columns[origin].PostTreatment {
					return nil
				}
			}
		}
		if own < 0 || arm >= 0 && arm != own {
			return nil
		}
		arm = own
	}
	held := b.raw[:v.w]
	for _, m := range held {
		for _, x := range m.factors {
			for _, origin := range b.setup.origins(x.column) {
				if columns[origin].PostTreatment || origin == arm {
					return nil
				}
			}
		}
	}
	if !b.comparable(o, arm) {
		return nil
	}
	return &Target{Arm: columns[arm].Name, Outcome: o.Text, Rows: b.rows, Where: b.Where, Weights: b.Weights, Per: d[0].Name}
}

func (v *iv) findJoint(b *olsBinding, f *Formula) error {
	for i, group := range b.Joint {
		for _, text := range group {
			if _, _, err := v.combination(b, f, text); err != nil {
				return keyError(fmt.Sprintf("joint[%d]", i), err)
			}
		}
	}
	if err := b.findJoint(); err != nil {
		return err
	}
	for _, c := range v.l.combinations {
		clear(c.weights[v.w:v.m])
	}
	return nil
}

// combination is olsBinding's, of the coefficients of regressors alone.
func (v *iv) combination(b *olsBinding, f *Formula, text string) (combination, string, error) {
	names := []string{text}
	if contrast, ok := ParseContrast(text); ok {
		for _, part := range contrast {
			names = append(names, part.Name)
		}
	}
	for _, name := range names {
		if t, err := ParseTerm(name); err == nil && slices.ContainsFunc(f.Instruments, func(o Term) bool { return o.key() == t.key() }) {
			return combination{}, "", fmt.Errorf("%q is an instrument and has no coefficient to report", name)
		}
	}
	c, term, err := b.combination(text)
	if err == nil {
		clear(c.weights[v.w:v.m])
	}
	return c, term, err
}

// findStage makes the combinations of the first stage: the coefficient of each
// instrument, and the residual of each endogenous regressor.
func (v *iv) findStage() {
	for _, l := range []*linear{v.stage, v.rest} {
		l.core, l.cluster, l.lowering = v.l.core, v.l.cluster, v.l.lowering
		l.terms = slices.Clone(v.l.terms) // the core renumbers them in place
	}
	for t := v.w; t < v.p; t++ {
		l := v.stage
		if t >= v.m {
			l = v.rest
		}
		l.combinations = append(l.combinations, combination{weights: make([]float64, v.p), of: []coefficient{{t, 1}}})
	}
	v.stage.joint = [][]int{make([]int, v.m-v.w)}
	v.first = &linear{core: v.l.core, terms: v.l.terms[:v.m]}
}

var _ Method = IV{}
