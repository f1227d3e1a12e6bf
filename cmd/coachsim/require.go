package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"coachsim/sim"
)

// targets are what a run must reach, else it ends with exit code 4.
type targets struct {
	require   []string
	maxFailed string
}

func (t *targets) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&t.require, "require", nil, "exit with 4 unless the estimate reaches this, as `[TEST:]MEASURE>=NUMBER`: power>=0.8, itt:reading:bias<=0.01 (by default of the primary estimate, again for more); power is after adjustment where the study declares a family with the test")
	flags.StringVar(&t.maxFailed, "max-failed", "", "exit with 4 if more fits of any estimate failed than this `SHARE`, such as 1%")
}

// A target is a limit of a measure.
type target struct {
	text     string
	test     sim.Test
	measure  string
	operator string
	limit    float64
}

var targetForm = regexp.MustCompile(`^(?:(.*):)?\s*([a-z_]+)\s*(>=|<=|>|<)\s*([-+0-9.eE]+)(%?)$`)

// requiredPower is the measure that is after adjustment where the test is in a family.
const requiredPower = "power"

// targetMeasures are what can be required, with their Monte Carlo standard errors; of
// power that before adjustment.
func targetMeasures(r *sim.SummaryRow) map[string][2]float64 {
	return map[string][2]float64{
		requiredPower: {r.Power, r.PowerMCSE}, "bias": {r.Bias, r.BiasMCSE}, "coverage": {r.Cover, r.CoverMCSE}, "mdes": {r.MDES, r.MDESMCSE},
		"empse": {r.EmpSE, r.EmpSEMCSE}, "relerror": {r.RelError, r.RelErrorMCSE}, "type_s": {r.TypeS, r.TypeSMCSE}, "type_m": {r.TypeM, r.TypeMMCSE},
	}
}

// read reads the flags, before anything is simulated.
func (t *targets) read(study sim.Study) (all []target, maxFailed float64, err error) {
	maxFailed = 1
	if t.maxFailed != "" {
		text, percent := strings.CutSuffix(t.maxFailed, "%")
		maxFailed, err = strconv.ParseFloat(text, 64)
		if percent {
			maxFailed /= 100
		}
		if err != nil || !(maxFailed >= 0 && maxFailed <= 1) {
			return nil, 0, usageError("--max-failed %s: must be a share from 0 to 1, or a percentage such as 1%%%s", t.maxFailed, withPoint(t.maxFailed))
		}
	}
	if len(t.require) == 0 {
		return nil, maxFailed, nil
	}
	one := study
	if len(study.Cells) > 0 {
		one = study.Cells[0].Study
	}
	for _, text := range t.require {
		parts := targetForm.FindStringSubmatch(text)
		if parts == nil {
			return nil, 0, usageError("--require %s: write [TEST:]MEASURE>=NUMBER, such as 'power>=0.8' or 'itt:reading:bias<=0.01'%s", text, withPoint(text))
		}
		known := targetMeasures(new(sim.SummaryRow))
		if _, ok := known[parts[2]]; !ok {
			var names []string
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			return nil, 0, usageError("--require %s: there is no measure %q; there are %s", text, parts[2], strings.Join(names, ", "))
		}
		limit, err := strconv.ParseFloat(parts[4], 64)
		if err != nil {
			return nil, 0, usageError("--require %s: %q is no number", text, parts[4])
		}
		if parts[5] == "%" {
			limit /= 100
		}
		test, err := one.FindTest(parts[1])
		if err != nil {
			return nil, 0, usageError("--require %s: %v", text, err)
		}
		all = append(all, target{text, test, parts[2], parts[3], limit})
	}
	return all, maxFailed, nil
}

// met reports whether a value is on the right side of the limit. One that does not
// exist is not.
func (t target) met(value float64) bool {
	switch t.operator {
	case ">=":
		return value >= t.limit
	case "<=":
		return value <= t.limit
	case ">":
		return value > t.limit
	default:
		return value < t.limit
	}
}

// judge says of each target whether the run reaches it, in every design, and gives the
// exit code.
func (f *finished) judge(s streams, families sim.Families, t *targets) error {
	all, maxFailed, err := t.read(f.study)
	if err != nil {
		return err
	}
	missed := false
	for _, one := range all {
		designs, misses := 0, 0
		worst := [2]float64{math.NaN(), math.NaN()}
		adjusted := ""
		for i := range f.summary.Rows {
			r := &f.summary.Rows[i]
			if r.Estimator != one.test.Estimator || r.Outcome != one.test.Outcome || r.Term != one.test.Term {
				continue
			}
			found := targetMeasures(r)[one.measure]
			if family, share := families.Of(r); family != nil && one.measure == requiredPower {
				found = [2]float64{share.Value, share.MCSE}
				adjusted = fmt.Sprintf(" after adjustment (%s, family %s)", family.Method, family.Family)
			}
			designs++
			if !one.met(found[0]) {
				misses++
			}
			// The worst is that on the wrong side of the others.
			if designs == 1 || math.IsNaN(found[0]) || strings.HasPrefix(one.operator, ">") == (found[0] < worst[0]) {
				worst = found
			}
		}
		verdict := "met"
		if misses > 0 || designs == 0 {
			verdict, missed = "MISSED", true
		}
		where := ""
		if designs > 1 {
			where = fmt.Sprintf(" at the worst of %d designs", designs)
			if misses > 0 {
				where = fmt.Sprintf(" at the worst; in %d of %d designs", misses, designs)
			}
		}
		fmt.Fprintf(s.talk, "Required %s%s %s %.12g of %s: it is %s (MCSE %s)%s: %s.\n", one.measure, adjusted, one.operator, one.limit, one.test, fixed4(worst[0]), fixed4(worst[1]), where, verdict)
	}
	for i := range f.summary.Rows {
		r := &f.summary.Rows[i]
		if share := float64(r.NFail) / float64(r.N); t.maxFailed != "" && share > maxFailed {
			missed = true
			fmt.Fprintf(s.talk, "Of the fits of %s, %.2g%% failed, more than the %.12g%% of --max-failed.\n", sim.Test{Estimator: r.Estimator, Outcome: r.Outcome, Term: r.Term}, 100*share, 100*maxFailed)
		}
	}
	if missed {
		return &exitError{exitMissed, nil}
	}
	return nil
}

// writeFailures writes failures.csv and says how fits failed.
func (f *finished) writeFailures(s streams) error {
	failures, err := f.summary.Failures(f.log.Chunks())
	if err != nil {
		return &exitError{exitFile, err}
	}
	if err := sim.ReplaceFile(filepath.Join(f.dir, "failures.csv"), func(w io.Writer) error { return f.summary.WriteFailures(w, failures) }); err != nil {
		return err
	}
	const most = 6
	for i, one := range failures {
		if i == most {
			fmt.Fprintf(s.talk, "  and %d more; see failures.csv.\n", len(failures)-most)
			break
		}
		r := one.Row
		design := ""
		for _, factor := range r.Factors {
			design += ", " + factor.Key + " = " + factor.Value
		}
		fmt.Fprintf(s.talk, "%s of %s fits of %s%s failed (%s).", grouped(one.Fits), grouped(r.N), sim.Test{Estimator: r.Estimator, Outcome: r.Outcome, Term: r.Term}, design, one.Status)
		if misses, hits, _ := r.PowerBounds(); !math.IsNaN(misses) {
			fmt.Fprintf(s.talk, " Power counts failures as misses, %.1f%%; as hits it would be %.1f%%.", 100*misses, 100*hits)
		}
		cell := ""
		if len(r.Factors) > 0 {
			cell = fmt.Sprintf(" --cell %d", r.Cell)
		}
		fmt.Fprintf(s.talk, " See one: coachsim replay %s%s --replicate %d\n", f.dir, cell, one.Examples[0])
	}
	return nil
}
