package sim

import (
	"fmt"
	"math"
)

// A Published cell is one printed number of a paper with the estimate of the
// study that reproduces it.
type Published struct {
	ID        string // e.g. "t3b_total_c1"
	Table     string // e.g. "3B"
	Column    string // printed column
	Label     string // e.g. "Treatment → total achievement"
	Estimator string
	Outcome   string
	Term      string
	// Kind is "coef" for a regression coefficient, "corr" for a correlation, "p" for a
	// p-value, "r2", "iqr" for an effect between the 25th and 75th percentile; of predictions "mse", "ratio", and "lo" and "hi" for their percentiles;
	// of selection "freq" (share of runs), "importance", "sign" (1 for +) and "tick" (1 or 0).
	Kind  string
	Value float64 // as printed
	SE    float64 // as printed; NaN where none is
	// CalibratedSE is the mean standard error that the calibration of the
	// data-generating model found; NaN where it gives none.
	CalibratedSE float64
}

// A Comparison holds one published cell beside what the study simulated.
type Comparison struct {
	Published
	Mean     float64 // mean estimate, or mean p-value for Kind "p"
	MeanMCSE float64
	SD       float64 // standard deviation of the estimates
	MeanSE   float64 // mean model standard error

	SDMCSE, MeanSEMCSE float64

	DiffSE float64 // (Mean - Value)/SE; NaN where no SE is printed
	N      int     // fits used
	NFail  int

	// Extreme is the share of simulated data sets at least as extreme as the published
	// value, with its Monte Carlo standard error; see Extremes.
	Extreme, ExtremeMCSE float64
}

// Verdict puts a difference in words: close, near or off. Coefficients are judged by
// their printed standard error, other numbers by how much they vary between
// simulated trials.
func (c Comparison) Verdict() string {
	d := math.Abs(c.DiffSE)
	if math.IsNaN(c.SE) {
		d = math.Abs(c.Mean-c.Value) / c.SD
	}
	switch {
	case math.IsNaN(d):
		return "-"
	case d <= 0.25:
		return "close"
	case d <= 0.80:
		return "near"
	default:
		return "off"
	}
}

// kindsInWords says what cells of predictions and selections are.
var kindsInWords = map[string]string{
	"mse": "mean", "ratio": "mean", "lo": "2.5%", "hi": "97.5%", "freq": "share of runs", "importance": "importance", "sign": "positive", "tick": "listed",
}

// Name is the printed column and what the cell is.
func (c Comparison) Name() string {
	if words, ok := kindsInWords[c.Kind]; ok {
		return "(" + c.Column + ") " + words + ": " + c.Label
	}
	if c.Column != "" && c.Kind != "corr" {
		return "(" + c.Column + ") " + c.Label
	}
	return c.Label
}

// Compare lays published cells beside a summary of the study that reproduces
// them.
func Compare(cells []Published, s Summary) ([]Comparison, error) {
	byRow := map[[3]string]*SummaryRow{}
	for i := range s.Rows {
		r := &s.Rows[i]
		byRow[[3]string{r.Estimator, r.Outcome, r.Term}] = r
	}
	all := make([]Comparison, len(cells))
	for i, cell := range cells {
		r := byRow[[3]string{cell.Estimator, cell.Outcome, cell.Term}]
		if r == nil {
			return nil, fmt.Errorf("published cell %s: the study has no estimate of %s on %s by %s", cell.ID, cell.Term, cell.Outcome, cell.Estimator)
		}
		used := r.Estimates()
		c := Comparison{
			Published: cell, Mean: r.Mean, MeanMCSE: r.EmpSE / math.Sqrt(float64(used)), SD: r.EmpSE, MeanSE: r.MeanSE,
			SDMCSE: r.EmpSEMCSE, MeanSEMCSE: r.MeanSEMCSE,
			N: used, NFail: r.NFail,
		}
		if cell.Kind == "p" {
			c.Mean, c.MeanMCSE, c.SD, c.MeanSE = r.MeanP, r.MeanPMCSE, math.NaN(), math.NaN()
			c.SDMCSE, c.MeanSEMCSE = math.NaN(), math.NaN()
		}
		c.DiffSE = (c.Mean - c.Value) / c.SE
		all[i] = c
	}
	return all, nil
}

// A Tolerance says when a study reproduces its paper.
type Tolerance struct {
	RMS   float64 // of DiffSE over the coefficients
	Worst float64 // largest |DiffSE| of a coefficient
	SE    float64 // largest relative difference of a mean SE from the calibrated one
	R2    float64 // largest difference of an R²; 0 where there are none
	MSE   float64 // largest relative difference of a mean squared error of least squares; 0 where there are none
}

// An Agreement is how close the coefficients of a comparison come.
type Agreement struct {
	Cells       int     // coefficients with a printed SE
	RMS         float64 // root mean square of DiffSE
	Worst       float64 // largest |DiffSE|
	WorstCell   string
	SEs         int     // cells with a calibrated SE
	WorstSE     float64 // largest |MeanSE/CalibratedSE - 1|
	WorstSECell string
	R2          float64 // largest |Mean - Value| of an R²
	MSE         float64 // largest |Mean/Value - 1| of a mean squared error of least squares
}

// Agree measures the agreement of the coefficients.
func Agree(all []Comparison) Agreement {
	var a Agreement
	sum := 0.0
	for _, c := range all {
		switch {
		case c.Kind == "r2":
			a.R2 = math.Max(a.R2, math.Abs(c.Mean-c.Value))
		case c.Kind == "mse" && c.Column == "OLS":
			a.MSE = math.Max(a.MSE, math.Abs(c.Mean/c.Value-1))
		}
		if c.Kind != "coef" {
			continue
		}
		if !math.IsNaN(c.SE) {
			a.Cells++
			sum += c.DiffSE * c.DiffSE
			// Not >: a NaN must show up as the worst.
			if d := math.Abs(c.DiffSE); !(d <= a.Worst) {
				a.Worst, a.WorstCell = d, c.ID
			}
		}
		if !math.IsNaN(c.CalibratedSE) {
			a.SEs++
			if d := math.Abs(c.MeanSE/c.CalibratedSE - 1); !(d <= a.WorstSE) {
				a.WorstSE, a.WorstSECell = d, c.ID
			}
		}
	}
	a.RMS = math.Sqrt(sum / float64(a.Cells))
	return a
}

// Within reports whether the agreement is within a tolerance.
func (a Agreement) Within(t Tolerance) bool {
	return a.Cells > 0 && a.RMS <= t.RMS && a.Worst <= t.Worst && a.WorstSE <= t.SE && a.R2 <= t.R2 && a.MSE <= t.MSE
}
