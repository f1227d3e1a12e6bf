package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"coachsim/cmd/coachsim/cluster"
	"coachsim/configs"
	"coachsim/sim"
)

// submitFlags are the flags of submit.
type submitFlags struct {
	studyFlags
	engine  string
	shards  int
	out     string
	dryRun  bool
	force   bool
	cpus    int
	atOnce  int
	memory  memorySize
	time    time.Duration
	program string
	options cluster.Options
}

func newSubmit(s streams) *cobra.Command {
	var f submitFlags
	c := &cobra.Command{
		Use:   "submit STUDY",
		Short: "Run a study on many machines",
		Long: `Cut a study into shards and hand them to what runs jobs: Slurm, Kubernetes, GNU
parallel or AWS Batch. The files for it (scripts, manifests, the resolved study)
are written into the directory OUT-shards and submitted by its submit.sh; with
--dry-run they are printed, and nothing is written or submitted. Shards write
OUT-shards/0-of-N, 1-of-N, ...; their merge is the run directory OUT, with the
bytes that run would have written on one machine.

A shard that was stopped goes on where it was when it is submitted again. For
Slurm, merge tells which shards are missing and how to submit only these.

Without --time and --memory, a short probe of the study on this machine decides:
five minutes and three times the time forecast, twice the memory.`,
		Example: `  coachsim submit ecuador --engine slurm --shards 50 --replicates 100000 --dry-run
  coachsim submit big.yaml --engine slurm --shards 200 --partition short --account ed --time 2h --memory 1G
  coachsim submit big.yaml --engine k8s --shards 64 --image registry.example.org/coachsim:0.1 --storage-class nfs
  coachsim submit big.yaml --engine parallel --shards 40 --hosts 16/node1,16/node2`,
		Args:              cobra.ExactArgs(1),
		Annotations:       map[string]string{"wants": "one STUDY: a file, a built-in study's name, or -"},
		ValidArgsFunction: completePresets,
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			engine, _ := cluster.Find(f.engine)
			job, err := f.job(c, s, args[0])
			if err != nil {
				return err
			}
			files := engine.Files(job)
			if f.dryRun {
				for _, file := range files {
					fmt.Fprintf(s.out, "==> %s <==\n%s\n", filepath.Join(job.Dir, file.Name), file.Text)
				}
				return nil
			}
			if err := f.write(job, files); err != nil {
				return err
			}
			fmt.Fprintf(s.talk, "Wrote %s.\n", job.Dir)
			submit := exec.CommandContext(c.Context(), "sh", filepath.Join(job.Dir, "submit.sh")) //nolint:gosec // written above
			submit.Stdout, submit.Stderr = s.out, s.talk
			submit.Cancel = func() error { return submit.Process.Signal(syscall.SIGTERM) }
			if err := submit.Run(); err != nil {
				return fmt.Errorf("%s did not end well (%w); try it again with: sh %s", submit.Args[1], err, submit.Args[1])
			}
			return nil
		},
	}
	f.add(c.Flags())
	if err := c.RegisterFlagCompletionFunc("engine", cobra.FixedCompletions(cluster.EngineNames(), cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
	return c
}

func (f *submitFlags) add(flags *pflag.FlagSet) {
	f.studyFlags.add(flags)
	f.addReplicates(flags)
	own := func(flag, usage string) string {
		return strings.Join(cluster.Takers(flag), ", ") + ": " + usage
	}
	o := &f.options
	flags.StringVar(&f.engine, "engine", "", "what `RUNS` the shards: "+strings.Join(cluster.EngineNames(), ", "))
	flags.IntVar(&f.shards, "shards", 0, "`NUMBER` of shards, each with chunks of 100 trials")
	flags.StringVar(&f.out, "out", "", "run `DIR`ectory of the merged run (default coachsim-NAME); the shards are in DIR-shards")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would be submitted; write nothing")
	flags.BoolVar(&f.force, "force", false, "write the files of a job into DIR-shards again; finished shards are kept")
	flags.IntVar(&f.cpus, "cpus", 1, "`NUMBER` of processors of a shard")
	flags.IntVar(&f.atOnce, "at-once", 0, own("at-once", "`NUMBER` of shards at the same time, at most; parallel: on each machine"))
	flags.DurationVar(&f.time, "time", 0, own("time", "`LIMIT` of a shard, such as 90m or 2h30m"))
	flags.Var(&f.memory, "memory", own("memory", "`LIMIT` of a shard, such as 800M or 2G"))
	flags.StringVar(&f.program, "program", "", own("program", "`PATH` of coachsim where the shards run (default this program's)"))
	flags.StringVar(&o.Partition, "partition", "", own("partition", "`NAME` of the partition"))
	flags.StringVar(&o.Account, "account", "", own("account", "`NAME` to charge"))
	flags.StringArrayVar(&o.Slurm, "sbatch", nil, own("sbatch", "another `OPTION` of sbatch, such as --sbatch=--qos=short (again for more)"))
	flags.StringVar(&o.Hosts, "hosts", "", own("hosts", "`LIST` of machines for its --sshlogin, such as 16/node1,16/node2"))
	flags.StringVar(&o.Image, "image", "", own("image", "`NAME` of the container image"))
	flags.StringVar(&o.Namespace, "namespace", "", own("namespace", "`NAME` of the namespace"))
	flags.StringVar(&o.Claim, "claim", "", own("claim", "`NAME` of a volume claim that exists (default: one is made)"))
	flags.StringVar(&o.StorageClass, "storage-class", "", own("storage-class", "`NAME` of the storage class of the claim that is made"))
	flags.StringVar(&o.Queue, "queue", "", own("queue", "`NAME` of the job queue"))
	flags.StringVar(&o.FileSystem, "file-system", "", own("file-system", "`ID` of the file system, such as fs-0123456789abcdef0"))
	flags.StringVar(&o.Mount, "mount", "", own("mount", "`DIR`ectory where that is mounted on this machine, above --out"))
	flags.StringVar(&o.User, "user", "", own("user", "`UID:GID` of the container (default yours)"))
}

// Forms of what engines are told.
var (
	oneWord  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.,:@/-]*$`)
	dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	dnsName  = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
	efsID    = regexp.MustCompile(`^fs-[0-9a-f]{8,40}$`)
	numbers  = regexp.MustCompile(`^[1-9][0-9]*:[0-9]+$`)
	printing = regexp.MustCompile(`^[[:print:]]+$`)
	option   = regexp.MustCompile(`^-[[:print:]]+$`)
)

// check finds every fault of the flags.
func (f *submitFlags) check() error {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	engine, known := cluster.Find(f.engine)
	switch {
	case f.engine == "":
		fault("--engine is missing: one of %s", strings.Join(cluster.EngineNames(), ", "))
	case !known:
		fault("--engine %s: must be one of %s", f.engine, strings.Join(cluster.EngineNames(), ", "))
	}
	switch least := max(1, engine.MinShards); {
	case !f.flags.Changed("shards"):
		fault("--shards is missing: how many jobs the study is cut into")
	case f.shards < least:
		fault("--shards %d: at least %d is needed", f.shards, least)
	case engine.MaxShards > 0 && f.shards > engine.MaxShards:
		fault("--shards %d: %s takes at most %d", f.shards, f.engine, engine.MaxShards)
	}
	if f.cpus < 1 {
		fault("--cpus %d: at least 1 is needed", f.cpus)
	}
	if f.atOnce < 1 && f.flags.Changed("at-once") {
		fault("--at-once %d: at least 1 is needed", f.atOnce)
	}
	if f.time < 2*time.Minute && f.flags.Changed("time") {
		fault("--time %v: at least 2m is needed, since a shard is told to stop a minute before", f.time)
	}
	for _, flag := range cluster.OwnFlags() {
		given := f.flags.Changed(flag)
		if known && given && !slices.Contains(engine.Flags, flag) {
			fault("--%s: only for --engine %s", flag, strings.Join(cluster.Takers(flag), " or "))
		}
		if slices.Contains(engine.Needs, flag) && !given {
			fault("--%s is missing: --engine %s needs it", flag, f.engine)
		}
	}
	form := func(flag, value string, form *regexp.Regexp, wants string) {
		if f.flags.Changed(flag) && !form.MatchString(value) {
			fault("--%s %s: must be %s", flag, value, wants)
		}
	}
	o := f.options
	form("partition", o.Partition, oneWord, "one word")
	form("account", o.Account, oneWord, "one word")
	form("hosts", o.Hosts, printing, "a list such as 16/node1,16/node2")
	form("image", o.Image, oneWord, "one word, such as registry.example.org/coachsim:0.1")
	form("namespace", o.Namespace, dnsLabel, "a name in small letters, digits and hyphens")
	form("claim", o.Claim, dnsName, "a name in small letters, digits, dots and hyphens")
	form("storage-class", o.StorageClass, dnsName, "a name in small letters, digits, dots and hyphens")
	form("queue", o.Queue, oneWord, "the name or ARN of a job queue")
	form("file-system", o.FileSystem, efsID, "the ID of an EFS file system, such as fs-0123456789abcdef0")
	form("user", o.User, numbers, "UID:GID in numbers, such as 1000:1000, and not root")
	for _, text := range o.Slurm {
		if !option.MatchString(text) {
			fault("--sbatch %s: must be an option of sbatch, such as --sbatch=--qos=short", text)
		}
	}
	if o.Claim != "" && o.StorageClass != "" {
		fault("--storage-class: a claim that exists (--claim) has its class already")
	}
	for _, flag := range []struct{ name, value string }{{"out", f.out}, {"program", f.program}, {"mount", o.Mount}} {
		if err := cluster.CheckPath(flag.value); err != nil {
			fault("--%s %v", flag.name, err)
		}
	}
	if len(faults) > 0 {
		return usageError("%s\nSee: coachsim submit --help", strings.Join(faults, "\ncoachsim: "))
	}
	return nil
}

// job loads the study and works out what its shards take.
func (f *submitFlags) job(c *cobra.Command, s streams, argument string) (cluster.Job, error) {
	var j cluster.Job
	study, name, err := f.load(s, argument)
	if err != nil {
		return j, err
	}
	for _, warning := range study.Warnings() {
		fmt.Fprintf(s.talk, "Warning: %s.\n", warning)
	}
	if chunks := study.Chunks(); f.shards > chunks {
		return j, usageError("--shards %d: more than the %s of %d trials that there are to share out", f.shards, count(chunks, "chunk"), study.ChunkSize())
	}
	plan, err := configs.Plan(study, build())
	if err != nil {
		return j, err
	}
	out := f.out
	if out == "" {
		out = "coachsim-" + name
	}
	j = cluster.Job{Name: name, Study: plan.Text, Program: f.program, Shards: f.shards, AtOnce: f.atOnce, Options: f.options, Submit: commandLine(c, argument)}
	if j.Out, err = filepath.Abs(out); err != nil {
		return j, err
	}
	j.Dir = j.Out + "-shards"
	if err := cluster.CheckPath(j.Dir); err != nil {
		return j, usageError("--out %v", err)
	}
	engine, _ := cluster.Find(f.engine)
	if slices.Contains(engine.Flags, "program") {
		if err := findProgram(&j); err != nil {
			return j, err
		}
	}
	if slices.Contains(engine.Flags, "mount") {
		if err := findMount(&j); err != nil {
			return j, err
		}
	}
	if f.engine == "k8s" && len(plan.Text) > cluster.MaxConfigMap {
		return j, usageError("the resolved study has %d bytes; a ConfigMap of Kubernetes holds %d", len(plan.Text), cluster.MaxConfigMap)
	}
	return j, f.limits(c, s, study, &j)
}

// limits gives a shard what was asked for, or what a probe forecasts.
func (f *submitFlags) limits(c *cobra.Command, s streams, study sim.Study, j *cluster.Job) error {
	j.Limits = cluster.Limits{CPUs: f.cpus, MemoryMiB: int(f.memory), Time: f.time}
	j.DiskMiB = 1024
	if f.time > 0 && f.memory > 0 && f.engine != "k8s" || f.engine == "parallel" {
		return nil
	}
	forecast, err := study.Forecast(c.Context(), 1)
	if err != nil {
		return searched(c.Context(), s.talk, err)
	}
	const mebi, gibi = 1 << 20, 1 << 30
	j.DiskMiB = 1024 * int(1+3*forecast.Log/gibi) // the shards, their merge, and as much again
	shard := forecast.Shard(f.shards, f.cpus)
	fmt.Fprint(s.talk, "Each shard takes ")
	if err := shard.Write(s.talk); err != nil {
		return err
	}
	if j.Limits.Time == 0 {
		j.Limits.Time = 5*time.Minute + 3*time.Duration(float64(shard.Time)*float64(time.Second))
	}
	if j.Limits.MemoryMiB == 0 {
		const step = 256
		j.Limits.MemoryMiB = step * int(1+2*shard.Memory/mebi/step)
	}
	return nil
}

// findProgram is this program, if the shards can find it too.
func findProgram(j *cluster.Job) error {
	if j.Program == "" {
		path, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding this program: %w; name it with --program", err)
		}
		if strings.Contains(filepath.ToSlash(path), "/go-build") {
			return usageError("go run deletes its program when it ends; install coachsim (go install ./cmd/coachsim), or name it with --program")
		}
		j.Program = path
	}
	if !filepath.IsAbs(j.Program) {
		return usageError("--program %s: must be an absolute path, the same on all machines", j.Program)
	}
	if err := cluster.CheckPath(j.Program); err != nil {
		return usageError("--program %v", err)
	}
	return nil
}

// findMount wants the job's directory to be below the mounted file system.
func findMount(j *cluster.Job) error {
	mount, err := filepath.Abs(j.Options.Mount)
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(mount, j.Out); err != nil || rel == "." || !filepath.IsLocal(rel) {
		return usageError("--mount %s: the run directory %s is not below it; say where with --out", j.Options.Mount, j.Out)
	}
	j.Options.Mount = mount
	if j.Options.User == "" {
		j.Options.User = fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())
		if os.Getuid() < 1 {
			return usageError("--user is missing: containers should not run as root; give the UID:GID who may write in %s", filepath.Dir(j.Out))
		}
	}
	return nil
}

// write makes the job's directory.
func (f *submitFlags) write(j cluster.Job, files []cluster.File) error {
	if err := checkDirectory(j.Out); err != nil {
		return err
	}
	if entries, err := os.ReadDir(j.Out); err == nil && len(entries) > 0 {
		return usageError("%s is not empty; choose another directory with --out", j.Out)
	}
	old, err := os.ReadFile(filepath.Join(j.Dir, "study.yaml"))
	switch {
	case err == nil && !f.force:
		return usageError("%s holds a job already; submit it again with sh %s, write its files anew with --force, or choose another directory with --out", j.Dir, filepath.Join(j.Dir, "submit.sh"))
	case err == nil && string(old) != string(j.Study):
		return usageError("%s holds the job of another study; choose another directory with --out", j.Dir)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return &exitError{exitFile, err}
	}
	shards, err := filepath.Glob(filepath.Join(j.Dir, "*-of-*"))
	if err != nil {
		return err
	}
	for _, dir := range shards {
		if !strings.HasSuffix(dir, fmt.Sprintf("-of-%d", j.Shards)) {
			return usageError("%s is of a job with another number of shards; choose another directory with --out", dir)
		}
	}
	if err := os.MkdirAll(filepath.Join(j.Dir, "logs"), 0o755); err != nil {
		return &exitError{exitFile, err}
	}
	for _, file := range files {
		if err := sim.ReplaceFile(filepath.Join(j.Dir, file.Name), func(w io.Writer) error {
			_, err := w.Write(file.Text)
			return err
		}); err != nil {
			return &exitError{exitFile, err}
		}
	}
	return nil
}

// commandLine is the command line that makes the same files, on one line.
func commandLine(c *cobra.Command, argument string) string {
	words := []string{"coachsim submit", cluster.Quote(argument)}
	c.Flags().Visit(func(flag *pflag.Flag) {
		switch value, isList := flag.Value.(pflag.SliceValue); {
		case flag.Name == "dry-run" || flag.Name == "force":
		case isList:
			for _, one := range value.GetSlice() {
				words = append(words, cluster.Quote("--"+flag.Name+"="+one))
			}
		default:
			words = append(words, "--"+flag.Name, cluster.Quote(flag.Value.String()))
		}
	})
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// memorySize is a number of MiB, written with M or G.
type memorySize int

func (m *memorySize) Set(text string) error {
	for suffix, factor := range map[string]float64{"M": 1, "G": 1024} {
		digits, ok := strings.CutSuffix(text, suffix)
		if !ok {
			continue
		}
		x, err := strconv.ParseFloat(digits, 64)
		if err != nil || !(x*factor >= 64 && x*factor <= 1<<24) {
			break
		}
		*m = memorySize(x*factor + 0.5)
		return nil
	}
	return errors.New("write a number with M (2^20 bytes) or G (2^30), such as 800M or 1.5G, from 64M to 16384G")
}

func (m *memorySize) String() string {
	if *m == 0 {
		return ""
	}
	return strconv.Itoa(int(*m)) + "M"
}

// Type names the kind of value in a flag's help.
func (*memorySize) Type() string { return "memory" }
