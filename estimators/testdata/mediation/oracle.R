# Mediation by lm with sandwich and clubSandwich and the formulas of textbooks, for
# mediation_r_test.go.
#
#   Rscript oracle.R        in this directory
#
# writes the children in data.csv and the estimates in estimates.csv. Gradients
# are taken by the complex step, so that no derivative is worked out by hand, and
# the standard errors of two-step estimators come of stacked estimating equations
# with their whole matrices.

suppressMessages({library(sandwich); library(clubSandwich)})
options(warn = 2)

draw <- function() {
  set.seed(7)
  rows <- list(); school <- 0; teacher <- 0
  for (b in 1:4) for (arm in sample(rep(0:1, 5))) {
    school <- school + 1
    rural <- rbinom(1, 1, 0.4); u <- rnorm(1, sd = 0.2)
    for (t in seq_len(sample(1:2, 1))) {
      teacher <- teacher + 1
      experience <- round(rexp(1, 1 / 10), 1)
      workload <- round(0.4 * arm + rnorm(1), 2)
      es <- round(4.5 + 0.5 * arm + 0.02 * experience + 0.1 * b + 0.2 * workload + rnorm(1, sd = 0.7), 2)
      co <- round(5 + 0.2 * arm + 0.4 * (es - 4.5) - 0.2 * rural + rnorm(1, sd = 0.6), 2)
      n <- sample(3:8, 1)
      ses <- round(rnorm(n), 3); girl <- rbinom(n, 1, 0.5)
      score <- round(0.1 * arm + (0.3 - 0.1 * arm) * es + 0.1 * co - 0.1 * workload + 0.3 * ses + 0.1 * girl + u + 0.05 * b + rnorm(n, sd = 0.8), 4)
      rows[[teacher]] <- data.frame(block = b, school, teacher, coaching = arm, rural, experience, workload, es, co, ses, girl, score)
    }
  }
  do.call(rbind, rows)
}
d <- draw()
write.csv(d, "data.csv", row.names = FALSE, quote = FALSE)
d$block <- factor(d$block)
classes <- d[!duplicated(d$teacher), ]
classes$"mean(score, teacher)" <- as.numeric(tapply(d$score, d$teacher, mean))
names(classes)[ncol(classes)] <- "average"

# The covariance of coefficients, and degrees of freedom by coefficient.
variance <- function(fit, kind, cluster) {
  n <- length(residuals(fit)); k <- length(coef(fit))
  v <- switch(kind, classical = vcov(fit), HC1 = vcovHC(fit, "HC1"), HC3 = vcovHC(fit, "HC3"),
    CR0 = vcovCL(fit, cluster, type = "HC0", cadjust = FALSE), CR1 = vcovCL(fit, cluster, type = "HC1"), CR2 = as.matrix(vcovCR(fit, cluster, "CR2")))
  df <- setNames(switch(kind, classical = , HC1 = , HC3 = rep(n - k, k), CR0 = , CR1 = rep(length(unique(cluster)) - 1, k),
    CR2 = coef_test(fit, vcovCR(fit, cluster, "CR2"), test = "Satterthwaite")$df_Satt), names(coef(fit)))
  list(v = v, df = df)
}

# The covariance of the arm's coefficients in several regressions on the same
# regressors, as one stacked system.
stacked <- function(fits, kind, cluster) {
  x <- model.matrix(fits[[1]]); n <- nrow(x); k <- ncol(x)
  bread <- solve(crossprod(x))
  e <- sapply(fits, residuals)
  if (kind == "classical") return(bread["coaching", "coaching"] * crossprod(e) / (n - k))
  influence <- (x %*% bread[, "coaching"])[, 1]
  h <- rowSums((x %*% bread) * x)
  if (kind == "HC3") e <- e / (1 - h)
  scores <- influence * e
  if (kind %in% c("CR0", "CR1")) scores <- rowsum(scores, cluster)
  g <- nrow(scores)
  crossprod(scores) * switch(kind, HC1 = n / (n - k), CR1 = g / (g - 1) * (n - 1) / (n - k), 1)
}

gradient <- function(f, theta) sapply(seq_along(theta), function(i) {
  z <- as.complex(theta); z[i] <- complex(real = theta[i], imaginary = 1e-20)
  names(z) <- names(theta)
  Im(f(z)) / 1e-20
})

rows <- list()
keep <- function(model, method, kind, outcome, term, estimate, se, df, p)
  rows[[length(rows) + 1]] <<- data.frame(model, method, kind, outcome, term, estimate, std.error = se, df, p.value = p)

mediate <- function(model, data, y, mediators, covariates, m_covariates, product, kind, rho = NULL) {
  k <- length(mediators)
  rhs <- c("coaching", mediators, if (product) paste0("coaching:", mediators), covariates)
  fit <- lm(reformulate(rhs, y), data)
  fits <- lapply(mediators, function(m) lm(reformulate(c("coaching", m_covariates), m), classes))
  vy <- variance(fit, kind, data$school)
  vm <- lapply(fits, variance, kind, classes$school)
  va <- if (kind == "CR2") diag(sapply(vm, function(v) v$v["coaching", "coaching"]), k) else stacked(fits, kind, classes$school)
  for (i in 1:k) stopifnot(abs(va[i, i] / vm[[i]]$v["coaching", "coaching"] - 1) < 1e-10)
  a <- sapply(fits, function(f) coef(f)["coaching"])
  names_y <- c(mediators, if (product) paste0("coaching:", mediators), "coaching")
  theta <- setNames(c(a, coef(fit)[names_y]), c(paste0("a", 1:k), paste0("b", 1:k), if (product) paste0("g", 1:k), "c"))
  v <- matrix(0, length(theta), length(theta))
  v[1:k, 1:k] <- va
  v[-(1:k), -(1:k)] <- vy$v[names_y, names_y]
  at <- function(th, what, i) if (what == "g" && !product) 0 else th[[paste0(what, i)]]
  tbar <- mean(data$coaching); mbar <- sapply(mediators, function(m) mean(data[[m]]))
  indirect <- function(th, t, which = 1:k) sum(sapply(which, function(i) at(th, "a", i) * (at(th, "b", i) + t * at(th, "g", i))))
  direct <- function(th, t) th[["c"]] + sum(sapply(1:k, function(i) at(th, "g", i) * (mbar[i] + at(th, "a", i) * (t - tbar))))
  total <- function(th) indirect(th, 1) + direct(th, 0)
  tp <- function(t, df) 2 * pt(-abs(t), df)
  of <- function(name, i) if (k == 1) name else sprintf("%s(%s)", name, mediators[i])
  pa <- sapply(1:k, function(i) tp(a[i] / sqrt(va[i, i]), vm[[i]]$df["coaching"]))
  slope <- function(i, t) { # p-value of b + gt
    w <- setNames(rep(0, length(coef(fit))), names(coef(fit))); w[mediators[i]] <- 1
    if (product) w[paste0("coaching:", mediators[i])] <- t
    df <- min(vy$df[c(mediators[i], if (product && t != 0) paste0("coaching:", mediators[i]))])
    tp(sum(w * coef(fit)) / sqrt(c(w %*% vy$v %*% w)), df)
  }
  for (method in c("product", "joint")) {
    for (i in 1:k) keep(model, method, kind, mediators[i], "a", a[i], sqrt(va[i, i]), vm[[i]]$df["coaching"], pa[i])
    coefficient <- function(term, name) {
      t <- coef(fit)[name] / sqrt(vy$v[name, name])
      keep(model, method, kind, y, term, coef(fit)[name], sqrt(vy$v[name, name]), vy$df[name], tp(t, vy$df[name]))
    }
    for (i in 1:k) coefficient(of("b", i), mediators[i])
    if (product) for (i in 1:k) coefficient(of("interaction", i), paste0("coaching:", mediators[i]))
    effect <- function(term, f, p = NULL, df = Inf) {
      g <- gradient(f, theta); se <- sqrt(c(g %*% v %*% g)); x <- f(theta)
      keep(model, method, kind, y, term, x, se, df, if (method == "joint" && !is.null(p)) p else tp(x / se, df))
    }
    joint <- function(t, which = 1:k) min(1, length(which) * min(sapply(which, function(i) max(pa[i], slope(i, t)))))
    if (k > 1) for (i in 1:k) effect(of(if (product) "acme" else "indirect", i), function(th) indirect(th, if (product) 0.5 else 0, i), joint(if (product) 0.5 else 0, i))
    if (!product) {
      effect("indirect", function(th) indirect(th, 0), joint(0))
      coefficient("direct", "coaching")
    } else {
      effect("acme(0)", function(th) indirect(th, 0), joint(0))
      effect("acme(1)", function(th) indirect(th, 1), joint(1))
      effect("acme", function(th) (indirect(th, 0) + indirect(th, 1)) / 2, joint(0.5))
      effect("ade(0)", function(th) direct(th, 0))
      effect("ade(1)", function(th) direct(th, 1))
      effect("ade", function(th) (direct(th, 0) + direct(th, 1)) / 2)
    }
    effect("total", total, df = vm[[1]]$df["coaching"])
    if (product) effect("proportion", function(th) (indirect(th, 0) + indirect(th, 1)) / 2 / total(th))
  }
  if (is.null(rho)) return(invisible())
  # Sensitivity, with the residual of the mediator and its variance.
  other <- lm(reformulate(c("coaching", covariates), mediators), data)
  reduced <- lm(reformulate(c("coaching", covariates), y), data)
  e2 <- residuals(fit); em <- residuals(other); e1 <- residuals(reduced); n <- length(e2)
  r <- cor(e1, em)
  keep(model, "product", kind, y, "rho(indirect=0)", r, NA, NA, NA)
  keep(model, "product", kind, y, "partial_r2", r^2, NA, NA, NA)
  f2 <- r^2 / (1 - r^2)
  keep(model, "product", kind, y, "robustness", (sqrt(f2^2 + 4 * f2) - f2) / 2, NA, NA, NA)
  x1 <- model.matrix(fit); x2 <- model.matrix(other)
  scores <- cbind(x1 * e2, e2^2 - mean(e2^2), em^2 - mean(em^2))
  bread <- solve(rbind(cbind(crossprod(x1), 0, 0), c(2 * colSums(x1 * e2), n, 0), c(rep(0, ncol(x1)), 0, n)))
  k1 <- ncol(x1)
  if (kind %in% c("CR0", "CR1")) scores <- rowsum(scores, data$school)
  g <- nrow(scores)
  full <- bread %*% crossprod(scores) %*% t(bread) * switch(kind, CR1 = g / (g - 1) * (n - 1) / (n - k1), HC1 = n / (n - k1), 1)
  colnames(full) <- rownames(full) <- c(colnames(x1), "sy", "sm")
  if (kind == "classical") { # sums of squares of independent normal errors
    full[] <- 0; full[mediators, mediators] <- vy$v[mediators, mediators]
    full["sy", "sy"] <- 2 * mean(e2^2)^2 / (n - k1); full["sm", "sm"] <- 2 * mean(em^2)^2 / (n - k1)
  }
  th <- c(a = a[[1]], b = coef(fit)[[mediators]], sy = mean(e2^2), sm = mean(em^2))
  v <- matrix(0, 4, 4); v[1, 1] <- va[1, 1]; v[2:4, 2:4] <- full[c(mediators, "sy", "sm"), c(mediators, "sy", "sm")]
  for (x in rho) {
    f <- function(th) th[["a"]] * (th[["b"]] - x / sqrt(1 - x^2) * sqrt(th[["sy"]] / th[["sm"]]))
    imai <- a * sd(e1) / sd(em) * (r - x * sqrt((1 - r^2) / (1 - x^2))) # Imai, Keele and Yamamoto (2010), theorem 4
    stopifnot(abs(f(th) - imai) < 1e-12)
    gr <- gradient(f, th); se <- sqrt(c(gr %*% v %*% gr))
    keep(model, "product", kind, y, sprintf("indirect(rho=%g)", x), f(th), se, Inf, 2 * pnorm(-abs(f(th) / se)))
  }
}

for (kind in c("CR1", "CR0", "CR2", "HC1", "HC3", "classical"))
  mediate("one", d, "score", "es", c("ses", "girl", "experience", "block"), c("experience", "rural", "block"), FALSE, kind, if (kind %in% c("CR0", "CR1", "HC1", "classical")) c(-0.05, 0, 0.1))
for (kind in c("CR1", "CR2", "HC1", "classical"))
  mediate("interaction", d, "score", "es", c("ses", "girl", "experience", "block"), c("experience", "rural", "block"), TRUE, kind)
for (kind in c("CR1", "HC1", "HC3", "classical"))
  mediate("two", d, "score", c("es", "co"), c("ses", "rural"), c("rural", "experience"), FALSE, kind)
for (kind in c("CR1", "classical"))
  mediate("two-interactions", d, "score", c("es", "co"), c("ses", "rural"), c("rural", "experience"), TRUE, kind)
for (kind in c("HC1", "classical", "CR1"))
  mediate("classes", classes, "average", "es", c("experience", "rural"), c("experience", "rural"), FALSE, kind, 0.2)

# Sequential g-estimation.
sequential <- function(model, mediators, covariates, intermediate, product, at, kind) {
  prods <- if (product) paste0("coaching:", mediators)
  fit <- lm(reformulate(c("coaching", mediators, prods, covariates, intermediate), "score"), d)
  b <- coef(fit)
  blip <- 0; cols <- NULL
  for (i in seq_along(mediators)) {
    m <- d[[mediators[i]]]
    cols <- cbind(cols, m); blip <- blip + b[mediators[i]] * m
  }
  if (product) for (i in seq_along(mediators)) {
    z <- d$coaching * (d[[mediators[i]]] - at[i])
    cols <- cbind(cols, z); blip <- blip + b[prods[i]] * z
  }
  d$clean <- d$score - blip
  second <- lm(reformulate(c("coaching", covariates), "clean"), d)
  x1 <- model.matrix(fit); x2 <- model.matrix(second)
  own <- match(c(mediators, prods), colnames(x1))
  cross <- matrix(0, ncol(x2), ncol(x1)); cross[, own] <- crossprod(x2, cols)
  a <- rbind(cbind(crossprod(x1), matrix(0, ncol(x1), ncol(x2))), cbind(cross, crossprod(x2)))
  s <- rowsum(cbind(x1 * residuals(fit), x2 * residuals(second)), d$school)
  v <- solve(a) %*% crossprod(s) %*% t(solve(a))
  g <- nrow(s); n <- nrow(x1)
  if (kind == "CR1") v <- v * g / (g - 1) * (n - 1) / (n - ncol(x1))
  i <- ncol(x1) + match("coaching", colnames(x2))
  est <- coef(second)[["coaching"]]; se <- sqrt(v[i, i])
  keep(model, "sequential-g", kind, "score", if (product) sprintf("cde(%s)", paste(at, collapse = ", ")) else "cde", est, se, g - 1, 2 * pt(-abs(est / se), g - 1))
}
for (kind in c("CR0", "CR1")) {
  sequential("cde", "es", c("ses", "girl", "rural", "block"), "workload", FALSE, 0, kind)
  sequential("cde-interaction", "es", c("ses", "girl", "rural", "block"), "workload", TRUE, 0, kind)
  sequential("cde-at", "es", c("ses", "rural"), "workload", TRUE, 4.5, kind)
  sequential("cde-two", c("es", "co"), c("ses", "rural"), "workload", TRUE, c(4.5, 5), kind)
  sequential("cde-plain", "es", c("ses", "rural"), NULL, FALSE, 0, kind)
}

out <- do.call(rbind, rows)
for (column in c("estimate", "std.error", "df", "p.value")) out[[column]] <- formatC(out[[column]], digits = 15, format = "g", width = -1)
out[] <- lapply(out, trimws)
out[out == "NA"] <- ""
write.csv(out, "estimates.csv", row.names = FALSE, quote = which(names(out) == "term"))
