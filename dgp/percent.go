package dgp

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Percent is the percentage of the children sampled in a class who say yes to a
// question: beta-binomial given their number, so that small classes differ more.
// Mean and SD are those over classes of every size.
type Percent struct {
	Mean float64 `yaml:"mean" required:"true" gt:"0" lt:"100" doc:"mean, percent"`
	SD   float64 `yaml:"sd" required:"true" gt:"0" lt:"50" doc:"standard deviation, percent"`
}

// Check makes sure that the column belongs to classes.
func (Percent) Check(c Covariate, _ []Covariate, fault func(key, format string, args ...any)) {
	if c.Level != TeacherLevel {
		fault("level", "the percentage of a class is a teacher column; this is a %s column", c.Level)
	}
}

// between returns the share ρ of m(1-m) by which the classes' probabilities p
// differ, of the variance m(1-m)(ρ + (1-ρ) E[1/n]) of percentages.
func (l Percent) between(d Design) float64 {
	m := l.Mean / 100
	inverse := d.sampledInverse()
	return (l.SD*l.SD/(1e4*m*(1-m)) - inverse) / (1 - inverse)
}

// checkPercents makes sure that the SDs asked for are possible in these classes.
func (t Trial) checkPercents(f *Faults) {
	for i, c := range t.Covariates {
		l, ok := c.Law.(Percent)
		if !ok {
			continue
		}
		if rho := l.between(t.Design); !(rho > 1e-6 && rho < 1) {
			m := l.Mean / 100
			least := 100 * math.Sqrt(m*(1-m)*t.Design.sampledInverse())
			f.Add(pathOf(i, "sd"), "%g is not possible with mean %g: it lies between %.4g, that of the children sampled in a class when classes do not differ, and %.4g", l.SD, l.Mean, least, 100*math.Sqrt(m*(1-m)))
		}
	}
}

// Compile prepares drawing.
func (l Percent) Compile(p *population) compiledLaw {
	m, rho := l.Mean/100, l.between(p.design)
	size := 1/rho - 1
	law := distuv.Beta{Alpha: m * size, Beta: (1 - m) * size}
	chance := normalCurve(law.Quantile)
	return compiledLaw{
		mean: l.Mean, sd: l.SD, meanInverse: math.NaN(),
		given: func(z float64) float64 { return 100 * chance.at(z) },
		from: func(dst, z []float64, r *Source) {
			for j := range dst {
				n := p.childStart[j+1] - p.childStart[j]
				dst[j] = 100 * float64(r.Binomial(n, chance.at(z[j]))) / float64(n)
			}
		},
	}
}

var _ Law = Percent{}
