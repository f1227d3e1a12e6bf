# estimators.ValueAdded by lm, with a dummy for every teacher, and sandwich. Reads
# value-added-data.csv, which the test writes with UPDATE_VALUE_ADDED=1.
# Run in this directory: Rscript value-added.R
library(sandwich)
d <- read.csv("value-added-data.csv")
m <- lm(score ~ ses + age + factor(teacher) - 1, d)
v <- vcovCL(m, cluster = d$school, type = "HC1")
rownames(d) <- NULL
effect <- coef(m)[-(1:2)]
n <- as.numeric(table(d$teacher))
s2 <- sum(resid(m)^2) / m$df.residual
variance <- max(0, var(effect) - s2 * mean(1 / n))
r <- variance / (variance + s2 / n)
shrunken <- mean(effect) + r * (effect - mean(effect))
z <- tapply(d$class, d$teacher, mean)
second <- lm(effect ~ z)
true <- tapply(d$experience, d$teacher, mean) # in the place of true effects
slope <- function(y, x) coef(lm(y ~ x))[2]
out <- data.frame(
  term = c("ses", "age", "effect_sd", "residual_sd", "reliability", "correlation(class)", "shrunken_correlation(class)",
    "correlation(experience)", "shrunken_correlation(experience)", "slope(experience)", "shrunken_slope(experience)", "forecast(experience)",
    "correlation(class, experience)", "slope(class, experience)", "second step"),
  estimate = c(coef(m)[1:2], sqrt(variance), sqrt(s2), mean(r), cor(effect, z), cor(shrunken, z),
    cor(effect, true), cor(shrunken, true), slope(effect, true), slope(shrunken, true), slope(true, shrunken), cor(z, true), slope(z, true), coef(second)[2]),
  se = c(sqrt(diag(v))[1:2], rep(NA, 12), sqrt(vcovHC(second, type = "HC1")[2, 2])))
out$estimate <- sprintf("%.15g", out$estimate)
out$se <- ifelse(is.na(out$se), NA, sprintf("%.15g", out$se))
write.csv(out, "value-added.csv", row.names = FALSE, quote = 1)
