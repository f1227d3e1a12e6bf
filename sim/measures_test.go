package sim

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"coachsim/estimators"
)

var nan = math.NaN()

// numbersOf names every measure that is a number.
func numbersOf(m Measures) map[string]float64 {
	numbers := make(map[string]float64)
	v := reflect.ValueOf(m)
	for i := range v.NumField() {
		if x, ok := v.Field(i).Interface().(float64); ok {
			numbers[v.Type().Field(i).Name] = x
		}
	}
	return numbers
}

func sameBits(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

func near(a, b, tolerance float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	return math.Abs(a-b) <= tolerance*max(1, math.Abs(a), math.Abs(b))
}

// measured is the only row of a log that holds these records as replicates.
func measured(t interface{ Fatal(...any) }, alpha float64, records []Record) SummaryRow {
	for i := range records {
		records[i].Replicate = i
	}
	s, err := Summarise(InMemory(records), alpha, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Rows) != 1 {
		t.Fatal("not one row: ", len(s.Rows))
	}
	return s.Rows[0]
}

func fit(truth, estimate, se, df, p float64) Record {
	return Record{
		Estimator: "itt", Outcome: "y", Term: "coaching", Estimand: "population", Truth: truth,
		Estimate: estimators.Estimate{Value: estimate, SE: se, DF: df, P: p},
	}
}

func failure(truth float64, status estimators.Status) Record {
	r := fit(truth, nan, nan, nan, nan)
	r.Status = status
	return r
}

// Four trials of a true effect of 2, worked by hand, and one that failed.
// t(0.975, 4) = 2.776, so the half widths are 2.776, 2.776, 5.553, 2.776: the
// intervals hold 2 in trials 1, 2 and 3, and the mean estimate 2.5 in the same.
func TestMeasuresByHand(t *testing.T) {
	got := measured(t, 0.05, []Record{
		fit(2, 1, 1, 4, 0.37),
		fit(2, 3, 1, 4, 0.04),
		failure(2, estimators.TooFewClusters),
		fit(2, -1, 2, 4, 0.05),
		fit(2, 7, 1, 4, 0.01),
	})
	// d = -1, 1, -3, 5: d² = 1, 1, 9, 25, mean 9, deviations -8, -8, 0, 16, squares 384.
	// t - 2.5 = -1.5, 0.5, -3.5, 4.5: squares 35. s² = 1, 1, 4, 1: mean 7/4, Var 9/4.
	// |t|/2 among p <= 0.05 = 1.5, 0.5, 3.5: mean 11/6, squared deviations 14/3.
	e, m := math.Sqrt(35.0/3), math.Sqrt(1.75)
	want := map[string]float64{
		"Truth": 2, "TruthMCSE": nan, "Mean": 2.5, "Bias": 0.5, "BiasMCSE": e / 2, "RelBias": 0.25, "RelBiasMCSE": e / 4,
		"EmpSE": e, "EmpSEMCSE": e / math.Sqrt(6),
		"MeanSE": 1.25, "MeanSEMCSE": 0.25, "ModelSE": m, "ModelSEMCSE": math.Sqrt(2.25 / (4 * 4 * 1.75)),
		"RelError":     100 * (m/e - 1),
		"RelErrorMCSE": 100 * (m / e) * math.Sqrt(2.25/(4*4*1.75*1.75)+1.0/6),
		"MSE":          9, "MSEMCSE": math.Sqrt(384.0 / 12),
		"Cover": 0.75, "CoverMCSE": math.Sqrt(0.75 * 0.25 / 4),
		"BECover": 0.75, "BECoverMCSE": math.Sqrt(0.75 * 0.25 / 4),
		"Power": 3.0 / 5, "PowerMCSE": math.Sqrt(0.6 * 0.4 / 5),
		"TypeS": 1.0 / 3, "TypeSMCSE": math.Sqrt(2.0 / 9 / 3),
		"TypeM": 11.0 / 6, "TypeMMCSE": math.Sqrt(14.0 / 3 / 2 / 3),
		"MeanP": 0.47 / 4, "MeanPMCSE": math.Sqrt((0.37*0.37 + 0.04*0.04 + 0.05*0.05 + 0.01*0.01 - 0.47*0.47/4) / 12),
		"MDES": (2.7764451051977934 + 0.94096457723518134) * e, "MDESMCSE": (2.7764451051977934 + 0.94096457723518134) * e / math.Sqrt(6), "InverseDF": 0.25,
	}
	for name, got := range numbersOf(got.Measures) {
		if !near(got, want[name], 1e-14) {
			t.Errorf("%s = %v, want %v", name, got, want[name])
		}
	}
	if got.N != 5 || got.NFail != 1 || got.Failed[estimators.TooFewClusters] != 1 || got.Failed[estimators.OK] != 4 {
		t.Errorf("N = %d, NFail = %d, Failed = %v", got.N, got.NFail, got.Failed)
	}
}

// Base R, by testdata/measures.R.
func TestMeasuresEqualR(t *testing.T) {
	chunks := InMemory(readRecords(t, "measures_replicates.csv"))
	summary, err := Summarise(chunks, 0.05, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := readCSV(t, "measures_R.csv")
	columns := summaryColumns()
	if len(rows) != len(summary.Rows) {
		t.Fatalf("%d rows, R has %d", len(summary.Rows), len(rows))
	}
	for i, want := range rows {
		row := &summary.Rows[i]
		if row.Estimator != want["estimator"] {
			t.Fatalf("row %d is of %s, in R of %s", i, row.Estimator, want["estimator"])
		}
		compared := 0
		for _, c := range columns {
			if _, known := want[c.name]; !known { // the closed forms', which no log has
				continue
			}
			switch {
			case c.count != nil:
				if got := strconv.Itoa(c.count(row)); got != want[c.name] {
					t.Errorf("%s: %s = %s, R: %s", row.Estimator, c.name, got, want[c.name])
				}
			case c.number != nil:
				if got := c.number(row); !near(got, parseNumber(t, want[c.name]), 1e-12) {
					t.Errorf("%s: %s = %v, R: %s", row.Estimator, c.name, got, want[c.name])
				}
			default:
				continue
			}
			compared++
		}
		if compared != 28 {
			t.Errorf("compared %d measures", compared)
		}
	}
}

func readCSV(t *testing.T, name string) []map[string]string {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := make(map[string]string)
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func parseNumber(t *testing.T, text string) float64 {
	t.Helper()
	if text == "" {
		return nan
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func readRecords(t *testing.T, name string) []Record {
	t.Helper()
	var records []Record
	for _, row := range readCSV(t, name) {
		status, err := estimators.ParseStatus(row["status"])
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, Record{
			Cell: int(parseNumber(t, row["cell"])), Replicate: int(parseNumber(t, row["replicate"])),
			Estimator: row["estimator"], Outcome: row["outcome"], Term: row["term"], Estimand: row["estimand"],
			Truth: parseNumber(t, row["truth"]),
			Estimate: estimators.Estimate{
				Value: parseNumber(t, row["estimate"]), SE: parseNumber(t, row["std_error"]),
				DF: parseNumber(t, row["df"]), P: parseNumber(t, row["p_value"]), Status: status,
			},
		})
	}
	return records
}

// reference computes the measures from whole slices, in the plainest way.
func reference(records []Record, alpha float64) map[string]float64 {
	mean := func(x []float64) float64 {
		sum := 0.0
		for _, v := range x {
			sum += v
		}
		return sum / float64(len(x))
	}
	variance := func(x []float64) float64 {
		m, sum := mean(x), 0.0
		for _, v := range x {
			sum += (v - m) * (v - m)
		}
		return sum / float64(len(x)-1)
	}
	shareOf := func(x []float64, n int) (float64, float64) {
		sum := 0.0
		for _, v := range x {
			sum += v
		}
		p := sum / float64(n)
		return p, math.Sqrt(p * (1 - p) / float64(n))
	}
	var theta, est, d, d2, rel, se, s2, p, reject, typeS, typeM []float64
	for _, r := range records {
		if !r.Status.Worked() {
			continue
		}
		theta, est = append(theta, r.Truth), append(est, r.Value)
		d, d2 = append(d, r.Value-r.Truth), append(d2, (r.Value-r.Truth)*(r.Value-r.Truth))
		rel = append(rel, (r.Value-r.Truth)/r.Truth)
		se, s2, p = append(se, r.SE), append(s2, r.SE*r.SE), append(p, r.P)
		if r.P <= alpha {
			reject = append(reject, 1)
			typeM = append(typeM, math.Abs(r.Value)/math.Abs(r.Truth))
			typeS = append(typeS, 0)
			if r.Value*r.Truth < 0 {
				typeS[len(typeS)-1] = 1
			}
		}
	}
	var cover, becover []float64
	for _, r := range records {
		if !r.Status.Worked() {
			continue
		}
		covers := func(point float64) float64 {
			pValue := 2 * distuv.StudentsT{Sigma: 1, Nu: r.DF}.Survival(math.Abs(r.Value-point)/r.SE)
			if pValue >= alpha {
				return 1
			}
			return 0
		}
		cover, becover = append(cover, covers(r.Truth)), append(becover, covers(mean(est)))
	}
	n := float64(len(est))
	e, m := math.Sqrt(variance(est)), math.Sqrt(mean(s2))
	out := map[string]float64{
		"Truth": mean(theta), "Mean": mean(est), "Bias": mean(d), "BiasMCSE": math.Sqrt(variance(d) / n),
		"RelBias": mean(rel), "RelBiasMCSE": math.Sqrt(variance(rel) / n), "EmpSE": e, "EmpSEMCSE": e / math.Sqrt(2*(n-1)),
		"MeanSE": mean(se), "MeanSEMCSE": math.Sqrt(variance(se) / n), "ModelSE": m, "ModelSEMCSE": math.Sqrt(variance(s2) / (4 * n * m * m)),
		"RelError":     100 * (m/e - 1),
		"RelErrorMCSE": 100 * (m / e) * math.Sqrt(variance(s2)/(4*n*m*m*m*m)+1/(2*(n-1))),
		"MSE":          mean(d2), "MSEMCSE": math.Sqrt(variance(d2) / n),
		"TypeM": mean(typeM), "TypeMMCSE": math.Sqrt(variance(typeM) / float64(len(typeM))),
		"TruthMCSE": math.Sqrt(variance(theta) / n),
		"MeanP":     mean(p), "MeanPMCSE": math.Sqrt(variance(p) / n),
	}
	out["Cover"], out["CoverMCSE"] = shareOf(cover, len(cover))
	out["BECover"], out["BECoverMCSE"] = shareOf(becover, len(becover))
	out["Power"], out["PowerMCSE"] = shareOf(reject, len(records))
	out["TypeS"], out["TypeSMCSE"] = shareOf(typeS, len(typeS))
	return out
}

// drawRecords draws the replicates of one estimate: every fit complete, or failed.
func drawRecords(t *rapid.T) []Record {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	n := rapid.IntRange(8, 60).Draw(t, "replicates")
	truth := rapid.Float64Range(0.01, 1).Draw(t, "truth")
	spread := rapid.Float64Range(0.01, 1).Draw(t, "spread")
	df := rapid.SampledFrom([]float64{0, 1, 3, 38, 99999, 1e5, math.Inf(1)}).Draw(t, "df")
	records := make([]Record, n)
	for i := range records {
		r := fit(truth*(1+0.1*rng.Float64()), truth+spread*rng.NormFloat64(), spread*(0.5+rng.Float64()), df, nan)
		if df == 0 {
			r.DF = 0.6 + 30*rng.Float64()
		}
		r.P = 2 * distuv.StudentsT{Sigma: 1, Nu: min(r.DF, 1e9)}.Survival(math.Abs(r.Value)/r.SE)
		if i > 3 && rng.Float64() < 0.1 {
			r = failure(r.Truth, estimators.Collinear)
		}
		r.Replicate = i
		records[i] = r
	}
	return records
}

func TestMeasuresEqualReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t)
		alpha := rapid.SampledFrom([]float64{0.05, 0.01, 0.2}).Draw(t, "alpha")
		got := numbersOf(measured(t, alpha, records).Measures)
		for i := range records { // the reference has no t with infinite degrees of freedom
			records[i].DF = min(records[i].DF, 1e9)
		}
		for name, want := range reference(records, alpha) {
			if !near(got[name], want, 1e-10) {
				t.Fatalf("%s = %v, want %v", name, got[name], want)
			}
		}
	})
}

// A mean of 1e6 with a spread of 1e-3 keeps its digits.
func TestMeasuresDoNotCancel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var near0, near1e6 []Record
	for range 20000 {
		z := math.Round(rng.NormFloat64()*1e6) / (1 << 30) // exact beside 1e6
		near0 = append(near0, fit(0.5, z, 0.001, 20, 0.5))
		near1e6 = append(near1e6, fit(1e6+0.5, 1e6+z, 0.001, 20, 0.5))
	}
	a, b := measured(t, 0.05, near0), measured(t, 0.05, near1e6)
	for name, pair := range map[string][2]float64{
		"Bias": {a.Bias, b.Bias}, "BiasMCSE": {a.BiasMCSE, b.BiasMCSE}, "MSE": {a.MSE, b.MSE},
		"EmpSE": {a.EmpSE, b.EmpSE}, "BECover": {a.BECover, b.BECover}, "Cover": {a.Cover, b.Cover},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-8*math.Abs(pair[0]) {
			t.Errorf("%s is %v beside 0 and %v beside 1e6", name, pair[0], pair[1])
		}
	}
}

func TestShiftAndScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := drawRecords(t)
		scale := math.Ldexp(1, rapid.IntRange(-20, 20).Draw(t, "scale")) // exact
		shift := rapid.Float64Range(-5, 5).Draw(t, "shift")
		scaled, shifted := slices.Clone(records), slices.Clone(records)
		for i := range records {
			scaled[i].Truth *= scale
			scaled[i].Value *= -scale
			scaled[i].Truth *= -1
			scaled[i].SE *= scale
			shifted[i].Truth += shift
			shifted[i].Value += shift
		}
		was := numbersOf(measured(t, 0.05, records).Measures)
		byScale := numbersOf(measured(t, 0.05, scaled).Measures)
		byShift := numbersOf(measured(t, 0.05, shifted).Measures)
		for name, x := range was {
			want := x // without units
			switch name {
			case "Truth", "Mean", "Bias":
				want = -scale * x
			case "TruthMCSE", "BiasMCSE", "EmpSE", "EmpSEMCSE", "MeanSE", "MeanSEMCSE", "ModelSE", "ModelSEMCSE", "MDES", "MDESMCSE":
				want = scale * x
			case "MSE", "MSEMCSE":
				want = scale * scale * x
			}
			if !sameBits(byScale[name], want) && byScale[name] != want && !math.IsNaN(want) {
				t.Fatalf("%s = %v, times %v %v", name, x, -scale, byScale[name])
			}
			switch name {
			case "Truth", "Mean":
				want = x + shift
			case "RelBias", "RelBiasMCSE", "TypeS", "TypeSMCSE", "TypeM", "TypeMMCSE": // compare with the truth's size and sign
				continue
			case "Cover", "BECover", "CoverMCSE", "BECoverMCSE": // rounding may move one over the edge
				continue
			default:
				want = x
			}
			if !near(byShift[name], want, 1e-9) {
				t.Fatalf("%s = %v, shifted by %v %v", name, x, shift, byShift[name])
			}
		}
	})
}

// How the log is cut makes no difference to any bit.
func TestChunksDoNotMatter(t *testing.T) {
	whole := slices.Concat(exampleStudy().log(3, 40)...)
	want, err := Summarise(InMemory(whole), 0.05, nil)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		var chunks [][]Record
		rest := whole
		for len(rest) > 0 {
			n := rapid.IntRange(0, len(rest)).Draw(t, "n")
			chunks = append(chunks, rest[:n])
			rest = rest[n:]
		}
		got, err := Summarise(InMemory(chunks...), 0.05, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want.Rows {
			w, g := numbersOf(want.Rows[i].Measures), numbersOf(got.Rows[i].Measures)
			for name := range w {
				if !sameBits(w[name], g[name]) {
					t.Fatalf("row %d: %s = %v, whole %v", i, name, g[name], w[name])
				}
			}
		}
	})
}

// defined lists the measures that are not NaN.
func defined(m Measures) string {
	var names []string
	for name, x := range numbersOf(m) {
		if math.IsInf(x, 0) {
			names = append(names, name+"=Inf")
		} else if !math.IsNaN(x) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestWhatIsDefined(t *testing.T) {
	const withoutTruth = "BECover BECoverMCSE EmpSE EmpSEMCSE InverseDF MDES MDESMCSE Mean MeanP MeanPMCSE MeanSE MeanSEMCSE ModelSE ModelSEMCSE Power PowerMCSE RelError RelErrorMCSE"
	failed := failure(1, estimators.NoVariation)
	for _, test := range []struct {
		name    string
		records []Record
		want    string
	}{
		{"complete", []Record{fit(1, 2, 1, 9, 0.01), fit(1, 3, 1, 9, 0.01)},
			"BECover BECoverMCSE Bias BiasMCSE Cover CoverMCSE EmpSE EmpSEMCSE InverseDF MDES MDESMCSE MSE MSEMCSE Mean MeanP MeanPMCSE MeanSE MeanSEMCSE ModelSE ModelSEMCSE Power PowerMCSE RelBias RelBiasMCSE RelError RelErrorMCSE Truth TypeM TypeMMCSE TypeS TypeSMCSE"},
		{"no replicate worked", []Record{failed, failed}, ""},
		{"one replicate", []Record{fit(1, 2, 1, 9, 0.01)},
			"BECover BECoverMCSE Bias Cover CoverMCSE InverseDF MSE Mean MeanP MeanSE ModelSE Power PowerMCSE RelBias Truth TypeM TypeS TypeSMCSE"},
		{"one of two worked", []Record{failed, fit(1, 2, 1, 9, 0.01)},
			"BECover BECoverMCSE Bias Cover CoverMCSE InverseDF MSE Mean MeanP MeanSE ModelSE Power PowerMCSE RelBias Truth TypeM TypeS TypeSMCSE"},
		{"nothing rejected", []Record{fit(1, 2, 1, 9, 0.4), fit(1, 3, 1, 9, 0.4)},
			"BECover BECoverMCSE Bias BiasMCSE Cover CoverMCSE EmpSE EmpSEMCSE InverseDF MDES MDESMCSE MSE MSEMCSE Mean MeanP MeanPMCSE MeanSE MeanSEMCSE ModelSE ModelSEMCSE Power PowerMCSE RelBias RelBiasMCSE RelError RelErrorMCSE Truth"},
		{"truth 0", []Record{fit(0, 2, 1, 9, 0.01), fit(0, 3, 1, 9, 0.01)},
			withoutTruth + " Bias BiasMCSE Cover CoverMCSE MSE MSEMCSE Truth"},
		{"truth sometimes 0", []Record{fit(0, 2, 1, 9, 0.01), fit(1, 3, 1, 9, 0.01)},
			withoutTruth + " Bias BiasMCSE Cover CoverMCSE MSE MSEMCSE Truth TruthMCSE"},
		{"no truth", []Record{fit(nan, 2, 1, 9, 0.01), fit(nan, 3, 1, 9, 0.01)}, withoutTruth},
		{"correlation", []Record{fit(nan, 0.2, nan, nan, nan), fit(nan, 0.3, nan, nan, nan)}, "EmpSE EmpSEMCSE Mean"},
		{"joint test", []Record{fit(nan, 3, nan, 40, 0.01), fit(nan, 2, nan, 40, 0.1)}, "EmpSE EmpSEMCSE Mean MeanP MeanPMCSE Power PowerMCSE"},
		{"estimates all the same", []Record{fit(1, 2, 1, 9, 0.4), fit(1, 2, 1, 9, 0.4)},
			"BECover BECoverMCSE Bias BiasMCSE Cover CoverMCSE EmpSE EmpSEMCSE InverseDF MSE MSEMCSE Mean MeanP MeanPMCSE MeanSE MeanSEMCSE ModelSE ModelSEMCSE Power PowerMCSE RelBias RelBiasMCSE Truth"},
		{"standard errors of 0", []Record{fit(nan, 2, 0, 9, 0.4), fit(nan, 3, 0, 9, 0.4)},
			"BECover BECoverMCSE EmpSE EmpSEMCSE InverseDF MDES MDESMCSE Mean MeanP MeanPMCSE MeanSE MeanSEMCSE ModelSE Power PowerMCSE RelError"},
		{"too large to square", []Record{fit(nan, 1e200, nan, nan, nan), fit(nan, -1e200, nan, nan, nan)}, "Mean"},
	} {
		got := defined(measured(t, 0.05, test.records).Measures)
		want := strings.Fields(test.want)
		slices.Sort(want)
		if got != strings.Join(want, " ") {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, strings.Join(want, " "))
		}
	}
}

// An infinite estimate marked OK is a failure, whatever it calls itself.
func TestEstimateThatIsNoNumber(t *testing.T) {
	got := measured(t, 0.05, []Record{fit(1, 2, 1, 9, 0.01), fit(1, math.Inf(1), 1, 9, 0.01), fit(1, nan, 1, 9, 0.01)})
	if got.N != 3 || got.NFail != 2 || got.Failed[estimators.NotFinite] != 2 || got.Mean != 2 || got.Power != 1.0/3 {
		t.Errorf("N = %d, NFail = %d, Mean = %v, Power = %v", got.N, got.NFail, got.Mean, got.Power)
	}
}

// An infinite F of a perfect first stage is no failure: it rejects, and no mean holds it.
func TestPerfectStage(t *testing.T) {
	got := measured(t, 0.05, []Record{fit(nan, 40, nan, 9, 0.01), failure(nan, estimators.PerfectStage), fit(nan, 2, nan, 9, 0.3), fit(nan, 3, nan, 9, 0.2)})
	if got.N != 4 || got.NFail != 0 || got.Estimates() != 3 || got.Mean != 15 || got.Power != 0.5 {
		t.Errorf("N = %d, NFail = %d, %d estimates, Mean = %v, Power = %v", got.N, got.NFail, got.Estimates(), got.Mean, got.Power)
	}
}

// The interval covers exactly what the test does not reject.
func TestCoverEqualsTest(t *testing.T) {
	limits := newLimits(0.05)
	rapid.Check(t, func(t *rapid.T) {
		df := rapid.OneOf(rapid.Float64Range(0.3, 200), rapid.SampledFrom([]float64{1, 2, 30, 99999})).Draw(t, "df")
		se := rapid.Float64Range(1e-6, 1e6).Draw(t, "se")
		limit := se * distuv.StudentsT{Sigma: 1, Nu: df}.Quantile(0.975)
		d := limit * rapid.OneOf(rapid.Float64Range(-2, 2), rapid.SampledFrom([]float64{-1 - 1e-9, 1 - 1e-9, 1 + 1e-9})).Draw(t, "d")
		if got, want := limits.cover(d, se, df), math.Abs(d) <= limit; got != want {
			t.Fatalf("cover(%v, %v, %v) = %v, limit %v", d, se, df, got, limit)
		}
	})
}

// R: qt(0.975, c(1, 4, 12.4, 99999)), qnorm(0.975).
func TestLimitsEqualR(t *testing.T) {
	limits := newLimits(0.05)
	for df, want := range map[float64]float64{
		1: 12.7062047361747, 4: 2.77644510519779, 12.4: 2.17104311766289, 99999: 1.95998770777184,
		1e5: 1.95996398454005, math.Inf(1): 1.95996398454005,
	} {
		if got := limits.of(df); !near(got, want, 1e-9) {
			t.Errorf("t(0.975, %v) = %.15g, R %.15g", df, got, want)
		}
	}
}

// Against the closed forms of Gelman and Carlin: an estimate that is normal
// around its truth with a known standard error.
func TestTypeSAndMEqualClosedForms(t *testing.T) {
	for _, test := range []struct{ delta, power, typeS, typeM float64 }{
		{1, 0.1701, 0.0090, 2.491}, {2, 0.5160, 0.0001, 1.386}, {2.8, 0.7996, 0, 1.125},
	} {
		rng := rand.New(rand.NewPCG(3, 4))
		records := make([]Record, 200000)
		for i := range records {
			z := test.delta + rng.NormFloat64()
			records[i] = fit(test.delta, z, 1, math.Inf(1), math.Erfc(math.Abs(z)/math.Sqrt2))
		}
		got := measured(t, 0.05, records)
		for name, pair := range map[string][3]float64{
			"power":    {got.Power, test.power, got.PowerMCSE},
			"coverage": {got.Cover, 0.95, got.CoverMCSE},
			"type S":   {got.TypeS, test.typeS, max(got.TypeSMCSE, 1e-5)},
			"type M":   {got.TypeM, test.typeM, got.TypeMMCSE},
		} {
			if math.Abs(pair[0]-pair[1]) > 4*pair[2]+0.00051 { // the forms are rounded
				t.Errorf("delta %v: %s = %v, closed form %v", test.delta, name, pair[0], pair[1])
			}
		}
	}
}

// The Monte Carlo standard errors are what the measures vary by from one
// simulation to the next.
func TestMCSEIsTheErrorOverSimulations(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const simulations, replicates, df = 1500, 120, 20
	spread, claimed := make(map[string]*moments), make(map[string]*moments)
	for range simulations {
		records := make([]Record, replicates)
		for i := range records {
			chi := 0.0
			for range df {
				z := rng.NormFloat64()
				chi += z * z
			}
			estimate, se := 0.1+0.05*rng.NormFloat64(), 0.05*math.Sqrt(chi/df)
			p := 2 * distuv.StudentsT{Sigma: 1, Nu: df}.Survival(math.Abs(estimate)/se)
			records[i] = fit(0.1, estimate, se, df, p)
		}
		m := numbersOf(measured(t, 0.05, records).Measures)
		for name, mcse := range m {
			measure, is := strings.CutSuffix(name, "MCSE")
			if !is || measure == "TypeS" { // too rare here
				continue
			}
			if spread[measure] == nil {
				spread[measure], claimed[measure] = new(moments), new(moments)
			}
			spread[measure].add(m[measure])
			claimed[measure].add(mcse)
		}
	}
	if len(spread) != 14 {
		t.Errorf("checked %d measures", len(spread))
	}
	for measure := range spread {
		if ratio := claimed[measure].mean() / spread[measure].sd(); math.Abs(ratio-1) > 0.07 {
			t.Errorf("%s: the mean MCSE is %.3f of the standard deviation over simulations", measure, ratio)
		}
	}
}
