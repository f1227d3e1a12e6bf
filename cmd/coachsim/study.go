package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"coachsim/configs"
	"coachsim/dgp/spelling"
	"coachsim/sim"
)

// studyFlags are the flags of every command that takes a STUDY.
type studyFlags struct {
	flags      *pflag.FlagSet
	set        []string
	replicates int
	seed       string
}

func (f *studyFlags) add(flags *pflag.FlagSet) {
	f.flags = flags
	flags.StringArrayVar(&f.set, "set", nil, "override a key of the study, as `KEY=VALUE` (again for more); the value null takes a key away")
	flags.StringVar(&f.seed, "seed", "", "seed of the random draws: a whole `NUMBER` (default the study's)")
}

func (f *studyFlags) addReplicates(flags *pflag.FlagSet) {
	flags.IntVar(&f.replicates, "replicates", 0, "simulated trials: a whole `NUMBER` (default the study's)")
}

// settings turns flags into overrides of the study.
func (f *studyFlags) settings() ([]configs.Setting, error) {
	var all []configs.Setting
	for _, text := range f.set {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, usageError("--set %s: write KEY=VALUE, such as --set trial.schools=12", text)
		}
		all = append(all, configs.Setting{Key: strings.TrimSpace(key), Value: value})
	}
	if f.flags.Changed("seed") {
		if _, err := strconv.ParseUint(f.seed, 10, 64); err != nil {
			return nil, usageError("--seed %s: a seed is a whole number from 0 to 18446744073709551615", f.seed)
		}
		all = append(all, configs.Setting{Key: "seed", Value: f.seed})
	}
	if f.flags.Changed("replicates") {
		if f.replicates < 1 {
			return nil, usageError("--replicates %d: at least 1 trial must be simulated", f.replicates)
		}
		all = append(all, configs.Setting{Key: "replicates", Value: strconv.Itoa(f.replicates)})
	}
	return all, nil
}

// load reads the study that an argument names: a file, a preset, or - for
// standard input. It returns a short name for files made of it too.
func (f *studyFlags) load(s streams, argument string) (study sim.Study, name string, err error) {
	settings, err := f.settings()
	if err != nil {
		return study, "", err
	}
	text, source, name, err := readStudy(s, argument)
	if err != nil {
		return study, "", err
	}
	study, err = configs.Load(source, text, settings)
	return study, name, err
}

func readStudy(s streams, argument string) (text []byte, source, name string, err error) {
	if argument == "-" {
		text, err = io.ReadAll(s.in)
		return text, "standard input", "study", err
	}
	base := filepath.Base(argument)
	name = strings.TrimSuffix(base, filepath.Ext(base))
	text, err = os.ReadFile(argument)
	if err == nil {
		return text, argument, name, nil
	}
	if info, err := os.Stat(argument); err == nil && info.IsDir() {
		if _, err := os.Stat(filepath.Join(argument, "plan.yaml")); err == nil {
			return nil, "", "", usageError("%s is a run directory; its study is %s", argument, filepath.Join(argument, "plan.yaml"))
		}
		return nil, "", "", usageError("%s is a directory, not a study file", argument)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, "", "", &exitError{exitFile, err}
	}
	if preset, ok := configs.Preset(argument); ok {
		return preset, configs.BuiltIn(argument), argument, nil
	}
	none := usageError("there is no file %s, and no built-in study of that name; %s", argument, nearestOr("built in:", argument, configs.Presets()))
	if near := nearestFile(argument); near != "" {
		none = usageError("there is no file %s, and no built-in study of that name; did you mean %s?", argument, near)
	}
	return nil, "", "", none
}

// nearestFile is the study file whose name is nearest to that of one that is not there,
// in the same directory, and unless a built-in study's name is nearer; "" without one.
func nearestFile(argument string) string {
	dir, base := filepath.Split(argument)
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return ""
	}
	var names []string
	for _, entry := range entries {
		if ext := filepath.Ext(entry.Name()); !entry.IsDir() && (ext == ".yaml" || ext == ".yml") {
			names = append(names, entry.Name(), strings.TrimSuffix(entry.Name(), ext))
		}
	}
	near := spelling.Nearest(base, append(slices.Clone(names), configs.Presets()...))
	at := slices.Index(names, near)
	if at < 0 {
		return ""
	}
	return dir + names[at-at%2]
}

// completePresets offers the presets and files on the command line.
func completePresets(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return configs.Presets(), cobra.ShellCompDirectiveDefault
}

// runFlags are the flags of the commands that simulate.
type runFlags struct {
	studyFlags
	out      string
	workers  int
	resume   bool
	force    bool
	json     bool
	progress sim.ProgressMode
	untried  bool
	shard    sim.Shard // of run alone
	mcse     []string  // of run alone
}

func (f *runFlags) add(flags *pflag.FlagSet, dir string) {
	f.studyFlags.add(flags)
	f.addReplicates(flags)
	f.progress = sim.ProgressAuto
	flags.StringVar(&f.out, "out", "", "run `DIR`ectory (default "+dir+")")
	flags.IntVar(&f.workers, "workers", runtime.GOMAXPROCS(0), "`NUMBER` of parallel workers; no result depends on it")
	flags.BoolVar(&f.resume, "resume", false, "keep what an earlier run of the same study finished, and add what is missing")
	flags.BoolVar(&f.force, "force", false, "replace the run in the directory")
	flags.BoolVar(&f.json, "json", false, "print the result as one JSON object")
	flags.BoolVar(&f.untried, "untried", false, "begin a long run although an estimator fails in every trial fit, or the disk is too small")
	flags.Var(&f.progress, "progress", "`HOW` to tell progress: auto, bar, plain, json or none")
}

// check refuses what no run can have.
func (f *runFlags) check() error {
	if f.workers < 1 {
		return usageError("--workers %d: at least 1 is needed", f.workers)
	}
	return nil
}

// simulate runs a study into the run directory and measures it; a shard is not
// measured, and gives nil.
func (f *runFlags) simulate(c *cobra.Command, s streams, study sim.Study, dir string) (*finished, error) {
	plan, err := configs.Plan(study, build())
	if err != nil {
		return nil, err
	}
	plan = plan.Part(f.shard)
	if err := f.rehearse(c, s, study, dir); err != nil {
		return nil, err
	}
	outcome, err := sim.Run(c.Context(), plan, sim.Options{
		Dir: dir, Held: true, Workers: f.workers, Resume: f.resume, Force: f.force,
		Progress: sim.ProgressSetup{Writer: s.talk, Mode: f.progress},
	})
	if err != nil {
		if _, there := os.Stat(filepath.Join(dir, "plan.yaml")); there == nil && outcome.Replicates > 0 {
			fmt.Fprintf(s.talk, "%s of %s replicates are kept in %s. When what follows is mended, go on with --resume.\n", grouped(outcome.Replicates), grouped(outcome.Total), dir)
		}
		return nil, err
	}
	if !f.shard.Whole() {
		return nil, f.endShard(s, dir, outcome)
	}
	if outcome.Replicates == 0 {
		fmt.Fprintln(s.talk, "Interrupted before the first replicates were finished.")
		return nil, &exitError{exitInterrupted, nil}
	}
	done, err := open(dir, study)
	if err != nil {
		return nil, err
	}
	done.outcome = outcome
	return done, done.writeSummary()
}

// A run of so many trials is rehearsed.
const longRun = 2000

// rehearse looks before a long run whether every estimator works and its log will fit on
// the disk, and says what the run will take.
func (f *runFlags) rehearse(c *cobra.Command, s streams, study sim.Study, dir string) error {
	if study.Trials() < longRun {
		return nil
	}
	if !f.resume {
		var failed *sim.RehearsalError
		if err := study.Rehearse(c.Context()); errors.As(err, &failed) && !f.untried {
			return fmt.Errorf("%w: %s.\nNothing was run. To count the failures all the same, add --untried", err, statusInWords(failed.Status))
		} else if err != nil && failed == nil {
			return err
		}
	}
	tell := !f.resume && f.progress != sim.ProgressNone && f.progress != sim.ProgressJSON && !f.json
	tight, err := study.MayBeFull(dir)
	if err != nil {
		return err
	}
	if tight = tight && !f.untried; !tell && !tight {
		return nil
	}
	forecast, err := study.Forecast(c.Context(), f.workers)
	if err != nil {
		if c.Context().Err() != nil {
			return nil //nolint:nilerr // the run says that it was interrupted
		}
		return err
	}
	if !f.shard.Whole() {
		forecast = forecast.Shard(f.shard.N, f.workers)
	}
	if tell {
		if err := forecast.Write(s.talk); err != nil {
			return err
		}
	}
	if !tight {
		return nil
	}
	if err := forecast.CheckRoom(dir); err != nil {
		return &exitError{exitFile, fmt.Errorf("%w.\nNothing was run. Make room, or choose another disk with --out; to run as far as it goes, add --untried", err)}
	}
	return nil
}

// endShard says what a shard has done, and what to do when all have.
func (f *runFlags) endShard(s streams, dir string, outcome sim.Outcome) error {
	if outcome.Interrupted {
		fmt.Fprintf(s.talk, "Interrupted after %s of %s replicates of shard %s, kept in %s. Go on with --resume.\n", grouped(outcome.Replicates), grouped(outcome.Total), f.shard, dir)
		return &exitError{exitInterrupted, nil}
	}
	fmt.Fprintf(s.talk, "Finished shard %s: %s in %s. When all shards are finished, put them together with coachsim merge.\n", f.shard, count(outcome.Replicates, "replicate"), dir)
	return nil
}

// checkDirectory refuses a file where a directory is to be written.
func checkDirectory(dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return usageError("--out %s: is a file, not a directory", dir)
	}
	return nil
}
