package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/configs"
	"coachsim/configs/strict"
)

func newKeys(s streams) *cobra.Command {
	var markdown bool
	c := &cobra.Command{
		Use:   "keys [PREFIX]",
		Short: "List the keys of a study file with what they mean",
		Long: `List every key of a study file, or those that begin with a prefix, each with its
type, the values it may have, its default and its meaning. [] stands for the
entries of a list; a key under a kind belongs to that kind alone.`,
		Example: `  coachsim keys
  coachsim keys trial.attrition
  coachsim keys achievement.effect`,
		Args:        cobra.MaximumNArgs(1),
		Annotations: map[string]string{"wants": "at most one PREFIX, such as trial.attrition"},
		RunE: func(_ *cobra.Command, args []string) error {
			keys, err := configs.Keys()
			if err != nil {
				return err
			}
			if len(args) > 0 {
				var some []strict.Key
				for _, k := range keys {
					if strings.HasPrefix(strings.ReplaceAll(k.Path, "[]", ""), strings.ReplaceAll(args[0], "[]", "")) {
						some = append(some, k)
					}
				}
				if len(some) == 0 {
					return usageError("no key begins with %s; coachsim keys lists all", args[0])
				}
				keys = some
			}
			if markdown {
				writeKeysMarkdown(s.out, keys)
			} else {
				writeKeys(s.out, keys)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&markdown, "markdown", false, "print a Markdown table")
	return c
}

// facts are the type of a key, what it may be and what it is by default.
func facts(k strict.Key) string {
	parts := []string{k.Type}
	if k.Allowed != "" {
		parts = append(parts, k.Allowed)
	}
	switch {
	case k.Required:
		parts = append(parts, "required")
	case k.Default != "":
		parts = append(parts, "default "+k.Default)
	}
	return strings.Join(parts, "; ")
}

func writeKeys(w io.Writer, keys []strict.Key) {
	kind := ""
	for _, k := range keys {
		if k.Kind != kind && k.Kind != "" {
			fmt.Fprintf(w, "  with %s\n", k.Kind)
		}
		kind = k.Kind
		indent := ""
		if k.Kind != "" {
			indent = "  "
		}
		fmt.Fprintf(w, "%s%s\n%s    %s\n", indent, k.Path, indent, facts(k))
		if k.Doc != "" {
			fmt.Fprintf(w, "%s    %s\n", indent, k.Doc)
		}
	}
}

func writeKeysMarkdown(w io.Writer, keys []strict.Key) {
	fmt.Fprint(w, "| key | of | value | meaning |\n|---|---|---|---|\n")
	escape := strings.NewReplacer("|", "\\|")
	for _, k := range keys {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", k.Path, escape.Replace(k.Kind), escape.Replace(facts(k)), escape.Replace(k.Doc))
	}
}
