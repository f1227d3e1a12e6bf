package dgp

import (
	"math"
	"slices"
)

// Share is the share of the members of a unit that are of one kind, such as
// the teachers of a school in one pay grade: a binomial count divided by the
// count in column Of. Kinds named in Excluding were drawn before and are no
// longer free, so that several Share columns together are a multinomial.
type Share struct {
	Of        string   `yaml:"of" required:"true" doc:"the column with the number of members; its smallest value is at least 1"`
	Mean      float64  `yaml:"mean" required:"true" min:"0" max:"1" doc:"expected share of all members"`
	Excluding []string `yaml:"excluding" doc:"share columns of the same members, drawn earlier"`
}

// Check looks up the columns that the share rests on.
func (l Share) Check(c Covariate, earlier []Covariate, fault func(key, format string, args ...any)) {
	of := findCovariate(earlier, l.Of)
	switch {
	case of == nil:
		fault("of", "there is no earlier covariate %q", l.Of)
	case of.Level != c.Level:
		fault("of", "%q is a %s column; the share is a %s column", l.Of, of.Level, c.Level)
	default:
		count, ok := of.Law.(NegativeBinomial)
		if _, size := of.Law.(ClassSizeLaw); !size && (!ok || count.Shift < 1) {
			fault("of", "%q is not a count that is at least 1 (negative-binomial with shift >= 1, or class-size)", l.Of)
		}
	}
	total := l.Mean
	for i, name := range l.Excluding {
		other := findCovariate(earlier, name)
		if other == nil {
			fault("excluding", "there is no earlier covariate %q", name)
			continue
		}
		share, ok := other.Law.(Share)
		if !ok || share.Of != l.Of {
			fault("excluding", "%q is not a share of %q", name, l.Of)
			continue
		}
		for _, before := range l.Excluding[:i] {
			if name == before || !slices.Contains(share.Excluding, before) {
				fault("excluding", "%q must be drawn excluding %q, so that both together are no more than all", name, before)
			}
		}
		total += share.Mean
	}
	if total > 1+1e-12 {
		fault("mean", "the shares of %q add up to %g, more than 1", l.Of, total)
	}
}

// Compile prepares drawing. A share of n members has variance p(1-p)E[1/n]
// around its mean p.
func (l Share) Compile(p *population) compiledLaw {
	of := p.column(l.Of)
	var others []*drawnColumn
	free := 1.0
	for _, name := range l.Excluding {
		other := p.column(name)
		others = append(others, other)
		free -= other.law.mean
	}
	conditional := 0.0
	if free > 0 {
		conditional = math.Min(l.Mean/free, 1)
	}
	sd := math.Sqrt(l.Mean * (1 - l.Mean) * of.law.meanInverse)
	return compiledLaw{mean: l.Mean, sd: sd, meanInverse: math.NaN(), draw: func(dst []float64, r *Source) {
		for i := range dst {
			members := of.values[i]
			left := int(members)
			for _, other := range others {
				left -= int(other.values[i]*members + 0.5)
			}
			count := r.Binomial(left, conditional)
			dst[i] = float64(count) / members
		}
	}}
}

var _ Law = Share{}
