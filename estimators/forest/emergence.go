package forest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Emergence is the rule by which a variable emerges from a forest as important.
// As text it is absmin, positive, top:K or share:S.
type Emergence struct {
	Rule  Rule
	Top   int     // of TopRule
	Share float64 // of ShareRule
}

// A Rule is a kind of Emergence.
type Rule uint8

// The rules.
const (
	// AbsMinRule asks for an importance above the size of the most negative one:
	// the importance of worthless variables scatters around 0 (Strobl, Malley
	// and Tutz 2009).
	AbsMinRule   Rule = iota
	PositiveRule      // above 0
	TopRule           // above 0 and among the largest ones
	ShareRule         // above a share of the largest one
)

// UnmarshalText reads a rule.
func (e *Emergence) UnmarshalText(text []byte) error {
	name, value, _ := strings.Cut(strings.ToLower(string(text)), ":")
	switch name {
	case "absmin":
		*e = Emergence{}
	case "positive":
		*e = Emergence{Rule: PositiveRule}
	case "top":
		k, err := strconv.Atoi(value)
		if err != nil || k < 1 {
			return fmt.Errorf("%q is not a rule: top:K needs a number of variables, such as top:10", text)
		}
		*e = Emergence{Rule: TopRule, Top: k}
		return nil
	case "share":
		s, err := strconv.ParseFloat(value, 64)
		if err != nil || !(s > 0 && s < 1) {
			return fmt.Errorf("%q is not a rule: share:S needs a share of the largest importance between 0 and 1, such as share:0.05", text)
		}
		*e = Emergence{Rule: ShareRule, Share: s}
		return nil
	default:
		return fmt.Errorf("%q is not a rule of emergence; they are absmin, positive, top:K and share:S", text)
	}
	if value != "" {
		return fmt.Errorf("%q is not a rule: %s takes no number", text, name)
	}
	return nil
}

func (e Emergence) String() string {
	switch e.Rule {
	case PositiveRule:
		return "positive"
	case TopRule:
		return "top:" + strconv.Itoa(e.Top)
	case ShareRule:
		return "share:" + strconv.FormatFloat(e.Share, 'g', -1, 64)
	default:
		return "absmin"
	}
}

// MarshalText writes the rule.
func (e Emergence) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// Mark writes which variables emerge. Ties at the end of the largest ones go to
// the variable that comes first. order is scratch of the same length.
func (e Emergence) Mark(importance []float64, order []int, dst []bool) {
	least, most := 0.0, 0.0
	for _, v := range importance {
		least, most = min(least, v), max(most, v)
	}
	bound := 0.0
	switch e.Rule {
	case AbsMinRule:
		bound = -least
	case ShareRule:
		bound = e.Share * most
	}
	for j, v := range importance {
		dst[j] = v > bound
	}
	if e.Rule != TopRule || e.Top >= len(importance) {
		return
	}
	for j := range order {
		order[j] = j
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(importance[b], importance[a]), a-b)
	})
	for _, j := range order[e.Top:] {
		dst[j] = false
	}
}

// Relative divides importances by the largest one. Where none is positive they
// stay as they are.
func Relative(importance []float64) {
	if most := slices.Max(importance); most > 0 {
		for j := range importance {
			importance[j] /= most
		}
	}
}
