package dgp

import (
	"math"
	"strings"
)

// A balance holds the covariates by which a scheme compares units, one value
// for each unit: that of the unit itself or of the unit it is in, or the mean
// over what is in it, such as a school's mean baseline score.
type balance struct {
	columns []int // places in Shape.Columns
	level   []Level
	within  bool        // compare units of the same block, school or class
	x       [][]float64 // by covariate and unit: deviations in SDs
	z       [][]float64 // the same, uncorrelated with variance 1 (Mahalanobis)
}

func newBalance(s Shape, on []string, level Level, within bool) *balance {
	b := &balance{within: within, x: columnsOf(len(on), s.Max[level]), z: columnsOf(len(on), s.Max[level])}
	for _, name := range on {
		c := s.Index(name)
		b.columns = append(b.columns, c)
		b.level = append(b.level, s.Columns[c].Level)
	}
	return b
}

// checkOn reports names that are no covariates.
func checkOn(on []string, covariates []Covariate, fault func(key, format string, args ...any)) {
	var names []string
	for _, c := range covariates {
		names = append(names, c.Name)
	}
	if len(on) == 0 {
		fault("on", "names no covariate")
	}
	for i, name := range on {
		if findCovariate(covariates, name) == nil {
			fault("on", "there is no covariate %q; the covariates are %s", name, strings.Join(names, ", "))
		}
		for _, before := range on[:i] {
			if before == name {
				fault("on", "names %q twice", name)
			}
		}
	}
}

// prepare reads the covariates of the units.
func (b *balance) prepare(u *Units) {
	n := u.Len()
	strata := u.Strata()
	for k, column := range b.columns {
		x := b.x[k][:n]
		u.spread(x, u.Columns[column], b.level[k])
		df := float64(n - 1)
		if b.within {
			df = float64(n - (len(strata) - 1))
			for s, lo := range strata[:len(strata)-1] {
				center(x[lo:strata[s+1]])
			}
		} else {
			center(x)
		}
		square := 0.0
		for _, v := range x {
			square += v * v
		}
		scale := 0.0 // a covariate that does not vary tells units not apart
		if square > 1e-20 && df > 0 {
			scale = 1 / math.Sqrt(square/df)
		}
		for i := range x {
			x[i] *= scale
		}
		b.whiten(k, n, df)
	}
}

// whiten sets z of covariate k: what earlier covariates do not explain of it,
// as by one more row of a Cholesky factor.
func (b *balance) whiten(k, n int, df float64) {
	z := b.z[k][:n]
	copy(z, b.x[k][:n])
	rest := 0.0
	for j := range k {
		l := 0.0
		for i, v := range b.z[j][:n] {
			l += v * b.x[k][i]
		}
		l /= df
		for i, v := range b.z[j][:n] {
			z[i] -= l * v
		}
	}
	for _, v := range z {
		rest += v * v
	}
	scale := 0.0
	if df > 0 && rest/df > 1e-8 { // else the earlier ones explain it
		scale = 1 / math.Sqrt(rest/df)
	}
	for i := range z {
		z[i] *= scale
	}
}

func center(x []float64) {
	mean := 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for i := range x {
		x[i] -= mean
	}
}

// spread fills dst, by unit assigned, with a column of a level: the value of
// the unit, or of that it is in, or the mean of what is in it.
func (u *Units) spread(dst, column []float64, level Level) {
	if level < u.Level {
		for above := range u.N[level] {
			lo, hi := u.below(level, above, u.Level)
			for i := lo; i < hi; i++ {
				dst[i] = column[above]
			}
		}
		return
	}
	for i := range dst {
		lo, hi := u.below(u.Level, i, level)
		sum := 0.0
		for _, v := range column[lo:hi] {
			sum += v
		}
		dst[i] = sum / float64(max(hi-lo, 1))
	}
}

// below returns the range of the units of a lower level that are in a unit.
func (u *Units) below(level Level, unit int, lower Level) (lo, hi int) {
	lo, hi = unit, unit+1
	for l := level + 1; l <= lower; l++ {
		lo, hi = u.Start[l][lo], u.Start[l][hi]
	}
	return lo, hi
}
