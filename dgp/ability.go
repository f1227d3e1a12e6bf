package dgp

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// Ability is what children know before the year of Learning. The share of a test of
// many items that child i of class j would get right is b = 1/(1 + exp(-x)),
//
//	x = GradeMeans[grade] + SchoolSD (Σ load f + √(1 - Var Σ load f) N_school) + TeacherSD N_teacher + ChildSD N_child
//
// with f the school factors on which it loads. The ability of a class, on which
// covariates may load, is x without the part of children, in SDs over classes of all
// grades; where grades differ it is no normal variable.
type Ability struct {
	GradeMeans []float64          `yaml:"grade_means" required:"true" minlen:"1" doc:"mean by grade, log odds of a right answer"`
	SchoolSD   float64            `yaml:"school_sd" min:"0" max:"10" doc:"SD between schools, log odds"`
	TeacherSD  float64            `yaml:"teacher_sd" min:"0" max:"10" doc:"SD between the classes of a school, log odds"`
	ChildSD    float64            `yaml:"child_sd" min:"0" max:"10" doc:"SD between the children of a class, log odds"`
	Loads      map[string]float64 `yaml:"loads" min:"-1" max:"1" doc:"weights of school factors in the part of schools"`
}

// checkLoads adds the faults of Loads on factors of these levels.
func (a Ability) checkLoads(f *Faults, factors map[string]Level) {
	schools := maps.Clone(factors)
	maps.DeleteFunc(schools, func(_ string, l Level) bool { return l != SchoolLevel })
	Latent{Loads: a.Loads}.check(f, "learning.ability.", SchoolLevel, schools)
}

// A classAbility draws the part of ability that the children of a class have in
// common.
type classAbility struct {
	school              *compiledLatent
	schoolSD, teacherSD float64
	grades              []float64 // means, from their mean over classes
	perSchool           int       // teachers, for grades
	sd                  float64   // of a class, its grade's mean included, log odds
	parts               latentParts
	common              []float64 // by school, in SDs
	standing            []float64 // by teacher, log odds from the mean of the grade
	values              []float64 // by teacher, in SDs
}

func (p *population) compileAbility(t Trial) *classAbility {
	a := t.Learning.Ability
	c := &classAbility{
		school: p.compileLatent(Latent{Loads: a.Loads}, SchoolLevel), schoolSD: a.SchoolSD, teacherSD: a.TeacherSD,
		grades: slices.Clone(a.GradeMeans), perSchool: t.Design.Teachers,
	}
	n, mean := t.Design.teachers(), 0.0
	for j := range n {
		mean += c.grades[gradeOf(j, len(c.grades), c.perSchool)] / float64(n)
	}
	for g := range c.grades {
		c.grades[g] -= mean
	}
	between := t.meansVariance(a.GradeMeans)
	if c.sd = math.Sqrt(a.SchoolSD*a.SchoolSD + a.TeacherSD*a.TeacherSD + between); c.sd > 0 {
		c.parts.add(a.SchoolSD/c.sd, c.school.parts)
		c.parts.set(TeacherLevel, p.source(), a.TeacherSD/c.sd)
		c.parts.set(TeacherLevel, p.source(), math.Sqrt(between)/c.sd)
	}
	return c
}

func (c *classAbility) room(schools, teachers int) {
	c.common, c.standing, c.values = make([]float64, schools), make([]float64, teachers), make([]float64, teachers)
}

func (c *classAbility) draw(p *population, r *Source) {
	c.school.draw(c.common, p, r)
	for j, s := range p.school {
		c.standing[j] = c.schoolSD*c.common[s] + c.teacherSD*r.NormFloat64()
		if c.sd > 0 {
			c.values[j] = (c.grades[gradeOf(j, len(c.grades), c.perSchool)] + c.standing[j]) / c.sd
		}
	}
}

// ItemTest is a test of items that are right or wrong. The difficulties d of its K
// items are evenly spaced, and a child who would get the share b of many right has
// each item right with probability 1/(1 + exp(d - θ)), with the θ at which these have
// the mean b: the percentage correct has the expectation 100 b.
type ItemTest struct {
	Numbers []int   `yaml:"numbers" required:"true" minlen:"1" min:"1" doc:"number of items, by grade"`
	Easiest float64 `yaml:"easiest" min:"-5" max:"5" doc:"difficulty of the easiest item, log odds"`
	Hardest float64 `yaml:"hardest" min:"-5" max:"5" doc:"difficulty of the hardest item, log odds"`
}

// maxItems bounds the items of a test.
const maxItems = 1000

func (t ItemTest) check(f *Faults, path string, grades int) {
	if len(t.Numbers) != grades {
		f.Add(path+".numbers", "has %s; it needs one for each grade, %d", count(len(t.Numbers), "number", "numbers"), grades)
	}
	for i, n := range t.Numbers {
		if n < 1 || n > maxItems {
			f.Add(fmt.Sprintf("%s.numbers[%d]", path, i), "must be between 1 and %d items, not %d", maxItems, n)
		}
	}
	if t.Hardest < t.Easiest {
		f.Add(path+".hardest", "%g must not be below easiest, %g", t.Hardest, t.Easiest)
	}
}

// A gradeTest is the test of one grade.
type gradeTest struct {
	easiness []float64 // exp(d) of every item
	theta    curve     // of log odds of b
}

// abilityEnd bounds log odds of right answers, beyond which they are once in 60,000.
const abilityEnd = 11

func (t ItemTest) compile(items int) gradeTest {
	g := gradeTest{easiness: make([]float64, items)}
	difficulty := make([]float64, items)
	for k := range items {
		difficulty[k] = (t.Easiest + t.Hardest) / 2
		if items > 1 {
			difficulty[k] = t.Easiest + (t.Hardest-t.Easiest)*float64(k)/float64(items-1)
		}
		g.easiness[k] = math.Exp(difficulty[k])
	}
	g.theta = newCurve(-abilityEnd, abilityEnd, 16*abilityEnd, func(x float64) float64 {
		want := logistic(x)
		low, high := x+t.Easiest, x+t.Hardest // all items at one end
		for range 60 {
			middle := (low + high) / 2
			mean := 0.0
			for _, d := range difficulty {
				mean += logistic(middle-d) / float64(items)
			}
			if mean < want {
				low = middle
			} else {
				high = middle
			}
		}
		return (low + high) / 2
	})
	return g
}

// percent draws the percentage correct of a child with log odds x.
func (g *gradeTest) percent(x float64, r *Source) float64 {
	odds := math.Exp(g.theta.at(x))
	right := 0
	for _, e := range g.easiness {
		if r.Float64()*(odds+e) < odds {
			right++
		}
	}
	return 100 * float64(right) / float64(len(g.easiness))
}

// abilityVariance is that of what children know before, in log odds.
func (t Trial) abilityVariance() OutcomeVariance {
	a := t.Learning.Ability
	v := OutcomeVariance{Outcome: abilityVariable, Scale: "log odds"}
	v.add(LevelVariance{Level: SchoolLevel.String(), Rest: a.SchoolSD * a.SchoolSD})
	v.add(LevelVariance{Level: TeacherLevel.String(), Rest: a.TeacherSD * a.TeacherSD})
	v.add(LevelVariance{Level: ChildLevel.String(), Rest: a.ChildSD * a.ChildSD})
	v.finish()
	v.Grade = t.meansVariance(a.GradeMeans)
	return v
}
