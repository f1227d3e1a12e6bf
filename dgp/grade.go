package dgp

import (
	"math"
	"slices"
)

// gradeName is the column of grades, counted from 0.
const gradeName = "grade"

// grades returns the number of grades.
func (t Trial) grades() int { return max(t.Design.Grades, 1) }

// gradeOf spreads teachers evenly over grades: those of each school, and where
// there are fewer of them than grades, or schools of different size, all in order.
func gradeOf(teacher, grades, perSchool int) int {
	if perSchool >= grades {
		teacher %= perSchool
	}
	return teacher % grades
}

// gradeLaw is the grade of a teacher; it is no random draw.
type gradeLaw struct{ grades, perSchool int }

// Check is for laws of a study file.
func (gradeLaw) Check(Covariate, []Covariate, func(key, format string, args ...any)) {}

// Compile prepares filling the column.
func (l gradeLaw) Compile(p *population) compiledLaw {
	grades := make([]float64, len(p.school))
	mean, square := 0.0, 0.0
	for j := range p.school {
		g := float64(gradeOf(j, l.grades, l.perSchool))
		grades[j] = g
		mean += g
		square += g * g
	}
	n := float64(max(len(grades), 1))
	mean /= n
	return compiledLaw{mean: mean, sd: math.Sqrt(max(square/n-mean*mean, 0)), meanInverse: math.NaN(), draw: func(dst []float64, _ *Source) {
		copy(dst, grades)
	}}
}

var _ Law = gradeLaw{}

// centred returns the numbers less their mean.
func centred(x []float64) []float64 {
	mean := 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	y := slices.Clone(x)
	for i := range y {
		y[i] -= mean
	}
	return y
}
