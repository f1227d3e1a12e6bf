# Variance components of ratings, for the tests of the G-study.
#
#   Rscript gstudy.R      (R 4 with lme4)
#
# Writes the ratings that are analysed, and gstudy.csv: for balanced designs the
# components by analysis of variance (mean squares equated to their expectations,
# Brennan 2001, chapter 3) and by REML of lme4, which is the same where none is
# negative; for an unbalanced design the estimates by quadratic forms, worked out
# with whole matrices and all pairs.
suppressMessages(library(lme4))
set.seed(20261122)
RNGkind("Mersenne-Twister", "Inversion", "Rejection")
out <- NULL
put <- function(design, method, ...) {
  v <- c(...)
  out <<- rbind(out, data.frame(design, method, component = names(v), value = sprintf("%.15g", v)))
}
effect <- function(f, sd) rnorm(nlevels(f), sd = sd)[f]
write <- function(d, name) {
  d$score <- round(d$score, 6)
  write.csv(d, paste0(name, ".csv"), row.names = FALSE, quote = FALSE)
  d
}
ms <- function(fit) { a <- summary(fit)[[1]]; setNames(a[["Mean Sq"]], trimws(rownames(a))) }
reml <- function(formula, d) {
  fit <- lmer(formula, d, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e5), calc.derivs = FALSE))
  v <- as.data.frame(VarCorr(fit)); setNames(v$vcov, v$grp)
}
f <- function(...) interaction(..., drop = TRUE, lex.order = TRUE)

# Crossed: 3 raters code 2 days of 3 segments of 14 classes.
d <- expand.grid(coder = 1:3, segment = 1:3, day = 1:2, class = 1:14)[, 4:1]
C <- factor(d$class); D <- f(d$class, d$day); S <- f(d$class, d$day, d$segment); R <- factor(d$coder)
d$score <- 4 + effect(C, 1) + effect(D, .6) + effect(S, .9) + effect(R, .5) + effect(f(C, R), .6) + effect(f(D, R), .5) + rnorm(nrow(d), sd = .4)
d <- write(d, "crossed")
m <- ms(aov(score ~ C + R + CR + D + DR + S, cbind(d, C, D, S, R, CR = f(C, R), DR = f(D, R))))
e <- m["Residuals"]
nd <- 2; ns <- 3; nr <- 3
rd <- (m["DR"] - e) / ns; rc <- (m["CR"] - m["DR"]) / (nd * ns); s <- (m["S"] - e) / nr
day <- (m["D"] - m["S"] - m["DR"] + e) / (nr * ns)
cl <- (m["C"] - m["D"] - m["CR"] + m["DR"]) / (nr * ns * nd); r <- (m["R"] - m["CR"]) / (14 * nd * ns)
put("crossed", "anova", class = unname(cl), day = unname(day), segment = unname(s), rater = unname(r), `rater x class` = unname(rc), `rater x day` = unname(rd), rating = unname(e))
v <- reml(score ~ (1 | C) + (1 | D) + (1 | S) + (1 | R) + (1 | CR) + (1 | DR), cbind(d, C, D, S, R, CR = f(C, R), DR = f(D, R)))
put("crossed", "reml", class = v[["C"]], day = v[["D"]], segment = v[["S"]], rater = v[["R"]], `rater x class` = v[["CR"]], `rater x day` = v[["DR"]], rating = v[["Residual"]])

# Nested: each of 16 classes has 2 raters of its own, 2 days of 2 segments.
d <- expand.grid(coder = 1:2, segment = 1:2, day = 1:2, class = 1:16)[, 4:1]
C <- factor(d$class); D <- f(d$class, d$day); S <- f(d$class, d$day, d$segment); R <- f(d$class, d$coder)
d$score <- 4 + effect(C, 1.2) + effect(D, 1.2) + effect(S, .9) + effect(R, .9) + effect(f(D, d$coder), .6) + rnorm(nrow(d), sd = .4)
d <- write(d, "nested")
m <- ms(aov(score ~ C + D + R + DR + S, cbind(d, C, S, R, D, DR = f(D, d$coder))))
e <- m["Residuals"]
rd <- (m["DR"] - e) / 2; s <- (m["S"] - e) / 2; r <- (m["R"] - m["DR"]) / 4; day <- (m["D"] - m["S"] - m["DR"] + e) / 4
cl <- (m["C"] - m["D"] - m["R"] + m["DR"]) / 8
put("nested", "anova", class = unname(cl), day = unname(day), segment = unname(s), rater = unname(r), `rater x day` = unname(rd), rating = unname(e))
v <- reml(score ~ (1 | C) + (1 | D) + (1 | S) + (1 | R) + (1 | DR), cbind(d, C, D, S, R, DR = f(D, d$coder)))
put("nested", "reml", class = v[["C"]], day = v[["D"]], segment = v[["S"]], rater = v[["R"]], `rater x day` = v[["DR"]], rating = v[["Residual"]])

# One coder, one day: segments within classes only.
d <- expand.grid(segment = 1:4, class = 1:12)[, 2:1]
C <- factor(d$class)
d$score <- 4 + effect(C, 1) + rnorm(nrow(d), sd = .8)
d <- write(d, "segments")
m <- ms(aov(score ~ C, cbind(d, C)))
put("segments", "anova", class = unname((m["C"] - m["Residuals"]) / 4), rating = unname(m["Residuals"]))
v <- reml(score ~ (1 | C), cbind(d, C))
put("segments", "reml", class = v[["C"]], rating = v[["Residual"]])

# Unbalanced: 5 raters share 20 classes, of 1 to 3 days of 1 to 4 segments by 1 to 3
# coders, some ratings missing.
d <- NULL
for (j in 1:20) {
  who <- sample(5, sample(3, 1))
  for (day in seq_len(sample(3, 1))) for (s in seq_len(sample(4, 1))) d <- rbind(d, data.frame(class = j, day = day, segment = s, coder = who))
}
d <- d[runif(nrow(d)) > .1, ]
C <- factor(d$class); D <- f(d$class, d$day); S <- f(d$class, d$day, d$segment); R <- factor(d$coder)
d$score <- 4 + effect(C, 1) + effect(D, .6) + effect(S, .9) + effect(R, .5) + effect(f(C, R), .6) + effect(f(D, R), .5) + rnorm(nrow(d), sd = .4)
d <- write(d, "unbalanced")
n <- nrow(d)
same <- function(g) outer(as.integer(g), as.integer(g), "==") * 1
B <- list(class = same(C), day = same(D), segment = same(S), rater = same(R), `rater x class` = same(f(C, R)), `rater x day` = same(f(D, R)), rating = diag(n))
kinds <- list(B$segment == 1, B$day == 1 & B$segment == 0 & B$rater == 1, B$day == 1 & B$segment == 0 & B$rater == 0,
  B$class == 1 & B$day == 0 & B$rater == 1, B$class == 1 & B$day == 0 & B$rater == 0, B$class == 0)
half <- outer(d$score, d$score, function(a, b) (a - b)^2 / 2)
A <- NULL; y <- w <- NULL
for (k in kinds) {
  use <- k & upper.tri(k)
  if (!any(use)) next
  A <- rbind(A, sapply(B, function(b) mean(1 - b[use]))); y <- c(y, mean(half[use])); w <- c(w, sum(use))
}
Z <- model.matrix(~ R - 1)
M <- diag(n) - B$segment / rowSums(B$segment)
W <- M %*% Z
sv <- svd(W); keep <- sv$d > 1e-8; H <- sv$u[, keep] %*% t(sv$u[, keep])
A <- rbind(A, sapply(B, function(b) sum(H * b)) / sum(keep)); y <- c(y, sum(d$score * (H %*% d$score)) / sum(keep)); w <- c(w, n)
v <- qr.solve(A * sqrt(w), y * sqrt(w))
put("unbalanced", "quadratic forms", v)
write.csv(out, "gstudy.csv", row.names = FALSE, quote = FALSE)
