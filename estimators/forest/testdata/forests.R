# Forests by party and partykit, over many seeds, for forests_r_test.go: the
# mean and SD of errors and importances. R 4.2, party 1.3-11, partykit 1.2-16,
# coin 1.4-2. It takes some minutes:  Rscript forests.R
suppressMessages({library(party); library(partykit); library(coin)})
set.seed(2007)
full <- function(x) trimws(formatC(as.numeric(x), digits = 15, format = "g"))
n <- 125 # .632 n is whole: party rounds it up, partykit down
common <- rnorm(n)
d <- data.frame(a = round(0.8 * common + 0.6 * rnorm(n), 2), b = round(0.8 * common + 0.6 * rnorm(n), 2), c = round(rnorm(n), 2),
                binary = rbinom(n, 1, 0.4), grade = sample(0:3, n, TRUE), region = sample(0:3, n, TRUE),
                noise1 = round(rnorm(n), 1), noise2 = rbinom(n, 1, 0.2))
d$y <- round(0.7 * d$a + 0.4 * d$c + 0.5 * d$binary + 0.6 * (d$region == 2) + 0.25 * d$grade + rnorm(n), 3)
write.csv(d, "forests.csv", row.names = FALSE, quote = FALSE)
f <- d
f$grade <- ordered(f$grade); f$region <- factor(f$region)

draws <- list()
note <- function(fit, term, value) draws[[paste(fit, term)]] <<- c(draws[[paste(fit, term)]], value)
imp <- function(fit, v) for (j in setdiff(names(d), "y")) note(fit, j, if (j %in% names(v)) v[[j]] else 0)
leaves <- function(tree) if (tree[[4]]) 1 else leaves(tree[[8]]) + leaves(tree[[9]])

for (seed in 1:60) {
  set.seed(seed)
  for (kind in c("party", "party-bootstrap", "party-maximum")) {
    ctrl <- switch(kind,
      party = party::cforest_unbiased(ntree = 100, mtry = 3),
      "party-bootstrap" = party::cforest_control(teststat = "quad", testtype = "Univ", mincriterion = 0, replace = TRUE, ntree = 100, mtry = 3, minsplit = 20, minbucket = 7),
      "party-maximum" = party::cforest_control(teststat = "max", testtype = "Bonferroni", mincriterion = 0.3, replace = FALSE, fraction = 0.632, ntree = 100, mtry = 3, minsplit = 16, minbucket = 5))
    m <- party::cforest(y ~ ., f, controls = ctrl)
    note(kind, "oob_mse", mean((predict(m, OOB = TRUE) - d$y)^2))
    note(kind, "leaves", mean(sapply(m@ensemble, leaves)))
    imp(paste(kind, "routing", sep = "/"), party::varimp(m))
    imp(paste(kind, "permutation", sep = "/"), party::varimp(m, pre1.0_0 = TRUE))
  }
}
for (seed in 1:25) { # slow: each tree and variable fits a tree
  set.seed(1000 + seed)
  m <- party::cforest(y ~ ., f, controls = party::cforest_unbiased(ntree = 40, mtry = 3))
  imp("party/conditional", party::varimp(m, conditional = TRUE, threshold = 0.2))
}
for (seed in 1:30) {
  set.seed(2000 + seed)
  m <- partykit::cforest(y ~ ., f, ntree = 40, mtry = 3)
  note("partykit", "oob_mse", mean((predict(m, OOB = TRUE, type = "response", scale = TRUE) - d$y)^2))
  imp("partykit/node-permutation", partykit::varimp(m))
}
out <- do.call(rbind, lapply(names(draws), function(k) {
  s <- strsplit(k, " ")[[1]]
  data.frame(fit = s[1], term = s[2], seeds = length(draws[[k]]), mean = full(mean(draws[[k]])), sd = full(sd(draws[[k]])))
}))
write.csv(out, "forests_by_seed.csv", row.names = FALSE, quote = FALSE)

set.seed(11)
p <- NULL
f$y <- rev(f$y) # so that p-values are not all small
for (x in setdiff(names(f), "y")) for (stat in c("quadratic", "maximum")) {
  t <- coin::independence_test(as.formula(paste("y ~", x)), f, teststat = stat, distribution = coin::approximate(nresample = 100000))
  p <- rbind(p, data.frame(term = x, statistic = stat, p = full(coin::pvalue(t))))
}
write.csv(p, "montecarlo.csv", row.names = FALSE, quote = FALSE)
