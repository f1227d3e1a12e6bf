package dgp

import (
	"maps"
	"math"
	"slices"
	"sort"
	"strings"
)

// An Outcome is what a test shows of the latent score of Achievement where it is
// not the score itself: a monotone step function of it, the same under every arm,
// so that effects, ICCs and R² are those of the latent score. Such a test is not
// standardised.
//
// To add one, write a file like binary.go: a struct whose fields are its keys in
// a study file, these methods, and a line in Outcomes.
type Outcome interface {
	// Check reports, through fault, each key whose value cannot be.
	Check(fault func(key, format string, args ...any))
	// Below returns the probability of at most n in the control arm, n = 0, 1, ...
	// It comes within 1e-10 of 1.
	Below(n int) float64
	// Change returns the difference in means that the effect is solved for; nil
	// where achievement.effect has the effect on the latent score.
	Change() *float64
	// Doc says what the column holds.
	Doc() string
}

// Outcomes returns every kind of outcome by its name, each with its defaults.
func Outcomes() map[string]Outcome {
	return map[string]Outcome{"binary": Binary{}, "count": Count{}}
}

// steps are the latent scores at which an outcome goes up by 1; nil for a test
// that shows the score itself.
type steps []float64

// apply returns what a test shows.
func (s steps) apply(latent float64) float64 {
	if s == nil {
		return latent
	}
	return float64(sort.SearchFloat64s(s, latent))
}

// show applies the steps to scores in place.
func (s steps) show(scores []float64) {
	if s == nil {
		return
	}
	for i, x := range scores {
		scores[i] = s.apply(x)
	}
}

// maxCount bounds the steps of an outcome.
const maxCount = 100_000

// A mixture is the distribution of latent scores in the control arm: normal
// with this SD around each of these means, which are what covariates add.
type mixture struct {
	means []float64
	sd    float64
}

// above is P(latent > c).
func (m mixture) above(c float64) float64 {
	sum := 0.0
	for _, x := range m.means {
		sum += 0.5 * math.Erfc((c-x)/(m.sd*math.Sqrt2))
	}
	return sum / float64(len(m.means))
}

// steps solves for the latent scores at which the outcome goes up.
func (m mixture) steps(o Outcome) steps {
	var all steps
	low := slices.Min(m.means) - 40*m.sd
	for n := range maxCount {
		p := 1 - o.Below(n)
		if p < 1e-10 {
			break
		}
		high, width := low, 0.01*m.sd
		for m.above(high) > p {
			low, high, width = high, high+width, 2*width
		}
		for high-low > 1e-13*m.sd {
			middle := (low + high) / 2
			if middle == low || middle == high {
				break
			}
			if m.above(middle) > p {
				low = middle
			} else {
				high = middle
			}
		}
		all = append(all, (low+high)/2)
	}
	return all
}

// mean is that of an outcome for scores moved up by an effect.
func (m mixture) mean(s steps, effect float64) float64 {
	sum := 0.0
	for _, c := range s {
		sum += m.above(c - effect)
	}
	return sum
}

// The latent scores that cutpoints and effects are solved for are those of this
// many schools and children at least, and of outcomeMost children at most,
// with draws from outcomeSeed; all are part of what an outcome is.
const (
	outcomeSchools  = 4000
	outcomeChildren = 400_000
	outcomeMost     = 1_000_000
	outcomeParts    = 200 // into which the sorted means of a mixture are averaged
	outcomeSeed     = 0x0c0417ab1e5eed
)

// solveOutcomes sets the steps of every outcome, and the effect on the latent
// score where a difference in means is asked for. Prevalences, means and
// differences are exact where all parts of the latent score are normal and the
// effect is the same for all; else they hold to about 0.2 percentage points, or
// 0.5% of the mean of a count.
func (g *Generator) solveOutcomes() {
	a := &g.tested.a
	fill(g.valid, true)
	for k, name := range a.Tests {
		o := a.Outcomes[name]
		if o == nil {
			continue
		}
		m := g.latent(k)
		g.tested.show[k] = m.steps(o)
		change := o.Change()
		if change == nil || g.trial.Effect != nil {
			continue
		}
		var effect float64
		want := m.mean(g.tested.show[k], 0) + *change
		if g.shifts() {
			effect = solveIncreasing(func(x float64) float64 { return m.mean(g.tested.show[k], x) - want })
		} else {
			effect = g.solveDrawn(k, *change)
		}
		for i := range g.tested.arms {
			if arm := &g.tested.arms[i]; i > 0 && arm.parts == nil && !g.named(arm.name) {
				arm.effect.Mean[k] = effect
			}
		}
	}
}

// unequal returns a treated arm whose effect on tests is the plain one, as that
// of other arms is, but whose own effect on quality reaches the tests beside it;
// "" where there is none. One effect on the latent score would then not make the
// same difference in every arm.
func (t Trial) unequal() string {
	if s := t.Achievement.Slope; t.Effect != nil || !anyNonzero(s.Control, s.Treated, s.Baseline) {
		return ""
	}
	plain, own := 0, ""
	for _, arm := range armsOf(t.Design.Arms)[1:] {
		if _, named := t.Achievement.ArmEffects[arm.name]; named || arm.parts != nil {
			continue
		}
		plain++
		if _, named := t.Quality.ArmEffects[arm.name]; named {
			own = arm.name
		}
	}
	if plain < 2 {
		return ""
	}
	return own
}

// checkOutcomes adds the faults of binary tests and counts.
func (a Achievement) checkOutcomes(f *Faults, t Trial) {
	for _, name := range slices.Sorted(maps.Keys(a.Outcomes)) {
		path := "achievement.outcomes." + name
		k := slices.Index(a.Tests, name)
		if k < 0 {
			f.Add(path, "there is no test %q; the tests are %s", name, strings.Join(a.Tests, ", "))
			continue
		}
		o := a.Outcomes[name]
		o.Check(func(key, format string, args ...any) { f.Add(path+"."+key, format, args...) })
		if o.Change() != nil && k < len(a.Effect.Mean) && a.Effect.Mean[k] != 0 {
			f.Add(path+".difference", "says what achievement.effect.mean says of %s on the latent score; make that 0 or leave this out", name)
		}
		if named := everyArmNamed("achievement", a.ArmEffects, t.Design.Arms); o.Change() != nil && named != "" {
			f.Add(path+".difference", "changes nothing: every treated arm has an effect of its own in its place; leave it out, and say the effect on %s's latent score in %s", name, named)
		}
		if arm := t.unequal(); o.Change() != nil && arm != "" {
			f.Add(path+".difference", "cannot hold in every arm: %s has an effect of its own on quality, which the slopes bring to the test; give %s effects of its own under achievement.arm_effects", arm, arm)
		}
	}
}

// parts returns, by test, the number of tests whose mean is total achievement, or
// 0 where the test is none of them: where some tests are scores, the total is the
// mean of these.
func (a Achievement) parts() []float64 {
	parts := make([]float64, len(a.Tests))
	for k, name := range a.Tests {
		switch {
		case len(a.Outcomes) >= len(a.Tests):
			parts[k] = float64(len(a.Tests))
		case a.Outcomes[name] == nil:
			parts[k] = float64(len(a.Tests) - len(a.Outcomes))
		}
	}
	return parts
}

// standardised reports whether a test, or with k = -1 the total, is.
func (a Achievement) standardised(k int) bool {
	if k < 0 {
		return !a.Points && len(a.Outcomes) < len(a.Tests)
	}
	return !a.Points && a.Outcomes[a.Tests[k]] == nil
}

// named reports whether an arm has effects of its own.
func (g *Generator) named(arm string) bool {
	_, is := g.trial.Achievement.ArmEffects[arm]
	return is
}

// latent returns the distribution of the latent score of test k.
func (g *Generator) latent(k int) mixture {
	t, p := g.trial, g.population
	one := make([]float64, len(t.Achievement.Tests))
	one[k] = 1
	v := t.testVariance(p, one)
	normal := t.Achievement.GradeSD * t.Achievement.GradeSD
	for _, l := range v.Levels {
		normal += l.Baseline + l.Quality + l.Rest
	}
	// Effects of blocks that are given are among the means, not of a normal law.
	blocks := centred(t.Achievement.BlockEffects)
	normal -= t.Achievement.Scale * t.Achievement.Scale * t.Achievement.blockVariance()
	m := mixture{means: []float64{0}, sd: math.Sqrt(normal)}
	covariates := len(p.childTerms) > 0 || t.Achievement.CovariateSD > 0 && len(p.achievementTerms) > 0
	if !covariates && t.Achievement.GradeMeans == nil && blocks == nil {
		return m
	}
	var means []float64
	grades := centred(t.Achievement.GradeMeans)
	for rep, schools := uint64(0), 0; len(means) < outcomeMost && (schools < outcomeSchools || len(means) < outcomeChildren); rep++ {
		p.draw(g.quality.q, g.tested.a, g.purpose(Stream{Seed: outcomeSeed, Replicate: rep}, PopulationPurpose))
		schools += len(p.block)
		for j := range p.school {
			class := t.Achievement.Scale * t.Achievement.CovariateSD * p.achievementIndex[j]
			if blocks != nil {
				class += t.Achievement.Scale * blocks[p.block[p.school[j]]]
			}
			if len(grades) > 0 {
				class += grades[gradeOf(j, len(grades), t.Design.Teachers)]
			}
			for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
				means = append(means, class+t.Achievement.Scale*p.child[i])
			}
		}
	}
	if !slices.ContainsFunc(p.achievementTerms, func(c indexTerm) bool { _, size := c.column.Law.(ClassSizeLaw); return size }) {
		// Large classes are like others, so that the mean is known: that of grades.
		known := 0.0
		for j := range p.school {
			if len(grades) > 0 {
				known += grades[gradeOf(j, len(grades), t.Design.Teachers)] / float64(len(p.school))
			}
		}
		means = centred(means)
		for i := range means {
			means[i] += known
		}
	}
	slices.Sort(means)
	m.means = m.means[:0]
	for part := range outcomeParts {
		lo, hi := part*len(means)/outcomeParts, (part+1)*len(means)/outcomeParts
		sum := 0.0
		for _, x := range means[lo:hi] {
			sum += x
		}
		m.means = append(m.means, sum/float64(hi-lo))
	}
	return m
}

// shifts reports whether the plain effect moves all latent scores alike.
func (g *Generator) shifts() bool {
	a := g.trial.Achievement
	return a.Effect.Bottom == 0 && len(a.Effect.By) == 0 && a.Effect.Quantiles == nil && a.Effect.SchoolSD == 0 && a.Effect.BlockSD == 0 &&
		!anyNonzero(a.Slope.Control, a.Slope.Treated, a.Slope.Baseline)
}

// solveDrawn solves for the effect on the latent score of test k from drawn
// potential outcomes, which are linear in it.
func (g *Generator) solveDrawn(k int, change float64) float64 {
	arm := 1
	for g.tested.arms[arm].parts != nil || g.named(g.tested.arms[arm].name) {
		if arm++; arm == len(g.tested.arms) {
			return 0 // every arm has effects of its own
		}
	}
	own, show := &g.tested.arms[arm], g.tested.show[k]
	var still, slope []float64
	control := 0.0
	for rep, schools := uint64(0), 0; len(still) < outcomeMost && (schools < outcomeSchools || len(still) < outcomeChildren); rep++ {
		st := Stream{Seed: outcomeSeed, Replicate: rep}
		g.population.draw(g.quality.q, g.tested.a, g.purpose(st, PopulationPurpose))
		g.quality.draw(g.population, g.purpose(st, QualityPurpose))
		from := len(still)
		own.effect.Mean[k] = 0
		g.drawTests(st)
		still = append(still, g.tested.under(arm, k)...)
		for _, y := range g.tested.under(0, k) {
			control += show.apply(y)
		}
		own.effect.Mean[k] = 1
		g.drawTests(st)
		slope = append(slope, g.tested.under(arm, k)...)
		for i := from; i < len(still); i++ {
			slope[i] -= still[i]
		}
		schools += len(g.population.block)
	}
	return solveIncreasing(func(x float64) float64 {
		sum := -control
		for i, y := range still {
			sum += show.apply(y + slope[i]*x)
		}
		return sum/float64(len(still)) - change
	})
}

// solveIncreasing returns the zero of an increasing function of an effect.
func solveIncreasing(f func(x float64) float64) float64 {
	low, high := -20.0, 20.0
	for range 60 {
		middle := (low + high) / 2
		if f(middle) < 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}
