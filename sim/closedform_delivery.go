package sim

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
	"coachsim/sim/analytic"
)

// whyNone says, by the key of a trial that no formula knows, what it does; keys
// of sections stand for all in them.
var whyNone = []struct{ key, why string }{
	{"trial.coaches", "classes of one coach have something in common, and coaches differ"},
	{"trial.dosage", "how much of the treatment is delivered differs between classes"},
	{"trial.turnover", "teachers who come later have less of the treatment"},
	{"trial.mobility", "children of several classes mix"},
	{"trial.spillover", "treatment reaches others of the school"},
	{"trial.attrition.loss", "who is lost depends on who they are, so that those who are left differ between the arms"},
	{"trial.teacher_shares", "schools have different numbers of teachers"},
	{"achievement.outcomes", "tests are counts or binary"},
	{"achievement.effect.by", "effects differ by covariates"},
	{"achievement.effect.quantiles", "effects differ by the score without coaching"},
	{"achievement.grade", "grades differ"},
	{"quality.effect.by", "effects on quality differ by covariates"},
}

// unknown says that a key is one that no formula knows.
func unknown(key string) string {
	text := "the formulas know nothing of " + key
	for _, w := range whyNone {
		if strings.HasPrefix(key, w.key) {
			return w.why + "; " + text
		}
	}
	return text
}

// findLosses takes what is lost at random off the sizes. Units that are assigned
// without strata are lost one by one, and power is an average over the numbers that
// are left; the rest has its expected size.
func (b *closedFormOf) findLosses() {
	d := b.trial.Design
	mean := func(rate map[string]float64) float64 {
		sum := 0.0
		for a, name := range d.Arms {
			sum += b.share[a] * rate[name]
		}
		return sum
	}
	b.lost, b.fewer = make([]float64, len(d.Arms)), slices.Repeat([]float64{1}, len(d.Arms))
	loss := d.Attrition.Loss
	if lost := mean(loss.Child.Rate); lost > 0 && !b.score {
		d.Attrition.Children = 1 - (1-d.Attrition.Children)*(1-lost)
		b.size[dgp.ChildLevel], b.cv = d.TestedSize()
		for a, name := range d.Arms {
			own := loss.Child.Rate[name]
			if b.unit == dgp.ChildLevel {
				b.fewer[a] = (1 - own) / (1 - lost)
			}
			if own != loss.Child.Rate[d.Arms[0]] {
				b.note("the arms lose different shares of their children")
			}
		}
	}
	for i, rate := range []map[string]float64{loss.School.Rate, loss.Teacher.Rate} {
		l, lost := dgp.SchoolLevel+dgp.Level(i), mean(rate)
		switch {
		case lost == 0:
		case l == b.unit || b.unit == dgp.SchoolLevel && d.Teachers == 1:
			for a, name := range d.Arms {
				b.lost[a] = 1 - (1-b.lost[a])*(1-rate[name])
			}
		default:
			b.size[l] *= 1 - lost
			b.note(l.Plural() + " are lost at random, so that their numbers differ")
		}
	}
}

// loseUnits takes lost units off those that are assigned.
func (b *closedFormOf) loseUnits() {
	b.assigned = slices.Clone(b.units)
	lost := false
	for a := range b.units {
		lost = lost || b.lost[a] > 0
		b.units[a] *= b.fewer[a] * (1 - b.lost[a])
	}
	if lost && b.stratified {
		b.note(b.unit.Plural() + " are lost at random, so that " + (b.unit - 1).Plural() + " are unequal")
		clear(b.lost)
	}
}

// cases lists the numbers of units that may be left in the arms of a contrast,
// with their probabilities.
func (b *closedFormOf) cases() (units [][]float64, probability []float64) {
	units, probability = [][]float64{slices.Clone(b.units)}, []float64{1}
	if !b.saturated {
		if slices.Max(b.lost) > 0 {
			b.note(b.unit.Plural() + " are lost at random, so that arms are unequal")
		}
		return units, probability
	}
	for a, lost := range b.lost {
		if lost == 0 || b.contrast[a] == 0 {
			continue
		}
		var more [][]float64
		var chance []float64
		for i, u := range units {
			for _, left := range binomialNodes(b.assigned[a], 1-lost) {
				with := slices.Clone(u)
				with[a] = left.Value
				more, chance = append(more, with), append(chance, probability[i]*left.Probability)
			}
		}
		units, probability = more, chance
	}
	return units, probability
}

// binomialNodes lists numbers of n units that are left where each is with
// probability p, with probabilities such that averages over them are those over the
// binomial law. Where fewer than four are left with a probability below 1e-10, power
// is so smooth a function of the number that the nine points of Gauss's quadrature
// do: exact for polynomials of degree 17, by the recurrence of Krawtchouk's (Golub and
// Welsch 1969). They are no whole numbers. Else all numbers, but for both tails with less
// than 1e-10.
func binomialNodes(n, p float64) []analytic.Share {
	law := distuv.Binomial{N: n, P: p}
	const points = 9
	if law.CDF(3) > 1e-10 {
		var all []analytic.Share
		for left := range int(n) + 1 {
			x := float64(left)
			if law.CDF(x) > 1e-10 && law.Survival(x-1) > 1e-10 {
				all = append(all, analytic.Share{Value: x, Probability: law.Prob(x)})
			}
		}
		return all
	}
	jacobi := mat.NewSymDense(points, nil)
	for k := range points {
		j := float64(k)
		jacobi.SetSym(k, k, p*(n-j)+j*(1-p))
		if k > 0 {
			jacobi.SetSym(k-1, k, math.Sqrt(j*p*(1-p)*(n-j+1)))
		}
	}
	var eigen mat.EigenSym
	eigen.Factorize(jacobi, true)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	all := make([]analytic.Share, points)
	for i, x := range eigen.Values(nil) {
		first := vectors.At(0, i)
		all[i] = analytic.Share{Value: x, Probability: first * first}
	}
	return all
}

// withUnits is the search with other numbers of units in the arms, each of which
// has a mean of its own.
func (b *closedFormOf) withUnits(units []float64) *closedFormOf {
	other := *b
	other.units = units
	other.leverage = make([][]float64, len(units))
	for a, n := range units {
		other.leverage[a] = make([]float64, len(units))
		other.leverage[a][a] = 1 / n
	}
	return &other
}

// findTakeUp finds who receives the treatment.
func (b *closedFormOf) findTakeUp() string {
	c := b.trial.Design.Compliance
	arms := b.trial.Design.Arms
	if c == nil {
		return ""
	}
	if len(arms) != 2 {
		return "several treatments are taken up"
	}
	taken, said := c.TakeUp[arms[1]]
	if !said {
		taken = 1
	}
	b.takeUp = []float64{c.Contamination[arms[1]], taken}
	b.takes = max(c.Unit.Level(), b.unit)
	switch {
	case len(c.Depends) > 0:
		return unknown("trial.compliance.depends")
	case b.takeUp[1] == b.takeUp[0]:
		return "as many take the treatment up in both arms"
	}
	for _, p := range b.takeUp {
		if p > 0 && p < 1 && b.takes < b.rows {
			b.note(fmt.Sprintf("what take-up adds to %s is not normal", b.takes.Plural()))
		}
	}
	return ""
}

// receive mixes the outcomes of those who receive the treatment and those who do
// not, whose variances, folded into the rows or not, and means are given.
func (b *closedFormOf) receive(v []byLevel, means []float64, folded bool) string {
	for l := b.unit; l < b.takes; l++ {
		if math.Abs(v[1][l]-v[0][l]) > 1e-12 {
			return fmt.Sprintf("treatment changes how %s differ, and %s take it up", l.Plural(), b.takes.Plural())
		}
	}
	shift := means[1] - means[0]
	copy(v, b.mix(v, shift*shift, folded))
	return ""
}

// mix returns the variances, or covariances, by arm of outcomes of which those who
// receive the treatment have the second, and the others the first; product is that of
// the effects of receiving.
func (b *closedFormOf) mix(v []byLevel, product float64, folded bool) []byLevel {
	mixed := make([]byLevel, len(v))
	for a, p := range b.takeUp {
		var own byLevel
		if own[b.takes] = p * (1 - p) * product; folded {
			own = b.fold(own)
		}
		for l := range own {
			mixed[a][l] = (1-p)*v[0][l] + p*v[1][l] + own[l]
		}
	}
	return mixed
}
