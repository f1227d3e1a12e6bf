package sim

import (
	"iter"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// MDES is the minimum detectable effect size by Bloom (1995, Evaluation Review
// 19, eq. 1),
//
//	MDES = (t(1-α/2, ν) + t(power, ν)) SE,
//
// with the empirical standard error of the estimate and its Monte Carlo standard
// error, and ν degrees of freedom. It takes the effect to shift the estimate and the
// test to keep its size. It is NaN where ν or the standard error are not above 0.
func (m *Measures) MDES(df, alpha, power float64) Uncertain {
	if !(df > 0) || !(m.EmpSE > 0) {
		return Uncertain{math.NaN(), math.NaN()}
	}
	student := distuv.StudentsT{Sigma: 1, Nu: df}
	factor := student.Quantile(1-alpha/2) + student.Quantile(power)
	return Uncertain{factor * m.EmpSE, factor * m.EmpSEMCSE}
}

// MedianDF returns the median degrees of freedom of the fits of each of the given
// rows of a summary that worked and have a standard error; NaN where none has.
func MedianDF(chunks iter.Seq2[[]Record, error], rows []SummaryRow) ([]float64, error) {
	all := make([][]float64, len(rows))
	err := visit(chunks, rows, func(row int, r *Record) {
		if r.Status.Worked() && r.DF > 0 && isFinite(r.SE) {
			all[row] = append(all[row], r.DF)
		}
	})
	medians := make([]float64, len(rows))
	for i, df := range all {
		slices.Sort(df)
		medians[i] = quantile(df, 0.5)
	}
	return medians, err
}
