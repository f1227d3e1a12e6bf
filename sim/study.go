package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"coachsim/dgp"
	"coachsim/estimators"
)

// A Study is a simulation study as its file declares it: the aim, the trial
// that generates data, and the estimators that are judged.
type Study struct {
	Aim        string  `yaml:"aim" required:"true" doc:"the question, in a sentence"`
	Seed       uint64  `yaml:"seed" doc:"the same seed gives the same results on any number of workers"`
	Replicates int     `yaml:"replicates" min:"1" max:"100000000" doc:"simulated trials"`
	Alpha      float64 `yaml:"alpha" gt:"0" lt:"1" doc:"two-sided size of tests; intervals cover 1-alpha"`
	dgp.Trial  `yaml:",inline"`
	Terms      map[string]string `yaml:"terms" doc:"lists of terms that formulas use as $name"`
	Estimators []Estimator       `yaml:"estimators" required:"true" minlen:"1" doc:"what is fitted to every simulated trial"`
	Families   []Family          `yaml:"families,omitempty" doc:"tests that are judged together, with p-values adjusted for their number"`
	Primary    *Primary          `yaml:"primary,omitempty" doc:"the estimate the trial is planned for, which a proposal states the power of; by default the first effect of a treatment that is estimated"`
	Precision  []Precision       `yaml:"precision,omitempty" doc:"what must be known, and how precisely, for a design to end before its last replicate"`
	Sources    Sources           `yaml:"sources,omitempty" doc:"where the numbers come from, in words that a proposal prints"`
	Published  string            `yaml:"published,omitempty" doc:"a built-in table of published results to hold the estimates against"`
	Cost       *Cost             `yaml:"cost,omitempty" doc:"what the trial costs, by unit, for optimise"`
	Figures    []Figure          `yaml:"figures,omitempty" doc:"figures to draw in place of the standard ones, which kind standard adds; a figure of the same name replaces one"`
	Chunk      int               `yaml:"chunk,omitempty" min:"0" max:"100" doc:"replicates in one file of the log, which is what a killed run loses at most of each worker: a divisor of 100; by default 100, and less where a data set takes many fits"`
	Streams    Streams           `yaml:"streams,omitempty" doc:"random draws of the cells of a sweep: common (the same in every cell) or independent"`

	// Sweep is the study's sweep as written and Cells what it comes to. Reading
	// a study file fills both; a study without a sweep has neither.
	Sweep []SweptKeys `yaml:"-"`
	Cells []Cell      `yaml:"-"`
}

// SweptKeys is one entry of a sweep: the path of a key of the study with the
// values that it takes, or the paths of several keys, joined by commas, with
// lists of values that they take together. Every entry is crossed with every
// other, the first varying slowest.
type SweptKeys struct {
	Keys   string   // e.g. "trial.schools" or "trial.schools, trial.teachers"
	Values []string // YAML texts, e.g. "20" or "[20, 2]"
}

// A Cell is one design of a sweep: a study without a sweep of its own, which
// simulated alone gives the same replicates.
type Cell struct {
	Factors []Factor // the swept keys, each at its value in this cell
	Study   Study
}

// designs returns the cells of a study; one without a sweep is its only cell.
func (s Study) designs() []Cell {
	if len(s.Cells) == 0 {
		return []Cell{{Study: s}}
	}
	return s.Cells
}

// Trials is the number of trials that a run simulates, over all cells.
func (s Study) Trials() int { return len(s.designs()) * s.Replicates }

// Chunks is the number of files in the log of a run, over all cells.
func (s Study) Chunks() int {
	size := s.ChunkSize()
	return len(s.designs()) * ((s.Replicates + size - 1) / size)
}

// Factors lists the factors of each cell, and nothing for a study without a
// sweep, as Summarise wants them.
func (s Study) Factors() [][]Factor {
	var all [][]Factor
	for _, c := range s.Cells {
		all = append(all, c.Factors)
	}
	return all
}

// An Estimator is a method with the name under which it is reported.
type Estimator struct {
	Name     string            `yaml:"name" required:"true" doc:"unique name"`
	Estimand Estimand          `yaml:"estimand" doc:"the truth an estimate is held against: an effect in the population or the sample; for coefficients of a regression, also the population linear projection on all its terms (projection), or on those that were selected (submodel)"`
	Against  string            `yaml:"against,omitempty" doc:"instead of estimand: the name of another estimator, say an infeasible regression on the columns of quality.oracle, whose estimates on the same data are the truth; its terms must stand in the same order"`
	Method   estimators.Method `yaml:",inline"`
}

// An Estimand is the average over whom a treatment effect is taken, or which
// population linear projection a coefficient is of.
type Estimand uint8

// The estimands.
const (
	Population Estimand = iota // trials like this one: the mean over repetitions of the sample effect
	Sample                     // the units in the data set at hand
	Projection                 // the projection on all terms of the formula
	Submodel                   // the projection on the terms that were selected in the data set at hand
	estimands
)

var estimandNames = [estimands]string{"population", "sample", "projection", "submodel"}

func (e Estimand) String() string {
	if e >= estimands {
		return fmt.Sprintf("Estimand(%d)", uint8(e))
	}
	return estimandNames[e]
}

// MarshalText writes the name.
func (e Estimand) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads a name.
func (e *Estimand) UnmarshalText(text []byte) error {
	for i, name := range estimandNames {
		if string(text) == name {
			*e = Estimand(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not an estimand; the estimands are %s", text, strings.Join(estimandNames[:], ", "))
}

// Names lists the estimands.
func (Estimand) Names() []string { return estimandNames[:] }

// Streams says which random draws the cells of a sweep have.
type Streams uint8

// The choices.
const (
	// Common streams give every cell the draws that its study would have on its
	// own. Differences between cells then owe less to chance.
	Common Streams = iota
	// Independent streams give every cell draws of its own, so that the Monte
	// Carlo errors of the cells are independent.
	Independent
	streamChoices
)

var streamNames = [streamChoices]string{"common", "independent"}

func (s Streams) String() string {
	if s >= streamChoices {
		return fmt.Sprintf("Streams(%d)", uint8(s))
	}
	return streamNames[s]
}

// MarshalText writes the name.
func (s Streams) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name.
func (s *Streams) UnmarshalText(text []byte) error {
	for i, name := range streamNames {
		if string(text) == name {
			*s = Streams(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no choice of streams; the choices are common and independent", text)
}

// Names lists the choices.
func (Streams) Names() []string { return streamNames[:] }

// Seed returns the seed of a cell, counted from 0, in a study with a seed. For
// independent streams it is a hash: seeds that follow each other would be
// those of the user's next study.
func (s Streams) Seed(seed uint64, cell int) uint64 {
	if s == Common {
		return seed
	}
	var text [16]byte
	binary.BigEndian.PutUint64(text[:8], seed)
	binary.BigEndian.PutUint64(text[8:], uint64(cell))
	sum := sha256.Sum256(text[:])
	return binary.BigEndian.Uint64(sum[:8])
}

// DefaultStudy returns a study with the values that a file may leave out.
func DefaultStudy() Study {
	return Study{Seed: 1, Replicates: 1000, Alpha: 0.05, Trial: dgp.DefaultTrial()}
}

// A Fault is one thing wrong with a study: the path of the key, the place in
// its text where that is known, else -1, and what is wrong.
type Fault struct {
	Path    string
	Offset  int
	Message string
}

// Validate returns every fault of the study that its declaration's types and
// ranges do not show: values that do not fit each other, formulas that cannot
// be read or name no column.
func (s Study) Validate() []Fault {
	var faults []Fault
	names := map[string]int{}
	if strings.TrimSpace(s.Aim) == "" {
		faults = append(faults, Fault{"aim", -1, "is empty; say the question in a sentence"})
	}
	for i, e := range s.Estimators {
		if e.Name == "" {
			faults = append(faults, Fault{fmt.Sprintf("estimators[%d].name", i), -1, "is empty; an estimator needs a name"})
			continue
		}
		path := fmt.Sprintf("estimators[%d].name", i)
		if first, taken := names[e.Name]; taken {
			faults = append(faults, Fault{path, -1, fmt.Sprintf("%q is already the name of estimators[%d]", e.Name, first)})
		}
		names[e.Name] = i
	}
	if c := s.Cost; c != nil && c.Hour > 0 && c.Minutes == 0 {
		faults = append(faults, Fault{"cost.coder_hour", -1, "needs cost.rating_minutes, the minutes that a coder works on one segment"})
	}
	if s.Chunk > 0 && ChunkReplicates%s.Chunk != 0 {
		faults = append(faults, Fault{"chunk", -1, fmt.Sprintf("%d is no divisor of %d; there are 1, 2, 4, 5, 10, 20, 25, 50 and 100", s.Chunk, ChunkReplicates)})
	}
	g, err := s.Trial.Compile()
	if err != nil {
		var wrong dgp.Faults
		if !errors.As(err, &wrong) {
			return append(faults, Fault{"trial", -1, err.Error()})
		}
		for _, f := range wrong {
			faults = append(faults, Fault{f.Path, -1, f.Message})
		}
		return faults // without a trial there are no columns to check formulas against
	}
	panel, err := estimators.Bind(s.methods(), g.Shape(), s.Terms)
	for _, wrong := range bindErrors(err) {
		f := Fault{Path: fmt.Sprintf("estimators[%d]", wrong.Method), Offset: -1, Message: wrong.Err.Error()}
		var key *estimators.KeyError
		if errors.As(wrong.Err, &key) {
			f.Path += "." + key.Key
			f.Offset = key.Offset
			f.Message = key.Err.Error()
			var syntax *estimators.SyntaxError
			if errors.As(key.Err, &syntax) {
				f.Message = syntax.Message
			}
		}
		faults = append(faults, f)
	}
	if err == nil {
		faults = append(faults, s.againstFaults(panel.Rows())...)
		faults = append(faults, s.projectionFaults(panel.Rows())...)
		faults = append(faults, s.familyFaults(panel.Rows())...)
		faults = append(faults, s.primaryFaults(panel.Rows())...)
		faults = append(faults, s.precisionFaults(panel.Rows())...)
	}
	return faults
}

// bindErrors takes the error of estimators.Bind apart.
func bindErrors(err error) []*estimators.BindError {
	joined, ok := err.(interface{ Unwrap() []error }) // as errors.Join makes it
	if !ok {
		return nil
	}
	var all []*estimators.BindError
	for _, e := range joined.Unwrap() {
		var b *estimators.BindError
		if errors.As(e, &b) {
			all = append(all, b)
		}
	}
	return all
}

func (s Study) methods() []estimators.Named {
	named := make([]estimators.Named, len(s.Estimators))
	for i, e := range s.Estimators {
		named[i] = estimators.Named{Name: e.Name, Method: e.Method}
	}
	return named
}
