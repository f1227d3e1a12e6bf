package dgp_test

import (
	"errors"
	"maps"
	"math"
	"slices"
	"testing"

	"coachsim/dgp"
)

// teachersOf is a cohort of teachers in two grades.
func teachersOf(change func(t *dgp.Trial)) dgp.Trial {
	above, upTo := 55.0, 60.0
	t := dgp.DefaultTrial()
	t.Design = dgp.Design{
		Blocks: 1, Schools: 60, Teachers: 1, TeacherShares: map[string]float64{"1": 0.5, "2": 0.5}, Grades: 2,
		Children: dgp.ClassSize{Mean: 6, SD: 2, Max: 10, Min: 1}, Tested: 10, Arms: []string{"control"}, Assignment: dgp.None{},
	}
	t.Factors = []dgp.Factor{{Name: "wealth", Level: dgp.SchoolLevel}}
	t.Covariates = []dgp.Covariate{
		{Name: "urban", Level: dgp.SchoolLevel, Law: dgp.Bernoulli{Mean: 0.4}, Latent: &dgp.Latent{Loads: map[string]float64{"wealth": 0.5}}},
		{Name: "known", Level: dgp.TeacherLevel, Law: dgp.ItemsLaw{Mean: 70, SD: 20, Items: 10}},
		{Name: "action", Level: dgp.TeacherLevel, Law: dgp.Bernoulli{Mean: 0.7}, Latent: &dgp.Latent{Loads: map[string]float64{"ability": 0.3}}},
		{Name: "girl", Level: dgp.ChildLevel, Law: dgp.Bernoulli{Mean: 0.5}},
	}
	l := new(dgp.Learning)
	l.SetDefaults()
	l.Ability = dgp.Ability{GradeMeans: []float64{-0.5, 0.5}, SchoolSD: 0.4, TeacherSD: 0.5, ChildSD: 0.8, Loads: map[string]float64{"wealth": 0.4}}
	l.Items.Numbers = []int{10, 15}
	l.Gains.Mean, l.Gains.Unit = 10, 8
	l.Gains.Effects = map[string]float64{"known": 0.2, "urban": -0.1, "baseline": 0.05, "action": 0}
	l.Gains.Steps = []dgp.Step{
		{Effect: -6, Where: map[string]dgp.Threshold{"baseline": {Above: &above}, "known": {UpTo: &upTo}}},
		{Effect: 3, Where: map[string]dgp.Threshold{"known": {Above: &upTo}}},
	}
	l.Gains.SchoolSD, l.Gains.TeacherSD, l.Gains.TeacherDF, l.Gains.ChildSD = 2, 3, 7, 9
	l.Gains.AbilitySlope, l.Gains.AbilityAt = -0.2, 50
	t.Learning = l
	change(&t)
	return t
}

// The columns of learning hang together as they say, lost or not, and the expected gain
// is what a reader of the study file would compute from the data.
func TestLearningColumns(t *testing.T) {
	for name, change := range map[string]func(t *dgp.Trial){
		"all stay": func(*dgp.Trial) {},
		"some are lost": func(t *dgp.Trial) {
			t.Design.Attrition.Children, t.Design.Attrition.Keep = 0.5, true
			t.Design.Attrition.Loss = dgp.Losses{
				Teacher: dgp.Loss{Rate: map[string]float64{"control": 0.3}, Depends: map[string]float64{"known": 0.5}},
				Child:   dgp.Loss{Rate: map[string]float64{"control": 0.2}, Depends: map[string]float64{"ability": -0.5}},
			}
		},
		"schools leave": func(t *dgp.Trial) { t.Design.Attrition.Schools = map[string]int{"control": 10} },
	} {
		trial := teachersOf(change)
		g := compile(t, trial)
		s := g.Shape()
		column := func(d *dgp.Data, name string) []float64 { return d.Columns[s.Index(name)] }
		lost, empty := 0, 0
		for rep := range uint64(10) {
			d, truth := g.Draw(dgp.Stream{Seed: 3, Replicate: rep})
			expected := truth.ExpectedGain(make([]float64, d.Teachers()))
			rise := truth.Gain(make([]float64, d.Teachers()))
			pretest, posttest, baseline, gain := column(d, "pretest"), column(d, "posttest"), column(d, "baseline"), column(d, "gain")
			var urban []float64
			for j := range d.Teachers() {
				urban = append(urban, column(d, "urban")[d.TeacherSchool[j]])
			}
			z := map[string][]float64{"urban": inSDs(urban), "known": inSDs(column(d, "known")), "baseline": inSDs(baseline)}
			for j := range d.Teachers() {
				before, learnt, n := 0.0, 0.0, 0.0
				for i := d.ChildStart[j]; i < d.ChildStart[j+1]; i++ {
					items := float64([]int{10, 15}[int(column(d, "grade")[j])])
					if right := pretest[i] * items / 100; math.Abs(right-math.Round(right)) > 1e-9 {
						t.Fatalf("%s: %g%% correct of %g items", name, pretest[i], items)
					}
					before += pretest[i]
					if !math.IsNaN(posttest[i]) {
						learnt += posttest[i] - pretest[i]
						n++
					}
				}
				if got := before / float64(d.ChildStart[j+1]-d.ChildStart[j]); math.Abs(got-baseline[j]) > 1e-9 {
					t.Fatalf("%s: class %d: mean before %g, baseline %g", name, j, got, baseline[j])
				}
				if missing := math.IsNaN(gain[j]); missing {
					lost++
					if column(d, "observed")[j] != 0 {
						t.Fatalf("%s: class %d has no gain and is observed", name, j)
					}
				} else if math.Abs(learnt/n-gain[j]) > 1e-9 || math.IsNaN(rise[j]) {
					t.Fatalf("%s: class %d: mean gain %g, gain %g, true gain %g", name, j, learnt/n, gain[j], rise[j])
				}
				if n == 0 {
					empty++
				}
				if len(d.Columns[0]) != d.N[s.Columns[0].Level] {
					t.Fatal("a column of another length")
				}
				want := 10 + 8*(0.2*z["known"][j]-0.1*z["urban"][j]+0.05*z["baseline"][j])
				if baseline[j] > 55 && column(d, "known")[j] <= 60 {
					want -= 6
				}
				if column(d, "known")[j] > 60 {
					want += 3
				}
				if name != "schools leave" && math.Abs(expected[j]-want) > 1e-9 { // else all drawn are the sample
					t.Fatalf("%s: class %d: expected gain %g, want %g", name, j, expected[j], want)
				}
			}
		}
		if keeps := name == "some are lost"; keeps != (lost > 0) || keeps && empty == 0 {
			t.Errorf("%s: %d classes without a gain, %d without a child", name, lost, empty)
		}
	}
}

func inSDs(x []float64) []float64 {
	mean, ss := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		ss += (v - mean) * (v - mean)
	}
	z := make([]float64, len(x))
	for i, v := range x {
		z[i] = (v - mean) / math.Sqrt(ss/float64(len(x)-1))
	}
	return z
}

// What a draw knows of the truth: who predicts; gains without the error of items, of
// which those with it are unbiased; and an oracle that no other rule beats. Of the z
// tests, each has a false-alarm rate of 1e-5.
func TestLearningTruth(t *testing.T) {
	trial := teachersOf(func(t *dgp.Trial) { t.Design.Schools = 200 })
	g := compile(t, trial)
	s := g.Shape()
	for i, c := range s.Columns {
		if want := slices.Contains([]string{"urban", "known", "baseline"}, c.Name); g.Predicts(i) != want {
			t.Errorf("%s predicts gains: %t", c.Name, !want)
		}
		if c.Level > dgp.SchoolLevel && c.Name != "girl" && g.HasPotential(i) {
			t.Errorf("%s has potential outcomes", c.Name)
		}
	}
	oracle, err := dgp.NewGainOracle(trial, 20_000)
	if err != nil {
		t.Fatal(err)
	}
	var noise, miss, plain, oracleMSE []float64
	for rep := range uint64(60) {
		d, truth := g.Draw(dgp.Stream{Seed: 4, Replicate: rep})
		rise := truth.Gain(make([]float64, d.Teachers()))
		predicted := oracle.Predict(make([]float64, d.Teachers()), truth)
		expected := truth.ExpectedGain(make([]float64, d.Teachers()))
		gain := d.Columns[s.Index("gain")]
		n := float64(len(gain))
		e, m, mse, lin := 0.0, 0.0, 0.0, 0.0
		shift := 0.0
		for j := range gain {
			shift += (gain[j] - expected[j]) / n
		}
		for j := range gain {
			e += (gain[j] - rise[j]) / n
			m += (gain[j] - predicted[j]) / n
			mse += (gain[j] - predicted[j]) * (gain[j] - predicted[j]) / n
			lin += (gain[j] - expected[j] - shift) * (gain[j] - expected[j] - shift) / n
		}
		noise, miss, oracleMSE = append(noise, e), append(miss, m), append(oracleMSE, mse)
		plain = append(plain, mse-lin)
	}
	within := func(what string, x []float64, want float64) {
		mean, se := meanAndSE(x)
		if z := (mean - want) / se; !(math.Abs(z) <= 4.9) { // of a t with 59 degrees of freedom
			t.Errorf("%s is %.4g, want %.4g: z = %.1f", what, mean, want, z)
		}
	}
	within("the error of items", noise, 0)
	within("the error of the oracle", miss, 0)
	within("the oracle's MSE", oracleMSE, oracle.MSE)
	if mean, se := meanAndSE(plain); mean > -5*se { // reversion to the mean is worth knowing
		t.Errorf("the oracle is no better than the expected gain: MSE %.3g less (SE %.2g)", -mean, se)
	}
	if n := testing.AllocsPerRun(10, func() { g.Draw(dgp.Stream{Seed: 4, Replicate: 1}) }); n > 0 {
		t.Errorf("a draw allocates %g times", n)
	}
	dst := make([]float64, 1000)
	_, truth := g.Draw(dgp.Stream{Seed: 4, Replicate: 1})
	if n := testing.AllocsPerRun(10, func() { oracle.Predict(dst, truth); truth.Gain(dst) }); n > 0 {
		t.Errorf("its truth allocates %g times", n)
	}
	if _, err := dgp.NewGainOracle(ecuador(t), 100); err == nil {
		t.Error("an oracle of gains in a study without learning")
	}
}

func meanAndSE(x []float64) (mean, se float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		se += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(se / float64(len(x)-1) / float64(len(x)))
}

// Every fault of factors, latent normals, laws and learning.
func TestLearningFaults(t *testing.T) {
	x, y := 60.0, 50.0
	for want, change := range map[string]func(t *dgp.Trial){
		"achievement: is missing: a study has achievement, tests in SDs, or learning, tests of items before and after": func(t *dgp.Trial) { t.Learning = nil; t.Covariates = nil },
		"achievement: stands beside learning, which takes its place; delete one of them":                               func(t *dgp.Trial) { t.Achievement.Tests = []string{"reading"} },
		"trial.arms: has 2 arms, and learning is for a study without treatment: arms: [control] and assignment: {kind: none}": func(t *dgp.Trial) {
			t.Design.Arms = []string{"control", "coaching"}
			t.Design.Assignment = dgp.Simple{}
		},
		"effect: is that of treatments on achievement, and this study has learning":                                                                                               func(t *dgp.Trial) { t.Effect = &x },
		"learning.ability.grade_means: has 1 number; it needs one for each grade (trial.grades), 2":                                                                               func(t *dgp.Trial) { t.Learning.Ability.GradeMeans = []float64{0} },
		"learning.ability.loads.skill: there is no \"skill\" here; it can load on wealth":                                                                                         func(t *dgp.Trial) { t.Learning.Ability.Loads = map[string]float64{"skill": 0.1} },
		"learning.items.numbers: has 1 number; it needs one for each grade, 2":                                                                                                    func(t *dgp.Trial) { t.Learning.Items.Numbers = []int{10} },
		"learning.items.hardest: -2 must not be below easiest, -1":                                                                                                                func(t *dgp.Trial) { t.Learning.Items.Hardest = -2 },
		"learning.gains.effects.girl: there is no school or teacher covariate \"girl\"; there are action, baseline, known, urban":                                                 func(t *dgp.Trial) { t.Learning.Gains.Effects = map[string]float64{"girl": 0.1} },
		"learning.gains.steps[0].where.known: is no condition; it needs above or up_to":                                                                                           func(t *dgp.Trial) { t.Learning.Gains.Steps[0].Where["known"] = dgp.Threshold{} },
		"learning.gains.steps[1].where.known: never holds: above, 60, must be below up_to, 50":                                                                                    func(t *dgp.Trial) { t.Learning.Gains.Steps[1].Where["known"] = dgp.Threshold{Above: &x, UpTo: &y} },
		"learning.gains.teacher_df: 2 has no variance; it must be above 2, or 0 for a normal law":                                                                                 func(t *dgp.Trial) { t.Learning.Gains.TeacherDF = 2 },
		"trial.attrition.children: may leave a class without any child who has a gain; with learning say keep: true too, so that such a class is in the data with a missing gain": func(t *dgp.Trial) { t.Design.Attrition.Children = 0.1 },
		"learning.gain: \"known\" is taken: it is covariates[1].name":                                                                                                             func(t *dgp.Trial) { t.Learning.Gain = "known" },
		"factors[0].level: a factor is of schools or of teachers; this is of children": func(t *dgp.Trial) {
			t.Factors[0].Level = dgp.ChildLevel
			t.Covariates[0].Latent = nil
			t.Learning.Ability.Loads = nil
		},
		"factors[0].name: \"urban\" is taken: it is covariates[0].name": func(t *dgp.Trial) {
			t.Factors[0].Name = "urban"
			t.Covariates[0].Latent = nil
			t.Learning.Ability.Loads = nil
		},
		"factors[0].school_share: is a share of what differs between the teachers of a school; leave it out for a variable of schools":                                              func(t *dgp.Trial) { t.Factors[0].SchoolShare = 0.5 },
		"factors[0].loads.urban: there is no \"urban\" here; it can load on nothing":                                                                                                func(t *dgp.Trial) { t.Factors[0].Loads = map[string]float64{"urban": 0.5} },
		"covariates[0].latent.loads.ability: is of teachers, and this of schools: it can load on what is of its own level or above":                                                 func(t *dgp.Trial) { t.Covariates[0].Latent.Loads = map[string]float64{"ability": 0.5} },
		"covariates[2].latent.loads: explain 1.351 of a variance of 1: make them smaller":                                                                                           func(t *dgp.Trial) { t.Covariates[2].Latent.Loads = map[string]float64{"ability": 0.8, "wealth": 0.7} },
		"covariates[3].latent: would make a part of the score that the children of a class have in common of a child covariate with slope or curvature; leave these out, or latent": func(t *dgp.Trial) { t.Covariates[3].Latent = new(dgp.Latent); t.Covariates[3].Slope = 0.1 },
		"covariates[1].latent: is for laws that draw each unit by itself; a class size or a share of members has none":                                                              func(t *dgp.Trial) { t.Covariates[1].Law = dgp.ClassSizeLaw{}; t.Covariates[1].Latent = new(dgp.Latent) },
		"covariates[3].level: the percentage of a class is a teacher column; this is a child column":                                                                                func(t *dgp.Trial) { t.Covariates[3].Law = dgp.Percent{Mean: 50, SD: 30} },
		"covariates[3].level: the mean of a class is a teacher column; this is a child column":                                                                                      func(t *dgp.Trial) { t.Covariates[3].Law = dgp.ClassMean{ChildSD: 1} },
		"covariates[3].level: an index is a column of schools or teachers; this is a child column":                                                                                  func(t *dgp.Trial) { t.Covariates[3].Law = dgp.Index{Items: []float64{0.5, 0.5}, Correlation: 0.5} },
		"covariates[1].max: 1 must be above min, 1, by 1000 at most":                                                                                                                func(t *dgp.Trial) { t.Covariates[1].Law = dgp.RatingLaw{SD: 1, Visits: 1, Min: 1, Max: 1} },
		"covariates[1].sd: 50 is too much for a mean of 50 between 0 and 100: it must be below 50":                                                                                  func(t *dgp.Trial) { t.Covariates[1].Law = dgp.Beta{Mean: 50, SD: 50, Max: 100} },
		"covariates[1].max: 9.5 must be a whole number, as values are":                                                                                                              func(t *dgp.Trial) { t.Covariates[1].Law = dgp.Gamma{Mean: 3, SD: 2, Whole: true, Max: 9.5} },
		"trial.children.max: 10 must be above the mean, 12":                                                                                                                         func(t *dgp.Trial) { t.Design.Children.Mean = 12 },
		"trial.children.sd: 1 is not possible with mean 6 and max 10: it lies between 1.549, where all classes are alike, and 4.899":                                                func(t *dgp.Trial) { t.Design.Children.SD = 1 },
		"trial.children.cv: is for classes without max; give sd":                                                                                                                    func(t *dgp.Trial) { t.Design.Children.SD, t.Design.Children.CV = 0, 0.3 },
	} {
		trial := teachersOf(func(t *dgp.Trial) {
			// What a change writes to is its own.
			t.Learning.Gains.Effects = maps.Clone(t.Learning.Gains.Effects)
			change(t)
		})
		err := trial.Validate()
		var faults dgp.Faults
		if !errors.As(err, &faults) || !slices.ContainsFunc(faults, func(f dgp.Fault) bool { return f.Path+": "+f.Message == want }) {
			t.Errorf("want %s\nhave %v", want, err)
		}
	}
	small := teachersOf(func(t *dgp.Trial) { t.Covariates[1].Law = dgp.Percent{Mean: 50, SD: 5} })
	want := "covariates[1].sd: 5 is not possible with mean 50: it lies between 22.31, that of the children sampled in a class when classes do not differ, and 50"
	if err := small.Validate(); err == nil || err.Error() != want {
		t.Errorf("want %s\nhave %v", want, err)
	}
}

// With an oracle the draws are the same, and the true gain is Truth's; where children
// differ by nothing and none meets a limit, it is what the class causes.
func TestLearningOracle(t *testing.T) {
	plain := teachersOf(func(*dgp.Trial) {})
	with := teachersOf(func(t *dgp.Trial) { t.Learning.Oracle = true })
	lost := teachersOf(func(t *dgp.Trial) {
		t.Learning.Oracle = true
		t.Design.Attrition.Keep = true
		t.Design.Attrition.Loss = dgp.Losses{Teacher: dgp.Loss{Rate: map[string]float64{"control": 0.3}}}
	})
	pure := teachersOf(func(t *dgp.Trial) {
		t.Learning.Oracle = true
		t.Learning.Ability.ChildSD, t.Learning.Ability.TeacherSD, t.Learning.Ability.SchoolSD = 0.1, 0.1, 0.1
		t.Learning.Gains.ChildSD, t.Learning.Gains.AbilitySlope = 0, 0
	})
	for name, trial := range map[string]dgp.Trial{"with": with, "lost": lost, "pure": pure} {
		g, p := compile(t, trial), compile(t, plain)
		s := g.Shape()
		known, caused := s.Index("gain_true"), s.Index("gain_caused")
		for _, c := range []int{known, caused} {
			if c := s.Columns[c]; !c.Oracle || !c.PostTreatment || c.Level != dgp.TeacherLevel {
				t.Fatalf("%+v", c)
			}
		}
		blanks := 0
		for rep := range uint64(3) {
			d, truth := g.Draw(dgp.Stream{Seed: 5, Replicate: rep})
			rise := truth.Gain(make([]float64, d.Teachers()))
			for j, want := range rise {
				missing := name == "lost" && d.Columns[s.Index("observed")][j] == 0
				if got := d.Columns[known][j]; got != want && !missing || missing != math.IsNaN(got) {
					t.Fatalf("%s: class %d: true gain %v, want %v", name, j, got, want)
				}
				if missing {
					blanks++
				}
				if got := d.Columns[caused][j]; name == "pure" && math.Abs(got-want) > 1e-9 || math.IsNaN(got) {
					t.Fatalf("%s: class %d causes %v, the gain is %v", name, j, got, want)
				}
			}
			if name != "with" {
				continue
			}
			o, _ := p.Draw(dgp.Stream{Seed: 5, Replicate: rep})
			for c, column := range o.Columns {
				if !slices.Equal(column, d.Columns[s.Index(p.Shape().Columns[c].Name)]) {
					t.Fatalf("the oracle changes %s", p.Shape().Columns[c].Name)
				}
			}
		}
		if (name == "lost") != (blanks > 0) {
			t.Errorf("%s: %d without a gain", name, blanks)
		}
		if n := testing.AllocsPerRun(5, func() { g.Draw(dgp.Stream{Seed: 4, Replicate: 1}) }); n > 0 {
			t.Errorf("a draw allocates %g times", n)
		}
	}
}
