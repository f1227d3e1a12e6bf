package estimators_test

import (
	"testing"

	"coachsim/estimators"
	"coachsim/estimators/estimatortest"
	"coachsim/estimators/forest"
	"coachsim/estimators/lasso"
)

func growing(mincriterion float64) estimators.Growing {
	return estimators.Growing{MinCriterion: mincriterion, MinSplit: 20, MinBucket: 7, MinProb: 0.01}
}

func TestConform(t *testing.T) {
	estimatortest.Conform(t, map[string]estimators.Method{
		"itt": estimators.OLS{
			Formula: "c(score, below(score, 10), above(reading, 80), std(reading), passed) ~ coaching + girl + age + age^2 + experience + rural | block",
			Cluster: "school", SE: cr1, Report: []string{"coaching", "age"}, Joint: [][]string{{"age", "age^2"}, {"coaching", "girl"}},
		},
		"classical": estimators.OLS{
			Formula: "c(score, reading) ~ coaching + ses", SE: classical, Report: []string{"coaching", "(Intercept)"},
		},
		"teachers": estimators.OLS{
			Formula: "c(class, above(class, 60)) ~ coaching + experience + rural | block", SE: hc1, Report: []string{"coaching"},
		},
		"schools": estimators.OLS{
			Formula: "attendance ~ coaching + rural + founded", SE: hc1, Report: []string{"coaching"},
		},
		"girls": estimators.OLS{
			Formula: "score ~ coaching + age", Where: "girl == 1 & experience > 3", SE: hc1, Report: []string{"coaching"},
		},
		"mediation": estimators.OLS{
			Formula: "score ~ coaching*class + ses | block", Cluster: "school", SE: cr1,
			Report: []string{"coaching", "class", "coaching:class"}, Joint: [][]string{{"class", "coaching:class"}},
		},
		"inflated": estimators.OLS{ // by the QR
			Formula: "c(score, std(class)) ~ coaching + ses + near4 | block", Cluster: "teacher", SE: cr1, Report: []string{"coaching", "ses"},
		},
		"inflated, classical": estimators.OLS{
			Formula: "score ~ coaching + girl + near6 + ses + age", SE: classical, Report: []string{"coaching", "girl"},
		},
		"share of variance": estimators.OLS{
			Formula: "c(score, reading) ~ coaching + ses + age", SE: hc1, Report: []string{"coaching"}, Joint: [][]string{{"ses", "age"}}, R2: true,
		},
		"no intercept": estimators.OLS{
			Formula: "score ~ coaching + ses - 1", SE: hc1, Report: []string{"coaching"},
		},
		"bias-reduced": estimators.OLS{
			Formula: "c(score, class) ~ coaching + ses + rural | block", Cluster: "school", SE: cr2, Report: []string{"coaching", "ses"}, Joint: [][]string{{"ses", "rural"}},
		},
		"jackknife": estimators.OLS{
			Formula: "score ~ coaching + ses", Cluster: "school", SE: cr3, Report: []string{"coaching"},
		},
		"leverage": estimators.OLS{
			Formula: "c(score, reading) ~ coaching + girl + age", SE: hc2, Report: []string{"coaching"},
		},
		"leverage of schools": estimators.OLS{
			Formula: "attendance ~ coaching + rural", SE: hc3, Report: []string{"coaching"},
		},
		"factors": estimators.OLS{
			Formula: "score ~ coaching + ses | cohort", Cluster: "track", SE: cr1, Report: []string{"ses"},
		},
		"two effects": estimators.OLS{
			Formula: "c(score, class) ~ coaching + ses + rural | block + track", Rows: "child", Cluster: "school", SE: cr2, Report: []string{"coaching", "ses"},
		},
		"two effects, bootstrapped": estimators.WildBootstrap{
			OLS:   estimators.OLS{Formula: "score ~ coaching + ses | block + track", Cluster: "school", SE: cr1, Report: []string{"coaching"}},
			Draws: 99,
		},
		"two factors of clusters": estimators.OLS{
			Formula: "c(score, class) ~ coaching + ses + rural | block", Rows: "child", Cluster: "school + teacher", SE: cr1, Report: []string{"coaching", "ses"}, Joint: [][]string{{"ses", "rural"}},
		},
		"fixest": estimators.OLS{
			Formula: "score ~ coaching + ses | block", Cluster: "school", SE: fixest, Report: []string{"coaching"},
		},
		"weighted": estimators.OLS{
			Formula: "c(score, class) ~ coaching + ses + rural | block", Weights: "weight", Cluster: "school", SE: cr2, Report: []string{"coaching", "ses"},
		},
		"weighted rows": estimators.OLS{ // by the QR
			Formula: "score ~ coaching + ses + near4", Weights: "weight", SE: hc3, Report: []string{"coaching", "(Intercept)"},
		},
		"weighted schools": estimators.OLS{
			Formula: "attendance ~ coaching + rural", Weights: "founded", SE: hc1, Report: []string{"coaching"},
		},
		"weighted instruments": estimators.IV{
			Formula: "score ~ ses + age | block | class ~ coaching", Weights: "weight", SE: hc1, Report: []string{"class"},
		},
		"reduced": estimators.OLS{
			Formula: "score ~ coaching + girl + boy | block", SE: classical, Report: []string{"coaching", "girl"},
		},
		"within teachers": estimators.OLS{
			Formula: "score ~ ses*girl | teacher", Cluster: "school", SE: cr1, Report: []string{"ses", "ses:girl"},
		},
		"gain": estimators.OLS{
			Formula: "c(I(reading - 2 * age), center(score)) ~ coaching + log(age)", Cluster: "school", SE: cr2, Report: []string{"coaching"},
		},
		"roots": estimators.OLS{
			Formula: "c(exp(score), sqrt(exp(score/2)), log(exp(score) + 1)) ~ coaching + I(age/10) + I((ses - 1)^2)", SE: hc1, Report: []string{"coaching", "I(age/10)"},
		},
		"cluster means": estimators.OLS{
			Formula: "c(mean(score, school), mean(class, school)) ~ coaching + mean(ses, school) + log(3 + mean(age, school)) | block", SE: hc2, Report: []string{"coaching"},
		},
		"cluster means alone": estimators.OLS{
			Formula: "c(mean(score, school), log(2 + mean(exp(reading/1000), school))) ~ coaching + rural", SE: hc1, Report: []string{"coaching"},
		},
		"class means": estimators.OLS{
			Formula: "c(class, mean(reading, teacher)) ~ coaching + mean(girl, teacher)", Cluster: "school", SE: cr1, Report: []string{"coaching"},
		},
		"levels": estimators.OLS{
			Formula: "score ~ coaching + factor(block) + factor(track)*ses", Cluster: "school", SE: cr1,
			Report: []string{"coaching", "factor(track)", "factor(track)2:ses"}, Joint: [][]string{{"factor(block)"}, {"factor(track):ses"}},
		},
		"indices": estimators.OLS{
			Formula: "c(klk(score, reading, -passed), anderson(score, reading, by = coaching)) ~ coaching + ses", Cluster: "school", SE: cr1, Report: []string{"coaching"},
		},
		"mixed": estimators.Mixed{
			Formula: "score ~ coaching + ses + (1 | school)", Report: []string{"coaching", "ses"},
		},
		"mixed, nested": estimators.Mixed{
			Formula: "score ~ coaching + girl + (1 | school/teacher) | block", DF: estimators.KenwardRoger, Report: []string{"coaching"},
		},
		"mixed, joint": estimators.Mixed{
			Formula: "c(score, reading) ~ coaching + ses + age + age^2 + (1 | school)", Report: []string{"coaching"}, Joint: [][]string{{"coaching", "ses"}, {"age", "age^2"}},
		},
		"mixed, effects by block": estimators.Mixed{
			Formula: "score ~ coaching + ses + (1 + coaching | block) + (1 | school/teacher)", Report: []string{"coaching", "ses"}, Joint: [][]string{{"coaching", "ses"}},
		},
		"mixed, fixed intercepts and random effects": estimators.Mixed{
			Formula: "c(score, reading) ~ coaching + (0 + coaching | block) + (1 | school) | block", DF: estimators.KenwardRoger, Report: []string{"coaching"},
		},
		"mixed, slopes of children": estimators.Mixed{
			Formula: "score ~ coaching + age + (1 + age || school)", Likelihood: estimators.ML, Report: []string{"coaching", "age", "(Intercept)"},
		},
		"mixed, inflated": estimators.Mixed{ // by the QR
			Formula: "score ~ coaching + ses + near6 + (1 | school/teacher)", Report: []string{"coaching", "near6"}, Joint: [][]string{{"coaching", "near6"}},
		},
		"randomisation": estimators.Randomisation{
			OLS: estimators.OLS{
				Formula: "c(score, class) ~ coaching + ses + rural | block", Rows: "child", Cluster: "school", SE: cr1, Report: []string{"coaching"},
			},
			Draws: 199,
		},
		"randomisation, t": estimators.Randomisation{
			OLS: estimators.OLS{
				Formula: "c(score, class) ~ coaching + ses + rural | block", Rows: "child", Cluster: "school", SE: cr1, Report: []string{"coaching"},
			},
			Draws: 199, Statistic: estimators.StudentT, Adjust: estimators.WestfallYoung,
		},
		"instruments": estimators.IV{
			Formula: "c(score, reading) ~ ses + age | block | class ~ coaching + founded", Cluster: "school", SE: cr1,
			Report: []string{"class", "ses"}, Joint: [][]string{{"class", "ses"}},
		},
		"instruments, bias-reduced": estimators.IV{
			Formula: "score ~ ses + age | block | class ~ coaching", Weights: "weight", Cluster: "school", SE: cr2, Test: estimators.AndersonRubin,
			Report: []string{"class", "ses"}, Joint: [][]string{{"class", "ses"}},
		},
		"instruments, leverage": estimators.IV{
			Formula: "c(score, reading) ~ ses | class ~ coaching + founded", SE: hc3, Report: []string{"class", "ses", "(Intercept)"},
		},
		"instruments, inflated": estimators.IV{ // by the QR
			Formula: "score ~ girl + near4 + age | class + ses ~ coaching + founded + near6", SE: hc1, Report: []string{"class", "girl", "(Intercept)"},
		},
		"instrument, Anderson-Rubin": estimators.IV{
			Formula: "score ~ ses | class ~ coaching", SE: hc1, Test: estimators.AndersonRubin, Report: []string{"class", "ses", "(Intercept)"},
		},
		"bootstrap": estimators.WildBootstrap{
			OLS: estimators.OLS{
				Formula: "score ~ coaching + ses | block", Cluster: "school", SE: cr1, Report: []string{"coaching"},
			},
			Draws: 199,
		},
		"bootstrap, adjusted": estimators.WildBootstrap{
			OLS: estimators.OLS{
				Formula: "c(score, class) ~ coaching + ses", Rows: "child", Cluster: "school", SE: cr1, Report: []string{"coaching", "ses"},
			},
			Draws: 199, Weights: estimators.Webb, Adjust: estimators.RomanoWolf,
		},
		"Lin": estimators.Lin{
			Formula: "c(attendance, mean(score, school)) ~ coaching + rural + mean(ses, school)", Rows: "school", SE: hc2,
		},
		"Lin, weighted": estimators.Lin{
			Formula: "score ~ coaching + ses + age", Weights: "weight", Cluster: "school", SE: hc2,
		},
		"contrasts": estimators.OLS{
			Formula: "c(score, reading) ~ coaching + ses + ses^2 | block", Cluster: "school", SE: cr2, Report: []string{"coaching - 2 * ses", "coaching"}, Joint: [][]string{{"coaching - ses", "ses^2"}},
		},
		"contrasts, mixed": estimators.Mixed{
			Formula: "score ~ coaching + rural + ses + (1 | school)", Report: []string{"coaching - rural"},
		},
		"contrasts, Lin": estimators.Lin{
			Formula: "score ~ coaching + ses + rural", Cluster: "school", SE: hc2, Report: []string{"0.5 * coaching", "coaching"},
		},
		"Lin, children": estimators.Lin{
			Formula: "c(score, below(reading, 30)) ~ coaching + ses + age + age^2 | block", Cluster: "school", SE: hc2,
		},
		"missing outcome": estimators.OLS{
			Formula: "c(exam, score, std(exam), below(exam, 20)) ~ coaching + ses | block", Cluster: "school", SE: cr2, Report: []string{"coaching"},
		},
		"response weights": estimators.IPW{
			Formula: "c(exam, score) ~ coaching + rural | block", Response: "ses + age + age^2", Cluster: "school", SE: cr1, Report: []string{"coaching"},
		},
		"response weights, stabilised": estimators.IPW{
			Formula: "exam ~ coaching", Response: "ses", SE: hc1, Pooled: true, Stabilised: true, Floor: 0.4, Report: []string{"coaching", "(Intercept)"},
		},
		"difference in means":                   estimators.DifferenceInMeans{Formula: "c(score, reading, below(score, 20)) ~ coaching", Where: "girl == 1"},
		"difference in means, blocked":          estimators.DifferenceInMeans{Formula: "c(reading, exam) ~ coaching", Blocks: "block"},
		"difference in means, clustered":        estimators.DifferenceInMeans{Formula: "score ~ coaching", Cluster: "school"},
		"difference in means, by teacher":       estimators.DifferenceInMeans{Formula: "class ~ coaching", Cluster: "school"},
		"difference in means, blocked clusters": estimators.DifferenceInMeans{Formula: "c(exam, score) ~ coaching", Blocks: "block", Cluster: "school"},
		"difference in means of schools":        estimators.DifferenceInMeans{Formula: "attendance ~ coaching", Blocks: "block"},
		"Lee's bounds":                          estimators.LeeBounds{Formula: "c(exam, std(exam)) ~ coaching"},
		"Lee's bounds, clustered":               estimators.LeeBounds{Formula: "exam ~ coaching", Where: "girl == 1", Cluster: "school"},
		"Lee's bounds, tightened":               estimators.LeeBounds{Formula: "c(exam, score) ~ coaching", Cells: "rural", Cluster: "school"},
		"correlation":                           estimators.Correlation{Columns: []string{"score", "reading", "passed"}},
		"product of coefficients": estimators.Mediation{
			Formula: "c(score, reading) ~ coaching + class + ses + rural | block", Mediator: "class ~ coaching + experience + rural | block",
			Cluster: "school", SE: cr2, Rho: []float64{-0.1, 0.2},
		},
		"joint significance": estimators.Mediation{
			Formula: "c(exam, score) ~ coaching + class + es_s1_c1 + rural", Mediator: "c(class, es_s1_c1) ~ coaching + rural", Method: estimators.JointSignificance,
			Cluster: "school", SE: cr1,
		},
		"Monte Carlo interval": estimators.Mediation{
			Formula: "mean(score, teacher) ~ coaching + class | block", Mediator: "class ~ coaching | block", Method: estimators.MonteCarlo, SE: hc1, Draws: 199, Rho: []float64{0.1},
		},
		"mediation by simulation": estimators.Mediation{
			Formula: "score ~ coaching*class + coaching*es_s1_c1 + ses + age | block", Mediator: "c(class, es_s1_c1) ~ coaching + rural | block", Method: estimators.Simulation,
			Cluster: "school", SE: cr1, Draws: 199,
		},
		"mediation, classical": estimators.Mediation{
			Formula: "attendance ~ coaching*mean(class, school) + rural", Mediator: "mean(class, school) ~ coaching + rural", Method: estimators.JointSignificance, SE: classical,
		},
		"mediation, rows": estimators.Mediation{
			Formula: "score ~ coaching + class + co_s1_c1 + ses", Mediator: "c(class, co_s1_c1) ~ coaching + experience", Where: "girl == 1", SE: hc3,
		},
		"mediation, error by moments": estimators.Mediation{
			Formula: "c(score, reading) ~ coaching*class + ses + age + rural | block", Mediator: "class ~ coaching + rural | block", Cluster: "school", SE: cr1,
			Error: &estimators.MeasurementError{Reliability: []float64{0.8}},
		},
		"mediation, error by calibration": estimators.Mediation{
			Formula: "score ~ coaching + class + es_s1_c1 + ses | block", Mediator: "c(class, es_s1_c1) ~ coaching + rural | block", Cluster: "school", SE: cr1,
			Error: &estimators.MeasurementError{Method: estimators.RegressionCalibration, Reliability: []float64{0.9, 0.8}},
		},
		"mediation, factor scores": estimators.Mediation{
			Formula: "score ~ coaching*class + ses", Mediator: "class ~ coaching", Cluster: "school", SE: cr1,
			Error: &estimators.MeasurementError{Method: estimators.FactorScore, Reliability: []float64{0.8}},
		},
		"mediation bootstrap": estimators.Mediation{
			Formula: "score ~ coaching*class | block", Mediator: "class ~ coaching | block", Method: estimators.MediationBootstrap,
			Cluster: "school", SE: cr1, Draws: 99,
		},
		"sequential g": estimators.Mediation{
			Formula: "c(score, reading) ~ coaching*class + ses + es_s1_c1 | block", Mediator: "class", Method: estimators.SequentialG, Intermediate: []string{"es_s1_c1"}, At: []float64{4},
			Cluster: "school", SE: cr1,
		},
		"sequential g, inflated": estimators.Mediation{ // by the QR
			Formula: "score ~ coaching + class + ses + near4 + passed", Mediator: "class", Method: estimators.SequentialG, Intermediate: []string{"passed"}, Cluster: "school", SE: cr1,
		},
		"lasso": estimators.Lasso{
			Formula: "exam ~ . + age:girl", Mix: 1, Folds: 4, FoldUnit: "school", Standardise: true, Cluster: "school",
		},
		"lasso, fixed": estimators.Lasso{
			Formula: "c(class, mean(reading, teacher)) ~ experience + rural + mean(ses, teacher) + female", Mix: 1, Standardise: true,
			Lambda: lasso.Choice{Rule: lasso.Fixed, Lambda: 0.03},
		},
		"elastic net": estimators.Lasso{
			Formula: "score ~ ses + age + rural + coaching + girl", Mix: 0.5, Folds: 5, Lambda: lasso.Choice{Rule: lasso.CVOne}, Grid: &estimators.LambdaGrid{From: 10, To: 0.01, Points: 30},
		},
		"adaptive, post": estimators.Lasso{
			Formula: "score ~ coaching + ses + girl + age + factor(track)", Mix: 1, Folds: 4, FoldColumn: "block", Adaptive: 1, Standardise: true,
			Keep: []string{"coaching", "ses", "factor(track)"}, Report: []string{"coaching", "ses", "factor(track)"}, Inference: estimators.PostLasso, Cluster: "school",
		},
		"double selection": estimators.Lasso{
			Formula: "c(score, exam) ~ coaching + ses + age + rural + girl", Mix: 1, Standardise: true, Lambda: lasso.Choice{Rule: lasso.Plugin},
			Report: []string{"coaching", "ses"}, Inference: estimators.DoubleSelection, Cluster: "school",
		},
		"debiased": estimators.Lasso{
			Formula: "score ~ coaching + ses + age + rural + girl", Mix: 1, Standardise: true, Lambda: lasso.Choice{Rule: lasso.Fixed, Lambda: 0.05},
			Report: []string{"coaching", "ses"}, Inference: estimators.Debiased,
		},
		"tree": estimators.CTree{
			Formula: "c(score, class) ~ coaching + girl + ses + age + experience + factor(track) + ses:age", Rows: "child", Where: "experience > 2", Growing: growing(0.3),
		},
		"tree, missing outcome": estimators.CTree{
			Formula: "c(exam, score) ~ ses + factor(cohort) + age", Growing: growing(0), Report: []string{"ses"},
		},
		"tree of teachers": estimators.CTree{Formula: "class ~ experience + rural + mean(score, teacher)", Growing: growing(0.2)},
		"forest": estimators.CForest{
			Formula: "c(score, reading) ~ coaching + girl + ses + age + factor(track)", Growing: growing(0), Trees: 8, Fraction: 0.632, Relative: true,
		},
		"forest, tuned": estimators.CForest{
			Formula: "exam ~ coaching + ses + age", Where: "girl == 1", Growing: growing(0), Bootstrap: true, Fraction: 0.5, Mtry: 2, Relative: true, Report: []string{"ses"},
			Importance: forest.Permutation, Conditional: 0.2, Tune: &estimators.ForestGrid{MinCriterion: []float64{0.5, 0}, Trees: []int{10, 5}, MinSplit: []int{30, 20}},
		},
		"prediction": estimators.Prediction{Formula: "score ~ ses + age + girl + rural + experience:girl", Model: estimators.LeastSquares, Runs: 4, TestShare: 0.25},
		"prediction, LASSO": estimators.Prediction{
			Formula: "score ~ ses + age + girl + rural + coaching + reading", Where: "experience > 3", Model: estimators.LASSO, Runs: 4, TestShare: 0.25, Keep: 2,
			Lasso: &estimators.LassoRuns{Folds: 3, From: 10, To: 1e-3, Lambdas: 10, Lambda: estimators.LambdaPerRun},
		},
		"prediction, forest": estimators.Prediction{
			Formula: "exam ~ ses + age + girl + class", Model: estimators.ConditionalForest, Runs: 3, TestShare: 0.25, Report: []string{"age", "class"},
			Forest: &estimators.ForestRuns{Trees: 3, MinSplit: 20, MinBucket: 7, Fraction: 0.632},
		},
		"post-selection":           estimators.PostSelection{Selections: []string{"lasso", "cforest"}, Cluster: "school"},
		"post-selection, agreeing": estimators.PostSelection{Selections: []string{"lasso", "cforest"}, Combine: estimators.AllSelections, Standardise: true, Report: []string{"es_s1_c1"}, IQR: []string{"es_s1_c1"}},
		"value added":              estimators.ValueAdded{Formula: "score ~ ses + age + girl", Of: "teacher", Cluster: "school", SE: cr1, With: []string{"class", "experience"}},
		"value added, its truth":   estimators.ValueAdded{Formula: "score ~ ses + age", Of: "teacher", SE: hc1, With: []string{"class"}, Truth: "experience"},
		"between percentiles": estimators.OLS{
			Formula: "c(score, std(reading)) ~ coaching + ses + age + experience", Cluster: "school", SE: cr1, Report: []string{"ses", "experience", "age"}, IQR: []string{"age", "experience"},
		},
		"value added, of schools": estimators.ValueAdded{Formula: "reading ~ girl", Of: "school", SE: hc1, With: []string{"rural"}},
		"second step": estimators.OLS{
			Formula: "value_added(exam, ses, age, by = teacher) ~ class + female + rural", Cluster: "school", SE: cr1, Report: []string{"class"}, R2: true,
		},
		"segments": estimators.Reliability{Between: "segments"},
		"coders":   estimators.Reliability{Between: "coders"},
	})
}
