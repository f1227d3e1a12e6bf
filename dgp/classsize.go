package dgp

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// A ClassSize is the law of the number of children in a class: a small class
// with probability Small.Share, else a rounded normal that is raised to Min
// where it falls below. With Max it is beta-binomial: each of Max children is in the
// class with a probability that differs between classes.
type ClassSize struct {
	Mean  float64      `yaml:"mean" required:"true" gt:"0" doc:"mean of the normal law, children"`
	SD    float64      `yaml:"sd" min:"0" doc:"standard deviation of the normal law, children"`
	CV    float64      `yaml:"cv,omitempty" min:"0" doc:"instead of sd: coefficient of variation (SD/mean) of class sizes; mean and CV then hold after rounding and min"`
	Min   int          `yaml:"min" min:"0" doc:"smallest ordinary class; 0 is the same as 1"`
	Max   int          `yaml:"max,omitempty" min:"1" max:"10000" doc:"largest class, such as the number of children sampled of whom some are missing later: sizes are then beta-binomial, of mean and sd before min"`
	Small SmallClasses `yaml:"small" doc:"a share of small classes"`
}

// SmallClasses are classes whose size is uniform on Min..Max.
type SmallClasses struct {
	Share float64 `yaml:"share" min:"0" max:"1" doc:"share of classes that are small"`
	Min   int     `yaml:"min" min:"0" doc:"smallest size"`
	Max   int     `yaml:"max" min:"0" doc:"largest size"`
}

// maxClass bounds class sizes: moments adds up over all of them.
const maxClass = 1_000_000

// solved returns the law with the SD of the normal that gives class sizes the
// mean and the coefficient of variation asked for, by secant steps on both.
func (c ClassSize) solved(f *Faults) ClassSize {
	if c.CV == 0 {
		return c
	}
	want := c
	c.CV, c.SD = 0, c.CV*c.Mean
	off := func() (mean, sd float64) {
		m, s, _ := c.moments()
		return want.Mean - m, want.CV*want.Mean - s
	}
	// The mean and SD of the draws follow those of the normal; steps of the
	// difference converge unless the floor cuts off much of it.
	for range 2000 {
		m, s := off()
		if math.Abs(m) <= 1e-10*want.Mean && math.Abs(s) <= 1e-10*want.Mean {
			return c
		}
		c.Mean += m
		c.SD = math.Max(c.SD+s, 1e-9)
		if c.SD > 100*want.Mean {
			break
		}
	}
	f.Add("trial.children.cv", "%g cannot be reached with mean %g and smallest class %d", want.CV, want.Mean, max(c.Min, 1))
	return want
}

func (c ClassSize) check(f *Faults, path string) {
	if c.CV > 0 && c.SD > 0 {
		f.Add(path+".cv", "says what %s.sd says in another way; leave one of them out", path)
	}
	if c.CV > 0 && c.Small.Share > 0 {
		f.Add(path+".cv", "is that of all classes, so it cannot stand beside small; give sd")
	}
	if c.Max > 0 {
		c.checkMax(f, path)
	}
	c.SD = max(c.SD, c.CV*c.Mean)
	if most := max(c.Mean+10*c.SD, float64(c.Min), float64(c.Small.Max)); most > maxClass {
		f.Add(path, "asks for classes of up to %.0f children; the limit is %d", most, maxClass)
	}
	if float64(c.Min) > c.Mean {
		f.Add(path+".min", "%d is above the mean, %g: almost every class would have just this size", c.Min, c.Mean)
	}
	if c.Small.Share > 0 && (c.Small.Min < 1 || c.Small.Max < c.Small.Min) {
		f.Add(path+".small", "min %d and max %d are no range of class sizes; it needs 1 <= min <= max", c.Small.Min, c.Small.Max)
	}
}

// fill draws the sizes of classes; z is scratch of that length.
func (c ClassSize) fill(sizes []int, z []float64, r *Source) {
	if c.Small.Share > 0 || c.Max > 0 {
		for j := range sizes {
			sizes[j] = c.draw(r)
		}
		return
	}
	r.Normals(z)
	for j := range sizes {
		sizes[j] = c.ordinary(z[j])
	}
}

// ordinary is the size of a class that is not small, without Max, given a normal draw.
func (c ClassSize) ordinary(z float64) int {
	return max(int(math.Floor(c.Mean+c.SD*z+0.5)), c.Min, 1)
}

func (c ClassSize) draw(r *Source) int {
	if c.Small.Share > 0 && r.Float64() < c.Small.Share {
		return c.Small.Min + r.IntN(c.Small.Max-c.Small.Min+1)
	}
	if c.Max > 0 {
		a, b := c.beta()
		x, y := standardGamma(a, r), standardGamma(b, r)
		size := 0
		for range c.Max {
			if r.Float64()*(x+y) < x {
				size++
			}
		}
		return max(size, c.Min, 1)
	}
	return c.ordinary(r.NormFloat64())
}

// beta returns the parameters of the law of the probability with which each of Max
// children is in the class.
func (c ClassSize) beta() (a, b float64) {
	n := float64(c.Max)
	m := c.Mean / n
	rho := (c.SD*c.SD/(n*m*(1-m)) - 1) / (n - 1)
	size := 1/rho - 1
	return m * size, (1 - m) * size
}

// checkMax adds the faults of a beta-binomial law.
func (c ClassSize) checkMax(f *Faults, path string) {
	n := float64(c.Max)
	switch m := c.Mean / n; {
	case c.CV > 0:
		f.Add(path+".cv", "is for classes without max; give sd")
	case c.Small.Share > 0:
		f.Add(path+".small", "is for classes without max")
	case c.Max < 2 || c.Min > c.Max:
		f.Add(path+".max", "%d must be at least 2, and no less than min, %d", c.Max, c.Min)
	case m >= 1:
		f.Add(path+".max", "%d must be above the mean, %g", c.Max, c.Mean)
	default:
		least, most := math.Sqrt(n*m*(1-m)), n*math.Sqrt(m*(1-m))
		if !(c.SD > least*(1+1e-9) && c.SD < most*(1-1e-9)) {
			f.Add(path+".sd", "%g is not possible with mean %g and max %d: it lies between %.4g, where all classes are alike, and %.4g", c.SD, c.Mean, c.Max, least, most)
		}
	}
}

// sampledInverse is E[1/n] of the number n of children sampled in a class.
func (d Design) sampledInverse() float64 {
	inverse := 0.0
	d.Children.solved(new(Faults)).each(func(size, p float64) { inverse += p / min(size, float64(d.Tested)) })
	return inverse
}

// moments returns the mean and standard deviation of draw, and the mean of
// its inverse.
func (c ClassSize) moments() (mean, sd, meanInverse float64) {
	square := 0.0
	c.each(func(size, p float64) {
		mean += p * size
		square += p * size * size
		meanInverse += p / size
	})
	return mean, math.Sqrt(math.Max(square-mean*mean, 0)), meanInverse
}

// each visits the sizes that draw may return, with their probabilities.
func (c ClassSize) each(add func(size, p float64)) {
	if c.Small.Share > 0 {
		p := c.Small.Share / float64(c.Small.Max-c.Small.Min+1)
		for size := c.Small.Min; size <= c.Small.Max; size++ {
			add(float64(size), p)
		}
	}
	least := max(c.Min, 1)
	if c.Max > 0 {
		a, b := c.beta()
		low := 0.0
		for size := range c.Max + 1 {
			n, k := float64(c.Max), float64(size)
			p := math.Exp(mathext.Lbeta(k+a, n-k+b) - mathext.Lbeta(a, b) - math.Log(n+1) - mathext.Lbeta(k+1, n-k+1))
			if low += p; size < least {
				continue
			}
			add(k, low)
			low = 0
		}
		return
	}
	if c.SD == 0 {
		add(math.Max(math.Floor(c.Mean+0.5), float64(least)), 1-c.Small.Share)
		return
	}
	normal := distuv.Normal{Mu: c.Mean, Sigma: c.SD}
	add(float64(least), (1-c.Small.Share)*normal.CDF(float64(least)+0.5))
	most := int(c.Mean+10*c.SD) + 1
	for size := least + 1; size <= most; size++ {
		add(float64(size), (1-c.Small.Share)*(normal.CDF(float64(size)+0.5)-normal.CDF(float64(size)-0.5)))
	}
}
