package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"coachsim/configs/strict"
	"coachsim/dgp"
	"coachsim/dgp/spelling"
	"coachsim/estimators"
	"coachsim/plots"
	"coachsim/sim"
)

// kinds tells the decoder which structs stand behind a law, an assignment
// scheme or an estimator.
func kinds() strict.Kinds {
	return strict.Kinds{
		reflect.TypeFor[dgp.Assignment]():    {Discriminator: "kind", Prototypes: prototypes(dgp.Assignments())},
		reflect.TypeFor[dgp.Outcome]():       {Discriminator: "kind", Prototypes: prototypes(dgp.Outcomes())},
		reflect.TypeFor[dgp.Law]():           {Discriminator: "law", Prototypes: prototypes(dgp.Laws())},
		reflect.TypeFor[estimators.Method](): {Discriminator: "kind", Prototypes: prototypes(estimators.Methods())},
	}
}

func prototypes[T any](members map[string]T) map[string]any {
	all := make(map[string]any, len(members))
	for name, m := range members {
		all[name] = m
	}
	return all
}

// A Setting overrides one key of a study from the command line.
type Setting struct{ Key, Value string }

// Load reads a study. name is how messages call the text. Settings are laid
// over it in order. The error lists every fault of the study, each with its
// place.
func Load(name string, text []byte, settings []Setting) (sim.Study, error) {
	read := file{Study: sim.DefaultStudy()}
	study := read.Study // for errors
	doc, err := parse(name, text)
	if err != nil {
		return study, err
	}
	for _, s := range settings {
		if err := doc.Set(s.Key, s.Value); err != nil {
			return study, err
		}
	}
	if err := doc.Decode(&read, kinds()); err != nil {
		return study, unchecked(severalValues(err))
	}
	study = read.Study
	faults := validate(doc, study)
	if read.Like != "" { // one in the file is gone by now
		faults = append(faults, doc.Fault(likeKey, "can only be written in a study file", "give the built-in study instead of the file"))
	}
	if study.Published != "" {
		if _, err := Published(study.Published); err != nil {
			faults = append(faults, doc.Fault("published", err.Error(), ""))
		}
	}
	faults = append(faults, wrongFigures(doc, study.Figures)...)
	faults = append(faults, overridden(doc, read.Levels, settings)...)
	if len(faults) > 0 {
		if study.Trial.Validate() != nil { // formulas need its columns
			return study, unchecked(faults)
		}
		return study, faults
	}
	if err := sweep(doc, &study, read.Levels); err != nil {
		return study, err
	}
	if len(study.Figures) > 0 {
		rows, err := study.Expected()
		if err != nil {
			return study, err
		}
		for i, f := range study.Figures {
			for _, wrong := range plots.CheckKeys(f, rows) {
				faults = append(faults, figureFault(doc, i, wrong))
			}
		}
	}
	if len(faults) > 0 {
		return study, faults
	}
	return study, nil
}

// Unchecked are faults that kept the rest of a study from being checked, so
// that more may show once they are mended.
type Unchecked struct{ Faults strict.Faults }

func (u *Unchecked) Error() string { return u.Faults.Error() }

// Unwrap returns the faults.
func (u *Unchecked) Unwrap() error { return u.Faults }

func unchecked(err error) error {
	var faults strict.Faults
	if errors.As(err, &faults) {
		return &Unchecked{faults}
	}
	return err
}

// severalValues says, of faults that give a list where one number is wanted, how designs
// are compared.
func severalValues(err error) error {
	var faults strict.Faults
	if !errors.As(err, &faults) {
		return err
	}
	for i := range faults {
		f := &faults[i]
		if f.Hint != "" || !strings.HasSuffix(f.Message, "number, not a list") || f.Path == "" || strings.ContainsAny(f.Path, "[]") {
			continue
		}
		f.Hint = fmt.Sprintf("to compare designs that differ in it, write sweep: {%s: [...]}", f.Path)
		if f.Path == "trial.schools" {
			f.Hint = "blocks have as many schools each: for regions of 12, 18 and 30 schools make 10 blocks of 6; " + f.Hint
		}
	}
	return faults
}

// validate finds the faults that decoding does not, and their places.
func validate(doc *strict.Document, study sim.Study) strict.Faults {
	var faults strict.Faults
	for _, f := range study.Validate() {
		if f.Offset >= 0 {
			faults = append(faults, doc.FaultIn(f.Path, f.Offset, f.Message, ""))
		} else {
			faults = append(faults, doc.Fault(f.Path, f.Message, ""))
		}
	}
	return faults
}

// wrongFigures finds figures that cannot be drawn.
func wrongFigures(doc *strict.Document, figures []sim.Figure) (faults strict.Faults) {
	names := map[string]int{}
	for i, f := range figures {
		for _, fault := range plots.Check(f) {
			faults = append(faults, figureFault(doc, i, fault))
		}
		if first, taken := names[f.FileName()]; taken {
			faults = append(faults, doc.Fault(fmt.Sprintf("figures[%d]", i), fmt.Sprintf("%q is already the name of figures[%d]; give it another with name:", f.FileName(), first), ""))
		}
		names[f.FileName()] = i
	}
	return faults
}

// figureFault places a fault of the i-th figure.
func figureFault(doc *strict.Document, i int, wrong plots.Wrong) strict.Fault {
	hint := ""
	if near := spelling.Nearest(wrong.Given, wrong.Allowed); near != "" {
		hint = "did you mean " + near + "?"
	}
	return doc.Fault(fmt.Sprintf("figures[%d].%s", i, wrong.Key), wrong.Message, hint)
}

// LoadPlan reads the study of a plan's text, which name is the path of. A plan that
// does not tell the size of its chunks has the usual ones.
func LoadPlan(name string, text []byte) (sim.Study, error) {
	study, err := Load(name, text, nil)
	if study.Chunk == 0 {
		study.Chunk = sim.ChunkReplicates
	}
	return study, err
}

// Resolve writes a study with every default, as YAML that Load reads back.
func Resolve(s sim.Study) ([]byte, error) {
	text, err := strict.Encode(s, kinds())
	if err != nil {
		return nil, err
	}
	swept, err := encodeSweep(s.Sweep)
	return append(text, swept...), err
}

// results is counted up whenever a change of the program changes the draws, the
// estimates or the true effects of a study, with a word on what changed.
const results = 8

var resultsChanged = []string{
	2: "true effects of the population changed in their last digits",
	3: "total effects of a mediation are tested by t instead of the normal distribution",
	4: "SIMEX adds the same draws of error at all its levels",
	5: "paths corrected for error in the mediators changed in their last digits",
	6: "estimates of least squares and mixed models changed in their last digits",
	7: "p-values of t tests, and once more these estimates, changed in their last digits",
	8: "mixed models, wild bootstraps and least squares changed in their last digits, and intervals of wild bootstraps that reject no null have no end",
}

// Plan fixes a study for a run directory by a program.
func Plan(s sim.Study, build sim.Build) (sim.Plan, error) {
	planned := s
	if planned.Chunk = s.ChunkSize(); planned.Chunk == sim.ChunkReplicates {
		planned.Chunk = 0 // as plans say it that know no other
	}
	text, err := Resolve(planned)
	if err != nil {
		return sim.Plan{}, err
	}
	// Replicates are counted from 0 whatever their number, so that a run can be
	// extended; the number does not enter the hash.
	endless := s
	endless.Replicates = 1
	endless.Families = nil // they decide no replicate: the log is only read for them
	endless.Primary, endless.Sources = nil, sim.Sources{}
	endless.Precision = nil // decides how many
	endless.Chunk = 0       // cuts the log
	endless.Cost = nil
	endless.Figures = nil
	identity, err := Resolve(endless)
	if err != nil {
		return sim.Plan{}, err
	}
	hash, studyHash := hashed(fmt.Appendf(nil, "coachsim results %d\n%s", results, identity)), hashed(identity)
	plan := sim.Plan{Study: s, Hash: hash, StudyHash: studyHash, Build: build, Results: results, Changes: resultsChanged}
	plan.Text = sim.PlanText(text, plan.Provenance())
	return plan, nil
}

func hashed(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
