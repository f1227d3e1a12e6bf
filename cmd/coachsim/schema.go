package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"coachsim/configs"
)

func newSchema(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print a JSON Schema of study files, for editors",
		Long: `Print the JSON Schema (draft 07) of a study file. Editors use it to complete keys,
show what they mean and mark mistakes while you type: in VS Code with its YAML
extension, write as the first line of a study

  # yaml-language-server: $schema=coachsim.schema.json`,
		Example:     `  coachsim schema > coachsim.schema.json`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{"wants": "no argument"},
		RunE: func(*cobra.Command, []string) error {
			text, err := configs.Schema()
			if err == nil {
				fmt.Fprintf(s.out, "%s\n", text)
			}
			return err
		},
	}
}
