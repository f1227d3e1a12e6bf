package gtheory_test

import (
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"coachsim/sim/gtheory"
)

// table reads a CSV file of the testdata.
func table(t *testing.T, name string) (header []string, rows [][]string) {
	t.Helper()
	file, err := os.Open("testdata/" + name + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[0], all[1:]
}

// ratings reads ratings, of coders who are the same for all classes or not.
func ratings(t *testing.T, name string, own bool) (gtheory.Ratings, []float64) {
	t.Helper()
	header, rows := table(t, name)
	var r gtheory.Ratings
	var score []float64
	codes := map[string]int{}
	code := func(key string) int {
		if _, ok := codes[key]; !ok {
			n := 0
			for other := range codes {
				if other[0] == key[0] {
					n++
				}
			}
			codes[key] = n
		}
		return codes[key]
	}
	for _, row := range rows {
		cell := func(name string) string {
			if at := slices.Index(header, name); at >= 0 {
				return row[at]
			}
			return "1"
		}
		class, day, segment, coder := cell("class"), cell("day"), cell("segment"), cell("coder")
		r.Class = append(r.Class, code("c"+class))
		r.Day = append(r.Day, code("d"+class+" "+day))
		r.Segment = append(r.Segment, code("s"+class+" "+day+" "+segment))
		if own || !slices.Contains(header, "coder") {
			coder = class + " " + coder
		}
		r.Rater = append(r.Rater, code("r"+coder))
		x, err := strconv.ParseFloat(cell("score"), 64)
		if err != nil {
			t.Fatal(err)
		}
		score = append(score, x)
	}
	return r, score
}

// Components equal those of analysis of variance and of lme4's REML in balanced
// designs, crossed and nested, and those of whole matrices in an unbalanced one:
// testdata/gstudy.R. REML stops within 1e-5 of its optimum.
func TestGStudyAgainstR(t *testing.T) {
	_, rows := table(t, "gstudy")
	designs := map[string]map[string]float64{}
	checked := 0
	for _, row := range rows {
		design, method, component := row[0], row[1], row[2]
		if designs[design] == nil {
			r, score := ratings(t, design, design == "nested")
			layout, err := gtheory.NewLayout(r)
			if err != nil {
				t.Fatal(err)
			}
			designs[design] = map[string]float64{}
			for k, x := range layout.Estimate(score) {
				designs[design][layout.Estimated[k].String()] = x
			}
		}
		want, err := strconv.ParseFloat(row[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		room := 1e-10
		if method == "reml" {
			room = 1e-5
		}
		got, ok := designs[design][component]
		if !ok || math.Abs(got-want) > room {
			t.Errorf("%s, %s: %s is %.15g (estimated: %v), R has %.15g", design, method, component, got, ok, want)
		}
		checked++
	}
	for design, estimates := range designs {
		n := 0
		for _, row := range rows {
			if row[0] == design && row[1] != "reml" {
				n++
			}
		}
		if n != len(estimates) {
			t.Errorf("%s: %d components, R has %d", design, len(estimates), n)
		}
	}
	if checked < 30 {
		t.Errorf("only %d numbers of R", checked)
	}
}

// design lays out ratings of every class by some days, segments and coders.
func design(classes, days, segments, coders int, rater func(class, coder int) int) (r gtheory.Ratings) {
	for class := range classes {
		for d := range days {
			for s := range segments {
				for c := range coders {
					day := class*days + d
					r.Class, r.Day = append(r.Class, class), append(r.Day, day)
					r.Segment, r.Rater = append(r.Segment, day*segments+s), append(r.Rater, rater(class, c))
				}
			}
		}
	}
	return r
}

// What designs tell apart, and what they count as what.
func TestWhatRatingsTellApart(t *testing.T) {
	own := func(class, coder int) int { return 10*class + coder }
	pool := func(class, coder int) int { return (class + coder*(1+class%2)) % 5 }
	for name, c := range map[string]struct {
		r    gtheory.Ratings
		want string
	}{
		"everything":           {design(12, 2, 2, 2, pool), "class day segment rater rater x class rater x day rating"},
		"one day":              {design(12, 1, 3, 2, pool), "class+day segment rater rater x class+rater x day rating"},
		"one segment":          {design(12, 2, 1, 2, pool), "class day+segment rater rater x class rating+rater x day"},
		"one coder":            {design(12, 2, 2, 1, pool), "class+rater x class day+rater x day rater rating+segment"},
		"one rating a coder":   {design(12, 1, 1, 2, pool), "class+day+segment rater rating+rater x class+rater x day"},
		"own":                  {design(12, 2, 2, 2, own), "class day segment rater+rater x class rater x day rating"},
		"own, segments only":   {design(12, 1, 4, 1, own), "class+day+rater+rater x class+rater x day rating+segment"},
		"own, one segment":     {design(12, 1, 1, 2, own), "class+day+segment rating+rater+rater x class+rater x day"},
		"own, days of segment": {design(12, 3, 1, 1, own), "class+rater+rater x class rating+day+segment+rater x day"},
	} {
		l, err := gtheory.NewLayout(c.r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := ""
		for k, e := range l.Estimated {
			if k > 0 {
				got += " "
			}
			got += e.String()
			for _, with := range l.With(k) {
				got += "+" + with.String()
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, wanted %s", name, got, c.want)
		}
	}
	for name, r := range map[string]gtheory.Ratings{
		"nothing": {}, "one class": design(1, 2, 2, 2, own), "one rating": design(5, 1, 1, 1, own), "one rating, a pool": design(12, 1, 1, 1, pool),
		"twice": {Class: []int{0, 0, 1}, Day: []int{0, 0, 1}, Segment: []int{0, 0, 1}, Rater: []int{0, 0, 0}},
	} {
		if _, err := gtheory.NewLayout(r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Estimates are unbiased, in an unbalanced design with a pool of raters too, and
// Expected says of what where components cannot be told apart. Each of some 20
// checks fails for a right program once in 1e5 seeds.
func TestGStudyIsUnbiased(t *testing.T) {
	unbalanced, _ := ratings(t, "unbalanced", false)
	for name, r := range map[string]gtheory.Ratings{
		"unbalanced": unbalanced,
		"crossed":    design(10, 2, 2, 3, func(_, coder int) int { return coder }),
		"pool":       design(20, 1, 3, 2, func(class, coder int) int { return (class + coder*(1+class%2)) % 5 }),
	} {
		l, err := gtheory.NewLayout(r)
		if err != nil {
			t.Fatal(err)
		}
		variance := []float64{1, 0.4, 0.8, 0.3, 0.2, 0.25, 0.5}
		whole := [gtheory.Components]float64{}
		for k, c := range l.Estimated {
			whole[c] = variance[k]
		}
		want := l.Expected(whole)
		rng := rand.New(rand.NewPCG(5, 6))
		score := make([]float64, r.Len())
		const draws = 2000
		sum, square := make([]float64, len(want)), make([]float64, len(want))
		for range draws {
			l.Draw(score, variance, rng)
			for k, x := range l.Estimate(score) {
				sum[k] += x / draws
				square[k] += x * x / draws
			}
		}
		for k, w := range want {
			if math.Abs(w-variance[k]) > 1e-9 {
				t.Errorf("%s: %s is %g, expected to be estimated as %g", name, l.Estimated[k], variance[k], w)
			}
			se := math.Sqrt((square[k] - sum[k]*sum[k]) / draws)
			if z := (sum[k] - w) / se; !(math.Abs(z) < 4.417) {
				t.Errorf("%s: %s has mean %g, wanted %g: z = %.1f", name, l.Estimated[k], sum[k], w, z)
			}
		}
	}
}

// In a balanced nested design mean squares are independent multiples of χ², which
// gives the standard errors exactly: Var(MS) = 2 E(MS)²/df. A standard deviation of
// 400 draws is off by more than 20% once in 1e5 seeds or less (the draws are close
// to normal).
func TestStandardErrors(t *testing.T) {
	const classes, segments = 30, 4
	l, err := gtheory.NewLayout(design(classes, 1, segments, 1, func(class, _ int) int { return class }))
	if err != nil {
		t.Fatal(err)
	}
	class, rating := 0.5, 0.8
	between, within := rating+segments*class, rating
	want := []float64{
		math.Sqrt(2*between*between/(classes-1)+2*within*within/(classes*(segments-1))) / segments,
		math.Sqrt(2 * within * within / (classes * (segments - 1))),
	}
	for k, se := range l.StandardErrors([]float64{class, rating}, 1) {
		if math.Abs(se/want[k]-1) > 0.2 {
			t.Errorf("%s has standard error %.4f, wanted %.4f", l.Estimated[k], se, want[k])
		}
	}
}

func ExampleLayout() {
	// Two raters who code both segments of three classes.
	var r gtheory.Ratings
	for i := range 12 {
		r.Class, r.Day = append(r.Class, i/4), append(r.Day, i/4)
		r.Segment, r.Rater = append(r.Segment, i/2), append(r.Rater, i%2)
	}
	l, err := gtheory.NewLayout(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	for k, v := range l.Estimate([]float64{3, 4, 2, 4, 5, 5, 6, 6, 1, 3, 2, 3}) {
		fmt.Printf("%s %.3f\n", l.Estimated[k], v)
	}
	// Output:
	// class 2.500
	// segment 0.167
	// rater 0.375
	// rater x class 0.292
	// rating 0.167
}
