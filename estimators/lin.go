package estimators

import (
	"fmt"
	"slices"
	"strings"
)

// Lin is the regression adjustment of Lin (2013, Annals of Applied Statistics
// 7, 295-318): least squares on the arms, the covariates measured from their
// means over the rows, and all interactions of the two. The coefficient of an
// arm is then the average effect over the rows, and asymptotically no less
// precise than the difference of means, however wrong the linear model is.
//
//	achievement ~ coaching + pretest + girl | block
//
// The effects of a level after the bar are covariates like the others, as
// dummies, so that the effects within blocks are averaged by the blocks' sizes.
//
// As in lm_lin of R's estimatr, standard errors take the covariates' means as
// known. Without se they are HC2, or CR2 with clusters.
type Lin struct {
	Formula   string   `yaml:"formula" required:"true" doc:"outcomes ~ arms + covariates | blocks, without interactions of the arms"`
	Treatment []string `yaml:"treatment" doc:"the arms, as terms of the formula; by default those that are arms of the trial"`
	Report    []string `yaml:"report,omitempty" doc:"what to report: arms, and contrasts of arms such as coaching - training; by default every arm"`
	Rows      string   `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcomes"`
	Where     string   `yaml:"where" doc:"restriction of the rows, such as girl == 1"`
	Weights   string   `yaml:"weights,omitempty" doc:"column of the rows' weights, as for ols; covariates are measured from their weighted means"`
	Cluster   string   `yaml:"cluster" doc:"the clusters: block, school or teacher"`
	SE        SE       `yaml:"se" doc:"kind of standard error: HC2, which with clusters means CR2, or classical, HC0 to HC3, CR0 to CR3"`
}

// Kind is the kind of standard error: HC2 with clusters is CR2.
func (o Lin) Kind() SE {
	if o.SE == HC2 && o.Cluster != "" {
		return CR2
	}
	return o.SE
}

// Bind writes the formula with its interactions and binds it.
func (o Lin) Bind(name string, s *Setup) (Fitter, error) {
	f, err := s.parse(o.Formula, append(ClusterNames(o.Cluster), o.Weights)...)
	if err == nil {
		err = f.NotInstrumented()
	}
	if err == nil {
		err = f.OneEffect()
	}
	if err == nil {
		err = o.check(f)
	}
	if err != nil {
		return nil, keyError("formula", err)
	}
	return s.byOutcome(f, func(f *Formula) (Fitter, error) { return o.bind(name, s, f) })
}

// bind binds a formula whose outcomes are observed together.
func (o Lin) bind(name string, s *Setup, given *Formula) (Fitter, error) {
	written := *given
	f := &written
	arms, err := o.arms(f, s)
	if err != nil {
		return nil, err
	}
	covariates := slices.DeleteFunc(slices.Clone(f.Terms), func(t Term) bool { return slices.ContainsFunc(arms, t.same) })
	if f.Absorb != "" {
		blocks, err := s.writeOut(factorTerm(f.Absorb, f.AbsorbPos), nil, true)
		if err != nil {
			return nil, keyError("formula", err)
		}
		covariates = append(covariates, blocks...)
		f.Absorb = ""
	}
	f.Terms = slices.Concat(arms, covariates)
	for _, arm := range arms {
		for _, x := range covariates {
			f.Terms = append(f.Terms, interact(arm, x))
		}
	}
	se := o.Kind()
	options := OLS{Formula: o.Formula, Rows: o.Rows, Where: o.Where, Weights: o.Weights, Cluster: o.Cluster, SE: se}
	v := &lin{linear: &linear{se: se}, arms: len(arms), covariates: len(covariates)}
	b := &olsBinding{OLS: options, name: name, setup: s, formula: f, l: v.linear}
	for _, step := range []func() error{b.findRows, b.findWeights, b.findWhere, b.findCluster, b.findTerms, b.findOutcomes, func() error { return v.findArms(b, arms, o.Report) }} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	s.linear = append(s.linear, v.linear)
	return v, nil
}

// check checks what can be seen in the formula alone.
func (o Lin) check(f *Formula) error {
	switch {
	case len(f.Random) > 0:
		return &SyntaxError{Offset: f.Random[0].Pos, Message: "this method has no random intercepts; kind: mixed fits them"}
	case !f.Intercept:
		return &SyntaxError{Offset: len(o.Formula), Message: "this method needs the intercept, the mean of the control group"}
	}
	return nil
}

// factorTerm is the term factor(name).
func factorTerm(name string, pos int) Term {
	call := &Call{Function: factorName, Args: []Variable{{Name: name, Pos: pos}}}
	return Term{Factors: []Power{{Variable: Variable{Call: call, Pos: pos}, Power: 1}}}
}

// same reports whether two terms are the same.
func (t Term) same(o Term) bool { return t.key() == o.key() }

// arms finds the terms that are arms.
func (o Lin) arms(f *Formula, s *Setup) ([]Term, error) {
	var arms []Term
	for i, text := range o.Treatment {
		t, err := ParseTerm(text)
		if dummies, ok := f.factors[t.key()]; err == nil && ok {
			arms = append(arms, dummies...)
			continue
		}
		if err == nil && !slices.ContainsFunc(f.Terms, t.same) {
			var names []string
			for _, have := range f.Terms {
				names = append(names, have.String())
			}
			err = fmt.Errorf("%q is not a term of the formula%s; its terms are %s", text, nearestHint(text, names), list(names))
		}
		if err != nil {
			return nil, keyError(fmt.Sprintf("treatment[%d]", i), err)
		}
		arms = append(arms, t)
	}
	if len(o.Treatment) == 0 {
		for _, t := range f.Terms {
			if c := s.shape.Index(t.String()); c >= 0 && s.shape.Columns[c].Arm {
				arms = append(arms, t)
			}
		}
		if len(arms) == 0 {
			return nil, keyError("treatment", fmt.Errorf("no term of the formula is an arm of the trial; say which are, as in treatment: [coaching]"))
		}
	}
	used := map[string]bool{}
	for _, arm := range arms {
		for _, p := range arm.Factors {
			columns, groups := p.Variable.Columns()
			for _, c := range slices.Concat(columns, groups) {
				used[c.Name] = true
			}
		}
	}
	for _, t := range f.Terms {
		if slices.ContainsFunc(arms, t.same) {
			continue
		}
		for _, p := range t.Factors {
			columns, groups := p.Variable.Columns()
			for _, c := range slices.Concat(columns, groups) {
				if used[c.Name] {
					return nil, keyError("formula", &SyntaxError{Offset: p.Pos, Message: fmt.Sprintf("the arm %s stands in %s too; interactions with the covariates are added by this method", c.Name, t)})
				}
			}
		}
	}
	return arms, nil
}

// A lin is a bound Lin: a regression whose terms are the arms, the covariates,
// and the covariates times each arm, uncentred. The coefficient of an arm, were
// covariates centred at their means, is that of the arm plus those of its
// interactions times the means: a combination whose weights the data give.
type lin struct {
	*linear
	arms, covariates int
}

// interaction is the place of the interaction of an arm and a covariate.
func (v *lin) interaction(arm, covariate int) int {
	return v.arms + v.covariates + arm*v.covariates + covariate
}

// findArms makes a combination for every arm, or for what is to be reported.
func (v *lin) findArms(b *olsBinding, arms []Term, report []string) error {
	names := make([]string, len(arms))
	for i, arm := range arms {
		names[i] = arm.String()
	}
	if report == nil {
		report = names
	}
	for i, text := range report {
		of, name, err := v.armsOf(text, names)
		if err != nil {
			return keyError(fmt.Sprintf("report[%d]", i), err)
		}
		b.l.combinations = append(b.l.combinations, combination{weights: make([]float64, len(b.raw)), of: of, averaged: true})
		b.l.reported = append(b.l.reported, name)
	}
	causal := func(arm string, o Outcome) bool {
		c := b.armColumn(arm)
		return c >= 0 && b.adjusted(v.arms, v.covariates) && b.comparable(o, c)
	}
	for _, o := range b.formula.Outcomes {
		for _, text := range b.l.reported {
			b.l.rows = append(b.l.rows, Row{Estimator: b.name, Outcome: o.Text, Term: text, Target: b.effect(text, o, causal)})
		}
	}
	return nil
}

// armsOf reads an arm or a contrast of arms, whose terms are the first.
func (v *lin) armsOf(text string, names []string) ([]coefficient, string, error) {
	if i := slices.Index(names, strings.TrimSpace(text)); i >= 0 {
		return []coefficient{{i, 1}}, names[i], nil
	}
	contrast, ok := ParseContrast(text)
	if !ok {
		contrast = Contrast{{1, text}}
	}
	var of []coefficient
	for _, part := range contrast {
		i := slices.Index(names, part.Name)
		if i < 0 {
			return nil, "", fmt.Errorf("%q is not an arm%s; the arms are %s", part.Name, nearestHint(part.Name, names), list(names))
		}
		if slices.ContainsFunc(of, func(c coefficient) bool { return c.term == i }) {
			return nil, "", fmt.Errorf("%s is in %q twice", part.Name, text)
		}
		of = append(of, coefficient{i, part.Weight})
	}
	return of, contrast.String(), nil
}

// armColumn returns the column of a term that is an arm of the trial, or -1.
func (b *olsBinding) armColumn(term string) int {
	c := b.setup.shape.Index(term)
	if c >= 0 && !b.setup.shape.Columns[c].Arm {
		return -1
	}
	return c
}

// adjusted reports whether no covariate is one that the arms may change. The
// first terms are arms, the next covariates.
func (b *olsBinding) adjusted(arms, covariates int) bool {
	for _, m := range b.raw[arms : arms+covariates] {
		for _, f := range m.factors {
			for _, origin := range b.setup.origins(f.column) {
				if c := b.setup.shape.Columns[origin]; c.PostTreatment || c.Arm {
					return false
				}
			}
		}
	}
	return true
}

// Fit sets the weights to the means of the covariates, and fits.
func (v *lin) Fit(s *Setup, out []Estimate) {
	c := v.core
	for r := range v.combinations {
		w := v.combinations[r].weights
		clear(w)
		for _, arm := range v.combinations[r].of {
			w[arm.term] = arm.weight
			for k := range v.covariates {
				w[v.interaction(arm.term, k)] = arm.weight * (c.effectS[v.terms[v.arms+k]] / c.weight)
			}
		}
	}
	v.linear.Fit(s, out)
	per := len(out) / len(v.outcomes)
	for i := range out {
		if out[i].Status.Worked() && v.unidentified(i%per) {
			out[i] = failed(Collinear)
		}
	}
}

// unidentified reports whether a covariate is in the regression but not its
// interaction with an arm of combination r, as of a block without controls: there
// is no telling the effect at that covariate's mean.
func (v *lin) unidentified(r int) bool {
	lost := v.solver.lost()
	for _, arm := range v.combinations[r].of {
		for k := range v.covariates {
			if !lost[v.arms+k] && lost[v.interaction(arm.term, k)] {
				return true
			}
		}
	}
	return false
}

var _ Method = Lin{}
