package dgp_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"coachsim/dgp"
)

// The faults of planners' words, each with its path and its words.
func TestValidateWords(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *dgp.Trial)
		want   []string
	}{
		{"nothing", func(*dgp.Trial) {}, nil},
		{"a quantity in two ways", func(t *dgp.Trial) {
			t.Achievement.SchoolSD, t.Achievement.CovariateSD = 0.4, 0.1
			t.Achievement.Correlation = ptr(0.5)
			t.Design.Children.SD = 3
		}, []string{
			"trial.children.cv: says what trial.children.sd says in another way; leave one of them out",
			"achievement.icc.school: says what achievement.school_sd says in another way; leave one of them out",
			"achievement.correlation: says what achievement.correlations says in another way; leave one of them out",
			"achievement.r2.school: says what achievement.covariate_sd says in another way; leave one of them out",
			"achievement.r2.teacher: says what achievement.covariate_sd says in another way; leave one of them out",
		}},
		{"residual beside shares", func(t *dgp.Trial) {
			t.Achievement.Residual = dgp.Matrix{{0.8}, {0.3, 0.8}, {0.3, 0.3, 0.8}}
		}, []string{
			"achievement.icc: says what achievement.residual says in another way; leave one of them out",
			"achievement.r2: says what achievement.residual says in another way; leave one of them out",
			"achievement.correlations: says what achievement.residual says in another way; leave one of them out",
			"achievement.baseline: needs the variances as shares: give icc and correlation instead of residual",
		}},
		{"shares of more than all", func(t *dgp.Trial) {
			t.Achievement.ICC = dgp.ICC{School: 0.6, Teacher: 0.5}
			t.Achievement.Baseline.ICC = dgp.ICC{School: 0.9, Block: 0.2}
		}, []string{
			"achievement.icc: adds up to 1.1; the shares of blocks, schools and teachers must leave some of 1 to children",
			"achievement.baseline.icc: adds up to 1.1; the shares must leave some of 1 to children",
		}},
		{"too much explained", func(t *dgp.Trial) { t.Achievement.R2.School = 0.5 }, []string{
			"achievement: more is explained than there is between schools: their share of each test's variance is 0.2, of which the baseline explains 0.12, covariates 0.1 and quality 0.0128",
		}},
		{"more than reliability allows", func(t *dgp.Trial) { t.Achievement.Baseline.R2.Child = 0.75 }, []string{
			"achievement.baseline.r2.child: must be at most 0.7333, not 0.75: more of what the children of a class differ by in the baseline is error (its reliability is 0.8)",
			"achievement: more is explained than there is between children: their share of each test's variance is 0.65, of which the baseline explains 0.6648, covariates 0.065 and quality 0",
		}},
		{"all error", func(t *dgp.Trial) { t.Achievement.Baseline.Reliability = 0.2 }, []string{
			"achievement.baseline.reliability: 0.2 leaves no true differences between the children of a class: error has 0.8 of the baseline's variance, and all differences between them 0.75",
		}},
		{"an impossible correlation", func(t *dgp.Trial) {
			t.Achievement.Correlations, t.Achievement.Correlation = nil, ptr(0.1)
		}, []string{
			"achievement.correlation: 0.1 cannot be: the tests share 0.7588 of their variance (what the baseline, covariates and quality explain), so the correlation lies above 0.6382 and below 1",
		}},
		{"impossible correlations", func(t *dgp.Trial) {
			t.Achievement.Correlations = dgp.Matrix{{1}, {0.1, 1}, {0.6, 0.8, 1}}
		}, []string{
			"achievement.correlations: cannot be: the tests share 0.7588 of their variance (what the baseline, covariates and quality explain), and what is left would have correlations that are impossible together; those asked for are too low or too different",
		}},
		{"R² of no covariates", func(t *dgp.Trial) { t.Covariates = nil }, []string{
			"achievement.r2.school: is the share that school covariates explain, but none has a weight achievement",
			"achievement.r2.teacher: is the share that teacher covariates explain, but none has a weight achievement",
			"achievement.r2.child: is the share that child covariates explain, but none has a slope",
		}},
		{"covariates without R²", func(t *dgp.Trial) { t.Achievement.R2.Teacher = 0 }, []string{
			"achievement.r2.teacher: is missing: there are teacher covariates with a weight achievement",
		}},
		{"a baseline that does not vary", func(t *dgp.Trial) { t.Achievement.Baseline.ICC.Block = 0 }, []string{
			"achievement.baseline.r2.block: must be 0: the baseline does not vary between blocks",
		}},
		{"tests that do not vary", func(t *dgp.Trial) { t.Achievement.ICC.Block = 0 }, []string{
			"achievement.baseline.r2.block: must be 0: the tests do not vary between blocks",
		}},
		{"scale without residual", func(t *dgp.Trial) { t.Achievement.Scale = 0.5 }, []string{
			"achievement.scale: is the unit of residual, which is left out; leave scale out too",
		}},
		{"grades", func(t *dgp.Trial) { t.Achievement.GradeSD, t.Achievement.GradeMeans = 0.2, []float64{0, 1} }, []string{
			"achievement.grade_sd: says what achievement.grade_means says in another way; leave one of them out",
			"trial.grades: is 1 or left out, but achievement has grade_sd or grade_means",
			"achievement.grade_means: has 2 numbers; it needs one for each grade, 1",
		}},
		{"names taken", func(t *dgp.Trial) {
			t.Design.Grades = 2
			t.Covariates[0].Name, t.Covariates[1].Name = "pretest", "grade"
		}, []string{
			`trial.grades: "grade" is taken: it is covariates[1].name`,
			`achievement.baseline.name: "pretest" is taken: it is covariates[0].name`,
		}},
		{"quality left out", func(t *dgp.Trial) { t.Quality = dgp.Quality{}; t.Achievement.Slope = dgp.Slopes{} }, []string{
			"observation: observes the section quality, which is left out",
		}},
		{"effects by what cannot be", func(t *dgp.Trial) {
			t.Covariates = append(t.Covariates, dgp.Covariate{Name: "size", Level: dgp.TeacherLevel, Law: dgp.ClassSizeLaw{}})
			t.Achievement.Effect.By = map[string]float64{"boy": 1, "size": 0.01, "pretest": 0.1}
			t.Quality.Effect.By = map[string]float64{"girl": 1, "size": 1}
			t.Achievement.Effect.Quantiles = []float64{0, 0.1, 0.2, 0}
		}, []string{
			"quality.effect.by.girl: cannot be a child covariate here; those that can: rural, experience",
			"quality.effect.by.size: cannot be the class size, which makes the average over children another one here; those that can: rural, experience",
			`achievement.effect.by.boy: there is no covariate "boy"; those that can differ effects: rural, experience, girl, size, pretest`,
			"achievement.effect.quantiles: averages 0.1 over all children, not 0 (the ends count half); take that from each number and add it to mean",
		}},
		{"one quantile", func(t *dgp.Trial) { t.Achievement.Effect.Quantiles = []float64{0} }, []string{
			"achievement.effect.quantiles: has 1 number; it needs two at least, for the lowest and the highest score",
		}},
		{"outcomes that cannot be", func(t *dgp.Trial) {
			t.Achievement.Effect.Mean = []float64{0.1, 0, 0}
			t.Achievement.Outcomes = map[string]dgp.Outcome{
				"reading": dgp.Binary{Prevalence: 0.5, Difference: ptr(0.6)}, "spelling": dgp.Binary{Prevalence: 0.5}, "maths": dgp.Count{Mean: 1, Difference: ptr(-1)},
			}
		}, []string{
			"achievement.outcomes.maths.difference: -1 brings the mean, 1, to 0; it must stay above 0 and be at most 11 times as large",
			"achievement.outcomes.reading.difference: 0.6 brings the prevalence, 0.5, to 1.1; it must stay between 0 and 1",
			"achievement.outcomes.reading.difference: says what achievement.effect.mean says of reading on the latent score; make that 0 or leave this out",
			`achievement.outcomes.spelling: there is no test "spelling"; the tests are reading, maths, science`,
		}},
		{"a difference that arms do not share", func(t *dgp.Trial) {
			t.Design.Arms = []string{"control", "training", "coaching"}
			t.Design.Assignment = dgp.Blocked{}
			t.Achievement.Slope = dgp.Slopes{Control: []float64{0.1}, Treated: []float64{0.1}}
			t.Quality.ArmEffects = map[string]dgp.QualityEffect{"training": {Skew: 0.5, Engagement: []float64{0.3}}}
			t.Achievement.Effect.Mean = nil
			t.Achievement.Outcomes = map[string]dgp.Outcome{"reading": dgp.Binary{Prevalence: 0.5, Difference: ptr(0.1)}}
		}, []string{
			"achievement.outcomes.reading.difference: cannot hold in every arm: training has an effect of its own on quality, which the slopes bring to the test; give training effects of its own under achievement.arm_effects",
		}},
		{"a difference that no arm takes", func(t *dgp.Trial) {
			t.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"coaching": {TestEffect: dgp.TestEffect{Mean: []float64{0.3, 0, 0}}}}
			t.Achievement.Effect.Mean = nil
			t.Achievement.Outcomes = map[string]dgp.Outcome{"reading": dgp.Binary{Prevalence: 0.5, Difference: ptr(0.1)}}
		}, []string{
			"achievement.outcomes.reading.difference: changes nothing: every treated arm has an effect of its own in its place; leave it out, and say the effect on reading's latent score in achievement.arm_effects.coaching",
		}},
		{"a CV that cannot be", func(t *dgp.Trial) { t.Design.Children = dgp.ClassSize{Mean: 20, CV: 0.5, Min: 20} }, []string{
			"trial.children.cv: 0.5 cannot be reached with mean 20 and smallest class 20",
		}},
	} {
		trial := words()
		trial.Covariates = slices.Clone(trial.Covariates)
		c.change(&trial)
		err := trial.Validate()
		var faults dgp.Faults
		var got []string
		if err != nil && !errors.As(err, &faults) {
			t.Errorf("%s: the error is no list of faults but %v", c.name, err)
		}
		for _, f := range faults {
			got = append(got, f.Path+": "+f.Message)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// Class sizes by CV have the mean and the CV asked for, floor and rounding and
// all.
func TestClassSizesByCV(t *testing.T) {
	for _, c := range []dgp.ClassSize{{Mean: 25, CV: 0.4}, {Mean: 25, CV: 0.4, Min: 12}, {Mean: 8, CV: 0.6, Min: 2}, {Mean: 31.5, CV: 0.1}} {
		trial := plain()
		trial.Design.Children = c
		g := compile(t, trial)
		var check checks
		for rep := range short(2000) {
			g.Draw(dgp.Stream{Seed: 1, Replicate: uint64(rep)})
			d := g.Units()
			check.add("mean", c.Mean, mean(len(d.Size), func(j int) float64 { return float64(d.Size[j]) }))
			check.add("variance", c.CV*c.CV*c.Mean*c.Mean, mean(len(d.Size), func(j int) float64 { return math.Pow(float64(d.Size[j])-c.Mean, 2) }))
		}
		check.test(t)
	}
}

// Grades are spread evenly over the teachers of a school, or over schools where
// there are fewer teachers than grades.
func TestGrades(t *testing.T) {
	trial := graded()
	for teachers, want := range map[int][]float64{4: {0, 1, 2, 0, 0, 1, 2, 0}, 2: {0, 1, 2, 0, 1, 2, 0, 1}, 1: {0, 1, 2, 0, 1, 2, 0, 1}} {
		trial.Design.Teachers = teachers
		g := compile(t, trial)
		data, _ := g.Draw(dgp.Stream{Seed: 1})
		column := g.Shape().Index("grade")
		if got := data.Columns[column][:8]; !slices.Equal(got, want) {
			t.Errorf("%d teachers: grades %v, wanted %v", teachers, got, want)
		}
		if g.Shape().Columns[column].Levels != 3 {
			t.Error("grade is no factor")
		}
	}
}

// Schemes and losses know the baseline test.
func TestBaselineIsKnownBefore(t *testing.T) {
	trial := words()
	trial.Design.Assignment = dgp.Pairs{On: []string{"pretest"}}
	trial.Design.Attrition.Loss.Child = dgp.Loss{Rate: map[string]float64{"control": 0.1, "coaching": 0.1}, Depends: map[string]float64{"pretest": -1}}
	g := compile(t, trial)
	lost, share := 0.0, 0.0
	for rep := range short(300) {
		data, _ := g.Draw(dgp.Stream{Seed: 4, Replicate: uint64(rep)})
		responded, pretest := data.Columns[g.Shape().Index("responded")], data.Columns[g.Shape().Index("pretest")]
		n := 0.0
		sum := 0.0
		for i, x := range pretest {
			if responded[i] == 0 {
				sum += x
				n++
			}
		}
		lost += sum / n / float64(short(300))
		share += n / float64(len(pretest)) / float64(short(300))
	}
	if math.Abs(share-0.1) > 0.005 { // 5 SDs of chance and calibration
		t.Errorf("%.4f of children are lost, wanted 0.1", share)
	}
	if lost > -0.5 {
		t.Errorf("the children lost have a mean baseline of %.2f", lost)
	}
}

func TestWordsDataIsConsistent(t *testing.T) {
	for name, trial := range wordsTrials() {
		t.Run(name, func(t *testing.T) {
			g := compile(t, trial)
			for rep := range 3 {
				data, truth := g.Draw(dgp.Stream{Seed: 1, Replicate: uint64(rep)})
				checkHierarchy(t, trial, g, data)
				if trial.Achievement.Outcomes == nil { // steps have their own test
					checkTruth(t, trial, g, data, truth)
				}
			}
		})
	}
}

// The average effect is the one asked for.
func TestWordsEffects(t *testing.T) {
	trial := words()
	trial.Achievement.Effect.Mean = []float64{0.2, 0.1, -0.3}
	g := compile(t, trial)
	var c checks
	for rep := range short(1000) {
		g.Draw(dgp.Stream{Seed: 2, Replicate: uint64(rep)})
		d := g.Drawn()
		for k, want := range trial.Achievement.Effect.Mean {
			c.add(trial.Achievement.Tests[k], want, mean(len(d.Score[0][k]), func(i int) float64 { return d.Score[1][k][i] - d.Score[0][k][i] }))
		}
	}
	c.test(t)
}
