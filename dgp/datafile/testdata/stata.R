# Writes the Stata files that the tests read, and what they hold as stata.csv.
#   Rscript stata.R
# haven writes formats 113 (version 8), 114 (10), 115 (12), 117 (13), 118 (14)
# and 119 (15); foreign writes 108 (6), which is refused, 113 (8), 114 (10) and
# 115 (12). foreign codes the factor arm 1 and 2.
library(haven)

d <- data.frame(
  id = c(1L, 2L, 3L, 2147483620L, -7L),
  small = c(-127L, 100L, NA, 0L, 5L),
  score = c(0.1, -1e300, NA, 8.9e307, 3),
  when = as.Date("2020-03-01") + 0:4,
  arm = c(0, 1, 1, NA, 0),
  school = c("A", "b c", "", "Ni\u00f1o", "x,\"y\""),
  stringsAsFactors = FALSE
)
long <- paste(rep("long text ", 300), collapse = "")

expected <- d
expected$when <- as.numeric(d$when - as.Date("1960-01-01"))
write.csv(expected, "stata.csv", row.names = FALSE, na = "", fileEncoding = "UTF-8")

labelled_d <- d
labelled_d$arm <- labelled(d$arm, c(control = 0, coaching = 1), label = "Arm of the trial")
for (v in c(8, 10, 12, 13, 14, 15)) {
  out <- labelled_d
  if (v < 14) out$school[4] <- "Nino"
  write_dta(out, sprintf("haven-%d.dta", v), version = v, label = "A file of haven's")
}
# Tagged and system missing values; a long string.
m <- data.frame(
  value = c(1, tagged_na("a"), tagged_na("z"), NA),
  whole = c(1L, NA, 3L, 4L),
  text = c(long, "", "short", long)
)
for (v in c(13, 14, 15)) {
  out <- m
  if (v < 14) out$value <- c(1, NA, NA, NA) # haven tags from 14 on
  write_dta(out, sprintf("missing-%d.dta", v), version = v, strl_threshold = 100)
}

f <- d
f$school[3:4] <- c("empty", "Nino") # foreign writes no empty text
f$arm <- factor(d$arm, levels = 0:1, labels = c("control", "coaching"))
for (v in c(6, 8, 10, 12)) foreign::write.dta(f, sprintf("foreign-%d.dta", v), version = v)
