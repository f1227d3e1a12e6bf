package dgp

import (
	"fmt"
	"math"
)

// Baseline is a test before the trial: a child covariate, in SDs of the
// baseline test, that explains chosen shares of the variance of every test.
//
// It is a true score with parts of blocks, schools, teachers and children, plus
// an error of measurement with variance 1 - Reliability. R2 is what the observed
// baseline explains: at the child level the deviations of children from the
// mean of their class, error and all; above, the true means of classes, schools
// and blocks. The mean of the few children tested in a class explains less than
// its true mean.
type Baseline struct {
	Name        string  `yaml:"name" required:"true" doc:"the column's name"`
	Reliability float64 `yaml:"reliability" gt:"0" max:"1" doc:"share of the baseline's variance that is no error of measurement"`
	R2          R2      `yaml:"r2,omitempty" doc:"shares of the variance of every test, by level, that the baseline explains"`
	ICC         ICC     `yaml:"icc,omitempty" doc:"shares of the baseline's own variance, by level; by default those of the tests"`
}

// SetDefaults is a baseline without error.
func (b *Baseline) SetDefaults() { b.Reliability = 1 }

// lower sets the parts of the baseline of tests with variances v by level, and
// returns the share of each that the true baseline explains.
func (b Baseline) lower(f *Faults, s *sharedParts, v [levels]float64) (share [levels]float64) {
	own := v
	if b.ICC != (ICC{}) {
		own = b.ICC.byLevel()
	}
	r2 := b.R2.byLevel()
	wrong := 1 - b.Reliability // variance of error
	for l := BlockLevel; l <= ChildLevel; l++ {
		spread := own[l]
		if l == ChildLevel {
			spread -= wrong
		}
		switch {
		case l == ChildLevel && spread <= 0:
			f.Add("achievement.baseline.reliability", "%g leaves no true differences between the children of a class: error has %.4g of the baseline's variance, and all differences between them %.4g", b.Reliability, wrong, own[l])
		case r2[l] > 0 && spread == 0:
			f.Add(fmt.Sprintf("achievement.baseline.r2.%s", l), "must be 0: the baseline does not vary between %s", l.Plural())
		case r2[l] > 0 && v[l] == 0:
			f.Add(fmt.Sprintf("achievement.baseline.r2.%s", l), "must be 0: the tests do not vary between %s", l.Plural())
		case r2[l]*own[l] > spread+1e-12:
			f.Add(fmt.Sprintf("achievement.baseline.r2.%s", l), "must be at most %.4g, not %g: more of what the children of a class differ by in the baseline is error (its reliability is %g)", spread/own[l], r2[l], b.Reliability)
		}
		s.spread[l] = math.Sqrt(math.Max(spread, 0))
		if r2[l] > 0 && spread > 0 {
			// A slope β on the true part explains β² spread of the test, and by
			// the observed part β² spread²/own = r2 v.
			s.slope[l] = math.Sqrt(r2[l]*v[l]*own[l]) / spread
			share[l] = r2[l] * own[l] / spread
		}
	}
	s.error = math.Sqrt(wrong)
	return share
}

// baselineLaw draws the baseline test and keeps what its true parts do to tests.
type baselineLaw struct{ shared *sharedParts }

// Check is for laws of a study file.
func (*baselineLaw) Check(Covariate, []Covariate, func(key, format string, args ...any)) {}

// Compile prepares drawing.
func (l *baselineLaw) Compile(p *population) compiledLaw {
	s := l.shared
	variance := s.error * s.error
	for _, sd := range s.spread {
		variance += sd * sd
	}
	s.baselineClass = make([]float64, len(p.school))
	s.baselineChild = make([]float64, len(p.child))
	return compiledLaw{sd: math.Sqrt(variance), meanInverse: math.NaN(), draw: func(dst []float64, r *Source) {
		var part [levels]float64
		block, school := -1, -1
		for j, at := range p.school {
			if p.block[at] != block {
				block = p.block[at]
				part[BlockLevel] = s.spread[BlockLevel] * r.NormFloat64()
			}
			if at != school {
				school = at
				part[SchoolLevel] = s.spread[SchoolLevel] * r.NormFloat64()
			}
			part[TeacherLevel] = s.spread[TeacherLevel] * r.NormFloat64()
			class, explained := 0.0, 0.0
			for level := BlockLevel; level <= TeacherLevel; level++ {
				class += part[level]
				explained += s.slope[level] * part[level]
			}
			s.baselineClass[j] = explained
			for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
				own := s.spread[ChildLevel] * r.NormFloat64()
				s.baselineChild[i] = s.slope[ChildLevel] * own
				dst[i] = class + own + s.error*r.NormFloat64()
			}
		}
	}}
}

var _ Law = (*baselineLaw)(nil)
