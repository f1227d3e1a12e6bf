package sim

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coachsim/dgp"
)

// What the log takes on disk is forecast to within 10%, for whole chunks and for
// less than one, though only some of a chunk is simulated.
func TestForecastOfLog(t *testing.T) {
	for _, replicates := range []int{40, 250} {
		s := smallStudy(replicates)
		f, err := s.Forecast(context.Background(), 2)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "run")
		mustRun(t, planOf(s, "hash"), silently(dir, 2))
		entries, err := os.ReadDir(chunkDir(dir))
		if err != nil {
			t.Fatal(err)
		}
		var size int64
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size()
		}
		if math.Abs(float64(f.Log)/float64(size)-1) > 0.1 {
			t.Errorf("%d replicates: forecast %d bytes of log, which takes %d", replicates, f.Log, size)
		}
		if f.Trials != replicates || len(f.Probed) != 1 || f.Memory < f.Probed[0].World {
			t.Errorf("%d replicates: %+v", replicates, f)
		}
	}
}

// The forecast of time adds up from what was measured: twice the replicates take
// twice the time beyond the true effects, and on one worker all of it is in line.
// The clock is not compared with: machines are busy.
func TestForecastOfTime(t *testing.T) {
	s := smallStudy(500)
	f, err := s.Forecast(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	d := f.Probed[0]
	if !(d.PerTrial > 0 && d.Truths > 0 && d.Compile > 0) {
		t.Fatalf("probed %+v", d)
	}
	want := d.Truths + 500*d.PerTrial + d.Compile
	if math.Abs(float64(f.Time/want)-1) > 1e-9 || f.Truths != d.Truths {
		t.Errorf("forecast %v and %v of true effects, want %v and %v", f.Time, f.Truths, want, d.Truths)
	}
	for i := range s.Estimators {
		s.Estimators[i].Estimand = Sample
	}
	if f, err = s.Forecast(context.Background(), 1); err != nil || f.Truths != 0 {
		t.Errorf("effects in the sample take %v to find beforehand, %v", f.Truths, err)
	}
}

// One shard of one is the whole run; one of two has three of five chunks, and
// needs all true effects, whatever the machine of the forecast; a second worker
// takes one of the three, and memory.
func TestForecastOfShard(t *testing.T) {
	for _, workers := range []int{1, 2} {
		f, err := smallStudy(500).Forecast(context.Background(), workers)
		if err != nil {
			t.Fatal(err)
		}
		d := f.Probed[0]
		one, half, wide := f.Shard(1, 1), f.Shard(2, 1), f.Shard(2, 2)
		if workers == 1 && (one.Time != f.Time || one.Memory != f.Memory || one.Log != f.Log || one.Trials != 500) {
			t.Errorf("one shard takes %+v, the run %+v", one, f)
		}
		if half.Trials != 300 || half.Log != f.Log*3/5 {
			t.Errorf("half a run: %+v", half)
		}
		near := func(what string, got, want Seconds) {
			if math.Abs(float64(got/want)-1) > 1e-9 {
				t.Errorf("%d workers: %s takes %v, want %v", workers, what, got, want)
			}
		}
		near("finding effects", half.Truths, d.Truths)
		near("half a run", 5*(half.Time-half.Truths), 3*(one.Time-one.Truths))
		near("half a run on two workers", 3*(wide.Time-wide.Truths), 2*(half.Time-half.Truths))
		near("finding effects on two", 2*wide.Truths, d.Truths)
		if wide.Memory-half.Memory != garbage*d.World {
			t.Errorf("a worker adds %d bytes, want %d", wide.Memory-half.Memory, garbage*d.World)
		}
	}
}

// A long sweep is probed in some of its designs, from end to end.
func TestForecastOfSweep(t *testing.T) {
	s := smallStudy(10)
	for range 3*maxProbed - 1 {
		s.Cells = append(s.Cells, Cell{Study: smallStudy(10)})
	}
	begin := time.Now()
	f, err := s.Forecast(context.Background(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Probed) != maxProbed || f.Probed[1].Design != 3 || f.Trials != 10*(3*maxProbed-1) {
		t.Errorf("probed %d designs, the second %d, of %d trials", len(f.Probed), f.Probed[1].Design, f.Trials)
	}
	t.Log(time.Since(begin))
	var text strings.Builder
	if err := f.Write(&text); err != nil || !strings.Contains(text.String(), "710 trials of ") {
		t.Errorf("%q, %v", text.String(), err)
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Forecast(stopped, 1); err == nil {
		t.Error("goes on after it was stopped")
	}
}

// The items of a cost are the prices that there are, and their sum is the cost.
func TestCostItems(t *testing.T) {
	trial := smallStudy(1).Trial
	shape, err := trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	schools := float64(shape.Shape().Max[dgp.SchoolLevel])
	c := Cost{Fixed: 1000, School: 10, Treated: 100}
	items, err := c.Items(trial)
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 3 || items[0] != (CostItem{"fixed", 1, 1000}) || items[1] != (CostItem{"school", schools, 10}) || items[2].Unit != "treated_school" {
		t.Fatalf("%+v", items)
	}
	sum, err := c.Of(trial)
	if want := 1000 + 10*schools + 100*items[2].Units; err != nil || sum != want {
		t.Errorf("costs %g, want %g; %v", sum, want, err)
	}
}
