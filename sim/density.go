package sim

import (
	"math"
	"slices"

	"coachsim/dgp"
)

// A Density is the density of a variable in one group, over many data sets.
type Density struct {
	Group string
	Sets  int // data sets with at least two different values
	// At each X, the median over the data sets and the bounds of their middle 90%.
	X, Median, Low, High []float64
}

// densityPoints is the number of points of a density.
const densityPoints = 81

// A Support is where the values of a variable can lie; an end that is NaN is open.
type Support struct{ Min, Max float64 }

// Unbounded is the support of a variable without bounds.
func Unbounded() Support { return Support{math.NaN(), math.NaN()} }

// Densities measures the density of a variable in each of its groups: sets holds
// the values of each group in each data set. Points run evenly from the smallest
// to the largest value of any group and data set, and no further. There is none for a group
// without a data set of two different values.
func Densities(groups []string, sets [][][]float64, on Support) []Density {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, group := range sets {
		for _, set := range group {
			for _, v := range set {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if !(lo < hi) {
		return nil
	}
	at := make([]float64, densityPoints)
	for i := range at {
		w := float64(i) / (densityPoints - 1)
		at[i] = (1-w)*lo + w*hi
	}
	var all []Density
	for g, group := range sets {
		var each [][]float64
		for _, set := range group {
			if density := KernelDensity(set, at, on); density != nil {
				each = append(each, density)
			}
		}
		if len(each) == 0 {
			continue
		}
		d := Density{Group: groups[g], Sets: len(each), X: at}
		over := make([]float64, len(each))
		for i := range at {
			for k := range each {
				over[k] = each[k][i]
			}
			slices.Sort(over)
			d.Median = append(d.Median, quantile(over, 0.5))
			d.Low = append(d.Low, quantile(over, 0.05))
			d.High = append(d.High, quantile(over, 0.95))
		}
		all = append(all, d)
	}
	return all
}

// KernelDensity is the Gaussian kernel density of values at points, with the
// bandwidth of Silverman (1986, Density Estimation for Statistics and Data
// Analysis, eq. 3.31),
//
//	h = 0.9 min(SD, IQR/1.34) n^(-1/5),
//
// which is R's bw.nrd0; where the interquartile range is 0, the SD alone. At the
// ends of the support the kernels are reflected (section 2.10), so that all of the density lies
// within. It is nil where the values do not vary.
func KernelDensity(values, at []float64, on Support) []float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	var m moments
	for _, v := range sorted {
		m.add(v)
	}
	spread := m.sd()
	if iqr := quantile(sorted, 0.75) - quantile(sorted, 0.25); iqr > 0 {
		spread = min(spread, iqr/1.34)
	}
	n := float64(len(sorted))
	h := 0.9 * spread * math.Pow(n, -0.2)
	if !(h > 0) {
		return nil
	}
	density := make([]float64, len(at))
	for i, x := range at {
		if x < on.Min || x > on.Max {
			continue
		}
		sum := kernelSum(sorted, x, h)
		if !math.IsNaN(on.Min) {
			sum += kernelSum(sorted, 2*on.Min-x, h)
		}
		if !math.IsNaN(on.Max) {
			sum += kernelSum(sorted, 2*on.Max-x, h)
		}
		density[i] = sum / (n * h * math.Sqrt(2*math.Pi))
	}
	return density
}

// kernelSum is Σ exp(-((x-v)/h)²/2) over the values within eight bandwidths, beyond which
// a term is below 1e-13.
func kernelSum(sorted []float64, x, h float64) (sum float64) {
	from, _ := slices.BinarySearch(sorted, x-8*h)
	for _, v := range sorted[from:] {
		if v > x+8*h {
			break
		}
		u := (x - v) / h
		sum += math.Exp(-u * u / 2)
	}
	return sum
}

// A Variable is a column of a study's data sets with its densities.
type Variable struct {
	Name      string
	Part      Part
	Densities []Density // by arm; of a domain in the control arm alone
	On        Support
}

// A Part is what of the model a variable is.
type Part uint8

// The parts that StudyDensities measures.
const (
	TotalScore Part = iota // observed quality, the mean of the domains
	DomainScore
	TotalAchievement
	Learnt // of a study of learning: a score in percent, or a gain in points
)

// StudyDensities draws data sets of a study anew from its seed, of its first design
// where there are several, and measures the densities of total observed quality and
// total achievement by arm, and of each observed domain in the control arm; in a study
// of learning of the tests, the class's score before and its gain. Scores
// are in points of the rating scale, whose ends bound them.
func StudyDensities(study Study, sets int) ([]Variable, error) {
	if len(study.Cells) > 0 {
		study = study.Cells[0].Study
	}
	study.Observation.Points = true
	g, err := study.Trial.Compile()
	if err != nil {
		return nil, err
	}
	shape := g.Shape()
	type drawn struct {
		Variable
		column int
		arms   []string
		sets   [][][]float64
	}
	var all []drawn
	add := func(name string, part Part, on Support, arms ...string) {
		if c := shape.Index(name); c >= 0 {
			all = append(all, drawn{Variable{Name: name, Part: part, On: on}, c, arms, make([][][]float64, len(arms))})
		}
	}
	if o := study.Observation; !o.IsZero() {
		scale := Support{o.Scale.Min, o.Scale.Max}
		add(o.Total, TotalScore, scale, shape.Arms...)
		for _, domain := range study.Quality.Domains {
			add(domain, DomainScore, scale, shape.Arms[0])
		}
	}
	if l := study.Learning; l != nil {
		percent := Support{0, 100}
		add(l.Pretest, Learnt, percent, shape.Arms...)
		add(l.Posttest, Learnt, percent, shape.Arms...)
		add(l.Baseline, Learnt, percent, shape.Arms...)
		add(l.Gain, Learnt, Unbounded(), shape.Arms...)
	} else {
		add(study.Achievement.Total, TotalAchievement, Unbounded(), shape.Arms...)
	}
	for rep := range sets {
		data, _ := g.Draw(dgp.Stream{Seed: study.Seed, Replicate: uint64(rep)})
		for i := range all {
			v := &all[i]
			for arm := range v.arms {
				v.sets[arm] = append(v.sets[arm], valuesOf(shape, data, v.column, arm))
			}
		}
	}
	var variables []Variable
	for _, v := range all {
		v.Densities = Densities(v.arms, v.sets, v.On)
		variables = append(variables, v.Variable)
	}
	return variables, nil
}

// valuesOf returns a column's values among the units of an arm. Units above the
// level of assignment, which are in no arm, are in all.
func valuesOf(shape dgp.Shape, data *dgp.Data, column, arm int) (values []float64) {
	level := shape.Columns[column].Level
	for u, v := range data.Columns[column] {
		within := isFinite(v)
		for k, c := range shape.Columns {
			if c.Arm && c.Level <= level {
				on := data.Columns[k][data.Ancestor(level, u, c.Level)] != 0
				within = within && on == shape.TurnsOn(arm, k)
			}
		}
		if within {
			values = append(values, v)
		}
	}
	return values
}
