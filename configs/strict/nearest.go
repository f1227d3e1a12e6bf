package strict

import (
	"strings"

	"coachsim/dgp/spelling"
)

// maxListed is how many allowed names a hint lists.
const maxListed = 15

// suggest names the nearest of the allowed names, or lists them all if none is
// near and they are few.
func suggest(what, given string, allowed []string) string {
	if near := spelling.Nearest(given, allowed); near != "" {
		return "did you mean " + quote(near) + "?"
	}
	if len(allowed) == 0 || len(allowed) > maxListed {
		return ""
	}
	return what + ": " + strings.Join(allowed, ", ")
}

// suggestValue names the nearest of the allowed values and lists them all: they
// are a choice, which a reader wants to see, where keys are only misspelt.
func suggestValue(given string, allowed []string) string {
	if len(allowed) == 0 {
		return ""
	}
	all := "allowed values: " + strings.Join(allowed, ", ")
	if near := spelling.Nearest(given, allowed); near != "" {
		return "did you mean " + quote(near) + "? " + all
	}
	return all
}
