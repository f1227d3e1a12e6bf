package dgp

import (
	"math"
	"math/big"
	"slices"
)

// Drawn is everything behind the last data set, for the tests of package
// dgp_test. Units are all units drawn, lost or not, unless said otherwise.
type Drawn struct {
	Arm    []int  // by unit assigned
	Block  []int  // by school
	Left   []bool // by school
	School []int  // by teacher
	Size   []int  // by teacher
	Start  []int  // first sampled child of each teacher, and the end
	Valid  []bool // by sampled child

	Covariate                      map[string][]float64
	QualityIndex, AchievementIndex []float64
	Child                          []float64 // covariates' part of achievement

	Untreated, Treated, Context [][]float64   // by domain and teacher; treated in the first arm
	Under                       [][][]float64 // by arm, domain and teacher
	Engagement                  []float64

	Rating [][][]float64 // by arm; (domain, segment, coder); teacher
	Class  [][]float64   // by arm and teacher: the class part of achievement
	Score  [][][]float64 // by arm; test; child of the data

	TrueBaseline []float64 // by sampled child: the child's own part, in SDs of the baseline; nil without one

	Schools, Teachers, Children []int // the unit drawn behind each unit of the data
}

// Drawn returns views of the generator's buffers, and the ratings and scores of all worlds.
func (g *Generator) Drawn() Drawn {
	d := g.Units()
	d.Rating = g.observed.ratings(g.quality)
	for world := range g.trial.Design.worlds() {
		d.Score = append(d.Score, nil)
		for k := range g.trial.Achievement.Tests {
			d.Score[world] = append(d.Score[world], slices.Clone(g.tested.under(world, k)))
		}
	}
	return d
}

// Units is Drawn without ratings and scores, which take long to make.
func (g *Generator) Units() Drawn {
	p := g.population
	n := p.children()
	d := Drawn{
		Arm: g.treatment.assigned[:g.treatment.units.Len()], Block: p.block, Left: g.left, School: p.school, Size: p.size, Start: p.childStart, Valid: g.valid[:n],
		Covariate: map[string][]float64{}, QualityIndex: p.qualityIndex, AchievementIndex: p.achievementIndex, Child: p.child[:n],
		Untreated: g.quality.under[0], Treated: g.quality.under[1], Under: g.quality.under, Context: g.quality.context, Engagement: g.quality.arms[1].engagement,
		Class:   g.tested.class,
		Schools: g.schools[:g.data.N[SchoolLevel]], Teachers: g.teachers[:g.data.N[TeacherLevel]], Children: g.children[:g.data.N[ChildLevel]],
	}
	for _, c := range p.columns {
		values := c.values
		if c.Level == ChildLevel {
			values = values[:n]
		}
		d.Covariate[c.Name] = values
	}
	if s := g.tested.shared; s != nil && s.baselineChild != nil {
		for _, x := range s.baselineChild[:n] {
			d.TrueBaseline = append(d.TrueBaseline, x/s.slope[ChildLevel])
		}
	}
	return d
}

// ratings returns the ratings of every class in every world, as Observation defines them.
func (ob *observed) ratings(tq *trueQuality) (all [][][]float64) {
	s, n := &ob.o.Scale, ob.o.ratings()
	for world := range tq.reached {
		ratings := columnsOf(len(ob.errors), len(ob.world))
		for i, errors := range ob.errors {
			k := i / n
			for j, e := range errors {
				x := s.Mean[k] + s.Points[k]*(tq.reached[world][k][j]+e)
				if s.Integer {
					x = math.Floor(x + 0.5)
				}
				ratings[i][j] = min(max(x, s.Min), s.Max)
			}
		}
		all = append(all, ratings)
	}
	return all
}

// A Stage is one part of Draw, for benchmarks. Stages must have run in order
// once.
type Stage struct {
	Name string
	Run  func(st Stream)
}

// Stages takes Draw apart.
func (g *Generator) Stages() []Stage {
	return []Stage{
		{"Population", func(st Stream) { g.population.draw(g.quality.q, g.tested.a, g.purpose(st, PopulationPurpose)) }},
		{"Quality", func(st Stream) { g.quality.draw(g.population, g.purpose(st, QualityPurpose)) }},
		{"Assignment", func(st Stream) {
			g.treatment.draw(g.population, g.purpose(st, AssignmentPurpose))
		}},
		{"Observation", g.observe},
		{"Attrition", func(st Stream) { g.lose(g.purpose(st, AttritionPurpose)) }},
		{"Outcomes", g.drawTests},
		{"Columns", func(Stream) { g.fillColumns() }},
	}
}

// DrawAssignment draws a population and its arms, and nothing else.
func (g *Generator) DrawAssignment(st Stream) {
	g.population.draw(g.quality.q, g.tested.a, g.purpose(st, PopulationPurpose))
	g.treatment.draw(g.population, g.purpose(st, AssignmentPurpose))
}

// Words draws a replicate and returns how many 64-bit words it takes from its streams.
func (g *Generator) Words(st Stream) (n uint64) {
	for _, stage := range g.Stages() {
		before := g.rng.pcg
		stage.Run(st)
		if g.rng.pcg == before {
			continue // it has no stream
		}
		least := uint64(math.MaxUint64) // steps from the start of the stage's own stream
		for p := range LevelPurpose {
			least = min(least, NewSource().Load(st, p).pcg.steps(g.rng.pcg))
		}
		n += least
	}
	return n
}

// steps returns how many steps lead from one state to another, or the most there is
// (Brown 1994, "Random number generation with arbitrary stride").
func (g pcg) steps(to pcg) uint64 {
	number := func(high, low uint64) *big.Int {
		x := new(big.Int).SetUint64(high)
		return x.Or(x.Lsh(x, 64), new(big.Int).SetUint64(low))
	}
	modulus := new(big.Int).Lsh(big.NewInt(1), 128)
	state, goal := number(g.high, g.low), number(to.high, to.low)
	times, plus := number(pcgMultiplierHigh, pcgMultiplierLow), number(pcgIncrementHigh, pcgIncrementLow)
	n := uint64(0)
	for bit := range 64 {
		if state.Bit(bit) != goal.Bit(bit) {
			state.Mod(state.Add(state.Mul(state, times), plus), modulus)
			n |= 1 << bit
		}
		once := new(big.Int).Add(times, big.NewInt(1))
		plus.Mod(plus.Mul(plus, once), modulus)
		times.Mod(times.Mul(times, times), modulus)
	}
	if state.Cmp(goal) != 0 {
		return math.MaxUint64
	}
	return n
}

// A NormalSource draws normals as a generator does, for benchmarks.
type NormalSource struct{ source *Source }

// NewNormalSource returns the source of one purpose of a stream.
func NewNormalSource(st Stream, p Purpose) NormalSource {
	s := NormalSource{NewSource()}
	s.source.Load(st, p)
	return s
}

// SumByLibrary returns the sum of n normals that rand.Rand draws.
func (s NormalSource) SumByLibrary(n int) float64 {
	x := 0.0
	for range n {
		x += s.source.Rand.NormFloat64()
	}
	return x
}

// Sum returns the same sum of normals that are drawn many at once.
func (s NormalSource) Sum(n int) float64 {
	x, z := 0.0, make([]float64, 32)
	for ; n > 0; n -= len(z) {
		z = z[:min(n, len(z))]
		s.source.Normals(z)
		for _, v := range z {
			x += v
		}
	}
	return x
}

// LossShares returns the shares of schools that are lost under an arm, of
// teachers in schools that stay, and of children in classes that stay.
func (g *Generator) LossShares(t *Truth, arm int) (school, teacher, child float64) {
	n, p := g.retention, g.population
	var lost, all [3]float64
	responded := t.Potential(make([]float64, g.shape.Max[ChildLevel]), g.respondedColumn, arm)
	for s := range n.school[arm] {
		all[0]++
		lost[0] += indicator(n.school[arm][s])
	}
	for j, s := range p.school {
		if n.school[arm][s] {
			continue
		}
		all[1]++
		lost[1] += 1 - n.observed[arm][j]
		if n.observed[arm][j] == 0 {
			continue
		}
		for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
			all[2]++
			lost[2] += 1 - responded[i]
		}
	}
	return lost[0] / all[0], lost[1] / all[1], lost[2] / all[2]
}

func indicator(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// A ChildLoss is what the loss of one child depends on.
type ChildLoss struct {
	Ability, Quality float64
	Covariate        map[string]float64
	Lost             [2]bool // by arm
}

// ChildLosses lists the children whose class stays under both arms.
func (g *Generator) ChildLosses(*Truth) []ChildLoss {
	var all []ChildLoss
	p := g.population
	for j, s := range p.school {
		if g.retention.observed[0][j] == 0 || g.retention.observed[1][j] == 0 {
			continue
		}
		for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
			u := ChildLoss{Ability: g.ability(i), Quality: g.meanQuality(j), Covariate: map[string]float64{}}
			for _, c := range p.columns {
				u.Covariate[c.Name] = c.values[[levels]int{0, s, j, i}[c.Level]]
			}
			for arm := range u.Lost {
				u.Lost[arm] = g.retention.responded[arm][i] == 0
			}
			all = append(all, u)
		}
	}
	return all
}

// Delivered is everything behind how the treatment of the last data set was
// delivered. Worlds are the arms, and then the arms as they were assigned.
type Delivered struct {
	U                []float64 // of take-up, by its unit
	Code             []float64 // by unit assigned
	Effect, Skill    []float64 // of its coach
	CoachReplaced    []bool
	Cycles           []int     // by class, or child where children are assigned
	Share            []float64 // by cycles
	Leave            []float64 // u of teachers who leave
	NewQuality       [][]float64
	To               []int         // by child
	Quality          [][][]float64 // by world, domain and class
	Probability      func(arm, unit int) float64
	Reached, Exposed [][]float64 // by world and unit: the arm received, and its share
}

// Delivered returns views of the generator's buffers.
func (g *Generator) Delivered() Delivered {
	v := g.delivery
	d := Delivered{Quality: g.quality.reached}
	if v.takeUp != nil {
		d.U, d.Probability = v.takeUp.u, func(arm, unit int) float64 { return v.takeUp.probability(unit, arm) }
	}
	if c := v.coaching; c != nil {
		d.Code, d.Effect, d.Skill, d.CoachReplaced = c.code, c.effect, c.skill, c.replaced
	}
	if v.dose != nil {
		d.Cycles, d.Share = v.dose.cycles[:v.units], v.dose.share
	}
	if v.succession != nil {
		d.Leave, d.NewQuality = v.succession.u, v.succession.quality
	}
	if v.moves != nil {
		d.To = v.moves.to[:g.population.children()]
	}
	for world := range v.reached {
		var arms []float64
		for _, arm := range v.reached[world][:v.units] {
			arms = append(arms, float64(arm))
		}
		d.Reached = append(d.Reached, arms)
		d.Exposed = append(d.Exposed, v.dosed[world][:v.units])
	}
	return d
}

// CycleLaw returns the probability of each number of cycles.
func (d Dosage) CycleLaw() []float64 { return d.law() }
