package estimators

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"coachsim/dgp/spelling"
)

// A Formula is a parsed regression formula in fixest's syntax,
//
//	c(y1, log(y2)) ~ x + a:b + a*b + x^2 + factor(f) + $list | block + grade | d ~ z
//
// with several outcomes, functions of columns, interactions, powers, factors,
// named lists of terms, one or two absorbed fixed effects, and regressors d with
// instruments z; and random effects in lme4's syntax. Names are not yet
// looked up in any data.
type Formula struct {
	Outcomes  []Outcome
	siblings  []Outcome // all outcomes of a formula that was taken apart, else nil
	Terms     []Term
	Intercept bool   // false after "- 1" or "+ 0"
	Absorb    string // the absorbed fixed effect, "" for none
	AbsorbPos int    // offset of its name in the formula
	Second    []Term // the second absorbed effect: a factor, nil for none
	Random    []RandomEffect

	Endogenous    []Term // regressors that are instrumented, nil for none
	Instruments   []Term // those that Terms does not have
	InstrumentPos int    // offset of the instrumented part

	// factors holds the dummies that a term with factors stands for, by the
	// term's key. ParseFormula leaves factors as they are, since it does not
	// know their levels.
	factors map[string][]Term
}

// NotInstrumented returns an error if the formula has instruments, for the
// methods that cannot use them.
func (f *Formula) NotInstrumented() error {
	if f.Endogenous == nil {
		return nil
	}
	return &SyntaxError{Offset: f.InstrumentPos, Message: "this method has no instruments; kind: iv fits endogenous ~ instruments"}
}

// OneEffect returns an error if the formula absorbs two effects, for the methods
// that cannot.
func (f *Formula) OneEffect() error {
	if f.Second == nil {
		return nil
	}
	return &SyntaxError{Offset: f.Second[0].Factors[0].Pos, Message: "this method absorbs one fixed effect; enter the other as a regressor, as in factor(x)"}
}

// withEffects returns the formula with the dummies of its second effect before
// its terms, so that a term that is collinear with the effects is what is left
// out. There are as many as Second has.
func (f *Formula) withEffects() *Formula {
	all := *f
	all.Terms = slices.Concat(f.Second, f.Terms)
	return &all
}

// A RandomEffect is what varies between the units of one level, in lme4's
// syntax: (1 | school) the intercept, (1 + coaching | block) the intercept and
// the coefficient of coaching, correlated, (1 + coaching || block) both,
// uncorrelated, (0 + coaching | block) the coefficient alone. (1 | a/b) is
// (1 | a) + (1 | b).
type RandomEffect struct {
	Level       string
	Pos         int // offset of the level in the formula
	Intercept   bool
	Slopes      []Term // nil where the intercept alone is random
	SlopePos    int    // offset of the terms in the formula
	Independent bool   // written with ||
}

// An Outcome is a column or a function of columns on the left-hand side.
type Outcome struct {
	Variable
	Text string // canonical, e.g. "below(class, 10)"
}

// A Term is a product of powers of variables.
type Term struct {
	Factors []Power
}

// A Power is a variable raised to a positive whole power.
type Power struct {
	Variable
	Power int
}

func (p Power) String() string {
	if p.Power == 1 {
		return p.Variable.String()
	}
	return p.Variable.String() + "^" + strconv.Itoa(p.Power)
}

// String writes the term as R does: "coaching:class".
func (t Term) String() string {
	parts := make([]string, len(t.Factors))
	for i, p := range t.Factors {
		parts[i] = p.String()
	}
	return strings.Join(parts, ":")
}

// key is the same for a:b and b:a.
func (t Term) key() string {
	parts := make([]string, len(t.Factors))
	for i, p := range t.Factors {
		parts[i] = p.String()
	}
	slices.Sort(parts)
	return strings.Join(parts, ":")
}

// A SyntaxError is a fault in a formula or a condition.
type SyntaxError struct {
	Offset  int // in bytes, from 0
	Message string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("at character %d: %s", e.Offset+1, e.Message)
}

// ParseFormula parses a formula. lists holds the terms that $name stands for.
func ParseFormula(text string, lists map[string]string) (*Formula, error) {
	p := &parser{text: text, lists: lists}
	f, err := p.formula()
	if err == nil {
		err = f.alone()
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// ParseTerm parses one term such as "coaching:class", or "(Intercept)".
func ParseTerm(text string) (Term, error) {
	if strings.TrimSpace(text) == interceptName {
		return Term{}, nil
	}
	p := &parser{text: text, labels: true}
	terms, err := p.product()
	if err != nil {
		return Term{}, err
	}
	p.space()
	if p.at < len(p.text) || len(terms.terms) != 1 {
		return Term{}, p.fail(p.at, "expected one term, such as coaching or coaching:class")
	}
	return terms.terms[0], nil
}

const interceptName = "(Intercept)"

// maxTerms bounds what one product can expand to: a*b*c has seven terms.
const maxTerms = 500

// A parser reads a formula by recursive descent.
type parser struct {
	text  string
	at    int
	lists map[string]string
	open  []string // lists being expanded, to refuse circles

	labels bool // a factor may be followed by one of its levels
	depth  int  // of arithmetic
}

// A sum is a set of terms, and whether the intercept was named or removed.
type sum struct {
	terms     []Term
	intercept int // +1 named, -1 removed, 0 not mentioned
	random    []RandomEffect
}

func (s *sum) add(t Term) {
	for _, have := range s.terms {
		if have.key() == t.key() {
			return
		}
	}
	s.terms = append(s.terms, t)
}

func (p *parser) fail(at int, format string, args ...any) error {
	return &SyntaxError{Offset: min(at, len(p.text)), Message: fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.ContainsRune(" \t\r\n", rune(p.text[p.at])) {
		p.at++
	}
}

// take consumes the character c, after space.
func (p *parser) take(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// found describes what stands at the current place.
func (p *parser) found() string {
	p.space()
	if p.at >= len(p.text) {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return strconv.Quote(string(r))
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.'
}
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (p *parser) name() string {
	p.space()
	start := p.at
	if rest := p.text[p.at:]; len(rest) > 1 && rest[0] == '.' && isDigit(rest[1]) {
		return "" // a number
	}
	for p.at < len(p.text) && (isLetter(p.text[p.at]) || p.at > start && isDigit(p.text[p.at])) {
		p.at++
	}
	return p.text[start:p.at]
}

func (p *parser) number() (float64, bool) {
	p.space()
	start := p.at
	for p.at < len(p.text) && (isDigit(p.text[p.at]) || p.text[p.at] == '.') {
		p.at++
	}
	x, err := strconv.ParseFloat(p.text[start:p.at], 64)
	if err != nil {
		p.at = start
		return 0, false
	}
	return x, true
}

func (p *parser) formula() (*Formula, error) {
	f := &Formula{Intercept: true}
	if err := p.outcomes(f); err != nil {
		return nil, err
	}
	if !p.take('~') {
		return nil, p.fail(p.at, "expected ~ after the outcome, found %s", p.found())
	}
	right, err := p.sum()
	if err != nil {
		return nil, err
	}
	f.Terms = right.terms
	f.Random = right.random
	if right.intercept < 0 {
		f.Intercept = false
	}
	bar := p.take('|')
	if bar && !p.instrumented() {
		p.space()
		f.AbsorbPos = p.at
		f.Absorb = p.name()
		if f.Absorb == "" {
			return nil, p.fail(p.at, "expected the name of a fixed effect after |, found %s", p.found())
		}
		if p.take('+') {
			p.space()
			at := p.at
			name := p.name()
			switch name {
			case "":
				return nil, p.fail(at, "expected the name of a fixed effect after +, found %s", p.found())
			case f.Absorb:
				return nil, p.fail(at, "the fixed effect %s stands here twice", name)
			}
			f.Second = []Term{factorTerm(name, at)}
			if p.take('+') {
				return nil, p.fail(p.at-1, "two fixed effects can be absorbed; enter the others as regressors, as in factor(x)")
			}
		}
		if right.intercept < 0 {
			return nil, p.fail(f.AbsorbPos, "a formula with a fixed effect has no intercept to remove")
		}
		bar = p.take('|')
	}
	if bar {
		if err := p.instruments(f); err != nil {
			return nil, err
		}
	}
	p.space()
	if p.at < len(p.text) {
		return nil, p.fail(p.at, "expected + or | or the end, found %s", p.found())
	}
	return f, nil
}

// instrumented reports whether what comes before the next bar has a ~, as in
// endogenous ~ instruments.
func (p *parser) instrumented() bool {
	part, _, _ := strings.Cut(p.text[p.at:], "|")
	return strings.Contains(part, "~")
}

// instruments reads endogenous ~ instruments.
func (p *parser) instruments(f *Formula) error {
	p.space()
	f.InstrumentPos = p.at
	side := func(what string) ([]Term, error) {
		p.space()
		start := p.at
		s, err := p.sum()
		switch {
		case err != nil:
			return nil, err
		case s.random != nil:
			return nil, p.fail(s.random[0].Pos, "a random effect cannot stand among the %s", what)
		case s.intercept != 0 || len(s.terms) == 0:
			return nil, p.fail(start, "expected %s, without a 1 or 0, as in | endogenous ~ instruments", what)
		}
		return s.terms, nil
	}
	var err error
	if f.Endogenous, err = side("endogenous regressors"); err != nil {
		return err
	}
	if !p.take('~') {
		return p.fail(p.at, "expected ~ between the endogenous regressors and their instruments, found %s", p.found())
	}
	f.Instruments, err = side("instruments")
	return err
}

func (p *parser) outcomes(f *Formula) error {
	p.space()
	start := p.at
	if p.name() == "c" && p.take('(') {
		for {
			if err := p.outcome(f); err != nil {
				return err
			}
			if p.take(')') {
				return nil
			}
			if !p.take(',') {
				return p.fail(p.at, "expected , or ) in the list of outcomes, found %s", p.found())
			}
		}
	}
	p.at = start
	return p.outcome(f)
}

func (p *parser) outcome(f *Formula) error {
	v, err := p.variable()
	if err != nil {
		return err
	}
	text := v.String()
	for _, o := range f.Outcomes {
		if o.Text == text {
			return p.fail(v.Pos, "the outcome %s stands here twice", text)
		}
	}
	f.Outcomes = append(f.Outcomes, Outcome{Variable: v, Text: text})
	return nil
}

func (p *parser) sum() (sum, error) {
	var s sum
	remove := false
	if p.take('-') {
		remove = true
	} else {
		p.take('+')
	}
	for {
		if err := p.summand(&s, remove); err != nil {
			return s, err
		}
		switch {
		case p.take('+'):
			remove = false
		case p.take('-'):
			remove = true
		default:
			return s, nil
		}
	}
}

// summand reads one product, or the 1 or 0 that speaks of the intercept.
func (p *parser) summand(s *sum, remove bool) error {
	p.space()
	start := p.at
	if x, ok := p.number(); ok {
		switch {
		case x == 1 && !remove:
			s.intercept = 1
		case x == 1 && remove, x == 0 && !remove:
			s.intercept = -1
		default:
			return p.fail(start, "the only numbers in a sum are 1 (intercept) and 0 (none)")
		}
		return nil
	}
	if remove {
		return p.fail(start, "only the intercept can be removed, with - 1")
	}
	if random, err := p.randomEffect(); err != nil || random != nil {
		s.random = append(s.random, random...)
		return err
	}
	right, err := p.product()
	if err != nil {
		return err
	}
	for _, t := range right.terms {
		s.add(t)
	}
	return nil
}

// randomEffect reads a random effect such as (1 + coaching | school/teacher), if
// that is what comes; else it reads nothing.
func (p *parser) randomEffect() ([]RandomEffect, error) {
	if !p.randomAhead() {
		return nil, nil
	}
	p.take('(')
	p.space()
	r := RandomEffect{SlopePos: p.at}
	terms, err := p.sum()
	switch {
	case err != nil:
		return nil, err
	case terms.random != nil:
		return nil, p.fail(terms.random[0].Pos, "a random effect is a term of its own, outside of other parentheses")
	}
	r.Intercept, r.Slopes = terms.intercept >= 0, terms.terms
	if !r.Intercept && len(r.Slopes) == 0 {
		return nil, p.fail(r.SlopePos, "nothing is random here; (1 | school) makes the intercept random, (0 + coaching | school) the coefficient of coaching")
	}
	if !p.take('|') {
		return nil, p.fail(p.at, "expected | and a level, as in (1 | school), found %s", p.found())
	}
	r.Independent = p.at < len(p.text) && p.text[p.at] == '|'
	if r.Independent {
		p.at++
	}
	var all []RandomEffect
	for {
		p.space()
		r.Pos = p.at
		if r.Level = p.name(); r.Level == "" {
			return nil, p.fail(p.at, "expected the level of a random effect, as in (1 | school), found %s", p.found())
		}
		all = append(all, r)
		switch {
		case p.take('/'):
		case p.take(')'):
			return all, nil
		default:
			return nil, p.fail(p.at, "expected / or ) after the level of a random effect, found %s", p.found())
		}
	}
}

// randomAhead reports whether a parenthesis follows with a bar in it that no
// inner parenthesis holds.
func (p *parser) randomAhead() bool {
	p.space()
	depth := 0
	for _, c := range p.text[p.at:] {
		switch {
		case c == '(':
			depth++
		case depth == 0:
			return false
		case c == ')':
			depth--
		case c == '|' && depth == 1:
			return true
		}
	}
	return false
}

// product reads powers joined by : (interaction) or * (main effects and
// interaction).
func (p *parser) product() (sum, error) {
	left, err := p.power()
	if err != nil {
		return left, err
	}
	for {
		var cross bool
		switch {
		case p.take(':'):
		case p.take('*'):
			cross = true
		default:
			return left, nil
		}
		right, err := p.power()
		if err != nil {
			return left, err
		}
		var out sum
		if cross {
			for _, t := range left.terms {
				out.add(t)
			}
			for _, t := range right.terms {
				out.add(t)
			}
		}
		for _, a := range left.terms {
			for _, b := range right.terms {
				out.add(interact(a, b))
			}
		}
		if len(out.terms) > maxTerms {
			return left, p.fail(p.at, "a product of more than %d terms", maxTerms)
		}
		left = out
	}
}

// interact multiplies two terms. As in R, a variable times itself is itself.
func interact(a, b Term) Term {
	out := Term{Factors: slices.Clone(a.Factors)}
	for _, f := range b.Factors {
		if !slices.ContainsFunc(out.Factors, func(g Power) bool { return g.String() == f.String() }) {
			out.Factors = append(out.Factors, f)
		}
	}
	return out
}

// power reads an atom, perhaps raised to a whole power.
func (p *parser) power() (sum, error) {
	p.space()
	start := p.at
	s, single, err := p.atom()
	if err != nil {
		return s, err
	}
	if !p.take('^') {
		return s, nil
	}
	if !single {
		return s, p.fail(start, "only a single column can be raised to a power")
	}
	if s.terms[0].Factors[0].isFactor() {
		return s, p.fail(start, "a factor has no powers")
	}
	p.space()
	at := p.at
	x, ok := p.number()
	if !ok || x != float64(int(x)) || x < 1 || x > 6 {
		return s, p.fail(at, "a power is a whole number from 1 to 6")
	}
	s.terms[0].Factors[0].Power = int(x)
	return s, nil
}

// atom reads a variable, a list or a sum in parentheses, and says whether it
// was a single variable.
func (p *parser) atom() (sum, bool, error) {
	if start := p.at; p.take('(') {
		s, err := p.sum()
		if err == nil && !p.take(')') {
			err = p.fail(p.at, "expected ), found %s", p.found())
			if p.take('|') {
				err = p.fail(p.at-1, "a random effect is a term of its own, outside of other parentheses")
			}
		}
		if err == nil && s.random != nil {
			err = p.fail(s.random[0].Pos, "a random effect is a term of its own, outside of other parentheses")
		}
		if err == nil && s.intercept != 0 {
			err = p.fail(start+1, "say outside of the parentheses whether there is an intercept")
		}
		return s, false, err
	}
	p.space()
	if p.at < len(p.text) && p.text[p.at] == '$' {
		s, err := p.list()
		return s, false, err
	}
	v, err := p.variable()
	if err != nil {
		return sum{}, false, err
	}
	return sum{terms: []Term{{Factors: []Power{{Variable: v, Power: 1}}}}}, true, nil
}

// list expands $name.
func (p *parser) list() (sum, error) {
	start := p.at
	p.at++
	name := p.name()
	text, ok := p.lists[name]
	if !ok {
		return sum{}, p.fail(start, "there is no list $%s under terms%s", name, nearestHint(name, slices.Sorted(maps.Keys(p.lists))))
	}
	if slices.Contains(p.open, name) {
		return sum{}, p.fail(start, "the list $%s contains itself", name)
	}
	inner := &parser{text: text, lists: p.lists, open: append(slices.Clone(p.open), name)}
	s, err := inner.sum()
	if err == nil {
		inner.space()
		if inner.at < len(text) {
			err = inner.fail(inner.at, "expected + or the end, found %s", inner.found())
		}
	}
	if err != nil {
		return s, p.fail(start, "in the list $%s, %s", name, err)
	}
	if s.intercept != 0 {
		return s, p.fail(start, "the list $%s speaks of the intercept; say that in the formula", name)
	}
	if s.random != nil {
		return s, p.fail(start, "the list $%s has a random intercept; say that in the formula", name)
	}
	for _, t := range s.terms {
		for i := range t.Factors {
			t.Factors[i].moveTo(start) // faults of the list's names are shown at $name
		}
	}
	return s, nil
}

// nearestHint ends a message with the nearest of the names, or nothing.
func nearestHint(name string, names []string) string {
	if best := spelling.Nearest(name, names); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ""
}
