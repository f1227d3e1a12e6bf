package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"coachsim/dgp"
	"coachsim/estimators"
)

// smallStudy simulates within milliseconds: 8 schools in 2 blocks, 2 classes
// each, one domain and two tests, one of them held against the sample effect.
func smallStudy(replicates int) Study {
	s := DefaultStudy()
	s.Aim, s.Seed, s.Replicates = "Does a run come out the same?", 7, replicates
	d := &s.Trial.Design
	d.Blocks, d.Schools, d.Teachers, d.Tested = 2, 4, 2, 5
	d.Children = dgp.ClassSize{Mean: 6, SD: 2, Min: 2}
	d.Assignment = dgp.Blocked{Share: 0.5}
	d.Attrition.Children = 0.05
	s.Covariates = []dgp.Covariate{{Name: "girl", Level: dgp.ChildLevel, Law: dgp.Bernoulli{Mean: 0.5}, Slope: 0.2}}
	s.Quality = dgp.Quality{
		Domains: []string{"talk"}, SD: []float64{0.8}, Correlation: dgp.Matrix{{1}},
		Effect: dgp.QualityEffect{Shift: []float64{0.5}, Engagement: []float64{0.3}, Skew: 0.5},
	}
	s.Observation.Segments, s.Observation.Coders = 2, 2
	s.Observation.Scale.Mean, s.Observation.Scale.Points = []float64{4}, []float64{1}
	s.Observation.SegmentSD, s.Observation.CoderSD, s.Observation.ErrorCorrelation = []float64{0.5}, []float64{0.3}, dgp.Matrix{{1}}
	s.Achievement.Tests = []string{"reading", "maths"}
	s.Achievement.Residual = dgp.Matrix{{0.9}, {0.4, 0.9}}
	s.Achievement.TeacherSD = 0.2
	s.Achievement.Slope = dgp.Slopes{Control: []float64{0.2}, Treated: []float64{0.3}}
	s.Achievement.Effect.Mean = []float64{0.2, -0.1}
	s.Estimators = []Estimator{
		{Name: "itt", Method: estimators.OLS{
			Formula: "c(achievement, reading, maths, below(achievement, 20)) ~ coaching + girl | block",
			Cluster: "school", SE: estimators.CR1, Report: []string{"coaching", "girl"},
		}},
		{Name: "itt-sample", Estimand: Sample, Method: estimators.OLS{
			Formula: "c(achievement, reading, above(talk, 75)) ~ coaching | block", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"},
		}},
		{Name: "girls", Estimand: Sample, Method: estimators.OLS{
			Formula: "c(maths, talk) ~ coaching", Where: "girl == 1", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"},
		}},
		{Name: "held-fixed", Method: estimators.OLS{
			Formula: "achievement ~ coaching + talk", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}, Joint: [][]string{{"coaching", "talk"}},
		}},
		{Name: "agreement", Method: estimators.Reliability{Between: "coders"}},
	}
	return s
}

// planOf fixes a study without the configs package: text and hash stand for
// the resolved study.
func planOf(s Study, hash string) Plan {
	text := fmt.Sprintf("aim: %s\nreplicates: %d\nalpha: %g\n", s.Aim, s.Replicates, s.Alpha)
	if s.Chunk > 0 {
		text += fmt.Sprintf("chunk: %d\n", s.Chunk)
	}
	return Plan{Study: s, Text: PlanText([]byte(text), testProvenance(hash, s.Seed)), Hash: hash, Build: Build{Version: "v1"}, Results: 1}
}

func testProvenance(hash string, seed uint64) Provenance {
	return Provenance{Build: Build{Version: "v1"}, Plan: hash, Results: 1, Seed: seed}
}

func silently(dir string, workers int) Options {
	return Options{Dir: dir, Workers: workers, Progress: ProgressSetup{Mode: ProgressNone}}
}

func mustRun(t *testing.T, plan Plan, o Options) Outcome {
	t.Helper()
	outcome, err := Run(context.Background(), plan, o)
	if err != nil {
		t.Fatal(err)
	}
	if outcome.Interrupted || outcome.Replicates != plan.Study.Replicates {
		t.Fatalf("%d of %d replicates, interrupted: %v", outcome.Replicates, plan.Study.Replicates, outcome.Interrupted)
	}
	return outcome
}

// files reads a whole directory, by path, but for its provenance, which has times.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == ProvenanceFile {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func checkSameFiles(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s: %s differs", what, name)
		}
	}
	for name := range got {
		if _, known := want[name]; !known {
			t.Errorf("%s: there is a file %s", what, name)
		}
	}
}

const runReplicates = 4*ChunkReplicates + 30

func TestRunIsTheSameOnAnyNumberOfWorkers(t *testing.T) {
	plan := planOf(smallStudy(runReplicates), "a")
	var want map[string]string
	for _, workers := range []int{1, 2, 7, 0} {
		dir := filepath.Join(t.TempDir(), "new", "run")
		mustRun(t, plan, silently(dir, workers))
		got := files(t, dir)
		if want == nil {
			want = got
			if len(want) != 7 || want[truthsFile] == "" || want["plan.yaml"] != string(plan.Text) {
				t.Fatalf("the run directory holds %d files", len(want))
			}
		}
		checkSameFiles(t, fmt.Sprintf("%d workers", workers), got, want)
	}
}

// The log holds every row of every replicate, in order, with what the world
// of one worker finds when asked for that replicate alone.
func TestRunLogsWhatTheWorldFinds(t *testing.T) {
	study := smallStudy(ChunkReplicates + 20)
	dir := t.TempDir()
	outcome := mustRun(t, planOf(study, "a"), silently(dir, 2))
	population := make([]float64, len(outcome.Truths))
	for i, truth := range outcome.Truths {
		population[i] = truth.Value
	}
	w, err := newWorld(study, population)
	if err != nil {
		t.Fatal(err)
	}
	log, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range log.Files() {
		if _, meta, err := ReadChunk(file.Path); err != nil || meta["plan"] != "a" || meta["seed"] != "7" || meta["version"] != "v1" {
			t.Errorf("%s says %v of itself, error %v", file.Path, meta, err)
		}
	}
	rep := 0
	for records, err := range log.Chunks() {
		if err != nil {
			t.Fatal(err)
		}
		for len(records) > 0 {
			// Backwards, to see that a replicate does not depend on the one before.
			_ = w.replicate(1000 - rep)
			want := w.log(nil, rep)
			checkRecords(t, records[:len(want)], want)
			records = records[len(want):]
			rep++
		}
	}
	if rep != study.Replicates {
		t.Errorf("%d replicates in the log", rep)
	}
}

// What is held against which truth.
func TestEstimandsOfRows(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, planOf(smallStudy(30), "a"), silently(dir, 2))
	log, err := OpenLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"itt/achievement/coaching": "population", "itt/reading/coaching": "population", "itt/maths/coaching": "population",
		"itt/below(achievement, 20)/coaching": "population",
		"itt/achievement/girl":                "", "itt/reading/girl": "", "itt/maths/girl": "", "itt/below(achievement, 20)/girl": "",
		"itt-sample/achievement/coaching": "sample", "itt-sample/reading/coaching": "sample", "itt-sample/above(talk, 75)/coaching": "sample",
		"girls/maths/coaching": "sample", "girls/talk/coaching": "sample",
		"held-fixed/achievement/coaching": "", "held-fixed/achievement/joint(coaching, talk)": "",
		"agreement/talk/coders": "", "agreement/mean of domains/coders": "",
	}
	truths := map[string][]float64{}
	for records, err := range log.Chunks() {
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			name := r.Estimator + "/" + r.Outcome + "/" + r.Term
			if estimand, known := want[name]; !known || estimand != r.Estimand {
				t.Fatalf("%s is held against %q, want %q (known: %v)", name, r.Estimand, estimand, known)
			}
			if math.IsNaN(r.Truth) != (r.Estimand == "") {
				t.Fatalf("%s has estimand %q and truth %g", name, r.Estimand, r.Truth)
			}
			truths[name] = append(truths[name], r.Truth)
		}
	}
	for name, estimand := range want {
		if len(truths[name]) != 30 {
			t.Errorf("%s has %d rows", name, len(truths[name]))
			continue
		}
		same := slices.Max(truths[name]) == slices.Min(truths[name])
		if estimand == "population" && !same {
			t.Errorf("the population effect of %s varies between replicates", name)
		}
		if estimand == "sample" && same {
			t.Errorf("the sample effect of %s does not vary between replicates", name)
		}
	}
}

// A run that was extended, or that lost chunks, ends like one in one piece.
func TestResume(t *testing.T) {
	fresh := t.TempDir()
	plan := planOf(smallStudy(runReplicates), "a")
	mustRun(t, plan, silently(fresh, 2))
	want := files(t, fresh)
	chunk := func(dir string, k int) string {
		return filepath.Join(dir, "chunks", fmt.Sprintf("cell-0000-rep-%09d.parquet", k*ChunkReplicates))
	}
	for name, damage := range map[string]func(t *testing.T, dir string){
		"nothing": func(*testing.T, string) {},
		"an extension": func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			// Its last chunk is a part of the longer run's.
			mustRun(t, planOf(smallStudy(2*ChunkReplicates+10), "a"), silently(dir, 2))
		},
		"a chunk lost":     func(t *testing.T, dir string) { must(t, os.Remove(chunk(dir, 2))) },
		"all chunks lost":  func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "chunks"))) },
		"a chunk cut off":  func(t *testing.T, dir string) { must(t, os.Truncate(chunk(dir, 1), 1000)) },
		"a chunk of zeros": func(t *testing.T, dir string) { must(t, os.WriteFile(chunk(dir, 4), make([]byte, 5000), 0o644)) },
		"a damaged chunk": func(t *testing.T, dir string) {
			text, err := os.ReadFile(chunk(dir, 0))
			must(t, err)
			text[len(text)/4] ^= 0xff // within the values
			must(t, os.WriteFile(chunk(dir, 0), text, 0o644))
		},
		"a chunk of another plan": func(t *testing.T, dir string) {
			records, meta, err := ReadChunk(chunk(dir, 3))
			must(t, err)
			meta["plan"] = "b"
			must(t, WriteChunk(chunk(dir, 3), records, meta))
		},
		"a clock that was set": func(t *testing.T, dir string) {
			for i, year := range []int{1990, 2100, 1970, 2200, 2000} {
				then := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
				must(t, os.Chtimes(chunk(dir, i), then, then))
			}
			must(t, os.Remove(chunk(dir, 2)))
		},
		"what a killed run leaves": func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "chunks", ".cell-0000-rep-000000100.parquet.123.tmp"), []byte("PAR1"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, os.CopyFS(dir, os.DirFS(fresh)))
			damage(t, dir)
			o := silently(dir, 2)
			o.Resume = true
			mustRun(t, plan, o)
			checkSameFiles(t, name, files(t, dir), want)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Finished chunks are kept, not computed again.
func TestResumeKeepsFinishedChunks(t *testing.T) {
	dir := t.TempDir()
	plan := planOf(smallStudy(runReplicates), "a")
	mustRun(t, plan, silently(dir, 2))
	path := filepath.Join(dir, "chunks", "cell-0000-rep-000000100.parquet")
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	must(t, os.Chtimes(path, old, old))
	o := silently(dir, 2)
	o.Resume = true
	mustRun(t, plan, o)
	info, err := os.Stat(path)
	must(t, err)
	if !info.ModTime().Equal(old) {
		t.Error("a finished chunk was written again")
	}
}

// A directory is used only for what it already holds, unless told otherwise.
func TestRunRefusesOtherDirectories(t *testing.T) {
	plan := planOf(smallStudy(40), "a")
	longer := planOf(smallStudy(60), "a")
	other := smallStudy(40)
	other.Alpha = 0.1
	otherPlan := planOf(other, "b")
	for _, c := range []struct {
		name string
		plan Plan
		set  func(o *Options)
		want []string // parts of the message; none if the run is accepted
	}{
		{"the same plan", plan, func(*Options) {}, nil},
		{"the same plan, resumed", plan, func(o *Options) { o.Resume = true }, nil},
		{"another study", otherPlan, func(*Options) {}, []string{"another study", "- alpha: 0.05", "+ alpha: 0.1", "--out", "--force"}},
		{"another study, resumed", otherPlan, func(o *Options) { o.Resume = true }, []string{"another study"}},
		{"another study, by force", otherPlan, func(o *Options) { o.Force = true }, nil},
		{"more replicates", longer, func(*Options) {}, []string{"--resume", "--force"}},
		{"more replicates, resumed", longer, func(o *Options) { o.Resume = true }, nil},
		{"fewer replicates, resumed", planOf(smallStudy(10), "a"), func(o *Options) { o.Resume = true }, []string{"holds 40 replicates"}},
	} {
		dir := t.TempDir()
		mustRun(t, plan, silently(dir, 1))
		must(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o644))
		before := files(t, dir)
		o := silently(dir, 1)
		c.set(&o)
		_, err := Run(context.Background(), c.plan, o)
		if len(c.want) == 0 {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			after := files(t, dir)
			if after["notes.txt"] != "mine" || after["plan.yaml"] != string(c.plan.Text) {
				t.Errorf("%s: a file that is no part of the run is gone, or plan.yaml is the old one", c.name)
			}
			fresh := t.TempDir()
			mustRun(t, c.plan, silently(fresh, 1))
			delete(after, "notes.txt")
			checkSameFiles(t, c.name, after, files(t, fresh))
			continue
		}
		var refusal *DirectoryError
		if !errors.As(err, &refusal) || refusal.Dir != dir {
			t.Errorf("%s: error %v", c.name, err)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q is not in the error:\n%v", c.name, part, err)
			}
		}
		checkSameFiles(t, c.name, files(t, dir), before) // untouched
	}

	// A directory with other things in it, and a file.
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "thesis.tex"), []byte("x"), 0o644))
	for _, force := range []bool{false, true} {
		o := silently(dir, 1)
		o.Force = force
		var refusal *DirectoryError
		if _, err := Run(context.Background(), plan, o); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "holds no run") {
			t.Errorf("force %v: error %v", force, err)
		}
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("a refused directory holds %d files", len(got))
	}
	if _, err := Run(context.Background(), plan, silently(filepath.Join(dir, "thesis.tex"), 1)); err == nil {
		t.Error("a run into a file worked")
	}
}

// A writer that calls a function on its first line about finished replicates.
type onProgress struct {
	lines int
	do    func()
}

func (w *onProgress) Write(p []byte) (int, error) {
	w.lines += bytes.Count(p, []byte("\n"))
	if w.lines >= 2 && w.do != nil {
		w.do()
		w.do = nil
	}
	return len(p), nil
}

// A run that is interrupted keeps its finished chunks, says so, and ends like
// an uninterrupted one when it is resumed.
func TestInterruptedRun(t *testing.T) {
	plan := planOf(smallStudy(runReplicates), "a")
	fresh := t.TempDir()
	mustRun(t, plan, silently(fresh, 2))
	want := files(t, fresh)

	for _, workers := range []int{1, 2} {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		clock := time.Unix(0, 0)
		o := Options{Dir: dir, Workers: workers, Progress: ProgressSetup{
			Writer: &onProgress{do: cancel}, Mode: ProgressJSON,
			Now: func() time.Time { clock = clock.Add(time.Minute); return clock }, // so that every chunk is told
		}}
		outcome, err := Run(ctx, plan, o)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if !outcome.Interrupted || outcome.Replicates == 0 || outcome.Replicates >= runReplicates {
			t.Errorf("%d workers: interrupted: %v, after %d replicates", workers, outcome.Interrupted, outcome.Replicates)
		}
		for name, text := range files(t, dir) {
			if want[name] != text {
				t.Errorf("%d workers: the interrupted run holds another %s", workers, name)
			}
		}
		resumed := silently(dir, workers)
		resumed.Resume = true
		mustRun(t, plan, resumed)
		checkSameFiles(t, "resumed", files(t, dir), want)
	}

	// Interrupted before it began: no replicate, no error, no damage.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	outcome, err := Run(ctx, plan, silently(t.TempDir(), 2))
	if err != nil || !outcome.Interrupted || outcome.Replicates != 0 {
		t.Errorf("%+v, error %v", outcome, err)
	}
	// Interrupted when nothing was left to do: it is done.
	o := silently(fresh, 2)
	o.Resume = true
	outcome, err = Run(ctx, plan, o)
	if err != nil || outcome.Interrupted || outcome.Replicates != runReplicates {
		t.Errorf("%+v, error %v", outcome, err)
	}
}

// A chunk that cannot be written ends the run with an error, on every worker.
func TestRunReportsWriteErrors(t *testing.T) {
	dir := t.TempDir()
	plan := planOf(smallStudy(runReplicates), "a")
	// A directory where a chunk should go cannot be replaced by a file.
	blocked := filepath.Join(dir, "chunks", "cell-0000-rep-000000200.parquet")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := Options{Dir: dir, Workers: 2, Progress: ProgressSetup{
		Writer: &onProgress{do: func() {}}, Mode: ProgressJSON,
		Now: func() time.Time { _ = os.MkdirAll(filepath.Join(blocked, "x"), 0o755); return time.Unix(0, 0) },
	}}
	if _, err := Run(ctx, plan, o); err == nil || !strings.Contains(err.Error(), "cell-0000-rep-000000200.parquet") {
		t.Errorf("error %v", err)
	}
}

func TestReplicateAllocatesNothing(t *testing.T) {
	if allocations := AllocationsPerReplicate(t, smallStudy(1)); allocations != 0 {
		t.Errorf("a replicate allocates %.2f times", allocations)
	}
}

// AllocationsPerReplicate counts the allocations of the hot loop, for tests
// outside the package.
func AllocationsPerReplicate(t testing.TB, s Study) float64 {
	t.Helper()
	replicate := Replicator(t, s)
	rep := 0
	return testing.AllocsPerRun(50, func() { replicate(rep); rep++ })
}

// Replicator returns the hot loop's body, for benchmarks outside the package.
func Replicator(t testing.TB, s Study) func(rep int) {
	t.Helper()
	g, err := s.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	panel, err := estimators.Bind(s.methods(), g.Shape(), s.Terms)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWorld(s, make([]float64, len(panel.Rows())))
	if err != nil {
		t.Fatal(err)
	}
	records := make([]Record, 0, len(w.rows))
	return func(rep int) { records = w.log(records[:0], rep) }
}

// SampleEffects and Controlled open the workings of estimands to the tests of
// package sim_test.
func SampleEffects(t testing.TB, targets []estimators.Target, g *dgp.Generator) func(*dgp.Data, *dgp.Truth) []float64 {
	t.Helper()
	e, err := newEffects(targets, g)
	if err != nil {
		t.Fatal(err)
	}
	return e.of
}

var Controlled = controlled

// PopulationEffectsOf returns the population effects of targets, with their MCSE.
func PopulationEffectsOf(trial dgp.Trial, targets []estimators.Target) (value, mcse []float64, err error) {
	return populationEffects(trial, targets, populationDraws, 2)
}

// PopulationEffects returns the population effects of a study by
// "estimator/outcome/term".
func PopulationEffects(t testing.TB, s Study, workers int) map[string]PopulationEffect {
	t.Helper()
	all, err := s.population(workers)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]PopulationEffect{}
	for _, e := range all {
		by[e.Estimator+"/"+e.Outcome+"/"+e.Term] = e
	}
	return by
}

// SmallStudy is smallStudy.
var SmallStudy = smallStudy

// Rows returns the records of one replicate.
func Rows(t testing.TB, s Study) func(rep int) []Record {
	t.Helper()
	w, err := newWorld(s, make([]float64, 1000))
	if err != nil {
		t.Fatal(err)
	}
	return func(rep int) []Record { return w.log(nil, rep) }
}

// Truths read back as they were, those that do not exist left out.
func TestTruthsReadBack(t *testing.T) {
	dir := t.TempDir()
	outcome := mustRun(t, planOf(smallStudy(10), "a"), silently(dir, 1))
	got, err := ReadTruths(dir)
	if err != nil {
		t.Fatal(err)
	}
	var want []PopulationEffect
	for _, truth := range outcome.Truths {
		if !math.IsNaN(truth.Value) {
			want = append(want, truth)
		}
	}
	if len(want) == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
	if got, err := ReadTruths(t.TempDir()); got != nil || err != nil {
		t.Errorf("a directory without truths has %v, %v", got, err)
	}
	must(t, os.WriteFile(filepath.Join(dir, truthsFile), []byte("cell,estimator,outcome,term,truth,mcse\n0,a,b,c,x,1\n"), 0o644))
	if _, err := ReadTruths(dir); err == nil || !strings.Contains(err.Error(), truthsFile+", line 2") {
		t.Errorf("a damaged file: %v", err)
	}
}
