package dgp_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"coachsim/dgp"
)

// everything is an invented trial that delivers its treatments to three teachers
// per school in every way there is.
func everything() dgp.Trial {
	t := manyTeachers()
	d := &t.Design
	d.Assignment = dgp.Blocked{}
	d.Attrition = dgp.Attrition{Children: 0.1}
	d.Coaches = &dgp.Coaches{Caseload: 2, EffectSD: 0.3, QualitySD: []float64{0.2, 0.1}, Turnover: 0.25, LostCycles: 3}
	d.Compliance = &dgp.Compliance{
		Unit: dgp.TeacherUnit, TakeUp: map[string]float64{"mentoring": 0.7}, Contamination: map[string]float64{"mentoring": 0.15},
		Depends: map[string]float64{"trained": 0.5, "wealth": -0.4, "quality": 0.3},
	}
	d.Dosage = &dgp.Dosage{Mean: 7.5, SD: 2, Max: 10, Concavity: 1.5}
	d.Turnover = &dgp.Turnover{Rate: map[string]float64{"usual": 0.2, "mentoring": 0.1}, Kept: 0.4}
	d.Mobility = &dgp.Mobility{Rate: 0.2, Time: 0.3, AcrossSchools: true}
	d.Spillover = &dgp.Spillover{Share: 0.3}
	return t
}

// deliveries are trials of every unit of assignment with everything on.
func deliveries() map[string]dgp.Trial {
	all := map[string]dgp.Trial{"schools": everything()}

	t := everything()
	t.Design.Assignment = dgp.Blocked{Unit: dgp.TeacherUnit}
	t.Design.Coaches.AcrossBlocks, t.Design.Coaches.Turnover = true, 1
	t.Design.Dosage.Stated = dgp.StatedFull
	t.Design.Mobility.AcrossSchools = false
	t.Design.Attrition.Loss.Teacher = dgp.Loss{Rate: map[string]float64{"usual": 0.1, "mentoring": 0.2}}
	t.Design.Attrition.Loss.Child = dgp.Loss{Rate: map[string]float64{"usual": 0.1, "mentoring": 0.2}, Depends: map[string]float64{"ability": 0.4}}
	all["teachers"] = t

	t = factorial()
	d := everything().Design
	t.Design.Assignment = dgp.Blocked{Unit: dgp.TeacherUnit}
	t.Design.Coaches, t.Design.Dosage, t.Design.Mobility, t.Design.Spillover = d.Coaches, d.Dosage, d.Mobility, d.Spillover
	t.Design.Coaches.Arms = []string{"money"}
	t.Design.Compliance = &dgp.Compliance{
		TakeUp:        map[string]float64{"mentoring": 0.6, "mentoring+money": 0.8},
		Contamination: map[string]float64{"money": 0.2, "mentoring": 0.1}, Depends: map[string]float64{"books": 0.5},
	}
	t.Design.Turnover = &dgp.Turnover{Rate: map[string]float64{"usual": 0.2, "money": 0.3}}
	all["a factorial"] = t

	t = everything()
	t.Design.Assignment = dgp.Blocked{Unit: dgp.ChildUnit}
	t.Quality.Effect = dgp.QualityEffect{}
	t.Design.Coaches.QualitySD = nil
	t.Design.Compliance = &dgp.Compliance{TakeUp: map[string]float64{"mentoring": 0.6}, Depends: map[string]float64{"books": 1}}
	t.Design.Turnover = &dgp.Turnover{Rate: map[string]float64{"usual": 0.2, "mentoring": 0.2}}
	all["children"] = t
	return all
}

// undelivered is the trial in which all receive what they are assigned, whole.
func undelivered(t dgp.Trial) dgp.Trial {
	d := &t.Design
	d.Coaches, d.Compliance, d.Dosage, d.Turnover, d.Mobility, d.Spillover = nil, nil, nil, nil, nil, nil
	return t
}

// reference works out every world from the draws and from the outcomes of the
// same trial without a delivery, unit by unit, by the equations of the sections.
type reference struct {
	trial dgp.Trial
	plain dgp.Drawn // without delivery
	d     dgp.Delivered
	arms  []string
}

func (r *reference) level() dgp.Level { return r.trial.Design.Assignment.Level() }

func (r *reference) schoolOf(unit int) int {
	if r.level() == dgp.ChildLevel {
		return r.plain.School[r.classOf(unit)]
	}
	return r.plain.School[unit]
}

func (r *reference) classOf(child int) int {
	for j := range r.plain.School {
		if child < r.plain.Start[j+1] {
			return j
		}
	}
	panic("no class")
}

// assignedUnit is the unit of assignment of a class or child.
func (r *reference) assignedUnit(unit int) int {
	if r.level() == dgp.SchoolLevel {
		return r.plain.School[unit]
	}
	return unit
}

func (r *reference) arm(world, unit int) int {
	if world < len(r.arms) {
		return world
	}
	return r.plain.Arm[r.assignedUnit(unit)]
}

func (r *reference) coached(arm int) bool {
	c := r.trial.Design.Coaches
	if arm == 0 || c.Arms == nil {
		return arm > 0
	}
	for _, part := range strings.Split(r.arms[arm], "+") {
		if slices.Contains(c.Arms, part) {
			return true
		}
	}
	return false
}

func (r *reference) cycles(unit, arm int) int {
	n := r.d.Cycles[unit]
	if r.coached(arm) && r.d.CoachReplaced[r.assignedUnit(unit)] {
		n -= r.trial.Design.Coaches.LostCycles
	}
	return max(n, 0)
}

func (r *reference) leaves(world, class int) bool {
	arm := 0
	if r.level() != dgp.ChildLevel {
		arm = r.arm(world, class)
	}
	return r.d.Leave[class] < r.trial.Design.Turnover.Rate[r.arms[arm]]
}

// response is the share of the full effect that n cycles bring, before it is
// divided by its mean.
func (r *reference) response(n int) float64 {
	d := r.trial.Design.Dosage
	if d.Concavity == 0 {
		return float64(n) / float64(d.Max)
	}
	return (1 - math.Exp(-d.Concavity*float64(n)/float64(d.Max))) / (1 - math.Exp(-d.Concavity))
}

// exposures are w by arm of every unit in a world, and the arm received.
func (r *reference) exposures(t *testing.T, world int) (w [][]float64, received []int) {
	design := r.trial.Design
	unstated := 1.0
	if design.Dosage.Stated == dgp.StatedMean {
		unstated = 0
		for n, p := range design.Dosage.CycleLaw() {
			unstated += p * r.response(n)
		}
	}
	units := len(r.plain.School)
	if r.level() == dgp.ChildLevel {
		units = r.plain.Start[units]
	}
	schools := map[int]float64{}
	bySchool := map[int][]float64{}
	for unit := range units {
		arm := r.arm(world, unit)
		if got := int(r.d.Reached[world][unit]); arm > 0 { // who receives: by u and the probability
			if p := r.d.Probability(arm, unit); r.d.U[unit] >= p {
				arm = 0
			}
			if got != arm {
				t.Fatalf("world %d, unit %d: arm %d is received, want %d", world, unit, got, arm)
			}
		} else if arm = got; arm > 0 && design.Compliance.Contamination[r.arms[arm]] == 0 {
			t.Fatalf("control unit %d receives %s", unit, r.arms[arm])
		} else if arm > 0 && r.d.U[unit] >= r.d.Probability(arm, unit) {
			t.Fatalf("unit %d is a defier", unit)
		}
		row := make([]float64, len(r.arms))
		if arm > 0 {
			row[arm] = r.response(r.cycles(unit, arm)) / unstated
			if r.level() != dgp.ChildLevel && r.leaves(world, unit) {
				row[arm] *= design.Turnover.Kept
			}
		}
		s := r.schoolOf(unit)
		schools[s]++
		if bySchool[s] == nil {
			bySchool[s] = make([]float64, len(r.arms))
		}
		for a := range row {
			bySchool[s][a] += row[a]
		}
		w, received = append(w, row), append(received, arm)
	}
	for unit := range w {
		if received[unit] == 0 {
			s := r.schoolOf(unit)
			for a := 1; a < len(r.arms); a++ {
				w[unit][a] = design.Spillover.Share * bySchool[s][a] / schools[s]
			}
		}
	}
	return w, received
}

// Quality and tests of every unit in every world, worked out a second time.
func TestDeliveryUnitByUnit(t *testing.T) {
	for name, trial := range deliveries() {
		t.Run(name, func(t *testing.T) {
			g, plain := compile(t, trial), compile(t, undelivered(trial))
			a := trial.Achievement
			for rep := range uint64(3) {
				st := dgp.Stream{Seed: 77, Replicate: rep}
				g.Draw(st)
				plain.Draw(st)
				drawn := g.Drawn()
				r := reference{trial: trial, plain: plain.Drawn(), d: g.Delivered(), arms: trial.Design.Arms}
				if !slices.Equal(drawn.Arm, r.plain.Arm) || !slices.Equal(drawn.Children, r.plain.Children) || !equalColumns(drawn.Class, r.plain.Class) {
					t.Fatal("a delivery changes other draws")
				}
				for world := range len(r.arms) + 1 {
					w, received := r.exposures(t, world)
					class := r.quality(t, world, w, received)
					n := 0
					for _, child := range r.plain.Children {
						j := r.classOf(child)
						to, time := j, 0.0
						if r.d.To[child] >= 0 {
							to, time = r.d.To[child], trial.Design.Mobility.Time
						}
						mix := func(x func(class int) float64) float64 { return (1-time)*x(j) + time*x(to) }
						full := func(arm int) float64 {
							return mix(func(j int) float64 { return r.plain.Class[arm][j] - r.plain.Class[0][j] })
						}
						part := mix(func(j int) float64 { return class[j] })
						share := func(arm int) float64 { return mix(func(j int) float64 { return w[j][arm] }) }
						if r.level() == dgp.ChildLevel {
							share = func(arm int) float64 { return w[child][arm] }
							for arm := 1; arm < len(r.arms); arm++ {
								part += share(arm) * full(arm)
							}
							if arm := received[child]; arm > 0 {
								part += share(arm) * trial.Design.Coaches.EffectSD * r.d.Effect[child]
							}
						}
						for k := range a.Tests {
							own := r.plain.Score[0][k][n] - a.Scale*r.plain.Class[0][j]
							want := own + a.Scale*part
							for arm := 1; arm < len(r.arms); arm++ {
								direct := r.plain.Score[arm][k][n] - r.plain.Score[0][k][n] - a.Scale*(r.plain.Class[arm][j]-r.plain.Class[0][j])
								want += share(arm) * direct
							}
							if got := drawn.Score[world][k][n]; !(math.Abs(got-want) < 1e-10) {
								t.Fatalf("world %d, child %d, test %d: %.12g, want %.12g", world, child, k, got, want)
							}
						}
						n++
					}
				}
			}
		})
	}
}

// quality checks the quality of every class in a world and returns the class
// parts of achievement.
func (r *reference) quality(t *testing.T, world int, w [][]float64, received []int) []float64 {
	t.Helper()
	a, c := r.trial.Achievement, r.trial.Design.Coaches
	class := make([]float64, len(r.plain.School))
	for j := range r.plain.School {
		class[j] = r.plain.Class[0][j]
		coach := 0.0 // w of a coached arm
		if r.level() != dgp.ChildLevel {
			for arm := 1; arm < len(r.arms); arm++ {
				class[j] += w[j][arm] * (r.plain.Class[arm][j] - r.plain.Class[0][j])
			}
			if r.coached(received[j]) {
				coach = w[j][received[j]]
			}
		}
		unit := 0
		if r.level() != dgp.ChildLevel {
			unit = r.assignedUnit(j)
		}
		class[j] += coach * c.EffectSD * r.d.Effect[unit]
		for k := range r.trial.Quality.Domains {
			q0 := r.plain.Under[0][k][j]
			want := q0
			if r.leaves(world, j) {
				want = r.d.NewQuality[k][j]
			}
			class[j] += orZero(a.Slope.Control, k) * (want - q0)
			if r.level() != dgp.ChildLevel {
				for arm := 1; arm < len(r.arms); arm++ {
					want += w[j][arm] * (r.plain.Under[arm][k][j] - q0)
				}
			}
			if coach > 0 {
				skill := coach * c.QualitySD[k] * r.d.Skill[unit]
				want += skill
				treated := a.Slope.Treated
				if own := a.ArmEffects["money"].Treated; own != nil && c.Arms != nil { // "money" alone has coaches
					treated = own
				}
				class[j] += treated[k] * skill
			}
			if got := r.d.Quality[world][k][j]; !(math.Abs(got-want) < 1e-12) {
				t.Fatalf("world %d, class %d, domain %d: quality %.12g, want %.12g", world, j, k, got, want)
			}
		}
	}
	return class
}

// Without interference between units, the data of a unit are those of the world
// of its arm, to the last bit; with it, some are not.
func TestWorldsAndData(t *testing.T) {
	for name, trial := range deliveries() {
		for _, interferes := range []bool{false, true} {
			if !interferes {
				trial.Design.Mobility, trial.Design.Spillover = nil, nil
			} else {
				trial.Design.Mobility, trial.Design.Spillover = everything().Design.Mobility, everything().Design.Spillover
			}
			g := compile(t, trial)
			shape, level := g.Shape(), trial.Design.Assignment.Level()
			buffer := make([]float64, shape.Max[dgp.ChildLevel])
			data, truth := g.Draw(dgp.Stream{Seed: 9, Replicate: 1})
			d := g.Units()
			from := [...][]int{dgp.SchoolLevel: d.Schools, dgp.TeacherLevel: d.Teachers, dgp.ChildLevel: d.Children}
			differs, known := 0, 0
			for c, column := range shape.Columns {
				if !g.HasPotential(c) || column.Level < level {
					continue
				}
				known++
				for arm := range trial.Design.Arms {
					y := truth.Potential(buffer, c, arm)
					for u, x := range data.Columns[c] {
						own := d.Arm[from[level][data.Ancestor(column.Level, u, level)]]
						if own == arm && !math.IsNaN(x) && y[u] != x {
							differs++
						}
					}
				}
			}
			if known < 8 || differs > 0 != interferes {
				t.Errorf("%s, interference %v: %d values of %d columns differ from the world of their arm", name, interferes, differs, known)
			}
		}
	}
}

// What is delivered has a purpose of its own, section by section.
func TestDeliverySectionsHaveTheirOwnDraws(t *testing.T) {
	whole := everything()
	was := compile(t, whole)
	st := dgp.Stream{Seed: 3, Replicate: 2}
	was.Draw(st)
	a := was.Delivered()
	for name, drop := range map[string]func(d *dgp.Design){
		"compliance": func(d *dgp.Design) { d.Compliance = nil; d.Spillover = nil },
		"coaches":    func(d *dgp.Design) { d.Coaches = nil },
		"dosage":     func(d *dgp.Design) { d.Dosage = nil; d.Coaches = &dgp.Coaches{Caseload: 2, Turnover: 0.25} },
		"turnover":   func(d *dgp.Design) { d.Turnover = nil },
		"mobility":   func(d *dgp.Design) { d.Mobility = nil },
	} {
		trial := everything()
		drop(&trial.Design)
		is := compile(t, trial)
		is.Draw(st)
		b := is.Delivered()
		same := map[string]bool{
			"compliance": slices.Equal(a.U, b.U),
			"coaches":    slices.Equal(a.Effect, b.Effect) && slices.Equal(a.Code, b.Code),
			"dosage":     slices.Equal(a.Cycles, b.Cycles),
			"turnover":   slices.Equal(a.Leave, b.Leave) && equalColumns(a.NewQuality, b.NewQuality),
			"mobility":   slices.Equal(a.To, b.To),
		}
		for section := range maps.Keys(same) {
			if same[section] != (section != name) {
				t.Errorf("without %s: draws of %s are the same: %v", name, section, same[section])
			}
		}
	}
}

// Purposes are part of what a seed means.
func TestDeliveryPurposesKeepTheirNumbers(t *testing.T) {
	for i, p := range []dgp.Purpose{dgp.CompliancePurpose, dgp.CoachPurpose, dgp.DosagePurpose, dgp.TurnoverPurpose, dgp.MobilityPurpose} {
		if p != dgp.Purpose(20+i) {
			t.Errorf("purpose %d has the number %d", i, p)
		}
	}
}

// A law of cycles has the moments asked for, and is the one of the largest
// entropy: its logarithm is a parabola.
func TestCycleLaw(t *testing.T) {
	for _, d := range []dgp.Dosage{
		{Mean: 7.5, SD: 2, Max: 10}, {Mean: 1, SD: 0.1, Max: 2}, {Mean: 9, SD: 0.3, Max: 12}, {Mean: 9.5, SD: 0.51, Max: 12},
		{Mean: 6, SD: 5.5, Max: 12}, {Mean: 500, SD: 30, Max: 1000}, {Mean: 0.2, SD: 0.6, Max: 30}, {Mean: 11.5, SD: 2, Max: 12}, {Mean: 3, SD: 3, Max: 24},
	} {
		p := d.CycleLaw()
		if p == nil {
			t.Errorf("%+v has no law", d)
			continue
		}
		var m [3]float64
		for n, q := range p {
			for k := range m {
				m[k] += q * math.Pow(float64(n)-d.Mean, float64(k))
			}
		}
		if math.Abs(m[0]-1) > 1e-12 || math.Abs(m[1]) > 1e-9*d.SD || math.Abs(m[2]/(d.SD*d.SD)-1) > 1e-9 {
			t.Errorf("%+v: moments %v", d, m)
		}
		for n := 3; n < len(p); n++ { // third differences of log p
			if p[n-3] > 1e-250 && p[n] > 1e-250 {
				if third := math.Log(p[n]) - 3*math.Log(p[n-1]) + 3*math.Log(p[n-2]) - math.Log(p[n-3]); math.Abs(third) > 1e-8 {
					t.Errorf("%+v: third difference %g at %d", d, third, n)
					break
				}
			}
		}
	}
	for _, c := range []struct {
		d    dgp.Dosage
		want []float64
	}{
		{dgp.Dosage{Mean: 2, Max: 3}, []float64{0, 0, 1, 0}},
		{dgp.Dosage{Mean: 1.25, SD: math.Sqrt(0.25 * 0.75), Max: 3}, []float64{0, 0.75, 0.25, 0}},
		{dgp.Dosage{Mean: 3, Max: 3}, []float64{0, 0, 0, 1}},
		{dgp.Dosage{Mean: 1, SD: math.Sqrt(2), Max: 3}, []float64{2. / 3, 0, 0, 1. / 3}},
	} {
		for n, p := range c.d.CycleLaw() {
			if math.Abs(p-c.want[n]) > 1e-12 {
				t.Errorf("%+v: P(%d) = %g, want %g", c.d, n, p, c.want[n])
			}
		}
	}
}

// With everything on, what a study asks for is what it gets. About 60 checks at
// falseAlarm each; children and teachers are independent draws.
func TestDeliveryMoments(t *testing.T) {
	trial := everything()
	// Take-up that goes with nothing that moves the tests, so that effects are
	// known in closed form.
	idle := dgp.Covariate{Name: "idle", Level: dgp.TeacherLevel, Law: dgp.Normal{SD: 1}}
	trial.Covariates = append(slices.Clone(trial.Covariates), idle)
	trial.Quality.SchoolShare = 0
	trial.Achievement.Points = true
	d := &trial.Design
	d.Compliance.Depends = map[string]float64{"idle": 0.8}
	g := compile(t, trial)
	shape := g.Shape()
	at := shape.Index
	takeUp, stray, spill := d.Compliance.TakeUp["mentoring"], d.Compliance.Contamination["mentoring"], d.Spillover.Share
	law := d.Dosage.CycleLaw()
	response := func(n int) float64 { return math.Expm1(-1.5*float64(n)/10) / math.Expm1(-1.5) }
	stated, cycles, share := 0.0, 0.0, 0.0
	for n, p := range law {
		stated += p * response(n)
	}
	for n, p := range law {
		for lost, q := range map[int]float64{0: 1 - d.Coaches.Turnover, d.Coaches.LostCycles: d.Coaches.Turnover} {
			share += p * q * response(max(n-lost, 0)) / stated
			cycles += p * q * float64(max(n-lost, 0))
		}
	}
	// w of all teachers where the share p receives and r leave.
	exposure := func(p, r float64) float64 {
		own := p * share * (1 - r*(1-d.Turnover.Kept))
		others := float64(d.Teachers-1) / float64(d.Teachers)
		return own + (1-p)*spill*others*own
	}
	effect := exposure(takeUp, d.Turnover.Rate["mentoring"]) - exposure(stray, d.Turnover.Rate["usual"])

	var c checks
	y0, y1 := make([]float64, shape.Max[dgp.ChildLevel]), make([]float64, shape.Max[dgp.ChildLevel])
	for rep := range short(4000) {
		data, truth := g.Draw(dgp.Stream{Seed: 20261122, Replicate: uint64(rep)})
		drawn, delivered := g.Drawn(), g.Delivered()
		arm := func(j int) int { return drawn.Arm[drawn.School[j]] }
		var n, received, left, count [2]float64
		lost, served := 0.0, 0.0
		for j := range drawn.School {
			a := arm(j)
			n[a]++
			received[a] += data.Columns[at("received")][j]
			left[a] += data.Columns[at("replaced")][j]
			if data.Columns[at("received")][j] == 1 {
				count[a]++
			} else if data.Columns[at("cycles")][j] != 0 {
				t.Fatal("cycles without treatment")
			}
		}
		c.add("take-up", takeUp, received[1]/n[1])
		c.add("contamination", stray, received[0]/n[0])
		c.add("teachers who leave, control", d.Turnover.Rate["usual"], left[0]/n[0])
		c.add("teachers who leave, treated", d.Turnover.Rate["mentoring"], left[1]/n[1])
		total := 0.0
		for j, x := range data.Columns[at("cycles")] {
			if arm(j) == 1 {
				total += x
			}
		}
		c.add("cycles of those assigned", takeUp*cycles, total/n[1])
		c.add("children who move", d.Mobility.Rate, share1(data.Columns[at("moved")]))
		// Coaches: two caseloads of the three treated schools of a block.
		c.add("coaches", float64(2*d.Blocks), float64(g.Coaches()))
		same, other, pairs, others := 0.0, 0.0, 0.0, 0.0
		for s := range drawn.Block {
			if drawn.Arm[s] == 0 {
				if delivered.Code[s] != float64(g.Coaches()+s) {
					t.Fatal("control schools have no code of their own")
				}
				continue
			}
			served++
			lost += number(delivered.CoachReplaced[s])
			c.add("variance between coaches", 1-d.Coaches.Turnover/2, delivered.Effect[s]*delivered.Effect[s])
			for o := range s {
				if drawn.Arm[o] == 1 && delivered.Code[s] == delivered.Code[o] {
					if drawn.Block[s] != drawn.Block[o] {
						t.Fatal("a caseload lies in two blocks")
					}
					same += delivered.Effect[s] * delivered.Effect[o]
					pairs++
				} else if drawn.Arm[o] == 1 {
					other += delivered.Effect[s] * delivered.Effect[o]
					others++
				}
			}
		}
		c.add("coaches replaced", d.Coaches.Turnover, lost/served)
		c.add("shared coaches", float64(d.Blocks), pairs)
		c.add("schools of one coach", 1-d.Coaches.Turnover/2, same/pairs)
		c.add("schools of two coaches", 0, other/others)
		for k, name := range trial.Achievement.Tests {
			a, b := truth.Potential(y0, at(name), 0), truth.Potential(y1, at(name), 1)
			sum := 0.0
			for i := range a {
				sum += b[i] - a[i]
			}
			c.add("effect of assignment on "+name, effect*orZero(trial.Achievement.Effect.Mean, k), sum/float64(len(a)))
		}
		a, b := truth.Potential(y0, at("received"), 0), truth.Potential(y1, at("received"), 1)
		c.add("compliers", takeUp-stray, mean(len(a), func(j int) float64 { return b[j] - a[j] }))
		for i, x := range truth.Deviations() {
			c.add(fmt.Sprintf("deviation %d", i), 0, x)
		}
	}
	c.test(t)
}

func share1(x []float64) float64 { return mean(len(x), func(i int) float64 { return x[i] }) }

// Coaches make the schools they serve alike: the intraclass correlation of a
// partially nested trial. Of two treated schools of a block, the covariance of
// their means is larger by the variance that coaches bring where they have one
// coach, and no larger in control. Four checks.
func TestCoachesMakeSchoolsAlike(t *testing.T) {
	trial := oneDomain()
	d := &trial.Design
	d.Blocks, d.Schools, d.Assignment = 2, 8, dgp.Blocked{}
	trial.Quality.Effect = dgp.QualityEffect{Shift: []float64{0.4}}
	trial.Achievement.Effect.Mean, trial.Achievement.Points = []float64{2}, true
	trial.Achievement.Slope = dgp.Slopes{Control: []float64{0.3}, Treated: []float64{0.5}}
	trial.Achievement.Scale = 1.2
	d.Coaches = &dgp.Coaches{Caseload: 2, EffectSD: 0.6, QualitySD: []float64{0.8}, Turnover: 0.3, LostCycles: 4}
	d.Dosage = &dgp.Dosage{Mean: 6, SD: 1.5, Max: 8, Stated: dgp.StatedFull}
	g := compile(t, trial)
	// Between schools of one coach: the coach's own part, and lost cycles, which
	// they lose together.
	var share [2]float64 // by whether the coach is replaced
	for n, p := range d.Dosage.CycleLaw() {
		share[0] += p * float64(n) / 8
		share[1] += p * float64(max(n-4, 0)) / 8
	}
	coach := 0.6*0.6 + 0.5*0.5*0.8*0.8
	gap := share[0] - share[1]
	want := 1.2*1.2*coach*(0.7*share[0]*share[0]+0.3*share[1]*share[1]/2) + 0.7*0.3*gap*gap*2*2
	var c checks
	at := g.Shape().Index("reading")
	expected := 2 * (0.7*share[0] + 0.3*share[1])
	for rep := range short(6000) {
		data, _ := g.Draw(dgp.Stream{Seed: 31, Replicate: uint64(rep)})
		drawn, delivered := g.Drawn(), g.Delivered()
		school := func(s int) float64 {
			lo, hi := data.ChildStart[s], data.ChildStart[s+1]
			return mean(hi-lo, func(i int) float64 { return data.Columns[at][lo+i] })
		}
		var sum, n [2]float64
		for s := range drawn.Block {
			for o := range s {
				if drawn.Block[s] != drawn.Block[o] || drawn.Arm[s]+drawn.Arm[o] < 2 {
					continue
				}
				same := 0
				if delivered.Code[s] == delivered.Code[o] {
					same = 1
				}
				sum[same] += (school(s) - expected) * (school(o) - expected)
				n[same]++
			}
		}
		c.add("one coach", want, sum[1]/n[1])
		c.add("two coaches", 0, sum[0]/n[0])
		c.add("one against two", want, sum[1]/n[1]-sum[0]/n[0])
		c.add("coaches", 4, float64(g.Coaches()))
	}
	c.test(t)
}

// Nothing that a replicate asks of a delivery allocates.
func TestDeliveryAllocatesNothing(t *testing.T) {
	for name, trial := range deliveries() {
		g := compile(t, trial)
		shape := g.Shape()
		buffer := make([]float64, shape.Max[dgp.ChildLevel])
		rep := uint64(0)
		allocations := testing.AllocsPerRun(20, func() {
			_, truth := g.Draw(dgp.Stream{Seed: 1, Replicate: rep})
			for c := range shape.Columns {
				if g.HasPotential(c) {
					truth.Potential(buffer, c, 1)
				}
			}
			truth.Deviations()
			g.Coaches()
			rep++
		})
		if allocations != 0 {
			t.Errorf("%s: a draw allocates %.1f times", name, allocations)
		}
	}
}

// Deviations have expectation 0 whatever is assigned. Up to 12 checks a trial.
func TestDeliveryDeviations(t *testing.T) {
	for name, trial := range deliveries() {
		t.Run(name, func(t *testing.T) {
			g := compile(t, trial)
			var c checks
			for rep := range short(2000) {
				_, truth := g.Draw(dgp.Stream{Seed: 52, Replicate: uint64(rep)})
				for i, x := range truth.Deviations() {
					c.add(fmt.Sprintf("deviation %d", i), 0, x)
				}
			}
			c.test(t)
		})
	}
}

// A child who moves for the whole trial has the class part of the new class and
// keeps its own baseline and grade: between two classes of a school, the parts
// differ by twice the variance of teachers that the baseline does not explain.
// One check.
func TestMovesChangeClassParts(t *testing.T) {
	trial := dgp.DefaultTrial()
	trial.Design.Blocks, trial.Design.Schools, trial.Design.Teachers, trial.Design.Tested = 1, 6, 4, 3
	trial.Design.Grades = 4
	trial.Design.Children = dgp.ClassSize{Mean: 3}
	trial.Design.Assignment = dgp.Blocked{}
	trial.Achievement = dgp.Achievement{
		Tests: []string{"reading", "maths"}, Total: "both", Scale: 1, Points: true, GradeSD: 5,
		ICC: dgp.ICC{School: 0.1, Teacher: 0.3}, Baseline: &dgp.Baseline{Name: "before", Reliability: 1, R2: dgp.R2{Teacher: 0.4, Child: 0.4}},
	}
	plain := compile(t, trial)
	trial.Design.Mobility = &dgp.Mobility{Rate: 1, Time: 1}
	g := compile(t, trial)
	var c checks
	for rep := range short(1000) {
		st := dgp.Stream{Seed: 6, Replicate: uint64(rep)}
		g.Draw(st)
		plain.Draw(st)
		to, drawn, was := g.Delivered().To, g.Drawn(), plain.Drawn()
		sum, n := 0.0, 0.0
		gain := map[[2]int]float64{}
		for j, s := range drawn.School {
			for i := drawn.Start[j]; i < drawn.Start[j+1]; i++ {
				if drawn.School[to[i]] != s || to[i] == j {
					t.Fatalf("a child of class %d moves to class %d", j, to[i])
				}
				x := drawn.Score[0][0][i] - was.Score[0][0][i]
				if y, seen := gain[[2]int{to[i], j}]; seen && math.Abs(x+y) > 1e-12 {
					t.Fatal("the way back is no way back")
				}
				gain[[2]int{j, to[i]}] = x
				sum += x * x
				n++
			}
		}
		c.add("between two classes", 2*0.3*(1-0.4), sum/n)
	}
	c.test(t)
}

// Every fault of the sections on delivery, with its path and its words.
func TestDeliveryFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *dgp.Trial)
		want   []string
	}{
		{"nothing", func(*dgp.Trial) {}, nil},
		{"caseloads of more than a block", func(t *dgp.Trial) { t.Design.Coaches.Caseload = 7 }, []string{
			"trial.coaches.caseload: is 7, more than the 6 schools of a block; the range is 1 to 6",
		}},
		{"caseloads of more than all", func(t *dgp.Trial) { t.Design.Coaches.Caseload, t.Design.Coaches.AcrossBlocks = 25, true }, []string{
			"trial.coaches.caseload: is 25, more than the 24 schools of the trial; the range is 1 to 24",
		}},
		{"coaches of others", func(t *dgp.Trial) {
			t.Design.Coaches.Arms = []string{"mentor", "usual", "mentoring", "mentoring"}
			t.Design.Coaches.QualitySD, t.Design.Coaches.LostCycles = []float64{1}, 11
		}, []string{
			"trial.coaches.quality_sd: has 1 number; it needs one for each domain, 2",
			`trial.coaches.arms[0]: there is no treatment "mentor"; the arms are usual, mentoring`,
			`trial.coaches.arms[1]: "usual" is control, which has no coaches`,
			`trial.coaches.arms[3]: "mentoring" stands here twice`,
			"trial.coaches.lost_cycles: is more than the 10 cycles of trial.dosage.max",
		}},
		{"lost cycles without a dosage", func(t *dgp.Trial) { t.Design.Dosage = nil }, []string{
			"trial.coaches.lost_cycles: needs trial.dosage, which says how many cycles there are to lose",
		}},
		{"coaches of classes whose children are assigned", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Blocked{Unit: dgp.ChildUnit}
			t.Quality.Effect = dgp.QualityEffect{}
			t.Design.Compliance.Unit = dgp.SchoolUnit
		}, []string{
			"trial.coaches.quality_sd: changes the quality of a class, but here children are assigned, so that a class has children of every arm; leave it out",
			"trial.turnover.rate: is by the arm of the class, but here children are assigned; give every arm the same rate",
			"trial.turnover.kept: is of the treatment of a class, but here children are assigned, who keep theirs; leave it out",
		}},
		{"take-up by whom", func(t *dgp.Trial) {
			t.Design.Compliance = &dgp.Compliance{
				Unit: dgp.ChildUnit, TakeUp: map[string]float64{"mentor": 1, "usual": 0.5, "mentoring": 0.2}, Contamination: map[string]float64{"mentoring": 0.3},
				Depends: map[string]float64{"ability": 1, "trainde": 1, "wealth": math.Inf(1)},
			}
		}, []string{
			"trial.compliance.unit: is child, but here schools are assigned; those who are assigned take up, or the teachers of schools that are",
			`trial.compliance.take_up.mentor: there is no arm "mentor"; the treated arms are mentoring`,
			`trial.compliance.take_up.usual: "usual" is control, which has no effects; the treated arms are mentoring`,
			"trial.compliance.contamination: adds up to 0.3, more than the 0.2 of mentoring who take it up: some would receive it only where it is not assigned",
			`trial.compliance.depends.ability: take-up cannot depend on "ability"; it can on quality, staff, wealth, trained, graduate, debt, size, poor, lunch, books, months`,
			`trial.compliance.depends.trainde: take-up cannot depend on "trainde"; it can on quality, staff, wealth, trained, graduate, debt, size, poor, lunch, books, months`,
			"trial.compliance.depends.wealth: must be a finite number",
		}},
		{"shares that are none", func(t *dgp.Trial) {
			t.Design.Compliance.TakeUp, t.Design.Compliance.Contamination = map[string]float64{"mentoring": 1.5}, map[string]float64{"mentoring": -0.1}
			t.Design.Turnover.Rate = map[string]float64{"usual": 1, "mentor": 0}
			t.Design.Mobility.Rate = math.NaN()
			t.Design.Spillover.Share = 0
		}, []string{
			"trial.compliance.take_up.mentoring: must be from 0 to 1, not 1.5",
			"trial.compliance.contamination.mentoring: must be from 0 to 1, not -0.1",
			`trial.turnover.rate.mentor: there is no arm "mentor"; the arms are usual, mentoring`,
			"trial.turnover.rate.usual: must be at least 0 and below 1, not 1",
			"trial.mobility.rate: must be from 0 to 1, not NaN",
			"trial.spillover.share: must be above 0 and at most 1, not 0",
		}},
		{"time of movers", func(t *dgp.Trial) { t.Design.Mobility.Time = 0 }, []string{
			"trial.mobility.time: must be above 0 and at most 1, not 0",
		}},
		{"too many cycles", func(t *dgp.Trial) { t.Design.Dosage.Mean = 11 }, []string{
			"trial.dosage.mean: must be above 0 and at most trial.dosage.max, 10, not 11",
		}},
		{"cycles that vary too little", func(t *dgp.Trial) { t.Design.Dosage.SD = 0.1 }, []string{
			"trial.dosage.sd: of whole numbers from 0 to 10 with mean 7.5 is from 0.5 to 4.33, not 0.1",
		}},
		{"cycles that vary too much", func(t *dgp.Trial) { t.Design.Dosage.SD = 5 }, []string{
			"trial.dosage.sd: of whole numbers from 0 to 10 with mean 7.5 is from 0.5 to 4.33, not 5",
		}},
		{"one teacher", func(t *dgp.Trial) { t.Design.Teachers, t.Design.Mobility.AcrossSchools = 1, false }, []string{
			"trial.mobility: moves children to another class of the school, but schools have one (trial.teachers); write across_schools: true, or more teachers",
			"trial.spillover: is between the teachers of a school, but schools have one (trial.teachers)",
		}},
		{"spillover in schools treated whole", func(t *dgp.Trial) { t.Design.Compliance = nil }, []string{
			"trial.spillover: is within schools, but here a school is treated whole; assign teachers or children, or let teachers take up (trial.compliance.unit: teacher)",
		}},
		{"names twice", func(t *dgp.Trial) {
			t.Design.Compliance.Column, t.Design.Dosage.Column = "wealth", "coach"
		}, []string{
			`trial.dosage.column: "coach" is taken: it is trial.coaches`,
			`trial.compliance.column: "wealth" is taken: it is covariates[1].name`,
		}},
	} {
		trial := everything()
		c.change(&trial)
		err := trial.Validate()
		var got []string
		if err != nil {
			got = strings.Split(err.Error(), "\n")
		}
		if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(c.want))) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}
