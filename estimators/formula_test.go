package estimators_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"coachsim/estimators"
)

// write prints a parsed formula in full, so that it can be parsed again.
func write(f *estimators.Formula) string {
	var outcomes, terms []string
	for _, o := range f.Outcomes {
		outcomes = append(outcomes, o.Text)
	}
	if f.Intercept {
		terms = append(terms, "1")
	} else {
		terms = append(terms, "0")
	}
	for _, t := range f.Terms {
		terms = append(terms, t.String())
	}
	for _, r := range f.Random {
		text := "(0"
		if r.Intercept {
			text = "(1"
		}
		for _, t := range r.Slopes {
			text += " + " + t.String()
		}
		if r.Independent {
			text += " |"
		} else {
			text += " "
		}
		terms = append(terms, text+"| "+r.Level+")")
	}
	text := "c(" + strings.Join(outcomes, ", ") + ") ~ " + strings.Join(terms, " + ")
	if f.Absorb != "" {
		text += " | " + f.Absorb
	}
	join := func(terms []estimators.Term) string {
		parts := make([]string, len(terms))
		for i, t := range terms {
			parts[i] = t.String()
		}
		return strings.Join(parts, " + ")
	}
	if f.Endogenous != nil {
		text += " | " + join(f.Endogenous) + " ~ " + join(f.Instruments)
	}
	return text
}

var formulaLists = map[string]string{
	"pair":   "x + z",
	"nested": "$pair + w^2",
	"circle": "x + $circle",
	"bad":    "x + ",
	"trail":  "x | block",
	"one":    "1 + x",
}

func TestParseFormula(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"y ~ x", "c(y) ~ 1 + x"},
		{" y~x ", "c(y) ~ 1 + x"},
		{"y ~ 1", "c(y) ~ 1"},
		{"y ~ 0", "c(y) ~ 0"},
		{"y ~ 1 + x", "c(y) ~ 1 + x"},
		{"y ~ x - 1", "c(y) ~ 0 + x"},
		{"y ~ -1 + x", "c(y) ~ 0 + x"},
		{"y ~ 0 + x", "c(y) ~ 0 + x"},
		{"y ~ x - 1 + 1", "c(y) ~ 1 + x"},
		{"y ~ + x", "c(y) ~ 1 + x"},
		{"y ~ x + z", "c(y) ~ 1 + x + z"},
		{"y ~ x + x", "c(y) ~ 1 + x"},
		{"y ~ x:z + z:x", "c(y) ~ 1 + x:z"},
		{"y ~ x*z", "c(y) ~ 1 + x + z + x:z"},
		{"y ~ x*z + x", "c(y) ~ 1 + x + z + x:z"},
		{"y ~ x*z*w", "c(y) ~ 1 + x + z + x:z + w + x:w + z:w + x:z:w"},
		{"y ~ x*z:w", "c(y) ~ 1 + x:w + z:w + x:z:w"},
		{"y ~ x:x", "c(y) ~ 1 + x"},
		{"y ~ x*x", "c(y) ~ 1 + x"},
		{"y ~ x^2", "c(y) ~ 1 + x^2"},
		{"y ~ x^1", "c(y) ~ 1 + x"},
		{"y ~ x ^ 6", "c(y) ~ 1 + x^6"},
		{"y ~ x^2:z^3", "c(y) ~ 1 + x^2:z^3"},
		{"y ~ x:x^2", "c(y) ~ 1 + x:x^2"},
		{"y ~ (x + z):w", "c(y) ~ 1 + x:w + z:w"},
		{"y ~ (x + z)*(w + v)", "c(y) ~ 1 + x + z + w + v + x:w + x:v + z:w + z:v"},
		{"y ~ ((x))", "c(y) ~ 1 + x"},
		{"y ~ std(x) + below(x, 10) + above( z ,99.5 )", "c(y) ~ 1 + std(x) + below(x, 10) + above(z, 99.5)"},
		{"y ~ below(x, 0.00001)", "c(y) ~ 1 + below(x, 0.00001)"},
		{"y ~ std(x)^2:z", "c(y) ~ 1 + std(x)^2:z"},
		{"I(y-x) ~ log( x+1 )", "c(I(y - x)) ~ 1 + log(x + 1)"},
		{"y ~ I((a+b)/2) + I(a*(b-c)) + I(a-(b-c)) + I((a-b)-c)", "c(y) ~ 1 + I((a + b)/2) + I(a * (b - c)) + I(a - (b - c)) + I(a - b - c)"},
		{"y ~ I(a/b/c) + I(a/(b/c)) + I(a^b^c) + I((a^b)^c)", "c(y) ~ 1 + I(a/b/c) + I(a/(b/c)) + I(a^b^c) + I((a^b)^c)"},
		{"y ~ I(-x^2) + I((-x)^2) + I(-(x+z)) + I(--x) + I(2^-x)", "c(y) ~ 1 + I(-x^2) + I((-x)^2) + I(-(x + z)) + I(--x) + I(2^-x)"},
		{"y ~ I(x - -1) + I((-1)^x) + I(-1^x) + I(1e-3*x) + I(.5*x)", "c(y) ~ 1 + I(x - -1) + I((-1)^x) + I(-1^x) + I(0.001 * x) + I(0.5 * x)"},
		{"y ~ log(exp(sqrt(x)))^2", "c(y) ~ 1 + log(exp(sqrt(x)))^2"},
		{"y ~ I + log + mean:by", "c(y) ~ 1 + I + log + mean:by"},
		{"y ~ coaching*factor( grade )", "c(y) ~ 1 + coaching + factor(grade) + coaching:factor(grade)"},
		{"mean(y,school) ~ mean(x, school) + n(school) + center(x)", "c(mean(y, school)) ~ 1 + mean(x, school) + n(school) + center(x)"},
		{"c(klk(y, z, -w), anderson(y, log(z), by=arm)) ~ x", "c(klk(y, z, -w), anderson(y, log(z), by = arm)) ~ 1 + x"},
		{"klk(by, y) ~ x", "c(klk(by, y)) ~ 1 + x"},
		{"std(below(I(y - x), 10)) ~ x", "c(std(below(I(y - x), 10))) ~ 1 + x"},
		{"y ~ $pair", "c(y) ~ 1 + x + z"},
		{"y ~ w:$pair", "c(y) ~ 1 + w:x + w:z"},
		{"y ~ $nested + v", "c(y) ~ 1 + x + z + w^2 + v"},
		{"y ~ x | block", "c(y) ~ 1 + x | block"},
		{"y ~ x|block ", "c(y) ~ 1 + x | block"},
		{"y ~ x + (1 | school)", "c(y) ~ 1 + x + (1 | school)"},
		{"y ~ (1|school/teacher) + x - 1", "c(y) ~ 0 + x + (1 | school) + (1 | teacher)"},
		{"y ~ x + (1 | teacher) | block", "c(y) ~ 1 + x + (1 | teacher) | block"},
		{"y ~ x + (1 + x | block) + (1 | school)", "c(y) ~ 1 + x + (1 + x | block) + (1 | school)"},
		{"y ~ x + (x|block)", "c(y) ~ 1 + x + (1 + x | block)"},
		{"y ~ x + (0 + x | block) | block", "c(y) ~ 1 + x + (0 + x | block) | block"},
		{"y ~ x + (x - 1 || a/b)", "c(y) ~ 1 + x + (0 + x || a) + (0 + x || b)"},
		{"y ~ x + ((x + z):w | a)", "c(y) ~ 1 + x + (1 + x:w + z:w | a)"},
		{"y ~ x | d ~ z", "c(y) ~ 1 + x | d ~ z"},
		{"y ~ x|d~z", "c(y) ~ 1 + x | d ~ z"},
		{"y ~ x | block | d ~ z", "c(y) ~ 1 + x | block | d ~ z"},
		{"y ~ 1 | d + d:x ~ $pair + z*w", "c(y) ~ 1 | d + d:x ~ x + z + w + z:w"},
		{"y ~ x - 1 | d^2 ~ std(z)", "c(y) ~ 0 + x | d^2 ~ std(z)"},
		{"c(y) ~ x", "c(y) ~ 1 + x"},
		{"c(y, z , std(w)) ~ x", "c(y, z, std(w)) ~ 1 + x"},
		{"c(y, below(y, 10), below(y,20)) ~ x", "c(y, below(y, 10), below(y, 20)) ~ 1 + x"},
		{"c ~ x", "c(c) ~ 1 + x"},
		{"y_1.a ~ _x + .z", "c(y_1.a) ~ 1 + _x + .z"},
		{"y ~\n x +\t z\r\n", "c(y) ~ 1 + x + z"},
	} {
		f, err := estimators.ParseFormula(c.text, formulaLists)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := write(f); got != c.want {
			t.Errorf("%q is %q, want %q", c.text, got, c.want)
		}
	}
}

func TestParseFormulaErrors(t *testing.T) {
	for _, c := range []struct {
		text, want string
		offset     int
	}{
		{"", "expected the name of a column, found the end", 0},
		{"  ", "expected the name of a column, found the end", 2},
		{"y ~ x | block | ", "expected the name of a column, found the end", 16},
		{"y ~ x | block | d", "expected ~ between the endogenous regressors and their instruments, found the end", 17},
		{"y ~ x | d ~", "expected the name of a column, found the end", 11},
		{"y ~ x | ~ z", `expected the name of a column, found "~"`, 8},
		{"y ~ x | d ~ 1 + z", "expected instruments, without a 1 or 0, as in | endogenous ~ instruments", 12},
		{"y ~ x | 1 ~ z", "expected endogenous regressors, without a 1 or 0, as in | endogenous ~ instruments", 8},
		{"y ~ x | d ~ z | block", `expected + or | or the end, found "|"`, 14},
		{"y ~ x | d ~ z ~ w", `expected + or | or the end, found "~"`, 14},
		{"y ~ x | d ~ (1 | school)", "a random effect cannot stand among the instruments", 17},
		{"~ x", `expected the name of a column, found "~"`, 0},
		{"1y ~ x", `expected the name of a column, found "1"`, 0},
		{"y", "expected ~ after the outcome, found the end", 1},
		{"y + z ~ x", `expected ~ after the outcome, found "+"`, 2},
		{"y ~", "expected the name of a column, found the end", 3},
		{"y ~ x +", "expected the name of a column, found the end", 7},
		{"y ~ x + + z", `expected the name of a column, found "+"`, 8},
		{"y ~ é", `expected the name of a column, found "é"`, 4},
		{"y ~ x z", `expected + or | or the end, found "z"`, 6},
		{"y ~ x ~ z", `expected + or | or the end, found "~"`, 6},
		{"y ~ x^2^2", `expected + or | or the end, found "^"`, 7},
		{"y ~ 2", "the only numbers in a sum are 1 (intercept) and 0 (none)", 4},
		{"y ~ x + 0.5", "the only numbers in a sum are 1 (intercept) and 0 (none)", 8},
		{"y ~ x - 0", "the only numbers in a sum are 1 (intercept) and 0 (none)", 8},
		{"y ~ x - z", "only the intercept can be removed, with - 1", 8},
		{"y ~ x:", "expected the name of a column, found the end", 6},
		{"y ~ x:.5", `expected the name of a column, found "."`, 6},
		{"y ~ x*1", `expected the name of a column, found "1"`, 6},
		{"y ~ x^0", "a power is a whole number from 1 to 6", 6},
		{"y ~ x^7", "a power is a whole number from 1 to 6", 6},
		{"y ~ x^1.5", "a power is a whole number from 1 to 6", 6},
		{"y ~ x^-1", "a power is a whole number from 1 to 6", 6},
		{"y ~ x^", "a power is a whole number from 1 to 6", 6},
		{"y ~ (x + z)^2", "only a single column can be raised to a power", 4},
		{"y ~ $pair^2", "only a single column can be raised to a power", 4},
		{"y ~ (x", "expected ), found the end", 6},
		{"y ~ ()", `expected the name of a column, found ")"`, 5},
		{"y ~ (x - 1)", "say outside of the parentheses whether there is an intercept", 5},
		{"y ~ x:(1 + z)", "say outside of the parentheses whether there is an intercept", 7},
		{"y ~ ln(x)", `there is no function ln; the functions are I(a + b), above(y, percentile), anderson(y1, y2, by = arm), below(y, percentile), center(x), exp(x), factor(x), klk(y1, y2, by = arm), log(x), mean(x, level), n(level), sqrt(x), std(y), value_added(y, x1, x2, by = teacher)`, 4},
		{"y ~ x + sqr(x)", "there is no function sqr; did you mean sqrt(x)?", 8},
		{"c(cosine(y)) ~ x", "there is no function cosine; the functions are I(a + b), above(y, percentile), anderson(y1, y2, by = arm), below(y, percentile), center(x), exp(x), factor(x), klk(y1, y2, by = arm), log(x), mean(x, level), n(level), sqrt(x), std(y), value_added(y, x1, x2, by = teacher)", 2},
		{"y ~ I(x", "expected ), found the end", 7},
		{"y ~ I()", `expected the name of a column, found ")"`, 6},
		{"y ~ I(x +)", `expected the name of a column, found ")"`, 9},
		{"y ~ I(x * (z - 1)", "expected ), found the end", 17},
		{"y ~ I(x ~ z)", `expected ), found "~"`, 8},
		{"y ~ I(x $ z)", `expected ), found "$"`, 8},
		{"y ~ log(lag(x))", "there is no function lag; did you mean log(x)?", 8},
		{"y ~ I(1.2.3 + x)", "this is not a number that can be computed with", 6},
		{"y ~ I(1e999 + x)", "this is not a number that can be computed with", 6},
		{"y ~ I(" + strings.Repeat("(", 120) + "x", "arithmetic nested more than 100 deep", 106},
		{"y ~ mean(x)", `expected a comma and a level or factor, such as school, found ")"`, 10},
		{"y ~ mean(x, 3)", `expected a level or factor, such as school, found "3"`, 12},
		{"y ~ n()", `expected a level or factor, such as school, found ")"`, 6},
		{"y ~ factor(x + z)", `expected ), found "+"`, 13},
		{"y ~ factor(x)3", `expected + or | or the end, found "3"`, 13},
		{"y ~ factor(x)^2", "a factor has no powers", 4},
		{"klk(y) ~ x", "klk needs two columns or more, as in klk(y1, y2, by = arm)", 4},
		{"klk(by = d) ~ x", "klk needs two columns or more, as in klk(y1, y2, by = arm)", 4},
		{"klk(y, z, by = 3) ~ x", `expected the name of a column or level, found "3"`, 15},
		{"klk(y, z, by = d, w) ~ x", `expected ), found ","`, 16},
		{"y ~ std()", `expected the name of a column, found ")"`, 8},
		{"y ~ std(x", "expected ), found the end", 9},
		{"y ~ std(x, 10)", `expected ), found ","`, 9},
		{"y ~ below(x)", `expected a comma and a percentile, found ")"`, 11},
		{"y ~ below(x, )", "a percentile lies between 0 and 100, as in below(y, 10)", 13},
		{"y ~ below(x, 0)", "a percentile lies between 0 and 100, as in below(y, 10)", 13},
		{"y ~ below(x, 100)", "a percentile lies between 0 and 100, as in below(y, 10)", 13},
		{"y ~ above(x, -1)", "a percentile lies between 0 and 100, as in below(y, 10)", 13},
		{"y ~ below(x, 10", "expected ), found the end", 15},
		{"c(y, y) ~ x", "the outcome y stands here twice", 5},
		{"c(below(y,10), below(y, 10.0)) ~ x", "the outcome below(y, 10) stands here twice", 15},
		{"c(y ~ x", `expected , or ) in the list of outcomes, found "~"`, 4},
		{"c() ~ x", `expected the name of a column, found ")"`, 2},
		{"c(y,) ~ x", `expected the name of a column, found ")"`, 4},
		{"y ~ x |", "expected the name of a fixed effect after |, found the end", 7},
		{"y ~ x | 1", `expected the name of a fixed effect after |, found "1"`, 8},
		{"y ~ x | block + school + grade", "two fixed effects can be absorbed; enter the others as regressors, as in factor(x)", 23},
		{"y ~ x | block + block", "the fixed effect block stands here twice", 16},
		{"y ~ x | block + ", "expected the name of a fixed effect after +, found the end", 16},
		{"y ~ x - 1 | block", "a formula with a fixed effect has no intercept to remove", 12},
		{"y ~ x | block z", `expected + or | or the end, found "z"`, 14},
		{"y ~ $pai", `there is no list $pai under terms; did you mean "pair"?`, 4},
		{"y ~ x + $", "there is no list $ under terms", 8},
		{"y ~ $circle", "in the list $circle, at character 5: the list $circle contains itself", 4},
		{"y ~ $bad", "in the list $bad, at character 5: expected the name of a column, found the end", 4},
		{"y ~ $trail", `in the list $trail, at character 3: expected + or the end, found "|"`, 4},
		{"y ~ $one", "the list $one speaks of the intercept; say that in the formula", 4},
		{"y ~ a*b*d*e*f*g*h*i*j*k", "a product of more than 500 terms", 21},
	} {
		_, err := estimators.ParseFormula(c.text, formulaLists)
		var syntax *estimators.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: error %v", c.text, err)
			continue
		}
		if syntax.Message != c.want || syntax.Offset != c.offset {
			t.Errorf("%q: at %d: %s; want at %d: %s", c.text, syntax.Offset, syntax.Message, c.offset, c.want)
		}
	}
}

func TestParseTerm(t *testing.T) {
	for text, want := range map[string]string{
		"factor(g)": "factor(g)", "factor(g)3": "factor(g)3", "x:factor(g)north west :z": "x:factor(g)north west:z", "log(x + 1)": "log(x + 1)",
		"x": "x", " x:z ": "x:z", "x^2:std(z)": "x^2:std(z)", "(Intercept)": "", " (Intercept) ": "",
	} {
		if term, err := estimators.ParseTerm(text); err != nil || term.String() != want {
			t.Errorf("%q is %q, %v; want %q", text, term, err, want)
		}
	}
	for _, text := range []string{"", "x*z", "x + z", "x z", "1", "(x + z)", "x ~ z", "$pair"} {
		if term, err := estimators.ParseTerm(text); err == nil {
			t.Errorf("%q is %q, want an error", text, term)
		}
	}
}

// FuzzParseFormula: no text makes the parser panic, faults lie within the
// text, and what was parsed and printed parses to the same.
func FuzzParseFormula(f *testing.F) {
	for _, text := range []string{
		"y ~ x", "c(y, below(y, 10)) ~ a*b^2 + $pair - 1", "y ~ (a + b):std(x) | block", "y ~ $nested | school", "c(", "y ~ x^", "é ~ ~", "y ~ x + (1 | school/teacher) | block", "y ~ (1 + x*z || a/b) + (0 + x | c) | d",
		"y ~ x | block | d + d:x ~ z*w",
		"I(y - -x^2) ~ log((a + b)/2e-3)^2 + factor(g)*x", "mean(y, school) ~ center(x) + n(school)", "klk(y, -z, by = d) ~ anderson(a, b)",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 300 {
			return
		}
		first, err := estimators.ParseFormula(text, formulaLists)
		if err != nil {
			var syntax *estimators.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(text) || syntax.Message == "" {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		if first.Absorb != "" && !strings.HasPrefix(text[first.AbsorbPos:], first.Absorb) {
			t.Errorf("%q: the fixed effect is not at %d", text, first.AbsorbPos)
		}
		printed := write(first)
		second, err := estimators.ParseFormula(printed, nil)
		if err != nil {
			t.Fatalf("%q was printed as %q: %v", text, printed, err)
		}
		forget(first)
		forget(second)
		if !reflect.DeepEqual(first, second) {
			t.Errorf("%q was printed as %q, which is something else", text, printed)
		}
	})
}

// forget clears the positions in a formula.
func forget(f *estimators.Formula) {
	f.AbsorbPos, f.InstrumentPos = 0, 0
	for i := range f.Random {
		f.Random[i].Pos, f.Random[i].SlopePos = 0, 0
	}
	for i := range f.Outcomes {
		forgetIn(&f.Outcomes[i].Variable)
	}
	all := [][]estimators.Term{f.Terms, f.Endogenous, f.Instruments}
	for i := range f.Random {
		all = append(all, f.Random[i].Slopes)
	}
	for _, terms := range all {
		for i := range terms {
			for j := range terms[i].Factors {
				forgetIn(&terms[i].Factors[j].Variable)
			}
		}
	}
}

func forgetIn(v *estimators.Variable) {
	v.Pos = 0
	if v.Call == nil {
		return
	}
	for i := range v.Call.Args {
		forgetIn(&v.Call.Args[i])
	}
	if v.Call.By != nil {
		forgetIn(v.Call.By)
	}
}
