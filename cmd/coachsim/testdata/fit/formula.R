# Writes formula.csv: what R makes of functions, factors, means, indices and
# Lin's adjustment of pupils.csv, for the tests of fit.
#   Rscript formula.R
# Lin's by estimatr's lm_lin, else lm with sandwich's vcovHC or clubSandwich's
# vcovCR.
suppressMessages({library(estimatr); library(sandwich); library(clubSandwich)})
d <- read.csv("pupils.csv", na.strings = "")
out <- NULL
row <- function(flags, outcome, term, estimate, se, df, n)
  out <<- rbind(out, data.frame(flags, outcome, term, estimate, std.error = se, df, n))

lin <- function(flags, outcome, formula, covariates, used, se, term = "treated", name = term, clusters = FALSE, weights = FALSE, condition = TRUE) {
  data <- d[complete.cases(d[, used]) & condition, ]
  fit <- if (clusters) lm_lin(formula, covariates, data = data, clusters = school, se_type = se)
    else if (weights) lm_lin(formula, covariates, data = data, weights = pretest, se_type = se)
    else lm_lin(formula, covariates, data = data, se_type = se)
  row(flags, outcome, name, coef(fit)[[term]], fit$std.error[[term]], fit$df[[term]], nrow(data))
}
base <- c("score", "treated", "pretest")
lin("--formula;score ~ treated + pretest;--kind;lin;--treatment;treated", "score", score ~ treated, ~ pretest, base, "HC2")
lin("--formula;score ~ pretest + treated + girl | block;--kind;lin;--treatment;treated;--se;HC1", "score", score ~ treated, ~ pretest + girl + factor(block), c(base, "girl"), "HC1")
lin("--formula;score ~ treated + pretest;--kind;lin;--treatment;treated;--se;classical;--where;girl == 1", "score", score ~ treated, ~ pretest, c(base, "girl"), "classical", condition = d$girl == 1)
for (flags in c("", ";--se;HC2", ";--se;CR2"))
  lin(paste0("--formula;score ~ treated + pretest;--kind;lin;--treatment;treated;--cluster;school", flags), "score", score ~ treated, ~ pretest, c(base, "school"), "CR2", clusters = TRUE)
lin("--formula;I(score - pretest) ~ treated + factor(year);--kind;lin;--treatment;treated", "I(score - pretest)", I(score - pretest) ~ treated, ~ factor(year), base, "HC2")
d$arm <- factor(d$arm)
lin("--formula;score ~ factor(arm) + pretest;--kind;lin;--treatment;factor(arm)", "score", score ~ arm, ~ pretest, base, "HC2", "armcontrol", "factor(arm)control")
for (se in c("HC2", "HC1"))
  lin(paste0("--formula;score ~ treated + girl;--kind;lin;--treatment;treated;--weights;pretest;--se;", se), "score", score ~ treated, ~ girl, c(base, "girl"), se, weights = TRUE)

# terms: R's names of the coefficients to keep, named as coachsim calls them.
ols <- function(flags, outcome, formula, data, terms, se, cluster = FALSE) {
  fit <- lm(formula, data)
  if (cluster) {
    robust <- vcovCR(fit, cluster = data$school, type = se)
    V <- as.matrix(robust)
    df <- coef_test(fit, vcov = robust, test = "Satterthwaite")$df_Satt
  } else {
    V <- vcovHC(fit, type = se)
    df <- rep(fit$df.residual, length(coef(fit)))
  }
  df <- setNames(df, names(coef(fit)))
  for (t in names(terms)) row(flags, outcome, t, coef(fit)[[terms[[t]]]], sqrt(diag(V))[[terms[[t]]]], df[[terms[[t]]]], nrow(data))
}
arm <- c(treated = "treated")
cases <- d[complete.cases(d[, c(base, "school")]), ]
ols("--formula;I(score - pretest) ~ treated + factor(year);--cluster;school;--se;CR2", "I(score - pretest)", I(score - pretest) ~ treated + factor(year), cases,
  c(arm, "factor(year)2016" = "factor(year)2016", "factor(year)2019" = "factor(year)2019"), "CR2", TRUE)
ols("--formula;log(score) ~ treated + log(pretest) + center(year)^2;--se;HC3", "log(score)", log(score) ~ treated + log(pretest) + I((year - mean(year))^2), d[complete.cases(d[, base]), ],
  c(arm, "log(pretest)" = "log(pretest)", "center(year)^2" = "I((year - mean(year))^2)"), "HC3")
ols("--formula;score ~ treated*factor(block) + pretest;--se;HC1", "score", score ~ treated * factor(block) + pretest, d[complete.cases(d[, base]), ],
  c(arm, "treated:factor(block)west" = "treated:factor(block)west", "factor(block)south" = "factor(block)south"), "HC1")
schools <- aggregate(cbind(score, pretest, treated) ~ school, cases, mean)
schools$size <- as.vector(table(cases$school))
ols("--formula;mean(score, school) ~ treated + mean(pretest, school) + n(school);--se;HC2", "mean(score, school)", score ~ treated + pretest + size, schools,
  c(arm, "mean(pretest, school)" = "pretest", "n(school)" = "size"), "HC2")
cases$m <- ave(cases$pretest, cases$school)
ols("--formula;score ~ treated + I(pretest - mean(pretest, school)) + mean(pretest, school);--cluster;school;--se;CR2", "score", score ~ treated + I(pretest - m) + m, cases,
  c(arm, "mean(pretest, school)" = "m", "I(pretest - mean(pretest, school))" = "I(pretest - m)"), "CR2", TRUE)
z <- function(y, control) (y - mean(y[control])) / sd(y[control])
two <- d[complete.cases(d[, c("score", "maths", "treated", "girl")]), ]
zs <- sapply(two[, c("score", "maths")], z, control = two$treated == 0)
two$k <- rowMeans(zs)
w <- rowSums(solve(cov(zs)))
two$a <- drop(zs %*% w) / sum(w)
ols("--formula;klk(score, maths, by = treated) ~ treated + girl;--se;HC1", "klk(score, maths, by = treated)", k ~ treated + girl, two, c(arm, girl = "girl"), "HC1")
ols("--formula;anderson(score, maths, by = treated) ~ treated + girl;--se;HC1", "anderson(score, maths, by = treated)", a ~ treated + girl, two, c(arm, girl = "girl"), "HC1")
# The index's constants are those of all complete rows, whatever the condition.
ols("--formula;klk(score, maths, by = treated) ~ treated;--where;girl == 1;--se;HC1", "klk(score, maths, by = treated)", k ~ treated, two[two$girl == 1, ], arm, "HC1")

for (column in c("estimate", "std.error", "df")) out[[column]] <- format(out[[column]], digits = 17, trim = TRUE, scientific = TRUE)
write.csv(out, "formula.csv", row.names = FALSE, quote = 1:3)
