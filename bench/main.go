// Command bench measures coachsim's units of work: beside the same work in R, and
// against the ratios stored in bench/baseline.json.
//
//	go run ./bench compare   every unit and its R twins, in turns, as ratios
//	go run ./bench guard     every unit over the cost of its machine's normals, and
//	                         what changed by more than 10 % since the baseline
//	go run ./bench record    the same, written to bench/baseline.json
//	go run ./bench scaling   how the time of a replicate grows with its sizes
//	go run ./bench workers   how much faster two workers are than one
//
// All figures are user CPU time of the process that did the work, on one core:
// wall time depends on what else the machine does. A figure of Go is the
// difference between a long and a short run of the benchmark over the difference
// in repetitions, so that what it takes to start is not in it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"

	"coachsim/bench/yardstick"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	rounds := flags.Int("rounds", 5, "measure everything so often, in turns")
	only := flags.String("unit", "", "measure only units whose name contains this")
	if len(args) == 0 {
		return errors.New("say compare, guard, record, scaling or workers")
	}
	verb := args[0]
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if _, err := os.Stat("go.mod"); err != nil {
		return errors.New("run it from the top of the checkout")
	}
	dir, err := os.MkdirTemp("", "coachsim-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	m := machine{dir: dir, built: map[string]string{}}
	var chosen []unit
	for _, u := range units {
		if strings.Contains(u.name, *only) {
			chosen = append(chosen, u)
		}
	}
	switch verb {
	case "compare":
		return compare(&m, chosen, *rounds, out)
	case "guard", "record":
		return guard(&m, chosen, *rounds, verb == "record", out)
	case "scaling":
		return scaling(&m, *rounds, out)
	case "workers":
		return workers(&m, *rounds, out)
	default:
		return fmt.Errorf("there is no %q; say compare, guard, record, scaling or workers", verb)
	}
}

// A unit is one piece of work that is timed.
type unit struct {
	name      string
	pkg       string // relative to the checkout
	benchmark string // a regular expression for go test -bench
	reps      int    // of the benchmark, about a second's worth
	peers     []peer
}

// A peer is the same work in R, a tool of peers.R.
type peer struct {
	tool string
	reps int // in a turn of a tenth of a second or more, as R's clock has milliseconds
}

var units = []unit{
	{"normals by math/rand/v2", "dgp", "^BenchmarkUnitNormals$", 4000, nil},
	{"the same normals, many at once", "dgp", "^BenchmarkUnitNormalsAtOnce$", 4000, nil},
	{"one regression, drawn and fitted", "configs", "^BenchmarkUnitOneRegression$", 3000, []peer{{"one-hand", 50}, {"one-sandwich", 8}, {"one-estimatr", 6}}},
	{"ecuador replicate", "configs", "^BenchmarkUnitEcuadorReplicate$", 800, []peer{{"paper-hand", 6}, {"paper-sandwich", 1}, {"paper-estimatr", 1}}},
	{"CR2 with degrees of freedom", "configs", "^BenchmarkUnitCR2$", 2000, []peer{{"cr2-estimatr", 3}, {"cr2-clubSandwich", 1}}},
	{"wild bootstrap, 999 draws", "configs", "^BenchmarkUnitWildBootstrap999$", 300, []peer{{"wild-hand", 10}, {"wild-interval", 8}}},
	{"REML", "configs", "^BenchmarkUnitREML$", 4000, []peer{{"reml-refit", 4}, {"reml-lmer", 2}}},
	{"LASSO, 10 folds, 100 penalties", "estimators/lasso", "^BenchmarkUnitLassoCV$/^exact$", 400, []peer{{"lasso-glmnet", 2}}},
	{"forest of 1000 trees", "estimators/forest", "^BenchmarkUnitForest1000$", 30, []peer{{"forest-party", 1}}},
	{"forest with importance", "estimators/forest", "^BenchmarkUnitForestImportance1000$", 20, []peer{{"importance-ranger", 1}, {"importance-party", 1}, {"importance-partykit", 1}}},
	{"both subjects of the Tanzania paper", "configs", "^BenchmarkUnitTanzaniaPipeline$", 2, nil},
	{"log written", "sim", "^BenchmarkUnitLog$", 50, nil},
	{"log summarised", "sim", "^BenchmarkUnitSummary$", 20, nil},
}

// A machine runs benchmarks and R.
type machine struct {
	dir   string
	built map[string]string // test binaries by package
}

// errMissing says that a benchmark or a package of R is not there.
var errMissing = errors.New("missing")

// time returns the milliseconds of user CPU time of one repetition of a unit.
func (m *machine) time(u unit) (float64, error) {
	binary, err := m.binary(u.pkg)
	if err != nil {
		return 0, err
	}
	long, err := m.spend(u, binary, u.reps+2)
	if err != nil {
		return 0, err
	}
	short, err := m.spend(u, binary, 2)
	if err != nil {
		return 0, err
	}
	return 1000 * (long - short).Seconds() / float64(u.reps), nil
}

// binary returns the benchmarks of a package, built once.
func (m *machine) binary(pkg string) (string, error) {
	if _, err := os.Stat(pkg); err != nil {
		return "", fmt.Errorf("%w: %s", errMissing, pkg)
	}
	binary, ok := m.built[pkg]
	if !ok {
		binary = filepath.Join(m.dir, strings.ReplaceAll(pkg, "/", "-")+".test")
		build := exec.Command("go", "test", "-c", "-o", binary, "./"+pkg) //nolint:gosec // a package of the table above
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return "", fmt.Errorf("building the benchmarks of %s: %w", pkg, err)
		}
		m.built[pkg] = binary
	}
	return binary, nil
}

func (m *machine) spend(u unit, binary string, reps int) (time.Duration, error) {
	_, spent, err := m.benchmark(u, binary, fmt.Sprintf("-test.benchtime=%dx", reps))
	return spent, err
}

// benchmark runs a unit on one core and returns what it printed and its user CPU time.
func (m *machine) benchmark(u unit, binary string, flags ...string) (printed string, spent time.Duration, err error) {
	c := exec.Command(binary, append([]string{"-test.run=^$", "-test.bench=" + u.benchmark, "-test.cpu=1"}, flags...)...) //nolint:gosec // the binary just built
	c.Dir = u.pkg
	c.Env = append(os.Environ(), "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1") // of a peer
	out, err := c.CombinedOutput()
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w\n%s", u.benchmark, err, out)
	}
	if !strings.Contains(string(out), "ns/op") {
		return "", 0, fmt.Errorf("%w: %s has no %s", errMissing, u.pkg, u.benchmark)
	}
	return string(out), c.ProcessState.UserTime(), nil
}

// peerTime is how long a unit and a peer take turns in a round.
const peerTime = 10 * time.Second

// A comparison is a unit in turns with a peer.
type comparison struct {
	own, peer float64 // milliseconds
	times     ratio
}

// A ratio is one that package yardstick measured in turns.
type ratio struct {
	median, low, high, atQuiet float64
	quiet, turns               float64
}

// ratioOf reads it in what a benchmark printed.
func ratioOf(printed string) (r ratio, err error) {
	for metric, x := range map[string]*float64{
		yardstick.Ratio: &r.median, yardstick.LowerQuartile: &r.low, yardstick.UpperQuartile: &r.high,
		yardstick.RatioQuiet: &r.atQuiet, yardstick.QuietTurns: &r.quiet, yardstick.Turns: &r.turns,
	} {
		var e error
		*x, e = reported(printed, metric)
		err = errors.Join(err, e)
	}
	return r, err
}

// String gives two cells of a table.
func (r ratio) String() string {
	return fmt.Sprintf("%s (%s to %s) | %s, %v of %v", digits(r.median), digits(r.low), digits(r.high), digits(r.atQuiet), r.quiet, r.turns)
}

// digits writes a figure with three digits, and thousands apart.
func digits(x float64) string {
	if x < 999.5 {
		return fmt.Sprintf("%.3g", x)
	}
	thousands, rest := math.Modf(math.Round(x) / 1000)
	return fmt.Sprintf("%.0f,%03.0f", thousands, 1000*rest)
}

// beside measures a unit in turns with a peer.
func (m *machine) beside(u unit, p peer, rounds int) (c comparison, err error) {
	binary, err := m.binary(u.pkg)
	if err != nil {
		return c, err
	}
	here, err := filepath.Abs("bench/peers.R")
	if err != nil {
		return c, err
	}
	printed, _, err := m.benchmark(u, binary, "-test.benchtime="+(time.Duration(rounds)*peerTime).String(), fmt.Sprintf("-peer=Rscript %s %s %d", here, p.tool, p.reps))
	if err != nil {
		if strings.Contains(err.Error(), yardstick.NoPeer) {
			err = fmt.Errorf("%w: %s", errMissing, p.tool)
		}
		return c, err
	}
	own, errOwn := reported(printed, "ns/op")
	peer, errPeer := reported(printed, yardstick.PeerMS)
	times, err := ratioOf(printed)
	return comparison{own / 1e6, peer, times}, errors.Join(errOwn, errPeer, err)
}

// reported returns a metric of what a benchmark printed.
func reported(printed, metric string) (float64, error) {
	fields := strings.Fields(printed)
	at := slices.Index(fields, metric)
	if at < 1 {
		return 0, fmt.Errorf("not measured by yardstick.Loop: no %s in %s", metric, printed)
	}
	return strconv.ParseFloat(fields[at-1], 64)
}

// A spread is the middle and the ends of repeated figures.
type spread struct{ Median, Low, High float64 }

func spreadOf(x []float64) spread {
	x = slices.Clone(x)
	slices.Sort(x)
	n := len(x)
	return spread{(x[(n-1)/2] + x[n/2]) / 2, x[0], x[n-1]}
}

func (s spread) String() string {
	return fmt.Sprintf("%.3g (%.3g to %.3g)", s.Median, s.Low, s.High)
}

// rounded keeps as many digits as repeat.
func (s spread) rounded() spread {
	digits := func(x float64) float64 { return math.Round(1000*x) / 1000 }
	return spread{digits(s.Median), digits(s.Low), digits(s.High)}
}

// compare prints every unit beside its peers.
func compare(m *machine, chosen []unit, rounds int, out io.Writer) error {
	if _, err := exec.LookPath("Rscript"); err != nil {
		return errors.New("there is no Rscript here; on Debian: apt-get install libopenblas0-pthread r-base-core r-cran-estimatr r-cran-sandwich r-cran-clubsandwich r-cran-lme4 r-cran-glmnet r-cran-party r-cran-partykit")
	}
	fmt.Fprintf(out, "CPU time of one repetition on one core; a unit and its peer take turns for %v;\n%s; %s.\n", time.Duration(rounds)*peerTime, describe(), describeR())
	fmt.Fprintf(out, "Quiet are the turns in which math/rand/v2's normals took no more than %.0f %% longer than in the fastest.\n\n", 100*(yardstick.Quiet-1))
	fmt.Fprintln(out, "| unit | coachsim, ms | in R | R, ms | times as long (quartiles of turns) | in quiet turns |")
	fmt.Fprintln(out, "|---|---:|---|---:|---:|---:|")
	for _, u := range chosen {
		if len(u.peers) == 0 {
			t, err := m.time(u)
			if errors.Is(err, errMissing) {
				continue
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "| %s | %s | | | | |\n", u.name, digits(t))
		}
		for i, p := range u.peers {
			name := ""
			if i == 0 {
				name = u.name
			}
			c, err := m.beside(u, p, rounds)
			if errors.Is(err, errMissing) {
				fmt.Fprintf(out, "| %s | | %s | not installed | | |\n", name, p.tool)
				continue
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "| %s | %s | %s | %s | %s |\n", name, digits(c.own), p.tool, digits(c.peer), c.times)
		}
	}
	return nil
}

// A baseline is what bench/baseline.json holds: each unit's time over that of the normals
// of an Ecuador replicate, drawn by math/rand/v2 in turns with it (package yardstick).
type baseline struct {
	Date    string
	Machine string
	Commit  string
	Rounds  int
	Ratio   map[string]spread
}

const baselineFile = "bench/baseline.json"

// guard measures the units as ratios to the normals, and compares or writes them.
func guard(m *machine, chosen []unit, rounds int, record bool, out io.Writer) error {
	var stored baseline
	if !record {
		text, err := os.ReadFile(baselineFile)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &stored); err != nil {
			return fmt.Errorf("%s: %w", baselineFile, err)
		}
		fmt.Fprintf(out, "Each unit over the normals of an Ecuador replicate, drawn by math/rand/v2; median of %d rounds (least to most), on %s;\nbaseline of %s, commit %s, on %s.\n", rounds, describe(), stored.Date, stored.Commit, stored.Machine)
	}
	now := baseline{Date: time.Now().UTC().Format(time.DateOnly), Machine: describe(), Commit: commit(), Rounds: rounds, Ratio: map[string]spread{}}
	for _, u := range chosen {
		if u.name == units[0].name {
			continue
		}
		ratios := make([]float64, rounds)
		var err error
		for i := range ratios {
			if ratios[i], err = m.overNormals(u); err != nil {
				break
			}
		}
		if errors.Is(err, errMissing) {
			continue
		}
		if err != nil {
			return err
		}
		s := spreadOf(ratios)
		now.Ratio[u.name] = s.rounded()
		old, known := stored.Ratio[u.name]
		switch change := s.Median/old.Median - 1; {
		case record:
			fmt.Fprintf(out, "%-36s %s\n", u.name, s)
		case !known:
			fmt.Fprintf(out, "%-36s %s  new\n", u.name, s)
		// A change is one where also the rounds do not overlap: machines are noisy.
		case change > 0.1 && s.Low > old.High, change < -0.1 && s.High < old.Low:
			fmt.Fprintf(out, "%-36s %s  CHANGED by %+.0f %% from %s\n", u.name, s, 100*change, old)
		default:
			fmt.Fprintf(out, "%-36s %s  as before (%+.0f %%)\n", u.name, s, 100*change)
		}
	}
	if !record {
		return nil
	}
	text, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(baselineFile, append(text, '\n'), 0o644)
}

// overNormals measures a unit over the normals, within a process of a second or of one
// repetition.
func (m *machine) overNormals(u unit) (float64, error) {
	binary, err := m.binary(u.pkg)
	if err != nil {
		return 0, err
	}
	printed, _, err := m.benchmark(u, binary, "-test.benchtime=1s", "-yardstick")
	if err != nil {
		return 0, err
	}
	return reported(printed, yardstick.Metric)
}

// scales are the sizes of a replicate that BenchmarkScaling varies, with as many
// repetitions as take about a second at the first.
var scales = []struct {
	name  string
	sizes []int
	reps  int
}{
	{"children", []int{10, 20, 40, 80, 160}, 1500},
	{"schools", []int{10, 20, 40, 80, 160}, 1500},
	{"covariates", []int{2, 4, 8, 16, 32, 64}, 2500},
	{"regressions", []int{1, 2, 4, 8, 16}, 1500},
}

// scaling prints the time of a replicate by each of its sizes, and the exponent of
// growth: the slope of a line through the logarithms, and that of the last doubling.
func scaling(m *machine, rounds int, out io.Writer) error {
	fmt.Fprintf(out, "User CPU time of a replicate, one core, median of %d rounds; %s.\n\n", rounds, describe())
	fmt.Fprintln(out, "| sizes | ms at each | exponent | of the last doubling |\n|---|---|---:|---:|")
	for _, s := range scales {
		ms := make([][]float64, len(s.sizes))
		for range rounds {
			for i, n := range s.sizes {
				reps := max(s.reps*s.sizes[0]/n, 20)
				t, err := m.time(unit{s.name, "configs", fmt.Sprintf("^BenchmarkScaling$/^%s=%d$", s.name, n), reps, nil})
				if err != nil {
					return err
				}
				ms[i] = append(ms[i], t)
			}
		}
		x, y := make([]float64, len(s.sizes)), make([]float64, len(s.sizes))
		sizes, times := make([]string, len(x)), make([]string, len(x))
		for i, n := range s.sizes {
			median := spreadOf(ms[i]).Median
			x[i], y[i] = math.Log(float64(n)), math.Log(median)
			sizes[i], times[i] = strconv.Itoa(n), fmt.Sprintf("%.3g", median)
		}
		_, exponent := stat.LinearRegression(x, y, nil, false)
		last := len(x) - 1
		fmt.Fprintf(out, "| %s %s | %s | %.2f | %.2f |\n", strings.Join(sizes, ", "), s.name, strings.Join(times, ", "), exponent, (y[last]-y[last-1])/(x[last]-x[last-1]))
	}
	return nil
}

// workers prints how many times faster two workers run whole studies than one does.
// It is the only figure of wall time: measure it on a machine that does nothing else.
func workers(m *machine, rounds int, out io.Writer) error {
	const pattern = "^BenchmarkWorkers$"
	binary, err := m.binary("configs")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Wall time of one worker over that of two, whole studies with their log, in %d turns each;\n%s.\n", rounds, describe())
	fmt.Fprintf(out, "Quiet are the turns in which normals on two cores took no more than %.0f %% longer than in the fastest.\n\n", 100*(yardstick.Quiet-1))
	fmt.Fprint(out, "| study | times as fast (quartiles of turns) | in quiet turns |\n|---|---:|---:|\n")
	c := exec.Command(binary, "-test.run=^$", "-test.bench="+pattern, fmt.Sprintf("-test.benchtime=%dx", rounds)) //nolint:gosec // the binary just built
	c.Dir = "configs"
	text, err := c.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", pattern, err)
	}
	for line := range strings.Lines(string(text)) {
		name, ok := strings.CutPrefix(line, "BenchmarkWorkers/")
		if !ok {
			continue
		}
		r, err := ratioOf(line)
		if err != nil {
			return err
		}
		name, _, _ = strings.Cut(name, " ")
		fmt.Fprintf(out, "| %s | %s |\n", strings.TrimSuffix(name, fmt.Sprintf("-%d", runtime.GOMAXPROCS(0))), r)
	}
	return nil
}

// describe names the machine.
func describe() string {
	name := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				name += ", " + strings.TrimSpace(value)
				break
			}
		}
	}
	return name + ", " + runtime.Version()
}

// describeR names R and its linear algebra, on which what is written by hand depends.
func describeR() string {
	out, err := exec.Command("Rscript", "-e", `cat(R.version.string, "with", extSoftVersion()[["BLAS"]])`).Output()
	if err != nil {
		return "R unknown"
	}
	return string(out)
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
