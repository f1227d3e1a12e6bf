package sim

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
	"coachsim/estimators"
)

// planned is a trial of one test, 12 children a class, a school effect with SD
// 0.3 and an effect of 0.35, whose keys the searches of these tests vary.
func planned() Study {
	s := smallStudy(1000)
	d := &s.Trial.Design
	d.Blocks, d.Schools, d.Teachers, d.Tested = 1, 20, 1, 12
	d.Children = dgp.ClassSize{Mean: 12, Min: 2}
	d.Attrition = dgp.Attrition{}
	s.Covariates = nil
	s.Achievement.Tests = []string{"reading"}
	s.Achievement.Residual = dgp.Matrix{{0.9}}
	s.Achievement.SchoolSD, s.Achievement.TeacherSD = 0.3, 0.1
	s.Achievement.Slope = dgp.Slopes{}
	s.Achievement.Effect.Mean = []float64{0.35}
	s.Achievement.Points = true
	s.Estimators = []Estimator{
		{Name: "itt", Method: estimators.OLS{Formula: "reading ~ coaching", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}},
		{Name: "CR2", Method: estimators.OLS{Formula: "reading ~ coaching", Cluster: "school", SE: estimators.CR2, Report: []string{"coaching"}}},
		{Name: "talk", Method: estimators.OLS{Formula: "talk ~ coaching", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}},
		{Name: "random", Method: estimators.Randomisation{
			OLS:   estimators.OLS{Formula: "reading ~ coaching", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}},
			Draws: 99,
		}},
	}
	return s
}

func span(lo, hi, step float64) []float64 {
	var all []float64
	for x := lo; x <= hi+1e-9; x += step {
		all = append(all, math.Round(x*1e9)/1e9)
	}
	return all
}

var searchKeys = map[string]func(*Study, float64){
	"schools":   func(s *Study, x float64) { s.Design.Schools = int(x) },
	"teachers":  func(s *Study, x float64) { s.Design.Teachers = int(x) },
	"tested":    func(s *Study, x float64) { s.Design.Tested = int(x); s.Design.Children.Mean = x },
	"segments":  func(s *Study, x float64) { s.Observation.Segments = int(x) },
	"coders":    func(s *Study, x float64) { s.Observation.Coders = int(x) },
	"school_sd": func(s *Study, x float64) { s.Achievement.SchoolSD = x },
	"share":     func(s *Study, x float64) { s.Design.Assignment = dgp.Complete{Share: x} },
	"effect":    func(s *Study, x float64) { s.Achievement.Effect.Mean = []float64{x} },
}

// searchOf varies keys of a study.
func searchOf(base func() Study, tests []string, keys ...VariedKey) Search {
	s := Search{
		Keys: keys, Power: 0.8, Replicates: base().Replicates, Workers: 2,
		At: func(values []float64) (Study, error) {
			at := base()
			for i, k := range keys {
				searchKeys[k.Key](&at, values[i])
			}
			return at, nil
		},
	}
	for _, name := range tests {
		test, err := base().FindTest(name)
		if err != nil {
			panic(err)
		}
		s.Tests = append(s.Tests, test)
	}
	return s
}

// exhaust simulates every design in full.
func exhaust(t *testing.T, s Search) []Looked {
	t.Helper()
	h, err := s.enumerate()
	if err != nil {
		t.Fatal(err)
	}
	var all []Looked
	for _, c := range h.candidates {
		if err := h.grow(context.Background(), c, s.Replicates); err != nil {
			t.Fatal(err)
		}
		all = append(all, c.looked())
	}
	return all
}

// An exhausted is one design of a search simulated in full.
type exhausted struct {
	Values []float64 `json:"values"`
	Cost   float64   `json:"cost,omitempty"`
	Power  float64   `json:"power"`
}

// exhaustive returns what simulating every design of a search in full found,
// in the order of the designs. That takes minutes, so the results of all
// searches are kept in testdata (go test ./sim -run Exhaustive -update writes
// them anew); again makes this test simulate them itself and compare. Wherever
// the search simulated a design in full, the stored power must be the same.
func exhaustive(t *testing.T, s Search, found Found, again bool) []exhausted {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(strings.ReplaceAll(t.Name(), ",", ""))+".json")
	var fresh []exhausted
	if *update || again {
		for _, l := range exhaust(t, s) {
			e := exhausted{Values: l.Values, Power: l.Weakest().Value}
			if !math.IsNaN(l.Cost) {
				e.Cost = l.Cost
			}
			fresh = append(fresh, e)
		}
	}
	if *update {
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		lines := make([]string, len(fresh))
		for i, e := range fresh {
			text, err := json.Marshal(e)
			must(t, err)
			lines[i] = string(text)
		}
		must(t, os.WriteFile(path, []byte("[\n"+strings.Join(lines, ",\n")+"\n]\n"), 0o644))
	}
	text, err := os.ReadFile(path)
	must(t, err)
	var stored []exhausted
	must(t, json.Unmarshal(text, &stored))
	if again && !reflect.DeepEqual(stored, fresh) {
		t.Errorf("%s is not what simulating every design finds", path)
	}
	for _, l := range found.Looked {
		if l.Replicates < s.Replicates {
			continue
		}
		i := slices.IndexFunc(stored, func(e exhausted) bool { return slices.Equal(e.Values, l.Values) })
		if i < 0 || stored[i].Power != l.Weakest().Value {
			t.Errorf("%s does not have the power %v of %v", path, l.Weakest().Value, l.Values)
		}
	}
	return stored
}

// The searches find what simulating every design in full finds, with at most a
// fifth of the trials. Draws are seeded: there are no false alarms.
func TestSolveFindsWhatAnExhaustiveSweepFinds(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates many designs")
	}
	with := func(change func(*Study)) func() Study {
		return func() Study {
			s := planned()
			change(&s)
			return s
		}
	}
	cases := []struct {
		name  string
		study func() Study
		test  string
		key   VariedKey
		power float64
		falls bool
	}{
		{"schools", planned, "itt", VariedKey{"schools", span(6, 105, 1)}, 0.8, false},
		{"schools at 90%", planned, "CR2", VariedKey{"schools", span(10, 158, 2)}, 0.9, false},
		{"schools at 50%", planned, "itt", VariedKey{"schools", span(4, 63, 1)}, 0.5, false},
		{"schools, small effect", with(func(s *Study) { s.Achievement.Effect.Mean[0] = 0.25 }), "itt", VariedKey{"schools", span(10, 200, 2)}, 0.8, false},
		{"schools, 3 classes", with(func(s *Study) { s.Design.Teachers = 3 }), "CR2", VariedKey{"schools", span(4, 83, 1)}, 0.8, false},
		{"schools, by randomisation", planned, "random", VariedKey{"schools", span(6, 100, 2)}, 0.8, false},
		{"children", with(func(s *Study) { s.Design.Schools = 60; s.Achievement.SchoolSD = 0.2 }), "itt", VariedKey{"tested", span(2, 60, 1)}, 0.8, false},
		{"schools, quality", with(func(s *Study) { s.Quality.Effect.Shift[0] = 0.9 }), "talk", VariedKey{"schools", span(4, 83, 1)}, 0.8, false},
		{"school SD", with(func(s *Study) { s.Design.Schools = 50 }), "itt", VariedKey{"school_sd", span(0, 0.79, 0.01)}, 0.8, true},
		{"effect", with(func(s *Study) { s.Design.Schools = 30 }), "itt", VariedKey{"effect", span(0.01, 0.99, 0.01)}, 0.8, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			search := searchOf(c.study, []string{c.test}, c.key)
			search.Power = c.power
			found, err := search.Cheapest(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			all := exhaustive(t, search, found, c.name == "schools at 50%")
			if c.falls {
				slices.Reverse(all)
			}
			want := math.NaN()
			for _, o := range all {
				if o.Power >= c.power {
					want = o.Values[0]
					break
				}
			}
			if !found.Reached || found.Answer.Values[0] != want || found.Falls != c.falls {
				t.Errorf("found %v (reached: %v, falls: %v), want %v", found.Answer.Values, found.Reached, found.Falls, want)
			}
			if found.Answer.Replicates != search.Replicates {
				t.Errorf("the answer has %d replicates", found.Answer.Replicates)
			}
			if 5*found.Trials > found.Exhaustive {
				t.Errorf("%d of %d trials are more than a fifth", found.Trials, found.Exhaustive)
			}
		})
	}
}

// priced is a study with costs.
func priced(c Cost, change func(*Study)) func() Study {
	return func() Study {
		s := planned()
		s.Replicates = 400
		s.Cost = &c
		change(&s)
		return s
	}
}

func TestOptimiseIsNotBeatenByAnExhaustiveSearch(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates many designs")
	}
	same := func(*Study) {}
	cases := []struct {
		name   string
		study  func() Study
		tests  []string
		keys   []VariedKey
		budget float64 // 0: cheapest for 80% power
	}{
		{"schools and children", priced(Cost{School: 500, Child: 20}, same), []string{"itt"},
			[]VariedKey{{"schools", span(10, 90, 10)}, {"tested", span(4, 24, 4)}}, 0},
		{"schools, classes and children", priced(Cost{School: 800, Teacher: 100, Child: 10}, func(s *Study) { s.Achievement.TeacherSD = 0.3 }), []string{"itt"},
			[]VariedKey{{"schools", span(20, 80, 20)}, {"teachers", span(1, 3, 1)}, {"tested", span(4, 16, 4)}}, 0},
		{"schools and segments, two tests", priced(Cost{School: 500, Treated: 1000, Segment: 60, Child: 5}, func(s *Study) { s.Quality.Effect.Shift[0] = 0.6 }), []string{"itt", "talk"},
			[]VariedKey{{"schools", span(20, 90, 10)}, {"segments", span(1, 5, 1)}}, 0},
		{"a budget for schools and children", priced(Cost{Fixed: 1000, School: 300, Child: 15}, same), []string{"itt"},
			[]VariedKey{{"schools", span(10, 90, 10)}, {"tested", span(4, 24, 4)}}, 25000},
		{"a budget for segments and coders", priced(Cost{School: 300, Segment: 50, Rating: 30}, func(s *Study) { s.Observation.SegmentSD[0] = 1 }), []string{"talk"},
			[]VariedKey{{"schools", span(10, 70, 10)}, {"segments", span(1, 4, 1)}, {"coders", span(1, 2, 1)}}, 18000},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			search := searchOf(c.study, c.tests, c.keys...)
			search.Cost = func(s Study) (float64, error) { return s.Cost.Of(s.Trial) }
			var found Found
			var err error
			if c.budget > 0 {
				found, err = search.Strongest(context.Background(), c.budget)
			} else {
				found, err = search.Cheapest(context.Background())
			}
			if err != nil {
				t.Fatal(err)
			}
			power := found.Answer.Weakest().Value
			if c.budget > 0 && found.Answer.Cost > c.budget || c.budget == 0 && power < search.Power {
				t.Fatalf("%+v does not keep to what was asked", found.Answer)
			}
			for _, o := range exhaustive(t, search, found, c.name == "schools and children") {
				if c.budget > 0 && o.Cost <= c.budget && o.Power > power {
					t.Errorf("%v has power %g, the answer %v has %g", o.Values, o.Power, found.Answer.Values, power)
				}
				if c.budget == 0 && o.Power >= search.Power && o.Cost < found.Answer.Cost {
					t.Errorf("%v costs %g, the answer %v costs %g", o.Values, o.Cost, found.Answer.Values, found.Answer.Cost)
				}
			}
		})
	}
}

// Where the target is out of reach the answer is the design with the most power of
// all simulated in full, and the first wanted of those that share it: also where all
// were clearly below the target after few trials. Draws are seeded: there are no false
// alarms.
func TestSearchOutOfReach(t *testing.T) {
	weak := func() Study {
		s := planned()
		s.Achievement.Effect.Mean[0] = 0.2
		return s
	}
	null := func() Study {
		s := planned()
		s.Achievement.Effect.Mean[0] = 0
		return s
	}
	cases := []struct {
		name  string
		study func() Study
		keys  []VariedKey
		cost  bool
	}{
		{"close to the target", planned, []VariedKey{{"schools", span(6, 20, 1)}}, false},
		{"three designs", planned, []VariedKey{{"schools", span(8, 16, 4)}}, false},
		{"one design", planned, []VariedKey{{"schools", []float64{8}}}, false},
		{"falling", weak, []VariedKey{{"school_sd", span(0.3, 0.6, 0.02)}}, false},
		{"peak", weak, []VariedKey{{"share", span(0.2, 0.8, 0.05)}}, false},
		{"no effect", null, []VariedKey{{"schools", span(10, 40, 10)}}, false},
		{"with costs", weak, []VariedKey{{"schools", span(8, 20, 4)}, {"tested", span(4, 16, 4)}}, true},
		{"no effect, with costs", null, []VariedKey{{"schools", span(8, 12, 2)}, {"tested", span(4, 8, 4)}}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			search := searchOf(c.study, []string{"itt"}, c.keys...)
			search.Replicates = 200
			if c.cost {
				search.Cost = func(s Study) (float64, error) { return Cost{School: 500, Child: 20}.Of(s.Trial) }
			}
			found, err := search.Cheapest(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			all := exhaust(t, search)
			if found.Falls {
				slices.Reverse(all)
			}
			want := slices.MaxFunc(all, func(a, b Looked) int { return cmp.Compare(a.Weakest().Value, b.Weakest().Value) })
			a := found.Answer
			if found.Reached || !slices.Equal(a.Values, want.Values) || a.Weakest() != want.Weakest() || a.Replicates != search.Replicates {
				t.Errorf("reached: %v; the most is at %v, with power %v of %d trials; want %v with %v",
					found.Reached, a.Values, a.Weakest(), a.Replicates, want.Values, want.Weakest())
			}
		})
	}
}

// A test whose fits all fail has no power; the search says so.
func TestSearchWhereAllFitsFail(t *testing.T) {
	base := func() Study {
		s := planned()
		s.Design.Schools = 2 // whose one classroom each tells coaching and class apart no more
		s.Estimators = []Estimator{{Name: "itt", Method: estimators.OLS{Formula: "reading ~ class + coaching", Cluster: "school", SE: estimators.CR1, Report: []string{"coaching"}}}}
		return s
	}
	search := searchOf(base, []string{"itt"}, VariedKey{"tested", []float64{6, 12}})
	search.Replicates = 60
	found, err := search.Cheapest(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if test := found.Answer.Tests[0]; found.Reached || test.Value != 0 || test.Failed != search.Replicates {
		t.Errorf("reached: %v, with power %v and %d of %d fits failed", found.Reached, test.Value, test.Failed, search.Replicates)
	}
}

// Power of the share of treated schools is highest in the middle.
func TestSearchSeesPeaks(t *testing.T) {
	base := func() Study {
		s := planned()
		s.Design.Schools = 60
		return s
	}
	search := searchOf(base, []string{"itt"}, VariedKey{"share", span(0.05, 0.95, 0.05)})
	found, err := search.Cheapest(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !found.Peaks {
		t.Errorf("no peak seen: %+v", found.Looked)
	}
}

// The same search finds the same on any number of workers.
func TestSearchOnAnyNumberOfWorkers(t *testing.T) {
	var all []string
	for _, workers := range []int{1, 2, 5} {
		search := searchOf(planned, []string{"itt"}, VariedKey{"schools", span(10, 90, 10)})
		search.Replicates, search.Workers = 200, workers
		found, err := search.Cheapest(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%+v", found))
	}
	if all[0] != all[1] || all[0] != all[2] {
		t.Errorf("with 1, 2 and 5 workers:\n%s", all)
	}
}

// A design is rough where the interval of its power is wider than that of the power
// asked for in a full simulation, also with a power of 0 or 1.
func TestRough(t *testing.T) {
	f := Found{Replicates: 2000, MCSE: math.Sqrt(0.8 * 0.2 / 2000)}
	for _, c := range []struct {
		power      float64
		replicates int
		want       bool
	}{
		{0.8, 2000, false}, {0.9, 2000, false}, {0.8, 1990, true}, {0.5, 2000, false}, {0.5, 1990, true},
		{0.97, 250, true}, {1, 50, true}, {1, 250, false}, {0, 50, true}, {0.99, 2000, false},
	} {
		l := Looked{Replicates: c.replicates, Tests: []TestPower{{Share: Share{Value: c.power}}}}
		if got := f.Rough(l); got != c.want {
			t.Errorf("power %g of %d trials: %v", c.power, c.replicates, got)
		}
	}
}

func TestSearchesAreInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	search := searchOf(planned, []string{"itt"}, VariedKey{"schools", span(10, 90, 10)})
	looked := 0
	search.Tell = func(Looked) {
		if looked++; looked == 3 {
			stop()
		}
	}
	if _, err := search.Cheapest(ctx); err == nil || looked != 3 {
		t.Errorf("error %v after %d designs", err, looked)
	}
}

// For a balanced trial the minimum detectable effect has a closed form: with
// V the variance of the difference in means of n of 2n schools,
// (t(1-α/2) + t(power)) √V, t with 2n-2 degrees of freedom, approximately; the
// noncentral t gives 0.6% less here.
func TestMDEAgainstClosedForm(t *testing.T) {
	base := func() Study {
		s := planned()
		s.Design.Schools, s.Replicates = 60, 4000
		return s
	}
	test, err := base().FindTest("CR2")
	if err != nil {
		t.Fatal(err)
	}
	search := EffectSearch{
		Test: test, Power: 0.8, Replicates: 4000, Workers: 2,
		At: func(x float64) (Study, error) {
			s := base()
			s.Achievement.Effect.Mean = []float64{x}
			return s, nil
		},
	}
	d, err := search.Find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	variance := 4.0 / 60 * (0.3*0.3 + 0.1*0.1 + 0.9/12)
	const multiplier = 2.0017 + 0.8481 // t with 58 df: qt(.975), qt(.8)
	want := multiplier * math.Sqrt(variance)
	// 3.5 standard errors and the approximation: a false alarm in 2,000 seeds.
	if math.Abs(d.Key.Value-want) > 3.5*d.Key.MCSE+0.006*want {
		t.Errorf("the effect is %.4f (%.4f), want %.4f", d.Key.Value, d.Key.MCSE, want)
	}
	if d.Effect == nil || math.Abs(d.Effect.Value-d.Key.Value) > 1e-9 {
		t.Errorf("effect on the outcome %+v, key %+v: in points they are the same", d.Effect, d.Key)
	}
	if w := d.Confirm.Weakest(); math.Abs(w.Value-0.8) > 3*w.MCSE {
		t.Errorf("confirmed with power %+v", w)
	}
}

func TestMDEOfAnEffectThatDoesNothing(t *testing.T) {
	test, err := planned().FindTest("talk")
	if err != nil {
		t.Fatal(err)
	}
	search := EffectSearch{Test: test, Power: 0.8, Replicates: 200, Workers: 2, At: func(x float64) (Study, error) {
		s := planned()
		s.Achievement.Effect.Mean = []float64{x}
		return s, nil
	}}
	if _, err := search.Find(context.Background()); err == nil {
		t.Error("an effect on achievement was found to move classroom quality")
	}
}

func TestCost(t *testing.T) {
	s := planned()
	s.Design.Blocks, s.Design.Schools, s.Design.Teachers = 2, 10, 3
	s.Design.Tested = 12
	c := Cost{Fixed: 1e9, Block: 1e8, School: 1e6, Treated: 1e5, Teacher: 1e3, Child: 1, Segment: 10, Rating: 0.01}
	got, err := c.Of(s.Trial)
	if err != nil {
		t.Fatal(err)
	}
	// 2 blocks, 20 schools, 10 treated, 60 classes of 12 tested, 2 segments, 2 coders.
	want := 1e9 + 2e8 + 20e6 + 10e5 + 60e3 + 720 + 10*120 + 0.01*240
	if math.Abs(got-want) > 1e-6*want {
		t.Errorf("cost %v, want %v", got, want)
	}
}

// Only tests that are taken are paid for, however children are lost. Of 720 a share of 15%
// is lost: over 100 draws the mean of those left has a standard error of 1.
func TestCostOfLostChildren(t *testing.T) {
	s := planned()
	s.Design.Blocks, s.Design.Schools, s.Design.Teachers = 2, 10, 3
	s.Design.Tested = 12
	c := Cost{Child: 1}
	var costs []float64
	for _, attrition := range []dgp.Attrition{
		{Children: 0.15},
		{Children: 0.15, Keep: true},
		{Loss: dgp.Losses{Child: dgp.Loss{Rate: map[string]float64{"control": 0.15, "coaching": 0.15}}}},
	} {
		s.Design.Attrition = attrition
		got, err := c.Of(s.Trial)
		must(t, err)
		if math.Abs(got-0.85*720) > 4 {
			t.Errorf("%+v: cost %v, want about %v", attrition, got, 0.85*720)
		}
		costs = append(costs, got)
	}
	if costs[0] != costs[1] {
		t.Errorf("cost %v, and %v where the lost are kept in the data", costs[0], costs[1])
	}
}

// Coaching is paid for schools that leave later, too, in any number, and where teachers
// are assigned within schools for the share of them that is coached.
func TestCostOfTreatedSchools(t *testing.T) {
	s := planned()
	s.Design.Blocks, s.Design.Schools, s.Design.Teachers = 2, 10, 4
	for name, want := range map[string]struct {
		attrition dgp.Attrition
		unit      dgp.Unit
		treated   float64
	}{
		"all stay":       {treated: 10},
		"leavers":        {attrition: dgp.Attrition{Schools: map[string]int{"coaching": 3}}, treated: 10},
		"leavers, kept":  {attrition: dgp.Attrition{Schools: map[string]int{"coaching": 3}, Keep: true}, treated: 10},
		"controls leave": {attrition: dgp.Attrition{Schools: map[string]int{"control": 3}}, treated: 10},
		"teachers":       {unit: dgp.TeacherUnit, treated: 10},
	} {
		s.Design.Attrition = want.attrition
		s.Design.Assignment = &dgp.Blocked{Unit: want.unit}
		items, err := Cost{Treated: 3}.Items(s.Trial)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(items) != 1 || items[0] != (CostItem{"treated_school", want.treated, 3}) {
			t.Errorf("%s: %+v, want %g treated schools", name, items, want.treated)
		}
	}
}

// Counts that are averages show the decimals that their sum needs.
func TestCostItemCounted(t *testing.T) {
	for units, want := range map[float64]string{0: "0", 16: "16", 15.9999999: "16", 15.484: "15.48", 0.25: "0.250", 120.46: "120.5", 1649.4: "1,649", 9600: "9,600"} {
		if got := (CostItem{Units: units}).Counted(); got != want {
			t.Errorf("%v units are %s, want %s", units, got, want)
		}
	}
}

// Observation is paid by day, segment, rating, hour of work and rater: 60 classes
// on 3 days of 2 segments by 2 coders, 20 minutes each; 9 raters or 120.
func TestCostOfObservation(t *testing.T) {
	s := planned()
	s.Design.Blocks, s.Design.Schools, s.Design.Teachers = 2, 10, 3
	s.Observation.Days = 3
	c := Cost{Day: 1e6, Segment: 100, Rating: 0.01, Hour: 3000, Minutes: 20, Rater: 1e9}
	want := 180e6 + 360*100 + 720*0.01 + 240*3000
	for _, raters := range []float64{120, 9} {
		if got, err := c.Of(s.Trial); err != nil || math.Abs(got-want-raters*1e9) > 1e-6*want || got != c.Observation(s.Trial) {
			t.Errorf("cost %v, want %v (%v)", got, want+raters*1e9, err)
		}
		s.Observation.Raters = &dgp.Raters{Pool: 9}
	}
	s.Cost = &Cost{Hour: 1}
	if f := s.Validate(); len(f) != 1 || f[0].Path != "cost.coder_hour" {
		t.Errorf("hours of no length: %v", f)
	}
}

// Coaches are paid by head: each treated school of the two blocks' 5 takes one of
// two coaches with caseloads of at most 3.
func TestCostOfCoaches(t *testing.T) {
	s := planned()
	s.Design.Blocks, s.Design.Schools = 2, 10
	c := Cost{Coach: 7, School: 1000}
	for _, want := range []float64{20_000, 20_028} {
		if got, err := c.Of(s.Trial); err != nil || math.Abs(got-want) > 1e-6 {
			t.Errorf("cost %v, want %v (%v)", got, want, err)
		}
		s.Design.Coaches = &dgp.Coaches{Caseload: 3}
	}
}

func TestFindTest(t *testing.T) {
	s := smallStudy(10)
	for text, want := range map[string]Test{
		"":                         {"itt", "achievement", "coaching"},
		"itt":                      {"itt", "achievement", "coaching"},
		"itt:maths":                {"itt", "maths", "coaching"},
		"itt:maths:girl":           {"itt", "maths", "girl"},
		"girls:talk":               {"girls", "talk", "coaching"},
		"held-fixed : achievement": {"held-fixed", "achievement", "coaching"},
	} {
		if got, err := s.FindTest(text); err != nil || got != want {
			t.Errorf("%q is %v (%v), want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"itt:math":           `the study has no test "itt:math"; did you mean "itt:maths"?`,
		"it:mathz:coachin":   `the study has no test "it:mathz:coachin"; did you mean "itt:maths:coaching"?`,
		"grils : talk":       `the study has no test "grils : talk"; did you mean "girls:talk"?`,
		"girlz:nonsense":     `the study has no test "girlz:nonsense"; did you mean "girls"?`,
		"nonsense":           `the study has no test "nonsense"; the estimators are `,
		"itt:nonsense":       `the study has no test "itt:nonsense"; the outcomes of itt are achievement, `,
		"itt:maths:nonsense": `the study has no test "itt:maths:nonsense"; the terms of itt:maths are coaching, girl`,
		"::nonsense":         `the study has no test "::nonsense"; the terms are `,
	} {
		if got, err := s.FindTest(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q is %v (%v), want the error %s", text, got, err, want)
		}
	}
}
