# The slow and obvious version of estimators.Prediction and PostSelection, in the
# same splits and folds (rows.csv and tests.csv, written by the test with
# UPDATE_PREDICTION=1). Run in this directory: Rscript prediction.R
library(glmnet)
library(sandwich)
d <- read.csv("rows.csv")
tests <- read.csv("tests.csv")
terms <- setdiff(names(d), c("class", "fold", "school"))
x <- as.matrix(d[terms])
y <- d$class
grid <- 10^seq(0, -3, length.out = 40)
fit <- function(rows) glmnet(x[rows, ], y[rows], lambda = grid, thresh = 1e-22, maxit = 1e7)

# Lambda of least cross-validated error, on all rows.
errors <- sapply(0:9, function(k) {
  held <- d$fold == k
  p <- predict(fit(!held), x[held, ], exact = FALSE)
  sapply(seq_along(grid), function(i) sum((y[held] - p[, i])^2))
})
lambda <- grid[which.min(rowSums(errors))]

runs <- max(tests$run) + 1
ols <- mse <- ratio <- numeric(runs)
beta <- matrix(0, runs, length(terms), dimnames = list(NULL, terms))
for (r in seq_len(runs)) {
  held <- tests$row[tests$run == r - 1] + 1
  m <- lm(reformulate(terms, "class"), d[-held, ])
  ols[r] <- mean((y[held] - predict(m, d[held, ]))^2)
  g <- fit(setdiff(seq_along(y), held))
  at <- which(grid == lambda)
  beta[r, ] <- as.numeric(g$beta[, at])
  mse[r] <- mean((y[held] - (g$a0[at] + x[held, ] %*% beta[r, ]))^2)
}
out <- NULL
add <- function(estimator, term, estimate, se = NA)
  out <<- rbind(out, data.frame(estimator, term, estimate = sprintf("%.15g", estimate), se = ifelse(is.na(se), NA, sprintf("%.15g", se))))
three <- function(estimator, term, v) {
  add(estimator, term, mean(v))
  add(estimator, paste0(term, "_low"), quantile(v, 0.025))
  add(estimator, paste0(term, "_high"), quantile(v, 0.975))
}
three("ols", "test_mse", ols)
three("lasso", "test_mse", mse)
three("lasso", "relative_mse", ols / mse)
add("lasso", "lambda", lambda)
add("lasso", "selected", mean(rowSums(beta != 0)))
count <- colSums(beta != 0)
listed <- count >= 18
add("lasso", "listed", sum(listed))
for (t in terms) {
  add("lasso", sprintf("runs(%s)", t), count[t] / runs)
  add("lasso", sprintf("listed(%s)", t), as.numeric(listed[t]))
  if (count[t] > 0) add("lasso", sprintf("positive(%s)", t), sum(beta[, t] > 0) / count[t])
}
post <- function(estimator, d, vcov) {
  m <- lm(reformulate(terms[listed], "class"), d)
  se <- sqrt(diag(vcov(m)))
  for (t in terms[listed]) add(estimator, t, coef(m)[t], se[t])
  for (t in terms) add(estimator, sprintf("listed(%s)", t), as.numeric(listed[t]))
  add(estimator, "r2", summary(m)$r.squared)
  add(estimator, "listed", sum(listed))
}
clustered <- function(m) vcovCL(m, cluster = d$school, type = "HC1")
post("post", d, clustered)
z <- d
z[c("class", terms)] <- scale(d[c("class", terms)])
post("standardised", z, clustered)
post("robust", d, function(m) vcovHC(m, type = "HC1"))
write.csv(out, "prediction.csv", row.names = FALSE, quote = FALSE)
