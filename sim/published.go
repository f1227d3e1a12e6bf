package sim

// A Published cell is one printed number of a paper with the estimate of the
// study that reproduces it.
type Published struct {
	ID        string // e.g. "t3b_total_c1"
	Table     string // e.g. "3B"
	Column    string // printed column
	Label     string // e.g. "Treatment on total achievement"
	Estimator string
	Outcome   string
	Term      string
	Kind      string  // "coef" for a regression coefficient; "corr" or "p" for others
	Value     float64 // as printed
	SE        float64 // as printed; NaN where none is
	// CalibratedSE is the mean standard error that the calibration of the
	// data-generating model found; NaN where it gives none.
	CalibratedSE float64
}

// A Comparison holds one published cell beside what the study simulated.
type Comparison struct {
	Published
	Mean     float64 // mean estimate
	MeanMCSE float64
	SD       float64 // standard deviation of the estimates
	MeanSE   float64 // mean model standard error
	DiffSE   float64 // (Mean - Value)/SE; NaN where no SE is printed
	N        int     // fits used
	NFail    int
}
