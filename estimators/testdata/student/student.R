# Two-sided p-values of Student's t distribution, df from 1 to 10,000, whole and not, and
# t from 0 to 40, on both sides of where the series of the centre gives way to the
# fraction of the tails. Writes student.csv: Rscript student.R > student.csv
cases <- expand.grid(t = c(0, 0.001, 0.1, 0.5, 1, 1.3, 1.7, 1.96, 2.2, 2.44, 2.46, 2.7, 3, 4, 6, 10, 20, 40),
                     df = c(1, 1.5, 2, 3, 3.7, 5, 7.25, 10, 19, 23.9, 24.1, 46.31, 100, 188, 197.6, 1000, 3737, 9999.5, 10000))
p <- 2 * pt(cases$t, cases$df, lower.tail = FALSE)
cat("t,df,p\n")
cat(sprintf("%.15g,%.15g,%.17g\n", cases$t, cases$df, p), sep = "")
