# Fits everything that configs/ecuador.yaml fits to one of its data sets, with
# base R's lm and the package sandwich, and writes oracle.csv beside this file.
#
#   Rscript oracle.R DIR
#
# DIR holds children.csv and teachers.csv as "coachsim draw" writes them. The
# formulas are written out a second time on purpose: nothing here reads the
# study file or calls coachsim.

library(sandwich)

arguments <- commandArgs(trailingOnly = TRUE)
if (length(arguments) != 1) stop("usage: Rscript oracle.R DIR")
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
children <- read.csv(file.path(arguments, "children.csv"))
teachers <- read.csv(file.path(arguments, "teachers.csv"))

# Percentile indicators, over the full sample of each level.
below <- function(x, p) as.numeric(x < quantile(x, p / 100, type = 7))
above <- function(x, p) as.numeric(x > quantile(x, p / 100, type = 7))
for (p in c(10, 20)) {
  children[[paste0("below(achievement, ", p, ")")]] <- below(children$achievement, p)
  teachers[[paste0("below(class, ", p, ")")]] <- below(teachers$class, p)
}
for (p in c(80, 90)) {
  children[[paste0("above(achievement, ", p, ")")]] <- above(children$achievement, p)
  teachers[[paste0("above(class, ", p, ")")]] <- above(teachers$class, p)
}

rows <- list()
record <- function(estimator, outcome, term, estimate, std_error = NA, df = NA, p_value = NA) {
  rows[[length(rows) + 1]] <<- data.frame(
    estimator = estimator, outcome = outcome, term = term,
    estimate = estimate, std_error = std_error, df = df, p_value = p_value
  )
}

# ols fits one regression and records the reported terms, and a joint test of
# those in "joint". Standard errors are CR1 by school where clustered, else HC1.
ols <- function(estimator, outcome, right, data, report, joint = NULL, clustered = TRUE) {
  fit <- lm(as.formula(paste0("`", outcome, "` ~ ", right)), data = data)
  stopifnot(!anyNA(coef(fit)))
  if (clustered) {
    v <- vcovCL(fit, cluster = ~school, type = "HC1", cadjust = TRUE)
    df <- length(unique(data$school)) - 1
  } else {
    v <- vcovHC(fit, type = "HC1")
    df <- fit$df.residual
  }
  for (term in report) {
    b <- coef(fit)[[term]]
    se <- sqrt(v[term, term])
    record(estimator, outcome, term, b, se, df, 2 * pt(-abs(b / se), df))
  }
  if (!is.null(joint)) {
    b <- coef(fit)[joint]
    f <- drop(t(b) %*% solve(v[joint, joint], b)) / length(joint)
    p <- pf(f, length(joint), df, lower.tail = FALSE)
    record(estimator, outcome, paste0("joint(", paste(joint, collapse = ", "), ")"), f, NA, df, p)
  }
}

school <- "teachers_k3 + grade_e + grade_cd + grade_f + grade_gj"
teacher <- "teacher_female + experience + tenured + class_size"
controls <- paste("girl + age + I(age^2)", teacher, school, "factor(block)", sep = " + ")
domains <- c("es", "co", "is")
by_column <- list(total = "class", es = "es", co = "co", is = "is")

# Table 3B, equation (2).
outcomes <- c(
  "achievement", "below(achievement, 10)", "below(achievement, 20)", "above(achievement, 80)",
  "above(achievement, 90)", "numbers", "arithmetic", "letters", "vocabulary"
)
for (y in outcomes) ols("eq2", y, paste("coaching +", controls), children, "coaching")

# Table 3A, equation (1).
outcomes <- c("class", "below(class, 10)", "below(class, 20)", "above(class, 80)", "above(class, 90)", domains)
for (y in outcomes) {
  ols("eq1", y, paste("coaching", teacher, school, "factor(block)", sep = " + "), teachers, "coaching", clustered = FALSE)
}

# Table 4, equations (3a) and (3b).
for (name in names(by_column)) {
  x <- by_column[[name]]
  ols(paste0("eq3a-", name), "achievement", paste("coaching +", x, "+", controls), children, c("coaching", x))
}
three <- paste(domains, collapse = " + ")
ols("eq3a-domains", "achievement", paste("coaching +", three, "+", controls), children, c("coaching", domains), domains)
for (name in names(by_column)) {
  x <- by_column[[name]]
  right <- paste0("coaching + ", x, " + coaching:", x, " + ", controls)
  ols(paste0("eq3b-", name), "achievement", right, children, c("coaching", x, paste0("coaching:", x)))
}
products <- paste0("coaching:", domains)
right <- paste("coaching +", three, "+", paste(products, collapse = " + "), "+", controls)
ols("eq3b-domains", "achievement", right, children, c("coaching", domains, products))

# Table 2A: the control group alone.
control <- children[children$coaching == 0, ]
for (name in names(by_column)) {
  ols(paste0("t2a-", name), "achievement", by_column[[name]], control, by_column[[name]])
}
ols("t2a-domains", "achievement", three, control, domains, domains)

# Table A1 and the correlations between the tests.
correlations <- function(estimator, data, columns) {
  for (j in 2:length(columns)) {
    for (i in 1:(j - 1)) {
      record(estimator, columns[i], columns[j], cor(data[[columns[i]]], data[[columns[j]]]))
    }
  }
}
correlations("ta1", teachers, domains)
correlations("tests", children, c("numbers", "arithmetic", "letters", "vocabulary"))

# Agreement of ratings: the first and the last segment, each the mean of its two
# coders; and the two coders, over all classes and segments.
rating <- function(domain, segment, coder) teachers[[paste0(domain, "_s", segment, "_c", coder)]]
segments <- sapply(domains, function(d) {
  cor((rating(d, 1, 1) + rating(d, 1, 2)) / 2, (rating(d, 4, 1) + rating(d, 4, 2)) / 2)
})
coders <- sapply(domains, function(d) {
  cor(unlist(lapply(1:4, rating, domain = d, coder = 1)), unlist(lapply(1:4, rating, domain = d, coder = 2)))
})
for (d in domains) record("segments", d, "segments 1 and 4", segments[[d]])
record("segments", "mean of domains", "segments 1 and 4", mean(segments))
for (d in domains) record("coders", d, "coders", coders[[d]])
record("coders", "mean of domains", "coders", mean(coders))

all <- do.call(rbind, rows)
for (column in c("estimate", "std_error", "df", "p_value")) {
  all[[column]] <- ifelse(is.na(all[[column]]), "", sprintf("%.17g", all[[column]]))
}
write.csv(all, file.path(dirname(script), "oracle.csv"), row.names = FALSE, quote = 1:3)
cat(nrow(all), "rows,", nrow(children), "children,", nrow(teachers), "teachers\n")
