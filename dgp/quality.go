package dgp

import (
	"math"
	"math/rand/v2"
)

// Quality is true classroom quality in K domains, in standard deviations of
// the observed score, without coaching and with it.
//
// Class j has quality q(0) ~ N(0, Σ) in the control arm, Σ from SD and
// Correlation. Coaching shifts it and fans it out:
//
//	t = r 1'q(0)/sd(1'q(0)) + √(1-r²) e        r = Effect.WithQuality
//	h = (exp(w t - w²/2) - 1)/√(exp(w²)-1)     w = Effect.Skew; h = t at w = 0
//	q(1) = q(0) + Shift + Engagement h + diag(Noise) n
//
// with e and n standard normal: h, the teacher's engagement, has mean 0, SD 1
// and a long right tail. On top of quality proper, Context adds what makes
// whole blocks or kinds of schools score higher in either arm.
type Quality struct {
	Domains     []string      `yaml:"domains" required:"true" minlen:"1" doc:"names of the domains"`
	SD          []float64     `yaml:"sd" required:"true" min:"0" doc:"SD of true quality in each domain, in SDs of the observed score"`
	Correlation Matrix        `yaml:"correlation" required:"true" doc:"correlation of true quality between domains"`
	SchoolShare float64       `yaml:"school_share" min:"0" max:"1" doc:"share of the variance that teachers of a school have in common"`
	Effect      QualityEffect `yaml:"effect" doc:"what coaching does to true quality"`
	Context     Context       `yaml:"context" doc:"block and covariate part of the scores in both arms"`
}

// QualityEffect is the effect of coaching on true quality.
type QualityEffect struct {
	Shift       []float64 `yaml:"shift" doc:"mean effect in each domain"`
	Engagement  []float64 `yaml:"engagement" doc:"effect per SD of the teacher's engagement with the coach"`
	Noise       []float64 `yaml:"noise" min:"0" doc:"SD of the rest of the effect between teachers"`
	Skew        float64   `yaml:"skew" min:"0" max:"3" doc:"log-SD of engagement: 0 is normal, 0.5 has a long right tail"`
	WithQuality float64   `yaml:"with_quality" min:"-1" max:"1" doc:"correlation of (log) engagement with quality at baseline"`
}

// Context is variance of scores that is no teacher quality: blocks differ,
// and so do kinds of schools and teachers.
type Context struct {
	Variance         []float64 `yaml:"variance" min:"0" doc:"variance of the context part in each domain"`
	BlockShare       float64   `yaml:"block_share" min:"0" max:"1" doc:"share of it between blocks; the covariate index has the rest"`
	BlockCorrelation float64   `yaml:"block_correlation" min:"0" max:"1" doc:"correlation of block effects between domains"`
}

func (q Quality) check(f *Faults) {
	k := len(q.Domains)
	checkLength(f, "quality.sd", q.SD, k, "domain")
	q.Correlation.check(f, "quality.correlation", k, true)
	checkOptional(f, "quality.effect.shift", q.Effect.Shift, k, "domain")
	checkOptional(f, "quality.effect.engagement", q.Effect.Engagement, k, "domain")
	checkOptional(f, "quality.effect.noise", q.Effect.Noise, k, "domain")
	checkOptional(f, "quality.context.variance", q.Context.Variance, k, "domain")
}

// checkLength adds a fault unless list has one number for each of n things.
func checkLength(f *Faults, path string, list []float64, n int, thing string) {
	if len(list) != n {
		f.Add(path, "has %d numbers; it needs one for each %s, %d", len(list), thing, n)
	}
}

// checkOptional is checkLength for a list that may be left out.
func checkOptional(f *Faults, path string, list []float64, n int, thing string) {
	if list != nil {
		checkLength(f, path, list, n, thing)
	}
}

// orZeros returns list, or n zeros where it was left out.
func orZeros(list []float64, n int) []float64 {
	if list == nil {
		return make([]float64, n)
	}
	return list
}

// trueQuality holds the drawn quality of every class, by domain and teacher.
type trueQuality struct {
	q          Quality
	factor     [][]float64 // Cholesky factor of Σ
	sumSD      float64     // sd(1'q(0))
	school     [][]float64 // scratch: part in common to a school, by domain and school
	z          []float64   // scratch: one class
	untreated  [][]float64 // q(0)
	treated    [][]float64 // q(1)
	context    [][]float64 // H
	engagement []float64   // h
}

func newTrueQuality(t Trial) *trueQuality {
	q := t.Quality
	k := len(q.Domains)
	q.Effect.Shift = orZeros(q.Effect.Shift, k)
	q.Effect.Engagement = orZeros(q.Effect.Engagement, k)
	q.Effect.Noise = orZeros(q.Effect.Noise, k)
	q.Context.Variance = orZeros(q.Context.Variance, k)
	factor := q.Correlation.factor(q.SD)
	schools := t.Design.schools()
	teachers := schools * t.Design.Teachers
	return &trueQuality{
		q: q, factor: factor, sumSD: math.Sqrt(sumVariance(factor)),
		school: columnsOf(k, schools), z: make([]float64, k),
		untreated: columnsOf(k, teachers), treated: columnsOf(k, teachers), context: columnsOf(k, teachers),
		engagement: make([]float64, teachers),
	}
}

// columnsOf returns k columns of n zeros.
func columnsOf(k, n int) [][]float64 {
	block := make([]float64, k*n)
	columns := make([][]float64, k)
	for i := range columns {
		columns[i] = block[i*n : (i+1)*n : (i+1)*n]
	}
	return columns
}

// draw draws the quality of every class under both arms.
func (tq *trueQuality) draw(p *population, r *rand.Rand) {
	q := &tq.q
	own := 1.0
	if q.SchoolShare > 0 {
		own = math.Sqrt(1 - q.SchoolShare)
		share := math.Sqrt(q.SchoolShare)
		for s := range tq.school[0] {
			for k := range tq.school {
				tq.school[k][s] = share * r.NormFloat64()
			}
		}
	}
	w := q.Effect.Skew
	grow := math.Sqrt(math.Expm1(w * w))
	rho := q.Effect.WithQuality
	if tq.sumSD == 0 {
		rho = 0 // quality does not vary: there is nothing to go with
	}
	rest := math.Sqrt(1 - rho*rho)
	for j, s := range p.school {
		for k := range tq.z {
			tq.z[k] = own * r.NormFloat64()
			if q.SchoolShare > 0 {
				tq.z[k] += tq.school[k][s]
			}
		}
		sum := 0.0
		for k, row := range tq.factor {
			v := 0.0
			for i, l := range row {
				v += l * tq.z[i]
			}
			tq.untreated[k][j] = v
			sum += v
		}
		t := rest * r.NormFloat64()
		if tq.sumSD > 0 {
			t += rho * sum / tq.sumSD
		}
		h := t
		if w > 0 {
			h = (math.Exp(w*t-w*w/2) - 1) / grow
		}
		tq.engagement[j] = h
		block := p.block[s]
		for k := range tq.treated {
			tq.treated[k][j] = tq.untreated[k][j] + q.Effect.Shift[k] + q.Effect.Engagement[k]*h + q.Effect.Noise[k]*r.NormFloat64()
			tq.context[k][j] = p.blockQuality[k][block] + math.Sqrt((1-q.Context.BlockShare)*q.Context.Variance[k])*p.qualityIndex[j]
		}
	}
}
