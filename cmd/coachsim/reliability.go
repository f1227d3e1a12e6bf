package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"coachsim/dgp"
	"coachsim/plots"
	"coachsim/sim"
	"coachsim/sim/gtheory"
)

// reliabilityFlags are the flags of reliability.
type reliabilityFlags struct {
	studyFlags
	days, segments, coders string
	score                  string
	workers                int
	json                   bool
	picture                string
	look                   figureLook

	data                       string
	class, day, segment, coder string
	ownCoders                  bool
}

func newReliability(s streams) *cobra.Command {
	var f reliabilityFlags
	c := &cobra.Command{
		Use:   "reliability STUDY | reliability --data FILE",
		Short: "Say how reliable observed scores of classrooms are (G- and D-study)",
		Long: `Say how reliable the scores of observed classrooms are: by formula and by
simulation for the plan of the study, by formula for other plans of days, segments
and coders, with what they cost (D-study), and by estimating variance components
from the simulated ratings (G-study). With --data the same is estimated from a file
of real ratings: a row for each, with columns for class, day, segment, coder and
score, of which those of day, segment and coder may be left out.

Coefficients are shares of true variance: dependability of judging a class by itself,
generalisability of comparing classes that share raters, and this given the block,
the covariates that move quality, and the school. The last ones say by how much
measurement error attenuates the slope on quality in a regression that holds them
fixed. Numbers in parentheses are Monte Carlo standard errors.`,
		Example: `  coachsim reliability ecuador
  coachsim reliability my-trial.yaml --days 1:4 --segments 1,2,4 --coders 1:2 --figure plans.svg
  coachsim reliability --data ratings.csv --class teacher --segment video --coder rater --score es`,
		Args:              cobra.MaximumNArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY (a file, a built-in study's name, or -), or --data FILE"},
		ValidArgsFunction: completePresets,
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := f.look.theme(); err != nil {
				return err
			}
			if f.picture != "" {
				if _, err := plots.ParseFormat(filepath.Ext(f.picture)); err != nil {
					return usageError("--figure %s: must end in .png, .svg or .pdf", f.picture)
				}
			}
			switch {
			case f.workers < 1:
				return usageError("--workers %d: at least 1 is needed", f.workers)
			case f.data != "" && len(args) > 0:
				return usageError("reliability wants a STUDY or --data FILE, not both")
			case f.data != "":
				return f.runFile(s)
			case len(args) == 0:
				return usageError("reliability wants one STUDY (a file, a built-in study's name, or -), or --data FILE\nSee: coachsim reliability --help")
			}
			for _, name := range []string{"class", "day", "segment", "coder", "own-coders"} {
				if c.Flags().Changed(name) {
					return usageError("--%s is of a file of ratings: it needs --data FILE", name)
				}
			}
			return f.runStudy(c.Context(), s, args[0])
		},
	}
	f.add(c.Flags())
	f.addReplicates(c.Flags())
	flags := c.Flags()
	flags.StringVar(&f.days, "days", "", "days of the plans: `LOW:HIGH` or A,B,C (default those of the study, and 1, 2 and 4 where days differ)")
	flags.StringVar(&f.segments, "segments", "", "segments a day of the plans: `LOW:HIGH` or A,B,C (default those of the study, and 1, 2 and 4)")
	flags.StringVar(&f.coders, "coders", "", "coders of the plans: `LOW:HIGH` or A,B,C (default those of the study, and 1 and 2)")
	flags.StringVar(&f.score, "score", "", "the `NAME` of the score of which plans are told (default the total score); with --data its column (default score)")
	flags.IntVar(&f.workers, "workers", runtime.GOMAXPROCS(0), "`NUMBER` of parallel workers; no result depends on it")
	flags.BoolVar(&f.json, "json", false, "print the result as one JSON object")
	flags.StringVar(&f.picture, "figure", "", "draw the reliability of the plans into this `FILE` (.png, .svg, .pdf), with its numbers in a CSV file beside it")
	flags.StringVar(&f.data, "data", "", "a `FILE` of real ratings: CSV, or Stata's .dta")
	flags.StringVar(&f.class, "class", "class", "`COLUMN` of the class in the file")
	flags.StringVar(&f.day, "day", "day", "`COLUMN` of the day")
	flags.StringVar(&f.segment, "segment", "segment", "`COLUMN` of the segment")
	flags.StringVar(&f.coder, "coder", "coder", "`COLUMN` of the coder")
	flags.BoolVar(&f.ownCoders, "own-coders", false, "coder 1 of a class is not coder 1 of another")
	f.look.add(flags)
	return c
}

// A planGrid holds the values of days, segments and coders of the plans of a D-study.
type planGrid struct {
	days, segments, coders []int
	asked                  bool // for these numbers of coders
}

// planValues reads the values of a flag, or takes the default ones and those of the
// own plan.
func planValues(flag, text string, own int, otherwise ...int) ([]int, error) {
	if text == "" {
		all := append(slices.Clone(otherwise), own)
		slices.Sort(all)
		return slices.Compact(all), nil
	}
	const most = 1000
	wrong := usageError("--%s %s: write whole numbers from 1 to %d, as LOW:HIGH or A,B,C, such as --%s 1:4", flag, text, most, flag)
	number := func(text string) (int, bool) {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		return n, err == nil && n >= 1 && n <= most
	}
	var all []int
	if low, high, ok := strings.Cut(text, ":"); ok {
		lo, okLow := number(low)
		hi, okHigh := number(high)
		if !okLow || !okHigh || hi < lo {
			return nil, wrong
		}
		for n := lo; n <= hi; n++ {
			all = append(all, n)
		}
		return all, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		n, ok := number(part)
		if !ok || len(all) > 0 && n <= all[len(all)-1] {
			return nil, wrong
		}
		all = append(all, n)
	}
	return all, nil
}

// grid is that of a study. Days without an error of their own are but more
// segments, and only looked at when asked for.
func (f *reliabilityFlags) grid(own dgp.ObservationPlan, v dgp.ScoreVariance) (g planGrid, err error) {
	days := []int{1, 2, 4}
	if v.Day == 0 {
		days = nil
	}
	if g.days, err = planValues("days", f.days, own.Days, days...); err != nil {
		return g, err
	}
	if g.segments, err = planValues("segments", f.segments, own.Segments, 1, 2, 4); err != nil {
		return g, err
	}
	g.asked = f.coders != ""
	g.coders, err = planValues("coders", f.coders, own.Coders, 1, 2)
	return g, err
}

// A plannedScore is one plan of a D-study.
type plannedScore struct {
	dgp.ObservationPlan
	Own          bool
	Coefficients [gtheory.Coefficients]float64
	Ratings      *gtheory.Value // generalisability by components of simulated ratings; nil where these do not tell
	Cost         float64        // NaN without prices
}

// plans works out the plans of a study.
func plans(study sim.Study, g planGrid, v dgp.ScoreVariance, total *float64) (all []plannedScore, err error) {
	own := study.ObservationPlan()
	for _, days := range g.days {
		for _, segments := range g.segments {
			for _, coders := range g.coders {
				trial := study.Trial
				trial.Observation.Days, trial.Observation.Segments, trial.Observation.Coders = days, segments, coders
				if r := trial.Observation.Raters; r != nil && r.Assigned == dgp.CrossedRaters {
					crossed := *r
					crossed.Pool = coders
					trial.Observation.Raters = &crossed
				}
				plan := trial.ObservationPlan()
				if plan.Pool > 0 && coders > plan.Pool && !g.asked {
					continue // nobody asked for so many
				}
				if plan.Pool > 0 && coders > plan.Pool {
					return nil, usageError("--coders %d: only %s may code a class (observation.raters)", coders, count(plan.Pool, "rater"))
				}
				p := plannedScore{ObservationPlan: plan, Own: plan == own, Coefficients: gtheory.Formula(v, plan), Cost: nan}
				if total != nil {
					p.Cost = *total - study.Cost.Observation(study.Trial) + study.Cost.Observation(trial)
				}
				all = append(all, p)
			}
		}
	}
	return all, nil
}

func (f *reliabilityFlags) runStudy(ctx context.Context, s streams, argument string) error {
	study, name, err := f.load(s, argument)
	if err != nil {
		return err
	}
	control, err := study.ScoreVariances(0)
	if err != nil {
		return usageError("%s: %v; it needs the sections quality and observation", argument, err)
	}
	score := len(control) - 1
	if f.score != "" {
		if score = slices.IndexFunc(control, func(v dgp.ScoreVariance) bool { return v.Outcome == f.score }); score < 0 {
			var names []string
			for _, v := range control {
				names = append(names, v.Outcome)
			}
			return usageError("--score %s: there is no such score; %s", f.score, nearestOr("the scores are", f.score, names))
		}
	}
	g, err := f.grid(study.ObservationPlan(), control[score])
	if err != nil {
		return err
	}
	var total *float64
	if study.Cost != nil {
		cost, err := study.Cost.Of(study.Trial)
		if err != nil {
			return err
		}
		total = &cost
	}
	planned, err := plans(study, g, control[score], total)
	if err != nil {
		return err
	}
	simulated, err := gtheory.Simulate(ctx, study.Trial, study.Seed, study.Replicates, f.workers)
	if err != nil {
		return searched(ctx, s.talk, err)
	}
	for i := range planned {
		if v, ok := simulated.Plan(score, planned[i].ObservationPlan); ok {
			planned[i].Ratings = &v
		}
	}
	if f.json {
		err = f.writeStudyJSON(s.out, study, control, simulated, planned, score)
	} else {
		writeReliability(s.out, study, simulated)
		writePlans(s.out, planned, fmt.Sprintf("%s in the %s arm", control[score].Outcome, study.Design.Arms[0]))
		if control[score].Day == 0 && len(g.days) > 1 {
			fmt.Fprintln(s.out, "Days differ in no error of their own (observation.day_sd): more of them count as more segments.")
		}
		writeComponents(s.out, study, simulated)
	}
	if err != nil || f.picture == "" {
		return err
	}
	return f.writeFigure(s, planned, plots.Words{
		Title: "Reliability of " + control[score].Outcome + " by plan of observation",
		Note:  "By formula, for the " + study.Design.Arms[0] + " arm of " + name,
	})
}

// writeReliability writes the coefficients of a study's plan.
func writeReliability(w io.Writer, study sim.Study, s gtheory.Simulated) {
	o, plan := study.Observation, study.ObservationPlan()
	fmt.Fprintf(w, "Each class: %s of %s by %s; %s\n", count(plan.Days, "day"), count(plan.Segments, "segment"), count(plan.Coders, "coder"), ratersInWords(study.Trial))
	rounded := ""
	if o.Scale.Integer {
		rounded = "rounded and "
	}
	trials := grouped(s.Replicates) + " simulated trials after (Monte Carlo standard errors in parentheses)"
	if s.Replicates == 1 {
		trials = "1 simulated trial after, which has no Monte Carlo standard error"
	}
	fmt.Fprintf(w, "\nReliability by formula, of ratings before they are %sheld within the scale, and of\nratings in %s\n\n", rounded, trials)
	rows := [][]string{{"arm", "score", "", "dependability", "generalisability", "given block", "and covariates", "and school"}}
	schools := false
	var without []string
	for arm, name := range study.Design.Arms {
		formulas, err := study.ScoreVariances(arm)
		if err != nil {
			without = append(without, fmt.Sprintf("No formula for %s: %v.", name, err))
		}
		for i, score := range s.Scores {
			if formulas != nil {
				row := []string{name, score, "formula"}
				for c, x := range gtheory.Formula(formulas[i], plan) {
					row = append(row, shownCoefficient(gtheory.Coefficient(c), x, s, arm, i))
				}
				rows = append(rows, row)
				name, score = "", ""
			}
			row := []string{name, score, "simulated"}
			for c, v := range s.Coefficients[arm][i] {
				text := ""
				if known(v.Value) != nil {
					text = simulatedText(v, 3)
					schools = schools || gtheory.Coefficient(c) == gtheory.GivenSchool
				}
				row = append(row, text)
			}
			rows = append(rows, row)
			name = ""
		}
	}
	if !schools {
		for i := range rows {
			rows[i] = rows[i][:len(rows[i])-1]
		}
	}
	writeColumns(w, rows, 3)
	for _, line := range without {
		fmt.Fprintln(w, line)
	}
	if s.Agreement != nil {
		fmt.Fprint(w, "\nAgreement of simulated ratings, mean of the domains:")
		for i, a := range s.Agreement {
			if i > 0 {
				fmt.Fprint(w, ",")
			}
			fmt.Fprintf(w, " %s between %s", simulatedText(a.Value, 4), a.Between)
		}
		fmt.Fprintln(w)
	}
}

// shownCoefficient leaves out what the simulation has no classes for.
func shownCoefficient(c gtheory.Coefficient, x float64, s gtheory.Simulated, arm, score int) string {
	if c == gtheory.GivenSchool && known(s.Coefficients[arm][score][c].Value) == nil {
		return ""
	}
	return fmt.Sprintf("%.3f", x)
}

// ratersInWords says who codes.
func ratersInWords(t dgp.Trial) string {
	r := t.Observation.Raters
	if r == nil || r.Pool == 0 {
		return "every class has coders of its own"
	}
	switch r.Assigned {
	case dgp.BlockRaters:
		return fmt.Sprintf("%s, each for one block", count(r.Pool, "rater"))
	case dgp.ArmRaters:
		return fmt.Sprintf("%s, each for one arm", count(r.Pool, "rater"))
	case dgp.CrossedRaters:
		return "the same coders for every class"
	default:
		return fmt.Sprintf("%s share the classes at random", count(r.Pool, "rater"))
	}
}

// writePlans writes a D-study.
func writePlans(w io.Writer, planned []plannedScore, of string) {
	fmt.Fprintf(w, "\nPlans: reliability of %s, by formula (* is the plan above)\n\n", of)
	header := []string{"", "days", "segments", "coders", "ratings", "dependability", "generalisability"}
	conditional := known(planned[0].Coefficients[gtheory.GivenCovariates]) != nil
	if conditional {
		header = append(header, "given block", "and covariates")
	}
	ratings := slices.ContainsFunc(planned, func(p plannedScore) bool { return p.Ratings != nil })
	if ratings {
		header = append(header, "from ratings")
	}
	costs := known(planned[0].Cost) != nil
	if costs {
		header = append(header, "cost of the trial")
	}
	rows := [][]string{header}
	for _, p := range planned {
		own := ""
		if p.Own {
			own = "*"
		}
		row := []string{own, strconv.Itoa(p.Days), strconv.Itoa(p.Segments), strconv.Itoa(p.Coders), strconv.Itoa(p.Days * p.Segments * p.Coders)}
		for c := gtheory.Dependability; c < gtheory.GivenSchool; c++ {
			if conditional || c <= gtheory.Generalisability {
				row = append(row, fmt.Sprintf("%.3f", p.Coefficients[c]))
			}
		}
		switch {
		case p.Ratings != nil:
			row = append(row, simulatedText(*p.Ratings, 3))
		case ratings:
			row = append(row, "")
		}
		if costs {
			row = append(row, sim.WrittenCost(p.Cost))
		}
		rows = append(rows, row)
	}
	writeColumns(w, rows, 1)
	if ratings {
		fmt.Fprintln(w, "From ratings: generalisability by the variances that the G-study below finds in simulated ratings.")
	}
}

// writeComponents writes the G-study of simulated ratings.
func writeComponents(w io.Writer, study sim.Study, s gtheory.Simulated) {
	if s.Estimated == nil {
		fmt.Fprintln(w, "\nNo G-study: the classes of the control arm have one rating each.")
		return
	}
	trials := "each of " + grouped(s.GStudies) + " simulated trials, on average"
	if s.GStudies == 1 {
		trials = "1 simulated trial"
	}
	fmt.Fprintf(w, "\nG-study: variance components of the ratings of the %s arm, as declared and as\nestimated from %s\n\n", study.Design.Arms[0], trials)
	header := []string{"component"}
	for _, score := range s.Scores {
		header = append(header, score, "estimated")
	}
	rows := [][]string{header}
	for k, c := range s.Estimated {
		row := []string{componentName(c, s.With[k])}
		for i := range s.Scores {
			row = append(row, fmt.Sprintf("%.4f", s.Truth[i][k]), simulatedText(s.Estimates[i][k], 4))
		}
		rows = append(rows, row)
	}
	writeColumns(w, rows, 1)
	fmt.Fprintln(w, "Declared: before ratings are rounded to points of the scale and held within it, which changes the\nvariances, most that of a single rating. Estimated: of ratings after. Numbers have four decimals.")
	if s.GStudies < s.Replicates {
		fmt.Fprintf(w, "The other %s tell fewer or other components apart.\n", count(s.Replicates-s.GStudies, "trial"))
	}
}

// componentName names a component and those counted with it.
func componentName(c gtheory.Component, with []gtheory.Component) string {
	name := c.String()
	for _, other := range with {
		name += ", " + other.String()
	}
	return name
}

// writeColumns writes a table, its first columns to the left.
func writeColumns(w io.Writer, rows [][]string, left int) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			gap := strings.Repeat(" ", width[i]-len(cell))
			if i < left {
				line.WriteString(cell + gap + "  ")
			} else {
				line.WriteString(gap + cell + "  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// simulatedText writes a simulated number with its Monte Carlo standard error, which one
// replicate has not.
func simulatedText(v gtheory.Value, digits int) string {
	text := strconv.FormatFloat(v.Value, 'f', digits, 64)
	if known(v.MCSE) != nil {
		text += " (" + strconv.FormatFloat(v.MCSE, 'f', digits, 64) + ")"
	}
	return text
}

// mcseJSON is a simulated number.
type mcseJSON struct {
	Value *float64 `json:"value"`
	MCSE  *float64 `json:"mcse"`
}

func simulatedJSON(v gtheory.Value) mcseJSON { return mcseJSON{known(v.Value), known(v.MCSE)} }

type componentJSON struct {
	Component gtheory.Component   `json:"component"`
	With      []gtheory.Component `json:"with,omitempty"` // counted as this one
	Truth     *float64            `json:"truth,omitempty"`
	Estimate  *float64            `json:"estimate"`
	MCSE      *float64            `json:"mcse,omitempty"`
	SE        *float64            `json:"se,omitempty"`
}

type planJSON struct {
	dgp.ObservationPlan
	Own     bool                `json:"own"`
	Formula map[string]*float64 `json:"formula"`
	Ratings *mcseJSON           `json:"from_ratings,omitempty"` // generalisability
	Cost    *float64            `json:"cost,omitempty"`
}

func jsonCoefficients(all [gtheory.Coefficients]float64) map[string]*float64 {
	m := map[string]*float64{}
	for c, x := range all {
		m[gtheory.Coefficient(c).String()] = known(x)
	}
	return m
}

func jsonPlans(planned []plannedScore) (all []planJSON) {
	for _, p := range planned {
		j := planJSON{p.ObservationPlan, p.Own, jsonCoefficients(p.Coefficients), nil, known(p.Cost)}
		if p.Ratings != nil {
			v := simulatedJSON(*p.Ratings)
			j.Ratings = &v
		}
		all = append(all, j)
	}
	return all
}

// reliabilitySchemaVersion is raised when a field of reliability --json changes its
// name or meaning.
const reliabilitySchemaVersion = 1

func (f *reliabilityFlags) writeStudyJSON(w io.Writer, study sim.Study, control []dgp.ScoreVariance, s gtheory.Simulated, planned []plannedScore, score int) error {
	type scoreJSON struct {
		Arm       string              `json:"arm"`
		Score     string              `json:"score"`
		Variance  *dgp.ScoreVariance  `json:"variance"`
		NoFormula string              `json:"no_formula,omitempty"`
		Formula   map[string]*float64 `json:"formula"`
		Simulated map[string]mcseJSON `json:"simulated"`
	}
	var scores []scoreJSON
	plan := study.ObservationPlan()
	for arm, name := range study.Design.Arms {
		formulas, err := study.ScoreVariances(arm)
		for i := range control {
			j := scoreJSON{Arm: name, Score: control[i].Outcome, Simulated: map[string]mcseJSON{}}
			if err != nil {
				j.NoFormula = err.Error()
			} else {
				j.Variance, j.Formula = &formulas[i], jsonCoefficients(gtheory.Formula(formulas[i], plan))
			}
			for c, v := range s.Coefficients[arm][i] {
				j.Simulated[gtheory.Coefficient(c).String()] = simulatedJSON(v)
			}
			scores = append(scores, j)
		}
	}
	type agreementJSON struct {
		Between string `json:"between"`
		mcseJSON
	}
	agreement := []agreementJSON{}
	for _, a := range s.Agreement {
		agreement = append(agreement, agreementJSON{a.Between, simulatedJSON(a.Value)})
	}
	type gstudyJSON struct {
		Score      string          `json:"score"`
		Components []componentJSON `json:"components"`
	}
	gstudy := []gstudyJSON{}
	for i := range s.Estimates {
		g := gstudyJSON{Score: s.Scores[i]}
		for k, c := range s.Estimated {
			v := s.Estimates[i][k]
			g.Components = append(g.Components, componentJSON{Component: c, With: s.With[k], Truth: known(s.Truth[i][k]), Estimate: known(v.Value), MCSE: known(v.MCSE)})
		}
		gstudy = append(gstudy, g)
	}
	return writeJSON(w, map[string]any{
		"schema_version": reliabilitySchemaVersion, "replicates": s.Replicates, "seed": study.Seed, "plan": plan, "raters": study.Raters(),
		"scores": scores, "agreement": agreement, "gstudy": gstudy, "gstudy_replicates": s.GStudies, "dstudy": map[string]any{"score": control[score].Outcome, "arm": study.Design.Arms[0], "plans": jsonPlans(planned)},
	})
}

// writeFigure draws the reliability of plans.
func (f *reliabilityFlags) writeFigure(s streams, planned []plannedScore, words plots.Words) error {
	theme, err := f.look.theme()
	if err != nil {
		return err
	}
	extension := filepath.Ext(f.picture)
	format, err := plots.ParseFormat(extension)
	if err != nil {
		return err
	}
	figure := plots.Reliability{File: strings.TrimSuffix(filepath.Base(f.picture), extension), Says: words}
	for _, p := range planned {
		figure.Plans = append(figure.Plans, plots.ReliabilityPlan{
			Days: p.Days, Segments: p.Segments, Coders: p.Coders, Own: p.Own,
			Dependability: p.Coefficients[gtheory.Dependability], Generalisability: p.Coefficients[gtheory.Generalisability],
		})
	}
	files, err := plots.Write(filepath.Dir(f.picture), theme, plots.Captioned{Figure: figure}, format)
	if err != nil {
		return &exitError{exitFile, err}
	}
	fmt.Fprintf(s.talk, "Wrote %s.\n", strings.Join(files, " and "))
	return nil
}
