# Reference solutions by glmnet. Run as: Rscript glmnet.R, in this directory.
# thresh is far below 1e-14: at that, glmnet is still off by 3e-6 where columns are
# correlated.
# Writes DATA.csv (y, fold, x1...), glmnet-paths.csv and glmnet-cv.csv.
suppressMessages(library(glmnet))
RNGversion("4.0.0")
options(digits = 15)
f <- function(x) formatC(x, digits = 15, format = "g", width = -1)

make <- function(name, n, p, rho, seed, noise = 1, binary = FALSE) {
  set.seed(seed)
  z <- matrix(rnorm(n * p), n, p)
  x <- sqrt(rho) * rnorm(n) + sqrt(1 - rho) * z
  x <- sweep(x, 2, rep_len(c(1, 10, .1, 3), p), "*")
  x <- sweep(x, 2, rep_len(c(0, 100, -2, 5), p), "+")
  if (binary) x[, seq(1, p, 3)] <- (x[, seq(1, p, 3)] > 0) * 1
  beta <- rep_len(c(.5, 0, 0, -.2, 0, 3, 0, 0, 0, .1), p)
  y <- drop(20 + x %*% beta + noise * rnorm(n))
  x <- matrix(as.numeric(f(x)), n, p); y <- as.numeric(f(y))
  fold <- sample(rep(1:10, length = n))
  d <- data.frame(y = f(y), fold = fold)
  for (j in 1:p) d[[paste0("x", j)]] <- f(x[, j])
  write.csv(d, paste0(name, ".csv"), row.names = FALSE, quote = FALSE)
  list(name = name, x = x, y = y, fold = fold)
}
data <- list(
  make("independent", 60, 8, 0, 1),
  make("correlated", 80, 12, .8, 2, noise = 2),
  make("mixed", 110, 15, .3, 3, noise = 3, binary = TRUE),
  make("near", 30, 27, .2, 4),
  make("wide", 20, 30, .1, 5))
grid <- 10^(5 - (0:99) / 11)

paths <- NULL
cvs <- NULL
path <- function(d, variant, ...) {
  fit <- glmnet(d$x, d$y, thresh = 1e-22, maxit = 1e7, ...)
  top <- fit$lambda[1]
  at <- if (variant == "ridge") c(3, 1, .3, .1, .03) else top * c(.8, .3, .1, .03, .01)
  fit <- glmnet(d$x, d$y, thresh = 1e-22, maxit = 1e7, lambda = at, ...)
  for (k in 1:5)
    paths <<- rbind(paths, data.frame(data = d$name, variant = variant, lambda = f(at[k]), r2 = f(fit$dev.ratio[k]),
                                      term = c("(Intercept)", paste0("x", seq_len(ncol(d$x)))), value = f(as.numeric(coef(fit)[, k]))))
}
for (d in data) {
  p <- ncol(d$x)
  path(d, "lasso", standardize = TRUE)
  path(d, "raw", standardize = FALSE)
  path(d, "net", alpha = .5)
  path(d, "ridge", alpha = 0)
  path(d, "factors", penalty.factor = rep_len(c(0, 1, 2.5, .3, Inf), p))
  path(d, "factors-net", penalty.factor = rep_len(c(1, 0, 2.5, .3, Inf), p), alpha = .3, standardize = FALSE)
  # Adaptive LASSO (Zou 2006), first stage least squares.
  if (nrow(d$x) > p + 1) {
    w <- 1 / abs(coef(lm(d$y ~ d$x))[-1])
    path(d, "adaptive", penalty.factor = ifelse(is.na(w), Inf, w)) # "mixed" has constant columns
  }

  for (variant in c("grid", "default", "net")) {
    lambda <- if (variant == "grid") grid else {
      fit <- glmnet(d$x, d$y, thresh = 1e-22, maxit = 1e7, alpha = if (variant == "net") .5 else 1)
      # The first lambda is reconstructed by extrapolation; all others follow from it.
      fit$lambda
    }
    cv <- suppressWarnings(cv.glmnet(d$x, d$y, foldid = d$fold, lambda = lambda, maxit = 1e8,
                                     thresh = if (d$name == "wide") 1e-26 else 1e-22, # 1e-22 leaves 1e-6 in the SDs
                                     alpha = if (variant == "net") .5 else 1))
    stopifnot(length(cv$lambda) == length(lambda))
    cvs <- rbind(cvs, data.frame(data = d$name, variant = variant, lambda = f(cv$lambda), cvm = f(cv$cvm), cvsd = f(cv$cvsd), nzero = cv$nzero,
                                 min = cv$lambda == cv$lambda.min, onese = cv$lambda == cv$lambda.1se))
  }
}
write.csv(paths, "glmnet-paths.csv", row.names = FALSE, quote = FALSE)
write.csv(cvs, "glmnet-cv.csv", row.names = FALSE, quote = FALSE)
