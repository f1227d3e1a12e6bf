package estimators

import (
	"fmt"
	"slices"
	"strings"

	"coachsim/dgp"
)

// Mediation estimates how much of the effect of an arm on an outcome goes through
// mediators, from two regressions,
//
//	class       ~ coaching + experience | block             (mediator)
//	achievement ~ coaching + class + experience + girl | block   (formula)
//
// With a the coefficient of the arm in the first, and b that of the mediator and
// c that of the arm in the second, the indirect effect is ab, the direct effect c
// and the total effect their sum (Baron and Kenny 1986; VanderWeele 2015, ch. 2).
// Several mediators, c(es, co, is), are taken side by side: the indirect effect is
// Σ a_k b_k, which holds whatever the mediators do to each other.
//
// With coaching*class in the formula the slope is b among controls and b + g among
// the treated. Then the average causal mediation effect is acme(t) = a(b + gt),
// the average direct effect ade(t) = c + g E[M(t)], and the total effect
// acme(1) + ade(0) = acme(0) + ade(1) (Imai, Keele and Tingley 2010; Pearl's natural
// indirect and direct effects). E[M(t)] is the mean over the rows of the formula,
// and taken as known but for a, so that the effects are those of these rows.
//
// These are causal effects where the arm is randomised and, given the arm and the
// covariates, the mediator is as good as randomised too, measured without error,
// and linear.
type Mediation struct {
	Formula      string            `yaml:"formula" required:"true" doc:"outcomes ~ arm + mediators + covariates | fixed effect; arm*mediator where the mediator's slope may differ between arms"`
	Mediator     string            `yaml:"mediator" required:"true" doc:"mediators ~ arm + covariates | fixed effect, with a mediator such as class or several, c(es, co); for sequential-g the mediators alone"`
	Treatment    string            `yaml:"treatment" doc:"the arm, a term of both formulas; by default the one that is an arm of the trial"`
	Method       MediationMethod   `yaml:"method" doc:"how indirect effects are tested: product (Sobel), joint, monte-carlo, bootstrap, simulation or sequential-g (the controlled direct effect)"`
	Rows         string            `yaml:"rows" doc:"level of the rows of the formula: school, teacher or child; by default that of the outcomes"`
	Where        string            `yaml:"where" doc:"restriction of the rows of the formula, and of the mediators' where it can be, such as girl == 1"`
	Cluster      string            `yaml:"cluster" doc:"the clusters: block, school or teacher"`
	SE           SE                `yaml:"se" doc:"kind of standard error of both regressions: classical, HC0-HC3, CR0, CR1, CR2, CR3 or CR1-fixest"`
	Draws        int               `yaml:"draws" min:"99" max:"99999" doc:"draws of monte-carlo, bootstrap and simulation"`
	Rho          []float64         `yaml:"rho" doc:"correlations between the errors of mediator and outcome at which the indirect effect is reported; with them come the correlation at which it is 0 and the robustness value of the mediator's slope"`
	Error        *MeasurementError `yaml:"error" doc:"correct the mediators' slopes for measurement error"`
	Intermediate []string          `yaml:"intermediate" doc:"terms of the formula that the arm may change, left out of the second regression of sequential-g"`
	At           []float64         `yaml:"at" doc:"value of each mediator at which sequential-g takes the direct effect; 0 by default, and of no matter where slopes are the same in both arms"`
}

// MediationMethod is a way to test indirect effects.
type MediationMethod uint8

// The methods.
const (
	// ProductOfCoefficients refers effects over their delta-method standard
	// errors to the normal distribution: for ab, Sobel's (1982) test. A total effect
	// has a t test, and so with JointSignificance.
	ProductOfCoefficients MediationMethod = iota
	// JointSignificance calls an indirect effect significant where both its paths
	// are: its p-value is the larger of theirs, by t tests (MacKinnon et al. 2002).
	// Of K mediators together it is K times the smallest of theirs, so that "none
	// of the mediators carries an effect" is rejected at alpha at most.
	JointSignificance
	// MonteCarlo takes percentiles of effects at coefficients drawn from their
	// normal distributions (MacKinnon, Lockwood and Williams 2004).
	MonteCarlo
	// MediationBootstrap takes percentiles of effects in samples of clusters, with
	// replacement, within arms and levels of the absorbed effect.
	MediationBootstrap
	// Simulation is MonteCarlo for every effect, under the names of R's mediation,
	// whose quasi-Bayesian intervals these are (Imai, Keele and Tingley 2010).
	Simulation
	// SequentialG is the two-step estimator of the controlled direct effect
	// (Vansteelandt 2009; Acharya, Blackwell and Sen 2016).
	SequentialG
	mediationMethods
)

var mediationMethodNames = [mediationMethods]string{"product", "joint", "monte-carlo", "bootstrap", "simulation", "sequential-g"}

func (m MediationMethod) String() string {
	if m >= mediationMethods {
		return fmt.Sprintf("MediationMethod(%d)", uint8(m))
	}
	return mediationMethodNames[m]
}

// MarshalText writes the name.
func (m MediationMethod) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a name; case does not matter.
func (m *MediationMethod) UnmarshalText(text []byte) error {
	for i, name := range mediationMethodNames {
		if strings.EqualFold(string(text), name) {
			*m = MediationMethod(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a method of mediation; the methods are %s", text, strings.Join(mediationMethodNames[:], ", "))
}

// Names lists the methods.
func (MediationMethod) Names() []string { return mediationMethodNames[:] }

// Draws reports whether the method draws at random.
func (m MediationMethod) Draws() bool {
	return m == MonteCarlo || m == MediationBootstrap || m == Simulation
}

// Bind looks up the columns and registers the cross-products of both regressions.
func (o Mediation) Bind(name string, s *Setup) (Fitter, error) {
	f, err := s.parseMediation(o.Formula)
	if err != nil {
		return nil, keyError("formula", err)
	}
	regressed := strings.Contains(o.Mediator, "~")
	m, err := s.parseMediation(MediatorFormula(o.Mediator))
	switch {
	case err != nil:
		return nil, keyError("mediator", err)
	case !regressed && o.Method != SequentialG:
		return nil, keyError("mediator", &SyntaxError{Offset: len(o.Mediator), Message: "there is no regression of the mediator, as in class ~ coaching + experience | block"})
	case regressed && o.Method == SequentialG:
		return nil, keyError("mediator", &SyntaxError{Offset: strings.Index(o.Mediator, "~"), Message: fmt.Sprintf("%s takes no regression of the mediator; name the mediators alone", o.Method)})
	}
	if err := oneFactor(o.Cluster, "mediation"); err != nil {
		return nil, err
	}
	v := &mediationModel{Mediation: o, name: name, setup: s, formula: f, mediators: m}
	for _, step := range []func() error{v.findArm, v.checkMediators, v.checkTerms, v.findIntermediate, v.checkOptions, v.checkError} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return s.byOutcome(f, func(f *Formula) (Fitter, error) {
		part := *v
		part.formula = f
		if o.Method == SequentialG {
			return part.bindSequentialG()
		}
		return part.bind()
	})
}

// MediatorFormula completes the mediators of sequential-g, which have no
// regression, to a formula.
func MediatorFormula(mediator string) string {
	if strings.Contains(mediator, "~") {
		return mediator
	}
	return mediator + " ~ 1"
}

// parseMediation parses a formula of least squares with an intercept.
func (s *Setup) parseMediation(text string) (*Formula, error) {
	f, err := s.parse(text)
	switch {
	case err != nil:
		return nil, err
	case f.Endogenous != nil:
		return nil, f.NotInstrumented()
	case len(f.Random) > 0:
		return nil, &SyntaxError{Offset: f.Random[0].Pos, Message: "least squares has no random effects; standard errors may be clustered"}
	case !f.Intercept:
		return nil, &SyntaxError{Offset: len(text), Message: "a regression of mediation needs its intercept"}
	}
	return f, nil
}

// A mediationModel is the state of one Bind.
type mediationModel struct {
	Mediation
	name      string
	setup     *Setup
	formula   *Formula
	mediators *Formula
	arm       Term
	products  []bool // by mediator: the formula has its product with the arm
	left      []bool // by term of the formula: left out of the second regression of sequential-g
}

// findArm finds the arm among the terms of the formula.
func (v *mediationModel) findArm() error {
	s := v.setup
	var arms []Term
	if v.Treatment == "" {
		for _, t := range v.formula.Terms {
			if c := s.shape.Index(t.String()); c >= 0 && s.shape.Columns[c].Arm {
				arms = append(arms, t)
			}
		}
		switch {
		case len(arms) == 0:
			return keyError("treatment", fmt.Errorf("no term of the formula is an arm of the trial; say which is, as in treatment: coaching"))
		case len(arms) > 1:
			return keyError("treatment", fmt.Errorf("the formula has %d arms; say whose effect is mediated, as in treatment: %s", len(arms), arms[0]))
		}
		v.arm = arms[0]
	} else {
		t, err := ParseTerm(v.Treatment)
		if err == nil {
			at := slices.IndexFunc(v.formula.Terms, t.same)
			if at < 0 {
				var names []string
				for _, have := range v.formula.Terms {
					names = append(names, have.String())
				}
				err = fmt.Errorf("%q is not a term of the formula%s; its terms are %s", v.Treatment, nearestHint(v.Treatment, names), list(names))
			} else if t = v.formula.Terms[at]; len(t.Factors) != 1 || t.Factors[0].Power != 1 {
				err = fmt.Errorf("%q is not a column; an arm is", v.Treatment)
			}
		}
		if err != nil {
			return keyError("treatment", err)
		}
		v.arm = t
	}
	if v.Method != SequentialG && !slices.ContainsFunc(v.mediators.Terms, v.arm.same) {
		return keyError("mediator", &SyntaxError{Offset: len(v.Mediator), Message: fmt.Sprintf("the arm %s is not among the terms", v.arm)})
	}
	return nil
}

// mediator returns the term of a mediator.
func (v *mediationModel) mediator(k int) Term {
	return Term{Factors: []Power{{Variable: v.mediators.Outcomes[k].Variable, Power: 1}}}
}

// checkMediators looks for every mediator, and its product with the arm, in the
// formula.
func (v *mediationModel) checkMediators() error {
	for k, o := range v.mediators.Outcomes {
		m := v.mediator(k)
		switch {
		case m.same(v.arm):
			return keyError("mediator", &SyntaxError{Offset: o.Pos, Message: fmt.Sprintf("the arm %s cannot mediate its own effect", v.arm)})
		case slices.ContainsFunc(v.mediators.Outcomes[:k], func(have Outcome) bool { return have.Text == o.Text }):
			return keyError("mediator", &SyntaxError{Offset: o.Pos, Message: fmt.Sprintf("%s stands here twice", o.Text)})
		case !slices.ContainsFunc(v.formula.Terms, m.same):
			return keyError("formula", &SyntaxError{Offset: len(v.Formula), Message: fmt.Sprintf("the mediator %s is not among the terms", o.Text)})
		case slices.ContainsFunc(v.formula.Outcomes, func(y Outcome) bool { return y.Text == o.Text }):
			return keyError("mediator", &SyntaxError{Offset: o.Pos, Message: fmt.Sprintf("%s is an outcome of the formula", o.Text)})
		}
		v.products = append(v.products, slices.ContainsFunc(v.formula.Terms, interact(v.arm, m).same))
	}
	return nil
}

// checkTerms refuses other terms with the arm or a mediator in them: effects
// would not be the products and sums reported.
func (v *mediationModel) checkTerms() error {
	s := v.setup
	var taken []int
	for _, t := range append([]Term{v.arm}, v.all()...) {
		place, err := s.resolve(t.Factors[0].Variable)
		if err != nil {
			key := "mediator"
			if t.same(v.arm) {
				key = "formula"
			}
			return keyError(key, err)
		}
		taken = append(taken, s.origins(place)...)
	}
	for _, part := range []struct {
		key     string
		formula *Formula
	}{{"formula", v.formula}, {"mediator", v.mediators}} {
		for _, t := range part.formula.Terms {
			if t.same(v.arm) || part.key == "formula" && slices.ContainsFunc(v.own(), t.same) {
				continue
			}
			for _, p := range t.Factors {
				place, err := s.resolve(p.Variable)
				if err != nil {
					return keyError(part.key, err)
				}
				for _, origin := range s.origins(place) {
					if slices.Contains(taken, origin) {
						return keyError(part.key, &SyntaxError{Offset: p.Pos, Message: fmt.Sprintf("the arm and the mediators stand in no other terms than %s; this is %s", v.allowed(part.key), t)})
					}
				}
			}
		}
	}
	return nil
}

// allowed says in which terms of a formula the arm and the mediators may stand.
func (v *mediationModel) allowed(key string) string {
	if key == "mediator" {
		return v.arm.String()
	}
	m := v.mediator(0)
	return fmt.Sprintf("%s, %s and %s", v.arm, m, interact(v.arm, m))
}

// all lists the mediators.
func (v *mediationModel) all() []Term {
	var terms []Term
	for k := range v.mediators.Outcomes {
		terms = append(terms, v.mediator(k))
	}
	return terms
}

// own lists the terms with mediators in them.
func (v *mediationModel) own() []Term {
	terms := v.all()
	for k, product := range v.products {
		if product {
			terms = append(terms, interact(v.arm, v.mediator(k)))
		}
	}
	return terms
}

// findIntermediate finds the terms that the second regression leaves out.
func (v *mediationModel) findIntermediate() error {
	own := v.own()
	out := slices.Clone(own)
	for i, text := range v.Intermediate {
		t, err := ParseTerm(text)
		key := fmt.Sprintf("intermediate[%d]", i)
		switch {
		case v.Method != SequentialG:
			return keyError("intermediate", fmt.Errorf("only %s adjusts for what the arm changes; this is %s", SequentialG, v.Method))
		case err != nil:
			return keyError(key, err)
		}
		if dummies, ok := v.formula.factors[t.key()]; ok {
			out = append(out, dummies...)
			continue
		}
		if !slices.ContainsFunc(v.formula.Terms, t.same) || slices.ContainsFunc(own, t.same) || t.same(v.arm) {
			var names []string
			for _, have := range v.formula.Terms {
				if !slices.ContainsFunc(own, have.same) && !have.same(v.arm) {
					names = append(names, have.String())
				}
			}
			return keyError(key, fmt.Errorf("%q is not a covariate of the formula%s; its covariates are %s", text, nearestHint(text, names), list(names)))
		}
		out = append(out, t)
	}
	for range v.formula.Second {
		v.left = append(v.left, false)
	}
	for _, t := range v.formula.Terms {
		v.left = append(v.left, slices.ContainsFunc(out, t.same))
	}
	return nil
}

// interacted reports whether the formula has a product of the arm and a mediator.
func (v *mediationModel) interacted() bool { return slices.Contains(v.products, true) }

// checkOptions refuses options that the method does not have.
func (v *mediationModel) checkOptions() error {
	switch {
	case len(v.At) > 0 && v.Method != SequentialG:
		return keyError("at", fmt.Errorf("only %s takes the direct effect at a value of the mediator; this is %s", SequentialG, v.Method))
	case len(v.At) > 0 && len(v.At) != len(v.mediators.Outcomes):
		return keyError("at", fmt.Errorf("a value for each of the %d mediators is needed; here are %d", len(v.mediators.Outcomes), len(v.At)))
	case v.Method == SequentialG && v.SE != CR0 && v.SE != CR1:
		return keyError("se", fmt.Errorf("%s has standard errors by clusters, CR0 or CR1; this is %s", v.Method, v.SE))
	case v.Method == MediationBootstrap && v.Cluster == "":
		return keyError("cluster", fmt.Errorf("the bootstrap draws clusters; name them, as in cluster: school"))
	}
	if len(v.Rho) == 0 {
		return nil
	}
	switch {
	case v.Method == SequentialG:
		return keyError("rho", fmt.Errorf("%s reports no indirect effect", v.Method))
	case len(v.mediators.Outcomes) > 1:
		return keyError("rho", fmt.Errorf("the correlation of errors is that of one mediator's with the outcome's; here are %d mediators", len(v.mediators.Outcomes)))
	case v.interacted():
		return keyError("rho", fmt.Errorf("the formula has %s; the indirect effect at a correlation of errors is known in closed form without it", interact(v.arm, v.mediator(0))))
	}
	for i, rho := range v.Rho {
		if !(rho > -1 && rho < 1) {
			return keyError(fmt.Sprintf("rho[%d]", i), fmt.Errorf("%v: must lie between -1 and 1", rho))
		}
	}
	return nil
}

// binding starts the binding of one of the regressions.
func (v *mediationModel) binding(f *Formula, options OLS) *olsBinding {
	l := &linear{se: options.SE, effects: len(f.Second)}
	return &olsBinding{OLS: options, name: v.name, setup: v.setup, formula: f.withEffects(), l: l}
}

// bindRegression settles all of a regression but what it reports.
func (b *olsBinding) bindRegression() error {
	for _, step := range []func() error{b.findRows, b.findWeights, b.findWhere, b.findCluster, b.findTerms, b.findOutcomes} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// outcomeOptions are those of the regression of the outcomes.
func (v *mediationModel) outcomeOptions() OLS {
	return OLS{Formula: v.Formula, Rows: v.Rows, Where: v.Where, Cluster: v.Cluster, SE: v.SE}
}

// mediatorOptions are those of the regression of the mediators. Its rows are
// restricted by a condition unless this tells lower units apart.
func (v *mediationModel) mediatorOptions() (OLS, error) {
	options := OLS{Formula: v.Mediator, Where: v.Where, Cluster: v.Cluster, SE: v.SE}
	filter, err := v.setup.bindFilter(v.Where)
	if err != nil {
		return options, keyError("where", err)
	}
	if filter == nil {
		return options, nil
	}
	level := dgp.SchoolLevel
	for _, o := range v.mediators.Outcomes {
		place, err := v.setup.resolve(o.Variable)
		if err != nil {
			return options, keyError("mediator", err)
		}
		level = max(level, v.setup.level(place))
	}
	if filter.level > level {
		options.Where = ""
	}
	return options, nil
}

// mediatorKey blames the mediators' formula for a fault of a formula.
func mediatorKey(err error) error {
	if e, ok := err.(*KeyError); ok && e.Key == "formula" { //nolint:errorlint // made by this package, never wrapped
		return &KeyError{Key: "mediator", Offset: e.Offset, Err: e.Err}
	}
	return err
}

// bind binds a formula whose outcomes are observed together.
func (v *mediationModel) bind() (Fitter, error) {
	p, err := v.bindPaths()
	if err != nil {
		return nil, err
	}
	return newMediation(v, p), nil
}

var _ Method = Mediation{}
