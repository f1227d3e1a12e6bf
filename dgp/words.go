package dgp

import (
	"fmt"
	"strings"
)

// A Section is one part of a trial in words.
type Section struct{ Name, Words string }

// Words says who is randomised and how the treatment is delivered.
func (d Design) Words() []Section {
	assigned := d.Assignment.Level().Plural() + " are assigned"
	if len(d.Arms) == 1 {
		assigned = "a study without treatment"
	}
	return append([]Section{
		{"Design", fmt.Sprintf("%s of %s, %s per school, at most %s tested per class",
			count(d.Blocks, "block", "blocks"), count(d.Schools, "school", "schools"), d.TeachersPerSchool(), count(d.Tested, "child", "children"))},
		{"Arms", strings.Join(d.Arms, ", ") + "; " + assigned},
	}, d.Delivery()...)
}

// count writes "1 child", "2 children".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Delivery says how the treatment is delivered, for the sections that say so.
func (d Design) Delivery() []Section {
	var all []Section
	if d.Coaches != nil {
		all = append(all, Section{"Coaches", d.Coaches.words(d)})
	}
	if d.Compliance != nil {
		all = append(all, Section{"Compliance", d.Compliance.words(d)})
	}
	if d.Dosage != nil {
		all = append(all, Section{"Dosage", d.Dosage.words()})
	}
	if d.Turnover != nil {
		all = append(all, Section{"Turnover", d.Turnover.words(d)})
	}
	if d.Mobility != nil {
		all = append(all, Section{"Mobility", d.Mobility.words()})
	}
	if d.Spillover != nil {
		all = append(all, Section{"Spillover", d.Spillover.words()})
	}
	return all
}
