// Package estimators holds the methods of a study: what an analyst would fit
// to the data of a trial. It sees the data and never the truth.
//
// A Method declares an estimator as a struct of options. Bind checks the
// options of all methods against the columns of the data, once per worker, and
// returns a Panel; Panel.Fit then fits every method to one data set after the
// other, allocates nothing and cannot fail: what goes wrong in a fit is the
// Status of its Estimate.
//
// Regressions are written as formulas (Formula). All least-squares fits on the
// same rows share one pass over the children, from which a small matrix of
// cross-products per class is kept (core); coefficients and clustered standard
// errors follow from these matrices alone (linear). Where that would lose
// digits, the regression is refitted on the rows themselves (dense). Package
// estimatortest has the slow, obvious versions that all of this is tested
// against.
package estimators
