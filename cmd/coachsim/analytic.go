package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"coachsim/dgp/spelling"
	"coachsim/sim/analytic"
)

// analyticSchemaVersion is raised when a field of analytic --json changes its
// name or meaning.
const analyticSchemaVersion = 1

// maxAnalyticRows bounds the table that ranges make.
const maxAnalyticRows = 100_000

func newAnalytic(s streams) *cobra.Command {
	var asJSON, asCSV bool
	c := &cobra.Command{
		Use:   "analytic [DESIGN [KEY=VALUE ...]]",
		Short: "Standard error, MDES and power by closed formulas, without simulating",
		Long: `Compute the standard error, degrees of freedom, minimum detectable effect size
(MDES) and power of a standard design by formula, those of PowerUp! and PUMP, of
mediation designs, and the cheapest allocation. Without DESIGN the designs are
listed; without KEY=VALUE the design's formula, source and inputs are shown.

A value may be a list (J=20,40,60) or a range (J=20:80:10, from 20 to 80 in steps
of 10): the result is a table with a line for every combination. J=? asks for the
smallest number of units that has the power asked for.

Effects are in standard deviations of the outcome. The formulas hold for balanced
designs with normal errors; run simulates what they leave out.`,
		Example: `  coachsim analytic
  coachsim analytic cra2
  coachsim analytic cra2 rho2=0.2 n=20 J=40 r21=0.5 r22=0.5 g2=1 es=0.25
  coachsim analytic cra2 rho2=0.1,0.2 n=20 J=20:80:20 --csv
  coachsim analytic cra2 rho2=0.2 n=20 J=? es=0.2 power=0.9`,
		Args:        cobra.ArbitraryArgs,
		Annotations: map[string]string{"wants": "a DESIGN and KEY=VALUE"},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if len(args) == 0 {
				for _, d := range analytic.Designs() {
					names = append(names, d.Name)
				}
			} else if d := analytic.Find(args[0]); d != nil {
				for _, k := range d.Keys() {
					names = append(names, k.String()+"=")
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if asJSON && asCSV {
				return usageError("choose one of --json and --csv")
			}
			if len(args) == 0 {
				listDesigns(s.out)
				return nil
			}
			d := analytic.Find(args[0])
			if d == nil {
				return unknownDesign(args[0])
			}
			if len(args) == 1 {
				describeDesign(s.out, d)
				return nil
			}
			g, err := readGrid(d, args[1:])
			if err != nil {
				return err
			}
			if err := g.evaluate(); err != nil {
				return err
			}
			switch {
			case asJSON:
				err = g.writeJSON(s.out)
			case asCSV:
				err = g.writeCSV(s.out)
			default:
				err = g.writeTable(s.out)
			}
			if err == nil && len(g.missed) > 0 {
				for _, why := range g.missed {
					fmt.Fprintf(s.talk, "%s.\n", why)
				}
				return &exitError{exitMissed, nil}
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().BoolVar(&asCSV, "csv", false, "print CSV, a line for every combination of values")
	return c
}

func unknownDesign(name string) error {
	var names, main []string
	for _, d := range analytic.Designs() {
		names = append(append(names, d.Name), d.Aliases...)
		main = append(main, d.Name)
	}
	message := fmt.Sprintf("there is no design %q", name)
	if near := spelling.Nearest(name, names); near != "" {
		message += fmt.Sprintf("; did you mean %q?", near)
	}
	return usageError("%s\nThe designs are %s", message, strings.Join(main, ", "))
}

func listDesigns(w io.Writer) {
	fmt.Fprint(w, "Designs with a closed form (coachsim analytic DESIGN tells the inputs)\n\n")
	for _, d := range analytic.Designs() {
		fmt.Fprintf(w, "  %-9s %s\n", d.Name, d.Title)
	}
}

func describeDesign(w io.Writer, d *analytic.Design) {
	fmt.Fprintf(w, "%s: %s\n", d.Name, d.Title)
	if len(d.Aliases) > 0 {
		fmt.Fprintf(w, "also called %s\n", strings.Join(d.Aliases, ", "))
	}
	fmt.Fprintf(w, "\n  %s\n\nSource: %s\n\nInputs\n", strings.ReplaceAll(d.Formula, "\n", "\n  "), d.Source)
	defaults := d.Defaults()
	for _, k := range d.Keys() {
		in, must := k.Input(), "required"
		if x := defaults[k]; !math.IsNaN(x) {
			must = "default " + sixDigits(x)
		}
		fmt.Fprintf(w, "  %-10s %s\n  %-10s %s; %s\n", in.Name, in.Doc, "", in.Range(), must)
	}
}

// A grid is a design with every combination of the values of its inputs.
type grid struct {
	design *analytic.Design
	fixed  analytic.Values
	varied []axis
	solved analytic.Key // -1 for none

	rows    []analytic.Values
	results [][]analytic.Result
	missed  []string // why a size could not be solved for
}

// An axis is an input with several values.
type axis struct {
	key    analytic.Key
	values []float64
}

// readGrid reads KEY=VALUE arguments, and reports every fault of them at once.
func readGrid(d *analytic.Design, args []string) (*grid, error) {
	g := &grid{design: d, fixed: d.Defaults(), solved: -1}
	var names, faults []string
	for _, k := range d.Keys() {
		names = append(names, k.String())
	}
	fault := func(format string, a ...any) { faults = append(faults, fmt.Sprintf(format, a...)) }
	seen := map[analytic.Key]bool{}
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		if !ok {
			fault("%s: write KEY=VALUE, such as %s=20", arg, d.Keys()[0])
			continue
		}
		key, ok := d.Key(name)
		if !ok {
			message := fmt.Sprintf("%s: %s has no such input", name, d.Name)
			if near := spelling.Nearest(name, names); near != "" {
				message += fmt.Sprintf("; did you mean %q?", near)
			} else {
				message += "; its inputs are " + strings.Join(names, ", ")
			}
			fault("%s", message)
			continue
		}
		if seen[key] {
			fault("%s: is given twice", name)
			continue
		}
		seen[key] = true
		if text == "?" {
			switch {
			case !key.Input().Size:
				fault("%s=?: only a number of units can be solved for: n, J, K or L", name)
			case g.solved >= 0:
				fault("%s=?: %s is solved for already", name, g.solved)
			default:
				g.solved = key
			}
			continue
		}
		values, err := readValues(text, key.Input().Size)
		switch {
		case err != nil:
			fault("%s=%s: %v", name, text, err)
		case len(values) == 1:
			g.fixed[key] = values[0]
		default:
			g.varied = append(g.varied, axis{key, values})
		}
	}
	rows := 1
	for _, a := range g.varied {
		if rows *= len(a.values); rows > maxAnalyticRows {
			return nil, usageError("the values make more than %d combinations", maxAnalyticRows)
		}
	}
	g.cross(g.fixed, g.varied)
	for _, v := range g.rows {
		for _, f := range d.Check(v, g.solved) {
			if text := f.Error(); !slices.Contains(faults, text) && !slices.ContainsFunc(faults, func(have string) bool {
				return strings.HasPrefix(have, f.Key.String()+"=")
			}) {
				faults = append(faults, text)
			}
		}
	}
	if len(faults) > 0 {
		return nil, usageError("analytic %s: %s\n  %s\nSee: coachsim analytic %s", d.Name, count(len(faults), "fault"), strings.Join(faults, "\n  "), d.Name)
	}
	return g, nil
}

// cross appends a row for every combination, the first axis varying slowest.
func (g *grid) cross(v analytic.Values, axes []axis) {
	if len(axes) == 0 {
		g.rows = append(g.rows, v)
		return
	}
	for _, x := range axes[0].values {
		v[axes[0].key] = x
		g.cross(v, axes[1:])
	}
}

// readValues reads 20, 20,40,60 or 20:80:10, of which counts may be whole numbers.
func readValues(text string, counts bool) ([]float64, error) {
	read := func(part string) (float64, error) {
		x, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return 0, fmt.Errorf("%q is not a number; write 20, a list (20,40,60), a range (20:80:10), or ? to solve for a size%s", part, withPoint(part))
		}
		return x, nil
	}
	parts := strings.Split(text, ":")
	if len(parts) == 1 {
		if strings.Contains(text, ",") {
			if err := decimalComma(text, counts); err != nil {
				return nil, err
			}
		}
		var all []float64
		for part := range strings.SplitSeq(text, ",") {
			x, err := read(part)
			if err != nil {
				return nil, err
			}
			all = append(all, x)
		}
		return all, nil
	}
	ends := []float64{0, 0, 1} // from, to, step
	for i, part := range parts[:min(len(parts), len(ends))] {
		x, err := read(part)
		if err != nil {
			return nil, err
		}
		ends[i] = x
	}
	from, to, step := ends[0], ends[1], ends[2]
	steps := math.Floor((to-from)/step + 1e-9)
	if len(parts) > 3 || !(step > 0) || !(steps >= 0) || steps >= maxAnalyticRows {
		return nil, fmt.Errorf("is no range; write FROM:TO:STEP with FROM up to TO and a step above 0, such as 20:80:10")
	}
	all := make([]float64, int(steps)+1)
	for i := range all {
		// Whole steps of 0.1 would add up to 0.30000000000000004.
		all[i], _ = strconv.ParseFloat(strconv.FormatFloat(from+float64(i)*step, 'g', 12, 64), 64)
	}
	return all, nil
}

// evaluate computes every row.
func (g *grid) evaluate() error {
	for i := range g.rows {
		v := &g.rows[i]
		if g.solved < 0 {
			g.results = append(g.results, g.design.Evaluate(*v))
			continue
		}
		x, err := g.design.Solve(*v, g.solved)
		if err != nil {
			why := err.Error()
			if len(g.rows) == 1 {
				return &exitError{exitMissed, fmt.Errorf("%s", why)}
			}
			if !slices.Contains(g.missed, why) {
				g.missed = append(g.missed, why)
			}
			v[g.solved] = math.NaN()
			g.results = append(g.results, nil)
			continue
		}
		v[g.solved] = x
		g.results = append(g.results, g.design.Evaluate(*v))
	}
	return nil
}

// columns lists the keys that differ between rows, or are solved for, and the
// results of the first row that has any.
func (g *grid) columns() (keys []analytic.Key, results []analytic.Result) {
	for _, a := range g.varied {
		keys = append(keys, a.key)
	}
	if g.solved >= 0 {
		keys = append(keys, g.solved)
	}
	for _, r := range g.results {
		if len(r) > len(results) {
			results = r
		}
	}
	return keys, results
}

// cell is the result of a row with a name; NaN where it has none.
func (g *grid) cell(row int, name string) float64 {
	for _, r := range g.results[row] {
		if r.Name == name {
			return r.Value
		}
	}
	return math.NaN()
}

// inputs lists what was given or has a default other than 0, and is the same in
// every row.
func (g *grid) inputs() []analytic.Key {
	keys, _ := g.columns()
	var fixed []analytic.Key
	for _, k := range g.design.Keys() {
		if !slices.Contains(keys, k) {
			fixed = append(fixed, k)
		}
	}
	return fixed
}

// sixDigits writes six digits, a missing number as a dash.
func sixDigits(x float64) string {
	if math.IsNaN(x) {
		return "–"
	}
	return strconv.FormatFloat(x, 'g', 6, 64)
}

func (g *grid) writeTable(w io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s: %s\n", g.design.Name, g.design.Title)
	var said []string
	for _, k := range g.inputs() {
		if x := g.fixed[k]; x != 0 {
			said = append(said, fmt.Sprintf("%s = %s", k, sixDigits(x)))
		}
	}
	fmt.Fprintf(&out, "%s\n\n", strings.Join(said, ", "))
	keys, results := g.columns()
	if len(g.rows) == 1 {
		var lines [][3]string
		for _, k := range keys {
			lines = append(lines, [3]string{k.String(), sixDigits(g.rows[0][k]), "smallest that reaches the power: " + k.Input().Doc})
		}
		for _, r := range results {
			lines = append(lines, [3]string{r.Name, sixDigits(r.Value), r.Doc})
		}
		name, value := 0, 0
		for _, l := range lines {
			name, value = max(name, len(l[0])), max(value, utf8.RuneCountInString(l[1]))
		}
		for _, l := range lines {
			fmt.Fprintf(&out, "  %-*s  %-*s  %s\n", name, l[0], value, l[1], l[2])
		}
		_, err := w.Write(out.Bytes())
		return err
	}
	var columns [][]string
	for _, k := range keys {
		column := []string{k.String()}
		for i := range g.rows {
			column = append(column, sixDigits(g.rows[i][k]))
		}
		columns = append(columns, column)
	}
	for _, r := range results {
		column := []string{r.Name}
		for i := range g.rows {
			column = append(column, fixedPlaces(g.cell(i, r.Name), r.Name))
		}
		columns = append(columns, column)
	}
	for i := range columns[0] {
		for j, column := range columns {
			wide := 0
			for _, text := range column {
				wide = max(wide, utf8.RuneCountInString(text))
			}
			if j > 0 {
				out.WriteString("  ")
			}
			out.WriteString(strings.Repeat(" ", wide-utf8.RuneCountInString(column[i])) + column[i])
		}
		out.WriteByte('\n')
	}
	_, err := w.Write(out.Bytes())
	return err
}

// fixedPlaces writes a number of a table, so that points stand below each other.
func fixedPlaces(x float64, name string) string {
	if math.IsNaN(x) || strings.HasPrefix(name, "df") {
		return sixDigits(x)
	}
	return strconv.FormatFloat(x, 'f', 5, 64)
}

func (g *grid) writeCSV(w io.Writer) error {
	out := newCSV(w)
	all := g.design.Keys()
	_, results := g.columns()
	var line []string
	for _, k := range all {
		name := k.String()
		if k == analytic.Power {
			name = "target_power" // power is a result
		}
		line = append(line, name)
	}
	for _, r := range results {
		line = append(line, r.Name)
	}
	out.write(line)
	for i, v := range g.rows {
		line = line[:0]
		for _, k := range all {
			line = append(line, csvValue(v[k]))
		}
		for _, r := range results {
			line = append(line, csvValue(g.cell(i, r.Name)))
		}
		out.write(line)
	}
	return out.flush()
}

func (g *grid) writeJSON(w io.Writer) error {
	type object = map[string]any
	finite := func(x float64) any {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
		return x
	}
	_, results := g.columns()
	rows := make([]object, len(g.rows))
	for i, v := range g.rows {
		in, out := object{}, object{}
		for _, k := range g.design.Keys() {
			in[k.String()] = finite(v[k])
		}
		for _, r := range results {
			out[r.Name] = finite(g.cell(i, r.Name))
		}
		rows[i] = object{"inputs": in, "results": out}
	}
	text, err := json.MarshalIndent(object{
		"schema_version": analyticSchemaVersion, "design": g.design.Name, "title": g.design.Title,
		"formula": g.design.Formula, "source": g.design.Source, "rows": rows,
	}, "", " ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
