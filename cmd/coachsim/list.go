package main

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/configs"
	"coachsim/dgp"
	"coachsim/estimators"
)

func newList(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List built-in studies, estimators, assignment schemes and covariate laws",
		Long: `List what a study file can name: the built-in studies, and every kind of
estimator, assignment scheme and covariate law with its keys and what they mean.`,
		Example:     `  coachsim list`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{"wants": "no argument"},
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(s.out, "Built-in studies\n  %s\n", strings.Join(configs.Presets(), "\n  "))
			listKinds(s.out, "Estimators (estimators: [{kind: ...}])", estimators.Methods())
			listKinds(s.out, "Assignment schemes (trial.assignment: {kind: ...})", dgp.Assignments())
			listKinds(s.out, "Outcomes (achievement.outcomes: {TEST: {kind: ...}})", dgp.Outcomes())
			listKinds(s.out, "Covariate laws (covariates: [{law: ...}])", dgp.Laws())
			return nil
		},
	}
}

// listKinds prints every member of a family with its keys.
func listKinds[T any](w io.Writer, title string, members map[string]T) {
	fmt.Fprintf(w, "\n%s\n", title)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		fmt.Fprintf(w, "  %s\n", name)
		listKeys(w, reflect.TypeOf(members[name]))
	}
}

// listKeys prints the keys of a struct, those of an inlined one among them that
// it does not hide by its own.
func listKeys(w io.Writer, t reflect.Type) {
	width := 10
	for _, field := range reflect.VisibleFields(t) {
		key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		width = max(width, len(key))
	}
	for _, field := range reflect.VisibleFields(t) {
		key, flags, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if flags == "inline" || key == "" {
			continue
		}
		fmt.Fprintf(w, "    %-*s %s\n", width, key, field.Tag.Get("doc"))
	}
}
