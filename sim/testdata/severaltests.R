# Power of families of t tests whose estimates are multivariate normal and whose
# squared standard errors are the diagonal of a Wishart matrix with the same
# correlations. Written apart from the Go code, in R with mvtnorm:
#   - two tests with few degrees of freedom: the bivariate chi-squared of the standard
#     errors as Kibble's (1941) mixture of independent ones, bivariate normal
#     rectangles by pmvnorm, and a product Gauss-Legendre rule over both (tests ±1e-7);
#   - three tests with infinite degrees of freedom: trivariate normal by TVPACK;
#   - otherwise draws (rWishart), with their Monte Carlo standard error.
# Which tests a method rejects is left to p.adjust, on one p-value of every cell
# between the levels at which decisions change.
# Run: Rscript severaltests.R > severaltests_R.csv   (half a minute)
suppressMessages(library(mvtnorm))
alpha <- .05
methods <- c("none", "bonferroni", "holm", "hochberg", "BH", "BY")
cat("case,tests,df,noncentrality,correlation,method,measure,k,value,mcse\n")

measures <- function(reject, effect) { # of one pattern of rejections
  hits <- sum(reject & effect); wrong <- sum(reject & !effect); m <- sum(effect)
  c(setNames(as.numeric(reject), paste0("individual,", seq_along(reject))),
    "mean,0" = hits / m, "mean_square,0" = (hits / m)^2,
    setNames(as.numeric(hits >= seq_len(m)), paste0("at_least,", seq_len(m))),
    if (any(!effect)) c("familywise_error,0" = as.numeric(wrong > 0), "false_discovery,0" = wrong / max(1, wrong + hits)))
}
report <- function(case, df, delta, R, method, x, mcse) {
  for (n in names(x)) cat(sprintf("%s,%d,%s,%s,%s,%s,%s,%.15g,%.3g\n", case, length(delta), format(df),
    paste(delta, collapse = " "), paste(format(R[lower.tri(R)], digits = 15, trim = TRUE), collapse = " "), method, n, x[[n]], mcse[[n]]))
}
levels_of <- function(m) { # of p-values, at which decisions change
  h <- sum(1 / seq_len(m))
  sort(unique(c(alpha / seq_len(m), alpha * seq_len(m) / m, alpha * seq_len(m) / (m * h))))
}
# From rect(c), the probability that all |t_k| <= c_k, the probabilities of cells.
exact <- function(case, df, delta, R, rect) {
  m <- length(delta); lv <- levels_of(m); L <- length(lv)
  cr <- c(Inf, if (is.finite(df)) qt(1 - lv / 2, df) else qnorm(1 - lv / 2), 0) # falling |t|
  p <- c((c(0, lv) + c(lv, lv[L] + .2)) / 2)                                   # inside the cells
  idx <- as.matrix(expand.grid(rep(list(seq_len(L + 2)), m)))
  F <- array(apply(idx, 1, function(i) if (any(cr[i] == 0)) 0 else rect(cr[i])), rep(L + 2, m))
  cells <- as.matrix(expand.grid(rep(list(seq_len(L + 1)), m)))
  corner <- as.matrix(expand.grid(rep(list(0:1), m)))
  prob <- apply(cells, 1, function(i) sum(apply(corner, 1, function(o) (-1)^sum(o) * F[rbind(i + o)])))
  stopifnot(abs(sum(prob) - 1) < 1e-6)
  for (method in methods) {
    x <- apply(cells, 1, function(i) measures(p.adjust(p[i], method) <= alpha, delta != 0))
    x <- drop(x %*% prob)
    report(case, df, delta, R, method, x, 0 * x)
  }
}
gauss <- function(n, a, b) { # Golub and Welsch
  k <- seq_len(n - 1); J <- matrix(0, n, n); o <- k / sqrt(4 * k^2 - 1)
  J[cbind(k, k + 1)] <- o; J[cbind(k + 1, k)] <- o
  e <- eigen(J, symmetric = TRUE)
  list(x = (a + b) / 2 + (b - a) / 2 * e$values, w = (b - a) * e$vectors[1, ]^2)
}
pair <- function(case, df, delta, r) {
  R <- matrix(c(1, r, r, 1), 2)
  g <- gauss(48, sqrt(qchisq(1e-12, df) / df) , sqrt(qchisq(1 - 1e-11, df) / df))
  q <- g$x^2 * df / (1 - r^2)
  n <- 0:400; pn <- dnbinom(n, df / 2, 1 - r^2)
  f <- sapply(n[pn > 1e-17], function(k) dchisq(q, df + 2 * k) * 2 * g$x * df / (1 - r^2)) # of s = sqrt(Q/df)
  w <- (f %*% (pn[pn > 1e-17] * t(f))) * outer(g$w, g$w)
  exact(case, df, delta, R, function(c) {
    sum(sapply(seq_along(g$x), function(i) sapply(seq_along(g$x), function(j) {
      if (w[i, j] < 1e-13) return(0)
      b <- c * g$x[c(i, j)]
      w[i, j] * pmvnorm(-b, b, mean = delta, corr = R)[1]
    })))
  })
}
three <- function(case, delta, R) exact(case, Inf, delta, R, function(c) {
  corner <- as.matrix(expand.grid(rep(list(c(-1, 1)), 3)))
  sum(apply(corner, 1, function(s) prod(s) * {
    u <- s * pmin(c, 38) - delta            # TVPACK knows no infinite limits
    if (any(u < -30)) 0 else pmvnorm(upper = u, corr = R, algorithm = TVPACK(1e-14))[1]
  }))
})
draws <- function(case, df, delta, R, n) {
  m <- length(delta)
  e <- eigen(R, symmetric = TRUE); A <- e$vectors %*% diag(sqrt(pmax(e$values, 0))) # R = AA'
  set.seed(20260301)
  z <- matrix(rnorm(n * m), n) %*% t(A)
  I <- rWishart(n, df, diag(m))
  W <- sapply(seq_len(m), function(k) { a <- A[k, ]; colSums(a * apply(I, 3, function(S) S %*% a)) })
  p <- 2 * pt(-abs((sweep(z, 2, delta, "+")) / sqrt(W / df)), df)
  lv <- levels_of(m); key <- matrix(findInterval(p, lv), n)              # as in exact
  mid <- (c(0, lv) + c(lv, lv[length(lv)] + .2)) / 2
  code <- drop(key %*% (length(lv) + 1)^(seq_len(m) - 1)); tab <- table(code)
  one <- key[match(as.numeric(names(tab)), code), , drop = FALSE]
  for (method in methods) {
    x <- apply(one, 1, function(i) measures(p.adjust(mid[i + 1], method) <= alpha, delta != 0))
    mean <- drop(x %*% tab) / n; square <- drop(x^2 %*% tab) / n
    report(case, df, delta, R, method, mean, sqrt((square - mean^2) / n))
  }
}
corr <- function(...) { r <- c(...); m <- (1 + sqrt(1 + 8 * length(r))) / 2; R <- diag(m); R[lower.tri(R)] <- r; R + t(R) - diag(m) }
pair("pair", 8, c(2.5, 1.2), .6)
pair("opposed", 5, c(3, 0), -.4)
three("normal", c(2.8, 2, 1), corr(.7, .3, .5))
three("nulls", c(2.8, 0, 0), corr(.7, .3, .5))
draws("few", 12, c(2.8, 2, 0), corr(.7, .3, .5), 1e6)
A <- corr(.6, .4, .5); v <- rowSums(A) / sqrt(sum(A)) # the fourth is the mean of three
draws("total", 20, c(2.2, 1.5, 2.6, 2.7), rbind(cbind(A, v), c(v, 1)), 1e6)
