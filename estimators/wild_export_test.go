package estimators

import "math/rand/v2"

// Draw lets tests draw the weights that the bootstrap draws.
func (w WildWeights) Draw(r *rand.Rand) float64 { return wildPoints[w][w.draw(r)] }
