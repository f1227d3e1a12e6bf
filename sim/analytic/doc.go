// Package analytic has the closed forms of power analysis: standard error,
// degrees of freedom, minimum detectable effect size (MDES) and power of the
// designs that PowerUp! and PUMP know, of mediation designs, and the cheapest
// allocation. Nothing is simulated.
//
// A Design is an entry of Designs with its inputs, its formula and the formula's
// source. Effects are in standard deviations of the outcome.
//
// Sources:
//
//   - Dong and Maynard (2013), PowerUp!: A tool for calculating minimum
//     detectable effect sizes and minimum required sample sizes, Journal of
//     Research on Educational Effectiveness 6: 24-67; R package PowerUpR 1.1.0.
//   - Hunter, Miratrix and Porter (2024), PUMP: estimating power, minimum
//     detectable effect size, and sample size when adjusting for multiple
//     outcomes in multi-level experiments, Journal of Statistical Software 108(6).
//   - Kelcey, Dong, Spybrook and Cox (2017), Statistical power for causally
//     defined indirect effects in group-randomized trials with individual-level
//     mediators, Journal of Educational and Behavioral Statistics 42: 499-530.
//   - Kelcey, Xie, Spybrook and Dong (2020), Power and sample size determination
//     for multilevel mediation in three-level cluster-randomized trials,
//     Multivariate Behavioral Research.
//   - van Breukelen, Candel and Berger (2007), Relative efficiency of unequal
//     versus equal cluster sizes, Statistics in Medicine 26: 2589-2603.
//   - Eldridge, Ashby and Kerry (2006), Sample size for cluster randomized
//     trials: effect of coefficient of variation of cluster size, International
//     Journal of Epidemiology 35: 1292-1300.
//   - Raudenbush (1997), Statistical analysis and optimal design for cluster
//     randomized trials, Psychological Methods 2: 173-185.
//   - Gelman and Carlin (2014), Beyond power calculations, Perspectives on
//     Psychological Science 9: 641-651.
package analytic
