# R's p.adjust on families with ties, zeros, ones and missing p-values. Writes
# what sim's adjustments must equal bit for bit. Run in this directory:
#   Rscript padjust.R > padjust_R.csv
set.seed(15021)
families <- list(
  c(0.01, 0.02, 0.03, 0.04),
  c(0.04, 0.01, 0.03, 0.02),
  c(0.02, 0.02, 0.02),
  c(0.05, 0.01, 0.05, 0.01, 0.05),
  c(0, 1, 0, 1, 0.5),
  c(0.3),
  c(NA_real_),
  c(NA, 0.01, 0.02, NA, 0.04),
  c(0.2, NA, 0.2, 1),
  rep(NA_real_, 3),
  1e-300 * (1:4),
  c(0.013, 0.049, 0.0499999, 0.05, 0.0500001, 0.9, 0.97)
)
for (m in c(2, 3, 5, 8, 13, 40, 100)) {
  families <- c(families, list(runif(m)), list(rbeta(m, 0.3, 2)),
                list(round(rbeta(m, 0.5, 2), 2)), # ties
                list(ifelse(runif(m) < 0.3, NA, rbeta(m, 0.3, 2))))
}
methods <- c("none", "bonferroni", "holm", "hochberg", "BH", "BY")
exact <- function(x) ifelse(is.na(x), "", sprintf("%.17g", x))
cat("family,p,", paste(methods, collapse = ","), "\n", sep = "")
for (f in seq_along(families)) {
  p <- families[[f]]
  adjusted <- sapply(methods, function(m) p.adjust(p, m, n = length(p)))
  adjusted <- matrix(adjusted, nrow = length(p))
  for (i in seq_along(p)) cat(paste(c(f, exact(p[i]), exact(adjusted[i, ])), collapse = ","), "\n", sep = "")
}
