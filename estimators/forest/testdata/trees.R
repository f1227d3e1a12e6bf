# Conditional inference trees by partykit and party, for trees_test.go.
# R 4.2, partykit 1.2-16, libcoin 1.0-9, party 1.3-11:  Rscript trees.R
suppressMessages({library(party); library(partykit)})
set.seed(9847)
full <- function(x) trimws(formatC(as.numeric(x), digits = 15, format = "g"))

n <- 180
numeric <- data.frame(x1 = round(rnorm(n), 3), x2 = round(rnorm(n), 1), binary = rbinom(n, 1, 0.3),
                      few = sample(1:5, n, TRUE), far = 2010 + round(rnorm(n), 2), noise1 = round(rnorm(n), 3), noise2 = round(runif(n), 2))
numeric$y <- round(numeric$x1 + 0.8 * (numeric$x2 > 0.4) + 0.5 * numeric$binary + 0.4 * (numeric$few > 2) + 0.3 * (numeric$far - 2010) + rnorm(n), 3)

n <- 220
mixed <- data.frame(ordered = sample(0:3, n, TRUE), region = sample(0:5, n, TRUE), school = sample(0:2, n, TRUE),
                    two = sample(0:1, n, TRUE), x = round(rnorm(n), 2), noise = round(rnorm(n), 1))
mixed$y <- round(0.5 * (mixed$ordered > 1) + 0.8 * (mixed$region %in% c(1, 4)) + 0.6 * (mixed$school == 2) * mixed$x + rnorm(n), 3)

# late varies only where gate is 1, and constant nowhere: what is counted in a node matters
n <- 160
varying <- data.frame(gate = sample(0:1, n, TRUE), x = round(rnorm(n), 2), constant = 3.3)
varying$late <- varying$gate * sample(0:4, n, TRUE)
varying$level <- ifelse(varying$gate == 1, sample(0:3, n, TRUE), 2)
varying$y <- round(1.2 * varying$gate + 0.4 * (varying$late > 2) + 0.45 * varying$x + 0.4 * (varying$level == 3) + rnorm(n), 3)

data <- list(numeric = numeric, mixed = mixed, varying = varying)
for (name in names(data)) write.csv(data[[name]], paste0(name, ".csv"), row.names = FALSE, quote = FALSE)
factors <- function(d) {
  if ("ordered" %in% names(d)) d$ordered <- ordered(d$ordered, levels = 0:3)
  for (v in intersect(names(d), c("region", "school", "two", "level"))) d[[v]] <- factor(d[[v]], levels = 0:max(d[[v]]))
  d
}

out <- NULL
add <- function(fit, node, variable, cut, levels, statistic, p, n, mean)
  out <<- rbind(out, data.frame(fit, node, variable, cut, levels, statistic = full(statistic), p = full(p), n, mean = full(mean)))

sharp <- mvtnorm::GenzBretz(maxpts = 3e5, abseps = 1e-7)
of_partykit <- function(fit, d, ...) {
  d <- factors(data[[d]])
  tree <- partykit::ctree(y ~ ., d, control = partykit::ctree_control(..., pargs = sharp))
  ids <- nodeids(tree)
  at <- predict(tree, type = "node")
  for (id in ids) {
    node <- nodeapply(tree, id)[[1]]
    rows <- at %in% nodeids(tree, from = id)
    info <- info_node(node)
    if (is.terminal(node)) {
      test <- if (is.null(info$criterion)) c(NA, NA) else info$criterion[c("statistic", "p.value"), which.max(info$criterion["criterion", ])]
      add(fit, id, "", NA, "", test[1], test[2], sum(rows), mean(d$y[rows]))
    } else {
      s <- split_node(node)
      v <- names(tree$data)[varid_split(s)]
      cut <- if (is.null(breaks_split(s))) NA else breaks_split(s)
      if (is.ordered(d[[v]])) cut <- cut - 1 # its scores here are 0, 1, ...
      levels <- if (is.na(cut)) paste(which(index_split(s) == 1) - 1, collapse = " ") else ""
      test <- info$criterion[c("statistic", "p.value"), v]
      add(fit, id, v, full(cut), levels, test[1], test[2], sum(rows), mean(d$y[rows]))
    }
  }
}
of_partykit("numeric", "numeric")
of_partykit("numeric-maximum", "numeric", teststat = "maximum", splitstat = "maximum", alpha = 0.3)
of_partykit("numeric-univariate", "numeric", testtype = "Univariate", alpha = 0.2, minsplit = 10L, minbucket = 3L)
of_partykit("numeric-depth", "numeric", alpha = 0.5, maxdepth = 2L)
of_partykit("numeric-full", "numeric", testtype = "Univariate", mincriterion = 0, minsplit = 12L, minbucket = 4L)
of_partykit("mixed", "mixed")
of_partykit("mixed-maximum", "mixed", teststat = "maximum", alpha = 0.4)
of_partykit("mixed-bucket", "mixed", alpha = 0.6, minbucket = 18L, minsplit = 40L)
of_partykit("mixed-univariate", "mixed", testtype = "Univariate", alpha = 0.35, minprob = 0.1)
of_partykit("varying", "varying", alpha = 0.5)
of_partykit("varying-univariate", "varying", testtype = "Univariate", alpha = 0.5, minsplit = 15L, minbucket = 5L)

of_party <- function(fit, d, ...) {
  d <- factors(data[[d]])
  tree <- party::ctree(y ~ ., d, controls = party::ctree_control(...))
  names <- setdiff(names(d), "y")
  id <- 0
  walk <- function(node, rows) {
    id <<- id + 1
    if (node$terminal) {
      p <- if (node$criterion$maxcriterion == 0) NA else 1 - node$criterion$maxcriterion
      return(add(fit, id, "", NA, "", NA, p, sum(rows), mean(d$y[rows])))
    }
    s <- node$psplit
    v <- names[s$variableID]
    statistic <- node$criterion$statistic[s$variableID]
    p <- 1 - node$criterion$criterion[s$variableID]
    x <- d[[v]]
    if (is.factor(x) && !is.ordered(x)) {
      set <- which(s$splitpoint == 1)
      left <- as.integer(x) %in% set
      add(fit, id, v, NA, paste(set - 1, collapse = " "), statistic, p, sum(rows), mean(d$y[rows]))
    } else {
      cut <- s$splitpoint
      left <- as.numeric(x) <= cut
      add(fit, id, v, full(cut - is.ordered(x)), "", statistic, p, sum(rows), mean(d$y[rows]))
    }
    walk(node$left, rows & left)
    walk(node$right, rows & !left)
  }
  walk(tree@tree, rep(TRUE, nrow(d)))
}
of_party("party-numeric", "numeric", mincriterion = 0.7)
of_party("party-varying", "varying", mincriterion = 0.5)
of_party("party-mixed", "mixed", mincriterion = 0.6, testtype = "Bonferroni")
write.csv(out, "trees.csv", row.names = FALSE, quote = FALSE)
print(table(out$fit, out$variable))
