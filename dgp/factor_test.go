package dgp

import (
	"maps"
	"math"
	"slices"
	"testing"
)

// blockTrial is a cohort of teachers with covariates a to d, of which the first three
// correlate by a factor, e, which loads on c, f, which loads on what children know before,
// and g, which goes with its school alone. a, b and what children know before move gains.
func blockTrial(r float64) Trial {
	t := DefaultTrial()
	t.Design = Design{
		Blocks: 1, Schools: 200, Teachers: 2, Children: ClassSize{Mean: 5}, Tested: 5,
		Arms: []string{"control"}, Assignment: None{},
	}
	t.Factors = []Factor{{Name: "common", Level: TeacherLevel, Of: []string{"a", "b", "c"}, Correlation: r}}
	normal := func(name string, latent *Latent) Covariate {
		return Covariate{Name: name, Level: TeacherLevel, Law: Normal{SD: 1}, Latent: latent}
	}
	t.Covariates = []Covariate{
		normal("a", nil), normal("b", &Latent{SchoolShare: 0.5}), normal("c", nil), normal("d", nil),
		normal("e", &Latent{Loads: map[string]float64{"c": 0.5}}), normal("f", &Latent{Loads: map[string]float64{"ability": 0.4}}),
		normal("g", &Latent{SchoolShare: 0.5}),
	}
	l := new(Learning)
	l.SetDefaults()
	l.Ability = Ability{GradeMeans: []float64{0}, TeacherSD: 0.5, ChildSD: 0.5}
	l.Items.Numbers = []int{10}
	l.Gains.Mean, l.Gains.Unit = 10, 3
	l.Gains.Effects = map[string]float64{"a": 1, "b": -0.5}
	t.Learning = l
	return t
}

func mustCompile(t *testing.T, trial Trial) *Generator {
	t.Helper()
	g, err := trial.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A factor of covariates is the same as each loading on it by the root of their
// correlation, draw for draw; and they correlate so.
func TestFactorOfCovariates(t *testing.T) {
	short, long := blockTrial(0.5), blockTrial(0)
	long.Factors[0].Of = nil
	for i := range 3 {
		latent := &Latent{Loads: map[string]float64{"common": math.Sqrt(0.5)}}
		if long.Covariates[i].Latent != nil {
			latent.SchoolShare = long.Covariates[i].Latent.SchoolShare
		}
		long.Covariates[i].Latent = latent
	}
	g, h := mustCompile(t, short), mustCompile(t, long)
	if short.Covariates[0].Latent != nil || len(short.Covariates[1].Latent.Loads) != 0 {
		t.Error("compiling changed the trial")
	}
	sums := map[string]float64{}
	const trials = 30
	for rep := range uint64(trials) {
		x, _ := g.Draw(Stream{Seed: 4, Replicate: rep})
		y, _ := h.Draw(Stream{Seed: 4, Replicate: rep})
		for k := range x.Columns {
			if !slices.Equal(x.Columns[k], y.Columns[k]) {
				t.Fatalf("column %d of replicate %d differs", k, rep)
			}
		}
		column := func(name string) []float64 { return x.Columns[g.Shape().Index(name)] }
		for _, pair := range []string{"ab", "ac", "bc", "ad"} {
			a, b := column(pair[:1]), column(pair[1:])
			for i := range a {
				sums[pair] += a[i] * b[i] / float64(trials*len(a))
			}
		}
	}
	// The means of 12,000 products with a variance of at most 1.25 have a standard error of
	// at most .0102: one of four leaves 4.9 of these once in 250,000 times.
	for pair, want := range map[string]float64{"ab": 0.5, "ac": 0.5, "bc": 0.5, "ad": 0} {
		if math.Abs(sums[pair]-want) > 0.05 {
			t.Errorf("%s correlate by %.3f, not %g", pair, sums[pair], want)
		}
	}
}

// Related are covariates without effect that covary with one that has an effect, or with
// what children know before.
func TestRelated(t *testing.T) {
	for r, want := range map[float64]string{0.5: "cef", 0: "f"} {
		g, got := mustCompile(t, blockTrial(r)), ""
		for i, c := range g.Shape().Columns {
			if g.Related(i) {
				got += c.Name
			}
		}
		if got != want {
			t.Errorf("with a correlation of %g related are %q, not %q", r, got, want)
		}
	}
	// A class mean that rises with the grade goes with the score before where grades differ
	// in it, and with another that does.
	for want, change := range map[string]func(*Trial){
		"fgradeold":   func(t *Trial) { t.Learning.Ability.GradeMeans[1] = 0.5 },
		"fgradeolder": func(t *Trial) { t.Learning.Gains.Effects["old"] = 0.1 },
		"f":           func(*Trial) {},
	} {
		trial, got := blockTrial(0), ""
		trial.Design.Grades = 2
		trial.Learning.Ability.GradeMeans, trial.Learning.Items.Numbers = []float64{0, 0}, []int{10, 10}
		for _, name := range []string{"old", "older"} {
			trial.Covariates = append(trial.Covariates, Covariate{Name: name, Level: TeacherLevel, Law: ClassMean{Mean: 9, ChildSD: 0.5, Grade: 1}})
		}
		if change(&trial); want == "fgradeold" {
			trial.Covariates = trial.Covariates[:len(trial.Covariates)-1]
		}
		g := mustCompile(t, trial)
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "grade", "old", "older"} {
			if i := g.Shape().Index(name); i >= 0 && g.Related(i) {
				got += name
			}
		}
		if got != want {
			t.Errorf("with grades related are %q, not %q", got, want)
		}
	}
	trial := latentTrial() // without learning nothing predicts
	g := mustCompile(t, trial)
	if slices.ContainsFunc(trial.Covariates, func(c Covariate) bool { return g.Related(g.Shape().Index(c.Name)) }) {
		t.Error("related to nothing")
	}
}

// What cannot be a factor of covariates is said.
func TestFactorOfCovariatesFaults(t *testing.T) {
	for want, change := range map[string]func(*Trial){
		`factors[0].of[0]: there is no covariate "z"; there are a, b, c, d, e, f, g`: func(t *Trial) { t.Factors[0].Of = []string{"z", "a"} },
		`factors[0].of[1]: "a" stands here twice`:                                    func(t *Trial) { t.Factors[0].Of = []string{"a", "a"} },
		"factors[0].of: names one covariate; a correlation is of two or more":        func(t *Trial) { t.Factors[0].Of = []string{"a"} },
		"factors[0].correlation: is of the covariates that are named by of, and none is": func(t *Trial) {
			t.Factors[0].Of = nil
		},
		`factors[0].of[1]: "b" has a load on common of its own too`: func(t *Trial) {
			t.Covariates[1].Latent = &Latent{Loads: map[string]float64{"common": 0.1}}
		},
		`factors[0].of[0]: "a" is of schools, and the factor of teachers: it can load on what is of its own level or above`: func(t *Trial) {
			t.Covariates[0].Level = SchoolLevel
		},
		`factors[0].of[3]: "size" is a class size or a share of members, which loads on nothing`: func(t *Trial) {
			t.Covariates = append(t.Covariates, Covariate{Name: "size", Level: TeacherLevel, Law: ClassSizeLaw{}})
			t.Factors[0].Of = append(t.Factors[0].Of, "size")
		},
		`factors[0].of[3]: the children of a class would have a part of the score in common by "girl", which has slope or curvature`: func(t *Trial) {
			t.Covariates = append(t.Covariates, Covariate{Name: "girl", Level: ChildLevel, Law: Normal{SD: 1}, Slope: 0.2})
			t.Factors[0].Of = append(t.Factors[0].Of, "girl")
		},
		"covariates[0].latent.loads: explain 1.31 of a variance of 1: make them smaller": func(t *Trial) {
			t.Covariates[0].Latent = &Latent{Loads: map[string]float64{"ability": 0.9}}
		},
	} {
		trial := blockTrial(0.5)
		change(&trial)
		err := trial.Validate()
		if err == nil || err.Error() != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
	trial := blockTrial(0.5)
	loads := maps.Clone(trial.Covariates[4].Latent.Loads)
	if err := trial.Validate(); err != nil || !maps.Equal(loads, trial.Covariates[4].Latent.Loads) {
		t.Error(err)
	}
}
