package estimators

import (
	"math"

	"coachsim/dgp"
)

// A derived column is computed from others once per data set: it is the value
// of one function, or of one operator inside of a function.
//
// A function that has constants (a mean, a percentile, weights) takes them from
// all units of its level that are observed, before any restriction of the rows. They are set by
// fit from the observed data; apply then computes the column from these, or,
// with the same constants, from potential outcomes.
type derived struct {
	text       string // canonical, e.g. "below(class, 10)"
	function   function
	level      dgp.Level
	args       []operand
	columns    []int   // of the data, that the values come from
	indicators []int   // columns that are 1 where it is observed
	center     float64 // the mean by design, 0 where it is not known
	self       operand // itself
	values     []float64

	source  *source  // of below and above: the column
	percent int      // and the place of the percentile
	first   bool     // the first that wants one of the source
	group   grouping // of mean, n and factor
	code    int      // of a dummy: the level that it is 1 for
	sum     []float64
	count   []float64 // by level of group
	vacant  []bool    // of mean, by level of group: has nothing to take the mean of
	mean    float64   // of std and center
	sd      float64   // of std
	index   *index    // of klk and anderson
	growth  *growth   // of value_added
}

// An operand is an argument of a function: a column or a number.
type operand struct {
	column int // in Setup's numbering, or -1
	level  dgp.Level
	number float64

	indicators []operand // that are 1 where it is observed
}

// at returns the operand's value for a unit of level.
func (o operand) at(d *dgp.Data, x [][]float64, level dgp.Level, unit int) float64 {
	switch {
	case o.column < 0:
		return o.number
	case o.level == level:
		return x[o.column][unit]
	}
	return x[o.column][d.Ancestor(level, unit, o.level)]
}

// A source is a column of which percentiles are wanted.
type source struct {
	column  int
	percent []float64
	cutoff  []float64
}

// An argument is a kind of argument of a function.
type argument uint8

const (
	value      argument = iota // arithmetic
	percentile                 // a number between 0 and 100
	group                      // a level of the hierarchy or a factor column
	several                    // a list of values, perhaps with by = column
)

var argumentInWords = map[argument]string{
	value: "a column", percentile: "a percentile", group: "a level or factor, such as school", several: "columns",
}

// A function is what a formula can do to columns. To add one, add it to
// functions.
type function struct {
	usage     string
	arguments []argument
	// fit sets the constants from the observed data; nil where there are none.
	// x holds all columns.
	fit func(c *derived, s *Setup, x [][]float64)
	// apply computes the column. dst has a place for every unit.
	apply func(c *derived, d *dgp.Data, x [][]float64, dst []float64)
}

// argument returns the kind of argument i.
func (f function) argument(i int) argument {
	at := 0
	for _, kind := range f.arguments {
		switch {
		case kind == several:
			return several
		case kind == percentile:
		case at == i:
			return kind
		default:
			at++
		}
	}
	return value
}

// functions are what a formula can call, by name.
var functions = map[string]function{
	"I":            {usage: "I(a + b)", arguments: []argument{value}, apply: elementwise(func(v float64) float64 { return v })},
	"log":          {usage: "log(x)", arguments: []argument{value}, apply: elementwise(math.Log)},
	"exp":          {usage: "exp(x)", arguments: []argument{value}, apply: elementwise(math.Exp)},
	"sqrt":         {usage: "sqrt(x)", arguments: []argument{value}, apply: elementwise(math.Sqrt)},
	"std":          {usage: "std(y)", arguments: []argument{value}, fit: fitMeanSD, apply: standardise},
	"center":       {usage: "center(x)", arguments: []argument{value}, fit: fitMean, apply: centre},
	"below":        {usage: "below(y, percentile)", arguments: []argument{value, percentile}, fit: fitPercentiles, apply: below},
	"above":        {usage: "above(y, percentile)", arguments: []argument{value, percentile}, fit: fitPercentiles, apply: above},
	"mean":         {usage: "mean(x, level)", arguments: []argument{value, group}, fit: fitGroups, apply: groupMeans},
	"n":            {usage: "n(level)", arguments: []argument{group}, apply: groupSizes},
	factorName:     {usage: "factor(x)", arguments: []argument{group}, apply: dummy},
	"klk":          {usage: "klk(y1, y2, by = arm)", arguments: []argument{several}, fit: fitKLK, apply: weigh},
	"anderson":     {usage: "anderson(y1, y2, by = arm)", arguments: []argument{several}, fit: fitAnderson, apply: weigh},
	valueAddedName: {usage: "value_added(y, x1, x2, by = teacher)", arguments: []argument{several}, fit: fitValueAdded, apply: addValue},
}

// arithmetic is what operators do.
var arithmetic = map[string]function{
	"+":   {apply: binary(func(a, b float64) float64 { return a + b })},
	"-":   {apply: binary(func(a, b float64) float64 { return a - b })},
	"*":   {apply: binary(func(a, b float64) float64 { return a * b })},
	"/":   {apply: binary(func(a, b float64) float64 { return a / b })},
	"^":   {apply: binary(power)},
	"neg": {apply: elementwise(func(v float64) float64 { return -v })},
}

// power is R's ^.
func power(a, b float64) float64 {
	if b == 2 {
		return a * a
	}
	return math.Pow(a, b)
}

// elementwise applies f to every value. What is not finite stays so, though
// exp(-Inf) is 0: the data are at fault.
func elementwise(f func(float64) float64) func(*derived, *dgp.Data, [][]float64, []float64) {
	return func(c *derived, _ *dgp.Data, x [][]float64, dst []float64) {
		if c.args[0].column < 0 {
			for i := range dst {
				dst[i] = f(c.args[0].number)
			}
			return
		}
		for i, v := range x[c.args[0].column] {
			if dst[i] = f(v); v-v != 0 {
				dst[i] = math.NaN()
			}
		}
	}
}

// binary applies f to two operands, of which one may be a number or vary at a
// level above.
func binary(f func(a, b float64) float64) func(*derived, *dgp.Data, [][]float64, []float64) {
	return func(c *derived, d *dgp.Data, x [][]float64, dst []float64) {
		for i := range dst {
			a, b := c.args[0].at(d, x, c.level, i), c.args[1].at(d, x, c.level, i)
			if dst[i] = f(a, b); a-a != 0 || b-b != 0 {
				dst[i] = math.NaN()
			}
		}
	}
}

// indicator is a choice of bits, which no jump need make.
func indicator(is bool) float64 {
	var bits uint64
	if is {
		bits = 0x3ff0000000000000 // of the number 1
	}
	return math.Float64frombits(bits)
}

// fitPercentiles finds all percentiles of a column when the first is wanted.
func fitPercentiles(c *derived, s *Setup, x [][]float64) {
	if c.first {
		s.selector.percentiles(c.source.cutoff, c.source.percent, s.present(s.scratch, c.args[0], x))
	}
}

// below is 1 where a value is under the percentile.
func below(c *derived, _ *dgp.Data, x [][]float64, dst []float64) {
	cutoff := c.source.cutoff[c.percent]
	if fillNaN(dst, cutoff) {
		return
	}
	for i, v := range x[c.args[0].column][:len(dst)] {
		dst[i] = indicator(v < cutoff)
	}
}

// above is 1 where a value is over the percentile.
func above(c *derived, _ *dgp.Data, x [][]float64, dst []float64) {
	cutoff := c.source.cutoff[c.percent]
	if fillNaN(dst, cutoff) {
		return
	}
	for i, v := range x[c.args[0].column][:len(dst)] {
		dst[i] = indicator(v > cutoff)
	}
}

// fillNaN fills dst and returns true if v is NaN.
func fillNaN(dst []float64, v float64) bool {
	if !math.IsNaN(v) {
		return false
	}
	for i := range dst {
		dst[i] = v
	}
	return true
}

func fitMeanSD(c *derived, s *Setup, x [][]float64) {
	c.mean, c.sd = meanSD(s.present(s.scratch, c.args[0], x))
}

func fitMean(c *derived, s *Setup, x [][]float64) {
	values := s.present(s.scratch, c.args[0], x)
	c.mean = total(values) / float64(len(values))
}

// standardise gives mean 0 and SD 1 (divisor n-1).
func standardise(c *derived, _ *dgp.Data, x [][]float64, dst []float64) {
	for i, v := range x[c.args[0].column] {
		dst[i] = (v - c.mean) / c.sd
	}
}

func centre(c *derived, _ *dgp.Data, x [][]float64, dst []float64) {
	for i, v := range x[c.args[0].column] {
		dst[i] = v - c.mean
	}
}

// meanSD returns the mean and standard deviation (divisor n-1) of x.
func meanSD(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	ss := 0.0
	for _, v := range x {
		ss += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(ss / float64(len(x)-1))
}

// fitGroups remembers which groups have units to take the mean of.
func fitGroups(c *derived, s *Setup, x [][]float64) {
	c.tally(s.data, x, c.args[0])
	for code, n := range c.count {
		c.vacant[code] = n == 0
	}
}

// groupMeans is the mean over the observed units of each group, NaN for a group
// without.
func groupMeans(c *derived, d *dgp.Data, x [][]float64, dst []float64) {
	c.tally(d, x, c.args[0])
	c.spread(d, dst, func(code int) float64 { return c.sum[code] / c.count[code] })
}

// groupSizes is the number of children of each group.
func groupSizes(c *derived, d *dgp.Data, x [][]float64, dst []float64) {
	c.tally(d, x, operand{column: -1, level: dgp.ChildLevel})
	c.spread(d, dst, func(code int) float64 { return c.count[code] })
}

// tally counts the units of an operand's level by group, those that are
// observed, and sums their values.
func (c *derived) tally(d *dgp.Data, x [][]float64, o operand) {
	clear(c.sum)
	clear(c.count)
	if o.level == dgp.ChildLevel && c.group.level <= dgp.TeacherLevel && len(o.indicators) == 0 {
		for t := range d.N[dgp.TeacherLevel] { // a class lies in one group
			lo, hi := d.ChildStart[t], d.ChildStart[t+1]
			code := c.group.of(d, dgp.TeacherLevel, t)
			if code < 0 {
				continue
			}
			c.count[code] += float64(hi - lo)
			if o.column >= 0 {
				c.sum[code] += total(x[o.column][lo:hi])
			}
		}
		return
	}
	for u := range d.N[o.level] {
		if code := c.group.of(d, o.level, u); code >= 0 && o.observed(d, x, o.level, u) {
			c.count[code]++
			c.sum[code] += o.at(d, x, o.level, u)
		}
	}
}

// spread gives every unit of the group's level its group's value, NaN if it
// has no group.
func (c *derived) spread(d *dgp.Data, dst []float64, of func(code int) float64) {
	for u := range dst {
		dst[u] = math.NaN()
		if code := c.group.of(d, c.group.level, u); code >= 0 {
			dst[u] = of(code)
		}
	}
}

// empty reports whether a unit's group has nothing to take the mean of.
func (c *derived) empty(d *dgp.Data, level dgp.Level, unit int) bool {
	code := c.group.of(d, level, unit)
	return code >= 0 && c.vacant[code]
}

// dummy is 1 at one level of a factor.
func dummy(c *derived, d *dgp.Data, _ [][]float64, dst []float64) {
	for u := range dst {
		code := c.group.of(d, c.group.level, u)
		dst[u] = indicator(code == c.code)
		if code < 0 {
			dst[u] = math.NaN()
		}
	}
}
