# Importances of correlated covariates by party, over many seeds, for correlated_r_test.go:
# their mean and SD. correlated.csv is a data set of docs/correlated-importance.yaml with a
# correlation of .9 between x1 to x4, of which x4 has no effect. R 4.2, party 1.3-11. It
# takes some minutes:  Rscript correlated.R
suppressMessages(library(party))
full <- function(x) trimws(formatC(as.numeric(x), digits = 15, format = "g"))
d <- read.csv("correlated.csv")
draws <- list()
imp <- function(fit, v) for (j in names(v)) draws[[paste(fit, j)]] <<- c(draws[[paste(fit, j)]], v[[j]])
for (seed in 1:40) {
  set.seed(seed)
  m <- party::cforest(gain ~ ., d, controls = party::cforest_unbiased(ntree = 100, mtry = 3))
  imp("routing", party::varimp(m))
  imp("permutation", party::varimp(m, pre1.0_0 = TRUE))
}
for (seed in 1:12) for (mtry in c(3, 8)) { # slow: each tree and variable fits a tree
  set.seed(1000 + seed)
  m <- party::cforest(gain ~ ., d, controls = party::cforest_unbiased(ntree = 40, mtry = mtry))
  imp(c("3" = "conditional", "8" = "conditional-8")[[as.character(mtry)]], party::varimp(m, conditional = TRUE, threshold = 0.2))
}
out <- do.call(rbind, lapply(names(draws), function(k) {
  s <- strsplit(k, " ")[[1]]
  data.frame(fit = s[1], term = s[2], seeds = length(draws[[k]]), mean = full(mean(draws[[k]])), sd = full(sd(draws[[k]])))
}))
write.csv(out, "correlated_by_seed.csv", row.names = FALSE, quote = FALSE)
