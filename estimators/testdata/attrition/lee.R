# Lee's (2009) bounds from the formulas of the paper, in base R, for
# lee_test.go.
#
#   Rscript lee.R        in this directory
#
# writes the children in data.csv and the bounds in lee.csv. Children are
# missing more often without coaching, and those with low ses more often.

set.seed(2)
rows <- list(); school <- 0
for (b in 1:4) for (arm in sample(rep(0:1, 4))) {
  school <- school + 1
  n <- sample(8:16, 1)
  rural <- rbinom(1, 1, 0.4); ses <- round(rnorm(n), 3); age <- round(rnorm(n, 84, 5), 1); u <- rnorm(1, sd = 0.3)
  sat <- rbinom(n, 1, plogis(0.6 + 0.9 * arm + 0.6 * ses - 0.4 * arm * ses + 0.3 * rural))
  score <- round(0.3 * arm + 0.4 * ses + 0.02 * (age - 84) + u + 0.1 * b + 0.2 * rural + rnorm(n), 4)
  score[sat == 0] <- NA
  rows[[school]] <- data.frame(block = b, school, coaching = arm, rural, ses, age, sat, score)
}
d <- do.call(rbind, rows)
write.csv(d, "data.csv", row.names = FALSE, quote = FALSE, na = "")

quantile.lee <- function(y, q) sort(y)[min(max(ceiling(q * length(y) - 1e-9), 1), length(y))]

# Bounds of one sample: T is the arm to trim.
bounds <- function(y, arm, s, T) {
  O <- 1 - T
  pi <- mean(s[arm == T]); alpha <- mean(s[arm == O]); q <- min(1, alpha / pi)
  yt <- y[arm == T & s == 1]; yo <- y[arm == O & s == 1]
  cut <- c(low = quantile.lee(yt, q), high = quantile.lee(yt, 1 - q))
  kept <- list(low = yt[yt <= cut["low"]], high = yt[yt >= cut["high"]])
  list(pi = pi, alpha = alpha, q = q, cut = cut, kept = kept, yo = yo)
}

# The standard errors of Proposition 3, for independent rows.
analytic <- function(f, n, nT, nO, rT, rO) sapply(c("low", "high"), function(side) {
  k <- f$kept[[side]]; m <- mean(k); d2 <- (f$cut[[side]] - m)^2; p <- 1 - f$q
  EST <- rT / n; ESO <- rO / n; ET <- nT / n
  Vp <- f$q^2 * ((1 - f$pi) / (ET * f$pi) + (1 - f$alpha) / ((1 - ET) * f$alpha))
  V <- var(k) / (EST * f$q) + d2 * p / (EST * f$q) + (sqrt(d2) / f$q)^2 * Vp + var(f$yo) / ESO
  sqrt(V / n)
})

# Influence functions of one sample's two bounds on the mean of the trimmed arm
# less that of the other.
influence <- function(f, y, arm, s, T) sapply(c("low", "high"), function(side) {
  k <- f$kept[[side]]; m <- mean(k); c <- f$cut[[side]]
  t <- arm == T & s == 1; o <- arm != T & s == 1
  inside <- t & (if (side == "low") y <= c else y >= c); inside[is.na(inside)] <- FALSE
  psi <- numeric(length(y))
  psi[t] <- (inside[t] * (y[t] - m) + (c - m) * (length(k) / sum(t) - inside[t])) / length(k)
  psi[o] <- -(y[o] - mean(y[o])) / sum(o)
  if (f$q < 1) { # the share kept: alpha over pi
    share <- (arm != T) * (s - f$alpha) / f$alpha / sum(arm != T) - (arm == T) * (s - f$pi) / f$pi / sum(arm == T)
    psi <- psi + (c - m) * share
  }
  psi
})

out <- list()
report <- function(where, cells, cluster) {
  e <- d[if (where == "") rep(TRUE, nrow(d)) else with(d, eval(parse(text = where))), ]
  T <- as.numeric(mean(e$sat[e$coaching == 1]) >= mean(e$sat[e$coaching == 0])); sign <- 2 * T - 1
  cell <- if (cells == "") rep(1, nrow(e)) else e[[cells]]
  other <- e$coaching != T & e$sat == 1
  point <- c(low = 0, high = 0); psi <- matrix(0, nrow(e), 2, dimnames = list(NULL, c("low", "high"))); own <- psi
  for (x in unique(cell[other])) {
    i <- cell == x; w <- sum(other & i) / sum(other)
    f <- bounds(e$score[i], e$coaching[i], e$sat[i], T)
    value <- sapply(f$kept, mean) - mean(f$yo)
    point <- point + w * value
    psi[i, ] <- w * influence(f, e$score[i], e$coaching[i], e$sat[i], T)
    own[i, ] <- rep(value, each = sum(i))
  }
  psi <- psi + other * sweep(own, 2, point) / sum(other)
  g <- if (cluster == "") seq_len(nrow(e)) else e[[cluster]]
  G <- length(unique(g))
  se <- if (cells == "" && cluster == "") analytic(f, nrow(e), sum(e$coaching == T), sum(e$coaching != T), sum(e$coaching == T & e$sat == 1), sum(other)) else
    sqrt(colSums(rowsum(psi, g)^2) * G / (G - 1))
  b <- sign * point; order <- if (sign > 0) c("low", "high") else c("high", "low")
  L <- b[[order[1]]]; U <- b[[order[2]]]; sL <- se[[order[1]]]; sU <- se[[order[2]]]; df <- G - 1
  width <- (U - L) / max(sL, sU)
  critical <- function(alpha) uniroot(function(c) pt(c + width, df) - pt(-c, df) - (1 - alpha), c(0, 60), tol = 1e-14)$root
  c5 <- critical(0.05); z <- max(L / sL, -U / sU)
  p <- if (z > 0) pt(-z, df) + pt(z + width, df, lower.tail = FALSE) else 1
  out[[length(out) + 1]] <<- data.frame(where, cells, cluster, lower = L, upper = U, se_lower = sL, se_upper = sU, df, low = L - c5 * sL, high = U + c5 * sU, p)
}
for (where in c("", "rural == 0", "ses > 0", "block == 2")) for (cells in c("", "rural", "block")) for (cluster in c("", "school")) {
  if (where == "block == 2" && (cells != "" || cluster != "")) next
  report(where, cells, cluster)
}
options(digits = 15)
write.csv(format(do.call(rbind, out), digits = 15), "lee.csv", row.names = FALSE, quote = FALSE)
