// Package cluster writes what schedulers want to run the shards of a study:
// batch scripts, manifests and job definitions, one file here for each engine.
package cluster

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A Job is one study cut into shards, each of which is a run of its own, and
// the merge of their results.
type Job struct {
	Name    string // short, for people; engines fit it to their rules
	Study   []byte // the resolved study
	Plan    string // its hash
	Program string // the coachsim binary, where the shards run
	Shards  int
	Limits  Limits
	Dir     string // holds the files of the job and the shards; absolute
	Out     string // the merged run directory; absolute
	DiskMiB int    // that the shards and their merge take
	Submit  string // the command line, without --dry-run
	AtOnce  int    // shards that run at the same time; 0 is no limit
	Options Options
}

// Limits are what one shard may take.
type Limits struct {
	CPUs      int
	MemoryMiB int
	Time      time.Duration
}

// Options are what single engines ask for.
type Options struct {
	Partition, Account string   // Slurm
	Slurm              []string // further options of sbatch
	Image              string   // containers
	Namespace          string   // Kubernetes
	Claim              string   // a persistent volume claim that exists; "" makes one
	StorageClass       string   // of the claim that is made
	Queue              string   // AWS Batch
	FileSystem         string   // Amazon EFS
	Mount              string   // where that is mounted on this machine
	User               string   // UID:GID of a container
	Hosts              string   // GNU parallel
}

// A File of a job, for its directory.
type File struct {
	Name string
	Text []byte
}

// Minutes are the whole minutes that hold the time limit.
func (l Limits) Minutes() int {
	return int((l.Time + time.Minute - 1) / time.Minute)
}

// Seconds are those minutes.
func (l Limits) Seconds() int { return 60 * l.Minutes() }

// GoMemory is what the Go runtime is told to stay below: 9/10 of the limit.
func (l Limits) GoMemory() string { return fmt.Sprintf("%dMiB", l.MemoryMiB*9/10) }

// Merging are the limits of the merge, which reads every shard and draws figures.
func (l Limits) Merging() Limits {
	const least, mebibytes = 30 * time.Minute, 1024
	return Limits{CPUs: 1, MemoryMiB: max(l.MemoryMiB, mebibytes), Time: max(l.Time, least)}
}

// ParallelJobs is how many shards GNU parallel runs at a time on each machine.
func (j Job) ParallelJobs() string {
	if j.AtOnce > 0 {
		return strconv.Itoa(j.AtOnce)
	}
	return fmt.Sprintf("%d%%", max(1, 100/j.Limits.CPUs)) // of its processors
}

// inside is the path, in a container, of a file below the mounted file system.
func (j Job) inside(path string) (string, error) {
	rel, err := filepath.Rel(j.Options.Mount, path)
	return "/results/" + filepath.ToSlash(rel), err
}

// path is a file of the job's directory.
func (j Job) path(name ...string) string {
	return filepath.Join(append([]string{j.Dir}, name...)...)
}

// slug is the job's name in small letters, digits and hyphens, at most n of them,
// beginning and ending with a letter or digit, as DNS labels are.
func (j Job) slug(n int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(j.Name) {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			r = '-'
		}
		b.WriteRune(r)
	}
	name := strings.Trim(b.String(), "-")
	if len(name) > n {
		name = strings.TrimRight(name[:n], "-")
	}
	if name == "" {
		name = "study"
	}
	return name
}

// unique is a name that no job with another study or number of shards has.
func (j Job) unique() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s", j.Shards, j.Study))
	return fmt.Sprintf("coachsim-%s-%x", j.slug(24), sum[:4])
}

// CheckPath refuses paths that a scheduler would read as something else: Slurm
// expands %, parallel braces, and shells quotes and dollars.
func CheckPath(path string) error {
	for _, r := range path {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("/._-+,=@:~ ", r) {
			continue
		}
		return fmt.Errorf("%s: schedulers may misread %q in a path; use letters, digits, spaces and any of ._-+,=@:~", path, r)
	}
	return nil
}

// Quote makes one word of text for a POSIX shell.
func Quote(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,=@:") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
