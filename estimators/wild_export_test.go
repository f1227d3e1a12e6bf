package estimators

import "coachsim/dgp"

// Draw lets tests draw the weights that the bootstrap draws.
func (w WildWeights) Draw(r *dgp.Source) float64 { return wildPoints[w][w.draw(r)] }
