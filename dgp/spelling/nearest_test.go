package spelling_test

import (
	"strings"
	"testing"

	"coachsim/dgp/spelling"
)

func TestNearest(t *testing.T) {
	long := strings.Repeat("a", 100)
	for _, c := range []struct {
		given, want string
		allowed     []string
	}{
		{"shcool", "school", []string{"teacher", "school"}},
		{"Effect-SD", "effect_sd", []string{"effect", "effect_sd"}},
		{"achivemnt", "achievement", []string{"achievement"}},
		{"aeg", "age", []string{"sex", "age"}},
		{"s", "", []string{"y", "t"}}, // any letter is one slip from any other
		{"cov", "covariates", []string{"covariates", "quality"}},
		{"co", "", []string{"covariates"}},
		{"cov", "", []string{"covariates", "coverage", "cove_rates_x", "covering"}},
		{"nothing", "", []string{"like", "it"}},
		{"naïve", "naive", []string{"naive"}},
		{"", "", []string{"a", "b"}},
		{long, "", []string{long + "a"}},
		{"a", "", []string{long}},
	} {
		if got := spelling.Nearest(c.given, c.allowed); got != c.want {
			t.Errorf("nearest to %q in %q: %q, want %q", c.given, c.allowed, got, c.want)
		}
	}
}
