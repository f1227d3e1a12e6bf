package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// wholeNumber is a piece of a list without a decimal point or a space.
var wholeNumber = regexp.MustCompile(`^[+-]?[0-9]+$`)

// decimalComma refuses a list, with commas between its numbers, that may be numbers with
// decimal commas: 0,05 is no list of 0 and 5. A list of two whole numbers is taken for one
// number unless the values are counts, as 20,40 schools are; so is 0,1,0,2 for two. With a
// space after the comma or a decimal point every list is one.
func decimalComma(list string, counts bool) error {
	parts := strings.Split(list, ",")
	for _, part := range parts {
		if !wholeNumber.MatchString(part) {
			return nil
		}
	}
	zero := func(part string) bool { return strings.Trim(part, "+-") == "0" }
	padded := func(part string) bool { return len(part) > 1 && part[0] == '0' }
	doubtful, pairs := false, len(parts)%2 == 0
	for i, part := range parts {
		doubtful = doubtful || padded(part)
		pairs = pairs && (i%2 == 1 || zero(part))
	}
	two := len(parts) == 2
	if two && !pairs {
		first, errFirst := strconv.Atoi(parts[0])
		second, errSecond := strconv.Atoi(parts[1])
		pairs = !counts || errFirst != nil || errSecond != nil || second < first
	}
	if !doubtful && !pairs {
		return nil
	}
	meant := "a decimal point"
	if len(parts)%2 == 0 {
		var numbers []string
		for i := 0; i < len(parts); i += 2 {
			numbers = append(numbers, parts[i]+"."+parts[i+1])
		}
		meant = strings.Join(numbers, ",")
	}
	return fmt.Errorf("%s may be a decimal comma: write %s, or, for a list of %s, '%s'", list, meant, countOf(len(parts), "number", "numbers"), strings.Join(parts, ", "))
}

// numbersFlag is a list of numbers with commas between. Given again it goes on.
type numbersFlag struct{ values *[]float64 }

func (n numbersFlag) String() string {
	if n.values == nil || len(*n.values) == 0 {
		return ""
	}
	return fmt.Sprint(*n.values)
}

// Set reads a list.
func (n numbersFlag) Set(text string) error {
	if err := decimalComma(text, false); err != nil {
		return err
	}
	for part := range strings.SplitSeq(text, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil {
			return fmt.Errorf("%q is no number", part)
		}
		*n.values = append(*n.values, x)
	}
	return nil
}

// Type is shown in the usage of commands.
func (n numbersFlag) Type() string { return "numbers" }

// decimalCommas are numbers with a decimal comma.
var decimalCommas = regexp.MustCompile(`([0-9]),([0-9]+%?)$`)

// withPoint says how to write a number that has a decimal comma; "" where it has none.
func withPoint(text string) string {
	if !decimalCommas.MatchString(text) {
		return ""
	}
	return "; write " + decimalCommas.ReplaceAllString(text, "$1.$2") + ", with a point"
}
