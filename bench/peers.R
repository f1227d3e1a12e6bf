# What R takes for the units of work that coachsim's benchmarks time.
#
#   Rscript bench/peers.R TOOL REPS
#
# prints "ready" after a warm-up, and then for each line that it reads the user CPU time of
# one repetition in milliseconds: the mean of REPS. One thread: set OPENBLAS_NUM_THREADS=1.
# No tool is slowed down: packages are called as their manuals say, and the tools
# named "hand" are the fastest plain R that we could write for the same numbers.

args <- commandArgs(TRUE)
tool <- args[1]
reps <- as.integer(args[2])
set.seed(15021)

## The coaching trial: 10 blocks of 20 schools, one class each, 19 children. ----
B <- 10; S <- 20; N <- 19
J <- B * S; n <- J * N
block <- rep(seq_len(B), each = S)
school <- rep(seq_len(J), each = N)
blockf <- factor(block[school]); schoolf <- factor(school)

draw <- function(outcomes = 1) {
  treated <- as.vector(replicate(B, sample(rep(0:1, S / 2))))
  W <- cbind(matrix(rnorm(J * 7), J), rbinom(J, 1, .5), rbinom(J, 1, .3)) # school and teacher covariates
  quality <- matrix(rnorm(J * 3), J) + .5 * treated
  class <- quality + matrix(rnorm(J * 3, sd = .7), J)
  female <- as.numeric(runif(n) < .5); age <- rnorm(n)
  common <- rnorm(B, sd = .2)[block] + drop(W %*% rep(.05, 9)) + rnorm(J, sd = .3) + .1 * treated + .05 * quality[, 1]
  e <- matrix(rnorm(n * outcomes), n)
  list(treated = treated, W = W, class = class, female = female, age = age, y = common[school] + .1 * female + .05 * age + e)
}
frame <- function(d) {
  f <- data.frame(treated = d$treated[school], female = d$female, age = d$age, age2 = d$age^2, d$W[school, ], d$class[school, ], block = blockf, school = schoolf)
  names(f)[5:16] <- c(paste0("w", 1:9), "es", "co", "is")
  f$class <- (f$es + f$co + f$is) / 3
  f$y <- d$y[, 1]
  f
}
controls <- paste(c("female", "age", "age2", paste0("w", 1:9)), collapse = " + ")
itt <- as.formula(paste("y ~ treated +", controls, "+ block"))

# The ecuador study: the CLASS of a teacher is the mean of ratings, whole numbers from 1 to 7
# by two coders in each of four segments; four tests.
root <- chol(matrix(c(1, .65, .15, .65, 1, .15, .15, .15, 1), 3))
tests <- chol(matrix(c(.92, .56, .42, .25, .56, .93, .45, .27, .42, .45, .91, .29, .25, .27, .29, .91), 4))
trial <- function() {
  d <- draw(4)
  quality <- matrix(rnorm(J * 3), J) + .5 * d$treated
  segment <- matrix(rnorm(J * 4 * 3), J * 4) %*% root + quality[rep(seq_len(J), 4), ]
  coder <- matrix(rnorm(J * 8 * 3), J * 8) %*% (.3 * root)
  d$ratings <- lapply(1:3, function(k) matrix(pmin(7, pmax(1, round(c(4, 4.9, 1.05)[k] + c(.5, .45, .3)[k] * (segment[, k] + coder[, k])))), J))
  d$class <- scale(vapply(d$ratings, rowMeans, numeric(J)))
  d$y <- d$y %*% tests
  d
}
# The agreement of coders, of segments, and of domains and tests.
agreement <- function(d, t) {
  coders <- lapply(d$ratings, function(r) cor(c(r[, 1:4]), c(r[, 5:8])))
  segments <- lapply(d$ratings, function(r) cor(r[, 1:4] + r[, 5:8]))
  list(coders, segments, cor(d$class), cor(t))
}

# The paper's regressions as formulas of one outcome each: on all children, and on those
# of control schools.
domains <- c("class", "es", "co", "is")
paper <- function() {
  rhs <- function(x) paste(x, "+", controls, "+ block")
  c(paste(paste0("y", 1:9), "~", rhs("treated")),
    paste("y5 ~", rhs(c(paste("treated +", domains), "treated + es + co + is"))),
    paste("y5 ~", rhs(c(paste("treated *", domains), "treated * (es + co + is)"))))
}
among <- function() paste("y5 ~", c(domains, "es + co + is"))
outcomes <- function(d, f) {
  t <- scale(d$y[, 1:4]); total <- drop(scale(rowMeans(t)))
  q <- quantile(total, c(.1, .2, .8, .9))
  for (k in 1:4) f[[paste0("y", k)]] <- t[, k]
  f$y5 <- total
  f$y6 <- as.numeric(total < q[1]); f$y7 <- as.numeric(total < q[2]); f$y8 <- as.numeric(total > q[3]); f$y9 <- as.numeric(total > q[4])
  f
}
teacherFormulas <- as.formula("cbind(es, co, is, class, b10, b20, t20, t10) ~ treated + w1+w2+w3+w4+w5+w6+w7+w8+w9 + block")
teachers <- function(d) {
  f <- data.frame(treated = d$treated, d$W, d$class, block = factor(block))
  names(f)[2:13] <- c(paste0("w", 1:9), "es", "co", "is")
  f$class <- (f$es + f$co + f$is) / 3
  q <- quantile(f$class, c(.1, .2, .8, .9))
  f$b10 <- as.numeric(f$class < q[1]); f$b20 <- as.numeric(f$class < q[2]); f$t20 <- as.numeric(f$class > q[3]); f$t10 <- as.numeric(f$class > q[4])
  f
}

# Least squares by hand: outcomes y on X, CR1 of the columns in focal, from the
# cross-product, which regressions may share, and the cluster sums of one influence vector.
hand <- function(X, Y, focal, cluster = school, G = J, XX = crossprod(X), XY = crossprod(X, Y)) {
  R <- chol(XX); b <- backsolve(R, forwardsolve(t(R), XY))
  E <- Y - X %*% b
  A <- backsolve(R, forwardsolve(t(R), diag(ncol(X))[, focal, drop = FALSE]))
  H <- X %*% A
  se <- sapply(seq_along(focal), function(j) sqrt(colSums(rowsum(E * H[, j], cluster, reorder = FALSE)^2)))
  se <- se * sqrt(G / (G - 1) * (nrow(X) - 1) / (nrow(X) - ncol(X)))
  t <- t(b[focal, , drop = FALSE]) / se
  list(b = b[focal, ], se = se, p = 2 * pt(-abs(t), G - 1))
}
dummies <- model.matrix(~ block, data.frame(block = factor(block)))
base <- function(d) cbind(1, d$treated[school], d$female, d$age, d$age^2, d$W[school, ], dummies[school, -1])

need <- function(p) suppressPackageStartupMessages(library(p, character.only = TRUE))

## The teachers study: 346 teachers, 52 covariates, five of which matter. -------
cohort <- function(n = 277) {
  X <- matrix(rnorm(n * 52), n); X[, 1:20] <- (X[, 1:20] > 0) + 0
  colnames(X) <- paste0("x", 1:52)
  list(X = X, y = drop(X[, c(1, 5, 21, 30, 40)] %*% c(2, -2, 2, 1.5, -1.5)) + rnorm(n, sd = 9))
}
grid <- 10^(5 - (0:99) / 11)

run <- switch(tool,
  # One regression with CR1, its data drawn.
  "one-sandwich" = { need("sandwich"); function() { f <- frame(draw()); m <- lm(itt, f); v <- vcovCL(m, cluster = f$school, type = "HC1"); coef(m)[2] / sqrt(v[2, 2]) } },
  "one-estimatr" = { need("estimatr"); function() { f <- frame(draw()); lm_robust(itt, f, clusters = school, se_type = "stata") } },
  "one-hand" = function() { d <- draw(); hand(base(d), d$y, 2) },
  # All regressions of the paper's Tables 2A, 3 and 4, their data drawn.
  "paper-sandwich" = { need("sandwich"); fs <- lapply(paper(), as.formula); gs <- lapply(among(), as.formula); function() {
    d <- trial(); f <- outcomes(d, frame(d)); agreement(d, f[paste0("y", 1:4)])
    for (g in fs) { m <- lm(g, f); sqrt(diag(vcovCL(m, cluster = f$school, type = "HC1"))) }
    f <- f[f$treated == 0, ]
    for (g in gs) { m <- lm(g, f); sqrt(diag(vcovCL(m, cluster = f$school, type = "HC1"))) }
    m <- lm(teacherFormulas, teachers(d)); sqrt(diag(vcovHC(m, type = "HC1"))) } },
  "paper-estimatr" = { need("estimatr"); fs <- lapply(paper(), as.formula); gs <- lapply(among(), as.formula); function() {
    d <- trial(); f <- outcomes(d, frame(d)); agreement(d, f[paste0("y", 1:4)])
    for (g in fs) lm_robust(g, f, clusters = school, se_type = "stata")
    f <- f[f$treated == 0, ]
    for (g in gs) lm_robust(g, f, clusters = school, se_type = "stata")
    lm_robust(teacherFormulas, teachers(d), se_type = "HC1") } },
  "paper-hand" = function() {
    d <- trial()
    t <- scale(d$y); total <- drop(scale(rowMeans(t))); q <- quantile(total, c(.1, .2, .8, .9)); agreement(d, t)
    Y <- cbind(t, total, total < q[1], total < q[2], total > q[3], total > q[4]) + 0
    X <- base(d); k <- ncol(X); C <- cbind(rowMeans(d$class), d$class)[school, ]
    X <- cbind(X, C, C * X[, 2]); XX <- crossprod(X); XY <- crossprod(X, Y)
    some <- function(of, Y, XY, focal) hand(X[, of], Y, focal, XX = XX[of, of], XY = XY[of, , drop = FALSE])
    some(1:k, Y, XY, 2)
    for (m in list(1, 2, 3, 4, 2:4)) {
      some(c(1:k, k + m), total, XY[, 5, drop = FALSE], c(2, k + seq_along(m)))
      some(c(1:k, k + m, k + 4 + m), total, XY[, 5, drop = FALSE], c(2, k + seq_len(2 * length(m))))
    }
    controls <- which(X[, 2] == 0); X <- X[controls, c(1, k + 1:4)]; y <- total[controls]; G <- J / 2
    XX <- crossprod(X); XY <- crossprod(X, y)
    for (m in list(1, 2, 3, 4, 2:4)) { of <- c(1, 1 + m); hand(X[, of], y, 1 + seq_along(m), school[controls], G, XX[of, of], XY[of, , drop = FALSE]) }
    T <- rowMeans(d$class); q <- quantile(T, c(.1, .2, .8, .9))
    hand(cbind(1, d$treated, d$W, dummies[, -1]), cbind(d$class, T, T < q[1], T < q[2], T > q[3], T > q[4]) + 0, 2, seq_len(J)) },
  # What a small-sample standard error adds to the fit: the regression is fitted once.
  "cr2-estimatr" = { need("estimatr"); f <- frame(draw()); function() lm_robust(itt, f, clusters = school, se_type = "CR2") },
  "cr2-clubSandwich" = { need("clubSandwich"); f <- frame(draw()); m <- lm(itt, f); function() { v <- vcovCR(m, cluster = f$school, type = "CR2"); coef_test(m, v, test = "Satterthwaite", coefs = "treated") } },
  # Restricted wild cluster bootstrap-t, 999 draws, from cluster sums: the p-value alone.
  "wild-hand" = { d <- draw(); X <- base(d); y <- d$y[, 1]; function() {
    k <- ncol(X); R <- chol(crossprod(X)); bread <- chol2inv(R); a <- bread[, 2]
    X0 <- X[, -2]; e0 <- y - X0 %*% solve(crossprod(X0), crossprod(X0, y)); h <- drop(X %*% a)
    V <- matrix(sample(c(-1, 1), J * 999, TRUE), J)
    U <- rowsum(drop(e0) * h, school)[, 1]; Z <- rowsum(X * drop(e0), school); Q <- rowsum(X * h, school)
    top <- drop(U %*% V); beta <- bread %*% crossprod(Z, V)
    se <- sqrt(colSums((V * U - Q %*% beta)^2))
    e <- y - X %*% (bread %*% crossprod(X, y)); t0 <- sum(U) / sqrt(sum(rowsum(drop(e) * h, school)^2))
    mean(abs(top / se) >= abs(t0)) } },
  # And with the interval, as coachsim: all sums are linear in kappa, which is the distance
  # of the null from the estimate over a[2], so that one set of draws does for every null.
  "wild-interval" = { d <- draw(); X <- base(d); y <- d$y[, 1]; function() {
    XX <- crossprod(X); bread <- chol2inv(chol(XX)); a <- bread[, 2]; b <- bread %*% crossprod(X, y)
    e <- drop(y - X %*% b); h <- drop(X %*% a)
    sums <- rowsum(cbind(e * h, h * h, X * e, X * h), school, reorder = FALSE); k <- ncol(X)
    s <- sums[, 1]; q <- sums[, 2]; Q <- sums[, 2 + k + 1:k]
    V <- matrix(sample(c(-1, 1), J * 999, TRUE), J)
    n0 <- drop(s %*% V); n1 <- drop(q %*% V)
    S0 <- V * s - Q %*% (bread %*% crossprod(sums[, 2 + 1:k], V)); S1 <- V * q - Q %*% (bread %*% crossprod(Q, V))
    v0 <- colSums(S0^2); v1 <- 2 * colSums(S0 * S1); v2 <- colSums(S1^2); se2 <- sum(s^2)
    p <- function(distance) { K <- distance / a[2]; mean((n0 + K * n1)^2 >= distance^2 / se2 * (v0 + K * (v1 + K * v2))) }
    bound <- function(side) { inside <- 0; outside <- side * 2 * sqrt(se2)
      while (p(outside) > .05) { inside <- outside; outside <- 2 * outside }
      for (i in 1:30) { middle <- (inside + outside) / 2; if (p(middle) > .05) inside <- middle else outside <- middle }
      b[2] - outside }
    c(p(b[2]), bound(1), bound(-1)) } },
  # Random intercept of schools by REML.
  "reml-lmer" = { need("lme4"); d <- draw(); f <- frame(d); g <- update(itt, . ~ . + (1 | school)); function() lmer(g, f) },
  "reml-refit" = { need("lme4"); d <- draw(); f <- frame(d); m <- lmer(update(itt, . ~ . + (1 | school)), f); y <- f$y; function() refit(m, y + rnorm(1) * 1e-3) },
  # LASSO with ten folds over 100 penalties.
  "lasso-glmnet" = { need("glmnet"); d <- cohort(); function() cv.glmnet(d$X, d$y, lambda = grid, nfolds = 10) },
  # Forests of 1000 conditional inference trees: fit and out-of-bag prediction; and importance.
  "forest-party" = { need("party"); d <- cohort(); f <- data.frame(y = d$y, d$X); ctl <- cforest_control(teststat = "quad", testtype = "Univariate", mincriterion = 0, ntree = 1000, mtry = 7, replace = FALSE, fraction = .632); function() { m <- cforest(y ~ ., f, controls = ctl); predict(m, OOB = TRUE) } },
  "importance-party" = { need("party"); d <- cohort(); f <- data.frame(y = d$y, d$X); ctl <- cforest_control(teststat = "quad", testtype = "Univariate", mincriterion = 0, ntree = 1000, mtry = 7, replace = FALSE, fraction = .632); function() { m <- cforest(y ~ ., f, controls = ctl); predict(m, OOB = TRUE); varimp(m) } },
  "importance-partykit" = { need("partykit"); d <- cohort(); f <- data.frame(y = d$y, d$X); function() { m <- cforest(y ~ ., f, ntree = 1000, mtry = 7, perturb = list(replace = FALSE, fraction = .632)); predict(m, OOB = TRUE); varimp(m) } },
  "importance-ranger" = { need("ranger"); d <- cohort(); f <- data.frame(y = d$y, d$X); function() ranger(y ~ ., f, num.trees = 1000, mtry = 7, splitrule = "maxstat", alpha = 1, minprop = 0, min.node.size = 20, replace = FALSE, sample.fraction = .632, importance = "permutation", num.threads = 1) },
  stop("there is no tool ", tool))

warm <- if (grepl("^(forest|importance)", tool)) 0 else 2
for (i in seq_len(warm)) invisible(run())
cat("ready\n"); flush(stdout())
turns <- file("stdin", "r")
while (length(readLines(turns, 1))) {
  start <- proc.time()[["user.self"]]
  for (i in seq_len(reps)) invisible(run())
  cat((proc.time()[["user.self"]] - start) / reps * 1000, "\n"); flush(stdout())
}
