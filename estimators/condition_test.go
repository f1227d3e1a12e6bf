package estimators

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// writeCondition prints a condition in full.
func writeCondition(tests []comparison) string {
	var parts []string
	for _, c := range tests {
		parts = append(parts, fmt.Sprintf("%s %s %s", c.name, c.op, strings.TrimSuffix(fmt.Sprintf("%.400f", c.x), "."+strings.Repeat("0", 400))))
	}
	return strings.Join(parts, " & ")
}

func TestParseCondition(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{" \n", ""},
		{"x == 0", "x == 0"},
		{"x==0&y!=1", "x == 0 & y != 1"},
		{" x < 1 & y <= 2 & z > 3 & w >= 4 ", "x < 1 & y <= 2 & z > 3 & w >= 4"},
		{"x >= -2", "x >= -2"},
		{"x >=- 2", "x >= -2"},
	} {
		tests, err := parseCondition(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := writeCondition(tests); got != c.want {
			t.Errorf("%q is %q, want %q", c.text, got, c.want)
		}
	}
	tests, err := parseCondition("x > 0.25 & y < 1.5")
	if err != nil || tests[0].x != 0.25 || tests[1].x != 1.5 || tests[1].pos != 12 {
		t.Errorf("%+v, %v", tests, err)
	}
}

func TestParseConditionErrors(t *testing.T) {
	for _, c := range []struct {
		text, want string
		offset     int
	}{
		{"== 0", `expected the name of a column, found "="`, 0},
		{"0 == x", `expected the name of a column, found "0"`, 0},
		{"x", "expected ==, !=, <, <=, > or >=, found the end", 1},
		{"x = 0", `expected ==, !=, <, <=, > or >=, found "="`, 2},
		{"x ! 0", `expected ==, !=, <, <=, > or >=, found "!"`, 2},
		{"x == ", "expected a number, found the end", 5},
		{"x == y", `expected a number, found "y"`, 5},
		{"x == -", "expected a number, found the end", 6},
		{"x == --1", `expected a number, found "-"`, 6},
		{"x == 1.2.3", `expected a number, found "1"`, 5},
		{"x == 1e5", `expected & or the end, found "e"`, 6},
		{"x == 1 | y == 2", `expected & or the end, found "|"`, 7},
		{"x == 1 &", "expected the name of a column, found the end", 8},
		{"x == 1 && y == 2", `expected the name of a column, found "&"`, 8},
	} {
		_, err := parseCondition(c.text)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Message != c.want || syntax.Offset != c.offset {
			t.Errorf("%q: %v; want at %d: %s", c.text, err, c.offset, c.want)
		}
	}
}

func TestComparisonHolds(t *testing.T) {
	for op, want := range map[string][3]bool{ // of 1, 2 and 3 with 2
		"==": {false, true, false}, "!=": {true, false, true}, "<": {true, false, false},
		"<=": {true, true, false}, ">": {false, false, true}, ">=": {false, true, true},
	} {
		c := comparison{op: op, x: 2}
		for i, v := range []float64{1, 2, 3} {
			if c.holds(v) != want[i] {
				t.Errorf("%g %s 2 is %v", v, op, !want[i])
			}
		}
	}
}

// FuzzParseCondition: no panic, faults within the text, and parse, print and
// parse again give the same.
func FuzzParseCondition(f *testing.F) {
	for _, text := range []string{"", "x == 1", "x >= -0.5 & y != 3", "x = 1", "x == 1 &"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := parseCondition(text)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(text) {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		second, err := parseCondition(writeCondition(first))
		if err != nil || len(first) != len(second) {
			t.Fatalf("%q was printed as %q: %v", text, writeCondition(first), err)
		}
		for i := range first {
			first[i].pos, second[i].pos = 0, 0
			if first[i] != second[i] && first[i].x > 1e-300 {
				t.Errorf("%q: %+v became %+v", text, first[i], second[i])
			}
		}
	})
}
