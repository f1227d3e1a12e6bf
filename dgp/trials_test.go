package dgp_test

import (
	"testing"

	"coachsim/configs"
	"coachsim/dgp"
)

// ecuador is the trial of the preset, whose moments the calibration fixed.
func ecuador(t testing.TB) dgp.Trial {
	t.Helper()
	text, ok := configs.Preset("ecuador")
	if !ok {
		t.Fatal("there is no preset ecuador")
	}
	study, err := configs.Load("ecuador.yaml", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return study.Trial
}

// manyTeachers is an invented trial that differs from ecuador in everything:
// several teachers per school, two domains, five tests, scores in points, a
// treated share that is no whole number of schools, attrition in both arms,
// gamma covariates with a shape below 1, shares of the class, a law for
// children that is no normal.
func manyTeachers() dgp.Trial {
	t := dgp.DefaultTrial()
	t.Design = dgp.Design{
		Blocks: 4, Schools: 6, Teachers: 3, Tested: 12,
		Children:   dgp.ClassSize{Mean: 14, SD: 5, Min: 3, Small: dgp.SmallClasses{Share: 0.3, Min: 2, Max: 4}},
		Arms:       []string{"usual", "mentoring"},
		Assignment: dgp.Complete{Share: 0.3},
		Attrition:  dgp.Attrition{Schools: map[string]int{"usual": 2, "mentoring": 1}, Children: 0.2},
	}
	t.Covariates = []dgp.Covariate{
		{Name: "staff", Level: dgp.SchoolLevel, Law: dgp.NegativeBinomial{Mean: 6, Size: 2, Shift: 2}},
		{Name: "wealth", Level: dgp.SchoolLevel, Law: dgp.Normal{Mean: -3, SD: 2}, Quality: 1, Achievement: 2},
		{Name: "trained", Level: dgp.SchoolLevel, Law: dgp.Share{Of: "staff", Mean: 0.5}},
		{Name: "graduate", Level: dgp.SchoolLevel, Law: dgp.Share{Of: "staff", Mean: 0.5, Excluding: []string{"trained"}}},
		{Name: "debt", Level: dgp.TeacherLevel, Law: dgp.Gamma{Mean: 2, SD: 3}, Quality: -0.5},
		{Name: "size", Level: dgp.TeacherLevel, Law: dgp.ClassSizeLaw{}, Achievement: -1},
		{Name: "poor", Level: dgp.TeacherLevel, Law: dgp.Share{Of: "size", Mean: 0.25}},
		{Name: "lunch", Level: dgp.ChildLevel, Law: dgp.Bernoulli{Mean: 0.2}, Slope: -0.5},
		{Name: "books", Level: dgp.ChildLevel, Law: dgp.Gamma{Mean: 1, SD: 1.5}, Slope: 0.1},
		{Name: "months", Level: dgp.ChildLevel, Law: dgp.Normal{Mean: 60, SD: 4}, Slope: 0.02, Curvature: 0.003},
	}
	t.Quality = dgp.Quality{
		Domains:     []string{"support", "climate"},
		SD:          []float64{0.8, 0.5},
		Correlation: dgp.Matrix{{1}, {-0.4, 1}},
		SchoolShare: 0.4,
		Effect: dgp.QualityEffect{
			Shift: []float64{0.2, -0.1}, Engagement: []float64{0.3, 0.1}, Noise: []float64{0.2, 0}, WithQuality: -0.5,
		},
		Context: dgp.Context{Variance: []float64{0.3, 0.2}, BlockShare: 0.4, BlockCorrelation: 0.3},
	}
	t.Observation = dgp.Observation{
		Segments: 3, Coders: 1,
		Scale:     dgp.RatingScale{Mean: []float64{50, 20}, Points: []float64{10, 5}, Min: -1e9, Max: 1e9},
		SegmentSD: []float64{0.7, 0.6}, CoderSD: []float64{0.3, 0.2},
		ErrorCorrelation: dgp.Matrix{{1, 0.5}, {0.5, 1}},
		Total:            "score", Points: true,
	}
	t.Achievement = dgp.Achievement{
		Tests: []string{"a", "b", "c", "d", "e"}, Total: "all", Scale: 0.9,
		Residual: dgp.Matrix{{1}, {0.3, 0.8}, {0.2, 0.3, 0.9}, {0.1, 0.2, 0.3, 1.1}, {-0.2, 0, 0.1, 0.2, 0.5}},
		BlockSD:  0.3, CovariateSD: 0.2, SchoolSD: 0.25, TeacherSD: 0.15,
		Slope: dgp.Slopes{
			Sorting: []float64{0.1, 0.05}, Control: []float64{0.2, -0.1}, Treated: []float64{0.3, 0.1}, Baseline: []float64{-0.2, 0.4},
		},
		Effect: dgp.TestEffect{Mean: []float64{0.1, -0.2, 0.3, 0, 0.05}, Bottom: -0.4},
		Points: true,
	}
	return t
}

// oneDomain is an invented trial with one of everything and what is optional
// left out, treated by the toss of a coin; classes are smaller than what is
// tested, and engagement is very skewed.
func oneDomain() dgp.Trial {
	t := dgp.DefaultTrial()
	t.Design.Blocks, t.Design.Schools, t.Design.Tested = 1, 12, 30
	t.Design.Children = dgp.ClassSize{Mean: 8}
	t.Design.Assignment = dgp.Simple{Share: 0.4}
	t.Quality = dgp.Quality{
		Domains: []string{"q"}, SD: []float64{1}, Correlation: dgp.Matrix{{1}},
		Effect: dgp.QualityEffect{Engagement: []float64{0.5}, Skew: 0.7},
	}
	t.Observation.Segments, t.Observation.Coders = 2, 2
	t.Observation.Scale.Mean, t.Observation.Scale.Points = []float64{4}, []float64{1}
	t.Observation.SegmentSD, t.Observation.CoderSD = []float64{0.5}, []float64{0.5}
	t.Observation.ErrorCorrelation = dgp.Matrix{{1}}
	t.Achievement.Tests = []string{"reading"}
	t.Achievement.Residual = dgp.Matrix{{0.7}}
	t.Achievement.TeacherSD = 0.5
	return t
}

// alike is an invented trial of classes without differences in quality, but
// with a block context, differently engaged teachers, and blocked assignment
// of a share that is no whole number.
func alike() dgp.Trial {
	t := oneDomain()
	t.Design.Blocks, t.Design.Schools = 3, 5
	t.Design.Assignment = dgp.Blocked{Share: 0.5}
	t.Design.Attrition.Children = 0.5
	t.Quality.SD = []float64{0}
	t.Quality.Effect.WithQuality = 0.9
	t.Quality.Context = dgp.Context{Variance: []float64{0.5}, BlockShare: 1, BlockCorrelation: 1}
	return t
}

func trials(t testing.TB) map[string]dgp.Trial {
	return map[string]dgp.Trial{"ecuador": ecuador(t), "many-teachers": manyTeachers(), "one-domain": oneDomain(), "alike": alike(), "factorial": factorial()}
}

func compile(t testing.TB, trial dgp.Trial) *dgp.Generator {
	t.Helper()
	g, err := trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// short is a number of draws, or a tenth of them in short mode, for the race
// detector.
func short(draws int) int {
	if testing.Short() {
		return draws / 10
	}
	return draws
}
