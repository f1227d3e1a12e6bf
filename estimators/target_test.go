package estimators_test

import (
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

func TestMoved(t *testing.T) {
	shape := dgp.Shape{Columns: []dgp.Column{
		{Name: "post", Level: dgp.ChildLevel, PostTreatment: true},
		{Name: "other", Level: dgp.ChildLevel, PostTreatment: true},
		{Name: "pre", Level: dgp.ChildLevel},
		{Name: "coaching", Level: dgp.SchoolLevel, Arm: true},
	}}
	for outcome, want := range map[string]string{
		"post":                        "post",
		"I(post - pre)":               "post",
		"I(pre + post - 1)":           "post",
		"I(post - pre - 0.5 * pre)":   "post",
		"mean(post, school)":          "post",
		"I(mean(post, school) - pre)": "post",
		// What moves more, or by another unit, stays.
		"I(pre - post)":      "I(pre - post)",
		"I(post - other)":    "I(post - other)",
		"I(post - coaching)": "I(post - coaching)",
		"I(post * 2 - pre)":  "I(post * 2)",
		"std(post)":          "std(post)",
		"below(post, 10)":    "below(post, 10)",
		"std(I(post - pre))": "std(I(post - pre))",
	} {
		if got := (estimators.Target{Outcome: outcome}).Moved(shape); got != want {
			t.Errorf("%s: %s, want %s", outcome, got, want)
		}
	}
}
