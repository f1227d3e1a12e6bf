package dgp

import "gonum.org/v1/gonum/stat/distuv"

// ItemsLaw is the percentage of items that a teacher gets right, where the share is
// normal with Mean and SD, held within 0 and 100, and rounded to a whole number of
// items. A binomial law would have more spread than some short tests show.
type ItemsLaw struct {
	Mean  float64 `yaml:"mean" required:"true" doc:"mean before limits and rounding, percent"`
	SD    float64 `yaml:"sd" required:"true" gt:"0" doc:"standard deviation before limits and rounding, percent"`
	Items int     `yaml:"items" required:"true" min:"1" max:"1000" doc:"number of items"`
}

// Check finds nothing to add to the ranges of the keys.
func (ItemsLaw) Check(Covariate, []Covariate, func(key, format string, args ...any)) {}

// Compile prepares drawing.
func (l ItemsLaw) Compile(*population) compiledLaw {
	items := float64(l.Items)
	return rounded(items, 100, func(z float64) float64 { return (l.Mean + l.SD*z) / 100 }, func(x float64) float64 {
		return distuv.UnitNormal.CDF((100*x - l.Mean) / l.SD)
	})
}

var _ Law = ItemsLaw{}
