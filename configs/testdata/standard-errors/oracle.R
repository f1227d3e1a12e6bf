# The regressions of study.yaml with lm, sandwich and clubSandwich.
#   coachsim draw study.yaml --replicate 0 --out DATA
#   Rscript oracle.R DATA > oracle.csv
suppressMessages({library(sandwich); library(clubSandwich)})
dir <- commandArgs(TRUE)[1]
children <- read.csv(file.path(dir, "children.csv"))
teachers <- read.csv(file.path(dir, "teachers.csv"))
num <- function(x) trimws(formatC(as.numeric(x), digits = 17, format = "g"))
cat("estimator,outcome,term,estimate,std_error,df,p_value\n")
row <- function(name, y, term, est, se, df, p)
  cat(name, y, paste0('"', term, '"'), num(est), num(se), num(df), num(p), sep = ",")
out <- function(...) { row(...); cat("\n") }

report <- function(name, type, formula, outcomes, data, cluster, terms, joint = list()) {
  for (y in outcomes) {
    m <- lm(as.formula(paste(y, "~", formula)), data)
    m$call$formula <- formula(m)
    m$call$data <- data
    b <- coef(m)
    small <- startsWith(type, "CR2") || startsWith(type, "CR3")
    if (type == "classical") V <- vcov(m)
    else if (startsWith(type, "HC")) V <- vcovHC(m, type = type)
    else V <- vcovCR(m, cluster = data[[cluster]], type = if (type == "CR1") "CR1S" else type)
    G <- length(unique(data[[cluster]]))
    df <- if (startsWith(type, "CR")) G - 1 else df.residual(m)
    if (small) ct <- coef_test(m, vcov = V, test = "Satterthwaite", coefs = "All")
    for (t in terms) {
      r <- if (t == "age^2") "I(age^2)" else t
      se <- sqrt(V[r, r])
      d <- if (small) ct[r, "df_Satt"] else df
      if (small && is.null(d)) d <- ct[r, "df"]
      out(name, y, t, b[r], se, d, 2 * pt(-abs(b[r] / se), d))
    }
    for (j in joint) {
      label <- paste0("joint(", paste(j, collapse = ", "), ")")
      if (small) {
        w <- Wald_test(m, constraints = constrain_zero(j, coefs = b), vcov = V, test = "HTZ")
        out(name, y, label, w$Fstat, NA_real_, w$df_denom, w$p_val)
      } else {
        f <- drop(t(b[j]) %*% solve(V[j, j]) %*% b[j]) / length(j)
        out(name, y, label, f, NA_real_, df, pf(f, length(j), df, lower.tail = FALSE))
      }
    }
  }
}

itt <- "coaching + girl + age + experience + size + factor(block)"
both <- c("achievement", "numbers")
for (type in c("classical", "HC0", "HC1", "HC2", "HC3", "CR0", "CR1"))
  report(type, type, itt, both, children, "school", c("coaching", "girl", "experience"), list(c("coaching", "girl")))
for (type in c("CR2", "CR3"))
  report(type, type, itt, both, children, "school", c("coaching", "girl", "experience"),
         list(c("coaching", "girl"), c("girl", "age", "experience")))
for (type in c("CR2", "CR3"))
  report(paste0(type, "-block"), type, "coaching + girl", both, children, "block", c("coaching", "girl", "(Intercept)"))
classes <- "coaching + experience + factor(block)"
report("CR2-class", "CR2", classes, c("class", "es"), teachers, "school", c("coaching", "experience"), list(c("coaching", "experience")))
report("HC2-class", "HC2", classes, c("class", "es"), teachers, "school", c("coaching", "experience"))
report("HC3-class", "HC3", classes, c("class", "es"), teachers, "school", c("coaching", "experience"))
report("CR2-school", "CR2", "girl + age + factor(school)", "achievement", children, "school", c("girl", "age"), list(c("girl", "age")))
report("CR2-girls", "CR2", "coaching + age + I(age^2) + factor(block)", "achievement", subset(children, girl == 1), "school", c("coaching", "age", "age^2"))
