package estimators

import "coachsim/dgp"

// A Path is the part of the effect of arm a that a Target means, in terms of the
// nested potential outcomes Y(a, q(a')) of dgp.Nested: arm a, with true classroom
// quality as it would be under arm a'. Natural effects are those of Robins and
// Greenland (1992) and Pearl (2001):
//
//	NIE(0) = E[Y(0, q(a)) - Y(0, q(0))]     NDE(0) = E[Y(a, q(0)) - Y(0, q(0))]
//	NIE(1) = E[Y(a, q(a)) - Y(a, q(0))]     NDE(1) = E[Y(a, q(a)) - Y(0, q(a))]
//
// so that NIE(1) + NDE(0) = NIE(0) + NDE(1) = the whole effect. In a factorial
// trial 0 is the arm without the treatment and a that with it, the other
// treatments as they were assigned.
type Path uint8

// The paths.
const (
	Whole            Path = iota // the total effect
	IndirectControl              // NIE(0), pure indirect effect; of quality on achievement as without the arm
	IndirectTreated              // NIE(1), total indirect effect; as with the arm
	DirectControl                // NDE(0), pure direct effect; quality as without the arm
	DirectTreated                // NDE(1), total direct effect; quality as with the arm
	IndirectAverage              // mean of both indirect effects, as R's mediation reports it (ACME, average)
	DirectAverage                // mean of both direct effects (ADE, average)
	ControlledDirect             // E[Y(a, q) - Y(0, q)], quality held at a level in every class
)

// Paths lists the parts of an effect.
func Paths() []Path {
	return []Path{Whole, IndirectControl, IndirectTreated, DirectControl, DirectTreated, IndirectAverage, DirectAverage, ControlledDirect}
}

// String is how terms call the part: nie(0), nde(1), cde; total for all of it.
func (p Path) String() string {
	return [...]string{"total", "nie(0)", "nie(1)", "nde(0)", "nde(1)", "nie", "nde", "cde"}[p]
}

// MarshalText writes the name of the part.
func (p Path) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// A Difference is between two nested potential outcomes of a row.
type Difference struct{ From, To dgp.Nested }

// Differences returns what the part of the effect of an arm is the mean of, with
// without and with the arms of a trial that it compares, and through the domains
// that carry the indirect part, as dgp.Nested has them.
func (p Path) Differences(without, with int, level float64, through []bool) []Difference {
	y := func(arm, quality int) dgp.Nested {
		if arm == quality {
			return dgp.Nested{Arm: arm, Quality: arm}
		}
		return dgp.Nested{Arm: arm, Quality: quality, Through: through}
	}
	var (
		indirect = []Difference{{y(without, without), y(without, with)}, {y(with, without), y(with, with)}}
		direct   = []Difference{{y(without, without), y(with, without)}, {y(without, with), y(with, with)}}
	)
	switch p {
	case IndirectControl:
		return indirect[:1]
	case IndirectTreated:
		return indirect[1:]
	case DirectControl:
		return direct[:1]
	case DirectTreated:
		return direct[1:]
	case IndirectAverage:
		return indirect
	case DirectAverage:
		return direct
	case ControlledDirect:
		held := func(arm int) dgp.Nested {
			return dgp.Nested{Arm: arm, Quality: arm, Fixed: true, Level: level, Through: through}
		}
		return []Difference{{held(without), held(with)}}
	default:
		return []Difference{{y(without, without), y(with, with)}}
	}
}
