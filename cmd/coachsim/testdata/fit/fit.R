# Writes pupils.csv and what R makes of regressions on it, for the tests of fit.
#   Rscript fit.R
# lm, sandwich's vcovHC and clubSandwich's vcovCR. Absorbed effects are entered
# as dummies, so that K counts them, as Stata's areg does.
library(sandwich)
suppressMessages(library(clubSandwich))

set.seed(2)
schools <- data.frame(school = sprintf("S%02d", 1:24), block = rep(c("north", "east", "west", "south"), each = 6))
schools$treated <- rep(c(1, 0), 12)
schools$effect <- rnorm(24, 0, 0.4)
n <- 300
d <- schools[sample(24, n, replace = TRUE), ]
d$coder <- sample(11:19, n, replace = TRUE) # crosses schools and blocks
d$pretest <- round(rnorm(n, 500, 100), 1)
d$girl <- rbinom(n, 1, 0.5)
d$year <- sample(2015:2019, n, replace = TRUE)
d$arm <- ifelse(d$treated == 1, "coaching", "control")
d$score <- round(500 + 20 * d$treated + 0.6 * (d$pretest - 500) + 15 * d$girl + 30 * d$effect + 3 * (d$coder - 15) +
  5 * (d$year - 2017)^2 + rnorm(n, 0, 60), 2)
d$maths <- round(0.01 * d$score + rnorm(n), 4)
d$effect <- NULL
d$pretest[sample(n, 9)] <- NA
d$girl[sample(n, 6)] <- NA
d$maths[sample(n, 5)] <- NA
d$school[sample(n, 3)] <- NA
write.csv(d, "pupils.csv", row.names = FALSE, na = "", quote = FALSE)
d <- read.csv("pupils.csv", na.strings = "")

out <- NULL
row <- function(case, term, estimate, se, df, n, dropped) {
  out <<- rbind(out, data.frame(
    case = case, term = term, estimate = estimate, std.error = se, statistic = estimate / se, df = df,
    p.value = 2 * pt(-abs(estimate / se), df), conf.low = estimate - qt(0.975, df) * se,
    conf.high = estimate + qt(0.975, df) * se, n = n, dropped = dropped
  ))
}
# formula: R's; terms: R's names of the coefficients to keep, named as coachsim calls them
case <- function(name, formula, data, used, terms, se, cluster = NULL, dropped = sum(!complete)) {
  complete <- complete.cases(data[, used])
  force(dropped)
  data <- data[complete, ]
  fit <- lm(formula, data)
  N <- nobs(fit)
  K <- fit$rank
  if (se == "classical") {
    V <- vcov(fit)
  } else if (startsWith(se, "HC")) {
    V <- vcovHC(fit, type = se)
  } else {
    type <- if (se == "CR1") "CR1S" else se
    robust <- vcovCR(fit, cluster = data[[cluster]], type = type)
    V <- as.matrix(robust)
  }
  df <- setNames(rep(N - K, length(coef(fit))), names(coef(fit)))
  if (se %in% c("CR0", "CR1")) df[] <- length(unique(data[[cluster]])) - 1
  if (se %in% c("CR2", "CR3")) df[] <- coef_test(fit, vcov = robust, test = "Satterthwaite")$df_Satt
  for (t in names(terms)) {
    i <- terms[[t]]
    row(name, t, coef(fit)[[i]], sqrt(V[i, i]), df[[i]], N, dropped)
  }
}

plain <- c("(Intercept)" = "(Intercept)", treated = "treated", pretest = "pretest", girl = "girl")
base <- c("score", "treated", "pretest", "girl")
for (se in c("classical", "HC0", "HC1", "HC2", "HC3"))
  case(paste("plain", se), score ~ treated + pretest + girl, d, base, plain, se)
for (se in c("CR0", "CR1", "CR2", "CR3"))
  case(paste("plain", se), score ~ treated + pretest + girl, d, c(base, "school"), plain, se, "school")
inner <- plain[-1]
for (se in c("classical", "HC1", "HC2", "HC3"))
  case(paste("block", se), score ~ treated + pretest + girl + factor(block), d, c(base, "block"), inner, se)
for (se in c("CR0", "CR1", "CR2", "CR3")) {
  case(paste("block", se, "school"), score ~ treated + pretest + girl + factor(block), d, c(base, "block", "school"), inner, se, "school")
  # The fixed effect and the clusters cross each other.
  case(paste("coder", se, "school"), score ~ treated + pretest + girl + factor(coder), d, c(base, "school"), inner, se, "school")
  case(paste("school", se, "coder"), score ~ pretest + girl + factor(school), d, c("score", "pretest", "girl", "school"), inner[-1], se, "coder")
}
# Powers, products, a column far from zero, a cluster that is a regressor too.
# With years as they are, lm and sandwich lose ten digits here, so R is given
# their distance c from 2017: x and x^2 of it have the coefficients b1 + 2c b2
# and b2.
e <- d[complete.cases(d[, base]), ]
e$far <- e$year - 2017
fit <- lm(score ~ treated * pretest + far + I(far^2) + girl, e)
V <- vcovHC(fit, type = "HC1")
L <- diag(length(coef(fit)))
dimnames(L) <- list(names(coef(fit)), names(coef(fit)))
L["far", "I(far^2)"] <- -2 * 2017
b <- drop(L %*% coef(fit))
se <- sqrt(diag(L %*% V %*% t(L)))
products <- c(treated = "treated", year = "far", "year^2" = "I(far^2)", pretest = "pretest", girl = "girl", "treated:pretest" = "treated:pretest")
for (t in names(products)) {
  i <- products[[t]]
  row("products HC1", t, b[[i]], se[[i]], fit$df.residual, nobs(fit), nrow(d) - nobs(fit))
}
case("year CR1", score ~ treated + year + factor(block), d, "score", c(treated = "treated", year = "year"), "CR1", "year")
# A subset by text.
s <- d[d$arm == "coaching", ]
case("coaching CR1", score ~ pretest + factor(block), s, c("score", "pretest", "school"), c(pretest = "pretest"), "CR1", "school")
# Standardised over all complete rows, then restricted.
z <- d[complete.cases(d[, c("score", "pretest", "girl")]), ]
z$std <- as.numeric(scale(z$pretest))
case("std HC1", score ~ std, z[z$girl == 1, ], "score", c("std(pretest)" = "std"), "HC1",
  dropped = sum(is.na(d$girl) | d$girl == 1 & is.na(d$pretest)))

# Random effects, by lme4: only estimates and standard errors.
suppressMessages(library(lme4))
mixed <- function(name, formula, used, terms) {
  data <- d[complete.cases(d[, used]), ]
  fit <- lmer(formula, data, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10)))
  b <- coef(summary(fit))
  for (t in names(terms)) row(name, t, b[terms[[t]], 1], b[terms[[t]], 2], NA, nrow(data), nrow(d) - nrow(data))
}
two <- c(treated = "treated", pretest = "pretest")
mixed("mixed school", score ~ treated + pretest + (1 | school), c("score", "pretest", "school"), two)
mixed("mixed school/coder", score ~ treated + pretest + (1 | school / coder), c("score", "pretest", "school"), two)
mixed("mixed block", score ~ treated + pretest + factor(block) + (1 | school / coder), c("score", "pretest", "school"), two)
mixed("mixed slopes", score ~ treated + pretest + (1 + treated | block) + (1 | school), c("score", "pretest", "school"), two)
mixed("mixed fixed block", score ~ treated + pretest + factor(block) + (0 + treated | block) + (1 | school), c("score", "pretest", "school"), two)
mixed("mixed girls", score ~ treated + pretest + girl + (1 + girl || school), c("score", "pretest", "girl", "school"), two)

write.csv(format(out, digits = 17, trim = TRUE, scientific = TRUE), "fit.csv", row.names = FALSE, quote = FALSE)
