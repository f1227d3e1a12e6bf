package dgp

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// A ClassSize is the law of the number of children in a class: a small class
// with probability Small.Share, else a rounded normal that is raised to Min
// where it falls below.
type ClassSize struct {
	Mean  float64      `yaml:"mean" required:"true" gt:"0" doc:"mean of the normal law, children"`
	SD    float64      `yaml:"sd" min:"0" doc:"standard deviation of the normal law, children"`
	CV    float64      `yaml:"cv,omitempty" min:"0" doc:"instead of sd: coefficient of variation (SD/mean) of class sizes; mean and CV then hold after rounding and min"`
	Min   int          `yaml:"min" min:"1" doc:"smallest ordinary class"`
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

func (c ClassSize) draw(r *rand.Rand) int {
	if c.Small.Share > 0 && r.Float64() < c.Small.Share {
		return c.Small.Min + r.IntN(c.Small.Max-c.Small.Min+1)
	}
	size := int(math.Floor(c.Mean + c.SD*r.NormFloat64() + 0.5))
	return max(size, c.Min, 1)
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
