package estimators

// A selection is which terms of a design an estimator lists in the data set being
// fitted, for estimators after it in the panel.
type selection struct {
	design *design
	listed []bool // by term
	status Status
}
