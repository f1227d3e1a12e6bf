package dgp

import (
	"math"
	"slices"
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
//
// Effect is that of every treated arm which ArmEffects does not name; e and n
// are the same draws in all arms. A combined arm moves quality by the sum of what
// its parts do, and by an effect of its own where ArmEffects names it.
type Quality struct {
	Domains     []string                 `yaml:"domains" required:"true" minlen:"1" doc:"names of the domains"`
	SD          []float64                `yaml:"sd" required:"true" min:"0" doc:"SD of true quality in each domain, in SDs of the observed score"`
	Correlation Matrix                   `yaml:"correlation" required:"true" doc:"correlation of true quality between domains"`
	SchoolShare float64                  `yaml:"school_share" min:"0" max:"1" doc:"share of the variance that teachers of a school have in common"`
	School      SchoolQuality            `yaml:"school,omitempty" doc:"instead of school_share: what the teachers of a school have in common, on top of sd"`
	Effect      QualityEffect            `yaml:"effect" doc:"what coaching does to true quality"`
	ArmEffects  map[string]QualityEffect `yaml:"arm_effects" doc:"effects of arms that differ from effect, whole, by arm; of a combined arm the interaction"`
	Context     Context                  `yaml:"context" doc:"block and covariate part of the scores in both arms"`
	Oracle      bool                     `yaml:"oracle,omitempty" doc:"add columns that no analyst has, for infeasible estimators: true quality (DOMAIN_true) and what it does to achievement (TOTAL_caused)"`
}

// SchoolQuality is a part of true quality that the teachers of a school have in
// common, b ~ N(0, Σ) with Σ from SD and Correlation. It is added to quality in
// every arm, and does not move engagement.
type SchoolQuality struct {
	SD          []float64 `yaml:"sd" min:"0" doc:"SD in each domain, in SDs of the observed score"`
	Correlation Matrix    `yaml:"correlation" doc:"correlation between domains"`
}

// IsZero reports whether it is left out.
func (s SchoolQuality) IsZero() bool { return s.SD == nil && s.Correlation == nil }

// variance is that of a weighted sum over domains.
func (s SchoolQuality) variance(weights []float64) float64 {
	if s.IsZero() {
		return 0
	}
	each := make([]float64, len(weights))
	for k, w := range weights {
		each[k] = w * s.SD[k]
	}
	return s.Correlation.quadratic(each)
}

func (s SchoolQuality) check(f *Faults, q Quality) {
	if s.IsZero() {
		return
	}
	checkLength(f, "quality.school.sd", s.SD, len(q.Domains), "domain")
	s.Correlation.check(f, "quality.school.correlation", len(q.Domains), true)
	if q.SchoolShare > 0 {
		f.Add("quality.school_share", "says what quality.school says in another way; leave one of them out")
	}
}

// QualityEffect is the effect of coaching on true quality.
type QualityEffect struct {
	Shift       []float64 `yaml:"shift" doc:"mean effect in each domain"`
	Engagement  []float64 `yaml:"engagement" doc:"effect per SD of the teacher's engagement with the coach"`
	Noise       []float64 `yaml:"noise" min:"0" doc:"SD of the rest of the effect between teachers"`
	Skew        float64   `yaml:"skew" min:"0" max:"3" doc:"log-SD of engagement: 0 is normal, 0.5 has a long right tail"`
	WithQuality float64   `yaml:"with_quality" min:"-1" max:"1" doc:"correlation of (log) engagement with quality at baseline"`

	By map[string]float64 `yaml:"by" doc:"what a unit of a school or teacher covariate adds to the effect on every domain; measured from its mean, so that shift stays the average"`
}

// Context is variance of scores that is no teacher quality: blocks differ,
// and so do kinds of schools and teachers.
type Context struct {
	Variance         []float64 `yaml:"variance" min:"0" doc:"variance of the context part in each domain"`
	BlockShare       float64   `yaml:"block_share" min:"0" max:"1" doc:"share of it between blocks; the covariate index has the rest"`
	BlockCorrelation float64   `yaml:"block_correlation" min:"0" max:"1" doc:"correlation of block effects between domains"`
}

// IsZero reports whether a trial has no quality.
func (q Quality) IsZero() bool { return len(q.Domains) == 0 }

func (q Quality) check(f *Faults, t Trial) {
	if q.IsZero() {
		if anyNonzero(q.SD, q.Effect.Shift, q.Effect.Engagement, q.Effect.Noise, q.Context.Variance) || len(q.ArmEffects) > 0 {
			f.Add("quality.domains", "needs at least one domain")
		}
		return
	}
	k := len(q.Domains)
	checkLength(f, "quality.sd", q.SD, k, "domain")
	q.Correlation.check(f, "quality.correlation", k, true)
	q.School.check(f, q)
	q.Effect.check(f, "quality.effect", k)
	checkModerators(f, "quality.effect.by", q.Effect.By, t, TeacherLevel)
	checkEveryArm(f, "quality", q.Effect.isZero(), q.ArmEffects, t.Design.Arms)
	checkByArm(f, "quality.arm_effects", q.ArmEffects, t.Design.Arms, func(path string, e QualityEffect) {
		e.check(f, path, k)
		checkModerators(f, path+".by", e.By, t, TeacherLevel)
	})
	checkOptional(f, "quality.context.variance", q.Context.Variance, k, "domain")
}

// isZero reports whether no key of the effect says anything.
func (e QualityEffect) isZero() bool {
	return !anyNonzero(e.Shift, e.Engagement, e.Noise) && e.Skew == 0 && e.WithQuality == 0 && allZero(e.By)
}

func (e QualityEffect) check(f *Faults, path string, domains int) {
	checkOptional(f, path+".shift", e.Shift, domains, "domain")
	checkOptional(f, path+".engagement", e.Engagement, domains, "domain")
	checkOptional(f, path+".noise", e.Noise, domains, "domain")
}

// effectOf returns an arm's own effect on quality, with zeros for what was left
// out.
func (q Quality) effectOf(a arm) QualityEffect {
	e, named := q.ArmEffects[a.name]
	if !named && a.parts == nil {
		e = q.Effect
	}
	k := len(q.Domains)
	e.Shift, e.Engagement, e.Noise = orZeros(e.Shift, k), orZeros(e.Engagement, k), orZeros(e.Noise, k)
	return e
}

// shifts returns the mean effect of each arm on quality, by domain.
func (q Quality) shifts(arms []arm) [][]float64 {
	total := [][]float64{make([]float64, len(q.Domains))} // control
	for _, a := range arms[1:] {
		own := slices.Clone(q.effectOf(a).Shift)
		for _, p := range a.parts {
			for k := range own {
				own[k] += total[p][k]
			}
		}
		total = append(total, own)
	}
	return total
}

// checkLength adds a fault unless list has one number for each of n things.
func checkLength(f *Faults, path string, list []float64, n int, thing string) {
	if len(list) != n {
		f.Add(path, "has %s; it needs one for each %s, %d", count(len(list), "number", "numbers"), thing, n)
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

// trueQuality holds the drawn quality of every class under every arm.
type trueQuality struct {
	q            Quality
	arms         []armQuality
	factor       [][]float64   // Cholesky factor of Σ
	sumSD        float64       // sd(1'q(0))
	school       [][]float64   // scratch: part in common to a school, by domain and school
	schoolFactor [][]float64   // Cholesky factor of Σ of SchoolQuality; nil without
	common       [][]float64   // b, by domain and school; 0 without
	z            []float64     // scratch: one class
	under        [][][]float64 // q by arm, domain and class; arm 0 is q(0)
	drawn        []float64     // scratch: normals by class: of its quality; e; n
	context      [][]float64   // H
	indexSD      []float64     // of the covariates' part of it, by domain
	own          float64       // SD of what a teacher does not share with the school
	// reached is q in every world, which is under where nothing comes between
	// assignment and receipt.
	reached [][][]float64
}

// An armQuality is what an arm does to quality.
type armQuality struct {
	arm
	effect     QualityEffect // its own
	rho, rest  float64       // r and √(1-r²)
	grow       float64       // √(exp(w²)-1)
	engagement []float64     // h, by class
	by         []moderator
}

func newTrueQuality(t Trial, p *population) *trueQuality {
	q := t.Quality
	k := len(q.Domains)
	q.Context.Variance = orZeros(q.Context.Variance, k)
	factor := q.Correlation.factor(q.SD)
	schools := t.Design.schools()
	teachers := t.Design.teachers()
	tq := &trueQuality{
		q: q, factor: factor, sumSD: math.Sqrt(sumVariance(factor)),
		school: columnsOf(k, schools), common: columnsOf(k, schools), z: make([]float64, k), context: columnsOf(k, teachers),
		drawn: make([]float64, teachers*(2*k+1)), own: math.Sqrt(1 - q.SchoolShare),
	}
	for _, v := range q.Context.Variance {
		tq.indexSD = append(tq.indexSD, math.Sqrt((1-q.Context.BlockShare)*v))
	}
	if !q.School.IsZero() {
		tq.schoolFactor = q.School.Correlation.factor(q.School.SD)
	}
	for i, a := range armsOf(t.Design.Arms) {
		tq.under = append(tq.under, columnsOf(k, teachers))
		if i == 0 {
			tq.arms = append(tq.arms, armQuality{arm: a})
			continue
		}
		e := q.effectOf(a)
		rho := e.WithQuality
		if tq.sumSD == 0 {
			rho = 0 // quality does not vary: there is nothing to go with
		}
		tq.arms = append(tq.arms, armQuality{
			arm: a, effect: e, rho: rho, rest: math.Sqrt(1 - rho*rho), grow: math.Sqrt(math.Expm1(e.Skew * e.Skew)),
			engagement: make([]float64, teachers), by: moderators(e.By, p),
		})
	}
	tq.reached = tq.under
	if t.Design.delivers() {
		tq.reached = nil
		for range t.Design.worlds() {
			tq.reached = append(tq.reached, columnsOf(k, teachers))
		}
	}
	return tq
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

// draw draws the quality of every class under every arm.
func (tq *trueQuality) draw(p *population, r *Source) {
	q := &tq.q
	if len(q.Domains) == 0 {
		return // nothing else reads this stream
	}
	if q.SchoolShare > 0 {
		share := math.Sqrt(q.SchoolShare)
		for s := range p.block {
			for k := range tq.school {
				tq.school[k][s] = share * r.NormFloat64()
			}
		}
	}
	if tq.schoolFactor != nil {
		for s := range p.block {
			for k := range tq.z {
				tq.z[k] = r.NormFloat64()
			}
			for k, row := range tq.schoolFactor {
				tq.common[k][s] = 0
				for i, l := range row {
					tq.common[k][s] += l * tq.z[i]
				}
			}
		}
	}
	k := len(tq.z)
	r.Normals(tq.drawn)
	for j, s := range p.school {
		drawn := tq.drawn[j*(2*k+1):][:2*k+1]
		tq.teacher(tq.z, drawn[:k], s)
		sum := 0.0
		for k, row := range tq.factor {
			v := 0.0
			for i, l := range row {
				v += l * tq.z[i]
			}
			tq.under[0][k][j] = v
			sum += v
		}
		block := p.block[s]
		for k, sd := range tq.indexSD {
			tq.context[k][j] = p.blockQuality[k][block] + sd*p.qualityIndex[j]
		}
		for a := 1; a < len(tq.arms); a++ {
			tq.move(a, j, drawn[k], drawn[k+1:], sum)
			for _, m := range tq.arms[a].by { // on top of its own effect
				x := m.of(p, j, 0)
				for k := range tq.under[a] {
					tq.under[a][k][j] += x
				}
			}
		}
		if tq.schoolFactor != nil {
			for a := range tq.under {
				for k := range tq.under[a] {
					tq.under[a][k][j] += tq.common[k][s]
				}
			}
		}
	}
}

// teacher fills z with the standardised quality of a teacher of a school, made of normals.
func (tq *trueQuality) teacher(z, normals []float64, school int) {
	for k := range z {
		z[k] = tq.own * normals[k]
		if tq.q.SchoolShare > 0 {
			z[k] += tq.school[k][school]
		}
	}
}

// move sets the quality of class j under a treated arm, given e, n and 1'q(0).
func (tq *trueQuality) move(a, j int, e float64, n []float64, sum float64) {
	arm := &tq.arms[a]
	t := arm.rest * e
	if tq.sumSD > 0 {
		t += arm.rho * sum / tq.sumSD
	}
	h := t
	if w := arm.effect.Skew; w > 0 {
		h = (math.Exp(w*t-w*w/2) - 1) / arm.grow
	}
	arm.engagement[j] = h
	for k, n := range n {
		q0 := tq.under[0][k][j]
		v := q0
		for _, p := range arm.parts {
			v += tq.under[p][k][j] - q0
		}
		tq.under[a][k][j] = v + arm.effect.Shift[k] + arm.effect.Engagement[k]*h + arm.effect.Noise[k]*n
	}
}
