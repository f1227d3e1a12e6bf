package dgp_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"coachsim/dgp"
)

// unequalSchools is an invented trial with one to three study teachers per school,
// and a part of quality that they have in common, which sorts children.
func unequalSchools() dgp.Trial {
	t := manyTeachers()
	t.Design.Teachers = 1
	t.Design.TeacherShares = map[string]float64{"1": 0.5, "2": 0.3, "3": 0.2}
	t.Quality.SchoolShare = 0
	t.Quality.School = dgp.SchoolQuality{SD: []float64{0.6, 0.3}, Correlation: dgp.Matrix{{1}, {0.5, 1}}}
	t.Achievement.Slope.School = []float64{0.4, -0.3}
	return t
}

// Every number of teachers has its share of schools, in any row of them to within
// one school of each.
func TestTeacherSharesAreKept(t *testing.T) {
	for _, shares := range []map[string]float64{
		{"2": 0.65, "3": 0.25, "4": 0.10}, {"1": 1}, {"1": 0.5, "7": 0.5}, {"1": 0.1, "2": 0.2, "3": 0.3, "4": 0.4},
	} {
		trial := unequalSchools()
		trial.Design.Blocks, trial.Design.Schools, trial.Design.TeacherShares = 5, 40, shares
		data, _ := compile(t, trial).Draw(dgp.Stream{Seed: 1})
		d := trial.Design
		if data.N[dgp.SchoolLevel] != d.Blocks*d.Schools-3 { // three are lost
			t.Fatal("schools are missing")
		}
		trial.Design.Attrition = dgp.Attrition{}
		data, _ = compile(t, trial).Draw(dgp.Stream{Seed: 1})
		given := map[string]int{}
		for s := range data.N[dgp.SchoolLevel] {
			given[fmt.Sprint(data.TeacherStart[s+1]-data.TeacherStart[s])]++
			for n, share := range shares {
				if off := float64(given[n]) - share*float64(s+1); off < -1 || off > 1 {
					t.Errorf("%v: %d of %d schools have %s teachers", shares, given[n], s+1, n)
				}
			}
		}
		for n, share := range shares {
			if want := int(share*float64(d.Blocks*d.Schools) + 0.5); given[n] != want {
				t.Errorf("%v: %d schools have %s teachers, not %d", shares, given[n], n, want)
			}
		}
	}
}

// Data sets of schools of different size are consistent under every unit of
// assignment and with all that happens within schools.
func TestDataOfUnequalSchoolsIsConsistent(t *testing.T) {
	for _, unit := range []dgp.Unit{dgp.SchoolUnit, dgp.TeacherUnit} {
		trial := unequalSchools()
		trial.Design.Assignment = dgp.Blocked{Unit: unit, Share: 0.4}
		if unit == dgp.TeacherUnit {
			trial.Design.Attrition.Schools = nil
		}
		g := compile(t, trial)
		for rep := range 5 {
			data, truth := g.Draw(dgp.Stream{Seed: 1, Replicate: uint64(rep)})
			checkHierarchy(t, trial, g, data)
			checkColumns(t, trial, g, data)
			checkTruth(t, trial, g, data, truth)
			checkDeviations(t, trial, g, data, truth)
		}
		if n := testing.AllocsPerRun(5, func() { g.Draw(dgp.Stream{Seed: 1, Replicate: 9}) }); n != 0 {
			t.Errorf("a draw allocates %.1f times", n)
		}
	}
}

// Children who move stay in their block, or in a school with two classes; none
// stays in the own class.
func TestMobilityOfUnequalSchools(t *testing.T) {
	for _, across := range []bool{false, true} {
		trial := unequalSchools()
		trial.Design.TeacherShares = map[string]float64{"2": 0.5, "3": 0.3, "5": 0.2}
		trial.Design.Attrition = dgp.Attrition{}
		trial.Design.Mobility = &dgp.Mobility{Rate: 0.9, Time: 0.5, AcrossSchools: across}
		g := compile(t, trial)
		moved := 0
		for rep := range 5 {
			g.Draw(dgp.Stream{Seed: 1, Replicate: uint64(rep)})
			d, to := g.Drawn(), g.Delivered().To
			for j := range d.School {
				for i := d.Start[j]; i < d.Start[j+1]; i++ {
					switch k := to[i]; {
					case k < 0:
					case k == j:
						t.Fatal("a child moves to the own class")
					case !across && d.School[k] != d.School[j] || d.Block[d.School[k]] != d.Block[d.School[j]]:
						t.Fatalf("a child moves from class %d to %d, too far", j, k)
					default:
						moved++
					}
				}
			}
		}
		if moved == 0 {
			t.Error("nobody moves")
		}
	}
	trial := unequalSchools()
	trial.Design.Mobility = &dgp.Mobility{Rate: 0.5, Time: 0.5}
	if err := trial.Validate(); err == nil {
		t.Error("children of a school with one class can move to another class of it")
	}
}

// What the teachers of a school have in common has the covariance that was asked,
// and so has what they do not. A right program fails one check in 1e5 draws of
// the seed.
func TestSchoolQuality(t *testing.T) {
	trial := unequalSchools()
	trial.Design.TeacherShares = map[string]float64{"2": 1}
	g := compile(t, trial)
	q := trial.Quality
	covariance := func(sd []float64, m dgp.Matrix, k, l int) float64 { return sd[k] * sd[l] * m[max(k, l)][min(k, l)] }
	var c checks
	for rep := range 4000 {
		g.Draw(dgp.Stream{Seed: 5, Replicate: uint64(rep)})
		d := g.Drawn()
		n := len(d.School)
		for arm, under := range d.Under {
			for k := range q.Domains {
				for l := range k + 1 {
					x, y := under[k], under[l]
					between, within := 0.0, 0.0
					shift := [2]float64{}
					if arm == 1 {
						shift = [2]float64{q.Effect.Shift[k], q.Effect.Shift[l]}
					}
					for s := 0; s < n; s += 2 {
						between += (x[s] - shift[0]) * (y[s+1] - shift[1]) / float64(n/2)
						within += (x[s] - shift[0]) * (y[s] - shift[1]) / float64(n/2)
					}
					b := covariance(q.School.SD, q.School.Correlation, k, l)
					c.add(fmt.Sprintf("arm %d: q%d, q%d of two classes of a school", arm, k, l), b, between)
					if arm == 0 {
						c.add(fmt.Sprintf("q%d, q%d of a class", k, l), b+covariance(q.SD, q.Correlation, k, l), within)
					}
				}
			}
		}
	}
	c.test(t)
}

// A study without treatment has one arm and no column of it.
func TestStudyWithoutTreatment(t *testing.T) {
	trial := unequalSchools()
	trial.Design.Arms, trial.Design.Assignment = []string{"usual"}, dgp.None{}
	trial.Design.Attrition.Schools = nil
	g := compile(t, trial)
	if names := g.Shape().Names(); slices.Contains(names, "mentoring") || names[0] != "staff" {
		t.Errorf("columns %v", names)
	}
	data, truth := g.Draw(dgp.Stream{Seed: 1})
	if schools, teachers := data.N[dgp.SchoolLevel], data.Teachers(); schools != 24 || teachers != 12+2*7+3*5 {
		t.Errorf("%d schools with %d teachers", schools, teachers)
	}
	for c, column := range g.Shape().Columns {
		for _, x := range data.Columns[c] {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				t.Fatalf("%s is %g", column.Name, x)
			}
		}
	}
	for _, x := range truth.Deviations() {
		if math.IsNaN(x) {
			t.Error("a deviation is no number")
		}
	}
	trial.Design.Arms = []string{"usual", "mentoring"}
	if trial.Validate() == nil {
		t.Error("assignment none takes two arms")
	}
}

func TestFaultsOfUnequalSchools(t *testing.T) {
	for want, change := range map[string]func(*dgp.Trial){
		"trial.teacher_shares: adds up to 0.9, not to 1":                                            func(t *dgp.Trial) { t.Design.TeacherShares["1"] = 0.4 },
		"trial.teacher_shares: says what trial.teachers says in another way; leave one of them out": func(t *dgp.Trial) { t.Design.Teachers = 2 },
		"trial.teacher_shares.two: is no number of teachers, a whole number from 1 to 1000":         func(t *dgp.Trial) { t.Design.TeacherShares = map[string]float64{"two": 1} },
		"quality.school_share: says what quality.school says in another way; leave one of them out": func(t *dgp.Trial) { t.Quality.SchoolShare = 0.5 },
		"achievement.slope.school: is a slope on quality.school, which is left out":                 func(t *dgp.Trial) { t.Quality.School = dgp.SchoolQuality{} },
		"quality.school.sd: has 1 number; it needs one for each domain, 2":                          func(t *dgp.Trial) { t.Quality.School.SD = []float64{1} },
		"trial.arms: has one arm, usual; a trial has at least two, and a study without treatment says assignment: {kind: none}": func(t *dgp.Trial) {
			t.Design.Arms, t.Design.Attrition.Schools = []string{"usual"}, nil
		},
	} {
		trial := unequalSchools()
		change(&trial)
		if err := trial.Validate(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
