package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// figureValues are the columns of testdata/figures_values.csv.
func figureValues(t *testing.T) map[string][]float64 {
	t.Helper()
	columns := map[string][]float64{}
	for _, row := range readCSV(t, "figures_values.csv") {
		for name, text := range row {
			columns[name] = append(columns[name], parseNumber(t, text))
		}
	}
	return columns
}

// TestFigureMeasuresAgainstR holds what figures show against testdata/figures.R.
func TestFigureMeasuresAgainstR(t *testing.T) {
	v := figureValues(t)
	sorted := slices.Sorted(slices.Values(v["first"]))
	of := func(s Simulated) []float64 { return []float64{s.Low, s.High} }
	got := map[string][]float64{
		"wilson 624 of 2000": of(Wilson(624./2000, 2000)),
		"wilson 0 of 30":     of(Wilson(0, 30)),
		"wilson 30 of 30":    of(Wilson(1, 30)),
		"wilson 1 of 7":      of(Wilson(1./7, 7)),
	}
	for _, q := range []float64{0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1} {
		got["quantile"] = append(got["quantile"], quantile(sorted, q))
	}

	estimate := newTally()
	for _, x := range v["first"] {
		estimate.add(&Record{Truth: math.NaN(), Estimate: estimators.Estimate{Value: x, SE: 1, P: 0.5}}, 0.05, newLimits(0.05))
	}
	m := estimate.measures(0.05)
	m.InverseDF = 1 / 11.5
	mdes := m.Detectable(0.05, 0.8)
	got["mdes"] = []float64{mdes.Value, mdes.MCSE}

	var curve []CurvePoint
	for i, power := range []float64{0.31, 0.62, 0.91} {
		curve = append(curve, CurvePoint{[]float64{10, 20, 40}[i], Wilson(power, 1000)})
	}
	reached := Reach(curve, 0.8)
	got["reach"] = []float64{reached.X, reached.Low, reached.High}

	h := NewHistogram(v["first"])
	for i, n := range h.Counts {
		got["histogram edges"] = append(got["histogram edges"], h.Edge(i))
		got["histogram counts"] = append(got["histogram counts"], float64(n))
	}
	got["histogram edges"] = append(got["histogram edges"], h.Edge(len(h.Counts)))

	var first, second, tested, intervals []Record
	for i := range v["first"] {
		estimate := func(x float64) Record {
			return Record{Replicate: i, Truth: 0.2, Estimate: estimators.Estimate{Value: x, SE: 0.3 + math.Abs(v["second"][i])/2, DF: 9, P: v["p"][i]}}
		}
		first, second = append(first, estimate(v["first"][i])), append(second, estimate(v["second"][i]))
	}
	tested, intervals = first, first
	p := MeasurePValues(tested)
	for _, n := range p.Counts {
		got["p counts"] = append(got["p counts"], float64(n))
	}
	got["p count band"] = []float64{p.Low, p.High}
	for _, k := range []float64{1, 2, 10, 137} {
		expected := -math.Log10((k - 0.5) / 137)
		i := slices.IndexFunc(p.Quantiles, func(q PQuantile) bool { return math.Abs(q.Expected-expected) < 1e-12 })
		if i < 0 {
			t.Fatalf("no quantile %v", k)
		}
		q := p.Quantiles[i]
		got["p expected"], got["p observed"] = append(got["p expected"], q.Expected), append(got["p observed"], q.Observed)
		got["p low"], got["p high"] = append(got["p low"], q.Low), append(got["p high"], q.High)
	}

	pairs := PairEstimates(first, second)
	got["correlation"] = []float64{pairs.Correlation}
	got["difference"] = []float64{pairs.Difference.Value, pairs.Difference.MCSE}

	at := []float64{1, 1.2, 2, 3.7, 6.5, 7}
	got["density bounded"] = KernelDensity(v["score"], at, Support{1, 7})
	got["density open"] = KernelDensity(v["score"], at, Unbounded())

	zip := NewZip(intervals, 0.1, 1000)
	got["zip covered"] = []float64{zip.Coverage.Value}
	for _, k := range []int{0, 1, 68, 136} {
		got["zip low"], got["zip high"] = append(got["zip low"], zip.Bars[k].Low), append(got["zip high"], zip.Bars[k].High)
	}

	want := map[string][]float64{}
	for _, row := range readCSV(t, "figures_R.csv") {
		want[row["name"]] = append(want[row["name"]], parseNumber(t, row["value"]))
	}
	for name, numbers := range want {
		if len(got[name]) != len(numbers) {
			t.Errorf("%s: %d numbers, R has %d", name, len(got[name]), len(numbers))
			continue
		}
		bound := 1e-11
		if name == "p low" || name == "p high" {
			bound = 1e-8 // inverses of the incomplete beta function
		}
		for i, x := range numbers {
			if math.Abs(got[name][i]-x) > bound*max(1, math.Abs(x)) {
				t.Errorf("%s, %d: %.15g, R says %.15g", name, i, got[name][i], x)
			}
		}
	}
	if len(want) != len(got) {
		t.Errorf("R has %d numbers, we have %d", len(want), len(got))
	}
}

// What figures show agrees with what the summary says.
func TestFigureMeasuresAgainstSummary(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var log, a, b []Record
	for rep := range 300 {
		for e, name := range []string{"A", "B"} {
			r := Record{Replicate: rep, Estimator: name, Outcome: "y", Term: "z", Estimand: "population", Truth: 0.3}
			r.Value, r.SE, r.DF, r.P = 0.3+0.2*rng.NormFloat64(), 0.2, 5+20*rng.Float64(), rng.Float64()
			if rng.Float64() < 0.1 {
				r.Status = estimators.TooFewClusters
			}
			log = append(log, r)
			if e == 0 {
				a = append(a, r)
			} else {
				b = append(b, r)
			}
		}
	}
	summary, err := Summarise(InMemory(log), 0.05, nil)
	if err != nil {
		t.Fatal(err)
	}
	row := &summary.Rows[0]
	zip := NewZip(a, 0.05, 50)
	if zip.Coverage != row.Coverage() || zip.N != row.Intervals || len(zip.Bars) != 50 {
		t.Errorf("%d intervals of the zip plot cover %v, the summary's %d cover %v", zip.N, zip.Coverage, row.Intervals, row.Coverage())
	}
	for i, bar := range zip.Bars { // what covers lies below what does not
		if i > 0 && bar.Covers && !zip.Bars[i-1].Covers {
			t.Errorf("bar %d covers, the one below does not", i)
		}
	}
	differences, err := CompareEstimators(InMemory(log), Pairing{}, 0.05, nil)
	if err != nil {
		t.Fatal(err)
	}
	pairs, d := PairEstimates(a, b), differences.Rows[0]
	if len(pairs.First) != d.NBoth || math.Abs(pairs.Correlation-d.Correlation) > 1e-12 ||
		math.Abs(pairs.Difference.Value-d.BiasDiff) > 1e-12 || math.Abs(pairs.Difference.MCSE-d.BiasDiffMCSE) > 1e-12 {
		t.Errorf("pairs differ by %v (r %v) in %d, estimators by %v (%v; r %v) in %d",
			pairs.Difference, pairs.Correlation, len(pairs.First), d.BiasDiff, d.BiasDiffMCSE, d.Correlation, d.NBoth)
	}
	if h := NewHistogram(valuesThatWorked(a)); h.Used != row.N-row.NFail {
		t.Errorf("the histogram has %d estimates, %d fits worked", h.Used, row.N-row.NFail)
	}
}

func valuesThatWorked(records []Record) (values []float64) {
	for _, r := range records {
		if r.Status.Worked() {
			values = append(values, r.Value)
		}
	}
	return values
}

// A density within bounds holds all of its mass there; one cut without reflection
// would lose what runs over.
func TestDensityStaysWithinItsBounds(t *testing.T) {
	score := figureValues(t)["score"]
	const n = 20000
	at := make([]float64, n+1)
	for i := range at {
		at[i] = -2 + 12*float64(i)/n
	}
	mass := func(on Support) (inside, outside float64) {
		for i, d := range KernelDensity(score, at, on) {
			if at[i] >= 1 && at[i] <= 7 {
				inside += d * 12 / n
			} else {
				outside += d * 12 / n
			}
		}
		return inside, outside
	}
	if in, out := mass(Support{1, 7}); math.Abs(in-1) > 1e-3 || out != 0 {
		t.Errorf("reflected: %v within the scale and %v outside", in, out)
	}
	if in, out := mass(Unbounded()); math.Abs(in+out-1) > 1e-3 || out < 0.05 {
		t.Errorf("open: %v within the scale and %v outside", in, out)
	}
	d := Densities([]string{"a"}, [][][]float64{{score, score[:40]}}, Support{1, 7})
	if x := d[0].X; d[0].Sets != 2 || x[0] != 1 || x[len(x)-1] > 7 {
		t.Errorf("the line of %d sets runs from %v to %v", d[0].Sets, x[0], x[len(x)-1])
	}
	for i := range d[0].X { // of two numbers: linear between them
		both := []float64{KernelDensity(score, d[0].X[i:i+1], Support{1, 7})[0], KernelDensity(score[:40], d[0].X[i:i+1], Support{1, 7})[0]}
		low, high := slices.Min(both), slices.Max(both)
		if math.Abs(d[0].Median[i]-(low+high)/2) > 1e-12 || math.Abs(d[0].Low[i]-(0.95*low+0.05*high)) > 1e-12 || math.Abs(d[0].High[i]-(0.05*low+0.95*high)) > 1e-12 {
			t.Errorf("at %v: %v, %v to %v; the sets have %v", d[0].X[i], d[0].Median[i], d[0].Low[i], d[0].High[i], both)
		}
	}
}

// Numbers that figures cannot be made of give none, never a panic.
func TestFigureMeasuresOfNothing(t *testing.T) {
	nan := math.NaN()
	failed := []Record{{Truth: 1, Estimate: estimators.Estimate{Value: nan, SE: nan, P: nan, Status: estimators.NotConverged}}}
	if z := NewZip(failed, 0.05, 10); z.N != 0 {
		t.Errorf("zip %v", z)
	}
	if p := MeasurePValues(failed); p.N != 0 {
		t.Errorf("p-values %v", p)
	}
	if p := PairEstimates(failed, failed); len(p.First) != 0 {
		t.Errorf("pairs %v", p)
	}
	if h := NewHistogram([]float64{nan, math.Inf(1)}); h.Used != 0 || len(h.Counts) != 0 {
		t.Errorf("histogram %v", h)
	}
	for _, estimates := range [][]float64{{2}, {2, 2, 2}, {0}, {-3, -3}} {
		if h := NewHistogram(estimates); len(h.Counts) != 1 || h.Counts[0] != len(estimates) || !(h.Edge(0) < estimates[0] && estimates[0] < h.Edge(1)) {
			t.Errorf("histogram of %v: %v", estimates, h)
		}
	}
	if d := Densities([]string{"a"}, [][][]float64{{{1, 1}, {}}}, Unbounded()); d != nil {
		t.Errorf("densities %v", d)
	}
	for _, s := range []Simulated{Wilson(nan, 10), Wilson(0.5, 0), Wilson(-0.1, 10), (&Measures{EmpSE: 0}).StdBias(), (&Measures{EmpSE: nan}).StdBias()} {
		if !math.IsNaN(s.Value) || !math.IsNaN(s.Low) || !math.IsNaN(s.High) {
			t.Errorf("%v", s)
		}
	}
	if m := (&Measures{EmpSE: 1, InverseDF: nan}).Detectable(0.05, 0.8); !math.IsNaN(m.Value) {
		t.Errorf("MDES %v without degrees of freedom", m)
	}
	flat := []CurvePoint{{1, Wilson(0.8, 10)}, {2, Wilson(0.8, 10)}}
	for _, curve := range [][]CurvePoint{nil, flat[:1], flat, {{1, Wilson(0.1, 1000)}, {2, Wilson(0.2, 1000)}}} {
		if r := Reach(curve, 0.8); !math.IsNaN(r.X) {
			t.Errorf("%v reaches 80%% at %v", curve, r)
		}
	}
	if r := Reach([]CurvePoint{{1, Wilson(0, 10)}, {2, Wilson(1, 10)}}, 0.5); math.Abs(r.X-1.5) > 1e-12 {
		t.Errorf("from none to all: half at %v", r.X)
	}
	// Where a curve is drawn between its points it passes where it reaches a target, as do
	// the ends of its intervals; at its points it is what was simulated.
	rising := []CurvePoint{{1, Wilson(0.5, 1000)}, {2, Wilson(0.99, 1000)}}
	r := Reach(rising, 0.8)
	for _, at := range []struct{ x, got float64 }{
		{r.X, Between(rising[0], rising[1], r.X).Value}, {r.Low, Between(rising[0], rising[1], r.Low).High}, {r.High, Between(rising[0], rising[1], r.High).Low},
	} {
		if math.Abs(at.got-0.8) > 1e-12 {
			t.Errorf("at %v the curve is at %v", at.x, at.got)
		}
	}
	if got := Between(rising[0], rising[1], 2); math.Abs(got.Value-0.99) > 1e-12 {
		t.Errorf("at its end a curve is at %v", got)
	}
	if got := Between(CurvePoint{1, Wilson(1, 10)}, CurvePoint{2, Wilson(1, 10)}, 1.5); got.Value != 1 || got.High != 1 {
		t.Errorf("between two of 1 a curve is at %v", got)
	}
	falling := Reach([]CurvePoint{{1, Wilson(0.9, 1000)}, {2, Wilson(0.5, 1000)}}, 0.8)
	if !(falling.Low < falling.X && falling.X < falling.High) {
		t.Errorf("falling power: %v", falling)
	}
}

// The interval of a mean of shares lies within 0 to 1 and has a width; where the shares are
// each 0 or 1 it is Wilson's, and where they hardly vary nearly 1.96 standard errors wide.
func TestWilsonOfMean(t *testing.T) {
	for _, c := range []struct {
		mean, mcse float64
		n          int
	}{{0.03, 0.1, 3}, {0, 0, 5}, {1, 0, 5}, {0.4, nan, 1}, {0.4, 0, 10}, {1 + 1e-16, 1e-9, 10}} {
		s := wilsonOfMean(c.mean, c.mcse, c.n)
		if !(0 <= s.Low && s.Low <= s.Value && s.Value <= s.High && s.High <= 1) || c.mcse != 0 && s.Low == s.High {
			t.Errorf("%v: %v", c, s)
		}
	}
	if got, want := wilsonOfMean(0.3, math.Sqrt(0.3*0.7/200), 200), Wilson(0.3, 200); math.Abs(got.Low-want.Low) > 1e-3 || math.Abs(got.High-want.High) > 1e-3 {
		t.Errorf("%v of shares 0 or 1, Wilson's is %v", got, want)
	}
	if got, want := wilsonOfMean(0.3, 0.002, 200), Around(0.3, 0.002); math.Abs(got.Low-want.Low) > 5e-5 || math.Abs(got.High-want.High) > 5e-5 {
		t.Errorf("%v, of a normal mean %v", got, want)
	}
	if got := wilsonOfMean(0, 0, 5); got != Wilson(0, 5) {
		t.Errorf("%v of five times 0", got)
	}
}

// The densities of a study are those of its data sets.
func TestStudyDensities(t *testing.T) {
	study := smallStudy(1)
	variables, err := StudyDensities(study, 3)
	if err != nil {
		t.Fatal(err)
	}
	g, err := study.Trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	shape := g.Shape()
	total := variables[len(variables)-1]
	if total.Part != TotalAchievement || total.Name != study.Achievement.Total || len(total.Densities) != len(shape.Arms) {
		t.Fatalf("%+v", total)
	}
	// The middle data set of three, arm by arm.
	for arm, d := range total.Densities {
		var each [][]float64
		for rep := range 3 {
			data, _ := g.Draw(dgp.Stream{Seed: study.Seed, Replicate: uint64(rep)})
			each = append(each, KernelDensity(valuesOf(shape, data, shape.Index(total.Name), arm), d.X, Unbounded()))
		}
		for i := range d.X {
			three := []float64{each[0][i], each[1][i], each[2][i]}
			slices.Sort(three)
			if fmt.Sprint(three[1]) != fmt.Sprint(d.Median[i]) {
				t.Fatalf("%s at %v: median %v of %v", d.Group, d.X[i], d.Median[i], three)
			}
		}
	}
}
