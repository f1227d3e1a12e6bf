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
  } else if (se %in% c("CR0", "CR1")) {
    V <- vcovCR(fit, cluster = data[[cluster]], type = c(CR0 = "CR0", CR1 = "CR1S")[[se]])
  }
  df <- N - K
  if (startsWith(se, "CR")) df <- length(unique(data[[cluster]])) - 1
  V <- as.matrix(V)
  for (t in names(terms)) row(name, t, coef(fit)[[terms[[t]]]], sqrt(V[terms[[t]], terms[[t]]]), df, N, dropped)
}

plain <- c("(Intercept)" = "(Intercept)", treated = "treated", pretest = "pretest", girl = "girl")
base <- c("score", "treated", "pretest", "girl")
for (se in c("classical", "HC0", "HC1"))
  case(paste("plain", se), score ~ treated + pretest + girl, d, base, plain, se)
for (se in c("CR0", "CR1"))
  case(paste("plain", se), score ~ treated + pretest + girl, d, c(base, "school"), plain, se, "school")
inner <- plain[-1]
for (se in c("classical", "HC1"))
  case(paste("block", se), score ~ treated + pretest + girl + factor(block), d, c(base, "block"), inner, se)
for (se in c("CR0", "CR1")) {
  case(paste("block", se, "school"), score ~ treated + pretest + girl + factor(block), d, c(base, "block", "school"), inner, se, "school")
  # The fixed effect and the clusters cross each other.
  case(paste("coder", se, "school"), score ~ treated + pretest + girl + factor(coder), d, c(base, "school"), inner, se, "school")
  case(paste("school", se, "coder"), score ~ pretest + girl + factor(school), d, c("score", "pretest", "girl", "school"), inner[-1], se, "coder")
}
# Powers, products, a column far from zero, a cluster that is a regressor too.
products <- c(treated = "treated", year = "year", "year^2" = "I(year^2)", pretest = "pretest", girl = "girl", "treated:pretest" = "treated:pretest")
case("products HC1", score ~ treated * pretest + year + I(year^2) + girl, d, c(base, "year"), products, "HC1")
case("year CR1", score ~ treated + year + factor(block), d, "score", c(treated = "treated", year = "year"), "CR1", "year")
# A subset by text.
s <- d[d$arm == "coaching", ]
case("coaching CR1", score ~ pretest + factor(block), s, c("score", "pretest", "school"), c(pretest = "pretest"), "CR1", "school")
# Standardised over all complete rows, then restricted.
z <- d[complete.cases(d[, c("score", "pretest", "girl")]), ]
z$std <- as.numeric(scale(z$pretest))
case("std HC1", score ~ std, z[z$girl == 1, ], "score", c("std(pretest)" = "std"), "HC1",
  dropped = sum(is.na(d$girl) | d$girl == 1 & is.na(d$pretest)))

write.csv(format(out, digits = 17, trim = TRUE, scientific = TRUE), "fit.csv", row.names = FALSE, quote = FALSE)
