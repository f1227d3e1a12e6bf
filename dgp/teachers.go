package dgp

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxTeachers bounds the number of study teachers of one school.
const maxTeachers = 1000

// checkTeachers adds the faults of TeacherShares.
func (d Design) checkTeachers(f *Faults) {
	if d.TeacherShares == nil {
		return
	}
	const path = "trial.teacher_shares"
	if d.Teachers != 1 {
		f.Add(path, "says what trial.teachers says in another way; leave one of them out")
	}
	sum := 0.0
	for _, key := range slices.Sorted(maps.Keys(d.TeacherShares)) {
		sum += d.TeacherShares[key]
		if n, err := strconv.Atoi(key); err != nil || n < 1 || n > maxTeachers || strconv.Itoa(n) != key {
			f.Add(path+"."+key, "is no number of teachers, a whole number from 1 to %d", maxTeachers)
		}
	}
	if math.Abs(sum-1) > shareSlack {
		f.Add(path, "adds up to %.6g, not to 1", sum)
	}
}

// teacherCounts returns the numbers of teachers that schools have, ascending, with
// the share of schools of each. Where TeacherShares is wrong it is as if left out.
func (d Design) teacherCounts() (counts []int, shares []float64) {
	for key := range d.TeacherShares {
		n, err := strconv.Atoi(key)
		if err != nil || n < 1 || n > maxTeachers {
			return []int{d.Teachers}, []float64{1}
		}
		counts = append(counts, n)
	}
	if counts == nil {
		return []int{d.Teachers}, []float64{1}
	}
	slices.Sort(counts)
	for _, n := range counts {
		shares = append(shares, d.TeacherShares[strconv.Itoa(n)])
	}
	return counts, shares
}

// teachersPerSchool returns the smallest and the largest number of teachers of a
// school.
func (d Design) teachersPerSchool() (fewest, most int) {
	counts, _ := d.teacherCounts()
	return counts[0], counts[len(counts)-1]
}

// OneTeacher reports whether no school has more than one study teacher, so that school
// and class are the same unit.
func (d Design) OneTeacher() bool {
	_, most := d.teachersPerSchool()
	return most == 1
}

// teacherStarts returns the first teacher of each school, and the end. Schools of
// each size are spread evenly: the next school has the size that is furthest behind
// its share. Their numbers are part of the design, the same in every data set, and
// differ from shares of all schools by about one at most.
func (d Design) teacherStarts() []int {
	counts, shares := d.teacherCounts()
	starts := make([]int, d.schools()+1)
	given := make([]int, len(counts))
	for s := range d.schools() {
		next, behind := 0, math.Inf(-1)
		for i, share := range shares {
			if b := share*float64(s+1) - float64(given[i]); b > behind+1e-9 {
				next, behind = i, b
			}
		}
		given[next]++
		starts[s+1] = starts[s] + counts[next]
	}
	return starts
}

// teachers returns the number of teachers in all schools.
func (d Design) teachers() int {
	if d.TeacherShares == nil {
		return d.schools() * d.Teachers
	}
	starts := d.teacherStarts()
	return starts[len(starts)-1]
}

// TeachersPerSchool says how many study teachers a school has: "1 teacher", or
// "2 (65%) or 3 (35%) teachers".
func (d Design) TeachersPerSchool() string {
	counts, shares := d.teacherCounts()
	switch {
	case len(counts) > 1:
	case counts[0] == 1:
		return "1 teacher"
	default:
		return fmt.Sprintf("%d teachers", counts[0])
	}
	var parts []string
	for i, n := range counts {
		parts = append(parts, fmt.Sprintf("%d (%s)", n, percent(shares[i])))
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " or " + parts[last] + " teachers"
}
