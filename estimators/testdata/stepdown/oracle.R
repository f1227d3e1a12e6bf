# Step-down adjusted p-values by hand, for stepdown_r_test.go: Westfall and
# Young's by randomisation inference, Romano and Wolf's by the wild cluster
# bootstrap, on the children of ../iv/data.csv.
#
#   Rscript oracle.R        in this directory
#
# reads the draws, assignments.csv and weights.csv, which
# go test ./estimators -run StepDownOracle -update writes, and writes
# pvalues.csv. The step-down itself is held against multtest's mt.maxT and
# mt.minP, which enumerate permutations.

suppressMessages(library(multtest))
close <- 1 - 1e-10

# statistics: tests × draws, of which the first is the data's own.
maxT <- function(s) {
  order <- order(-s[, 1]); p <- numeric(nrow(s))
  for (j in seq_along(order)) {
    left <- order[j:length(order)]
    p[order[j]] <- mean(apply(s[left, , drop = FALSE], 2, max) >= s[order[j], 1] * close)
  }
  p[order] <- cummax(p[order]); p
}
ranked <- function(s) t(apply(s, 1, function(x) sapply(x, function(v) mean(x >= v * close))))
minP <- function(s) maxT(1 / ranked(s))
raw <- function(s) rowMeans(s >= s[, 1] * close)

# multtest, all 70 ways to choose 4 of 8.
set.seed(2)
z <- matrix(rnorm(5 * 8), 5) + outer(c(3, 1.5, 1, 0, 0), c(0, 0, 0, 0, 1, 1, 1, 1))
arm <- c(0, 0, 0, 0, 1, 1, 1, 1)
ways <- combn(8, 4, function(k) { a <- numeric(8); a[k] <- 1; a })
ways <- cbind(arm, ways[, colSums(ways == arm) < 8])
welch <- apply(ways, 2, function(a) apply(z, 1, function(y) {
  abs(t.test(y[a == 1], y[a == 0])$statistic) }))
for (kind in c("maxT", "minP")) {
  invisible(capture.output(by <- get(paste0("mt.", kind))(z, arm, test = "t", side = "abs", B = 0)))
  stopifnot(max(abs(get(kind)(welch)[by$index] - by$adjp)) < 1e-12, max(abs(raw(welch)[by$index] - by$rawp)) < 1e-12)
}

d <- read.csv("../iv/data.csv")
school <- factor(d$school); G <- nlevels(school); N <- nrow(d)
outcomes <- c("score", "takeup", "hours")
signs <- function(file) as.matrix(read.csv(file, header = FALSE))

# Coefficient of a column of X, and it over its CR1 standard error less a value.
fit <- function(X, y, column) {
  qx <- qr(X); b <- qr.coef(qx, y); e <- qr.resid(qx, y)
  a <- chol2inv(qr.R(qx))[column, ] # no pivots: full rank
  s <- rowsum(drop(X %*% a) * e, school)
  c(b[column], sqrt(sum(s^2) * G / (G - 1) * (N - 1) / (N - ncol(X))))
}

out <- NULL
add <- function(kind, names, terms, s, adjusted) out <<- rbind(out, data.frame(
  kind, outcome = names, term = terms, p = sprintf("%.15g", raw(s)), adjusted = sprintf("%.15g", adjusted)))

# Randomisation; of the outcomes, two came before the arms.
responses <- c("score", "hours", "ses", "age"); at <- 2 * seq_along(responses)
others <- model.matrix(~ rural + factor(block), d)
assigned <- cbind(tapply(d$coaching, school, mean), t(signs("assignments.csv")))
statistics <- apply(assigned, 2, function(a) sapply(responses, function(y)
  fit(cbind(a[school], others), d[[y]], 1)))
b <- abs(statistics[at - 1, ]); t <- b / statistics[at, ]
add("randomisation-t", responses, "coaching", t, maxT(t))
add("randomisation-coefficient", responses, "coaching", b, minP(b))

# Wild bootstrap, the null of each test imposed. A weight v is written as v|v|.
X <- model.matrix(~ coaching + rural + ses + age, d)
w <- signs("weights.csv"); w <- t(sign(w) * sqrt(abs(w)))
tests <- expand.grid(term = c("coaching", "rural", "ses", "age"), outcome = outcomes, stringsAsFactors = FALSE)
s <- t(apply(tests, 1, function(h) {
  y <- d[[h["outcome"]]]; column <- match(h["term"], colnames(X))
  null <- lm.fit(X[, -column], y)
  own <- fit(X, y, column)
  draws <- apply(w, 2, function(v) {
    f <- fit(X, null$fitted.values + v[school] * null$residuals, column); abs(f[1] / f[2]) })
  c(abs(own[1] / own[2]), draws)
}))
# Of the bootstrap the data are no draw: take them out of the shares.
without <- function(p) (p * ncol(s) - 1) / (ncol(s) - 1)
out <- rbind(out, data.frame(kind = "wild", outcome = tests$outcome, term = tests$term,
  p = sprintf("%.15g", without(raw(s))), adjusted = sprintf("%.15g", without(maxT(s)))))
write.csv(out, "pvalues.csv", row.names = FALSE, quote = FALSE)
