# Differences in means by estimatr's difference_in_means, for
# difference_in_means_test.go.
#
#   Rscript oracle.R     in this directory
#
# writes the children in data.csv and the estimates in estimates.csv. Schools are
# assigned to three arms in blocks and, apart from that, within pairs; children are
# assigned in blocks and within pairs.

library(estimatr)
set.seed(11)
rows <- list(); school <- 0
for (b in 1:5) {
  arm <- sample(rep(0:2, c(4, 3, 3)))
  for (k in 1:10) {
    school <- school + 1
    n <- 2 * sample(2:7, 1)
    u <- rnorm(1, sd = 0.4)
    rows[[school]] <- data.frame(
      block = b, school, coaching = as.numeric(arm[k] == 1), tablets = as.numeric(arm[k] == 2),
      pair = (school - 1) %/% 2 + 1, first = NA,
      tutored = sample(rep(0:1, n / 2)),
      girl = rbinom(n, 1, 0.5), u
    )
  }
}
d <- do.call(rbind, rows)
# One of each pair of schools is treated, and one of each pair of children.
first <- tapply(d$school, d$pair, function(x) sample(unique(x), 1))
d$first <- as.numeric(d$school == first[d$pair])
d$couple <- (seq_len(nrow(d)) - 1) %/% 2 + 1
d$picked <- ave(rep(0, nrow(d)), d$couple, FUN = function(x) sample(0:1))
d$score <- round(0.1 * d$block + 0.3 * d$coaching + 0.2 * d$tablets + 0.25 * d$first + 0.4 * d$tutored + 0.3 * d$picked + d$u + 0.2 * d$girl + rnorm(nrow(d)), 4)
d$income <- round(exp(8 + 0.2 * d$score + rnorm(nrow(d))), 2)
d$score[sample(nrow(d), 40)] <- NA
# The rows that couples lack an outcome of are lost with their couples.
d$whole <- as.numeric(ave(is.na(d$score), d$couple, FUN = max) == 0)
# Couples but for four children in one group: the variance is still that of
# matched pairs.
whole <- unique(d$couple[d$whole == 1])
d$group <- d$couple; d$group[d$couple == whole[2]] <- whole[1]
d$u <- NULL
write.csv(d, "data.csv", row.names = FALSE, quote = FALSE, na = "")

out <- NULL
add <- function(outcome, arms, arm, blocks = "", cluster = "", where = "") {
  e <- d
  for (other in setdiff(arms, arm)) e <- e[e[[other]] == 0, ]
  if (where != "") e <- e[eval(parse(text = where), e), ]
  args <- list(as.formula(paste(outcome, "~", arm)), data = e)
  if (blocks != "") args$blocks <- as.name(blocks)
  if (cluster != "") args$clusters <- as.name(cluster)
  m <- suppressWarnings(do.call(difference_in_means, args))
  out <<- rbind(out, data.frame(
    formula = paste(outcome, "~", paste(arms, collapse = " + ")), term = arm, blocks, cluster, where, design = m$design,
    estimate = sprintf("%.15g", m$coefficients), se = sprintf("%.15g", m$std.error), df = sprintf("%.15g", m$df), p = sprintf("%.15g", m$p.value)
  ))
}
arms <- c("coaching", "tablets")
for (outcome in c("score", "income")) for (arm in arms) {
  add(outcome, arms, arm)
  add(outcome, arms, arm, cluster = "school")
  add(outcome, arms, arm, blocks = "block")
  add(outcome, arms, arm, blocks = "block", cluster = "school")
  add(outcome, arms, arm, blocks = "block", cluster = "school", where = "girl == 1")
}
for (outcome in c("score", "income")) {
  add(outcome, "tutored", "tutored")
  add(outcome, "tutored", "tutored", blocks = "block", where = "girl == 1")
  add(outcome, "first", "first", cluster = "school")
  add(outcome, "first", "first", blocks = "pair", cluster = "school")
  add(outcome, "first", "first", blocks = "pair", cluster = "school", where = "block > 2")
  add(outcome, "picked", "picked", blocks = "couple", where = "whole == 1")
  add(outcome, "picked", "picked", blocks = "group", where = "whole == 1")
}
write.csv(out, "estimates.csv", row.names = FALSE, quote = FALSE)
