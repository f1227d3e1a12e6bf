package dgp_test

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"coachsim/dgp"
)

// assigned is manyTeachers without lost schools, by another scheme.
func assigned(scheme dgp.Assignment, arms ...string) dgp.Trial {
	t := manyTeachers()
	t.Design.Blocks, t.Design.Schools = 3, 7
	t.Design.Attrition.Schools = nil
	t.Design.Assignment = scheme
	if arms != nil {
		t.Design.Arms = arms
	}
	if scheme.Level() == dgp.ChildLevel {
		t.Quality.Effect, t.Quality.ArmEffects = dgp.QualityEffect{}, nil
	}
	return t
}

// schemes are the schemes that look at covariates or have stages.
func schemes() map[string]dgp.Trial {
	three := []string{"usual", "mentoring", "money"}
	return map[string]dgp.Trial{
		"pairs":                 assigned(dgp.Pairs{On: []string{"wealth"}}),
		"pairs in blocks":       assigned(dgp.Pairs{On: []string{"wealth", "debt", "months"}, Blocked: true}),
		"triples":               assigned(dgp.Pairs{On: []string{"wealth", "staff"}, Blocked: true}, three...),
		"pairs of teachers":     assigned(dgp.Pairs{Unit: dgp.TeacherUnit, On: []string{"debt", "months"}, Blocked: true}),
		"by distance":           assigned(dgp.Rerandomised{On: []string{"wealth", "debt", "months"}, Accept: 0.1, Tries: 1000}),
		"by distance in blocks": assigned(dgp.Rerandomised{On: []string{"wealth", "staff"}, Accept: 0.1, Tries: 1000, Blocked: true, Shares: map[string]float64{"usual": 0.5, "money": 0.2}}, three...),
		"by t of children":      assigned(dgp.Rerandomised{Unit: dgp.ChildUnit, On: []string{"months", "wealth"}, MaxT: 0.8, Tries: 1000}),
		"saturation":            assigned(dgp.TwoStage{Unit: dgp.TeacherUnit, Saturations: []float64{0, 1.0 / 3, 0.5, 1}, Blocked: true}),
		"saturation of classes": assigned(dgp.TwoStage{Unit: dgp.ChildUnit, Saturations: []float64{0, 0.6}, Schools: []float64{0.3, 0.7}}),
		"stepped":               assigned(dgp.Stepped{Waves: 3, Treated: 2}),
		"stepped in blocks":     assigned(dgp.Stepped{Waves: 4, Treated: 1, Blocked: true}),
	}
}

// armShares is the share of each arm by design.
func armShares(trial dgp.Trial) []float64 {
	switch a := trial.Design.Assignment.(type) {
	case dgp.Rerandomised:
		if a.Shares != nil {
			return []float64{0.5, 0.3, 0.2}
		}
	case dgp.TwoStage:
		if a.Schools != nil {
			return []float64{1 - 0.42, 0.42}
		}
		sum := 0.0
		for _, s := range a.Saturations {
			sum += s / float64(len(a.Saturations))
		}
		return []float64{1 - sum, sum}
	case dgp.Stepped:
		p := float64(a.Treated) / float64(a.Waves)
		return []float64{1 - p, p}
	}
	n := len(trial.Design.Arms)
	return slices.Repeat([]float64{1 / float64(n)}, n)
}

// Under every scheme each unit is in each arm with the probability that is the
// arm's share, whatever its covariates are; at most 12 checks for each of 11
// schemes, each with the false-alarm rate of falseAlarm. With unequal arms,
// re-randomisation prefers typical units for the smaller one (Morgan and Rubin
// 2012, section 2), so that the shares of single units by place are checked, which
// say nothing of covariates.
func TestSchemesKeepShares(t *testing.T) {
	for name, trial := range schemes() {
		t.Run(name, func(t *testing.T) {
			g := compile(t, trial)
			var c checks
			for rep := range short(4000) {
				g.DrawAssignment(dgp.Stream{Seed: 41, Replicate: uint64(rep)})
				d := g.Units()
				for a, share := range armShares(trial) {
					c.add(fmt.Sprintf("share of arm %d", a), share, mean(len(d.Arm), func(u int) float64 { return number(d.Arm[u] == a) }))
					c.add(fmt.Sprintf("first in arm %d", a), share, number(d.Arm[0] == a))
					c.add(fmt.Sprintf("last in arm %d", a), share, number(d.Arm[len(d.Arm)-1] == a))
				}
				if len(d.Arm) == len(d.Block) && len(trial.Design.Arms) == 2 {
					c.add("arm with wealth", 0, mean(len(d.Arm), func(s int) float64 {
						return (float64(d.Arm[s]) - armShares(trial)[1]) * d.Covariate["wealth"][s]
					}))
				}
			}
			c.test(t)
		})
	}
}

// unitValues lists covariates by unit assigned, worked out from the hierarchy.
func unitValues(d dgp.Drawn, level dgp.Level, on ...string) [][]float64 {
	var all [][]float64
	for _, name := range on {
		x := d.Covariate[name]
		sum, n := make([]float64, len(d.Arm)), make([]float64, len(d.Arm))
		add := func(unit int, v float64) { sum[unit] += v; n[unit]++ }
		for j, s := range d.School {
			for i := d.Start[j]; i < d.Start[j+1]; i++ {
				unit := [...]int{dgp.SchoolLevel: s, dgp.TeacherLevel: j, dgp.ChildLevel: i}[level]
				switch len(x) {
				case len(d.Block):
					add(unit, x[s])
				case len(d.School):
					if level == dgp.ChildLevel || i == d.Start[j] {
						add(unit, x[j])
					}
				default:
					add(unit, x[i])
				}
			}
		}
		for u := range sum {
			sum[u] /= n[u]
		}
		all = append(all, sum)
	}
	return all
}

// strata returns where the units above begin, for schools or teachers.
func strata(trial dgp.Trial, level dgp.Level) []int {
	per := trial.Design.Schools
	if level == dgp.TeacherLevel {
		per = trial.Design.Teachers
	}
	var starts []int
	for s := 0; s <= trial.Design.Blocks*trial.Design.Schools*max(1, (int(level)-1)*trial.Design.Teachers); s += per {
		starts = append(starts, s)
	}
	return starts
}

// mahalanobis returns the squared distances between all units, with the inverse
// of the pooled covariance within strata, by dense algebra.
func mahalanobis(x [][]float64, starts []int) func(i, j int) float64 {
	p, n := len(x), len(x[0])
	cov := mat.NewSymDense(p, nil)
	for k := range p {
		for l := range k + 1 {
			sum := 0.0
			for s, lo := range starts[:len(starts)-1] {
				hi := starts[s+1]
				mk := mean(hi-lo, func(i int) float64 { return x[k][lo+i] })
				ml := mean(hi-lo, func(i int) float64 { return x[l][lo+i] })
				for i := lo; i < hi; i++ {
					sum += (x[k][i] - mk) * (x[l][i] - ml)
				}
			}
			cov.SetSym(k, l, sum/float64(n-len(starts)+1))
		}
	}
	var inverse mat.Dense
	if err := inverse.Inverse(cov); err != nil {
		panic(err)
	}
	return func(i, j int) float64 {
		v := mat.NewVecDense(p, nil)
		for k := range p {
			v.SetVec(k, x[k][i]-x[k][j])
		}
		return mat.Inner(v, &inverse, v)
	}
}

// Pairs are within their stratum, have every arm once, and are matched as the
// declaration says: worked out a second time by dense algebra, in which the
// farthest unit of those left is matched with its nearest.
func TestPairs(t *testing.T) {
	for name, trial := range schemes() {
		scheme, ok := trial.Design.Assignment.(dgp.Pairs)
		if !ok {
			continue
		}
		g := compile(t, trial)
		level, arms := scheme.Level(), len(trial.Design.Arms)
		column := g.Shape().Index("pair")
		for rep := range 20 {
			data, _ := g.Draw(dgp.Stream{Seed: 42, Replicate: uint64(rep)})
			d := g.Drawn()
			pair := data.Columns[column]
			starts := []int{0, len(d.Arm)}
			if scheme.Blocked {
				starts = strata(trial, level)
			}
			x := unitValues(d, level, scheme.On...)
			distance := mahalanobis(x, starts)
			sets := 0
			for s, lo := range starts[:len(starts)-1] {
				hi := starts[s+1]
				// The mean as one more unit, the last.
				withMean := make([][]float64, len(x))
				for k := range x {
					withMean[k] = append(slices.Clone(x[k]), mean(hi-lo, func(i int) float64 { return x[k][lo+i] }))
				}
				far := func(i int) float64 { return fromMean(withMean, distance, x, i) }
				var left []int
				for i := lo; i < hi; i++ {
					left = append(left, i)
				}
				sort.SliceStable(left, func(a, b int) bool { return far(left[a]) > far(left[b]) })
				for len(left) > 0 {
					first := left[0]
					left = left[1:]
					set := []int{first}
					for len(set) < arms && len(left) > 0 {
						best := 0
						for k, i := range left {
							if distance(first, i) < distance(first, left[best]) {
								best = k
							}
						}
						set = append(set, left[best])
						left = slices.Delete(left, best, best+1)
					}
					seen := map[int]bool{}
					for _, i := range set {
						if pair[i] != float64(sets) {
							t.Fatalf("%s: unit %d is in pair %g, want %d", name, i, pair[i], sets)
						}
						if seen[d.Arm[i]] {
							t.Fatalf("%s: two units of pair %d are in arm %d", name, sets, d.Arm[i])
						}
						seen[d.Arm[i]] = true
					}
					sets++
				}
			}
			if sets > g.Shape().Columns[column].Levels {
				t.Fatalf("%s: %d pairs; the shape allows %d", name, sets, g.Shape().Columns[column].Levels)
			}
		}
	}
}

// fromMean is the distance of unit i from the mean, the last of withMean, by the
// parallelogram identity on distances between units: the distance is that of
// dense algebra in a space with one more unit.
func fromMean(withMean [][]float64, distance func(i, j int) float64, x [][]float64, i int) float64 {
	old := make([]float64, len(x))
	last := len(withMean[0]) - 1
	for k := range x {
		old[k] = x[k][0]
	}
	// Put the mean in the place of unit 0, unless that is i.
	at := 0
	if i == 0 {
		at = 1
		for k := range x {
			old[k] = x[k][1]
		}
	}
	for k := range x {
		x[k][at] = withMean[k][last]
	}
	d := distance(i, at)
	for k := range x {
		x[k][at] = old[k]
	}
	return d
}

// With one covariate and an even number of units, pairs are neighbours in its
// order.
func TestPairsOfOneCovariate(t *testing.T) {
	trial := assigned(dgp.Pairs{On: []string{"wealth"}})
	trial.Design.Schools = 6
	g := compile(t, trial)
	for rep := range 20 {
		data, _ := g.Draw(dgp.Stream{Seed: 43, Replicate: uint64(rep)})
		pair := data.Columns[g.Shape().Index("pair")]
		wealth := g.Units().Covariate["wealth"]
		order := make([]int, len(pair))
		for i := range order {
			order[i] = i
		}
		sort.Slice(order, func(a, b int) bool { return wealth[order[a]] < wealth[order[b]] })
		for i := 0; i < len(order); i += 2 {
			if pair[order[i]] != pair[order[i+1]] {
				t.Fatalf("neighbours %d and %d are in two pairs", i, i+1)
			}
		}
	}
}

// Every assignment that re-randomisation takes is as balanced as asked, by the
// formulas in dense algebra; and the share of single draws that would be taken is
// about what accept says, so that the threshold is in the right units: 1,000
// draws of 60 schools, within 5 standard errors (false-alarm rate 6e-7) and the
// 0.02 that χ² is off in so small a trial.
func TestRerandomised(t *testing.T) {
	distanceOf := func(trial dgp.Trial, d dgp.Drawn, on []string, blocked bool) float64 {
		starts := []int{0, len(d.Arm)}
		if blocked {
			starts = strata(trial, dgp.SchoolLevel)
		}
		x := unitValues(d, dgp.SchoolLevel, on...)
		distance := mahalanobis(x, starts)
		// Σ_a n_a |x̄_a - x̄|² is the mean over arms of squared distances within
		// them, taken from that of all: Σ_a n_a |x̄_a - x̄|² = T - W, with
		// T = Σ_ij d/2n and W = Σ_a Σ_ij∈a d/2n_a; strata have the same mean.
		for k := range x {
			for s, lo := range starts[:len(starts)-1] {
				m := mean(starts[s+1]-lo, func(i int) float64 { return x[k][lo+i] })
				for i := lo; i < starts[s+1]; i++ {
					x[k][i] -= m
				}
			}
		}
		n := map[int]float64{}
		for _, a := range d.Arm {
			n[a]++
		}
		total := 0.0
		for i := range d.Arm {
			for j := range d.Arm {
				total += distance(i, j) / float64(2*len(d.Arm))
				if d.Arm[i] == d.Arm[j] {
					total -= distance(i, j) / (2 * n[d.Arm[i]])
				}
			}
		}
		return total
	}
	for _, name := range []string{"by distance", "by distance in blocks"} {
		trial := schemes()[name]
		scheme := trial.Design.Assignment.(dgp.Rerandomised)
		limit := distuv.ChiSquared{K: float64(len(scheme.On) * (len(trial.Design.Arms) - 1))}.Quantile(scheme.Accept)
		g := compile(t, trial)
		for rep := range 50 {
			g.DrawAssignment(dgp.Stream{Seed: 44, Replicate: uint64(rep)})
			if m := distanceOf(trial, g.Drawn(), scheme.On, scheme.Blocked); !(m <= limit*(1+1e-9)) {
				t.Fatalf("%s: the distance is %g, above %g", name, m, limit)
			}
		}
		trial.Design.Schools = 20
		trial.Design.Assignment = dgp.Complete{Shares: scheme.Shares}
		if scheme.Blocked {
			trial.Design.Assignment = dgp.Blocked{Shares: scheme.Shares}
		}
		g = compile(t, trial)
		taken, draws := 0.0, float64(short(1000))
		for rep := range int(draws) {
			g.DrawAssignment(dgp.Stream{Seed: 45, Replicate: uint64(rep)})
			taken += number(distanceOf(trial, g.Drawn(), scheme.On, scheme.Blocked) <= limit)
		}
		se := math.Sqrt(scheme.Accept * (1 - scheme.Accept) / draws)
		if got := taken / draws; math.Abs(got-scheme.Accept) > 0.02+5*se {
			t.Errorf("%s: %g of single draws are balanced, not %g", name, got, scheme.Accept)
		}
	}
	trial := schemes()["by t of children"]
	g := compile(t, trial)
	for rep := range 50 {
		g.DrawAssignment(dgp.Stream{Seed: 46, Replicate: uint64(rep)})
		d := g.Drawn()
		for k, x := range unitValues(d, dgp.ChildLevel, "months", "wealth") {
			m := mean(len(x), func(i int) float64 { return x[i] })
			variance := mean(len(x), func(i int) float64 { return (x[i] - m) * (x[i] - m) }) * float64(len(x)) / float64(len(x)-1)
			n, sum := [2]float64{}, [2]float64{}
			for i, a := range d.Arm {
				n[a]++
				sum[a] += x[i]
			}
			if tk := math.Abs(sum[1]/n[1]-sum[0]/n[0]) / math.Sqrt(variance*(1/n[0]+1/n[1])); !(tk <= 0.8+1e-9) {
				t.Fatalf("covariate %d has |t| %g", k, tk)
			}
		}
	}
}

// In each school the saturation drawn is met, and each saturation has its share
// of the schools of each block.
func TestSaturation(t *testing.T) {
	for _, name := range []string{"saturation", "saturation of classes"} {
		trial := schemes()[name]
		scheme := trial.Design.Assignment.(dgp.TwoStage)
		g := compile(t, trial)
		for rep := range 50 {
			data, _ := g.Draw(dgp.Stream{Seed: 47, Replicate: uint64(rep)})
			d := g.Units()
			saturation := data.Columns[g.Shape().Index("saturation")]
			schools := map[float64]float64{}
			for s, share := range saturation {
				schools[share]++
				if !slices.Contains(scheme.Saturations, share) {
					t.Fatalf("a saturation of %g", share)
				}
				lo, hi := s*trial.Design.Teachers, (s+1)*trial.Design.Teachers
				if scheme.Unit == dgp.ChildUnit {
					lo, hi = d.Start[lo], d.Start[hi]
				}
				treated := 0.0
				for _, a := range d.Arm[lo:hi] {
					treated += float64(a)
				}
				if want := share * float64(hi-lo); treated < math.Floor(want+1e-9) || treated > math.Ceil(want-1e-9) {
					t.Fatalf("%s: %g of %d units are treated with a saturation of %g", name, treated, hi-lo, share)
				}
			}
			for k, share := range scheme.Schools {
				want := share * float64(len(saturation))
				if n := schools[scheme.Saturations[k]]; math.Abs(n-want) >= 1 {
					t.Fatalf("%s: %g schools have saturation %g, want about %g", name, n, scheme.Saturations[k], want)
				}
			}
		}
	}
}

// Waves are of equal size; the first are treated, for longer the earlier.
func TestStepped(t *testing.T) {
	for _, name := range []string{"stepped", "stepped in blocks"} {
		trial := schemes()[name]
		scheme := trial.Design.Assignment.(dgp.Stepped)
		g := compile(t, trial)
		for rep := range 50 {
			data, _ := g.Draw(dgp.Stream{Seed: 48, Replicate: uint64(rep)})
			wave, exposure := data.Columns[g.Shape().Index("wave")], data.Columns[g.Shape().Index("exposure")]
			arm := data.Columns[g.Shape().Index("mentoring")]
			groups := []int{0, 21}
			if scheme.Blocked {
				groups = []int{0, 7, 14, 21}
			}
			for k, lo := range groups[:len(groups)-1] {
				n := make([]float64, scheme.Waves)
				for s := lo; s < groups[k+1]; s++ {
					n[int(wave[s])]++
					if arm[s] != number(int(wave[s]) < scheme.Treated) || exposure[s] != math.Max(0, float64(scheme.Treated)-wave[s]) {
						t.Fatalf("%s: a school of wave %g has arm %g and exposure %g", name, wave[s], arm[s], exposure[s])
					}
				}
				if slices.Max(n)-slices.Min(n) > 1 {
					t.Fatalf("%s: waves of %v schools", name, n)
				}
			}
		}
	}
}

// The same stream gives the same assignment and draws of covariates do not
// depend on the scheme.
func TestSchemesLeaveThePopulationAlone(t *testing.T) {
	want := compile(t, assigned(dgp.Complete{}))
	for name, trial := range schemes() {
		g := compile(t, trial)
		st := dgp.Stream{Seed: 49, Replicate: 3}
		g.DrawAssignment(dgp.Stream{Seed: 1})
		g.DrawAssignment(st)
		once := slices.Clone(g.Units().Arm)
		g.DrawAssignment(st)
		want.DrawAssignment(st)
		if d := g.Units(); !slices.Equal(once, d.Arm) || !slices.Equal(d.Covariate["wealth"], want.Units().Covariate["wealth"]) {
			t.Errorf("%s: a stream gives two assignments or another population", name)
		}
	}
}

// Balance that cannot be had in so small a trial is an error, not a silent miss.
func TestImpossibleBalance(t *testing.T) {
	trial := assigned(dgp.Rerandomised{On: []string{"wealth"}, MaxT: 0.01, Tries: 10000})
	trial.Design.Blocks, trial.Design.Schools = 1, 4
	_, err := trial.Compile()
	if want := "trial.assignment: no assignment that was tried is as balanced as asked, in"; err == nil || err.Error()[:len(want)] != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
