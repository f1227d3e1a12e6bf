# Least squares with two absorbed effects, by lm with dummies for both, with
# sandwich and clubSandwich, for linear_r_test.go. The children are those of
# ../linear/data.csv.
#
#   Rscript oracle.R        in this directory
#
# writes estimates.csv.

suppressMessages({library(AER); library(sandwich); library(clubSandwich)})

d <- read.csv("../linear/data.csv")
for (f in c("block", "school", "class", "coder", "grade")) d[[f]] <- factor(d[[f]])
d$one <- 1

out <- NULL
add <- function(kind, formula, weights, cluster, se_kind, term, estimate, se, df, p)
  out <<- rbind(out, data.frame(kind, formula, weights, cluster, se_kind, term, estimate, se, df, p))

# lm on the columns that are not collinear with the effects or earlier ones;
# effects come first. Rows are multiplied by the roots of their weights.
fit <- function(effects, terms, weights) {
  w <- if (weights == "") d$one else d[[weights]]
  X <- model.matrix(as.formula(paste("~", paste(c(effects, terms), collapse = " + "))), d)
  q <- qr(X); X <- X[, sort(q$pivot[seq_len(q$rank)])] * sqrt(w)
  y <- d$score * sqrt(w)
  lm(y ~ 0 + ., data.frame(y = y, X, check.names = FALSE))
}
cases <- list(
  list(c("block", "coder"), c("coaching", "ses", "experience"), ""),       # crossed
  list(c("school", "grade"), c("ses", "girl"), ""),                        # crossed
  list(c("block", "school"), c("ses", "girl"), ""),                        # nested: block is redundant
  list(c("grade", "class"), c("ses", "girl"), ""),                         # nested, the finer one last
  list(c("coder", "grade"), c("coaching", "ses"), "weight"),
  list(c("school", "coder"), c("experience", "girl"), "weight"))
for (case in cases) {
  terms <- case[[2]]; weights <- case[[3]]
  m <- fit(case[[1]], terms, weights)
  names(m$coefficients) <- gsub("`", "", names(coef(m)))
  formula <- paste("score ~", paste(terms, collapse = " + "), "|", paste(case[[1]], collapse = " + "))
  rows <- function(cluster, kind, V, df) for (t in terms) {
    i <- match(t, names(coef(m)))
    se <- sqrt(V[i, i]); x <- if (length(df) > 1) df[[i]] else df
    add("ols", formula, weights, cluster, kind, t, coef(m)[[i]], se, x, 2 * pt(-abs(coef(m)[[i]] / se), x))
  }
  for (kind in c("classical", "HC0", "HC1", "HC2", "HC3"))
    rows("", kind, if (kind == "classical") vcov(m) else vcovHC(m, type = kind), df.residual(m))
  for (cluster in c("school", "coder")) for (kind in c("CR0", "CR1", "CR2", "CR3")) {
    # Where a cluster alone tells of a coefficient, I-H is singular: CR3 has no value.
    V <- tryCatch(vcovCR(m, cluster = d[[cluster]], type = if (kind == "CR1") "CR1S" else kind), error = function(e) NULL)
    if (is.null(V)) next
    if (kind %in% c("CR0", "CR1")) {
      rows(cluster, kind, V, nlevels(d[[cluster]]) - 1)
    } else {
      ct <- coef_test(m, vcov = V, test = "Satterthwaite", coefs = "All")
      rows(cluster, kind, V, if (is.null(ct$df_Satt)) ct$df else ct$df_Satt)
    }
  }
}

# Two-stage least squares.
m <- ivreg(score ~ ses + block + coder + takeup | ses + block + coder + coaching, data = d)
for (kind in c("classical", "HC1", "CR1")) {
  s <- estfun(m); n <- nobs(m); k <- length(coef(m)); a <- m$cov.unscaled
  if (kind == "CR1") s <- rowsum(s, d$school)
  g <- nrow(s)
  V <- a %*% crossprod(s) %*% a * switch(kind, HC1 = n / (n - k), CR1 = g / (g - 1) * (n - 1) / (n - k), 1)
  if (kind == "classical") V <- vcov(m)
  for (t in c("ses", "takeup")) {
    se <- sqrt(V[t, t]); df <- if (kind == "CR1") g - 1 else n - k
    add("iv", "score ~ ses | block + coder | takeup ~ coaching", "", if (kind == "CR1") "school" else "", kind, t, coef(m)[[t]], se, df, 2 * pt(-abs(coef(m)[[t]] / se), df))
  }
}
for (x in c("estimate", "se", "df", "p")) out[[x]] <- sprintf("%.16e", out[[x]])
write.csv(out, "estimates.csv", row.names = FALSE, quote = 1:6)
