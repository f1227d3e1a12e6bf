package estimators

import "slices"

// treesOfFit is how many trees of a forest take the time of a LASSO.
const treesOfFit = 50

// Fits is how many models a method fits to one data set, counted in fits of a LASSO,
// as far as they are what a data set takes: where the number is declared to be
// large. Others count as one.
func Fits(m Method) int {
	switch m := m.(type) {
	case Prediction:
		of := 1
		if m.Model == ConditionalForest {
			trees := m.Forest
			if trees == nil {
				trees = new(ForestRuns)
				trees.SetDefaults()
			}
			of = (trees.Trees + treesOfFit - 1) / treesOfFit
		}
		return m.Runs * of
	case CForest:
		trees := m.Trees
		if m.Tune != nil && len(m.Tune.Trees) > 0 {
			trees = slices.Max(m.Tune.Trees)
		}
		return (trees + treesOfFit - 1) / treesOfFit
	default:
		return 1
	}
}
