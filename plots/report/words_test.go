package report

import (
	"math"
	"testing"
)

func TestDigits(t *testing.T) {
	for _, c := range []struct {
		x    float64
		n    int
		want string
	}{
		{0, 3, "0"}, {0.13432, 3, "0.134"}, {-0.06921, 3, "-0.0692"}, {0.09996, 3, "0.100"}, {0.25, 3, "0.250"}, {1.482, 3, "1.48"},
		{12.345, 3, "12.3"}, {999.6, 3, "1000"}, {12345, 3, "12345"}, {0.0228, 2, "0.023"}, {0.0035, 2, "0.0035"}, {0.00996, 2, "0.010"},
	} {
		if got := digits(c.x, c.n); got != c.want {
			t.Errorf("%v to %d digits is %s, want %s", c.x, c.n, got, c.want)
		}
	}
	if errorOf(math.NaN()) != "" {
		t.Error("an error that does not exist is written")
	}
}

func TestRounded(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.123: "0.12", 0.1: "0.1", 0.048: "0.048", 0.00371: "0.0037", 31.508: "31.51", 20: "20", 0.0951: "0.1"} {
		if got := rounded(x); got != want {
			t.Errorf("%v is %s, want %s", x, got, want)
		}
	}
}

func TestValueRange(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   string
	}{
		{[]string{"8", "12"}, "8 and 12"}, {[]string{"8", "12", "20"}, "8, 12 and 20"}, {[]string{"20", "8", "40", "12"}, "8 to 40"},
		{[]string{"a", "b", "c", "d"}, "a, b, c and d"},
	} {
		if got := valueRange(c.values); got != c.want {
			t.Errorf("%v is %q, want %q", c.values, got, c.want)
		}
	}
}
