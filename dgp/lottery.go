package dgp

import (
	"fmt"
	"math"
	"strings"
)

// A Lottery is what a plan says of an assignment scheme.
type Lottery struct {
	// How says how lots are drawn, after "schools are randomised": "within blocks",
	// or "" where all is said by the shares.
	How string
	// Shares are the expected shares of the units in each arm.
	Shares []float64
	// Stratum is the number of units in each of the strata of one size within which
	// the shares hold, 0 where the numbers vary or strata do.
	Stratum int
}

// Lottery returns that of the design's scheme.
func (d Design) Lottery() Lottery { return d.Assignment.Lottery(d) }

// Numbers returns how many units of the design are in each arm, or nil where that
// varies.
func (l Lottery) Numbers(d Design) []int {
	units := d.Units(d.Assignment.Level())
	if l.Stratum == 0 {
		return nil
	}
	var all []int
	for _, share := range l.Shares {
		if n := share * float64(l.Stratum); math.Abs(n-math.Round(n)) > 1e-6 {
			return nil
		}
		all = append(all, int(math.Round(share*units)))
	}
	return all
}

// Units returns the number of units of a level, before any are lost; of children
// the expected number who are sampled for testing.
func (d Design) Units(level Level) float64 {
	switch level {
	case BlockLevel:
		return float64(d.Blocks)
	case SchoolLevel:
		return float64(d.schools())
	case TeacherLevel:
		return float64(d.teachers())
	}
	d.Attrition.Children = 0
	size, _ := d.TestedSize()
	return size * float64(d.teachers())
}

// ClassSizes returns the mean and the standard deviation of class sizes.
func (d Design) ClassSizes() (mean, sd float64) {
	mean, sd, _ = d.Children.solved(new(Faults)).moments()
	return mean, sd
}

// stratum is the number of units of a level in each of the strata within which a
// blocked scheme assigns, 0 where strata differ.
func (d Design) stratum(level Level) int {
	fewest, most := d.teachersPerSchool()
	switch {
	case level == SchoolLevel:
		return d.Schools
	case level == TeacherLevel && fewest == most:
		return fewest
	}
	return 0
}

// all is the number of units of a level where it is the same in every data set,
// else 0.
func (d Design) all(level Level) int {
	if level == ChildLevel {
		return 0
	}
	return int(d.Units(level))
}

// within says in which units a blocked scheme assigns those of a level: blocks of
// schools, schools of teachers, classes of children. It is "" for the only block.
func (d Design) within(level Level) string {
	switch {
	case level == TeacherLevel:
		return "within schools"
	case level == ChildLevel:
		return "within classes"
	case d.Blocks > 1:
		return "within blocks"
	}
	return ""
}

// both joins words by a comma where there are some on both sides.
func both(first, second string) string {
	if first == "" {
		return second
	}
	return first + ", " + second
}

// enumerated lists names as a sentence does: "a, b and c".
func enumerated(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// Lottery says that the shares hold in every stratum.
func (b Blocked) Lottery(d Design) Lottery {
	return Lottery{d.within(b.Level()), sharesOf(d.Arms, b.Share, b.Shares), d.stratum(b.Level())}
}

// Lottery says that strata are ignored.
func (c Complete) Lottery(d Design) Lottery {
	how := "by complete randomisation"
	if d.within(c.Level()) != "" {
		how = "by one lottery over all " + c.Level().Plural()
	}
	return Lottery{how, sharesOf(d.Arms, c.Share, c.Shares), d.all(c.Level())}
}

// Lottery says that each unit is assigned alone.
func (c Simple) Lottery(d Design) Lottery {
	return Lottery{"each by a lot of its own", sharesOf(d.Arms, c.Share, c.Shares), 0}
}

// Lottery says what the units of a set are alike on.
func (p Pairs) Lottery(d Design) Lottery {
	sets := "pairs"
	if n := len(d.Arms); n > 2 {
		sets = fmt.Sprintf("sets of %d", n)
	}
	how := "within " + sets + " matched on " + enumerated(p.On)
	if in := d.within(p.Level()); p.Blocked && in != "" {
		how += strings.Replace(in, "within", " in the same", 1)
		how = strings.TrimSuffix(how, "s")
	}
	stratum := d.all(p.Level())
	if p.Blocked {
		stratum = d.stratum(p.Level())
	}
	return Lottery{how, equalShares(len(d.Arms)), stratum}
}

// Lottery says how balanced the assignment is.
func (b Rerandomised) Lottery(d Design) Lottery {
	balance := fmt.Sprintf("no |t| between a treated arm and control is above %g", b.MaxT)
	if b.Accept > 0 {
		balance = fmt.Sprintf("it is among the %s most balanced by Mahalanobis distance", percent(b.Accept))
	}
	how := fmt.Sprintf("drawn again until %s on %s", balance, enumerated(b.On))
	stratum := d.all(b.Level())
	if b.Blocked {
		how, stratum = both(d.within(b.Level()), how), d.stratum(b.Level())
	}
	return Lottery{how, sharesOf(d.Arms, b.Share, b.Shares), stratum}
}

// Lottery says the waves.
func (s Stepped) Lottery(d Design) Lottery {
	how := fmt.Sprintf("to %d waves, of which %d will have started at the endline", s.Waves, s.Treated)
	stratum := d.all(SchoolLevel)
	if s.Blocked {
		how, stratum = both(d.within(SchoolLevel), how), d.stratum(SchoolLevel)
	}
	share := float64(s.Treated) / float64(s.Waves)
	if stratum%s.Waves != 0 {
		stratum = 0
	}
	return Lottery{how, []float64{1 - share, share}, stratum}
}

// Lottery says both stages.
func (t TwoStage) Lottery(d Design) Lottery {
	shares := equalShares(len(t.Saturations))
	if t.Schools != nil {
		shares = t.Schools
	}
	var levels []string
	treated, sum := 0.0, 0.0
	for k, s := range t.Saturations {
		level := percent(s)
		if t.Schools != nil {
			level += " (" + percent(shares[k]) + " of schools)"
		}
		levels = append(levels, level)
		treated += shares[k] * s
		sum += shares[k]
	}
	how := fmt.Sprintf("in two stages: schools to treated shares of %s, then %s within schools", enumerated(levels), t.Level().Plural())
	if t.Blocked {
		how = both(d.within(SchoolLevel), how)
	}
	return Lottery{how, []float64{1 - treated/sum, treated / sum}, 0}
}

// Lottery says nothing: nobody is assigned.
func (None) Lottery(d Design) Lottery {
	return Lottery{"", []float64{1}, d.all(SchoolLevel)}
}
