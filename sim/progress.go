package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A ProgressMode is how a run tells how far it is. It is a pflag.Value.
type ProgressMode string

// The ways to tell.
const (
	ProgressAuto  ProgressMode = "auto"  // bar on a terminal, else plain
	ProgressBar   ProgressMode = "bar"   // one line, drawn again and again
	ProgressPlain ProgressMode = "plain" // a line at the start, every 30 s, and at the end
	ProgressJSON  ProgressMode = "json"  // an object a line, at most one a second
	ProgressNone  ProgressMode = "none"
)

// ProgressModes lists the modes.
func ProgressModes() []ProgressMode {
	return []ProgressMode{ProgressAuto, ProgressBar, ProgressPlain, ProgressJSON, ProgressNone}
}

func (m ProgressMode) String() string { return string(m) }

// Set accepts the name of a mode.
func (m *ProgressMode) Set(name string) error {
	if !slices.Contains(ProgressModes(), ProgressMode(name)) {
		return fmt.Errorf("%q is not one of auto, bar, plain, json, none", name)
	}
	*m = ProgressMode(name)
	return nil
}

// Type names the kind of value in a flag's help.
func (ProgressMode) Type() string { return "mode" }

// settle decides auto by what is written to.
func (m ProgressMode) settle(w io.Writer) ProgressMode {
	if m != ProgressAuto && m != "" {
		return m
	}
	if isTerminal(w) {
		return ProgressBar
	}
	return ProgressPlain
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Progress tells how far a run is. Its methods may be called from several
// goroutines. What cannot be written is dropped: no run fails for its progress.
type Progress struct {
	setup ProgressSetup
	every time.Duration // between two reports
	began time.Time

	mu   sync.Mutex
	sum  ProgressStep
	told time.Time
	wide int // of the bar on the screen

	read time.Time     // of the clock, the last time
	lost time.Duration // by which it was set back since the beginning
}

// A ProgressSetup says what a Progress reports on and where.
type ProgressSetup struct {
	Writer  io.Writer
	Mode    ProgressMode
	Total   int              // replicates
	Already int              // of these, done by an earlier run
	Label   string           // what the running power is of, such as "itt: achievement on coaching"; "" without one
	Width   int              // of the terminal; 0 is $COLUMNS or else 80
	Now     func() time.Time // nil is time.Now
}

// A ProgressStep is work that was done since the last step.
type ProgressStep struct {
	Replicates int
	Failures   int // fits that failed, of all estimators
	Tests      int // replicates of the labelled estimate
	Rejections int // of these, p <= alpha
}

// NewProgress begins to tell.
func NewProgress(setup ProgressSetup) *Progress {
	if setup.Now == nil {
		setup.Now = time.Now
	}
	if setup.Width <= 0 {
		setup.Width = terminalWidth()
	}
	setup.Mode = setup.Mode.settle(setup.Writer)
	p := &Progress{setup: setup}
	p.began = p.now()
	p.told = p.began
	switch setup.Mode {
	case ProgressBar:
		p.every = 200 * time.Millisecond
	case ProgressJSON:
		p.every = time.Second
	default:
		p.every = 30 * time.Second
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell(p.began, "start")
	return p
}

// now is the time on a clock that never runs back, also where the system has only one
// that can be set.
func (p *Progress) now() time.Time {
	read := p.setup.Now()
	p.lost += max(0, p.read.Sub(read))
	p.read = read
	return read.Add(p.lost)
}

// terminalWidth trusts the shell.
func terminalWidth() int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return 80
}

// Add reports work as done.
func (p *Progress) Add(step ProgressStep) {
	if p.setup.Mode == ProgressNone {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sum.Replicates += step.Replicates
	p.sum.Failures += step.Failures
	p.sum.Tests += step.Tests
	p.sum.Rejections += step.Rejections
	if now := p.now(); now.Sub(p.told) >= p.every {
		p.told = now
		p.tell(now, "progress")
	}
}

// Spare reports replicates as not needed any more.
func (p *Progress) Spare(replicates int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setup.Total -= replicates
}

// Done tells a last time and ends the line, also of a run that was cut short.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell(p.now(), "end")
}

func (p *Progress) tell(now time.Time, event string) {
	switch p.setup.Mode {
	case ProgressBar:
		p.drawBar(now, event)
	case ProgressPlain:
		fmt.Fprintf(p.setup.Writer, "%s\n", p.sentence(now, event))
	case ProgressJSON:
		p.writeJSON(now, event)
	}
}

// done is never more than the total: of a design that ended, workers may have done a
// little more.
func (p *Progress) done() int { return min(p.setup.Already+p.sum.Replicates, p.setup.Total) }

// rate is replicates a second of this run, 0 before the first.
func (p *Progress) rate(now time.Time) float64 {
	elapsed := now.Sub(p.began).Seconds()
	if elapsed <= 0 {
		return 0
	}
	return float64(p.sum.Replicates) / elapsed
}

// left is the time to the end at that rate, or negative when nobody knows.
func (p *Progress) left(now time.Time) time.Duration {
	rate := p.rate(now)
	if rate == 0 {
		return -1
	}
	return time.Duration(float64(p.setup.Total-p.done()) / rate * float64(time.Second))
}

// sentence is the plain report: 1,200/5,000 replicates (24%), 310/s, 12s left,
// 3 failed fits, power 45.2% ± 1.4 (itt: achievement on coaching).
func (p *Progress) sentence(now time.Time, event string) string {
	parts := []string{fmt.Sprintf("%s/%s replicates (%s)", grouped(p.done()), grouped(p.setup.Total), p.portion())}
	if rate := p.rate(now); rate > 0 {
		parts = append(parts, writtenRate(rate))
	}
	switch left := p.left(now); {
	case event == "end":
		parts = append(parts, "took "+writtenDuration(now.Sub(p.began)))
	case left >= 0:
		parts = append(parts, writtenDuration(left)+" left")
	}
	if n := p.sum.Failures; n == 1 {
		parts = append(parts, "1 failed fit")
	} else if n > 1 {
		parts = append(parts, grouped(n)+" failed fits")
	}
	if power, mcse := share(p.sum.Rejections, p.sum.Tests); p.sum.Tests > 0 {
		parts = append(parts, fmt.Sprintf("power %.1f%% ± %.1f (%s)", 100*power, 100*mcse, p.setup.Label))
	}
	return strings.Join(parts, ", ")
}

// portion rounds down: 100% is only said of all.
func (p *Progress) portion() string {
	if p.setup.Total <= 0 {
		return "100%"
	}
	return fmt.Sprintf("%d%%", int64(p.done())*100/int64(p.setup.Total))
}

// drawBar draws over the line that is there.
func (p *Progress) drawBar(now time.Time, event string) {
	const bar = 20
	filled := bar
	if p.setup.Total > 0 {
		filled = min(bar, max(0, bar*p.done()/p.setup.Total))
	}
	line := "[" + strings.Repeat("=", filled) + strings.Repeat(" ", bar-filled) + "] " + p.sentence(now, event)
	if runes := []rune(line); len(runes) >= p.setup.Width { // the last column would wrap
		line = string(runes[:max(0, p.setup.Width-1)])
	}
	wide := utf8.RuneCountInString(line)
	erase := strings.Repeat(" ", max(0, p.wide-wide))
	p.wide = wide
	if event == "end" {
		erase += "\n"
	}
	fmt.Fprintf(p.setup.Writer, "\r%s%s", line, erase)
}

// A progressReport is one line in the JSON mode.
type progressReport struct {
	Event     string   `json:"event"` // start, progress or end
	Done      int      `json:"done"`
	Total     int      `json:"total"`
	Elapsed   float64  `json:"elapsed_seconds"`
	Rate      float64  `json:"replicates_per_second"`
	Left      *float64 `json:"seconds_left"`
	Failures  int      `json:"failures"`
	Power     *float64 `json:"power"`
	PowerMCSE *float64 `json:"power_mcse"`
	PowerOf   string   `json:"power_of"`
}

func (p *Progress) writeJSON(now time.Time, event string) {
	report := progressReport{
		Event: event, Done: p.done(), Total: p.setup.Total,
		Elapsed: now.Sub(p.began).Seconds(), Rate: p.rate(now),
		Failures: p.sum.Failures, PowerOf: p.setup.Label,
	}
	if left := p.left(now); left >= 0 {
		seconds := left.Seconds()
		report.Left = &seconds
	}
	if power, mcse := share(p.sum.Rejections, p.sum.Tests); p.sum.Tests > 0 {
		report.Power, report.PowerMCSE = &power, &mcse
	}
	line, err := json.Marshal(report)
	if err != nil {
		return
	}
	_, _ = p.setup.Writer.Write(append(line, '\n'))
}

// writtenRate has two or three digits: 0.53/s, 5.3/s, 53/s, 5,300/s.
func writtenRate(perSecond float64) string {
	switch {
	case perSecond < 1:
		return strconv.FormatFloat(perSecond, 'f', 2, 64) + "/s"
	case perSecond < 10:
		return strconv.FormatFloat(perSecond, 'f', 1, 64) + "/s"
	}
	return grouped(int(math.Round(perSecond))) + "/s"
}

// writtenDuration rounds up to what a reader cares for: 45s, 12m30s, 3h05m.
func writtenDuration(d time.Duration) string {
	seconds := int64(math.Ceil(d.Seconds()))
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm%02ds", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%dh%02dm", seconds/3600, seconds%3600/60)
}
