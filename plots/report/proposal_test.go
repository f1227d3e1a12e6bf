package report_test

import (
	"bytes"
	"encoding/csv"
	"math"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/plots/report"
	"coachsim/sim"
)

// primaries are the estimates that the proposals of the built-in studies and
// starters are about: estimator, outcome, term, and the values of the swept keys.
var primaries = map[string][]string{
	"adjustment":    {"ancova", "reading", "coaching", "0.09", "0.09"},
	"coaching":      {"learning", "achievement", "coaching"},
	"ecuador":       {"eq2", "achievement", "coaching"},
	"few-clusters":  {"CR2", "reading", "coaching", "8", "0", "[0.4]"},
	"matched-pairs": {"pretest-CR2", "reading", "coaching", "[0.4]"},
	"mediation":     {"itt", "achievement", "coaching"},
	"observational": {"raw", "reading", "coaching"},
	"teachers":      {"within", "reading", "coaching"},
	"three-arms":    {"itt", "achievement", "coaching"},
}

// The proposal of every built-in study and starter: its words, its length, that its
// numbers are those of the run, and that LaTeX sets its tables.
func TestProposals(t *testing.T) {
	for name, text := range studies() {
		if testing.Short() && name != "matched-pairs" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r := simulated(t, text, few)
			proposal := r.Proposal()
			var out bytes.Buffer
			if err := proposal.WriteMarkdown(&out); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("power", name+".md"), out.Bytes())
			checkWords(t, proposal)
			if names, ok := primaries[name]; ok {
				checkPrimary(t, r, proposal, names)
			}
			checkNumbers(t, r, proposal)

			out.Reset()
			if err := report.WriteLaTeX(&out, r.Tables()); err != nil {
				t.Fatal(err)
			}
			if log := setByLaTeX(t, out.Bytes()); overfull.MatchString(log) {
				t.Errorf("the tables are wider than the page:\n%s", overfull.FindString(log))
			}
		})
	}
}

// checkWords holds texts against what any text must be.
func checkWords(t *testing.T, p report.Proposal) {
	t.Helper()
	if n := len(strings.Fields(p.Short)); n > 150 {
		t.Errorf("the short paragraph has %d words", n)
	}
	for _, text := range []string{p.Long, p.Short} {
		for _, wrong := range []string{"  ", "..", " ,", " .", " ;", "NaN", "%!", "Inf", " and and ", ", and,", "of of ", "()", "( "} {
			if strings.Contains(text, wrong) {
				t.Errorf("%q stands in: %s", wrong, text)
			}
		}
		if !strings.HasSuffix(text, ".") {
			t.Errorf("does not end: %s", text)
		}
		for _, one := range regexp.MustCompile(`(?:^|[^.\d,])\b1 (\w+s)\b`).FindAllStringSubmatch(text, -1) {
			if one[1] != "class" {
				t.Errorf("1 %s in: %s", one[1], text)
			}
		}
	}
	for _, item := range p.Checklist {
		if item.Name == "" || item.Value == "" {
			t.Errorf("item %+v", item)
		}
	}
}

// checkPrimary holds the numbers of the result against summary.csv.
func checkPrimary(t *testing.T, r report.Results, p report.Proposal, names []string) {
	t.Helper()
	var text bytes.Buffer
	if err := r.Summary.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&text).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := func(line []string, key string) string { return line[slices.Index(lines[0], key)] }
	number := func(line []string, key string) float64 {
		x, err := strconv.ParseFloat(at(line, key), 64)
		if err != nil {
			return math.NaN()
		}
		return x
	}
	var row []string
	for _, line := range lines[1:] {
		if at(line, "estimator") == names[0] && at(line, "outcome") == names[1] && at(line, "term") == names[2] && slices.Equal(line[:len(names)-3], names[3:]) {
			row = line
		}
	}
	if row == nil {
		t.Fatalf("summary.csv has no row %v", names)
	}
	// Wilson's interval as the roots of (p - π)² = z² π (1 - π)/n.
	n, share := number(row, "n"), number(row, "power")
	wilson := func(share, sign float64) float64 {
		const z2 = 1.959963984540054 * 1.959963984540054
		a, b, c := 1+z2/n, -(2*share + z2/n), share*share
		return math.Min(1, math.Max(0, (-b+sign*math.Sqrt(math.Max(b*b-4*a*c, 0)))/(2*a)))
	}
	for what, in := range map[string]string{"long": p.Long, "short": p.Short} {
		find := func(pattern string, want ...float64) {
			found := regexp.MustCompile(pattern).FindStringSubmatch(in)
			if found == nil {
				t.Errorf("the %s paragraph has no %q: %s", what, pattern, in)
				return
			}
			for i, x := range want {
				if got, ok := parsed(found[i+1]); !ok || !got.is(x) {
					t.Errorf("the %s paragraph says %q, summary.csv has %v", what, found[0], x)
				}
			}
		}
		const (
			num      = `(-?[\d,.]*\d)`
			interval = ` \(95% Monte Carlo interval ` + num + `% to ` + num + `%\)`
		)
		find(num+` simulated trials`, n)
		find(`two-sided at α = `+num, r.Study.Alpha)
		if strings.Contains(p.Long, "observational") {
			cover := number(row, "cover")
			find(`bias (?:is|of) `+num, number(row, "bias"))
			find(`(?:true effect|cover it) in `+num+`% of trials`+interval, 100*cover, 100*wilson(cover, -1), 100*wilson(cover, 1))
			continue
		}
		find(`(?:power is|give power) `+num+`%`+interval, 100*share, 100*wilson(share, -1), 100*wilson(share, 1))
		find(`effect of `+names[2]+` (?:is|of) `+num, number(row, "truth"))
		find(`(?:80% power is|80% power takes an effect of) `+num+`[^(]*\((?:Monte Carlo )?standard error `+num, number(row, "mdes"), number(row, "mdes_mcse"))
		if what == "long" {
			find(`[Nn]one failed|`+num+` failed`, []float64{}...)
		}
		if null := slices.IndexFunc(lines[1:], func(line []string) bool {
			return at(line, "estimator") == names[0] && at(line, "outcome") == names[1] && number(line, "truth") == 0 && slices.Equal(line[:len(names)-4], names[3:len(names)-1])
		}); null >= 0 && len(names) > 3 {
			size := number(lines[1+null], "power")
			if what == "long" {
				find(`[Ww]ithout an effect.* test rejects in `+num+`% of trials`+interval, 100*size, 100*wilson(size, -1), 100*wilson(size, 1))
			} else {
				find(`test's size is `+num+`% \(standard error `+num+`\)`, 100*size, 100*math.Sqrt(size*(1-size)/n))
			}
		}
	}
}

// A printed number has so many decimals.
type printed struct {
	value    float64
	decimals int
}

func parsed(text string) (printed, bool) {
	text = strings.ReplaceAll(text, ",", "")
	value, err := strconv.ParseFloat(text, 64)
	_, decimals, _ := strings.Cut(text, ".")
	return printed{value, len(decimals)}, err == nil
}

// is reports whether a number, rounded, is the one printed.
func (p printed) is(x float64) bool {
	return math.Abs(p.value-x) <= 0.5001*math.Pow(10, -float64(p.decimals))+1e-9*math.Abs(x)
}

// checkNumbers looks every number of the texts up, in the study, in the summary and
// among the families: no number may come from elsewhere.
func checkNumbers(t *testing.T, r report.Results, p report.Proposal) {
	t.Helper()
	known := []float64{80, 95} // power aimed at; level of Monte Carlo intervals
	designs := []sim.Study{r.Study}
	for _, c := range r.Study.Cells {
		designs = append(designs, c.Study)
	}
	for _, s := range designs {
		known = append(known, numbersIn(reflect.ValueOf(s))...)
		known = append(known, 100*(1-s.Alpha))
		d := s.Design
		for _, level := range []dgp.Level{dgp.SchoolLevel, dgp.TeacherLevel, dgp.ChildLevel} {
			known = append(known, d.Units(level))
		}
		lottery := d.Lottery()
		for _, n := range lottery.Numbers(d) {
			known = append(known, float64(n))
		}
		for _, share := range lottery.Shares {
			known = append(known, 100*share)
		}
		mean, sd := d.ClassSizes()
		known = append(known, mean, sd/mean, d.TestsPerClass())
		for _, v := range s.Trial.Variances() {
			for _, l := range v.Levels {
				known = append(known, l.ICC, 100*l.R2)
			}
			if v.Reliability != nil {
				known = append(known, *v.Reliability)
			}
		}
	}
	share := func(x float64, n int) {
		s := sim.Wilson(x, n)
		known = append(known, 100*s.Value, 100*s.Low, 100*s.High, 100*math.Sqrt(x*(1-x)/float64(n)))
	}
	for i := range r.Summary.Rows {
		row := &r.Summary.Rows[i]
		known = append(known, row.Truth, row.Mean, row.MeanMCSE(), row.Bias, row.BiasMCSE, row.MDES, row.MDESMCSE, float64(row.N), float64(row.NFail))
		share(row.Power, row.N)
		share(row.Cover, row.Intervals)
	}
	for _, f := range r.Families.Rows {
		known = append(known, float64(len(f.Outcomes)))
		for _, s := range f.Individual {
			share(s.Value, f.N)
		}
	}
	sources := regexp.MustCompile(`\[[^\]]*\]`)
	numbers := regexp.MustCompile(`(^|[\s(])(-?[\d,.]*\d)`)
	for what, text := range map[string]string{"long": p.Long, "short": p.Short} {
		for _, found := range numbers.FindAllStringSubmatch(sources.ReplaceAllString(text, ""), -1) {
			number, ok := parsed(found[2])
			if !ok || !slices.ContainsFunc(known, number.is) {
				t.Errorf("%s paragraph: %s is no number of the study or its results", what, found[2])
			}
		}
	}
}

// numbersIn lists the numbers in a value, shares among them in percent too.
func numbersIn(v reflect.Value) (all []float64) {
	add := func(x float64) { all = append(all, x, 100*x) }
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		add(float64(v.Int()))
	case reflect.Uint64:
		add(float64(v.Uint()))
	case reflect.Float64:
		add(v.Float())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				all = append(all, numbersIn(v.Field(i))...)
			}
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return numbersIn(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, numbersIn(v.Index(i))...)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			all = append(all, numbersIn(v.MapIndex(key))...)
		}
	}
	return all
}
