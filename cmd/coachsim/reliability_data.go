package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"coachsim/dgp"
	"coachsim/dgp/datafile"
	"coachsim/plots"
	"coachsim/sim/gtheory"
)

var nan = math.NaN()

// A ratingsFile is a file of ratings, read.
type ratingsFile struct {
	gtheory.Ratings
	score   []float64
	rows    []int // of the file, from 0
	dropped int   // rows with a missing value
	// How many there are, at most: of days in a class, segments in a day, coders of
	// a segment; and raters and classes in all.
	days, segments, coders, raters, classes int
}

// read reads the ratings.
func (f *reliabilityFlags) read() (*ratingsFile, error) {
	t, err := datafile.Open(f.data)
	if err != nil {
		return nil, err
	}
	score := f.score
	if score == "" {
		score = "score"
	}
	find := func(flag, name string, may bool) (*datafile.Column, error) {
		at, err := t.Find(name)
		if err != nil {
			if missing := new(datafile.NameError); errors.As(err, &missing) {
				if may && !f.flags.Changed(flag) {
					return nil, nil
				}
				return nil, usageError("--%s: %v", flag, err)
			}
			return nil, err
		}
		return &t.Columns[at], nil
	}
	var columns [4]*datafile.Column // class, day, segment, coder
	for i, c := range []struct{ flag, name string }{{"class", f.class}, {"day", f.day}, {"segment", f.segment}, {"coder", f.coder}} {
		if columns[i], err = find(c.flag, c.name, i > 0); err != nil {
			return nil, err
		}
	}
	scores, err := find("score", score, false)
	if err != nil {
		return nil, err
	}
	if scores.Numbers == nil {
		return nil, &exitError{exitFile, fmt.Errorf("%s: the column %s is not of numbers, as scores are", f.data, scores.Name)}
	}
	r := &ratingsFile{}
	classes, days, segments, raters := codes{}, codes{}, codes{}, codes{}
	inClass, inDay, inSegment := map[int]int{}, map[int]int{}, map[int]int{}
	for row := range t.Rows() {
		var cells [4]string
		missing := math.IsNaN(scores.Numbers[row])
		for i, c := range columns {
			if c != nil {
				cells[i] = cellOf(c, row)
				missing = missing || cells[i] == ""
			}
		}
		if missing {
			r.dropped++
			continue
		}
		class, _ := classes.of(cells[0])
		day, newDay := days.of(cells[0], cells[1])
		segment, newSegment := segments.of(cells[0], cells[1], cells[2])
		coder := cells[3]
		if columns[3] == nil || f.ownCoders {
			coder = cells[0] + "\x00" + coder
		}
		rater, _ := raters.of(coder)
		if newDay {
			inClass[class]++
		}
		if newSegment {
			inDay[day]++
		}
		inSegment[segment]++
		r.days, r.segments, r.coders = max(r.days, inClass[class]), max(r.segments, inDay[day]), max(r.coders, inSegment[segment])
		r.Class, r.Day, r.Segment, r.Rater = append(r.Class, class), append(r.Day, day), append(r.Segment, segment), append(r.Rater, rater)
		r.score, r.rows = append(r.score, scores.Numbers[row]), append(r.rows, row)
	}
	r.classes, r.raters = len(classes), len(raters)
	return r, nil
}

// codes numbers values, or combinations of them.
type codes map[string]int

func (c codes) of(parts ...string) (code int, added bool) {
	key := ""
	for _, p := range parts {
		key += strconv.Itoa(len(p)) + ":" + p
	}
	if n, ok := c[key]; ok {
		return n, false
	}
	c[key] = len(c)
	return c[key], true
}

// cellOf is the text of a cell, "" where it is missing.
func cellOf(c *datafile.Column, row int) string {
	if c.Numbers == nil {
		return c.Texts[row]
	}
	if math.IsNaN(c.Numbers[row]) {
		return ""
	}
	return strconv.FormatFloat(c.Numbers[row], 'g', -1, 64)
}

// bootstrapSeed is the seed of standard errors.
const bootstrapSeed = 0x6e57d5

func (f *reliabilityFlags) runFile(s streams) error {
	for _, name := range []string{"set", "replicates"} {
		if f.flags.Changed(name) {
			return usageError("--%s is of a study, not of --data", name)
		}
	}
	seed := uint64(bootstrapSeed)
	if f.flags.Changed("seed") {
		var err error
		if seed, err = strconv.ParseUint(f.seed, 10, 64); err != nil {
			return usageError("--seed %s: a seed is a whole number from 0 to 18446744073709551615", f.seed)
		}
	}
	r, err := f.read()
	if err != nil {
		return err
	}
	layout, err := gtheory.NewLayout(r.Ratings)
	if err != nil {
		if twice := new(gtheory.Twice); errors.As(err, &twice) {
			err = fmt.Errorf("row %d (of data) is the second rating of its class, day and segment by its coder; name what tells them apart with --day, --segment and --coder", r.rows[twice.Rating]+1)
		}
		return &exitError{exitFile, fmt.Errorf("%s: %w", f.data, err)}
	}
	estimates := layout.Estimate(r.score)
	se := layout.StandardErrors(estimates, seed)

	own := dgp.ObservationPlan{Days: r.days, Segments: r.segments, Coders: r.coders, Classes: r.classes}
	if layout.Shared() {
		own.Pool = r.raters
	}
	planned, err := f.plansOf(layout, estimates, own)
	if err != nil {
		return err
	}
	if f.json {
		var components []componentJSON
		for k, c := range layout.Estimated {
			components = append(components, componentJSON{Component: c, With: layout.With(k), Estimate: known(estimates[k]), SE: known(se[k])})
		}
		err = writeJSON(s.out, map[string]any{
			"schema_version": reliabilitySchemaVersion, "file": f.data, "ratings": r.Len(), "dropped": r.dropped, "classes": r.classes, "raters": r.raters, "shared_raters": layout.Shared(),
			"plan": own, "components": components, "dstudy": map[string]any{"plans": jsonPlans(planned)},
		})
	} else {
		f.writeFile(s, r, layout, estimates, se, planned)
	}
	if err != nil || f.picture == "" {
		return err
	}
	return f.writeFigure(s, planned, plots.Words{Title: "Reliability of scores by plan of observation", Note: "By the variance components of " + f.data})
}

// plansOf is the D-study of estimated components; negative ones count as 0.
func (f *reliabilityFlags) plansOf(l *gtheory.Layout, estimates []float64, own dgp.ObservationPlan) (all []plannedScore, err error) {
	positive := make([]float64, len(estimates))
	for k, x := range estimates {
		positive[k] = math.Max(x, 0)
	}
	class, facets := gtheory.FacetsOf(l.Estimated, positive)
	// A facet of which the file has one shows no error of its own.
	values := func(flag, text string, have int, otherwise ...int) ([]int, error) {
		if have > 1 {
			return planValues(flag, text, have, otherwise...)
		}
		values, err := planValues(flag, text, 1)
		if err == nil && (len(values) > 1 || values[0] != 1) {
			return nil, usageError("--%s %s: the file has one, so that it does not tell how much they differ", flag, text)
		}
		return values, err
	}
	var g planGrid
	if g.days, err = values("days", f.days, own.Days, 1, 2, 4); err != nil {
		return nil, err
	}
	if g.segments, err = values("segments", f.segments, own.Segments, 1, 2, 4); err != nil {
		return nil, err
	}
	if g.coders, err = values("coders", f.coders, own.Coders, 1, 2); err != nil {
		return nil, err
	}
	for _, days := range g.days {
		for _, segments := range g.segments {
			for _, coders := range g.coders {
				plan := own
				plan.Days, plan.Segments, plan.Coders = days, segments, coders
				if plan.Pool > 0 && coders > plan.Pool {
					return nil, usageError("--coders %d: the file has %s", coders, count(plan.Pool, "rater"))
				}
				p := plannedScore{ObservationPlan: plan, Own: plan == own, Cost: nan}
				for c := range p.Coefficients {
					p.Coefficients[c] = nan
				}
				p.Coefficients[gtheory.Dependability] = dgp.Reliability(class, facets.Absolute(plan))
				p.Coefficients[gtheory.Generalisability] = dgp.Reliability(class, facets.Relative(plan))
				all = append(all, p)
			}
		}
	}
	return all, nil
}

func (f *reliabilityFlags) writeFile(s streams, r *ratingsFile, l *gtheory.Layout, estimates, se []float64, planned []plannedScore) {
	who := "coders of one class each"
	if l.Shared() {
		who = fmt.Sprintf("%s who share the classes", count(r.raters, "rater"))
	}
	fmt.Fprintf(s.out, "%s: %s of %d classes by %s; %s dropped for a missing value\n", f.data, count(r.Len(), "rating"), r.classes, who, count(r.dropped, "row"))
	fmt.Fprintf(s.out, "At most %s a class, %s a day, %s a segment\n\n", count(r.days, "day"), count(r.segments, "segment"), count(r.coders, "coder"))
	fmt.Fprintf(s.out, "G-study: variance components, with standard errors by %d draws of normal components\n\n", gtheory.BootstrapDraws)
	total := 0.0
	for _, x := range estimates {
		total += math.Max(x, 0)
	}
	rows := [][]string{{"component", "variance", "std.error", "share"}}
	negative := false
	for k, c := range l.Estimated {
		negative = negative || estimates[k] < 0
		rows = append(rows, []string{
			componentName(c, l.With(k)), fmt.Sprintf("%.4f", estimates[k]), fmt.Sprintf("%.4f", se[k]), fmt.Sprintf("%.1f%%", 100*math.Max(estimates[k], 0)/total),
		})
	}
	writeColumns(s.out, rows, 1)
	if negative {
		fmt.Fprintln(s.out, "Negative estimates count as 0 in shares and plans.")
	}
	writePlans(s.out, planned, "the score")
}
