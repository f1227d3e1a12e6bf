// Package lasso fits penalised least squares (Tibshirani 1996; Zou and Hastie
// 2005) and what is inferred after it.
//
// The loss and its units are glmnet's (Friedman, Hastie and Tibshirani 2010):
//
//	Σ(y - a - x'b)² / 2n + lambda Σ_j w_j (mix |b_j| + (1 - mix)/2 b_j² / s_y)
//
// with columns divided by their 1/n standard deviation while fitting, if asked
// for; coefficients come back in the columns' own units. s_y, the 1/n standard
// deviation of the outcome, is in glmnet's program though not in its paper: it
// scales the outcome to 1 and lambda with it. The LASSO (mix 1) does not notice.
//
// A Sample holds rows, Moments their cross-products, which add up over folds and
// subsets; a Solver finds the Path of solutions over a list of lambdas from the
// moments alone; a CV chooses a lambda. Everything is sized once; fitting
// allocates nothing.
package lasso
