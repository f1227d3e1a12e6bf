# Reference for inference after selection: obvious and slow, with glmnet for the
# selections and sandwich for the standard errors. Run as: Rscript inference.R, in
# this directory, after glmnet.R. Writes inference.csv.
suppressMessages({library(glmnet); library(sandwich)})
f <- function(x) formatC(x, digits = 15, format = "g", width = -1)
out <- NULL
add <- function(...) out <<- rbind(out, data.frame(...))

net <- function(x, y, ...) glmnet(x, y, thresh = 1e-22, maxit = 1e8, ...)

# Coefficients (intercept first) of y on x by a rule; column drop never enters.
choose <- function(x, y, rule, fold, cluster, drop = NULL, number = NA) {
  n <- nrow(x); p <- ncol(x)
  pf <- rep(1, p); pf[drop] <- Inf
  if (rule == "number") return(as.numeric(coef(net(x, y, lambda = number, penalty.factor = pf))))
  if (rule == "plugin") {
    xc <- scale(x, scale = FALSE)
    chosen <- integer(0); b <- NULL
    for (round in 1:15) {
      e <- if (length(chosen)) resid(lm(y ~ x[, chosen, drop = FALSE])) else y - mean(y)
      psi <- if (is.null(cluster)) sqrt(colMeans(xc^2 * e^2)) else sqrt(colSums(rowsum(xc * e, cluster)^2) / n)
      psi[drop] <- Inf
      gamma <- .1 / log(n)
      lam <- 1.1 * qnorm(1 - gamma / (2 * p)) / sqrt(n)
      # (1/2n) RSS + lam sum psi |b|: columns divided by psi have the penalty lam.
      keep <- which(is.finite(psi) & psi > 0)
      g <- net(sweep(xc[, keep], 2, psi[keep], "/"), y, lambda = lam, standardize = FALSE)
      b <- numeric(p); b[keep] <- as.numeric(g$beta) / psi[keep]
      now <- which(b != 0)
      same <- identical(now, chosen); chosen <- now
      if (same) break
    }
    return(c(mean(y) - sum(b * colMeans(x)), b))
  }
  cv <- suppressWarnings(cv.glmnet(x, y, foldid = fold, thresh = 1e-22, maxit = 1e8, penalty.factor = pf,
                                   lambda = net(x, y, penalty.factor = pf)$lambda))
  at <- if (rule == "cv-min") cv$lambda.min else cv$lambda.1se
  # At the first of glmnet's lambdas, found by extrapolation, a rounding error may select.
  b <- as.numeric(coef(cv$glmnet.fit, s = at))
  ifelse(abs(b) < 1e-10, 0, b)
}

se <- function(fit, cluster) {
  v <- if (is.null(cluster)) vcovHC(fit, "HC1") else vcovCL(fit, cluster, type = "HC1", cadjust = TRUE)
  sqrt(diag(v))
}

for (name in c("independent", "correlated", "mixed")) {
  d <- read.csv(paste0(name, ".csv")); y <- d$y; x <- unname(as.matrix(d[, -(1:2)])); fold <- d$fold
  n <- length(y); p <- ncol(x)
  for (clustered in c(FALSE, TRUE)) {
    cluster <- if (clustered) (seq_len(n) - 1) %/% 4 else NULL
    groups <- if (clustered) length(unique(cluster)) else n
    # Least squares on every other column, as after any selection.
    chosen <- seq(2, p, 2)
    m <- lm(y ~ x[, chosen]); ok <- !is.na(coef(m)[-1])
    s <- se(m, cluster)[-1]
    k <- 0
    for (i in seq_along(chosen)) if (ok[i]) {
      k <- k + 1
      add(data = name, clustered = clustered, method = "ols", rule = "", column = chosen[i], value = f(coef(m)[i + 1]), se = f(s[k]))
    }
    for (rule in c("cv-min", "cv-1se", "plugin", "number")) {
      number <- .05 * sqrt(mean((y - mean(y))^2))
      share <- function(j) number * sd(x[, j]) / sd(y)
      b <- choose(x, y, rule, fold, cluster, number = number)
      for (j in 1:p) add(data = name, clustered = clustered, method = "select", rule = rule, column = j, value = f(b[j + 1]), se = "")
      e <- y - b[1] - x %*% b[-1]
      for (j in c(1, 2, 6)) {
        by <- choose(x, y, rule, fold, cluster, drop = j, number = number)[-1]
        bd <- choose(x, x[, j], rule, fold, cluster, drop = j, number = share(j))
        union <- setdiff(which(by != 0 | bd[-1] != 0), j)
        m <- lm(y ~ x[, c(j, union)])
        add(data = name, clustered = clustered, method = "double", rule = rule, column = j, value = f(coef(m)[2]), se = f(se(m, cluster)[2]))
        z <- drop(x[, j] - bd[1] - x %*% bd[-1])
        cross <- sum(z * x[, j])
        score <- if (clustered) rowsum(z * drop(e), cluster) else z * drop(e)
        nz <- sum(b[-1] != 0)
        v <- groups / (groups - 1) * (n - 1) / (n - 1 - nz) * sum(score^2) / cross^2
        add(data = name, clustered = clustered, method = "debiased", rule = rule, column = j, value = f(b[j + 1] + sum(z * e) / cross), se = f(sqrt(v)))
      }
    }
  }
}
write.csv(out, "inference.csv", row.names = FALSE, quote = FALSE)
