package dgp

// sharedParts are what the tests of a child have on top of residual and the
// class part: parts of the block, school and class that differ between tests,
// the baseline's part, and the grade's.
type sharedParts struct {
	sd          [levels]float64 // of blocks, schools and teachers, for each test
	correlation Matrix          // of these between tests; nil where all sd are 0

	// The baseline's true parts have these SDs and slopes; error is the SD of its
	// error of measurement.
	spread, slope [levels]float64
	error         float64

	gradeSD    float64
	gradeMeans []float64

	factor   [][]float64
	z        []float64 // scratch: one unit
	block    []float64 // scratch: part of one block, by test
	school   []float64 // scratch: part of one school, by test
	grade    []float64 // part of each grade
	teachers int
	class    [][]float64 // by test and class
	// What the baseline does to every test; nil without one.
	baselineClass, baselineChild []float64
}

// compile makes room.
func (s *sharedParts) compile(t Trial) {
	n := len(t.Achievement.Tests)
	s.factor = s.correlation.factor(nil)
	s.z, s.block, s.school = make([]float64, n), make([]float64, n), make([]float64, n)
	s.class = columnsOf(n, t.Design.teachers())
	s.gradeSD, s.grade, s.teachers = t.Achievement.GradeSD, make([]float64, t.grades()), t.Design.Teachers
	if s.gradeMeans = t.Achievement.GradeMeans; s.gradeMeans != nil {
		s.gradeMeans = centred(s.gradeMeans)
	}
}

// draw draws the parts of every class.
func (s *sharedParts) draw(p *population, r *Source) {
	copy(s.grade, s.gradeMeans)
	if s.gradeSD > 0 {
		for g := range s.grade {
			s.grade[g] = s.gradeSD * r.NormFloat64()
		}
	}
	block, school := -1, -1
	for j, at := range p.school {
		if p.block[at] != block {
			block = p.block[at]
			s.level(s.block, BlockLevel, r)
		}
		if at != school {
			school = at
			s.level(s.school, SchoolLevel, r)
		}
		s.level(s.z, TeacherLevel, r)
		grade := s.grade[gradeOf(j, len(s.grade), s.teachers)]
		for k := range s.class {
			s.class[k][j] = s.block[k] + s.school[k] + s.z[k] + grade
			if s.baselineClass != nil {
				s.class[k][j] += s.baselineClass[j]
			}
		}
	}
}

// level draws the part of one unit, by test.
func (s *sharedParts) level(dst []float64, l Level, r *Source) {
	clear(dst)
	if s.sd[l] == 0 {
		return
	}
	for i := range dst { // in place: column by column of the factor
		z := s.sd[l] * r.NormFloat64()
		for k := i; k < len(dst); k++ {
			dst[k] += s.factor[k][i] * z
		}
	}
}

// move adds what a child gains who spends a share of the time in another class:
// the difference of what the classes do. The child's own baseline and grade stay.
func (s *sharedParts) move(scores []float64, from, to int, time float64) {
	for k := range scores {
		scores[k] += time * (s.does(k, to) - s.does(k, from))
	}
}

// does is what class j does to test k.
func (s *sharedParts) does(k, j int) float64 {
	x := s.class[k][j] - s.grade[gradeOf(j, len(s.grade), s.teachers)]
	if s.baselineClass != nil {
		x -= s.baselineClass[j]
	}
	return x
}

// part is the part of child i of class j in test k.
func (s *sharedParts) part(k, j, i int) float64 {
	own := 0.0
	if s.baselineChild != nil {
		own = s.baselineChild[i]
	}
	return s.class[k][j] + own
}
