package report

import (
	"encoding/csv"
	"io"
	"slices"
)

// WriteCSV writes tables as one, with a column for every Monte Carlo standard
// error. The first column names the table. A number that does not exist is empty.
func WriteCSV(w io.Writer, tables []Table) error {
	out := csv.NewWriter(w)
	// Columns of a table that another lacks are empty in the other.
	var keys []string
	beneath := map[string]bool{}
	for _, t := range tables {
		for k, c := range t.Columns {
			if !slices.Contains(keys, c.Key) {
				keys = append(keys, c.Key)
			}
			for _, row := range t.Rows {
				beneath[c.Key] = beneath[c.Key] || row[k].Beneath != ""
			}
		}
	}
	head := []string{"table"}
	for _, key := range keys {
		if head = append(head, key); beneath[key] {
			head = append(head, key+"_mcse")
		}
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for _, t := range tables {
		for _, row := range t.Rows {
			line := []string{t.Name}
			for _, key := range keys {
				var c Cell
				for k, column := range t.Columns {
					if column.Key == key {
						c = row[k]
					}
				}
				if line = append(line, c.Value); beneath[key] {
					line = append(line, c.Beneath)
				}
			}
			if err := out.Write(line); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}
