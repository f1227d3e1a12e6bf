# Two-stage least squares by estimatr, and by AER with sandwich and clubSandwich,
# for iv_r_test.go.
#
#   Rscript oracle.R        in this directory
#
# writes the children in data.csv and the estimates in estimates.csv. Standard
# errors of the kinds that estimatr knows are checked against sandwich here.
# estimates_leverage.csv has the kinds that adjust residuals for leverage.

suppressMessages({library(estimatr); library(AER); library(sandwich); library(clubSandwich)})

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
d$weight <- round(0.5 + (seq_len(nrow(d)) %% 7) / 4 + d$rural, 2)
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

# HC2, HC3 and CR2 by estimatr, whose leverage and working model are those of the
# projected regressors; CR3 by clubSandwich, whose CR2 must be estimatr's. With
# weights, CR2 is that of the rows times the roots of their weights: see
# weighting in weights.go. The first stage is lm's, with F by vcovHC, or HTZ by
# clubSandwich.
intercept <- function(m) !grepl("block", m$text)
weighted <- function(m) { # all columns of X and Z times the roots, without a constant
  w <- sqrt(d$weight)
  x <- w * model.matrix(m$x[-2], d); z <- w * model.matrix(m$z, d)
  colnames(x) <- paste0("x", seq_len(ncol(x))); colnames(z) <- paste0("z", seq_len(ncol(z)))
  list(data = data.frame(x, z, y = w * d$score, school = d$school),
    formula = as.formula(paste("y ~ 0 +", paste(colnames(x), collapse = " + "), "| 0 +", paste(colnames(z), collapse = " + "))))
}
models <- lapply(models, function(m) { m$x <- as.formula(deparse(m$x)); m$z <- as.formula(deparse(m$z)); m })

out <- NULL
for (m in models) for (weights in c("", "weight")) for (kind in c("HC2", "HC3", "CR2", "CR3")) {
  instruments <- setdiff(all.vars(m$z), all.vars(m$x))
  endogenous <- setdiff(all.vars(m$x), c("score", all.vars(m$z)))
  terms <- c("ses", endogenous, if (intercept(m)) "(Intercept)")
  formula <- as.formula(paste(deparse(m$x), "|", deparse(m$z[[2]])))
  names <- colnames(model.matrix(m$x[-2], d))
  if (weights == "" || kind %in% c("HC2", "HC3")) {
    data <- d; f <- formula
  } else {
    both <- weighted(m); data <- both$data; f <- both$formula
  }
  if (kind %in% c("HC2", "HC3")) {
    robust <- if (weights == "") iv_robust(f, data = data, se_type = kind) else iv_robust(f, data = data, weights = weight, se_type = kind)
    se <- robust$std.error; df <- robust$df; estimate <- coef(robust)
  } else {
    fit <- ivreg(f, data = data)
    estimate <- coef(fit)
    club <- coef_test(fit, vcov = vcovCR(fit, cluster = data$school, type = kind), test = "Satterthwaite")
    se <- club$SE; df <- club$df
    if (kind == "CR2") {
      robust <- iv_robust(f, data = data, clusters = school, se_type = "CR2")
      stopifnot(max(abs(robust$std.error / se - 1)) < 1e-9, max(abs(robust$df / df - 1)) < 1e-9)
    }
  }
  names(estimate) <- names(se) <- names(df) <- names
  for (term in terms)
    out <- rbind(out, data.frame(formula = m$text, weights, se_kind = kind, term, estimate = estimate[[term]], se = se[[term]], df = df[[term]],
      p = 2 * pt(-abs(estimate[[term]] / se[[term]]), df[[term]])))
  for (e in endogenous) {
    if (weights == "" || kind %in% c("HC2", "HC3")) {
      stage <- if (weights == "") lm(reformulate(all.vars(m$z), e), data = d) else lm(reformulate(all.vars(m$z), e), data = d, weights = weight)
      places <- match(instruments, names(coef(stage)))
    } else {
      z <- sqrt(d$weight) * model.matrix(m$z, d); y <- sqrt(d$weight) * d[[e]]
      places <- match(instruments, colnames(z))
      stage <- lm(y ~ 0 + z)
    }
    if (kind %in% c("HC2", "HC3")) {
      b <- coef(stage)[places]
      f <- drop(b %*% solve(vcovHC(stage, type = kind)[places, places], b)) / length(b)
      df1 <- df.residual(stage); p <- pf(f, length(b), df1, lower.tail = FALSE)
    } else {
      test <- Wald_test(stage, constrain_zero(places), vcov = vcovCR(stage, cluster = d$school, type = kind), test = "HTZ")
      f <- test$Fstat; df1 <- test$df_denom; p <- test$p_val
    }
    out <- rbind(out, data.frame(formula = m$text, weights, se_kind = kind, term = paste0("first-stage F(", e, ")"), estimate = f, se = NA, df = df1, p))
  }
}
for (column in names(out)[5:8]) out[[column]] <- ifelse(is.na(out[[column]]), "", format(out[[column]], digits = 17, trim = TRUE, scientific = TRUE))
write.csv(out, "estimates_leverage.csv", row.names = FALSE, quote = 1)
