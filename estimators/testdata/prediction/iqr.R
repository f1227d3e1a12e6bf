# Effects between the 25th and 75th percentiles of terms, as estimators.OLS and
# PostSelection report them, in the data of prediction.R and on the terms that are listed in
# its output. Run in this directory: Rscript iqr.R
library(sandwich)
d <- read.csv("rows.csv")
listed <- read.csv("prediction.csv")
listed <- listed[listed$estimator == "post" & startsWith(listed$term, "listed(") & listed$estimate == 1, "term"]
listed <- sub("\\)$", "", sub("^listed\\(", "", listed))
out <- data.frame()
effects <- function(name, formula, rows, terms, wrap = "%s", units = c("iqr", "iqr_sd")) {
  m <- lm(formula, rows)
  se <- sqrt(diag(vcovCL(m, cluster = rows$school, type = "HC1")))
  y <- model.response(model.frame(m))
  for (x in terms) {
    term <- sprintf(wrap, x)
    here <- names(coef(m)) == if (wrap == "%s") x else sprintf("scale(%s)", x)
    v <- as.numeric(model.matrix(m)[, here])
    for (u in units) {
      by <- diff(quantile(v, c(.25, .75), names = FALSE)) / if (u == "iqr_sd") sd(y) else 1
      out <<- rbind(out, data.frame(estimator = name, term = sprintf("%s(%s)", u, term),
        estimate = sprintf("%.15g", coef(m)[here] * by), se = sprintf("%.15g", se[here] * by)))
    }
  }
}
effects("ols", class ~ experience + es_s1_c1 + female + rural, d, c("es_s1_c1", "experience"))
effects("some", class ~ experience + es_s1_c1, d[d$experience > 5, ], "experience")
effects("sds", scale(class) ~ scale(experience) + scale(es_s1_c1), d, c("experience", "es_s1_c1"), "std(%s)", "iqr")
effects("post", reformulate(listed, "class"), d, listed)
write.csv(out, "iqr.csv", row.names = FALSE, quote = FALSE)
