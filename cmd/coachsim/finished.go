package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"coachsim/configs"
	"coachsim/plots"
	"coachsim/sim"
)

// A finished run is a run directory with what its log says.
type finished struct {
	dir         string
	plan        sim.Plan
	study       sim.Study
	log         *sim.Log
	summary     sim.Summary
	formulas    sim.Formulas
	patterns    []sim.Pattern          // that published cells show together
	comparisons []sim.Comparison       // empty for a study without published results, or with a sweep
	truths      []sim.PopulationEffect // none in a directory of an older version
	outcome     sim.Outcome
}

// open measures the log of a run directory.
func open(dir string, study sim.Study) (*finished, error) {
	debug.SetGCPercent(100) // what measures and draws allocates, unlike the simulation
	log, err := sim.OpenLog(dir)
	if err != nil {
		return nil, &exitError{exitFile, err}
	}
	f := &finished{dir: dir, study: study, log: log}
	if f.plan, err = sim.ReadPlan(dir); err != nil {
		return nil, &exitError{exitFile, err}
	}
	f.plan.Study = study
	if f.summary, err = sim.Summarise(log.Chunks(), study.Alpha, study.Factors()); err != nil {
		return nil, &exitError{exitFile, err}
	}
	f.summary.Made = f.plan.Provenance()
	f.summary.LeaveOutMDES(study)
	if f.summary.Asked, err = study.Asked(log.Chunks()); err != nil {
		return nil, &exitError{exitFile, err}
	}
	if f.truths, err = sim.ReadTruths(dir); err != nil {
		return nil, &exitError{exitFile, err}
	}
	if f.formulas, err = study.Formulas(); err != nil {
		return nil, err
	}
	f.formulas.AddTo(&f.summary)
	if err := f.summary.AddSelection(study, log.Chunks()); err != nil {
		return nil, &exitError{exitFile, err}
	}
	if study.Published != "" && len(study.Cells) == 0 { // a sweep has no single design to hold against a paper
		cells, err := configs.Published(study.Published)
		if err != nil {
			return nil, err
		}
		if f.comparisons, err = sim.Compare(cells, f.summary); err != nil {
			return nil, err
		}
		if f.patterns, err = sim.Extremes(f.comparisons, f.log.Chunks()); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// openDirectory reads the study of a run directory too.
func openDirectory(dir string) (*finished, error) {
	plan, err := readRun(dir)
	if err != nil {
		return nil, err
	}
	if !plan.Shard.Whole() {
		return nil, usageError("%s is shard %s of a run; put the shards together first, with coachsim merge", dir, plan.Shard)
	}
	return open(dir, plan.Study)
}

// finish shows the results of a run and writes what is made of them.
func (f *finished) finish(s streams, asJSON, pictures bool, t *targets) error {
	if f.outcome.Interrupted && !asJSON {
		fmt.Fprintf(s.out, "INTERRUPTED: partial results.\n\n")
	}
	var err error
	if asJSON {
		err = f.summary.WriteJSON(s.out)
	} else {
		if err = f.summary.WriteTable(s.out, tableWidth(s), false); err == nil {
			err = f.writeTruthNote(s.out)
		}
		if err == nil {
			err = f.formulas.WriteNotes(s.out, tableWidth(s))
		}
		if err == nil {
			err = f.summary.WarnOfFormula(s.out, tableWidth(s))
		}
	}
	if err != nil {
		return err
	}
	families, err := f.measureFamilies()
	if err != nil {
		return err
	}
	if !asJSON && len(f.study.Families) > 0 {
		fmt.Fprintln(s.out)
		if err := families.WriteTable(s.out, tableWidth(s), false); err != nil {
			return err
		}
	}
	if !asJSON && len(f.summary.Selection) > 0 {
		fmt.Fprintln(s.out)
		if err := f.summary.WriteSelection(s.out, tableWidth(s), false); err != nil {
			return err
		}
	}
	f.warnOfFailure(s.talk)
	if err := f.writeFailures(s); err != nil {
		return err
	}
	if most := f.study.Trials(); len(f.study.Precision) > 0 && !f.outcome.Interrupted {
		fmt.Fprintf(s.talk, "Precise enough (%s) after %s of at most %s replicates.\n", f.precision(), grouped(f.outcome.Replicates), grouped(most))
	}
	if f.outcome.Interrupted {
		return f.interrupted(s)
	}
	if err := f.worked(); err != nil {
		return err
	}
	wrote := f.dir
	figures, err := f.figures()
	if err != nil {
		return err
	}
	if pictures {
		drawn, err := f.writeFigures(s, plots.Journal(), figures, plots.Formats())
		if err != nil {
			return err
		}
		wrote += fmt.Sprintf(", with report.html and %s in figures/", count(drawn, "figure"))
	} else {
		wrote += ", with report.html"
	}
	if err := f.writeProposal(families); err != nil {
		return err
	}
	if err := f.writeReport(families, figures); err != nil {
		return err
	}
	fmt.Fprintf(s.talk, "Wrote %s.\n", wrote)
	return f.judge(s, families, t)
}

// precision is what was asked for: itt:power=0.005, bias=0.01.
func (f *finished) precision() string {
	all := make([]string, len(f.study.Precision))
	for i, p := range f.study.Precision {
		all[i] = p.String()
	}
	return strings.Join(all, ", ")
}

// writeSummary writes summary.csv and summary.json.
func (f *finished) writeSummary() error {
	for name, write := range map[string]func(io.Writer) error{
		"summary.csv": f.summary.WriteCSV, "summary.json": f.summary.WriteJSON,
	} {
		if err := sim.ReplaceFile(filepath.Join(f.dir, name), write); err != nil {
			return err
		}
	}
	return nil
}

// writeTruthNote says how well the true effects are known, since no bias is
// known better.
func (f *finished) writeTruthNote(w io.Writer) error {
	worst, any := sim.LeastKnown(f.truths)
	if !any {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nTrue effects of the population are means over 1,000 other trials. They are known to within a\n"+
		"Monte Carlo standard error of %.2g (%s, the worst), which the MCSE of bias leaves out.\n", worst.MCSE, worst.Outcome)
	return err
}

// worked is an error if no fit of the whole run worked: then there is nothing to draw or
// to report.
func (f *finished) worked() error {
	for i := range f.summary.Rows {
		if r := &f.summary.Rows[i]; r.NFail < r.N {
			return nil
		}
	}
	return fmt.Errorf("no fit of any estimator worked, so there is nothing to draw or to report; %s says how they failed", filepath.Join(f.dir, "failures.csv"))
}

// warnOfFailure points at estimates that no replicate gave.
func (f *finished) warnOfFailure(w io.Writer) {
	for _, r := range f.summary.Rows {
		if r.N > 0 && r.NFail == r.N {
			of := r.Term + " on " + r.Outcome
			for _, factor := range r.Factors {
				of += ", " + factor.Key + " = " + factor.Value
			}
			fmt.Fprintf(w, "Warning: every fit of %s (%s) failed; see the column of failures.\n", r.Estimator, of)
		}
	}
}

// writeFigures draws the figures, as many at once as there are workers, and returns how
// many. Those that have nothing to show are left out, with a word.
func (f *finished) writeFigures(s streams, theme plots.Theme, figures []plots.Figure, formats []plots.Format) (drawn int, err error) {
	dir := filepath.Join(f.dir, "figures")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	state, study := plots.Unfinished(f.summary.Extent()), plots.OfStudy(f.study)
	errs := make([]error, len(figures))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(len(figures), runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(figures); i = int(next.Add(1)) - 1 {
				_, errs[i] = plots.Write(dir, theme, plots.Captioned{Figure: figures[i], State: state, Study: study}, formats...)
			}
		})
	}
	wait.Wait()
	drawn = len(figures)
	for i, err := range errs {
		var empty *plots.Empty
		if errors.As(err, &empty) {
			fmt.Fprintf(s.talk, "Left out figure %s: %s.\n", figures[i].Name(), empty.Why)
			errs[i] = nil
			drawn--
		}
	}
	return drawn, allOf(figures, errs)
}

// allOf joins what figures fail of. A cause of several, such as a full disk, is told once.
func allOf(figures []plots.Figure, errs []error) error {
	var first []error
	also := map[string][]string{}
	for i, err := range errs {
		if err == nil {
			continue
		}
		others, told := also[cause(err)]
		if told {
			also[cause(err)] = append(others, figures[i].Name())
			continue
		}
		also[cause(err)] = nil
		first = append(first, err)
	}
	for i, err := range first {
		if names := also[cause(err)]; len(names) > 0 {
			first[i] = fmt.Errorf("%w; the same with %s", err, strings.Join(names, ", "))
		}
	}
	return errors.Join(first...)
}

// cause is the text of the innermost error.
func cause(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err.Error()
}

// interrupted says what a stopped run has kept.
func (f *finished) interrupted(s streams) error {
	fmt.Fprintf(s.talk, "Interrupted after %s of %s replicates, kept in %s. Go on with --resume.\n", grouped(f.outcome.Replicates), grouped(f.outcome.Total), f.dir)
	return &exitError{exitInterrupted, nil}
}
