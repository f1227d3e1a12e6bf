# Functions, factors, cluster means, Lin's adjustment and indices by R's lm,
# estimatr and clubSandwich, for formula_r_test.go.
#
#   Rscript oracle.R        in this directory
#
# writes the children in data.csv and the estimates in estimates.csv.

suppressMessages({library(estimatr); library(clubSandwich); library(sandwich)})

draw <- function() {
  set.seed(3)
  rows <- list(); school <- 0
  for (b in 1:4) for (arm in sample(c(0, 0, 1, 1, 2, 2)[1:(4 + b %% 2 * 2)])) {
    school <- school + 1
    n <- sample(4:9, 1)
    u <- rnorm(1, sd = 0.4); rural <- rbinom(1, 1, 0.4); track <- sample(0:2, 1)
    ses <- round(rnorm(n), 3); age <- round(rnorm(n, 84, 5), 1); grade <- sample(0:3, n, replace = TRUE)
    income <- round(exp(rnorm(n, 2, 0.7)), 2)
    baseline <- round(rnorm(n, 50, 10), 1)
    reading <- round(20 + 0.6 * baseline + 3 * (arm == 1) + 2 * (arm == 2) + ses + 2 * u + rnorm(n, sd = 6), 2)
    score <- round(0.5 * (arm > 0) + 0.4 * ses + 0.1 * grade * (arm == 1) + u + 0.1 * b + rnorm(n), 4)
    rows[[school]] <- data.frame(block = b, school, coaching = as.numeric(arm == 1), tutoring = as.numeric(arm == 2), rural, track, grade, ses, age, income, baseline, reading, score)
  }
  do.call(rbind, rows)
}
d <- draw()
write.csv(d, "data.csv", row.names = FALSE, quote = FALSE)

out <- NULL
add <- function(kind, formula, rows, se, term, estimate, std.error, df)
  out <<- rbind(out, data.frame(kind, formula, rows, se, term, estimate, std_error = std.error, df))

# What coachsim calls by the same names.
std <- function(x) (x - mean(x)) / sd(x)
center <- function(x) x - mean(x)
below <- function(x, p) as.numeric(x < quantile(x, p / 100))
above <- function(x, p) as.numeric(x > quantile(x, p / 100))
group_mean <- function(x, g) ave(x, g)
group_n <- function(g) ave(rep(1, length(g)), g, FUN = sum)
zscores <- function(control, ...) sapply(list(...), function(y) (y - mean(y[control])) / sd(y[control]))
klk <- function(control, ...) rowMeans(zscores(control, ...))
anderson <- function(control, ...) {
  z <- zscores(control, ...)
  w <- rowSums(solve(cov(z)))
  drop(z %*% w) / sum(w)
}

# text: as coachsim has it; formula: as R has it; every term is reported under
# R's name, but for those that names translates.
regress <- function(text, formula, se, data = d, rows = "child", rename = identity) {
  cr <- startsWith(se, "CR")
  fit <- lm(formula, data = data)
  kept <- !is.na(coef(fit))
  if (cr) {
    t <- coef_test(fit, vcovCR(fit, cluster = data$school, type = if (se == "CR1") "CR1S" else se), test = "Satterthwaite")
    df <- if (se == "CR2") t$df_Satt else rep(length(unique(data$school)) - 1, sum(kept))
    std <- t$SE
  } else {
    std <- sqrt(diag(if (se == "classical") vcov(fit) else vcovHC(fit, type = se)))
    df <- rep(df.residual(fit), sum(kept))
  }
  terms <- rename(names(coef(fit)[kept]))
  for (i in seq_along(terms)) if (!grepl("factor\\(block\\)", terms[i]) || grepl("factor\\(block\\)", text))
    add("ols", text, rows, se, terms[i], coef(fit)[kept][[i]], std[[i]], df[[i]])
}

# Functions and arithmetic.
regress("I(reading - baseline) ~ coaching + tutoring", I(reading - baseline) ~ coaching + tutoring, "CR2")
regress("reading ~ coaching + tutoring + baseline", reading ~ coaching + tutoring + baseline, "CR2")
regress("log(income) ~ coaching + sqrt(income) + I((age - 84)^2/10)", log(income) ~ coaching + sqrt(income) + I((age - 84)^2/10), "HC1")
regress("I(2 * score^3 - ses/age) ~ coaching + exp(ses) + log(age - 50)", I(2 * score^3 - ses/age) ~ coaching + exp(ses) + log(age - 50), "classical")
regress("std(score) ~ center(age) + below(log(income), 30)", std(score) ~ center(age) + below(log(income), 30), "HC0")

# Factors, by contrasts and by all levels, in interactions.
regress("score ~ coaching + factor(grade)", score ~ coaching + factor(grade), "CR1")
regress("score ~ coaching*factor(grade) + ses", score ~ coaching*factor(grade) + ses, "HC1")
regress("score ~ factor(block):coaching + factor(block)", score ~ factor(block):coaching + factor(block), "classical")
regress("score ~ ses:factor(grade)", score ~ ses:factor(grade), "classical")
regress("score ~ factor(track)*factor(grade)", score ~ factor(track)*factor(grade), "classical")
regress("score ~ factor(grade) + factor(track) - 1", score ~ factor(grade) + factor(track) - 1, "classical")
regress("score ~ factor(block) + coaching", score ~ factor(block) + coaching, "CR2")

# Joint tests of all dummies of a factor.
joint <- function(text, formula, group) {
  fit <- lm(formula, data = d)
  at <- grep(group, names(coef(fit)), fixed = TRUE)
  b <- coef(fit)[at]; v <- vcovHC(fit, type = "HC1")[at, at]
  add("joint", text, "child", "HC1", group, drop(b %*% solve(v, b)) / length(at), NA, df.residual(fit))
}
joint("score ~ coaching + factor(grade) + ses", score ~ coaching + factor(grade) + ses, "factor(grade)")
joint("score ~ coaching*factor(grade) + ses", score ~ coaching*factor(grade) + ses, "coaching:factor(grade)")

# Means by school: as regressors of children, and as rows.
regress("score ~ coaching + ses + mean(ses, school) + n(school)", score ~ coaching + ses + group_mean(ses, school) + group_n(school), "CR1",
  rename = function(x) sub("group_n\\(school\\)", "n(school)", sub("group_mean", "mean", x)))
s <- aggregate(cbind(score, reading, ses, grade, income, coaching, tutoring, rural, block) ~ school, d, mean)
s$size <- as.vector(table(d$school))
shorter <- function(x) sub("^ses$", "mean(ses, school)", sub("^size$", "n(school)", x))
regress("mean(score, school) ~ coaching + tutoring + mean(ses, school) | block", score ~ coaching + tutoring + ses + factor(block), "HC2", s, "school",
  rename = function(x) shorter(x))
out <- out[!(out$formula == "mean(score, school) ~ coaching + tutoring + mean(ses, school) | block" & out$term == "(Intercept)"), ]
regress("mean(reading, school) ~ coaching + mean(ses, school) + n(school) + rural", reading ~ coaching + ses + size + rural, "HC3", s, "school", rename = shorter)
g <- d; g$l <- group_mean(log(d$income), d$school)
regress("mean(log(income), school) ~ coaching", l ~ coaching, "HC1", aggregate(cbind(l, coaching) ~ school, g, mean), "school")

# Lin's adjustment.
lin <- function(text, formula, covariates, se, data = d, rows = "child") {
  fit <- if (startsWith(se, "CR")) lm_lin(formula, covariates, data = data, clusters = school, se_type = se)
    else lm_lin(formula, covariates, data = data, se_type = se)
  add("lin", text, rows, se, "coaching", coef(fit)[["coaching"]], fit$std.error[["coaching"]], fit$df[["coaching"]])
}
two <- d[d$tutoring == 0, ]
lin("score ~ coaching + ses", score ~ coaching, ~ ses, "HC2")
lin("score ~ coaching + ses + age + age^2 + rural", score ~ coaching, ~ ses + age + I(age^2) + rural, "HC2")
lin("score ~ coaching + ses + age + rural", score ~ coaching, ~ ses + age + rural, "CR2")
lin("reading ~ coaching + baseline + factor(grade)", reading ~ coaching, ~ baseline + factor(grade), "CR2")
lin("score ~ coaching + ses | block", score ~ coaching, ~ ses + factor(block), "HC2")
lin("score ~ coaching + ses | block", score ~ coaching, ~ ses + factor(block), "HC1")
lin("I(reading - baseline) ~ coaching + ses:rural", I(reading - baseline) ~ coaching, ~ ses:rural, "classical")
lin("log(income) ~ coaching + ses | block", log(income) ~ coaching, ~ ses + factor(block), "CR2")
lin("mean(score, school) ~ coaching + mean(ses, school)", score ~ coaching, ~ ses, "HC2", s, "school")
# Three arms: lm_lin interacts each with the covariates.
d$arm <- factor(ifelse(d$coaching == 1, "coaching", ifelse(d$tutoring == 1, "tutoring", "0")), levels = c("0", "coaching", "tutoring"))
for (se in c("HC2", "CR2")) {
  fit <- if (se == "CR2") lm_lin(score ~ arm, ~ ses + age, data = d, clusters = school, se_type = se) else lm_lin(score ~ arm, ~ ses + age, data = d, se_type = se)
  for (a in c("coaching", "tutoring"))
    add("lin", "score ~ coaching + tutoring + ses + age", "child", se, a, coef(fit)[[paste0("arm", a)]], fit$std.error[[paste0("arm", a)]], fit$df[[paste0("arm", a)]])
}

# Indices. The control group is in no arm, or has 0 in the column after by =.
none <- d$coaching == 0 & d$tutoring == 0; uncoached <- d$coaching == 0
ix <- d
ix$i1 <- klk(none, d$score, d$reading, -d$income)
ix$i2 <- klk(uncoached, d$score, d$reading)
ix$i3 <- anderson(none, d$score, d$reading, d$baseline)
ix$i4 <- anderson(uncoached, d$score, log(d$income), -d$reading)
regress("klk(score, reading, -income) ~ coaching + ses", i1 ~ coaching + ses, "CR2", ix)
regress("klk(score, reading, by = coaching) ~ coaching + ses", i2 ~ coaching + ses, "classical", ix)
regress("anderson(score, reading, baseline) ~ coaching + ses", i3 ~ coaching + ses, "CR2", ix)
regress("anderson(score, log(income), -reading, by = coaching) ~ coaching + ses", i4 ~ coaching + ses, "HC1", ix)

for (column in c("estimate", "std_error", "df")) out[[column]] <- ifelse(is.na(out[[column]]), "", format(out[[column]], digits = 17, trim = TRUE, scientific = TRUE))
write.csv(out, "estimates.csv", row.names = FALSE, quote = 1:5)
