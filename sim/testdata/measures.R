# Performance measures in base R, formula by formula, as an independent check of
# sim. Writes the replicates and what R makes of them. Run in this directory:
#   Rscript measures.R
options(digits = 17)
set.seed(15021)
alpha <- 0.05
n <- 60

replicates <- function(estimator, estimand, truth, spread, df, fail = 0) {
  estimate <- rnorm(n, ifelse(is.na(truth), 0.2, truth), spread)
  se <- spread * sqrt(rchisq(n, 20) / 20)
  d <- data.frame(cell = 0L, replicate = seq_len(n) - 1L, estimator = estimator,
                  outcome = "achievement", term = "coaching", estimand = estimand,
                  truth = truth, estimate = estimate, std_error = se, df = df,
                  p_value = 2 * pt(-abs(estimate / se), df), status = "ok")
  failed <- runif(n) < fail
  d[failed, c("estimate", "std_error", "df", "p_value")] <- NA
  d$status[failed] <- "too-few-clusters"
  d
}
sample_truth <- rnorm(n, 0.1, 0.02)
rows <- list(
  replicates("constant", "population", rep(0.1, n), 0.08, 38),
  replicates("varying", "sample", sample_truth, 0.05, runif(n, 2.5, 40), fail = 0.1),
  replicates("null", "population", rep(0, n), 0.05, 1e6),
  replicates("descriptive", "", rep(NA_real_, n), 0.1, 12.5),
  local({ # a joint test: an F statistic and its p-value
    d <- replicates("joint", "", rep(NA_real_, n), 1, 30)
    d$estimate <- rf(n, 3, 30, ncp = 6)
    d$p_value <- pf(d$estimate, 3, 30, lower.tail = FALSE)
    d$std_error <- NA
    d
  }),
  local({ # a correlation
    d <- replicates("correlation", "", rep(NA_real_, n), 0.07, 30)
    d[c("std_error", "df", "p_value")] <- NA
    d
  })
)
log <- do.call(rbind, rows)
log <- log[order(log$replicate), ]

share <- function(hits, n) {
  p <- if (n == 0) NA else hits / n
  c(p, sqrt(p * (1 - p) / n))
}
measures <- function(d) {
  N <- nrow(d)
  ok <- d[d$status == "ok", ]
  t <- ok$estimate; s <- ok$std_error; theta <- ok$truth
  n <- nrow(ok)
  err <- t - theta
  E <- sd(t); M <- sqrt(mean(s^2)); mse <- mean(err^2)
  half <- qt(1 - alpha / 2, ok$df) * s
  has <- !is.na(half)
  cover <- if (any(has) && !anyNA(theta)) share(sum(t - half <= theta & theta <= t + half), n) else c(NA, NA)
  becover <- if (any(has)) share(sum(t - half <= mean(t) & mean(t) <= t + half), n) else c(NA, NA)
  power <- if (all(is.na(ok$p_value))) c(NA, NA) else share(sum(ok$p_value <= alpha), N)
  sig <- which(ok$p_value <= alpha)
  signed <- !anyNA(theta) && all(theta != 0)
  ratio <- abs(t[sig]) / abs(theta[sig])
  type_s <- if (signed) share(sum(sign(t[sig]) != sign(theta[sig])), length(sig)) else c(NA, NA)
  df <- 1 / mean(1 / ok$df[!is.na(s)])
  factor <- if (is.na(df)) NA else qt(1 - alpha / 2, df) + qt(0.8, df)
  c(truth = mean(theta), n = N, n_fail = N - n, mean = mean(t),
    bias = mean(err), bias_mcse = sd(err) / sqrt(n),
    relbias = if (signed) mean(err / theta) else NA,
    empse = E, empse_mcse = E / sqrt(2 * (n - 1)),
    modelse = M, modelse_mcse = sqrt(var(s^2) / (4 * n * M^2)),
    relerror = 100 * (M / E - 1),
    relerror_mcse = 100 * (M / E) * sqrt(var(s^2) / (4 * n * M^4) + 1 / (2 * (n - 1))),
    mse = mse, mse_mcse = sqrt(sum((err^2 - mse)^2) / (n * (n - 1))),
    cover = cover[1], cover_mcse = cover[2], becover = becover[1], becover_mcse = becover[2],
    power = power[1], power_mcse = power[2], type_s = type_s[1], type_s_mcse = type_s[2],
    type_m = if (signed) mean(ratio) else NA,
    type_m_mcse = if (signed) sd(ratio) / sqrt(length(ratio)) else NA,
    mdes = factor * E, mdes_mcse = factor * E / sqrt(2 * (n - 1)),
    truth_mcse = if (isTRUE(sd(theta) > 0)) sd(theta) / sqrt(n) else NA)
}
estimators <- vapply(rows, function(d) d$estimator[1], "")
summary <- data.frame(estimator = estimators,
                      t(vapply(estimators, function(e) measures(log[log$estimator == e, ]), numeric(28))))
exact <- function(d) {
  for (i in names(d)) if (is.double(d[[i]])) d[[i]] <- ifelse(is.na(d[[i]]), "", sprintf("%.17g", d[[i]]))
  d
}
write.csv(exact(log), "measures_replicates.csv", row.names = FALSE, quote = FALSE, na = "")
write.csv(exact(summary), "measures_R.csv", row.names = FALSE, quote = FALSE, na = "")
