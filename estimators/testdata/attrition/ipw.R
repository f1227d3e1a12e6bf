# Inverse-probability weights by glm, weighted lm, and sandwich, for
# ipw_test.go; standard errors that count the logits are from the stacked
# estimating equations with a numerical Jacobian.
#
#   Rscript ipw.R        in this directory, after lee.R, which writes data.csv
#
# writes the estimates in ipw.csv.

suppressMessages(library(sandwich))
d <- read.csv("data.csv"); d$block <- factor(d$block)
d$y <- ifelse(d$sat == 1, d$score, 0)
G <- length(unique(d$school))

jacobian <- function(f, x) { # central differences, extrapolated twice; small, lest a probability cross the floor
  sapply(seq_along(x), function(j) {
    at <- function(h) { up <- down <- x; up[j] <- x[j] + h; down[j] <- x[j] - h; (f(up) - f(down)) / (2 * h) }
    h <- 1e-3 * max(1, abs(x[j])); a <- at(h); b <- at(h / 2); c <- at(h / 4)
    ab <- (4 * b - a) / 3; bc <- (4 * c - b) / 3
    (16 * bc - ab) / 15
  })
}

run <- function(text, formula, logit, pooled, stabilised, floor) {
  X <- model.matrix(formula, d); Z <- scale(model.matrix(logit, d)[, -1, drop = FALSE]); Z <- cbind(1, Z); k <- ncol(Z)
  arm <- if (pooled) rep(0, nrow(d)) else d$coaching
  arms <- sort(unique(arm))
  gamma <- unlist(lapply(arms, function(a) coef(glm(d$sat[arm == a] ~ Z[arm == a, ] - 1, family = binomial, control = glm.control(epsilon = 1e-15, maxit = 100)))))
  share <- sapply(arms, function(a) mean(d$sat[arm == a]))
  place <- match(arm, arms)
  weigh <- function(gamma, share) {
    g <- matrix(gamma, k); p <- plogis(rowSums(Z * t(g[, place, drop = FALSE])))
    list(p = p, w = d$sat / pmax(p, floor) * (if (stabilised) share[place] else 1))
  }
  at <- weigh(gamma, share)
  e <- d[d$sat == 1, ]; e$w <- at$w[d$sat == 1]
  fit <- lm(formula, e, weights = w); beta <- coef(fit); q <- length(beta)
  psi <- function(theta) {
    b <- theta[1:q]; gamma <- theta[q + 1:(k * length(arms))]; share <- theta[q + k * length(arms) + seq_along(arms)]
    m <- weigh(gamma, share)
    inA <- sapply(arms, function(a) arm == a)
    cbind(X * (m$w * as.vector(d$y - X %*% b)),
          do.call(cbind, lapply(seq_along(arms), function(a) Z * (inA[, a] * (d$sat - m$p)))),
          inA * (d$sat - matrix(share, nrow(d), length(arms), byrow = TRUE)))
  }
  theta <- c(beta, gamma, share)
  A <- jacobian(function(t) colSums(psi(t)), theta)
  S <- psi(theta); n <- nrow(e)
  out <- NULL
  for (kind in c("CR1", "HC1")) {
    meat <- if (kind == "CR1") crossprod(rowsum(S, d$school)) * G / (G - 1) * (n - 1) / (n - q) else crossprod(S) * n / (n - q)
    V <- solve(A, t(solve(A, meat)))
    known <- if (kind == "CR1") vcovCL(fit, e$school, type = "HC1") else vcovHC(fit, type = "HC1")
    for (term in c("(Intercept)", "coaching", "ses")) if (term %in% names(beta) && !(term == "(Intercept)" && grepl("|", text, fixed = TRUE)))
      out <- rbind(out, data.frame(formula = text, response = deparse(logit[[2]]), pooled, stabilised, floor, kind, term,
        estimate = beta[[term]], se = sqrt(V[match(term, names(beta)), match(term, names(beta))]), known = sqrt(known[term, term])))
  }
  out
}
all <- rbind(
  run("score ~ coaching", y ~ coaching, ~ ses, FALSE, FALSE, 0),
  run("score ~ coaching", y ~ coaching, ~ ses + age + I(age^2), FALSE, TRUE, 0),
  run("score ~ coaching + ses", y ~ coaching + ses, ~ ses + rural, TRUE, FALSE, 0),
  run("score ~ coaching + ses", y ~ coaching + ses, ~ ses + rural, TRUE, TRUE, 0.5),
  run("score ~ coaching + ses | block", y ~ coaching + ses + block, ~ ses + age, FALSE, TRUE, 0),
  run("score ~ coaching + ses | block", y ~ coaching + ses + block, ~ ses + age, FALSE, FALSE, 0.6))
all$response <- gsub("I\\(age\\^2\\)", "age^2", all$response)
options(digits = 15)
write.csv(format(all, digits = 15), "ipw.csv", row.names = FALSE, quote = FALSE)
