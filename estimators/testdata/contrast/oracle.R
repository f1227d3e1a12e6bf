# Contrasts of coefficients after lm, ivreg and lmer, by clubSandwich, sandwich and
# lmerTest with pbkrtest. Run in this directory:
#
#   Rscript oracle.R
#
# writes data.csv (three arms; 28 schools of unequal size in 4 blocks) and
# estimates.csv. R 4.5 with sandwich, clubSandwich, AER, lme4, lmerTest, pbkrtest.
suppressMessages({
  library(sandwich); library(clubSandwich); library(AER); library(lmerTest)
})
options(digits = 17)
set.seed(20260315)
schools <- 28
block <- rep(1:4, each = 7)
arm <- unlist(lapply(1:4, function(b) sample(c("control", "control", "coaching", "coaching", "coaching", "training", "training"))))
size <- 3 + rpois(schools, 6)
s <- rep(seq_len(schools), size)
n <- length(s)
d <- data.frame(block = block[s], school = s, coaching = +(arm[s] == "coaching"), training = +(arm[s] == "training"),
                rural = rbinom(schools, 1, 0.4)[s])
d$ses <- round(rnorm(n) + rnorm(schools)[s] / 2, 6)
d$weight <- round(runif(n, 0.5, 2), 6)
shared <- rnorm(n)
d$given <- +(d$coaching * 1.2 + 0.3 * shared + rnorm(n) > 0.6)
d$attended <- +(d$training * 1.1 + 0.3 * shared + rnorm(n) > 0.6)
d$score <- round(0.3 * d$given + 0.2 * d$attended + 0.4 * d$ses + 0.3 * d$rural + 0.5 * shared +
                 0.5 * rnorm(schools)[s] + 0.2 * d$block + rnorm(n), 6)
write.csv(d, "data.csv", row.names = FALSE)

rows <- list()
add <- function(kind, formula, se, cluster, term, estimate, se_value, df, weights = "", method = "") {
  rows[[length(rows) + 1]] <<- data.frame(kind, formula, weights, se_kind = se, cluster, method, term,
    estimate, se = se_value, df, p = 2 * pt(-abs(estimate / se_value), df))
}
# by clubSandwich, with Satterthwaite df of this contrast: the coefficient test of the
# regression rewritten so that the contrast is a coefficient, and the HTZ test of one
# constraint, which agree
club <- function(kind, formula, fit, se, cluster, id, term, L, weights = "") {
  root <- if (weights == "") 1 else sqrt(d[[weights]]) # the weights' own working model
  X <- root * model.matrix(fit)
  y <- root * model.response(model.frame(fit))
  change <- diag(length(L))
  first <- which(L != 0)[1]
  change[first, ] <- L
  Z <- X %*% solve(change)
  again <- lm(y ~ 0 + Z)
  t <- coef_test(again, vcov = vcovCR(again, cluster = id, type = se), test = "Satterthwaite")[first, ]
  scaled <- lm(y ~ 0 + X)
  wald <- Wald_test(scaled, constraints = matrix(L, 1), vcov = vcovCR(scaled, cluster = id, type = se), test = "HTZ")
  stopifnot(abs(wald$Fstat / t$tstat^2 - 1) < 1e-8, abs(wald$df_denom / t$df_Satt - 1) < 1e-8)
  add(kind, formula, se, cluster, term, t$beta, t$SE, t$df_Satt, weights = weights)
}
sandwiched <- function(kind, formula, fit, v, se, cluster, term, L, df, ...) {
  add(kind, formula, se, cluster, term, sum(L * coef(fit)), sqrt(drop(t(L) %*% v %*% L)), df, ...)
}
pick <- function(fit, ...) {
  w <- c(...)
  L <- setNames(numeric(length(coef(fit))), names(coef(fit)))
  L[names(w)] <- w
  L
}

# least squares
plain <- lm(score ~ coaching + training + ses, d)
bent <- lm(score ~ coaching + training + ses + I(ses^2) + coaching:ses, d)
blocks <- lm(score ~ coaching + training + ses + rural + factor(block), d)
heavy <- lm(score ~ coaching + training + ses, d, weights = weight)
G <- schools
for (case in list(list("score ~ coaching + training + ses", plain, ""),
                  list("score ~ coaching + training + ses + ses^2 + coaching:ses", bent, ""),
                  list("score ~ coaching + training + ses + rural | block", blocks, ""),
                  list("score ~ coaching + training + ses", heavy, "weight"))) {
  fit <- case[[2]]
  for (one in list(list("coaching - training", pick(fit, coaching = 1, training = -1)),
                   list("0.5 * coaching + 0.5 * training", pick(fit, coaching = 0.5, training = 0.5)),
                   list("-coaching + 2 * ses - training", pick(fit, coaching = -1, ses = 2, training = -1)))) {
    for (se in c("CR2", "CR3")) {
      club("ols", case[[1]], fit, se, "school", d$school, one[[1]], one[[2]], weights = case[[3]])
    }
    if (case[[3]] == "") sandwiched("ols", case[[1]], fit, vcovHC(fit, "HC2"), "HC2", "", one[[1]], one[[2]], fit$df.residual)
    if (!grepl("block", case[[1]])) {
      sandwiched("ols", case[[1]], fit, vcovCL(fit, d$school, type = "HC1", cadjust = TRUE), "CR1", "school", one[[1]], one[[2]], G - 1, weights = case[[3]])
      sandwiched("ols", case[[1]], fit, vcov(fit), "classical", "", one[[1]], one[[2]], fit$df.residual, weights = case[[3]])
    }
  }
}
L <- pick(plain, "(Intercept)" = 1, coaching = 1)
club("ols", "score ~ coaching + training + ses", plain, "CR2", "school", d$school, "(Intercept) + coaching", L)

# Lin's adjustment: covariates at their means
d$centred <- d$ses - mean(d$ses)
d$rural0 <- d$rural - mean(d$rural)
lin <- lm(score ~ (coaching + training) * (centred + rural0), d)
for (one in list(list("coaching - training", pick(lin, coaching = 1, training = -1)),
                 list("0.5 * coaching + 0.5 * training", pick(lin, coaching = 0.5, training = 0.5)))) {
  club("lin", "score ~ coaching + training + ses + rural", lin, "CR2", "school", d$school, one[[1]], one[[2]])
  sandwiched("lin", "score ~ coaching + training + ses + rural", lin, vcovCL(lin, d$school, type = "HC1", cadjust = TRUE), "CR1", "school", one[[1]], one[[2]], G - 1)
}

# instruments
iv <- ivreg(score ~ given + attended + ses | coaching + training + ses, data = d)
for (one in list(list("given - attended", pick(iv, given = 1, attended = -1)), list("given - ses", pick(iv, given = 1, ses = -1)))) {
  sandwiched("iv", "score ~ ses | given + attended ~ coaching + training", iv, vcovCL(iv, d$school, type = "HC1", cadjust = TRUE), "CR1", "school", one[[1]], one[[2]], G - 1)
  sandwiched("iv", "score ~ ses | given + attended ~ coaching + training", iv, vcov(iv), "classical", "", one[[1]], one[[2]], iv$df.residual)
}

# mixed models
mixed <- lmer(score ~ coaching + training + ses + (1 | school), d, REML = TRUE,
              control = lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-14)))
for (one in list(list("coaching - training", c(0, 1, -1, 0)), list("0.5 * coaching + 0.5 * training", c(0, 0.5, 0.5, 0)))) {
  for (ddf in c("Satterthwaite", "Kenward-Roger")) {
    t <- contest1D(mixed, one[[2]], ddf = ddf)
    add("mixed", "score ~ coaching + training + ses + (1 | school)", "", "", one[[1]], t$Estimate, t$`Std. Error`, t$df, method = tolower(ddf))
  }
}
write.csv(do.call(rbind, rows), "estimates.csv", row.names = FALSE)
