package estimators

// StudentP is the two-sided p-value of a t statistic.
var StudentP = studentP
