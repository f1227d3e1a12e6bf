# Least squares with weights, with clusters of two factors and with fixest's
# factor, by lm with sandwich and clubSandwich, for linear_r_test.go.
#
#   Rscript oracle.R        in this directory
#
# writes the children in data.csv and the estimates in estimates.csv. Where
# estimatr has a kind of standard error, it is checked against it here.

suppressMessages({library(estimatr); library(AER); library(sandwich); library(clubSandwich)})

# Classes of children in schools in blocks; coders and grades cross schools.
draw <- function() {
  set.seed(7)
  rows <- list(); school <- class <- 0
  for (block in 1:4) for (arm in sample(rep(0:1, 2))) {
    school <- school + 1
    u <- rnorm(1, sd = 0.5); rural <- rbinom(1, 1, 0.4)
    for (k in seq_len(sample(2:4, 1))) {
      class <- class + 1
      n <- sample(2:6, 1)
      coder <- sample(1:5, 1); grade <- sample(1:3, 1); experience <- round(rexp(1, 0.1), 1)
      ses <- round(rnorm(n), 3); girl <- rbinom(n, 1, 0.5); trait <- rnorm(n)
      takeup <- as.numeric(1.2 * arm - 0.6 + 0.5 * trait + 0.3 * ses + 0.8 * rnorm(n) > 0)
      weight <- round(rexp(n) + 0.2, 2)
      score <- round(0.4 * arm + 0.3 * ses + 0.02 * experience + u + 0.2 * block + 0.3 * (coder == 2) + 0.3 * grade + 0.5 * trait + rnorm(n), 4)
      rows[[class]] <- data.frame(block, school, class, coder, grade, coaching = arm, rural, experience, ses, girl, takeup, weight, score)
    }
  }
  do.call(rbind, rows)
}
d <- draw()
write.csv(d, "data.csv", row.names = FALSE, quote = FALSE)
for (f in c("block", "school", "class", "coder", "grade")) d[[f]] <- factor(d[[f]])
d$one <- 1

out <- NULL
add <- function(kind, formula, weights, cluster, se_kind, term, estimate, se, df, p)
  out <<- rbind(out, data.frame(kind, formula, weights, cluster, se_kind, term, estimate, se, df, p))

# lm with dummies for what stands after the bar.
model <- function(formula) as.formula(sub("\\|", "+", formula))
fit <- function(formula, weights) {
  w <- if (weights == "") d$one else d[[weights]]
  eval(substitute(lm(f, data = d, weights = w), list(f = model(formula), w = w)))
}
rows <- function(m, formula, weights, cluster, se_kind, terms, V, df) {
  b <- coef(m)
  for (t in terms) {
    d <- if (length(df) > 1) df[[t]] else df
    se <- sqrt(V[t, t])
    add("ols", formula, weights, cluster, se_kind, t, b[[t]], se, d, 2 * pt(-abs(b[[t]] / se), d))
  }
}
joint <- function(m, formula, weights, cluster, se_kind, terms, V, df) {
  b <- coef(m)[terms]
  f <- drop(b %*% solve(V[terms, terms], b)) / length(b)
  add("ols", formula, weights, cluster, se_kind, paste0("joint(", paste(terms, collapse = ", "), ")"), f, NA, df, pf(f, length(b), df, lower.tail = FALSE))
}
same <- function(a, b) stopifnot(max(abs(a / b - 1)) < 1e-9)

# lm of rows times the roots of their weights. CR2 is clubSandwich's of this
# regression, whose errors have one variance: the weights' own working model.
# Of a weighted lm clubSandwich takes the CR2 that fits errors of one variance
# before this, as estimatr does. CR3, and everything else, is the same.
rooted <- function(m) {
  X <- model.matrix(m) * sqrt(weights(m)); y <- model.response(model.frame(m)) * sqrt(weights(m))
  lm(y ~ 0 + ., data.frame(y = y, X, check.names = FALSE))
}

for (formula in c("score ~ coaching + ses + experience", "score ~ coaching + ses + girl | block", "score ~ ses + girl | school")) {
  m <- fit(formula, "weight")
  plain <- as.formula(sub("\\|.*", "", formula))
  effects <- if (grepl("|", formula, fixed = TRUE)) as.formula(sub(".*\\|", "~", formula))
  terms <- intersect(c("coaching", "ses", "experience", "girl"), all.vars(plain))
  pair <- tail(terms, 2)
  for (kind in c("classical", "HC0", "HC1", "HC2", "HC3")) {
    V <- if (kind == "classical") vcov(m) else vcovHC(m, type = kind)
    r <- lm_robust(model(formula), data = d, weights = weight, se_type = kind)
    same(r$std.error[terms], sqrt(diag(V))[terms])
    rows(m, formula, "weight", "", kind, terms, V, df.residual(m))
    joint(m, formula, "weight", "", kind, pair, V, df.residual(m))
  }
  for (cluster in c("school", "coder")) for (kind in c("CR0", "CR1", "CR2", "CR3")) {
    if (grepl("school", formula) && kind == "CR3") next # (I-H) is singular
    g <- nlevels(d[[cluster]])
    type <- if (kind == "CR1") "CR1S" else kind
    m2 <- rooted(m); names(m2$coefficients) <- names(coef(m))
    V <- vcovCR(m2, cluster = d[[cluster]], type = type)
    dimnames(V) <- dimnames(vcov(m))
    if (kind != "CR2") same(diag(V)[terms], diag(vcovCR(m, cluster = d[[cluster]], type = type))[terms])
    if (kind == "CR1") {
      r <- lm_robust(model(formula), data = d, weights = weight, clusters = d[[cluster]], se_type = "stata")
      same(r$std.error[terms], sqrt(diag(V))[terms])
    }
    if (kind %in% c("CR0", "CR1")) {
      rows(m, formula, "weight", cluster, kind, terms, V, g - 1)
      joint(m, formula, "weight", cluster, kind, pair, V, g - 1)
    } else {
      ct <- coef_test(m2, vcov = V, test = "Satterthwaite", coefs = "All")
      df <- if (is.null(ct$df_Satt)) ct$df else ct$df_Satt
      rows(m, formula, "weight", cluster, kind, terms, V, setNames(as.list(df), names(coef(m)))[terms])
      w <- Wald_test(m2, constraints = constrain_zero(pair, coefs = coef(m)), vcov = V, test = "HTZ")
      add("ols", formula, "weight", cluster, kind, paste0("joint(", paste(pair, collapse = ", "), ")"), w$Fstat, NA, w$df_denom, w$p_val)
    }
  }
}
# Two-stage least squares with weights.
m <- ivreg(score ~ ses + block + takeup | ses + block + coaching, data = d, weights = weight)
for (kind in c("classical", "HC0", "HC1", "CR0", "CR1")) {
  clustered <- kind %in% c("CR0", "CR1")
  s <- estfun(m); n <- nobs(m); k <- length(coef(m)); a <- m$cov.unscaled
  if (clustered) s <- rowsum(s, d$school)
  g <- nrow(s)
  V <- a %*% crossprod(s) %*% a * switch(kind, HC1 = n / (n - k), CR1 = g / (g - 1) * (n - 1) / (n - k), 1)
  if (kind == "classical") V <- vcov(m)
  r <- iv_robust(score ~ ses + block + takeup | ses + block + coaching, data = d, weights = weight, clusters = if (clustered) school, se_type = if (kind == "CR1") "stata" else kind)
  same(r$std.error[c("ses", "takeup")], sqrt(diag(V))[c("ses", "takeup")])
  for (t in c("ses", "takeup")) {
    se <- sqrt(V[t, t]); df <- if (clustered) g - 1 else n - k
    add("iv", "score ~ ses | block | takeup ~ coaching", "weight", if (clustered) "school" else "", kind, t, coef(m)[[t]], se, df, 2 * pt(-abs(coef(m)[[t]] / se), df))
  }
}

# Two factors of clusters: Cameron, Gelbach and Miller's V1 + V2 - V12.
clusterings <- list(c("school", "coder"), c("class", "grade"))
for (formula in c("score ~ coaching + ses + experience", "score ~ coaching + ses + girl | block")) for (weights in c("", "weight")) {
  m <- fit(formula, weights)
  terms <- intersect(c("coaching", "ses", "experience", "girl"), all.vars(as.formula(sub("\\|.*", "", formula))))
  for (by in clusterings) for (kind in c("CR0", "CR1")) {
    V <- vcovCL(m, cluster = d[by], type = if (kind == "CR1") "HC1" else "HC0", cadjust = kind == "CR1")
    g <- min(sapply(d[by], nlevels))
    ok <- terms[diag(V)[terms] > 0]
    rows(m, formula, weights, paste(by, collapse = " + "), kind, ok, V, g - 1)
    pair <- c("coaching", "ses")
    if (all(eigen(V[pair, pair])$values > 0)) joint(m, formula, weights, paste(by, collapse = " + "), kind, pair, V, g - 1)
  }
}

# fixest's default factor, ssc(K.adj = TRUE, K.fixef = "nonnested", G.adj = TRUE,
# G.df = "min", t.df = "min"), by hand: (n-1)/(n-K) G/(G-1) with the least G, and K
# the coefficients and effects, of which those nested in a factor of clusters
# count as 1.
nested <- function(a, b) all(rowSums(table(a, b) > 0) == 1)
for (formula in c("score ~ coaching + ses + experience", "score ~ coaching + ses + girl | block", "score ~ ses + girl | school", "score ~ ses + girl | class"))
  for (by in list("school", "coder", c("school", "coder"), "class")) {
    m <- fit(formula, "")
    effect <- if (grepl("|", formula, fixed = TRUE)) trimws(sub(".*\\|", "", formula))
    terms <- intersect(c("coaching", "ses", "experience", "girl"), all.vars(as.formula(sub("\\|.*", "", formula))))
    n <- nobs(m); k <- m$rank; g <- min(sapply(d[by], nlevels))
    if (!is.null(effect) && any(sapply(by, function(b) nested(d[[effect]], d[[b]])))) k <- k - nlevels(d[[effect]]) + 1
    V <- vcovCL(m, cluster = d[by], type = "HC0", cadjust = FALSE) * (n - 1) / (n - k) * g / (g - 1)
    ok <- terms[!is.na(coef(m)[terms]) & diag(V)[terms] > 0]
    rows(m, formula, "", paste(by, collapse = " + "), "CR1-fixest", ok, V, g - 1)
  }

for (column in names(out)[7:10]) out[[column]] <- ifelse(is.na(out[[column]]), "", format(out[[column]], digits = 17, trim = TRUE, scientific = TRUE))
write.csv(out, "estimates.csv", row.names = FALSE, quote = 1:6)
