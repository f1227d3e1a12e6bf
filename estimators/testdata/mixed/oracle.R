# Mixed models by lme4, lmerTest and pbkrtest, for mixed_r_test.go.
#
#   Rscript oracle.R        in this directory
#
# writes the data sets NAME.csv, the estimates in estimates.csv and the variance
# components in components.csv. lme4's
# optimiser stops some 1e-5 from the maximum, so its theta is polished by
# Newton's method on the profiled deviance before anything is read off.

suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(numDeriv)})
options(digits = 15)

draw <- function(seed, blocks, schools, teachers, children, sd_school, sd_teacher, sd_effect = 0) {
  set.seed(seed)
  pick <- function(range) if (length(range) == 1) range else sample(range[1]:range[2], 1)
  rows <- list(); school <- 0; teacher <- 0
  for (b in seq_len(blocks)) {
    n <- pick(schools)
    arm <- sample(rep(0:1, length.out = n))
    effect <- 0.3; mean <- 0.1 * b
    if (sd_effect > 0) { effect <- rnorm(1, 0.3, sd_effect); mean <- rnorm(1, sd = 0.4) + 0.5 * (effect - 0.3) }
    for (s in seq_len(n)) {
      school <- school + 1
      u <- rnorm(1, sd = sd_school); rural <- rbinom(1, 1, 0.4)
      for (t in seq_len(pick(teachers))) {
        teacher <- teacher + 1
        v <- rnorm(1, sd = sd_teacher); experience <- round(rexp(1, 1 / 12), 1)
        k <- pick(children)
        age <- round(rnorm(k, 84, 5), 1); girl <- rbinom(k, 1, 0.5); ses <- round(rnorm(k), 3)
        y <- effect * arm[s] + 0.4 * ses + 0.1 * girl + 0.03 * (age - 84) + 0.01 * experience - 0.2 * rural + mean + u + v + rnorm(k)
        z <- 500 + 100 * (0.5 * y + 0.8 * rnorm(k) + 0.3 * u)
        rows[[teacher]] <- data.frame(block = b, school, teacher, coaching = arm[s], rural, experience,
                                      age, girl, ses, score = round(y, 4), reading = round(z, 2))
      }
    }
  }
  do.call(rbind, rows)
}

data <- list(
  balanced = draw(1, 2, 8, 1, 6, 0.5, 0),
  unequal  = draw(2, 4, c(5, 8), 1, c(3, 14), 0.4, 0),
  nested   = draw(3, 3, c(4, 7), c(1, 4), c(2, 8), 0.5, 0.4),
  boundary = draw(5, 3, c(4, 6), c(1, 3), c(2, 6), 0, 0),
  varying  = draw(7, 9, c(4, 8), c(1, 3), c(2, 7), 0.4, 0.3, 0.8),
  alike    = draw(8, 6, c(4, 6), 1, c(3, 6), 0.3, 0, 0.01)
)
for (name in names(data)) write.csv(data[[name]], paste0(name, ".csv"), row.names = FALSE, quote = FALSE)

models <- read.csv(text = "data,formula,r
balanced,score ~ coaching + (1 | school),score ~ coaching + (1 | school)
balanced,score ~ coaching + ses + (1 | school) | block,score ~ 0 + factor(block) + coaching + ses + (1 | school)
unequal,score ~ coaching + (1 | school),score ~ coaching + (1 | school)
unequal,score ~ coaching + ses + girl + age + rural + (1 | school) | block,score ~ 0 + factor(block) + coaching + ses + girl + age + rural + (1 | school)
unequal,reading ~ coaching*ses + age + age^2 + (1 | school),reading ~ coaching*ses + age + I(age^2) + (1 | school)
unequal,reading ~ coaching + (1 | block/school),reading ~ coaching + (1 | block/school)
unequal,score ~ ses + coaching - 1 + (1 | school),score ~ ses + coaching - 1 + (1 | school)
nested,score ~ coaching + (1 | school/teacher),score ~ coaching + (1 | school/teacher)
nested,score ~ coaching + ses + age + experience + rural + (1 | school/teacher) | block,score ~ 0 + factor(block) + coaching + ses + age + experience + rural + (1 | school/teacher)
nested,reading ~ coaching + ses + (1 | teacher),reading ~ coaching + ses + (1 | teacher)
nested,reading ~ coaching + ses + experience + (1 | school/teacher),reading ~ coaching + ses + experience + (1 | school/teacher)
boundary,score ~ coaching + ses + (1 | school),score ~ coaching + ses + (1 | school)
boundary,score ~ coaching + ses + (1 | school/teacher) | block,score ~ 0 + factor(block) + coaching + ses + (1 | school/teacher)
boundary,reading ~ coaching + girl + (1 | school/teacher),reading ~ coaching + girl + (1 | school/teacher)
varying,score ~ coaching + (1 + coaching | block),score ~ coaching + (1 + coaching | block)
varying,score ~ coaching + ses + (coaching | block) + (1 | school),score ~ coaching + ses + (coaching | block) + (1 | school)
varying,reading ~ coaching + ses + girl + (1 + coaching | block) + (1 | school/teacher),reading ~ coaching + ses + girl + (1 + coaching | block) + (1 | school) + (1 | teacher)
varying,score ~ coaching + ses + age + (1 + coaching || block) + (1 | school),score ~ coaching + ses + age + (1 + coaching || block) + (1 | school)
varying,score ~ coaching + ses + (0 + coaching | block) + (1 | school),score ~ coaching + ses + (0 + coaching | block) + (1 | school)
varying,score ~ coaching + ses + (0 + coaching | block) + (1 | school) | block,score ~ 0 + factor(block) + coaching + ses + (0 + coaching | block) + (1 | school)
varying,score ~ coaching + ses + (1 + ses | school),score ~ coaching + ses + (1 + ses | school)
alike,score ~ coaching + ses + (1 + coaching | block) + (1 | school),score ~ coaching + ses + (1 + coaching | block) + (1 | school)
alike,reading ~ coaching + ses + (1 + coaching | block),reading ~ coaching + ses + (1 + coaching | block)
alike,score ~ coaching + (0 + coaching | block) + (1 | school),score ~ coaching + (0 + coaching | block) + (1 | school)
alike,score ~ coaching + girl + (1 + coaching || block) + (1 | school),score ~ coaching + girl + (1 + coaching || block) + (1 | school)", strip.white = TRUE)

# polish finishes the optimiser's work.
polish <- function(formula, d, REML) {
  parsed <- lFormula(formula, d, REML = REML, control = lmerControl(check.conv.singular = "ignore"))
  devfun <- do.call(mkLmerDevfun, parsed)
  best <- NULL
  for (optimizer in c("bobyqa", "Nelder_Mead")) {
    o <- optimizeLmer(devfun, optimizer = optimizer, control = if (optimizer == "bobyqa") list(rhoend = 1e-9) else list(FtolAbs = 1e-14, XtolRel = 1e-12))
    if (is.null(best) || o$fval < best$fval - 1e-9) best <- o
  }
  theta <- best$par
  diagonal <- parsed$reTrms$lower == 0
  zero <- diagonal & theta < 1e-3
  for (i in 1:8) {
    theta[zero] <- 0
    free <- theta != 0
    part <- function(x) { t <- theta; t[free] <- x; devfun(t) }
    if (!any(free)) break
    step <- solve(hessian(part, theta[free]), grad(part, theta[free]))
    theta[free] <- theta[free] - step
  }
  stopifnot(!any(free) || max(abs(grad(part, theta[free]))) < 1e-5)
  # A standard deviation at 0 must not want to grow.
  for (i in which(zero)) {
    t <- theta; t[i] <- 1e-2
    if (devfun(t) < devfun(theta)) stop("not a boundary")
  }
  best$par <- theta
  best$fval <- devfun(theta)
  mkMerMod(environment(devfun), best, parsed$reTrms, fr = parsed$fr)
}

number <- function(x) ifelse(is.na(x), "", trimws(formatC(x, digits = 15, format = "g")))
# Groups of terms that are tested jointly, by model.
groups <- list("4" = c("coaching", "ses", "girl"), "9" = c("coaching", "experience", "rural"), "11" = c("coaching", "ses", "experience"),
  "13" = c("coaching", "ses"), "16" = c("coaching", "ses"), "17" = c("coaching", "ses", "girl"), "20" = c("coaching", "ses"),
  "21" = c("coaching", "ses"), "22" = c("(Intercept)", "ses"), "23" = c("coaching", "ses"))

joint <- components <- NULL
out <- NULL
for (i in seq_len(nrow(models))) for (REML in c(TRUE, FALSE)) {
  d <- data[[models$data[i]]]
  fit <- lmerTest:::as_lmerModLT(polish(as.formula(models$r[i]), d, REML),
    do.call(mkLmerDevfun, lFormula(as.formula(models$r[i]), d, REML = REML, control = lmerControl(check.conv.singular = "ignore"))))
  b <- fixef(fit)
  s <- coef(summary(fit, ddf = "Satterthwaite"))
  theta <- getME(fit, "theta")
  v <- as.data.frame(VarCorr(fit), order = "lower.tri")
  components <- rbind(components, data.frame(data = models$data[i], formula = models$formula[i], method = if (REML) "REML" else "ML",
    group = sub(":.*", "", sub("\\.[0-9]+$", "", v$grp)), term = ifelse(is.na(v$var1), "", v$var1), with = ifelse(is.na(v$var2), "", v$var2),
    variance = number(v$vcov), sdcor = number(v$sdcor)))
  keep <- !grepl("factor(block)", names(b), fixed = TRUE)
  group <- groups[[as.character(i)]]
  if (!is.null(group)) {
    L <- diag(length(b))[match(group, names(b)), ]
    s2 <- contestMD(fit, L, ddf = "Satterthwaite")
    kr <- if (REML) KRmodcomp(fit, L)$test["Ftest", ]
    joint <- rbind(joint, data.frame(data = models$data[i], formula = models$formula[i], method = if (REML) "REML" else "ML",
      terms = paste(group, collapse = " "), f = number(s2[["F value"]]), df = number(s2[["DenDF"]]), p = number(s2[["Pr(>F)"]]),
      kr_f = number(if (REML) kr$stat else NA), kr_df = number(if (REML) kr$ddf else NA), kr_p = number(if (REML) kr$p.value else NA)))
  }
  kr_se <- kr_df <- rep(NA, length(b))
  if (REML) {
    V <- vcov(fit); VA <- vcovAdj(fit)
    kr_se <- sqrt(diag(as.matrix(VA)))
    kr_df <- sapply(seq_along(b), function(j) { L <- rep(0, length(b)); L[j] <- 1; Lb_ddf(L, V, VA) })
  }
  out <- rbind(out, data.frame(
    data = models$data[i], formula = models$formula[i], method = if (REML) "REML" else "ML",
    term = gsub("I(age^2)", "age^2", names(b), fixed = TRUE),
    estimate = number(b), se = number(s[, "Std. Error"]), df = number(s[, "df"]), p = number(s[, "Pr(>|t|)"]),
    kr_se = number(kr_se), kr_df = number(kr_df),
    singular = as.integer(isSingular(fit, tol = 1e-6)), sigma2 = number(sigma(fit)^2))[keep, ])
}
write.csv(out, "estimates.csv", row.names = FALSE, quote = FALSE)
write.csv(joint, "joint.csv", row.names = FALSE, quote = FALSE)
write.csv(components, "components.csv", row.names = FALSE, quote = FALSE)
