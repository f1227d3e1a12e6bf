package dgp_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"coachsim/dgp"
)

// Every fault that Validate can find, with its path and its words.
func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t *dgp.Trial)
		want   []string
	}{
		{"nothing", func(*dgp.Trial) {}, nil},

		// Design.
		{"one arm", func(t *dgp.Trial) { t.Design.Arms = []string{"usual"}; t.Design.Attrition = dgp.Attrition{} }, []string{
			"trial.arms: has one arm, usual; a trial has at least two, and a study without treatment says assignment: {kind: none}",
		}},
		{"many arms", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Complete{}
			for i := range 15 {
				t.Design.Arms = append(t.Design.Arms, fmt.Sprintf("x%d", i))
			}
		}, []string{
			"trial.arms: has 17 arms; the limit is 16",
		}},
		{"three arms and one share", func(t *dgp.Trial) { t.Design.Arms = []string{"usual", "mentoring", "money"} }, []string{
			"trial.assignment.share: is for a trial of two arms; this one has 3: write shares: {mentoring: 0.3, ...}, or nothing for equal shares",
		}},
		{"combinations that cannot be", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Complete{}
			t.Design.Arms = []string{"usual", "mentoring", "usual+mentoring", "mentoring+time", "mentoring+mentoring", "money", "mentoring+late", "mentoring+money", "money+mentoring", "late"}
		}, []string{
			`trial.arms[2]: "usual" is control, which cannot be combined`,
			`trial.arms[3]: there is no arm "time" to combine; the arms are usual, mentoring, usual+mentoring, mentoring+time, mentoring+mentoring, money, mentoring+late, mentoring+money, money+mentoring, late`,
			`trial.arms[4]: "mentoring+mentoring" names "mentoring" twice`,
			`trial.arms[6]: "mentoring+late" must stand after its part "late"`,
			`trial.arms[8]: "money+mentoring" is arm 7, "mentoring+money"`,
		}},
		{"a combination first", func(t *dgp.Trial) { t.Design.Arms = []string{"a+b", "mentoring"}; t.Design.Attrition = dgp.Attrition{} }, []string{
			`trial.arms[0]: "a+b" is a combination; the first arm is control`,
		}},
		{"share and shares", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Simple{Share: 0.5, Shares: map[string]float64{"mentoring": 0.5}}
		}, []string{
			"trial.assignment.share: stands beside shares, which says it for every arm; delete one of them",
		}},
		{"shares of no arm", func(t *dgp.Trial) { t.Design.Assignment = dgp.Blocked{Shares: map[string]float64{"mentor": 0.5}} }, []string{
			`trial.assignment.shares.mentor: there is no arm "mentor"; the arms are usual, mentoring`,
			"trial.assignment.shares: say nothing of usual and mentoring; one arm at most can be left out and has the rest",
		}},
		{"shares of more than all", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Blocked{Shares: map[string]float64{"usual": 0.5, "mentoring": 0.6}}
		}, []string{
			"trial.assignment.shares: add up to 1.1, not to 1",
		}},
		{"shares that leave nothing", func(t *dgp.Trial) {
			t.Design.Arms = []string{"usual", "mentoring", "money"}
			t.Design.Assignment = dgp.Blocked{Shares: map[string]float64{"money": 0.5, "mentoring": 0.5}}
		}, []string{
			`trial.assignment.shares: add up to 1 and leave nothing to "usual"`,
		}},
		{"pairs on what is no covariate", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Pairs{Unit: dgp.ChildUnit, On: []string{"welth", "staff", "staff"}}
			t.Design.Attrition = dgp.Attrition{}
			t.Quality.Effect = dgp.QualityEffect{}
		}, []string{
			"trial.assignment.unit: pairs are of schools or teachers; children are not matched",
			`trial.assignment.on: there is no covariate "welth"; the covariates are staff, wealth, trained, graduate, debt, size, poor, lunch, books, months`,
			`trial.assignment.on: names "staff" twice`,
		}},
		{"pairs on nothing", func(t *dgp.Trial) { t.Design.Assignment = dgp.Pairs{} }, []string{
			"trial.assignment.on: names no covariate",
		}},
		{"a covariate named like the pair", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Pairs{On: []string{"wealth"}}
			t.Covariates[8].Name = "pair"
		}, []string{
			`covariates[8].name: "pair" is taken: it is the matched pair, from 0`,
		}},
		{"no balance", func(t *dgp.Trial) { t.Design.Assignment = dgp.Rerandomised{On: []string{"wealth"}, Tries: 100} }, []string{
			"trial.assignment.accept: is missing; say how balanced an assignment must be, with accept or max_t",
		}},
		{"two kinds of balance", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Rerandomised{On: []string{"wealth"}, Tries: 100, Accept: 0.5, MaxT: 1}
		}, []string{
			"trial.assignment.max_t: stands beside accept; delete one of them",
		}},
		{"too few tries", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Rerandomised{On: []string{"wealth"}, Tries: 100, Accept: 0.01}
		}, []string{
			"trial.assignment.accept: about 0.01 of all assignments are so balanced, and 100 tries find none with probability 0.37; it may be 1e-06: ask for less balance, or more tries",
		}},
		{"saturations that cannot be", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.TwoStage{Saturations: []float64{0, 0}, Schools: []float64{0.5, 0.6}}
			t.Design.Arms = append(t.Design.Arms, "money")
		}, []string{
			"trial.assignment.unit: units within schools are assigned: teacher or child",
			"trial.assignment.saturations: are shares of one treated arm; the trial has 3 arms",
			"trial.assignment.schools: add up to 1.1, not to 1",
			"trial.assignment.saturations: leave one of the arms empty",
		}},
		{"saturations without schools", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.TwoStage{Unit: dgp.TeacherUnit, Saturations: []float64{0, 1}, Schools: []float64{1}}
			t.Design.Attrition = dgp.Attrition{}
		}, []string{
			"trial.assignment.schools: has 1 number; it needs one for each saturation, 2",
		}},
		{"waves that cannot be", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Stepped{Waves: 30, Treated: 30}
			t.Design.Arms = append(t.Design.Arms, "money")
		}, []string{
			"trial.assignment.treated_waves: is 30 of 30 waves, which leaves no control schools; the range is 1 to 29",
			"trial.assignment.waves: bring schools into one treated arm; the trial has 3 arms",
			"trial.assignment.waves: are more than the schools, 24",
		}},
		{"schools lost by arm where teachers are assigned", func(t *dgp.Trial) { t.Design.Assignment = dgp.Complete{Unit: dgp.TeacherUnit} }, []string{
			"trial.attrition.schools: is by the arm of the school, but here teachers are assigned",
		}},
		{"classes lost by the arm of children", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Complete{Unit: dgp.ChildUnit}
			t.Quality.Effect = dgp.QualityEffect{}
			loss := dgp.Loss{Rate: map[string]float64{"usual": 0.1}}
			t.Design.Attrition = dgp.Attrition{Loss: dgp.Losses{School: loss, Teacher: loss, Child: loss}}
		}, []string{
			"trial.attrition.loss.school: depends on the arm, but a school has children of every arm; give every arm the same rate, and no depends_by_arm",
			"trial.attrition.loss.teacher: depends on the arm, but a teacher has children of every arm; give every arm the same rate, and no depends_by_arm",
		}},
		{"children assigned to what changes classes", func(t *dgp.Trial) {
			t.Design.Assignment = dgp.Complete{Unit: dgp.ChildUnit}
			t.Design.Attrition = dgp.Attrition{}
			t.Quality.ArmEffects = map[string]dgp.QualityEffect{"mentoring": {Noise: []float64{0, 1}}}
		}, []string{
			everyArm("quality"),
			"quality.effect: changes the quality of a class, but here children are assigned, so that a class has children of every arm; leave it out",
			"quality.arm_effects.mentoring: changes the quality of a class, but here children are assigned, so that a class has children of every arm; leave it out",
		}},
		{"a treated arm that takes the effects which others do not", func(t *dgp.Trial) {
			t.Design.Arms = []string{"usual", "mentoring", "money", "mentoring+money"}
			t.Design.Assignment = dgp.Complete{}
			t.Quality.ArmEffects = map[string]dgp.QualityEffect{"money": {}, "mentoring+money": {}}
			t.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"money": {}, "mentoring+money": {}}
		}, nil},
		{"effects of no arm, as all have their own", func(t *dgp.Trial) {
			t.Design.Arms = []string{"usual", "mentoring", "money", "mentoring+money"}
			t.Design.Assignment = dgp.Complete{}
			t.Quality.ArmEffects = map[string]dgp.QualityEffect{"money": {}, "mentoring": {}}
			t.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"money": {}, "mentoring": {}}
			t.Achievement.Effect = dgp.TestEffect{SchoolSD: 0.1}
		}, []string{
			everyArm("quality") + " and quality.arm_effects.money",
			everyArm("achievement") + " and achievement.arm_effects.money",
		}},
		{"effects of 0 of no arm, as all have their own", func(t *dgp.Trial) {
			t.Quality.Effect = dgp.QualityEffect{Shift: []float64{0, 0}, By: map[string]float64{"wealth": 0}}
			t.Achievement.Effect = dgp.TestEffect{Mean: []float64{0, 0, 0, 0, 0}}
			t.Quality.ArmEffects = map[string]dgp.QualityEffect{"mentoring": {Shift: []float64{1, 1}}}
			t.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"mentoring": {}}
		}, nil},
		{"one effect for all in place of those of the arms", func(t *dgp.Trial) {
			effect := 0.3
			t.Effect = &effect
			t.Achievement.Effect = dgp.TestEffect{}
			t.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"mentoring": {}}
		}, nil},
		{"effects of no treated arm", func(t *dgp.Trial) {
			t.Quality.ArmEffects = map[string]dgp.QualityEffect{"usual": {}, "mentor": {}}
			t.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"usual": {}}
		}, []string{
			`quality.arm_effects.mentor: there is no arm "mentor"; the treated arms are mentoring`,
			`quality.arm_effects.usual: "usual" is control, which has no effects; the treated arms are mentoring`,
			`achievement.arm_effects.usual: "usual" is control, which has no effects; the treated arms are mentoring`,
		}},
		{"effects of one arm of the wrong lengths", func(t *dgp.Trial) {
			one := []float64{1}
			t.Quality.ArmEffects = map[string]dgp.QualityEffect{"mentoring": {Shift: one, Engagement: one, Noise: one}}
			t.Achievement.ArmEffects = map[string]dgp.ArmTestEffect{"mentoring": {TestEffect: dgp.TestEffect{Mean: one}, Treated: one, Baseline: one}}
		}, []string{
			everyArm("quality"),
			"quality.arm_effects.mentoring.shift: has 1 number; it needs one for each domain, 2",
			"quality.arm_effects.mentoring.engagement: has 1 number; it needs one for each domain, 2",
			"quality.arm_effects.mentoring.noise: has 1 number; it needs one for each domain, 2",
			everyArm("achievement"),
			"achievement.arm_effects.mentoring.mean: has 1 number; it needs one for each test, 5",
			"achievement.arm_effects.mentoring.treated: has 1 number; it needs one for each domain, 2",
			"achievement.arm_effects.mentoring.baseline: has 1 number; it needs one for each domain, 2",
		}},
		{"arms of one name", func(t *dgp.Trial) { t.Design.Arms = []string{"mentoring", "mentoring"} }, []string{
			`trial.attrition.schools.usual: there is no arm "usual"; the arms are mentoring, mentoring`,
			`trial.arms[1]: "mentoring" is the name of arm 0 too`,
		}},
		{"an arm that is a column", func(t *dgp.Trial) { t.Design.Arms[1] = "block"; t.Design.Attrition = dgp.Attrition{} }, []string{
			`trial.arms[1]: "block" is taken: it is the block's number`,
		}},
		{"too many children", func(t *dgp.Trial) { t.Design.Blocks = 1_000_000 }, []string{
			"trial: asks for up to 216000000 tested children; the limit is 20000000",
			"observation: asks for 108000000 ratings; the limit is 20000000",
		}},
		{"so many children that whole numbers overflow", func(t *dgp.Trial) { t.Design.Blocks = 1 << 62; t.Design.Attrition = dgp.Attrition{} }, []string{
			"trial: asks for up to 996124179980315787264 tested children; the limit is 20000000",
			"observation: asks for 498062089990157893632 ratings; the limit is 20000000",
		}},
		{"too many ratings", func(t *dgp.Trial) { t.Observation.Segments, t.Observation.Coders = 1000, 1000 }, []string{
			"observation: asks for 144000000 ratings; the limit is 20000000",
		}},
		{"large classes", func(t *dgp.Trial) { t.Design.Children.Mean = 2e6 }, []string{
			"trial.children: asks for classes of up to 2000050 children; the limit is 1000000",
		}},
		{"a mean below the smallest class", func(t *dgp.Trial) { t.Design.Children.Mean = 2.5 }, []string{
			"trial.children.min: 3 is above the mean, 2.5: almost every class would have just this size",
		}},
		{"small classes upside down", func(t *dgp.Trial) { t.Design.Children.Small = dgp.SmallClasses{Share: 0.1, Min: 5, Max: 4} }, []string{
			"trial.children.small: min 5 and max 4 are no range of class sizes; it needs 1 <= min <= max",
		}},
		{"small classes without children", func(t *dgp.Trial) { t.Design.Children.Small = dgp.SmallClasses{Share: 0.1, Min: 0, Max: 4} }, []string{
			"trial.children.small: min 0 and max 4 are no range of class sizes; it needs 1 <= min <= max",
		}},
		{"unknown arms lost", func(t *dgp.Trial) {
			t.Design.Attrition.Schools = map[string]int{"b": 1, "a": 1, "usual": 1}
		}, []string{ // in order, whatever the map's
			`trial.attrition.schools.a: there is no arm "a"; the arms are usual, mentoring`,
			`trial.attrition.schools.b: there is no arm "b"; the arms are usual, mentoring`,
		}},
		{"too many schools lost", func(t *dgp.Trial) { t.Design.Attrition.Schools = map[string]int{"usual": -1, "mentoring": 13} }, []string{
			"trial.attrition.schools.mentoring: 13 schools cannot leave; the range is 0 to half of all schools, 12",
			"trial.attrition.schools.usual: -1 schools cannot leave; the range is 0 to half of all schools, 12",
		}},

		// Covariates.
		{"a covariate of blocks", func(t *dgp.Trial) { t.Covariates[1].Level = dgp.BlockLevel }, []string{
			"covariates[1].level: a covariate's level is school, teacher or child; this is block",
		}},
		{"a child covariate with weights", func(t *dgp.Trial) { t.Covariates[7].Quality = 1 }, []string{
			"covariates[7].level: quality and achievement are weights of school and teacher covariates; a child covariate has slope and curvature",
		}},
		{"a school covariate with a slope", func(t *dgp.Trial) { t.Covariates[1].Curvature = 1 }, []string{
			"covariates[1].level: slope and curvature belong to child covariates; a school covariate has the weights quality and achievement",
		}},
		{"the class size of a school", func(t *dgp.Trial) { t.Covariates[5].Level = dgp.SchoolLevel; t.Covariates = t.Covariates[:6] }, []string{
			"covariates[5].level: the class size is a teacher column; this is a school column",
		}},
		{"a share of nothing", func(t *dgp.Trial) { t.Covariates[2].Law = dgp.Share{Of: "cooks", Mean: 0.5} }, []string{
			`covariates[2].of: there is no earlier covariate "cooks"`,
			`covariates[3].excluding: "trained" is not a share of "staff"`,
		}},
		{"a share of a later column", func(t *dgp.Trial) {
			t.Covariates[0].Law = dgp.Share{Of: "poor", Mean: 0.5}
			t.Covariates = t.Covariates[:2]
		}, []string{
			`covariates[0].of: there is no earlier covariate "poor"`,
		}},
		{"a share of another level", func(t *dgp.Trial) { t.Covariates[6].Law = dgp.Share{Of: "staff", Mean: 0.5} }, []string{
			`covariates[6].of: "staff" is a school column; the share is a teacher column`,
		}},
		{"a share of no count", func(t *dgp.Trial) { t.Covariates[6].Law = dgp.Share{Of: "debt", Mean: 0.5} }, []string{
			`covariates[6].of: "debt" is not a count that is at least 1 (negative-binomial with shift >= 1, or class-size)`,
		}},
		{"a share of a count that may be 0", func(t *dgp.Trial) {
			t.Covariates[0].Law = dgp.NegativeBinomial{Mean: 6, Size: 2}
			t.Covariates = t.Covariates[:3]
		}, []string{
			`covariates[2].of: "staff" is not a count that is at least 1 (negative-binomial with shift >= 1, or class-size)`,
		}},
		{"shares of more than all", func(t *dgp.Trial) { t.Covariates[2].Law = dgp.Share{Of: "staff", Mean: 0.6} }, []string{
			`covariates[3].mean: the shares of "staff" add up to 1.1, more than 1`,
		}},
		{"shares excluding what is none", func(t *dgp.Trial) {
			t.Covariates[3].Law = dgp.Share{Of: "staff", Mean: 0.1, Excluding: []string{"wealth", "cooks"}}
		}, []string{
			`covariates[3].excluding: "wealth" is not a share of "staff"`,
			`covariates[3].excluding: there is no earlier covariate "cooks"`,
		}},
		{"shares excluding two that overlap", func(t *dgp.Trial) {
			t.Covariates[2].Law = dgp.Share{Of: "staff", Mean: 0.2}
			t.Covariates[3].Law = dgp.Share{Of: "staff", Mean: 0.2}
			t.Covariates[4] = dgp.Covariate{Name: "new", Level: dgp.SchoolLevel, Law: dgp.Share{Of: "staff", Mean: 0.2, Excluding: []string{"trained", "graduate"}}}
		}, []string{
			`covariates[4].excluding: "graduate" must be drawn excluding "trained", so that both together are no more than all`,
		}},
		{"a share excluded twice", func(t *dgp.Trial) {
			t.Covariates[2].Law = dgp.Share{Of: "staff", Mean: 0.2}
			t.Covariates[3].Law = dgp.Share{Of: "staff", Mean: 0.2, Excluding: []string{"trained", "trained"}}
		}, []string{
			`covariates[3].excluding: "trained" must be drawn excluding "trained", so that both together are no more than all`,
		}},

		// Quality and observation: one number for each domain.
		{"three domains", func(t *dgp.Trial) { t.Quality.Domains = []string{"support", "climate", "rigour"} }, []string{
			"quality.sd: has 2 numbers; it needs one for each domain, 3",
			"quality.correlation: has 2 rows; it needs 3",
			"quality.effect.shift: has 2 numbers; it needs one for each domain, 3",
			"quality.effect.engagement: has 2 numbers; it needs one for each domain, 3",
			"quality.effect.noise: has 2 numbers; it needs one for each domain, 3",
			"quality.context.variance: has 2 numbers; it needs one for each domain, 3",
			"observation.scale.mean: has 2 numbers; it needs one for each domain, 3",
			"observation.scale.points: has 2 numbers; it needs one for each domain, 3",
			"observation.segment_sd: has 2 numbers; it needs one for each domain, 3",
			"observation.coder_sd: has 2 numbers; it needs one for each domain, 3",
			"observation.error_correlation: has 2 rows; it needs 3",
			"achievement.slope.sorting: has 2 numbers; it needs one for each domain, 3",
			"achievement.slope.control: has 2 numbers; it needs one for each domain, 3",
			"achievement.slope.treated: has 2 numbers; it needs one for each domain, 3",
			"achievement.slope.baseline: has 2 numbers; it needs one for each domain, 3",
		}},
		{"a correlation above 1", func(t *dgp.Trial) { t.Quality.Correlation = dgp.Matrix{{1}, {1.2, 1}} }, []string{
			"quality.correlation: a correlation lies between -1 and 1; row 2 column 1 is 1.2",
		}},
		{"a covariance for a correlation", func(t *dgp.Trial) { t.Quality.Correlation = dgp.Matrix{{2}, {0.2, 1}} }, []string{
			"quality.correlation: the diagonal of a correlation matrix is 1; row 1 has 2",
		}},
		{"a matrix with two values for one", func(t *dgp.Trial) { t.Quality.Correlation = dgp.Matrix{{1, 0.2}, {0.3, 1}} }, []string{
			"quality.correlation: is not symmetric: row 2 column 1 is 0.3, but row 1 column 2 is 0.2",
		}},
		{"a ragged matrix", func(t *dgp.Trial) { t.Quality.Correlation = dgp.Matrix{{1}, {0.2, 1, 3}} }, []string{
			"quality.correlation: row 2 has 3 numbers; a row of the lower triangle has 2, of the full matrix 2",
		}},
		{"perfect correlation", func(t *dgp.Trial) { t.Observation.ErrorCorrelation = dgp.Matrix{{1}, {1, 1}} }, []string{
			"observation.error_correlation: is not positive definite: its smallest eigenvalue is 0 and must be above 0",
		}},
		{"a scale without room", func(t *dgp.Trial) { t.Observation.Scale.Min, t.Observation.Scale.Max = 7, 7 }, []string{
			"observation.scale.max: 7 is not above the lowest rating, 7",
		}},
		{"whole ratings between halves", func(t *dgp.Trial) {
			t.Observation.Scale.Integer, t.Observation.Scale.Min, t.Observation.Scale.Max = true, 0.5, 7.5
			t.Observation.Scale.Mean = []float64{0.5, 7.5} // the ends are on the scale
		}, []string{
			"observation.scale.min: 0.5 is no whole number, as ratings are with integer",
			"observation.scale.max: 7.5 is no whole number, as ratings are with integer",
		}},
		{"a mean beside the scale", func(t *dgp.Trial) {
			t.Observation.Scale.Min, t.Observation.Scale.Max, t.Observation.Scale.Mean = 1, 7, []float64{4.5, 26}
		}, []string{
			"observation.scale.mean[1]: 26 is not on the scale, which goes from 1 to 7 (observation.scale.min and max)",
		}},
		{"totals without names", func(t *dgp.Trial) { t.Observation.Total, t.Achievement.Total = "", "" }, []string{
			"observation.total: the total score needs a name",
			"achievement.total: total achievement needs a name",
		}},

		// Achievement.
		{"a sixth test", func(t *dgp.Trial) { t.Achievement.Tests = append(t.Achievement.Tests, "f") }, []string{
			"achievement.residual: has 5 rows; it needs 6",
			"achievement.effect.mean: has 5 numbers; it needs one for each test, 6",
		}},
		{"residuals that cannot be", func(t *dgp.Trial) {
			t.Achievement.Residual = dgp.Matrix{{1}, {2, 1}, {0, 0, 1}, {0, 0, 0, 1}, {0, 0, 0, 0, 1}}
		}, []string{
			"achievement.residual: is not positive definite: its smallest eigenvalue is -1 and must be above 0",
		}},

		// Names.
		{"names that no formula can have", func(t *dgp.Trial) {
			t.Covariates[7].Name, t.Quality.Domains[0], t.Achievement.Tests[1], t.Achievement.Total = "free lunch", "1st", "é", "_all"
		}, []string{
			`covariates[7].name: "free lunch" cannot be a column's name; a name starts with a letter and has only letters, digits and _`,
			`quality.domains[0]: "1st" cannot be a column's name; a name starts with a letter and has only letters, digits and _`,
			`achievement.tests[1]: "é" cannot be a column's name; a name starts with a letter and has only letters, digits and _`,
			`achievement.total: "_all" cannot be a column's name; a name starts with a letter and has only letters, digits and _`,
		}},
		{"names taken", func(t *dgp.Trial) {
			t.Covariates[8].Name, t.Quality.Domains[1], t.Observation.Total, t.Achievement.Tests[4], t.Achievement.Total = "lunch", "support", "mentoring", "school", "a"
		}, []string{
			`covariates[8].name: "lunch" is taken: it is covariates[7].name`,
			`quality.domains[1]: "support" is taken: it is quality.domains[0]`,
			`observation.total: "mentoring" is taken: it is trial.arms[1]`,
			`achievement.tests[4]: "school" is taken: it is the school's number`,
			`achievement.total: "a" is taken: it is achievement.tests[0]`,
		}},
		{"the name of a rating", func(t *dgp.Trial) { t.Covariates[8].Name, t.Achievement.Total = "support_s1_c1", "climate_s3_c1" }, []string{
			`covariates[8].name: "support_s1_c1" is taken: it is a rating of support`,
			`achievement.total: "climate_s3_c1" is taken: it is a rating of climate`,
		}},
	} {
		trial := manyTeachers()
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
		if _, compileErr := trial.Compile(); (compileErr == nil) != (err == nil) || err != nil && compileErr.Error() != err.Error() {
			t.Errorf("%s: Compile says %v, Validate %v", c.name, compileErr, err)
		}
	}
}

// Every law and scheme under its name is one that can be declared; what those
// without options lack has a default.
func TestRegistries(t *testing.T) {
	for name, law := range dgp.Laws() {
		if law == nil {
			t.Errorf("law %s is nothing", name)
		}
	}
	// What those with required keys lack.
	required := map[string]dgp.Assignment{
		"matched-pairs": dgp.Pairs{On: []string{"income"}, Blocked: true},
		"rerandomised":  dgp.Rerandomised{On: []string{"income"}, Accept: 0.5, Blocked: true, Tries: 100},
		"stepped":       dgp.Stepped{Waves: 4, Treated: 2, Blocked: true},
		"two-stage":     dgp.TwoStage{Unit: dgp.TeacherUnit, Saturations: []float64{0, 1}, Blocked: true},
	}
	for name, scheme := range dgp.Assignments() {
		if name == "none" { // treats nobody: TestStudyWithoutTreatment
			continue
		}
		trial := oneDomain()
		trial.Covariates = []dgp.Covariate{{Name: "income", Level: dgp.SchoolLevel, Law: dgp.Normal{SD: 1}}}
		if full, ok := required[name]; ok {
			scheme = full
		}
		trial.Design.Assignment = scheme
		g := compile(t, trial)
		treated := 0
		for rep := range 100 {
			g.Draw(dgp.Stream{Seed: 1, Replicate: uint64(rep)})
			for _, arm := range g.Units().Arm {
				treated += arm
			}
		}
		if treated < 500 || treated > 700 { // of 1200, half by default
			t.Errorf("scheme %s treats %d of 1200 schools by default", name, treated)
		}
	}
}

// everyArm is the fault of effects in a section whose only treated arm has its own.
func everyArm(section string) string {
	return section + ".effect: changes nothing: every treated arm has an effect of its own in its place; leave it out, and say it in " + section + ".arm_effects.mentoring"
}
