package dgp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Trial declares a coaching trial whole: who is randomised, what children
// and classrooms are like, what coaching does to true classroom quality, how
// quality is observed, and what reaches the tests. It is a value that does
// nothing; Compile turns it into a Generator.
//
// Its fields are the keys of a study file.
type Trial struct {
	Design      Design      `yaml:"trial" required:"true" doc:"who is randomised, and who is lost"`
	Factors     []Factor    `yaml:"factors,omitempty" doc:"unobserved variables that covariates have in common"`
	Covariates  []Covariate `yaml:"covariates" doc:"school, teacher and child covariates"`
	Quality     Quality     `yaml:"quality,omitempty" doc:"true classroom quality, and what coaching does to it; may be left out"`
	Observation Observation `yaml:"observation,omitempty" doc:"how classroom quality is observed; may be left out"`
	Achievement Achievement `yaml:"achievement,omitempty" doc:"tests, and what moves them"`
	Learning    *Learning   `yaml:"learning,omitempty" doc:"instead of achievement, without treatment: tests of items before and after a year, and what moves the gains of classes"`
	Effect      *float64    `yaml:"effect,omitempty" min:"-100" max:"100" doc:"average effect of every treatment on every test, in SDs, in place of what achievement says (effect.mean, arm_effects, outcomes.TEST.difference); 0 makes a size study"`
}

// A Design is the hierarchy of the trial and what happens to it.
type Design struct {
	Blocks   int `yaml:"blocks" required:"true" min:"1" doc:"randomisation strata, such as the regions of coaches"`
	Schools  int `yaml:"schools" required:"true" min:"2" doc:"schools per block"`
	Teachers int `yaml:"teachers" min:"1" doc:"study teachers (classes) per school"`
	// TeacherShares is for schools of different size.
	TeacherShares map[string]float64 `yaml:"teacher_shares" gt:"0" max:"1" doc:"instead of teachers: the share of schools with each number of them, as {2: 0.65, 3: 0.25, 4: 0.10}"`
	Children      ClassSize          `yaml:"children" required:"true" doc:"children per class"`
	Grades        int                `yaml:"grades,omitempty" min:"1" max:"100" doc:"grades (or cohorts) over which the teachers of a school are spread evenly; with 2 or more there is a column grade"`
	Tested        int                `yaml:"tested" required:"true" min:"1" doc:"children sampled for testing, at most, per class"`
	Arms          []string           `yaml:"arms" minlen:"1" doc:"the control arm first; an arm named a+b has the treatments of a and b; control alone is a study without treatment"`
	Assignment    Assignment         `yaml:"assignment" required:"true" doc:"how arms are assigned"`
	Attrition     Attrition          `yaml:"attrition" doc:"who is lost after assignment"`

	Coaches    *Coaches    `yaml:"coaches,omitempty" doc:"who delivers the treatment, to how many"`
	Compliance *Compliance `yaml:"compliance,omitempty" doc:"who receives the treatment; by default whoever is assigned"`
	Dosage     *Dosage     `yaml:"dosage,omitempty" doc:"how many cycles are delivered, and what each brings"`
	Turnover   *Turnover   `yaml:"turnover,omitempty" doc:"study teachers who leave, and others who take over their classes"`
	Mobility   *Mobility   `yaml:"mobility,omitempty" doc:"children who change classes"`
	Spillover  *Spillover  `yaml:"spillover,omitempty" doc:"what the treatment of some does for others of their school"`
}

// DefaultTrial returns a trial with the values that a study file may leave out.
func DefaultTrial() Trial {
	return Trial{
		Design: Design{Teachers: 1, Arms: []string{"control", "coaching"}},
		Observation: Observation{
			Scale: RatingScale{Min: 1, Max: 7, Integer: true},
			Total: "class",
		},
		Achievement: Achievement{Total: "achievement", Scale: 1},
	}
}

// observed returns the domains of quality that are observed.
func (t Trial) observed() []string {
	if t.Observation.IsZero() {
		return nil
	}
	return t.Quality.Domains
}

// classes returns the number of classes, for comparison with a limit: whole
// numbers could overflow.
func (d Design) classes() float64 {
	_, most := d.teachersPerSchool()
	return float64(d.Blocks) * float64(d.Schools) * float64(most)
}

// schools returns the number of schools in all blocks.
func (d Design) schools() int { return d.Blocks * d.Schools }

// Validate returns Faults that name every key whose value cannot be, or nil.
func (t Trial) Validate() error {
	var f Faults
	t.Design.check(&f, t.before())
	t.Design.Attrition.Loss.check(&f, t)
	t.checkDelivery(&f)
	t.checkCovariates(&f)
	t.Quality.check(&f, t)
	t.checkUnit(&f)
	t.checkOracle(&f)
	t.Observation.check(&f, t)
	t.checkLearning(&f)
	if !t.Achievement.IsZero() {
		t.Achievement.check(&f, t)
	}
	if n := t.Design.classes() * float64(len(t.Quality.Domains)) * float64(t.Observation.days()) * float64(t.Observation.Segments) * float64(t.Observation.Coders); n > maxUnits {
		f.Add("observation", "asks for %.0f ratings; the limit is %d", n, maxUnits)
	} else {
		t.checkNames(&f)
	}
	if len(f) == 0 { // what is impossible only together
		t.lower(&f)
		if t.loads() {
			t.withLoads().compiled().checkVariances(&f)
		}
	}
	if len(f) > 0 {
		return f
	}
	return nil
}

// Warnings returns what in a valid trial is likely to be a slip of its planner.
func (t Trial) Warnings() []string {
	all := t.largeEffects()
	a := t.Achievement
	if !a.IsZero() && a.ICC == (ICC{}) && a.SchoolSD == 0 && a.TeacherSD == 0 && a.BlockSD == 0 && a.BlockEffects == nil && a.CovariateSD == 0 && a.Slope.Sorting == nil && a.Slope.Control == nil {
		all = append(all, "the children of a school have nothing in common (achievement: icc, school_sd, teacher_sd, block_sd, covariate_sd and slope are 0 or left out): the intraclass correlation is 0, and power is that of a trial without clusters")
	}
	return all
}

// maxUnits bounds the size of one data set, so that a typing error ends in a
// message instead of a machine without memory.
const maxUnits = 20_000_000

func (d Design) check(f *Faults, covariates []Covariate) {
	checkArms(f, d.Arms)
	if _, none := d.Assignment.(None); len(d.Arms) == 1 && d.Assignment != nil && !none {
		f.Add("trial.arms", "has one arm, %s; a trial has at least two, and a study without treatment says assignment: {kind: none}", d.Arms[0])
	}
	d.checkTeachers(f)
	if n := d.classes() * float64(d.Tested); n > maxUnits {
		f.Add("trial", "asks for up to %.0f tested children; the limit is %d", n, maxUnits)
	}
	d.Children.check(f, "trial.children")
	if d.Assignment != nil {
		d.Assignment.Check(d, covariates, func(key, format string, args ...any) {
			f.Add("trial.assignment."+key, format, args...)
		})
	}
	d.Attrition.check(f, d)
}

// checkUnit adds the faults of what cannot be with the unit of assignment.
func (t Trial) checkUnit(f *Faults) {
	if t.Design.Assignment == nil {
		return
	}
	level := t.Design.Assignment.Level()
	if level != SchoolLevel && slices.Max(append(slices.Collect(maps.Values(t.Design.Attrition.Schools)), 0)) > 0 {
		f.Add("trial.attrition.schools", "is by the arm of the school, but here %s are assigned", level.Plural())
	}
	for i, loss := range []Loss{t.Design.Attrition.Loss.School, t.Design.Attrition.Loss.Teacher} {
		if above := SchoolLevel + Level(i); above < level && loss.byArm(t.Design.Arms) {
			f.Add(fmt.Sprintf("trial.attrition.loss.%s", above), "depends on the arm, but a %s has %s of every arm; give every arm the same rate, and no depends_by_arm", above, level.Plural())
		}
	}
	if level != ChildLevel {
		return
	}
	moves := func(path string, e QualityEffect) {
		if anyNonzero(e.Shift, e.Engagement, e.Noise) || len(e.By) > 0 {
			f.Add(path, "changes the quality of a class, but here children are assigned, so that a class has children of every arm; leave it out")
		}
	}
	moves("quality.effect", t.Quality.Effect)
	for _, name := range slices.Sorted(maps.Keys(t.Quality.ArmEffects)) {
		moves("quality.arm_effects."+name, t.Quality.ArmEffects[name])
	}
}

func anyNonzero(lists ...[]float64) bool {
	return slices.ContainsFunc(slices.Concat(lists...), func(x float64) bool { return x != 0 })
}

// checkNames makes sure that no two columns share a name and that every name
// can stand in a formula.
func (t Trial) checkNames(f *Faults) {
	seen := map[string]string{"block": "the block's number", "school": "the school's number", "teacher": "the teacher's number", "child": "the child's number"}
	use := func(path, name string) {
		if name == "" {
			return
		}
		if !validName(name) {
			f.Add(path, "%q cannot be a column's name; a name starts with a letter and has only letters, digits and _", name)
			return
		}
		if other, taken := seen[name]; taken {
			f.Add(path, "%q is taken: it is %s", name, other)
			return
		}
		seen[name] = path
	}
	for i, arm := range t.Design.Arms {
		if first := slices.Index(t.Design.Arms, arm); first < i {
			f.Add(fmt.Sprintf("trial.arms[%d]", i), "%q is the name of arm %d too", arm, first)
		} else if i > 0 && !strings.Contains(arm, combination) { // the others have no column
			use(fmt.Sprintf("trial.arms[%d]", i), arm)
		}
	}
	if t.Design.Assignment != nil {
		for _, c := range t.Design.Assignment.Columns() {
			seen[c.Name] = c.Doc
		}
	}
	for i, c := range t.Covariates {
		use(fmt.Sprintf("covariates[%d].name", i), c.Name)
	}
	for i, c := range t.Factors { // loads name both
		use(fmt.Sprintf("factors[%d].name", i), c.Name)
	}
	t.deliveryNames(use)
	for i, name := range t.Quality.Domains {
		use(fmt.Sprintf("quality.domains[%d]", i), name)
	}
	if t.grades() > 1 {
		use("trial.grades", gradeName)
	}
	if t.Achievement.Baseline != nil {
		use("achievement.baseline.name", t.Achievement.Baseline.Name)
	}
	if !t.Observation.IsZero() {
		use("observation.total", t.Observation.Total)
	}
	for _, name := range t.oracleNames() {
		use("quality.oracle", name)
	}
	for i, name := range t.Achievement.Tests {
		use(fmt.Sprintf("achievement.tests[%d]", i), name)
	}
	if l := t.Learning; l != nil {
		use("learning.pretest", l.Pretest)
		use("learning.posttest", l.Posttest)
		use("learning.baseline", l.Baseline)
		use("learning.gain", l.Gain)
		if l.Oracle {
			use("learning.oracle", l.Gain+trueSuffix)
			use("learning.oracle", l.Gain+causedSuffix)
		}
	} else {
		use("achievement.total", t.Achievement.Total)
	}
	if t.Design.Attrition.keeps() {
		use("trial.attrition", observedName)
		use("trial.attrition", respondedName)
	}
	taken := func(name, what string) {
		if path, is := seen[name]; is {
			f.Add(path, "%q is taken: it is %s", name, what)
		}
	}
	t.Observation.eachRating(t.observed(), func(name string, r Rating) { taken(name, "a rating of "+r.Domain) })
	if !t.Observation.IsZero() && t.Observation.Raters.shared() {
		for c := range t.Observation.Coders {
			taken(RaterColumn(c+1), "who codes a class")
		}
	}
}

func validName(name string) bool {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		digit := r >= '0' && r <= '9'
		if !letter && (i == 0 || !digit && r != '_') {
			return false
		}
	}
	return name != ""
}
