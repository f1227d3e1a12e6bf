package dgp

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Learning is what children know before and after a year, in tests whose items are
// right or wrong: the study of a cohort of teachers, in place of Achievement. A
// teacher's gain is the mean over the children of the class of the percentage correct
// after less before, and the class's score before is their mean before.
//
// The error of the items makes gains revert to the mean: a class that scored well by
// chance gains less.
type Learning struct {
	Pretest  string   `yaml:"pretest" doc:"name of the test before, by child, percent correct"`
	Posttest string   `yaml:"posttest" doc:"name of the test after, by child, percent correct"`
	Baseline string   `yaml:"baseline" doc:"name of the class's mean before"`
	Gain     string   `yaml:"gain" doc:"name of the class's mean gain, percentage points"`
	Oracle   bool     `yaml:"oracle,omitempty" doc:"add columns that no analyst has, for infeasible estimators: the class's mean gain without the error of items (GAIN_true) and what the class adds to each of its children's gains, the teacher's true effect (GAIN_caused)"`
	Ability  Ability  `yaml:"ability" required:"true" doc:"what children know before"`
	Items    ItemTest `yaml:"items" required:"true" doc:"the items of the test, the same before and after"`
	Gains    Gains    `yaml:"gains" required:"true" doc:"what children learn"`
}

// SetDefaults names the columns, and has items from -1 to 1, effects in points, and a
// floor of half a percent.
func (l *Learning) SetDefaults() {
	l.Pretest, l.Posttest, l.Baseline, l.Gain = "pretest", "posttest", "baseline", "gain"
	l.Items.Easiest, l.Items.Hardest = -1, 1
	l.Gains.Unit, l.Gains.Floor = 1, 0.5
}

func (t Trial) checkLearning(f *Faults) {
	l := t.Learning
	if l == nil {
		if t.Achievement.IsZero() {
			f.Add("achievement", "is missing: a study has achievement, tests in SDs, or learning, tests of items before and after")
		}
		return
	}
	const stands = "stands beside learning, which takes its place; delete one of them"
	if !t.Achievement.IsZero() {
		f.Add("achievement", stands)
	}
	if !t.Quality.IsZero() {
		f.Add("quality", "moves achievement, and this study has learning; ratings of classrooms are covariates there (law: rating)")
	}
	if t.Effect != nil {
		f.Add("effect", "is that of treatments on achievement, and this study has learning")
	}
	if len(t.Design.Arms) > 1 {
		f.Add("trial.arms", "has %d arms, and learning is for a study without treatment: arms: [control] and assignment: {kind: none}", len(t.Design.Arms))
	}
	if t.Design.Attrition.Children > 0 && !t.Design.Attrition.keeps() {
		f.Add("trial.attrition.children", "may leave a class without any child who has a gain; with learning say keep: true too, so that such a class is in the data with a missing gain")
	}
	grades := t.grades()
	if n := len(l.Ability.GradeMeans); n != grades {
		f.Add("learning.ability.grade_means", "has %s; it needs one for each grade (trial.grades), %d", count(n, "number", "numbers"), grades)
	}
	l.Items.check(f, "learning.items", grades)
	l.Gains.check(f, "learning.gains", t.gainVariables())
}

// gainVariables are the variables that may move gains.
func (t Trial) gainVariables() []string {
	names := []string{t.Learning.Baseline}
	for _, c := range t.Covariates {
		if c.Level != ChildLevel {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

// columns lists those of the data.
func (l *Learning) columns(observed, responded string) []Column {
	all := []Column{
		{Name: l.Pretest, Level: ChildLevel, Center: 50, Doc: "test before, percent correct"},
		{Name: l.Posttest, Level: ChildLevel, Center: 50, PostTreatment: true, Observed: responded, Doc: "test after, percent correct"},
		{Name: l.Baseline, Level: TeacherLevel, Center: 50, Doc: "class mean of " + l.Pretest},
		{Name: l.Gain, Level: TeacherLevel, PostTreatment: true, Observed: observed, Doc: fmt.Sprintf("class mean of %s less %s, percentage points", l.Posttest, l.Pretest)},
	}
	if l.Oracle {
		all = append(all,
			Column{Name: l.Gain + trueSuffix, Level: TeacherLevel, PostTreatment: true, Oracle: true, Observed: observed, Doc: "the class's mean gain without the error of items, percentage points, which no analyst has"},
			Column{Name: l.Gain + causedSuffix, Level: TeacherLevel, PostTreatment: true, Oracle: true, Doc: "what the class adds to the gain of each of its children, percentage points, which no analyst has"},
		)
	}
	return all
}

// The columns of Learning, in order.
const (
	pretestColumn = iota
	posttestColumn
	baselineColumn
	gainColumn
	trueGainColumn // and the next with an oracle
	causedColumn
)

// LearningWords says what children know before and after, and what moves the gains of
// classes; nothing of a study without learning.
func (t Trial) LearningWords() []Section {
	l := t.Learning
	if l == nil {
		return nil
	}
	var items []string
	for _, n := range l.Items.Numbers {
		items = append(items, strconv.Itoa(n))
	}
	per := "items"
	if len(items) > 1 {
		per = "items by grade"
	}
	known := 0
	for _, name := range t.gainVariables() {
		if l.Gains.predicts(name) {
			known++
		}
	}
	gains := fmt.Sprintf("%s, the class's mean gain in points, goes with %d of %d class variables and %s",
		l.Gain, known, len(t.gainVariables()), count(len(l.Gains.Steps), "step", "steps"))
	return []Section{
		{"Tests", fmt.Sprintf("%s and %s, percent correct of %s %s", l.Pretest, l.Posttest, strings.Join(items, " and "), per)},
		{"Gains", gains + "; the error of items makes it revert to the mean"},
	}
}

// drawnLearning draws what children know.
type drawnLearning struct {
	Learning
	tests      []gradeTest // by grade
	teachers   int         // per school, for grades
	systematic systematic

	standing           []float64 // by child drawn: log odds before, less the mean of the grade
	pretest, posttest  []float64 // by child drawn: percent
	rise               []float64 // by child drawn: points known after less before
	baseline, expected []float64 // by class drawn: mean before; G but for what differs by chance
	caused             []float64 // by class drawn: G
	school             []float64 // scratch: by school
}

func newLearning(t Trial, p *population) *drawnLearning {
	if t.Learning == nil {
		return nil
	}
	d := t.Design
	teachers := d.teachers()
	children := teachers * d.Tested
	l := &drawnLearning{
		Learning: *t.Learning, teachers: d.Teachers,
		standing: make([]float64, children), pretest: make([]float64, children), posttest: make([]float64, children), rise: make([]float64, children),
		baseline: make([]float64, teachers), expected: make([]float64, teachers), caused: make([]float64, teachers), school: make([]float64, d.schools()),
	}
	for _, items := range l.Items.Numbers {
		l.tests = append(l.tests, l.Items.compile(items))
	}
	l.systematic = l.Gains.compile(func(name string) classVariable {
		if name == l.Baseline {
			return classVariable{&l.baseline, TeacherLevel}
		}
		c := p.column(name)
		return classVariable{&c.values, c.Level}
	}, teachers)
	return l
}

// draw draws the tests of all children sampled.
func (l *drawnLearning) draw(p *population, r *Source) {
	for j := range p.school {
		grade := gradeOf(j, len(l.tests), l.teachers)
		class, sum := p.ability.standing[j], 0.0
		for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
			l.standing[i] = class + l.Ability.ChildSD*r.NormFloat64()
			l.pretest[i] = l.tests[grade].percent(l.Ability.GradeMeans[grade]+l.standing[i], r)
			sum += l.pretest[i]
		}
		l.baseline[j] = sum / float64(p.childStart[j+1]-p.childStart[j])
	}
	l.systematic.fill(l.expected, p)
	g := &l.Gains
	for s := range l.school {
		l.school[s] = g.SchoolSD * r.NormFloat64()
	}
	for j, s := range p.school {
		grade := gradeOf(j, len(l.tests), l.teachers)
		class := l.expected[j] + l.school[s] + g.TeacherSD*studentT(g.TeacherDF, r)
		l.caused[j] = class
		for i := p.childStart[j]; i < p.childStart[j+1]; i++ {
			before := 100 * logistic(l.Ability.GradeMeans[grade]+l.standing[i])
			after := before + class + g.AbilitySlope*(before-g.AbilityAt) + g.ChildSD*r.NormFloat64()
			after = min(max(after, g.Floor), 100-g.Floor)
			l.rise[i] = after - before
			l.posttest[i] = l.tests[grade].percent(math.Log(after/(100-after)), r)
		}
	}
}

// fillLearning writes the columns of learning. A class without a child who has both
// tests has no gain.
func (g *Generator) fillLearning() {
	l := g.learning
	columns := g.data.Columns[g.learningColumn:]
	gather(columns[pretestColumn], l.pretest, g.drawn(ChildLevel))
	gather(columns[posttestColumn], l.posttest, g.drawn(ChildLevel))
	gather(columns[baselineColumn], l.baseline, g.drawn(TeacherLevel))
	gain := columns[gainColumn]
	g.overChildren(gain, func(child int) float64 { return l.posttest[child] - l.pretest[child] })
	if l.Oracle {
		g.truth.Gain(columns[trueGainColumn])
		gather(columns[causedColumn], l.caused, g.drawn(TeacherLevel))
	}
	if g.retention != nil {
		blank(columns[posttestColumn], g.data.Columns[g.respondedColumn])
		blank(gain, g.data.Columns[g.observedColumn])
		if l.Oracle {
			blank(columns[trueGainColumn], g.data.Columns[g.observedColumn])
		}
	}
}

// overChildren fills dst with the mean of a value of the children drawn over those in
// the data who are not lost, by class of the data; NaN where there are none.
func (g *Generator) overChildren(dst []float64, value func(child int) float64) {
	for j := range dst {
		sum, n := 0.0, 0.0
		for i := g.data.ChildStart[j]; i < g.data.ChildStart[j+1]; i++ {
			if g.retention == nil || g.data.Columns[g.respondedColumn][i] == 1 {
				sum += value(g.children[i])
				n++
			}
		}
		dst[j] = sum / n
	}
}

// Predicts reports whether a column truly moves the gains of classes: by an effect or
// a step of learning that is not 0, or, as the class's score before does, because the
// error of its items reverts. It is false for all columns of a study without learning.
func (g *Generator) Predicts(column int) bool {
	l := g.learning
	if l == nil {
		return false
	}
	name := g.shape.Columns[column].Name
	return name == l.Baseline || l.Gains.predicts(name)
}

// Gain fills dst with the mean, over the children of each class of the data who have
// a gain there, of what they know after less before, in percentage points: the class's
// gain without the error of items. It panics in a study without learning.
func (t *Truth) Gain(dst []float64) []float64 {
	l := t.g.learning
	dst = dst[:t.g.data.N[TeacherLevel]]
	t.g.overChildren(dst, func(child int) float64 { return l.rise[child] })
	return dst
}

// ExpectedGain fills dst with the part of the gain of each class of the data that the
// constant, effects and steps of learning make, in percentage points, without what
// schools, classes and children have by chance, without the slope on ability, and
// without limits. It panics in a study without learning.
func (t *Truth) ExpectedGain(dst []float64) []float64 {
	dst = dst[:t.g.data.N[TeacherLevel]]
	gather(dst, t.g.learning.expected, t.g.drawn(TeacherLevel))
	return dst
}
