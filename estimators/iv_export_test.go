package estimators

// InvertAndersonRubin is anderson.invert of a statistic's coefficients.
func InvertAndersonRubin(excess, strength, v0, v1, v2, limit float64) Interval {
	return anderson{excess: excess, strength: strength, v0: v0, v1: v1, v2: v2}.invert(limit)
}
