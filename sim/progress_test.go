package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// A fakeClock moves only when told to.
type fakeClock struct{ at time.Time }

func (c *fakeClock) now() time.Time          { return c.at }
func (c *fakeClock) advance(d time.Duration) { c.at = c.at.Add(d) }

func TestPlainProgress(t *testing.T) {
	var out bytes.Buffer
	clock := new(fakeClock)
	p := NewProgress(ProgressSetup{
		Writer: &out, Mode: ProgressPlain, Total: 6000, Already: 1000, Label: "itt: achievement on coaching", Now: clock.now,
	})
	for range 50 {
		clock.advance(1200 * time.Millisecond)
		p.Add(ProgressStep{Replicates: 100, Failures: 2, Tests: 100, Rejections: 45})
	}
	p.Done()
	want := `1,000/6,000 replicates (16%)
3,500/6,000 replicates (58%), 83/s, 30s left, 50 failed fits, power 45.0% ± 1.0 (itt: achievement on coaching)
6,000/6,000 replicates (100%), 83/s, 0s left, 100 failed fits, power 45.0% ± 0.7 (itt: achievement on coaching)
6,000/6,000 replicates (100%), 83/s, took 1m00s, 100 failed fits, power 45.0% ± 0.7 (itt: achievement on coaching)
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// Progress shows the power of the estimate that the trial is planned for, and of a sweep
// none: a mean over designs is the power of no design.
func TestProgressShowsThePrimaryEstimate(t *testing.T) {
	last := func(s Study) string {
		var out bytes.Buffer
		dir := t.TempDir()
		mustRun(t, planOf(s, "a"), Options{Dir: dir, Workers: 2, Progress: ProgressSetup{Writer: &out, Mode: ProgressPlain}})
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		_, power, _ := strings.Cut(lines[len(lines)-1], ", power ")
		return power
	}
	s := smallStudy(40)
	s.Families = []Family{{Name: "tests", Estimator: "itt", Term: "coaching", Outcomes: []string{"reading", "maths"}, Methods: []Adjustment{NoAdjustment, Holm}}}
	for _, c := range []struct {
		primary *Primary
		test    Test
		words   string
	}{
		{nil, Test{"itt", "achievement", "coaching"}, "(itt: achievement on coaching)"},
		{&Primary{Estimator: "girls", Outcome: "talk"}, Test{"girls", "talk", "coaching"}, "(girls: talk on coaching)"},
		{&Primary{Estimator: "itt", Outcome: "maths"}, Test{"itt", "maths", "coaching"}, "(itt: maths on coaching, before adjustment)"},
	} {
		s.Primary = c.primary
		sample := newSample(s, []Test{c.test})
		must(t, sample.grow(t.Context(), s.Replicates, 2))
		hits := 0
		for _, fit := range sample.fits[0] {
			if fit.Status.Worked() && fit.P <= s.Alpha {
				hits++
			}
		}
		power, mcse := share(hits, s.Replicates)
		if got, want := last(s), fmt.Sprintf("%.1f%% ± %.1f %s", 100*power, 100*mcse, c.words); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	sweep := sweptStudy(10, Common)
	var out bytes.Buffer
	outcome, err := Run(t.Context(), planOf(sweep, "a"), Options{Dir: t.TempDir(), Workers: 2, Progress: ProgressSetup{Writer: &out, Mode: ProgressPlain}})
	if err != nil || outcome.Replicates != 10*len(sweep.Cells) || strings.Contains(out.String(), "power") {
		t.Errorf("%v, of a sweep progress says %q", err, out.String())
	}
}

func TestBarIsDrawnAtMostFiveTimesASecond(t *testing.T) {
	var out bytes.Buffer
	clock := new(fakeClock)
	p := NewProgress(ProgressSetup{Writer: &out, Mode: ProgressBar, Total: 10000, Label: "a label that is long enough to be cut off", Width: 60, Now: clock.now})
	for range 10000 {
		clock.advance(time.Millisecond)
		p.Add(ProgressStep{Replicates: 1, Tests: 1})
	}
	if draws := strings.Count(out.String(), "\r"); draws != 1+50 {
		t.Errorf("%d draws in 10 s", draws)
	}
	p.Done()
	if strings.Count(out.String(), "\n") != 1 || !strings.HasSuffix(out.String(), "\n") {
		t.Errorf("the line does not end once: %q", out.String())
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(out.String(), "\n"), "\r") {
		if n := utf8.RuneCountInString(line); n >= 60 {
			t.Errorf("%d columns wide: %q", n, line)
		}
	}
	if !strings.Contains(out.String(), "\r[==========          ] 5,000/10,000 replicates (50%)") {
		t.Errorf("no half-full bar in %q", out.String())
	}
}

// A bar that gets shorter must cover what it replaces.
func TestBarErasesTheLongerOne(t *testing.T) {
	var out bytes.Buffer
	clock := new(fakeClock)
	p := NewProgress(ProgressSetup{Writer: &out, Mode: ProgressBar, Total: 1000, Width: 120, Now: clock.now})
	clock.advance(100 * time.Second)
	p.Add(ProgressStep{Replicates: 10})
	clock.advance(time.Second)
	p.Add(ProgressStep{Replicates: 980})
	p.Done()
	longest := 0
	for line := range strings.SplitSeq(strings.TrimSuffix(out.String(), "\n"), "\r") {
		n := utf8.RuneCountInString(line)
		if n < longest {
			t.Errorf("%q leaves %d columns of the one before", line, longest-n)
		}
		longest = max(longest, utf8.RuneCountInString(strings.TrimRight(line, " ")))
	}
}

func TestJSONProgress(t *testing.T) {
	var out bytes.Buffer
	clock := new(fakeClock)
	p := NewProgress(ProgressSetup{Writer: &out, Mode: ProgressJSON, Total: 4, Label: "itt", Now: clock.now})
	for range 4 {
		clock.advance(500 * time.Millisecond)
		p.Add(ProgressStep{Replicates: 1, Tests: 1, Rejections: 1})
	}
	p.Done()
	var events []string
	var last map[string]any
	for line := range strings.Lines(out.String()) {
		last = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		events = append(events, last["event"].(string))
	}
	if got := strings.Join(events, " "); got != "start progress progress end" {
		t.Errorf("events %s", got)
	}
	if last["done"] != 4.0 || last["elapsed_seconds"] != 2.0 || last["replicates_per_second"] != 2.0 || last["power"] != 1.0 || last["seconds_left"] != 0.0 {
		t.Errorf("last %v", last)
	}
}

func TestProgressNoneIsSilent(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(ProgressSetup{Writer: &out, Mode: ProgressNone, Total: 1})
	p.Add(ProgressStep{Replicates: 1})
	p.Done()
	if out.Len() > 0 {
		t.Errorf("wrote %q", out.String())
	}
}

func TestAutoIsPlainOffATerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, mode := range []ProgressMode{"", ProgressAuto} {
		if got := mode.settle(file); got != ProgressPlain {
			t.Errorf("%q settles to %q in a file", mode, got)
		}
		if got := mode.settle(new(bytes.Buffer)); got != ProgressPlain {
			t.Errorf("%q settles to %q in a buffer", mode, got)
		}
	}
}

// Run with -race.
func TestProgressFromManyGoroutines(t *testing.T) {
	var out bytes.Buffer
	p := NewProgress(ProgressSetup{Writer: &out, Mode: ProgressPlain, Total: 800})
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 100 {
				p.Add(ProgressStep{Replicates: 1, Failures: 1})
			}
		})
	}
	workers.Wait()
	p.Done()
	if !strings.Contains(out.String(), "800/800 replicates (100%)") || !strings.Contains(out.String(), "800 failed fits") {
		t.Errorf("wrote %q", out.String())
	}
}

func TestProgressOfNothing(t *testing.T) {
	for _, mode := range ProgressModes() {
		var out bytes.Buffer
		p := NewProgress(ProgressSetup{Writer: &out, Mode: mode, Now: new(fakeClock).now})
		p.Add(ProgressStep{})
		p.Done()
		if strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
			t.Errorf("%s: %q", mode, out.String())
		}
	}
}

func TestProgressModeSet(t *testing.T) {
	var mode ProgressMode
	for _, want := range ProgressModes() {
		if err := mode.Set(want.String()); err != nil || mode != want {
			t.Errorf("Set(%q): %v, %q", want, err, mode)
		}
	}
	if err := mode.Set("loud"); err == nil || mode != ProgressNone {
		t.Errorf("Set(loud): %v, %q", err, mode)
	}
}

func TestWrittenDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 200 * time.Millisecond: "1s", 59 * time.Second: "59s", time.Minute: "1m00s",
		12*time.Minute + 30*time.Second: "12m30s", 3*time.Hour + 5*time.Minute: "3h05m",
	} {
		if got := writtenDuration(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// A wall clock that is set back or forward in the middle of a run disturbs no count; what
// is left is unknown or wrong for a while, but never nonsense. (The clock of a run is
// monotonic; this one has only its wall reading.)
func TestProgressSurvivesAClockThatJumps(t *testing.T) {
	for _, mode := range []ProgressMode{ProgressPlain, ProgressBar, ProgressJSON} {
		for _, jump := range []time.Duration{-3 * time.Hour, -30 * 365 * 24 * time.Hour, 5 * time.Hour, 200 * 365 * 24 * time.Hour} {
			var out bytes.Buffer
			clock := &fakeClock{time.Unix(1_700_000_000, 0)}
			p := NewProgress(ProgressSetup{Writer: &out, Mode: mode, Total: 6000, Now: clock.now})
			for i := range 60 {
				clock.advance(time.Second)
				if i == 30 {
					clock.advance(jump)
				}
				p.Add(ProgressStep{Replicates: 100})
			}
			p.Done()
			text := out.String()
			for _, nonsense := range []string{": -", " -", "/-", "NaN", "Inf"} {
				if strings.Contains(text, nonsense) {
					t.Errorf("%s, %s: %q in\n%s", mode, jump, nonsense, text)
				}
			}
			if !strings.Contains(text, "6,000/6,000 replicates (100%)") && !strings.Contains(text, `"event":"end","done":6000,"total":6000`) {
				t.Errorf("%s, %s: the end is not told:\n%s", mode, jump, text)
			}
		}
	}
}
