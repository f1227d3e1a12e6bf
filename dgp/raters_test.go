package dgp_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
)

// rated is an invented trial with every error of observation: days, segments,
// raters with severity and drift. Ratings have no steps or ends that count.
func rated(raters dgp.Raters) dgp.Trial {
	t := manyTeachers()
	t.Design.Attrition = dgp.Attrition{}
	t.Design.Assignment = dgp.Blocked{Share: 0.5}
	t.Quality.Effect.Skew = 0.4
	o := &t.Observation
	o.Days, o.Segments, o.Coders = 2, 2, 2
	o.DaySD = []float64{0.5, 0.3}
	o.Raters = &raters
	return t
}

// severe has errors of every kind by raters.
func severe(pool int, assigned dgp.RaterAllocation) dgp.Raters {
	r := dgp.Raters{Pool: pool, Assigned: assigned, SD: []float64{0.6, 0.4}, ClassSD: []float64{0.3, 0.5}, DaySD: []float64{0.2, 0.25}}
	if pool > 0 {
		r.Drift, r.DriftSD = []float64{0.8, -0.5}, []float64{0.9, 0.6}
	}
	return r
}

func ratedTrials() map[string]dgp.Trial {
	all := map[string]dgp.Trial{
		"own":     rated(severe(0, dgp.RandomRaters)),
		"random":  rated(severe(7, dgp.RandomRaters)),
		"blocks":  rated(severe(12, dgp.BlockRaters)),
		"arms":    rated(severe(6, dgp.ArmRaters)),
		"crossed": rated(severe(2, dgp.CrossedRaters)),
	}
	still := severe(5, dgp.RandomRaters)
	still.Drift, still.DriftSD = nil, nil
	all["still"] = rated(still)
	return all
}

// The errors of ratings, and of the scores that are their means, have the
// variances and covariances that the trial declares: between the ratings of a
// class, between domains, and between classes that share raters. Of the 900
// checks or so, a right program fails one in 1e5 each.
func TestRaterMoments(t *testing.T) {
	for name, trial := range ratedTrials() {
		t.Run(name, func(t *testing.T) {
			o, k := trial.Observation, 2
			r := o.Raters
			plan := trial.ObservationPlan()
			control, err := trial.ScoreVariances(0)
			if err != nil {
				t.Fatal(err)
			}
			treated, err := trial.ScoreVariances(1)
			if err != nil {
				t.Fatal(err)
			}
			g := compile(t, trial)
			shape := g.Shape()
			n := trial.Design.Blocks * trial.Design.Schools * trial.Design.Teachers
			time := 0.0 // the variance of a class's place in the order
			if r.Pool > 0 {
				for i := range n {
					u := (float64(i)+0.5)/float64(n) - 0.5
					time += u * u / float64(n)
				}
			}
			classes := float64(n)
			var c checks
			for rep := range short(1000) {
				data, _ := g.Draw(dgp.Stream{Seed: 31, Replicate: uint64(rep)})
				d := g.Drawn()
				for arm, quality := range [2][][]float64{d.Untreated, d.Treated} {
					e := func(k, day, s, coder, j int) float64 {
						return (d.Rating[arm][((k*2+day)*2+s)*2+coder][j]-o.Scale.Mean[k])/o.Scale.Points[k] - quality[k][j] - d.Context[k][j]
					}
					score := func(k, j int) float64 {
						sum := 0.0
						for at := range 8 {
							sum += e(k, at/4, at/2%2, at%2, j) / 8
						}
						return sum
					}
					add := func(name string, k int, want float64, f func(j int) float64) {
						c.add(fmt.Sprintf("%s, domain %d", name, k), want, mean(n, f))
					}
					for k := range k {
						sq := func(list []float64) float64 { x := orZero(list, k); return x * x }
						drift := time * (sq(r.Drift) + sq(r.DriftSD))
						rater := sq(r.SD) + sq(r.ClassSD)
						all := sq(o.DaySD) + sq(o.SegmentSD) + rater + sq(r.DaySD) + sq(o.CoderSD) + drift
						add("mean", k, 0, func(j int) float64 { return e(k, 0, 1, 0, j) })
						add("variance", k, all, func(j int) float64 { return e(k, 1, 0, 1, j) * e(k, 1, 0, 1, j) })
						add("coders", k, sq(o.DaySD)+sq(o.SegmentSD)+time*sq(r.Drift), func(j int) float64 { return e(k, 0, 1, 0, j) * e(k, 0, 1, 1, j) })
						add("segments", k, sq(o.DaySD)+rater+sq(r.DaySD)+drift, func(j int) float64 { return e(k, 1, 0, 0, j) * e(k, 1, 1, 0, j) })
						add("days", k, rater+drift, func(j int) float64 { return e(k, 0, 0, 1, j) * e(k, 1, 1, 1, j) })
						add("days and coders", k, time*sq(r.Drift), func(j int) float64 { return e(k, 0, 0, 0, j) * e(k, 1, 0, 1, j) })
						add("score", k, control[k].Absolute(plan), func(j int) float64 { return score(k, j) * score(k, j) })

						// Pairs of classes that share a pool.
						ss, within, groups := 0.0, 0.0, map[int][]int{}
						for j := range n {
							groups[groupOf(trial, d, j)] = append(groups[groupOf(trial, d, j)], j)
						}
						pairs := 0.0
						for _, group := range groups {
							sum := 0.0
							for _, j := range group {
								sum += score(k, j)
								ss += score(k, j) * score(k, j)
							}
							within += sum * sum
							pairs += float64(len(group) * (len(group) - 1))
						}
						c.add(fmt.Sprintf("two classes of a pool, domain %d", k), control[k].Shared(plan), (within-ss)/pairs)
						if name == "still" { // which share a rater, or do not
							who := data.Columns[shape.Index("rater_c1")]
							var sum, count [2]float64
							for j := range n {
								for i := range j {
									same := int(number(who[i] == who[j]))
									sum[same] += e(k, 0, 0, 0, i) * e(k, 1, 1, 0, j)
									count[same]++
								}
							}
							c.add(fmt.Sprintf("two classes with a rater, domain %d", k), sq(r.SD), sum[1]/count[1])
							c.add(fmt.Sprintf("two classes without, domain %d", k), 0, sum[0]/count[0])
						}
						of := control
						if arm == 1 {
							of = treated
						}
						shift := float64(arm) * trial.Quality.Effect.Shift[k]
						truth := func(j int) float64 { return quality[k][j] + d.Context[k][j] - shift }
						add(fmt.Sprintf("true score in arm %d", arm), k, of[k].True(), func(j int) float64 { return truth(j) * truth(j) })
						add(fmt.Sprintf("quality in arm %d", arm), k, of[k].GivenCovariates(), func(j int) float64 { return (quality[k][j] - shift) * (quality[k][j] - shift) })
						same := 0.0 // teachers of a school
						for j := 0; j < n; j += 3 {
							for _, pair := range [][2]int{{j, j + 1}, {j, j + 2}, {j + 1, j + 2}} {
								same += (quality[k][pair[0]] - shift) * (quality[k][pair[1]] - shift) / classes
							}
						}
						c.add(fmt.Sprintf("quality in common to a school in arm %d, domain %d", arm, k), of[k].School, same)
					}
					across := 0.0
					for _, sd := range [][]float64{o.DaySD, o.SegmentSD, o.CoderSD, r.SD, r.ClassSD, r.DaySD} {
						across += 0.5 * sd[0] * sd[1]
					}
					across += time * (orZero(r.Drift, 0)*orZero(r.Drift, 1) + 0.5*orZero(r.DriftSD, 0)*orZero(r.DriftSD, 1))
					c.add("two domains", across, mean(n, func(j int) float64 { return e(0, 1, 1, 0, j) * e(1, 1, 1, 0, j) }))
					// The total: the mean of the scores in points.
					total := func(j int) float64 { return (10*score(0, j) + 5*score(1, j)) / 2 }
					c.add("total score", control[2].Absolute(plan), mean(n, func(j int) float64 { return total(j) * total(j) }))
				}
			}
			c.test(t)
		})
	}
}

// groupOf is the part of the pool that a class has its raters from.
func groupOf(trial dgp.Trial, d dgp.Drawn, class int) int {
	switch trial.Observation.Raters.Assigned {
	case dgp.BlockRaters:
		return d.Block[d.School[class]]
	case dgp.ArmRaters:
		return d.Arm[d.School[class]]
	default:
		return 0
	}
}

// Who codes whom: raters of the class's group, each as likely, no one twice.
func TestWhoCodes(t *testing.T) {
	for name, trial := range ratedTrials() {
		g := compile(t, trial)
		shape := g.Shape()
		r := trial.Observation.Raters
		first, second := shape.Index("rater_c1"), shape.Index("rater_c2")
		if r.Pool == 0 {
			if first >= 0 || second >= 0 {
				t.Errorf("%s: raters of a single class have a column", name)
			}
			continue
		}
		if c := shape.Columns[second]; c.Levels != r.Pool || c.Level != dgp.TeacherLevel || c.PostTreatment != (name == "arms") {
			t.Errorf("%s: the column is %+v", name, c)
		}
		groups := map[string]int{"blocks": 4, "arms": 2}[name]
		groups = max(groups, 1)
		size := r.Pool / groups
		var c checks
		for rep := range short(1000) {
			data, _ := g.Draw(dgp.Stream{Seed: 5, Replicate: uint64(rep)})
			d := g.Drawn()
			n := data.Teachers()
			for j := range n {
				a, b := int(data.Columns[first][j]), int(data.Columns[second][j])
				group := groupOf(trial, d, j)
				if a == b || a/size != group || b/size != group {
					t.Fatalf("%s: class %d of group %d has raters %d and %d", name, j, group, a, b)
				}
			}
			c.add("first coder is the first of its group", 1/float64(size)*number(r.Assigned != dgp.CrossedRaters)+number(r.Assigned == dgp.CrossedRaters),
				mean(n, func(j int) float64 { return number(int(data.Columns[first][j])%size == 0) }))
			c.add("pairs", map[bool]float64{true: 1, false: 2 / float64(size*(size-1))}[r.Assigned == dgp.CrossedRaters], mean(n, func(j int) float64 {
				a, b := int(data.Columns[first][j])%size, int(data.Columns[second][j])%size
				return number(a+b == 1)
			}))
		}
		t.Run(name, func(t *testing.T) { c.test(t) })
	}
}

// Days and raters leave the draws of the rest alone: without errors of their own
// they change no rating, and each kind changes nothing but itself.
func TestRatersHaveTheirOwnDraws(t *testing.T) {
	ratings := func(change func(*dgp.Trial)) [][]float64 {
		trial := manyTeachers()
		trial.Observation.Coders = 2
		change(&trial)
		g := compile(t, trial)
		g.Draw(dgp.Stream{Seed: 2, Replicate: 3})
		return slices.Clone(g.Drawn().Rating[1])
	}
	plain := ratings(func(*dgp.Trial) {})
	for name, change := range map[string]func(*dgp.Trial){
		"one day":      func(t *dgp.Trial) { t.Observation.Days = 1 },
		"days alike":   func(t *dgp.Trial) { t.Observation.DaySD = []float64{0, 0} },
		"raters alike": func(t *dgp.Trial) { t.Observation.Raters = &dgp.Raters{} },
		"a pool of alike": func(t *dgp.Trial) {
			t.Observation.Raters = &dgp.Raters{Pool: 6, Assigned: dgp.ArmRaters, SD: []float64{0, 0}}
		},
	} {
		if !equalColumns(plain, ratings(change)) {
			t.Errorf("%s: ratings differ from those without", name)
		}
	}
	// What a day adds is the same with raters and without.
	day := func(t *dgp.Trial) { t.Observation.DaySD = []float64{1, 1} }
	raters := func(t *dgp.Trial) { t.Observation.Raters = &dgp.Raters{Pool: 4, SD: []float64{1, 1}} }
	a, b, both := ratings(day), ratings(raters), ratings(func(t *dgp.Trial) { day(t); raters(t) })
	for at := range plain {
		for j, x := range plain[at] {
			if sum := a[at][j] + b[at][j] - x; math.Abs(sum-both[at][j]) > 1e-9 {
				t.Fatalf("rating %d of class %d is %g with days and raters, %g by what each adds", at, j, both[at][j], sum)
			}
		}
	}
}

func TestRatingNames(t *testing.T) {
	has := func(trial dgp.Trial, name string, r dgp.Rating) {
		t.Helper()
		shape := compile(t, trial).Shape()
		at := shape.Index(name)
		if at < 0 || *shape.Columns[at].Rating != r {
			t.Errorf("no rating %s, %+v", name, r)
		}
	}
	trial := manyTeachers()
	has(trial, "support_s3_c1", dgp.Rating{Domain: "support", Day: 1, Segment: 3, Coder: 1})
	trial.Observation.Days = 2
	has(trial, "climate_d2_s1_c1", dgp.Rating{Domain: "climate", Day: 2, Segment: 1, Coder: 1})
	if compile(t, trial).Shape().Index("support_s3_c1") >= 0 {
		t.Error("ratings of two days have the name of one day's")
	}
}

// The data show what a class scores under its arm, with the coders it has; no
// memory is used.
func TestRatersInData(t *testing.T) {
	for name, trial := range ratedTrials() {
		g := compile(t, trial)
		shape := g.Shape()
		data, truth := g.Draw(dgp.Stream{Seed: 9})
		d := g.Drawn()
		at := shape.Index("climate_d1_s2_c1")
		score := shape.Index("climate")
		buffer := make([]float64, data.Teachers())
		for j := range buffer {
			arm := d.Arm[d.School[j]]
			if got, want := data.Columns[at][j], d.Rating[arm][((1*2+0)*2+1)*2][j]; got != want {
				t.Fatalf("%s: the rating of class %d is %g, under its arm %g", name, j, got, want)
			}
			if got := truth.Potential(buffer, score, arm)[j]; got != data.Columns[score][j] {
				t.Fatalf("%s: the score of class %d is %g, under its arm %g", name, j, data.Columns[score][j], got)
			}
			if got, want := truth.Quality(buffer, 1, arm)[j], d.Under[arm][1][j]; got != want {
				t.Fatalf("%s: the quality of class %d is %g, not %g", name, j, got, want)
			}
			if got, want := truth.Context(buffer, 1)[j], d.Context[1][j]; got != want {
				t.Fatalf("%s: the context of class %d is %g, not %g", name, j, got, want)
			}
		}
		rep := uint64(0)
		if allocations := testing.AllocsPerRun(20, func() {
			_, truth := g.Draw(dgp.Stream{Seed: 1, Replicate: rep})
			truth.Quality(buffer, 0, 1)
			truth.Context(buffer, 0)
			rep++
		}); allocations != 0 {
			t.Errorf("%s: a draw allocates %.1f times", name, allocations)
		}
	}
}

// The error variance of a plan, against adding up the covariances of all pairs of
// its ratings, and for two classes over all the coders that they may have.
func TestPlansByHand(t *testing.T) {
	f := dgp.Facets{Day: 0.21, Segment: 0.9, Rater: 0.3, RaterClass: 0.07, RaterDay: 0.05, Rating: 0.4, Drift: 0.6, RaterDrift: 0.35}
	pair := func(day, segment, rater, class bool) float64 {
		v := 0.0
		if class && day {
			v += f.Day
		}
		if class && segment {
			v += f.Segment
		}
		if rater {
			v += f.Rater
		}
		if rater && class {
			v += f.RaterClass
		}
		if rater && class && day {
			v += f.RaterDay
		}
		if rater && class && segment {
			v += f.Rating
		}
		return v
	}
	subsets := func(pool, n int) (all [][]int) {
		for bits := range 1 << pool {
			var set []int
			for i := range pool {
				if bits>>i&1 == 1 {
					set = append(set, i)
				}
			}
			if len(set) == n {
				all = append(all, set)
			}
		}
		return all
	}
	for days := 1; days <= 3; days++ {
		for segments := 1; segments <= 4; segments++ {
			for coders := 1; coders <= 3; coders++ {
				for _, pool := range []int{0, 3, 5} {
					p := dgp.ObservationPlan{Days: days, Segments: segments, Coders: coders, Pool: pool, Classes: 7}
					n := float64(days * segments * coders)
					// between adds up the pairs of ratings of two classes, or of one.
					between := func(a, b []int, class bool, ua, ub float64) float64 {
						sum := 0.0
						for d := range days {
							for s := range segments {
								for _, r := range a {
									for e := range days {
										for u := range segments {
											for _, q := range b {
												sum += pair(d == e, d == e && s == u, r == q, class) + ua*ub*f.Drift
												if r == q {
													sum += ua * ub * f.RaterDrift
												}
											}
										}
									}
								}
							}
						}
						return sum / (n * n)
					}
					sets := subsets(max(pool, coders), coders)
					absolute, shared, count := 0.0, 0.0, 0.0
					place := func(i int) float64 {
						if pool == 0 {
							return 0
						}
						return (float64(i)+0.5)/7 - 0.5
					}
					for i := range 7 {
						absolute += between(sets[0], sets[0], true, place(i), place(i)) / 7
						for j := range 7 {
							if i == j || pool == 0 {
								continue
							}
							for _, a := range sets {
								for _, b := range sets {
									shared += between(a, b, false, place(i), place(j))
									count++
								}
							}
						}
					}
					if count > 0 {
						shared /= count
					}
					if got := f.Absolute(p); math.Abs(got-absolute) > 1e-12 {
						t.Errorf("%+v: absolute error %.15g, by hand %.15g", p, got, absolute)
					}
					if got := f.Shared(p); math.Abs(got-shared) > 1e-12 {
						t.Errorf("%+v: shared error %.15g, by hand %.15g", p, got, shared)
					}
					if got := f.Relative(p); math.Abs(got-absolute+shared) > 1e-12 {
						t.Errorf("%+v: relative error %.15g, by hand %.15g", p, got, absolute-shared)
					}
				}
			}
		}
	}
}

func TestRaterFaults(t *testing.T) {
	for _, c := range []struct {
		change func(*dgp.Trial)
		want   string
	}{
		{func(t *dgp.Trial) { t.Observation.DaySD = []float64{1} }, "observation.day_sd: has 1 number; it needs one for each domain, 2"},
		{func(t *dgp.Trial) { t.Observation.Raters = &dgp.Raters{SD: []float64{1}} }, "observation.raters.sd: has 1 number"},
		{func(t *dgp.Trial) { t.Observation.Raters = &dgp.Raters{Assigned: dgp.BlockRaters} }, "observation.raters.assigned: says who of a pool"},
		{func(t *dgp.Trial) { t.Observation.Raters = &dgp.Raters{Drift: []float64{0, 1}} }, "observation.raters.drift: needs raters who code several classes"},
		{func(t *dgp.Trial) { t.Observation.Raters = &dgp.Raters{DriftSD: []float64{0, 1}} }, "observation.raters.drift_sd: needs raters who code several classes"},
		{func(t *dgp.Trial) { t.Observation.Raters = &dgp.Raters{Pool: 1} }, "observation.raters.pool: is 1, fewer than the 2 coders of a class"},
		{func(t *dgp.Trial) { t.Observation.Raters = &dgp.Raters{Pool: 7, Assigned: dgp.BlockRaters} }, "observation.raters.pool: is 7; blocks need 8 raters, 2 for the coders of a class in each of 4 blocks"},
		{func(t *dgp.Trial) { t.Observation.Raters = &dgp.Raters{Pool: 7, Assigned: dgp.ArmRaters} }, "observation.raters.pool: is 7, which cannot be shared out equally among 2 arms; 6 and 8 can"},
		{func(t *dgp.Trial) { t.Observation.Raters = &dgp.Raters{Pool: 3, Assigned: dgp.CrossedRaters} }, "observation.raters.pool: is 3; crossed"},
		{func(t *dgp.Trial) {
			t.Observation.Raters = &dgp.Raters{Pool: 4, Assigned: dgp.ArmRaters}
			t.Design.Assignment = dgp.Blocked{Unit: dgp.ChildUnit, Share: 0.5}
			t.Quality.Effect, t.Design.Attrition = dgp.QualityEffect{}, dgp.Attrition{}
		}, "observation.raters.assigned: arms: here children are assigned"},
		{func(t *dgp.Trial) {
			t.Observation.Raters = &dgp.Raters{Pool: 4}
			t.Achievement.Total = "rater_c2"
		}, `achievement.total: "rater_c2" is taken: it is who codes a class`},
		{func(t *dgp.Trial) {
			t.Observation.Days = 2
			t.Achievement.Total = "climate_d2_s3_c1"
		}, `achievement.total: "climate_d2_s3_c1" is taken: it is a rating of climate`},
		{func(t *dgp.Trial) { t.Observation.Days = 366; t.Observation.Segments = 1000 }, "observation: asks for"},
	} {
		trial := manyTeachers()
		trial.Observation.Coders = 2
		c.change(&trial)
		err := trial.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("wanted %q, got %v", c.want, err)
		}
		if faults := (dgp.Faults{}); errors.As(err, &faults) && len(faults) != 1 {
			t.Errorf("wanted one fault, %q, got %v", c.want, err)
		}
	}
}

// The purposes of days and raters are part of what a seed means.
func TestRaterPurposesKeepTheirNumbers(t *testing.T) {
	if dgp.DayPurpose != 10 || dgp.RaterPurpose != 11 {
		t.Errorf("they are %d and %d", dgp.DayPurpose, dgp.RaterPurpose)
	}
}

// There is no formula for arms whose effect is none of one kind.
func TestScoresWithoutFormula(t *testing.T) {
	delivered := rated(severe(0, dgp.RandomRaters))
	delivered.Design.Coaches = &dgp.Coaches{Caseload: 2}
	moved := rated(severe(0, dgp.RandomRaters))
	moved.Quality.Effect.By = map[string]float64{"wealth": 0.1}
	for name, trial := range map[string]dgp.Trial{"delivered": delivered, "moved": moved} {
		if _, err := trial.ScoreVariances(1); err == nil {
			t.Errorf("%s: a formula", name)
		}
		if _, err := trial.ScoreVariances(0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	unobserved := rated(severe(0, dgp.RandomRaters))
	unobserved.Observation = dgp.Observation{}
	if _, err := unobserved.ScoreVariances(0); err == nil {
		t.Error("scores that nobody observes have variances")
	}
}
