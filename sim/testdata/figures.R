# What figures show, in base R, formula by formula, as an independent check of sim.
# Writes the numbers that are measured and what R makes of them. Run in this
# directory:  Rscript figures.R
set.seed(2026)
n <- 137
first <- rnorm(n, 0.2, 0.5)
second <- first + rnorm(n, 0.05, 0.2)
score <- pmin(7, pmax(1, rnorm(n, 2, 1.2)))      # piles up at the floor of a scale
p <- runif(n)^2
digits <- function(x) formatC(x, digits = 15, format = "g", width = 1)
write.csv(data.frame(first = digits(first), second = digits(second), score = digits(score), p = digits(p)),
          "figures_values.csv", row.names = FALSE, quote = FALSE)
# What is measured are the numbers as they were written.
values <- read.csv("figures_values.csv")
first <- values$first; second <- values$second; score <- values$score; p <- values$p

out <- list()
put <- function(name, x) for (i in seq_along(x)) out[[length(out) + 1]] <<- data.frame(name = name, i = i - 1, value = digits(x[i]))

# Wilson's interval of shares of trials
for (case in list(c(624, 2000), c(0, 30), c(30, 30), c(1, 7)))
  put(sprintf("wilson %d of %d", case[1], case[2]), prop.test(case[1], case[2], correct = FALSE)$conf.int)

# quantiles
put("quantile", quantile(first, c(0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1)))

# Bloom's minimum detectable effect
put("mdes", (qt(1 - 0.05 / 2, 11.5) + qt(0.8, 11.5)) * c(sd(first), sd(first) / sqrt(2 * (n - 1))))

# where a curve of power reaches 80%, linear in probits
power <- c(0.31, 0.62, 0.91); at <- c(10, 20, 40)
crossing <- function(y) uniroot(function(x) approx(at, qnorm(y), x)$y - qnorm(0.8), range(at), tol = 1e-14)$root
wilson <- sapply(power, function(s) prop.test(s * 1000, 1000, correct = FALSE)$conf.int)
put("reach", c(crossing(power), crossing(wilson[2, ]), crossing(wilson[1, ])))

# histogram: Freedman and Diaconis' number of bins over the range
bins <- ceiling(diff(range(first)) / (2 * IQR(first) / n^(1 / 3)))
breaks <- seq(min(first), max(first), length.out = bins + 1)
put("histogram edges", breaks)
put("histogram counts", hist(first, breaks, plot = FALSE, right = FALSE)$counts)

# p-values
put("p counts", table(cut(p, seq(0, 1, 0.05), right = FALSE)))
put("p count band", qbinom(c(0.025, 0.975), n, 0.05))
k <- c(1, 2, 10, 137)
put("p observed", -log10(sort(p)[k]))
put("p expected", -log10((k - 0.5) / n))
put("p low", -log10(qbeta(0.975, k, n + 1 - k)))
put("p high", -log10(qbeta(0.025, k, n + 1 - k)))

# pairs
put("correlation", cor(first, second))
put("difference", c(mean(second - first), sd(second - first) / sqrt(n)))

# kernel densities: reflected at both ends of the scale, and without ends
x <- c(1, 1.2, 2, 3.7, 6.5, 7)
kernel <- function(x, data, h) sapply(x, function(at) mean(dnorm(at, data, h)))
h <- bw.nrd0(score)
put("density bounded", kernel(x, score, h) + kernel(2 * 1 - x, score, h) + kernel(2 * 7 - x, score, h))
put("density open", kernel(x, score, h))

# zip plot: 90% intervals with 9 degrees of freedom around the first estimates
se <- 0.3 + abs(second) / 2
half <- qt(0.95, 9) * se
centre <- order(abs(first - 0.2) / half)
put("zip covered", mean(abs(first - 0.2) <= half))
put("zip low", (first - half - 0.2)[centre][c(1, 2, 69, 137)])
put("zip high", (first + half - 0.2)[centre][c(1, 2, 69, 137)])

write.csv(do.call(rbind, out), "figures_R.csv", row.names = FALSE, quote = FALSE)
