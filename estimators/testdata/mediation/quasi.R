# The quasi-Bayesian algorithm of Imai, Keele and Tingley (2010, algorithm 1), as R's
# mediation has it, written out: coefficients of both regressions are drawn from
# their normal distributions, mediators and outcomes are predicted for every child under
# either arm, and effects are means over children. For mediation_r_test.go.
#
#   Rscript quasi.R        in this directory, after oracle.R

suppressMessages({library(sandwich); library(MASS)})
set.seed(1)
d <- read.csv("data.csv"); d$block <- factor(d$block)
classes <- d[!duplicated(d$teacher), ]
m <- lm(es ~ coaching + experience + rural + block, classes)
y <- lm(score ~ coaching * es + ses + girl + experience + block, d)
sims <- 20000
bm <- mvrnorm(sims, coef(m), vcovCL(m, classes$school, type = "HC1"))
by <- mvrnorm(sims, coef(y), vcovCL(y, d$school, type = "HC1"))
under <- function(arm) { e <- d; e$coaching <- arm; e }
xm <- lapply(0:1, function(t) model.matrix(delete.response(terms(m)), under(t)))
draws <- t(sapply(seq_len(sims), function(s) {
  error <- rnorm(nrow(classes), sd = sigma(m))[match(d$teacher, classes$teacher)]
  mediator <- lapply(xm, function(x) c(x %*% bm[s, ]) + error)
  outcome <- function(t, of) {
    e <- under(t); e$es <- mediator[[of + 1]]
    mean(model.matrix(delete.response(terms(y)), e) %*% by[s, ])
  }
  y00 <- outcome(0, 0); y01 <- outcome(0, 1); y10 <- outcome(1, 0); y11 <- outcome(1, 1)
  c("acme(0)" = y01 - y00, "acme(1)" = y11 - y10, "acme" = (y01 - y00 + y11 - y10) / 2,
    "ade(0)" = y10 - y00, "ade(1)" = y11 - y01, "ade" = (y10 - y00 + y11 - y01) / 2, "total" = y11 - y00)
}))
out <- data.frame(term = colnames(draws), estimate = colMeans(draws), sd = apply(draws, 2, sd),
  low = apply(draws, 2, quantile, 0.025), high = apply(draws, 2, quantile, 0.975))
for (column in names(out)[-1]) out[[column]] <- trimws(formatC(out[[column]], digits = 15, format = "g", width = -1))
write.csv(out, "quasi.csv", row.names = FALSE, quote = FALSE)
