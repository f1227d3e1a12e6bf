package dgp

import (
	"fmt"
	"math"
	"slices"
)

// A Generator draws data sets of one trial. It owns every buffer it writes to,
// so that Draw allocates nothing; one goroutine uses one Generator.
type Generator struct {
	trial Trial
	shape Shape

	rng          *Source
	population   *population
	quality      *trueQuality
	observed     *observed
	tested       *tested
	learning     *drawnLearning // nil without: then there is achievement
	oracle       *oracle        // nil where the data show what an analyst has
	retention    *retention     // nil where lost units are in no data set
	treatment    *treatment
	delivery     *delivery // nil where all receive what they are assigned, whole
	left         []bool
	parts        []float64 // by test: the number of tests in the total, 0 where it is none of them
	evenParts    bool      // they are powers of 2, so that it is the same to multiply by
	shares       []float64 // their inverses
	sums         []float64 // scratch: by test, or by score of quality
	leaving      []int     // schools that leave, by arm
	valid        []bool    // by sampled child
	whole        bool      // all units drawn are in all data sets
	schoolBuffer []int     // scratch by school

	data  Data
	truth Truth
	// Full-length buffers behind data: a draw uses the front of each. Where all units are in
	// all data sets, some are the population's own.
	block, teacherSchool, teacherStart, childStart []int
	columns                                        [][]float64
	schools, teachers, children                    []int // unit drawn behind each unit kept

	// Where the columns of the data start in shape.Columns.
	covariateColumn, schemeColumn, deliveryColumn, scoreColumn, ratingColumn, raterColumn, oracleColumn, learningColumn, testColumn int
	observedColumn, respondedColumn                                                                                                 int // with retention
}

// Compile prepares drawing. All errors happen here.
func (t Trial) Compile() (*Generator, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	t = t.lower(nil)
	d := t.Design
	schools := d.schools()
	teachers := d.teachers()
	children := teachers * d.Tested
	p := newPopulation(t)
	g := &Generator{
		trial:         t,
		rng:           NewSource(),
		population:    p,
		quality:       newTrueQuality(t, p),
		observed:      newObserved(t),
		tested:        newTested(t, p),
		learning:      newLearning(t, p),
		left:          make([]bool, schools),
		parts:         t.Achievement.parts(),
		leaving:       make([]int, len(d.Arms)),
		valid:         make([]bool, children),
		schoolBuffer:  make([]int, schools),
		block:         make([]int, schools),
		teacherSchool: make([]int, teachers),
		teacherStart:  make([]int, schools+1),
		childStart:    make([]int, teachers+1),
		schools:       make([]int, schools),
		teachers:      make([]int, teachers),
		children:      make([]int, children),
	}
	g.evenParts = true
	for _, n := range g.parts {
		fraction, _ := math.Frexp(n)
		g.evenParts = g.evenParts && fraction == 0.5
		g.shares = append(g.shares, 1/n)
	}
	for a, name := range d.Arms {
		g.leaving[a] = d.Attrition.Schools[name]
	}
	g.solveOutcomes()
	if d.Attrition.keeps() {
		g.retention = newRetention(t, g.population)
	}
	g.oracle = newOracle(t, g.quality)
	g.shape.Max = [levels]int{d.Blocks, schools, teachers, children}
	g.shape.Arms = d.Arms
	g.shape.Assignment = d.Assignment
	g.delivery = newDelivery(t, g.population, g.shape.Max)
	if g.tested.delivery = g.delivery; g.delivery != nil {
		g.tested.keep(t.Design.worlds())
	}
	if g.retention != nil {
		g.tested.keep(1) // ability is read child by child
	}
	g.layout()
	g.data.Randomised = &g.treatment.units
	g.columns = make([][]float64, len(g.shape.Columns))
	for c, column := range g.shape.Columns {
		g.columns[c] = make([]float64, g.shape.Max[column.Level])
	}
	if g.whole = g.retention != nil || d.Attrition.Children == 0 && !g.leavers(); g.whole {
		g.takeAll()
	}
	g.data.Columns = make([][]float64, len(g.columns))
	g.sums = make([]float64, max(len(t.Achievement.Tests), len(t.Quality.Domains)+1))
	g.truth = newTruth(g)
	if g.delivery != nil && g.delivery.takeUp != nil {
		g.calibrate([]*hazard{g.delivery.takeUp.hazard})
	}
	if g.retention != nil {
		g.calibrate(g.retention.hazards)
	}
	if err := g.tryAssignment(); err != nil {
		return nil, err
	}
	return g, nil
}

// takeAll says that all units drawn are in all data sets, whose covariates are then those
// of the population.
func (g *Generator) takeAll() {
	p := g.population
	for _, all := range [][]int{g.schools, g.teachers, g.children} {
		for u := range all {
			all[u] = u
		}
	}
	fill(g.valid, true)
	g.block, g.teacherSchool, g.teacherStart, g.childStart = p.block, p.school, p.teacherStart, p.childStart
	for i, c := range p.columns {
		g.columns[g.covariateColumn+i] = c.values
	}
	g.tested.takeAll(p)
}

// assignmentTrials is the number of populations on which a scheme that may fail
// is tried, and assignmentSeed the seed of their draws.
const (
	assignmentTrials = 20
	assignmentSeed   = 0xba1a9ced5eed
)

// tryAssignment makes sure that the scheme can keep what it promises.
func (g *Generator) tryAssignment() error {
	if g.treatment.scheme.Balanced == nil {
		return nil
	}
	failed := 0
	for rep := range uint64(assignmentTrials) {
		st := Stream{Seed: assignmentSeed, Replicate: rep}
		g.population.draw(g.quality.q, g.tested.a, g.purpose(st, PopulationPurpose))
		g.treatment.draw(g.population, g.purpose(st, AssignmentPurpose))
		if !g.treatment.scheme.Balanced() {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	var f Faults
	f.Add("trial.assignment", "no assignment that was tried is as balanced as asked, in %d of %d trials drawn; ask for less balance, or more tries", failed, assignmentTrials)
	return f
}

// layout lists the columns.
func (g *Generator) layout() {
	t := g.trial
	add := func(c Column) int {
		g.shape.Columns = append(g.shape.Columns, c)
		return len(g.shape.Columns) - 1
	}
	level := t.Design.Assignment.Level()
	for _, a := range armsOf(t.Design.Arms)[1:] {
		if a.parts == nil {
			add(Column{Name: a.name, Level: level, Arm: true, Doc: fmt.Sprintf("1 if the %s was assigned to this arm", level)})
		}
	}
	g.covariateColumn = len(g.shape.Columns)
	for _, c := range g.population.columns {
		column := Column{Name: c.Name, Level: c.Level, Center: c.law.mean, Doc: c.doc()}
		if law, ok := c.Law.(gradeLaw); ok {
			column.Center, column.Levels = 0, law.grades
		}
		add(column)
	}
	g.treatment = newTreatment(g)
	g.schemeColumn = len(g.shape.Columns)
	for _, c := range g.treatment.scheme.Columns {
		add(c)
	}
	g.deliveryColumn = len(g.shape.Columns)
	if g.delivery != nil {
		for _, c := range g.delivery.columns {
			add(c.Column)
		}
	}
	g.scoreColumn = len(g.shape.Columns)
	observed, responded := "", ""
	if g.retention != nil {
		observed, responded = observedName, respondedName
	}
	total, unit := 0.0, ", SDs"
	for k, name := range t.observed() {
		mean := 0.0
		if t.Observation.Points {
			mean, unit = t.Observation.Scale.Mean[k], ", points"
		}
		total += mean / float64(len(t.Quality.Domains))
		add(Column{Name: name, Level: TeacherLevel, PostTreatment: true, Observed: observed, Center: mean, Domains: []string{name}, Doc: "observed classroom quality" + unit})
	}
	if len(t.observed()) > 0 {
		add(Column{Name: t.Observation.Total, Level: TeacherLevel, PostTreatment: true, Observed: observed, Center: total, Domains: t.observed(), Doc: "mean of the domains" + unit})
	}
	g.ratingColumn = len(g.shape.Columns)
	t.Observation.eachRating(t.observed(), func(name string, r Rating) {
		add(Column{
			Name: name, Level: TeacherLevel, PostTreatment: true, Observed: observed,
			Center: t.Observation.Scale.Mean[slices.Index(t.Quality.Domains, r.Domain)], Rating: &r, Domains: []string{r.Domain}, Doc: "rating of one segment by one coder, points",
		})
	})
	g.raterColumn = len(g.shape.Columns)
	for _, c := range g.observed.raterColumns() {
		add(c)
	}
	g.oracleColumn = len(g.shape.Columns)
	for i, name := range t.oracleNames() {
		doc, domains := "true classroom quality, SDs of the score, which no analyst has", t.Quality.Domains
		if i < len(domains) {
			domains = domains[i : i+1]
		} else {
			doc = "the part of achievement that quality causes, SDs, which no analyst has"
		}
		add(Column{Name: name, Level: TeacherLevel, PostTreatment: true, Oracle: true, Observed: observed, Domains: domains, Doc: doc})
	}
	g.learningColumn = len(g.shape.Columns)
	if t.Learning != nil {
		for _, c := range t.Learning.columns(observed, responded) {
			add(c)
		}
	}
	g.testColumn = len(g.shape.Columns)
	for _, name := range t.Achievement.Tests {
		doc := "test, SDs"
		if o := t.Achievement.Outcomes[name]; o != nil {
			doc = o.Doc()
		}
		add(Column{Name: name, Level: ChildLevel, PostTreatment: true, Observed: responded, Doc: doc})
	}
	if t.Learning == nil {
		add(Column{Name: t.Achievement.Total, Level: ChildLevel, PostTreatment: true, Observed: responded, Doc: "total achievement, SDs"})
	}
	if g.retention != nil {
		g.observedColumn = add(Column{Name: observedName, Level: TeacherLevel, PostTreatment: true, Doc: "1 if the class was observed, 0 if its school or teacher was lost"})
		g.respondedColumn = add(Column{Name: respondedName, Level: ChildLevel, PostTreatment: true, Doc: "1 if the child has valid tests, 0 if lost"})
	}
}

// The columns that say who is not lost, where lost units are in the data.
const (
	observedName  = "observed"
	respondedName = "responded"
)

// Trial returns the trial that the generator draws.
func (g *Generator) Trial() Trial { return g.trial }

// Shape describes the data that Draw returns.
func (g *Generator) Shape() Shape { return g.shape }

// Draw draws the data set of one replicate, with its truth. Both are valid
// until the next Draw.
func (g *Generator) Draw(st Stream) (*Data, *Truth) {
	g.population.draw(g.quality.q, g.tested.a, g.purpose(st, PopulationPurpose))
	g.quality.draw(g.population, g.purpose(st, QualityPurpose))
	g.treatment.draw(g.population, g.purpose(st, AssignmentPurpose))
	if g.delivery != nil {
		g.delivery.draw(g, st)
	}
	g.observe(st)
	g.lose(g.purpose(st, AttritionPurpose))
	g.drawTests(st)
	if g.retention != nil {
		g.retention.draw(g, g.purpose(st, LossPurpose))
	}
	g.fillColumns()
	return &g.data, &g.truth
}

// ValidTests is the number of children of the last draw who have valid tests. Those who
// are lost may be in its data, with missing ones (Attrition).
func (g *Generator) ValidTests() int {
	if g.retention == nil {
		return g.data.Children()
	}
	n := 0.0
	for _, responded := range g.data.Columns[g.respondedColumn] {
		n += responded
	}
	return int(n)
}

// drawTests draws what children score.
func (g *Generator) drawTests(st Stream) {
	if g.learning != nil {
		g.learning.draw(g.population, g.purpose(st, OutcomePurpose))
		return
	}
	if g.tested.shared != nil {
		g.tested.shared.draw(g.population, g.purpose(st, LevelPurpose))
	}
	if g.tested.varies {
		g.tested.vary(g.population, g.purpose(st, VariationPurpose))
	}
	g.tested.draw(g.population, g.quality, g.valid, g.purpose(st, OutcomePurpose))
}

func (g *Generator) purpose(st Stream, p Purpose) *Source {
	return g.rng.Load(st, p)
}

// lose decides who is lost at random and builds the hierarchy of those who are
// in the data: who stay, or all.
func (g *Generator) lose(r *Source) {
	p, d := g.population, g.trial.Design
	leave(g.left, g.treatment.assigned, g.leaving, g.schoolBuffer, r)
	if !g.whole {
		fill(g.valid[:p.children()], true)
	}
	if miss := d.Attrition.Children; miss > 0 {
		// Children between two missing tests are a geometric count.
		scale := 1 / math.Log1p(-miss)
		for i := skip(r, scale); i < p.children(); i += 1 + skip(r, scale) {
			g.valid[i] = false
		}
		if g.retention != nil {
			for i := range p.children() {
				g.retention.missing[i] = !g.valid[i]
				g.valid[i] = true
			}
		}
	}
	schools, teachers, children := len(p.block), len(p.school), p.children()
	if !g.whole {
		schools, teachers, children = g.gatherUnits()
	}
	g.data.N = [levels]int{d.Blocks, schools, teachers, children}
	g.data.SchoolBlock = g.block[:schools]
	g.data.Place = g.drawn(g.treatment.units.Level)
	g.data.TeacherSchool = g.teacherSchool[:teachers]
	g.data.TeacherStart = g.teacherStart[:schools+1]
	g.data.ChildStart = g.childStart[:teachers+1]
	for c, column := range g.shape.Columns {
		g.data.Columns[c] = g.columns[c][:g.data.N[column.Level]]
	}
}

// fill sets all elements, by copies of what it has set.
func fill[T any](dst []T, x T) {
	if len(dst) > 0 {
		dst[0] = x
	}
	for n := 1; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// gatherUnits lists the units that stay, and returns how many these are.
func (g *Generator) gatherUnits() (schools, teachers, children int) {
	p, valid, stay := g.population, g.valid, g.children
	for s := range g.left {
		if g.left[s] {
			for j := p.teacherStart[s]; j < p.teacherStart[s+1]; j++ {
				for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
					valid[i] = false
				}
			}
			continue
		}
		g.schools[schools] = s
		g.block[schools] = p.block[s]
		g.teacherStart[schools] = teachers
		for j := p.teacherStart[s]; j < p.teacherStart[s+1]; j++ {
			g.teachers[teachers] = j
			g.teacherSchool[teachers] = schools
			g.childStart[teachers] = children
			first := p.childStart[j]
			for i, is := range valid[first:p.childStart[j+1]] {
				stay[children] = first + i // one who is not valid: overwritten by the next
				if is {
					children++
				}
			}
			teachers++
		}
		schools++
	}
	g.teacherStart[schools] = teachers
	g.childStart[teachers] = children
	return schools, teachers, children
}

// skip draws the number of children until the next missing test, given
// 1/log(1-p).
func skip(r *Source, scale float64) int {
	n := math.Log(1-r.Float64()) * scale
	if n > maxUnits {
		return maxUnits
	}
	return int(n)
}

// fillColumns writes what an analyst sees into the data's columns.
func (g *Generator) fillColumns() {
	if g.retention != nil {
		g.fillRetention()
	}
	for c, on := range g.treatment.on {
		dst := g.data.Columns[c]
		for u, drawn := range g.data.Place {
			dst[u] = on[g.treatment.assigned[drawn]]
		}
	}
	if !g.whole {
		for i, c := range g.population.columns {
			gather(g.data.Columns[g.covariateColumn+i], c.values, g.drawn(c.Level))
		}
	}
	for i, values := range g.treatment.scheme.Values {
		gather(g.data.Columns[g.schemeColumn+i], values, g.drawn(g.treatment.scheme.Columns[i].Level))
	}
	if g.delivery != nil {
		for i, c := range g.delivery.columns {
			c.fill(g.data.Columns[g.deliveryColumn+i], g.drawn(c.Level), g.delivery.arms)
		}
	}
	for at, ratings := range g.observed.rating {
		dst := g.data.Columns[g.ratingColumn+at]
		gather(dst, ratings, g.drawn(TeacherLevel))
		g.blankUnobserved(dst)
	}
	for c := range g.oracleColumn - g.raterColumn {
		gather(g.data.Columns[g.raterColumn+c], g.observed.raters.who[c], g.drawn(TeacherLevel))
	}
	if len(g.trial.observed()) > 0 {
		g.fillScores()
	}

	if g.oracle != nil {
		g.oracle.draw(g.tested)
		domains := len(g.trial.Quality.Domains)
		for k := range domains {
			g.received(g.data.Columns[g.oracleColumn+k], g.oracle.quality, k)
		}
		g.received(g.data.Columns[g.oracleColumn+domains], g.oracle.caused, 0)
	}

	if g.learning != nil {
		g.fillLearning()
		return
	}
	g.fillTests()
}

// fillTests writes the tests and their total.
func (g *Generator) fillTests() {
	a := &g.trial.Achievement
	tests := len(a.Tests)
	columns, total := g.data.Columns[g.testColumn:][:tests], g.data.Columns[g.testColumn+tests]
	scales := g.truth.scale[g.testColumn:]
	for k, dst := range columns {
		g.sums[k] = g.receivedTests(dst, k)
	}
	measure(scales, columns, g.sums, a.standardised)
	sum := g.addTests(total, columns, scales)
	standardise(scales[tests:], g.data.Columns[g.testColumn+tests:][:1], []float64{sum}, func(int) bool { return a.standardised(-1) })
}

// addTests applies scales to the tests, and sets the total to what it is before it is
// standardised. It returns the sum of that.
func (g *Generator) addTests(total []float64, tests [][]float64, scales []scale) (sum float64) {
	clear(total)
	if !g.evenParts {
		for k, x := range tests {
			scales[k].show(x)
			if g.parts[k] == 0 {
				continue
			}
			for i, v := range x {
				total[i] += v / g.parts[k]
			}
		}
		return sumOf(total)
	}
	for k := 0; k < len(tests); {
		if sum = 0; k+4 > len(tests) { // of the last
			x, s, share := tests[k][:len(total)], scales[k], g.shares[k]
			for i, v := range x {
				v = s.apply(v)
				x[i] = v
				v = total[i] + share*v
				total[i] = v
				sum += v
			}
			k++
			continue
		}
		x, y, z, w := tests[k][:len(total)], tests[k+1][:len(total)], tests[k+2][:len(total)], tests[k+3][:len(total)]
		p, q, r, s := scales[k], scales[k+1], scales[k+2], scales[k+3]
		share := g.shares[k] // all are the same
		for i := range total {
			a, b, c, d := p.apply(x[i]), q.apply(y[i]), r.apply(z[i]), s.apply(w[i])
			x[i], y[i], z[i], w[i] = a, b, c, d
			v := total[i] + share*a + share*b + share*c + share*d
			total[i] = v
			sum += v
		}
		k += 4
	}
	return sum
}

// fillScores writes the observed scores of classroom quality.
func (g *Generator) fillScores() {
	domains := len(g.trial.Quality.Domains)
	total := g.data.Columns[g.scoreColumn+domains]
	clear(total)
	for k := range domains {
		dst := g.data.Columns[g.scoreColumn+k]
		gather(dst, g.observed.score[k], g.drawn(TeacherLevel))
		g.blankUnobserved(dst)
		for j, x := range dst {
			total[j] += x / float64(domains)
		}
	}
	columns := g.data.Columns[g.scoreColumn:][:domains+1]
	for k, x := range columns {
		g.sums[k] = sumOf(x)
	}
	standardise(g.truth.scale[g.scoreColumn:], columns, g.sums, func(int) bool { return !g.trial.Observation.Points })
}

// drawn returns the unit drawn behind each unit of a level in the data.
func (g *Generator) drawn(l Level) []int {
	from := g.children
	switch l {
	case SchoolLevel:
		from = g.schools
	case TeacherLevel:
		from = g.teachers
	}
	return from[:g.data.N[l]]
}

// gather copies the values of the units drawn that are in the data.
func gather(dst, values []float64, drawn []int) {
	for u, from := range drawn {
		dst[u] = values[from]
	}
}

// worldOf is the world that units of an arm are in: that of the arm, or of all arms as they
// were assigned.
func (g *Generator) worldOf(arm int) int {
	if g.delivery != nil {
		return g.delivery.arms
	}
	return arm
}

// received fills a teacher column with what each class has. in is by world, then by column.
func (g *Generator) received(dst []float64, in [][][]float64, column int) {
	for j, teacher := range g.drawn(TeacherLevel) {
		dst[j] = in[g.worldOf(g.treatment.class[teacher])][column][teacher]
	}
	g.blankUnobserved(dst)
}

// blankUnobserved makes values of classes missing that were lost.
func (g *Generator) blankUnobserved(dst []float64) {
	if g.retention != nil {
		blank(dst, g.data.Columns[g.observedColumn])
	}
}

// receivedTests fills a test with the scores of each child, in the world of its
// arm or of all arms as they were assigned, and returns their sum.
func (g *Generator) receivedTests(dst []float64, test int) (sum float64) {
	ts := g.tested
	switch {
	case g.delivery != nil:
		copy(dst, ts.under(g.delivery.arms, test))
	case g.treatment.units.Level == ChildLevel:
		for arm := range ts.arms {
			scores := ts.under(arm, test)
			for i, child := range g.drawn(ChildLevel) {
				if g.treatment.assigned[child] == arm {
					dst[i] = scores[i]
				}
			}
		}
	default: // the children of a class have its arm
		for j, teacher := range g.drawn(TeacherLevel) {
			arm, lo, hi := g.treatment.class[teacher], g.data.ChildStart[j], g.data.ChildStart[j+1]
			if ts.varies {
				copy(dst[lo:hi], ts.under(arm, test)[lo:hi])
			} else {
				sum = ts.fillClass(dst[lo:hi], sum, arm, test, teacher)
			}
		}
		if !ts.varies && ts.show[test] == nil && g.retention == nil {
			return sum
		}
	}
	ts.show[test].show(dst)
	if g.retention != nil {
		blank(dst, g.data.Columns[g.respondedColumn])
	}
	return sumOf(dst)
}

// fillRetention fills the columns that say who is not lost.
func (g *Generator) fillRetention() {
	observed, responded := g.data.Columns[g.observedColumn], g.data.Columns[g.respondedColumn]
	for j := range observed { // all units drawn are in the data
		arm := g.treatment.class[j]
		observed[j] = g.retention.observed[arm][j]
		lo, hi := g.data.ChildStart[j], g.data.ChildStart[j+1]
		copy(responded[lo:hi], g.retention.responded[arm][lo:hi])
	}
	if g.treatment.units.Level == ChildLevel {
		for i := range responded {
			responded[i] = g.retention.responded[g.treatment.assigned[i]][i]
		}
	}
}

// blank makes values missing where observed is 0.
func blank(x, observed []float64) {
	for i := range x {
		if observed[i] == 0 {
			x[i] = math.NaN()
		}
	}
}

// A scale is how a column was standardised: (x - mean)/sd.
type scale struct{ mean, inverse float64 } // inverse is 1/sd

func (s scale) apply(x float64) float64 { return (x - s.mean) * s.inverse }

// show applies the scale to a column in place.
func (s scale) show(x []float64) {
	if s == (scale{inverse: 1}) {
		return
	}
	for i, v := range x {
		x[i] = s.apply(v)
	}
}

// standardise brings columns of one length, those that are on, to mean 0 and SD 1 (divisor
// n-1) over the values that are not missing, and sets how. A column without variation is
// only centred.
func standardise(scales []scale, columns [][]float64, sums []float64, on func(column int) bool) {
	measure(scales, columns, sums, on)
	for k, x := range columns {
		scales[k].show(x)
	}
}

// measure sets the scales that bring columns of these sums to mean 0 and SD 1; of those
// that are not on it is none.
func measure(scales []scale, columns [][]float64, sums []float64, on func(column int) bool) {
	for k := 0; k < len(columns); k += 4 { // four sums at once, since each waits for itself; the last column stands in for those that are not there
		last := len(columns) - 1
		var mean, squares [4]float64
		var n [4]int
		for c := range min(4, len(columns)-k) {
			mean[c], n[c] = meanOf(columns[k+c], sums[k+c])
		}
		if k == last {
			squares[0] = squaresAround(mean[0], columns[k])
		} else {
			squares = fourSquaresAround(mean, [4][]float64{columns[k], columns[min(k+1, last)], columns[min(k+2, last)], columns[min(k+3, last)]})
		}
		for c := range min(4, len(columns)-k) {
			scales[k+c] = scale{inverse: 1}
			if n[c] > 0 && on(k+c) {
				scales[k+c] = newScale(columns[k+c], mean[c], squares[c], n[c])
			}
		}
	}
}

// sumOf adds up a column.
func sumOf(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum
}

// meanOf returns the mean of a column with a sum over values that are not missing, and how
// many these are.
func meanOf(x []float64, sum float64) (mean float64, n int) {
	if n = len(x); math.IsNaN(sum) { // some are missing
		sum, n = 0, 0
		for _, v := range x {
			if !math.IsNaN(v) {
				sum += v
				n++
			}
		}
	}
	return sum / float64(n), n
}

// squaresAround returns the sum of squares of a column around its mean, over values that
// are not missing.
func squaresAround(mean float64, x []float64) (squares float64) {
	for _, v := range x {
		d := v - mean
		squares += d * d
	}
	if math.IsNaN(squares) {
		squares = 0
		for _, v := range x {
			if !math.IsNaN(v) {
				squares += (v - mean) * (v - mean)
			}
		}
	}
	return squares
}

// fourSquaresAround does so for four columns at once.
func fourSquaresAround(mean [4]float64, columns [4][]float64) [4]float64 {
	x, y, z, w := columns[0], columns[1], columns[2], columns[3]
	y, z, w = y[:len(x)], z[:len(x)], w[:len(x)]
	k, l, m, n := mean[0], mean[1], mean[2], mean[3]
	var a, b, c, d float64
	for i, v := range x {
		p, q, r, s := v-k, y[i]-l, z[i]-m, w[i]-n
		a += p * p
		b += q * q
		c += r * r
		d += s * s
	}
	squares := [4]float64{a, b, c, d}
	for k := range squares {
		if math.IsNaN(squares[k]) {
			squares[k] = squaresAround(mean[k], columns[k])
		}
	}
	return squares
}

// newScale is the scale of n values x with a mean and a sum of squares around it. One of
// 1e-20 times that around 0, or less, is rounding of the mean.
func newScale(x []float64, mean, squares float64, n int) scale {
	s := scale{mean: mean, inverse: 1}
	varies := n > 1
	if raw := squares + float64(n)*mean*mean; varies && !(squares > 1e-15*raw) { // that around 0, but for rounding
		raw = 0
		for _, v := range x {
			if !math.IsNaN(v) {
				raw += v * v
			}
		}
		varies = squares > 1e-20*raw
	}
	if varies {
		s.inverse = 1 / math.Sqrt(squares/float64(n-1))
	}
	return s
}
