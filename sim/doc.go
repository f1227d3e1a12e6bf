// Package sim runs a study and measures how its estimators perform.
//
// A Study declares everything: the trial that generates data (dgp), and the
// estimators (package estimators) with the estimand that each is held against.
// Run simulates it in parallel into a run directory. Replicate r of a study
// draws from streams that are hashed from the seed, r and the purpose of the
// draw, so the log does not depend on workers, interruptions or order.
//
// The log, one Record per estimate and replicate in Parquet chunks, is the
// truth. Every summary and figure is a function of it: Summarise computes the
// performance measures with their Monte Carlo standard errors, and Compare lays
// published results beside them.
package sim
