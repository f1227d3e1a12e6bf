# Two-stage least squares by estimatr, and by AER with sandwich, for
# iv_r_test.go.
#
#   Rscript oracle.R        in this directory
#
# writes the children in data.csv and the estimates in estimates.csv. Standard
# errors of the kinds that estimatr knows are checked against sandwich here.

suppressMessages({library(estimatr); library(AER); library(sandwich)})

# takeup follows the arm, and a hidden trait that score depends on too.
draw <- function() {
  set.seed(1)
  rows <- list(); school <- 0
  for (b in 1:4) for (arm in sample(rep(0:1, 4))) {
    school <- school + 1
    n <- sample(3:9, 1)
    u <- rnorm(1, sd = 0.4); rural <- rbinom(1, 1, 0.4)
    trait <- rnorm(n); ses <- round(rnorm(n), 3); age <- round(rnorm(n, 84, 5), 1)
    takeup <- as.numeric(1.2 * arm - 0.6 + 0.5 * trait + 0.3 * ses + 0.8 * rnorm(n) > 0)
    hours <- round(2 + 3 * takeup + rural + 0.4 * ses + trait + rnorm(n), 2)
    score <- round(0.5 * takeup + 0.4 * ses + 0.02 * (age - 84) + 0.6 * trait + u + 0.1 * b + rnorm(n), 4)
    rows[[school]] <- data.frame(block = b, school, coaching = arm, rural, ses, age, takeup, hours, score)
  }
  do.call(rbind, rows)
}
d <- draw()
write.csv(d, "data.csv", row.names = FALSE, quote = FALSE)
d$block <- factor(d$block)

models <- list(
  list(text = "score ~ ses + age | block | takeup ~ coaching", x = score ~ ses + age + block + takeup, z = ~ ses + age + block + coaching),
  list(text = "score ~ ses | takeup ~ coaching", x = score ~ ses + takeup, z = ~ ses + coaching),
  list(text = "score ~ ses + age | block | takeup ~ coaching + rural", x = score ~ ses + age + block + takeup, z = ~ ses + age + block + coaching + rural),
  list(text = "score ~ ses | takeup + hours ~ coaching + rural + age", x = score ~ ses + takeup + hours, z = ~ ses + coaching + rural + age))

variance <- function(fit, kind, rss = FALSE) switch(kind,
  classical = vcov(fit),
  HC0 = vcovHC(fit, type = "HC0"), HC1 = vcovHC(fit, type = "HC1"),
  CR0 = vcovCL(fit, d$school, type = "HC0", cadjust = FALSE), CR1 = vcovCL(fit, d$school, type = "HC1"))

out <- NULL
for (m in models) for (kind in c("classical", "HC0", "HC1", "CR0", "CR1")) {
  formula <- as.formula(paste(deparse(m$x), "|", deparse(m$z[[2]])), environment())
  clustered <- kind %in% c("CR0", "CR1")
  fit <- ivreg(formula, data = d)
  v <- if (kind %in% c("HC0", "HC1")) { # by hand: x̂'e, as sandwich has it
    s <- estfun(fit); a <- bread(fit) / nobs(fit)
    a %*% crossprod(s) %*% a * if (kind == "HC1") nobs(fit) / df.residual(fit) else 1
  } else variance(fit, kind)
  se <- sqrt(diag(v))
  robust <- switch(kind,
    CR1 = iv_robust(formula, data = d, clusters = school, se_type = "stata"),
    CR0 = iv_robust(formula, data = d, clusters = school, se_type = "CR0"),
    iv_robust(formula, data = d, se_type = kind))
  stopifnot(max(abs(coef(robust) - coef(fit))) < 1e-10, max(abs(robust$std.error / se - 1)) < 1e-9)
  df <- if (clustered) length(unique(d$school)) - 1 else df.residual(fit)
  stopifnot(kind == "CR0" || max(abs(robust$df - df)) < 1e-9)

  instruments <- setdiff(all.vars(m$z), all.vars(m$x))
  endogenous <- setdiff(all.vars(m$x), c("score", all.vars(m$z)))
  wald <- function(y) { # of the excluded instruments, and its p-value
    reduced <- lm(reformulate(all.vars(m$z), "y"), data = cbind(d, y = y))
    b <- coef(reduced)[instruments]
    f <- drop(b %*% solve(variance(reduced, kind)[instruments, instruments], b)) / length(b)
    df <- if (clustered) length(unique(d$school)) - 1 else df.residual(reduced)
    c(f, pf(f, length(b), df, lower.tail = FALSE), df)
  }
  ar <- low <- high <- NA
  if (length(endogenous) == 1 && (length(instruments) == 1 || kind == "classical")) {
    p <- function(null) wald(d$score - null * d[[endogenous]])[2] - 0.05
    b <- coef(fit)[[endogenous]]; far <- 40 * se[[endogenous]]
    ar <- p(0) + 0.05
    stopifnot(p(b) > 0, p(b - far) < 0, p(b + far) < 0)
    low <- uniroot(p, c(b - far, b), tol = 1e-14, maxiter = 1e4)$root
    high <- uniroot(p, c(b, b + far), tol = 1e-14, maxiter = 1e4)$root
  }
  for (term in c("ses", endogenous, if (!grepl("block", m$text)) "(Intercept)"))
    out <- rbind(out, data.frame(formula = m$text, se_kind = kind, term, estimate = coef(fit)[[term]], se = se[[term]], df,
      p = 2 * pt(-abs(coef(fit)[[term]] / se[[term]]), df),
      ar = if (term %in% endogenous) ar else NA, low = if (term %in% endogenous) low else NA, high = if (term %in% endogenous) high else NA))
  for (e in endogenous) {
    f <- wald(d[[e]])
    out <- rbind(out, data.frame(formula = m$text, se_kind = kind, term = paste0("first-stage F(", e, ")"), estimate = f[1], se = NA, df = f[3], p = f[2], ar = NA, low = NA, high = NA))
  }
}
for (column in names(out)[4:10]) out[[column]] <- ifelse(is.na(out[[column]]), "", format(out[[column]], digits = 17, trim = TRUE, scientific = TRUE))
write.csv(out, "estimates.csv", row.names = FALSE, quote = 1)
