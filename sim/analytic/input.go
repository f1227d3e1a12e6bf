package analytic

import (
	"fmt"
	"math"
)

// A Key is an input of the closed forms.
type Key int

// The inputs. Levels are numbered from below: 1 children, 2 their classes or
// schools, up to 4.
const (
	N Key = iota // units per cluster
	J
	K
	L
	P // share treated
	Rho2
	Rho3
	Rho4
	Omega2
	Omega3
	Omega4
	R21
	R22
	R23
	R24
	RT2
	RT3
	RT4
	G1
	G2
	G3
	G4
	CV
	OLS
	Q1
	Q2
	Q3
	Q4
	TakeUp
	Crossover
	ES
	Alpha
	Power
	Tails
	Tests
	Correlation
	A
	B
	Direct
	RhoM3
	RM2
	RM3
	GM
	G
	C1
	C2
	C3
	Budget
	keys
)

// An Input says what a key means and what it may be.
type Input struct {
	Key      Key
	Name     string  // on the command line
	Doc      string  // meaning
	Min, Max float64 // range; Max may be +Inf
	Open     bool    // the ends of the range are not in it
	Whole    bool    // a whole number
	Default  float64 // NaN for an input that must be given
	Size     bool    // a number of units, which can be solved for
}

var inf, required = math.Inf(1), math.NaN()

var inputs = [keys]Input{
	N:           {Name: "n", Doc: "children per class or school (level 1 units per level 2 unit)", Min: 1, Max: 1e9, Default: required, Size: true},
	J:           {Name: "J", Doc: "level 2 units (per level 3 unit, if there are any)", Min: 1, Max: 1e9, Default: required, Size: true},
	K:           {Name: "K", Doc: "level 3 units (per level 4 unit, if there are any)", Min: 1, Max: 1e9, Default: required, Size: true},
	L:           {Name: "L", Doc: "level 4 units", Min: 1, Max: 1e9, Default: required, Size: true},
	P:           {Name: "p", Doc: "share of the randomised units that is treated", Min: 0, Max: 1, Open: true, Default: 0.5},
	Rho2:        {Name: "rho2", Doc: "share of the outcome's variance between level 2 units (ICC)", Min: 0, Max: 1, Default: required},
	Rho3:        {Name: "rho3", Doc: "share of the outcome's variance between level 3 units (ICC)", Min: 0, Max: 1, Default: required},
	Rho4:        {Name: "rho4", Doc: "share of the outcome's variance between level 4 units (ICC)", Min: 0, Max: 1, Default: required},
	Omega2:      {Name: "omega2", Doc: "variance of the effect between level 2 units over the variance of their means", Min: 0, Max: inf, Default: required},
	Omega3:      {Name: "omega3", Doc: "variance of the effect between level 3 units over the variance of their means", Min: 0, Max: inf, Default: required},
	Omega4:      {Name: "omega4", Doc: "variance of the effect between level 4 units over the variance of their means", Min: 0, Max: inf, Default: required},
	R21:         {Name: "r21", Doc: "share of level 1 variance that covariates explain", Min: 0, Max: 1, Default: 0},
	R22:         {Name: "r22", Doc: "share of level 2 variance that covariates explain", Min: 0, Max: 1, Default: 0},
	R23:         {Name: "r23", Doc: "share of level 3 variance that covariates explain", Min: 0, Max: 1, Default: 0},
	R24:         {Name: "r24", Doc: "share of level 4 variance that covariates explain", Min: 0, Max: 1, Default: 0},
	RT2:         {Name: "r2t2", Doc: "share of the effect's level 2 variance that covariates explain", Min: 0, Max: 1, Default: 0},
	RT3:         {Name: "r2t3", Doc: "share of the effect's level 3 variance that covariates explain", Min: 0, Max: 1, Default: 0},
	RT4:         {Name: "r2t4", Doc: "share of the effect's level 4 variance that covariates explain", Min: 0, Max: 1, Default: 0},
	G1:          {Name: "g1", Doc: "level 1 covariates", Min: 0, Max: 1e9, Whole: true, Default: 0},
	G2:          {Name: "g2", Doc: "level 2 covariates", Min: 0, Max: 1e9, Whole: true, Default: 0},
	G3:          {Name: "g3", Doc: "level 3 covariates", Min: 0, Max: 1e9, Whole: true, Default: 0},
	G4:          {Name: "g4", Doc: "level 4 covariates", Min: 0, Max: 1e9, Whole: true, Default: 0},
	CV:          {Name: "cv", Doc: "coefficient of variation of n between level 2 units (SD over mean)", Min: 0, Max: inf, Default: 0},
	OLS:         {Name: "ols", Doc: "with cv: 1 if every child weighs the same (least squares), 0 if the weights are best (mixed model)", Min: 0, Max: 1, Whole: true, Default: 0},
	Q1:          {Name: "q1", Doc: "share of level 1 units lost at random", Min: 0, Max: 0.999999, Default: 0},
	Q2:          {Name: "q2", Doc: "share of level 2 units lost at random", Min: 0, Max: 0.999999, Default: 0},
	Q3:          {Name: "q3", Doc: "share of level 3 units lost at random", Min: 0, Max: 0.999999, Default: 0},
	Q4:          {Name: "q4", Doc: "share of level 4 units lost at random", Min: 0, Max: 0.999999, Default: 0},
	TakeUp:      {Name: "takeup", Doc: "share of the treated that takes treatment up", Min: 0, Max: 1, Default: 1},
	Crossover:   {Name: "crossover", Doc: "share of the controls that gets it too", Min: 0, Max: 1, Default: 0},
	ES:          {Name: "es", Doc: "effect size, SDs of the outcome; of compliers where takeup and crossover say so", Min: -inf, Max: inf, Open: true, Default: 0.25},
	Alpha:       {Name: "alpha", Doc: "size of the test", Min: 0, Max: 1, Open: true, Default: 0.05},
	Power:       {Name: "power", Doc: "power that the MDES, or the size solved for, must have", Min: 0, Max: 1, Open: true, Default: 0.8},
	Tails:       {Name: "tails", Doc: "tails of the test", Min: 1, Max: 2, Whole: true, Default: 2},
	Tests:       {Name: "M", Doc: "outcomes that are tested, each with the same power", Min: 1, Max: 1000, Whole: true, Default: 1},
	Correlation: {Name: "r", Doc: "with M: correlation between the outcomes' test statistics", Min: 0, Max: 0.999999, Default: 0},
	A:           {Name: "a", Doc: "effect of treatment on the mediator, SDs of the mediator", Min: -inf, Max: inf, Open: true, Default: required},
	B:           {Name: "b", Doc: "effect of the mediator on the outcome, SDs per SD", Min: -inf, Max: inf, Open: true, Default: required},
	Direct:      {Name: "cp", Doc: "direct effect of treatment on the outcome, SDs", Min: -inf, Max: inf, Open: true, Default: 0},
	RhoM3:       {Name: "rhom3", Doc: "share of the mediator's variance between level 3 units (ICC)", Min: 0, Max: 1, Default: required},
	RM2:         {Name: "r2m2", Doc: "share of the mediator's level 2 variance that covariates explain", Min: 0, Max: 1, Default: 0},
	RM3:         {Name: "r2m3", Doc: "share of the mediator's level 3 variance that covariates explain, treatment among them", Min: 0, Max: 1, Default: 0},
	GM:          {Name: "gm", Doc: "level 3 predictors of the mediator, treatment among them", Min: 0, Max: 1e9, Whole: true, Default: 4},
	G:           {Name: "g", Doc: "level 3 predictors of the outcome, treatment and mediator among them", Min: 0, Max: 1e9, Whole: true, Default: 5},
	C1:          {Name: "c1", Doc: "cost of one more child", Min: 0, Max: inf, Open: true, Default: required},
	C2:          {Name: "c2", Doc: "cost of one more level 2 unit, without its children", Min: 0, Max: inf, Open: true, Default: required},
	C3:          {Name: "c3", Doc: "cost of one more level 3 unit, without what is in it", Min: 0, Max: inf, Open: true, Default: required},
	Budget:      {Name: "budget", Doc: "what may be spent", Min: 0, Max: inf, Open: true, Default: required},
}

// Input describes a key.
func (k Key) Input() Input {
	in := inputs[k]
	in.Key = k
	return in
}

func (k Key) String() string { return inputs[k].Name }

// Range writes the range of the input.
func (in Input) Range() string {
	low, high := "[", "]"
	if in.Open || math.IsInf(in.Min, -1) {
		low = "("
	}
	if in.Open || math.IsInf(in.Max, 1) {
		high = ")"
	}
	text := fmt.Sprintf("%s%s, %s%s", low, end(in.Min), end(in.Max), high)
	switch {
	case math.IsInf(in.Min, -1) && math.IsInf(in.Max, 1):
		text = "any number"
	case in.Whole && in.Max-in.Min == 1:
		text = fmt.Sprintf("%g or %g", in.Min, in.Max)
	case in.Whole:
		text = "whole, " + text
	}
	return text
}

func end(x float64) string {
	switch {
	case math.IsInf(x, 1):
		return "∞"
	case math.IsInf(x, -1):
		return "-∞"
	}
	return fmt.Sprintf("%g", x)
}

// holds reports whether x is in the range.
func (in Input) holds(x float64) bool {
	if math.IsNaN(x) || math.IsInf(x, 0) || in.Whole && x != math.Trunc(x) {
		return false
	}
	if in.Open {
		return x > in.Min && x < in.Max
	}
	return x >= in.Min && x <= in.Max
}

// Values holds a value for every key; NaN is none.
type Values [keys]float64

// A Fault is what is wrong with the value of one key.
type Fault struct {
	Key     Key
	Message string
}

func (f Fault) Error() string { return f.Key.String() + ": " + f.Message }
