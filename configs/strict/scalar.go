package strict

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// shape is what YAML 1.2 takes a plain, unquoted text for.
type shape int

const (
	word shape = iota
	null
	boolean
	integer
	decimal
	notFinite
)

var (
	integerText   = regexp.MustCompile(`^[-+]?[0-9]+$`)
	prefixedText  = regexp.MustCompile(`^(0o[0-7]+|0x[0-9a-fA-F]+)$`)
	decimalText   = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	notFiniteText = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	groupedText   = regexp.MustCompile(`^[-+]?[0-9]{1,3}([,_' ][0-9]{3})+(\.[0-9]+)?$`)
	leadingZero   = regexp.MustCompile(`^[-+]?0[0-9]`)
)

// shapeOf follows the core schema of YAML 1.2.
func shapeOf(text string) shape {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return null
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return boolean
	}
	switch {
	case integerText.MatchString(text), prefixedText.MatchString(text):
		return integer
	case decimalText.MatchString(text):
		return decimal
	case notFiniteText.MatchString(text):
		return notFinite
	}
	return word
}

// isNull reports whether a node holds nothing.
func (n *node) isNull() bool {
	return n.kind == scalar && n.style == plain && shapeOf(n.text) == null
}

// plainDecimal returns the decimal that a number in another notation probably
// means, or "".
func plainDecimal(text string) string {
	if groupedText.MatchString(text) {
		return strings.NewReplacer(",", "", "_", "", "'", "", " ", "").Replace(text)
	}
	sign, digits := "", text
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		sign, digits = strings.TrimPrefix(text[:1], "+"), text[1:]
	}
	if leadingZero.MatchString(digits) && decimalText.MatchString(digits) {
		digits = strings.TrimLeft(digits, "0")
		if digits == "" || digits[0] < '0' || digits[0] > '9' {
			digits = "0" + digits
		}
		return sign + digits
	}
	if integerText.MatchString(digits) {
		return ""
	}
	if v, err := strconv.ParseUint(digits, 0, 64); err == nil { // 0x10, 0o17, 0b11, 1_0
		return sign + strconv.FormatUint(v, 10)
	}
	return ""
}

// numberHint suggests what to write where a number was expected.
func numberHint(n *node) string {
	if n.kind != scalar {
		return ""
	}
	text := n.text
	if n.style != plain {
		if s := shapeOf(text); s == integer || s == decimal {
			return "remove the quotes"
		}
	}
	if plain := plainDecimal(text); plain != "" {
		return "write the plain decimal " + plain
	}
	if digits, found := strings.CutSuffix(text, "%"); found {
		if x, err := parseFinite(strings.TrimSpace(digits)); err == nil {
			hint := "write " + percent(x) + " for " + text
			if x > 0 && x < 1 { // perhaps a share with a percent sign
				hint += ", or " + formatFloat(x) + " for " + percent(1e4*x) + "%"
			}
			return hint
		}
	}
	if before, after, found := strings.Cut(text, ","); found && decimalText.MatchString(before+"."+after) {
		return "write " + before + "." + after + ", with a point"
	}
	return ""
}

// wholeHint suggests the integer that a decimal such as 40.0 or 1e3 equals.
func wholeHint(text string) string {
	x, err := parseFinite(text)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return ""
	}
	return "write " + strconv.FormatInt(int64(x), 10)
}

// A numberError says why a text is no usable number. A number that would
// silently become 0 or infinity is refused.
type numberError string

func (e numberError) Error() string { return string(e) }

const (
	errNotNumber = numberError("must be a number")
	errTooLarge  = numberError("is too large for a floating-point number")
	errTooSmall  = numberError("is too close to zero for a floating-point number")
)

// parseFinite reads a decimal and refuses what would overflow or vanish.
func parseFinite(text string) (float64, error) {
	if !decimalText.MatchString(text) {
		return 0, errNotNumber
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, errTooLarge
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	if x == 0 && strings.ContainsAny(mantissa, "123456789") {
		return 0, errTooSmall
	}
	return x, nil
}

// percent writes x percent as a share, without the last digits that dividing leaves.
func percent(x float64) string {
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x/100, 'g', 15, 64), 64)
	return formatFloat(x)
}

// formatFloat writes the shortest text that reads back as x.
func formatFloat(x float64) string {
	format := byte('g')
	if a := math.Abs(x); a >= 1e-6 && a < 1e15 {
		format = 'f'
	}
	return strconv.FormatFloat(x, format, -1, 64)
}
