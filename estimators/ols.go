package estimators

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"coachsim/dgp"
)

// OLS is ordinary least squares with at most two absorbed fixed effects.
//
// The rows are the units of the lowest level among the outcomes, or of Rows.
// A term that is collinear with earlier ones is dropped, as in R and Stata.
type OLS struct {
	Formula string     `yaml:"formula" required:"true" doc:"outcomes ~ terms | fixed effects, as in fixest"`
	Rows    string     `yaml:"rows" doc:"level of the rows: school, teacher or child; by default that of the outcomes"`
	Where   string     `yaml:"where" doc:"restriction of the rows, such as coaching == 0"`
	Weights string     `yaml:"weights,omitempty" doc:"column of the rows' weights, as R's lm(weights = ) and Stata's aweight: the error variance is taken to be proportional to 1/weight; 0 leaves the row out"`
	Cluster string     `yaml:"cluster" doc:"the clusters: block, school, teacher or a factor; or two of them, school + coder (Cameron, Gelbach and Miller 2011)"`
	SE      SE         `yaml:"se" doc:"kind of standard error: classical, HC0-HC3, CR0, CR1 (Stata's), CR2, CR3 or CR1-fixest (fixest's)"`
	Report  []string   `yaml:"report" required:"true" minlen:"1" doc:"terms to report, as written in the formula, or (Intercept)"`
	Joint   [][]string `yaml:"joint" doc:"groups of terms to test jointly for zero (F test)"`
	R2      bool       `yaml:"r2,omitempty" doc:"report R² too, as the term r2: the share of the outcome's variance that the regressors explain, within absorbed effects where there are any"`
	IQR     []string   `yaml:"iqr,omitempty" doc:"reported terms whose effect between their 25th and 75th percentiles is reported too: iqr(x) in the outcome's units, iqr_sd(x) in its SDs"`
}

// Bind looks up the columns and registers the regression's cross-products.
func (o OLS) Bind(name string, s *Setup) (Fitter, error) {
	return o.byOutcome(s, func(f *Formula) (Fitter, error) {
		b, err := o.binding(name, s, f)
		if err != nil {
			return nil, err
		}
		b.l.alone = true
		if len(o.IQR) > 0 {
			return b.acrossQuartiles(o.IQR)
		}
		return b.l, nil
	})
}

// byOutcome binds the formula by outcomes that are observed together.
func (o OLS) byOutcome(s *Setup, bind func(f *Formula) (Fitter, error)) (Fitter, error) {
	f, err := s.parse(o.Formula, append(ClusterNames(o.Cluster), o.Weights)...)
	if err != nil {
		return nil, keyError("formula", err)
	}
	if err := f.NotInstrumented(); err != nil {
		return nil, keyError("formula", err)
	}
	if len(f.Random) > 0 {
		return nil, keyError("formula", &SyntaxError{Offset: f.Random[0].Pos, Message: "least squares has no random effects; kind: mixed fits them"})
	}
	return s.byOutcome(f, bind)
}

// bind binds a formula whose outcomes are observed together.
func (o OLS) bind(name string, s *Setup, f *Formula) (*linear, error) {
	b, err := o.binding(name, s, f)
	if err != nil {
		return nil, err
	}
	return b.l, nil
}

// binding binds it, and returns what there is to know of it.
func (o OLS) binding(name string, s *Setup, f *Formula) (*olsBinding, error) {
	if o.SE == CR1Fixest && f.Second != nil {
		return nil, keyError("se", fmt.Errorf("%s counts coefficients by rules of its own where two effects are absorbed; use CR1", o.SE))
	}
	b := &olsBinding{OLS: o, name: name, setup: s, formula: f.withEffects(), l: &linear{se: o.SE, effects: len(f.Second)}}
	for _, step := range []func() error{b.findRows, b.findWeights, b.findWhere, b.findCluster, b.findTerms, b.findOutcomes, b.findReport, b.findJoint} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	s.linear = append(s.linear, b.l)
	return b, nil
}

// An olsBinding is the state of one Bind.
type olsBinding struct {
	OLS
	name     string
	setup    *Setup
	formula  *Formula
	filter   *filter
	weights  *weighting
	rows     dgp.Level
	absorbed grouping
	means    string     // findMeans, in words
	raw      []monomial // by term: powers of uncentred columns
	used     []monomial // by term: what the core has
	written  bool       // joint tests depend on how the coefficients are written
	l        *linear
}

// findRows settles the level of the rows.
func (b *olsBinding) findRows() error {
	var level dgp.Level
	outcomes := b.formula.Outcomes
	if b.formula.siblings != nil {
		outcomes = b.formula.siblings
	}
	for _, o := range outcomes {
		column, err := b.setup.resolve(o.Variable)
		if err != nil {
			return keyError("formula", err)
		}
		level = max(level, b.setup.level(column))
	}
	b.rows = level
	if b.Rows != "" {
		rows, ok := levelNamed(b.Rows)
		if !ok || rows == dgp.BlockLevel {
			return keyError("rows", fmt.Errorf("%q is not a level of rows; the levels are school, teacher and child", b.Rows))
		}
		if rows < level {
			return keyError("rows", fmt.Errorf("an outcome varies between units of level %s, below the rows' level %s", level, rows))
		}
		b.rows = rows
	}
	if b.rows == dgp.BlockLevel {
		b.rows = dgp.SchoolLevel
	}
	if a := b.formula.Absorb; a != "" {
		absorbed, err := b.setup.findGrouping(a)
		if err == nil && (absorbed.level > min(b.rows, dgp.TeacherLevel) || absorbed.column < 0 && absorbed.level >= b.rows) {
			err = fmt.Errorf("%q cannot be absorbed: it varies between the %s rows of the regression, or within a class", a, b.rows)
		}
		if err != nil {
			return keyError("formula", &SyntaxError{Offset: b.formula.AbsorbPos, Message: err.Error()})
		}
		b.absorbed = absorbed
	}
	return nil
}

func (b *olsBinding) findWhere() error {
	f, err := b.setup.bindFilter(b.Where)
	if err != nil {
		return keyError("where", err)
	}
	if f != nil && f.level > b.rows {
		return keyError("where", fmt.Errorf("a %s column cannot restrict %s rows", f.level, b.rows))
	}
	b.filter = f
	means, err := b.findMeans()
	if err != nil {
		return keyError("formula", err)
	}
	indicators, err := b.indicators()
	if err != nil {
		return keyError("formula", err)
	}
	where := b.Where
	for _, i := range indicators {
		where += " & " + b.setup.shape.Columns[i].Name
	}
	b.means = meansKey(means)
	key := coreKey{rows: b.rows, where: where, weights: b.Weights, absorb: b.formula.Absorb, intercept: b.formula.Intercept, means: b.means}
	b.l.core = b.setup.coreFor(key, b.setup.observed(f, indicators), b.weights, b.absorbed)
	b.l.core.means = means
	return nil
}

// variables lists the formula's variables, outcomes first.
func (b *olsBinding) variables() []Variable {
	var all []Variable
	for _, o := range b.formula.Outcomes {
		all = append(all, o.Variable)
	}
	terms := slices.Clone(b.formula.Terms)
	for _, r := range b.formula.Random {
		terms = append(terms, r.Slopes...)
	}
	for _, t := range terms {
		for _, p := range t.Factors {
			all = append(all, p.Variable)
		}
	}
	return all
}

// findMeans lists the means in the formula that a row may be without.
func (b *olsBinding) findMeans() ([]*derived, error) {
	var means []*derived
	for _, v := range b.variables() {
		if err := b.setup.addMeans(&means, v, b.rows); err != nil {
			return nil, err
		}
	}
	return means, nil
}

// indicators lists the columns that say where the formula's are observed.
func (b *olsBinding) indicators() ([]int, error) {
	var columns []int
	for _, v := range b.variables() {
		place, err := b.setup.resolve(v)
		if err != nil {
			return nil, err
		}
		columns = append(columns, place)
	}
	if b.filter != nil {
		columns = append(columns, b.filter.column...)
	}
	if b.weights != nil && b.weights.values == nil {
		columns = append(columns, b.weights.column)
	}
	for _, name := range append(ClusterNames(b.Cluster), b.formula.Absorb) {
		if g, err := b.setup.findGrouping(name); name != "" && err == nil && g.column >= 0 {
			columns = append(columns, g.column)
		}
	}
	all := b.setup.indicators(columns)
	for _, i := range all {
		if c := b.setup.shape.Columns[i]; c.Level > b.rows {
			return nil, fmt.Errorf("a %s column says where a column of %s rows is observed", c.Level, b.rows)
		}
	}
	return all, nil
}

// findCluster settles the clusters. A robust standard error treats each row as
// a cluster.
func (b *olsBinding) findCluster() error {
	if !b.SE.clustered() {
		if b.Cluster != "" {
			return keyError("cluster", fmt.Errorf("the standard error %s uses no clusters; CR0 to CR3 do", b.SE))
		}
		return nil
	}
	err := fmt.Errorf("%s needs clusters, such as cluster: school", b.SE)
	if b.Cluster != "" {
		err = b.findClusters()
	}
	if err != nil {
		return keyError("cluster", err)
	}
	return nil
}

func (b *olsBinding) findTerms() error {
	for _, t := range b.formula.Terms {
		m, err := b.monomial(t)
		if err != nil {
			return keyError("formula", err)
		}
		b.raw = append(b.raw, m)
	}
	b.used = make([]monomial, len(b.raw))
	for i, m := range b.raw {
		b.used[i] = monomial{factors: slices.Clone(m.factors)}
	}
	b.center()
	for _, m := range b.used {
		b.l.terms = append(b.l.terms, b.l.core.addTerm(m))
	}
	// Column -1, the constant, comes first.
	for from := range b.used {
		for to := -1; to < len(b.used); to++ {
			b.l.lowering = append(b.l.lowering, b.lowering(from, to))
		}
	}
	return nil
}

// monomial looks up the columns of a term.
func (b *olsBinding) monomial(t Term) (monomial, error) { return b.setup.monomialOf(t, b.rows) }

// monomialOf looks up the columns of a term in a regression on rows of a level.
func (s *Setup) monomialOf(t Term, rows dgp.Level) (monomial, error) {
	var m monomial
	for _, p := range t.Factors {
		column, err := s.resolve(p.Variable)
		if err != nil {
			return m, err
		}
		level := s.level(column)
		if level > rows {
			message := fmt.Sprintf("%q is a %s column; the rows are of level %s", p.Variable, level, rows)
			if s.shape.Index(p.Variable.String()) >= 0 {
				message += fmt.Sprintf(", which have mean(%s, %s)", p.Variable, rows)
			}
			return m, &SyntaxError{Offset: p.Pos, Message: message}
		}
		if i := slices.IndexFunc(m.factors, func(f factor) bool { return f.column == column }); i >= 0 {
			m.factors[i].power += p.Power // age:age^2 is age^3
			continue
		}
		m.factors = append(m.factors, factor{column: column, level: level, power: p.Power})
	}
	return m, nil
}

// center measures a column from its design mean wherever that leaves the space
// of the regressors as it is, which keeps squares and products of columns far
// from zero accurate. (x-c)² is a combination of x², x and 1, so x² can be
// centred when x and a constant are in the formula too.
func (b *olsBinding) center() {
	for column := range len(b.setup.shape.Columns) + len(b.setup.derived) {
		center := b.setup.center(column)
		if center == 0 || !b.closed(column) {
			continue
		}
		for _, m := range b.used {
			for i := range m.factors {
				if m.factors[i].column == column {
					m.factors[i].center = center
				}
			}
		}
	}
}

// closed reports whether, with every term, the formula has the terms that come
// of lowering the power of the column.
func (b *olsBinding) closed(column int) bool {
	for _, m := range b.raw {
		for i, f := range m.factors {
			if f.column != column {
				continue
			}
			for power := range f.power {
				lower := monomial{factors: slices.Clone(m.factors)}
				if power == 0 {
					lower.factors = slices.Delete(lower.factors, i, i+1)
				} else {
					lower.factors[i].power = power
				}
				if !b.has(lower) {
					return false
				}
			}
		}
	}
	return true
}

func (b *olsBinding) has(m monomial) bool {
	if len(m.factors) == 0 {
		return b.formula.Intercept // an absorbed effect contains the constant too
	}
	return slices.ContainsFunc(b.raw, func(o monomial) bool { return sameMonomial(o, m) })
}

func (b *olsBinding) findOutcomes() error {
	for _, o := range b.formula.Outcomes {
		column, err := b.setup.resolve(o.Variable)
		if err != nil {
			return keyError("formula", err)
		}
		b.l.outcomes = append(b.l.outcomes, b.l.core.addOutcome(column, b.setup.level(column), b.setup.center(column)))
	}
	return nil
}

// findReport turns the reported terms into combinations of the core's terms.
func (b *olsBinding) findReport() error {
	for i, text := range b.Report {
		c, terms, err := b.combinationsOf(text)
		if err != nil {
			return keyError(fmt.Sprintf("report[%d]", i), err)
		}
		b.l.combinations = append(b.l.combinations, c...)
		b.l.reported = append(b.l.reported, terms...)
	}
	for _, o := range b.formula.Outcomes {
		for _, text := range b.l.reported {
			row := Row{Estimator: b.name, Outcome: o.Text, Term: text}
			row.Target = b.effect(text, o, b.causal)
			row.Projection = b.projection(text, o)
			b.l.rows = append(b.l.rows, row)
		}
		for _, group := range b.Joint {
			b.l.rows = append(b.l.rows, Row{Estimator: b.name, Outcome: o.Text, Term: "joint(" + strings.Join(group, ", ") + ")"})
		}
		if b.R2 {
			b.l.r2 = true
			b.l.rows = append(b.l.rows, Row{Estimator: b.name, Outcome: o.Text, Term: "r2"})
		}
	}
	return nil
}

// effect is the target of a reported text: the effect of an arm, or a contrast of
// the effects of arms. It is nil where one of them is not causal.
func (b *olsBinding) effect(text string, o Outcome, causal func(arm string, o Outcome) bool) *Target {
	if causal(text, o) {
		return b.target(text, o)
	}
	contrast, ok := ParseContrast(text)
	if !ok || slices.ContainsFunc(contrast, func(part ContrastPart) bool { return !causal(part.Name, o) }) {
		return nil
	}
	t := b.target(text, o)
	t.Contrast = contrast
	return t
}

// projection is what the coefficient of a term is in the population; nil where the
// regression is more than one of an outcome on terms.
func (b *olsBinding) projection(text string, o Outcome) *Projection {
	if b.weights != nil || b.formula.Absorb != "" || !b.formula.Intercept || b.formula.Random != nil || b.formula.Endogenous != nil ||
		!slices.ContainsFunc(b.formula.Terms, func(t Term) bool { return t.String() == text }) {
		return nil
	}
	f := *b.formula
	f.Outcomes = []Outcome{o}
	return f.projection(b.rows, b.Where, text)
}

// target is the effect of an arm on an outcome, over the rows in use.
func (b *olsBinding) target(arm string, o Outcome) *Target {
	return &Target{Arm: arm, Outcome: o.Text, Rows: b.rows, Where: b.Where, Weights: b.Weights, means: b.means}
}

func (b *olsBinding) findJoint() error {
	for i, group := range b.Joint {
		var places []int
		for _, text := range group {
			all, _, err := b.combinationsOf(text)
			if err != nil {
				return keyError(fmt.Sprintf("joint[%d]", i), err)
			}
			for _, c := range all {
				places = append(places, len(b.l.combinations))
				b.l.combinations = append(b.l.combinations, c)
			}
		}
		if len(places) == 0 {
			return keyError(fmt.Sprintf("joint[%d]", i), fmt.Errorf("a joint test needs terms"))
		}
		b.l.joint = append(b.l.joint, places)
		if b.written {
			continue
		}
		b.centerJoint(b.l.combinations[places[0]:])
	}
	return nil
}

// combinationsOf writes the coefficients that a text names: of one term, or of
// all dummies of a term with factors.
func (b *olsBinding) combinationsOf(text string) (all []combination, terms []string, err error) {
	names := []string{text}
	if t, err := ParseTerm(text); err == nil {
		if dummies, ok := b.formula.factors[t.key()]; ok {
			names = nil
			for _, d := range dummies {
				names = append(names, d.String())
			}
		}
	}
	for _, name := range names {
		c, term, err := b.combination(name)
		if err != nil {
			return nil, nil, err
		}
		all, terms = append(all, c), append(terms, term)
	}
	return all, terms, nil
}

// centerJoint tests the coefficients on centred columns in place of those on
// uncentred ones, where the former are 0 exactly when the latter are: when all
// terms that bear on the group's coefficients are in the group. The latter are
// all but collinear if a column is far from zero.
func (b *olsBinding) centerJoint(group []combination) {
	if slices.ContainsFunc(group, func(c combination) bool { return c.term() == noTerm }) {
		return
	}
	in := func(term int) bool {
		return slices.ContainsFunc(group, func(c combination) bool { return c.term() == term })
	}
	for _, c := range group {
		for i, w := range c.weights {
			if w != 0 && !in(i) {
				return
			}
		}
	}
	for _, c := range group {
		clear(c.weights)
		if c.term() >= 0 {
			c.weights[c.term()] = 1
		}
	}
}

// combination writes the coefficient of a term of the formula, on uncentred
// columns, or a contrast of several, as a combination of the coefficients on
// centred ones.
func (b *olsBinding) combination(text string) (combination, string, error) {
	term, name, err := b.coefficient(text)
	if err == nil {
		return b.combine([]coefficient{{term, 1}}), name, nil
	}
	contrast, ok := ParseContrast(text)
	if !ok {
		return combination{}, "", err
	}
	var of []coefficient
	for i, part := range contrast {
		term, name, err := b.coefficient(part.Name)
		if err != nil {
			return combination{}, "", err
		}
		if slices.ContainsFunc(of, func(c coefficient) bool { return c.term == term }) {
			return combination{}, "", fmt.Errorf("%s is in %q twice", name, text)
		}
		of = append(of, coefficient{term, part.Weight})
		contrast[i].Name = name
	}
	return b.combine(of), contrast.String(), nil
}

// coefficient finds a term of the formula, -1 for the intercept, and its name.
func (b *olsBinding) coefficient(text string) (term int, name string, err error) {
	// Levels may have names that do not parse.
	if term = slices.IndexFunc(b.formula.Terms, func(o Term) bool { return o.String() == text }); term >= 0 {
		return term, text, nil
	}
	t, err := ParseTerm(text)
	if err != nil {
		return 0, "", err
	}
	if len(t.Factors) == 0 {
		if !b.formula.Intercept || b.formula.Absorb != "" {
			return 0, "", fmt.Errorf("the formula has no intercept to report")
		}
		return -1, interceptName, nil
	}
	if term = slices.IndexFunc(b.formula.Terms, func(o Term) bool { return o.key() == t.key() }); term >= 0 {
		return term, b.formula.Terms[term].String(), nil
	}
	var names []string
	for _, o := range b.formula.Terms[len(b.formula.Second):] {
		names = append(names, o.String())
	}
	return 0, "", fmt.Errorf("%q is not a term of the formula; its terms are %s", text, strings.Join(names, ", "))
}

// combine adds up coefficients on uncentred columns.
func (b *olsBinding) combine(of []coefficient) combination {
	c := combination{weights: make([]float64, len(b.raw)), of: of}
	for _, part := range of {
		if part.term < 0 {
			c.intercept += part.weight
		}
		for i := range b.used {
			c.weights[i] += part.weight * b.lowering(i, part.term)
		}
	}
	return c
}

// lowering returns the coefficient of raw term "to" (-1 for the constant) in
// the expansion of centred term "from".
func (b *olsBinding) lowering(from, to int) float64 {
	var target []factor
	if to >= 0 {
		target = b.raw[to].factors
	}
	weight := 1.0
	found := 0
	for _, f := range b.used[from].factors {
		power := 0
		for _, g := range target {
			if g.column == f.column {
				power = g.power
				found++
			}
		}
		switch {
		case power > f.power:
			return 0
		case power < f.power:
			weight *= float64(binomial(f.power, power)) * math.Pow(-f.center, float64(f.power-power))
		}
	}
	if found < len(target) {
		return 0
	}
	return weight
}

func binomial(n, k int) int {
	c := 1
	for i := range k {
		c = c * (n - i) / (i + 1)
	}
	return c
}

// causal reports whether the coefficient of a term is the total effect of an
// arm on an outcome: the term is the arm alone, and nothing that the arm may
// change is held fixed.
func (b *olsBinding) causal(text string, o Outcome) bool {
	column := b.setup.shape.Index(text)
	if column < 0 || !b.setup.shape.Columns[column].Arm || !b.formula.Intercept {
		return false // without an intercept it is the mean of the arm
	}
	for _, m := range b.raw {
		for _, f := range m.factors {
			for _, origin := range b.setup.origins(f.column) {
				if b.setup.shape.Columns[origin].PostTreatment || origin == column && (f.column != column || len(m.factors) > 1) {
					return false
				}
			}
		}
	}
	return b.comparable(o, column)
}

// comparable reports whether an arm has an effect on an outcome, and the rows
// and their weights do not depend on the arm.
func (b *olsBinding) comparable(o Outcome, arm int) bool {
	if b.weights != nil && b.weights.values == nil && b.setup.shape.Columns[b.weights.column].PostTreatment {
		return false
	}
	if b.filter != nil {
		for _, column := range b.filter.column {
			// Another arm may choose the rows: it is assigned by chance.
			if b.setup.shape.Columns[column].PostTreatment || column == arm {
				return false
			}
		}
	}
	place, err := b.setup.resolve(o.Variable)
	if err != nil {
		return false
	}
	changes := false
	for _, origin := range b.setup.origins(place) {
		c := b.setup.shape.Columns[origin]
		if c.Arm {
			return false
		}
		changes = changes || c.PostTreatment
	}
	return changes
}

var _ Method = OLS{}
