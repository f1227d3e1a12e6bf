package estimators

import (
	"regexp"
	"strconv"
	"strings"
)

// A Contrast is a linear combination of coefficients or effects, by name:
//
//	coaching - training
//	0.5 * coaching + 0.5 * training - materials
type Contrast []ContrastPart

// A ContrastPart is one name with its weight.
type ContrastPart struct {
	Weight float64
	Name   string
}

var weighted = regexp.MustCompile(`^([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*\*\s*(.+)$`)

// ParseContrast reads a sum or difference of names, each perhaps with a number
// times it; a name may have signs within parentheses, as I(a - b) has. It reports
// false for a name alone, and where a name is missing.
func ParseContrast(text string) (Contrast, bool) {
	var c Contrast
	depth, from, sign, signs := 0, 0, 1.0, 0
	add := func(part string) bool {
		part = strings.TrimSpace(part)
		weight := sign
		if m := weighted.FindStringSubmatch(part); m != nil {
			x, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				return false
			}
			weight, part = sign*x, m[2]
			signs++
		}
		if part == "" || weight == 0 {
			return false
		}
		c = append(c, ContrastPart{weight, part})
		return true
	}
	for i, r := range text {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case depth == 0 && (r == '+' || r == '-'):
			if strings.TrimSpace(text[from:i]) != "" || from > 0 {
				if !add(text[from:i]) {
					return nil, false
				}
			}
			if sign = 1; r == '-' {
				sign = -1
			}
			from = i + 1
			signs++
		}
	}
	if !add(text[from:]) || signs == 0 {
		return nil, false
	}
	return c, true
}

// String writes the contrast with spaces around its signs.
func (c Contrast) String() string {
	var out strings.Builder
	for i, part := range c {
		weight := part.Weight
		switch {
		case i == 0 && weight < 0:
			out.WriteString("-")
			weight = -weight
		case i > 0 && weight < 0:
			out.WriteString(" - ")
			weight = -weight
		case i > 0:
			out.WriteString(" + ")
		}
		if weight != 1 {
			out.WriteString(strconv.FormatFloat(weight, 'g', -1, 64) + " * ")
		}
		out.WriteString(part.Name)
	}
	return out.String()
}
