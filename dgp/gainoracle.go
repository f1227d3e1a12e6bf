package dgp

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// A GainOracle predicts the gains of classes as well as anyone could who knows what
// truly moves them and their covariates, but not what differs by chance: it is the
// regression of gains on the expected gain (Truth.ExpectedGain), the class's score
// before, and their squares, cubes and products, in many data sets. Reversion to the
// mean, floors and ceilings make gains a curve of these two.
type GainOracle struct {
	slopes []float64
	// MSE is the mean squared error of its predictions, over classes with a gain.
	MSE float64
}

// The oracle's draws are a trial's own, apart from those of its replicates.
const oracleSeed = 0x0a7ac1e0f6a195

// NewGainOracle draws data sets until they have so many classes with a gain.
func NewGainOracle(t Trial, classes int) (*GainOracle, error) {
	if t.Learning == nil {
		return nil, errors.New("dgp: a study without learning has no gains")
	}
	g, err := t.Compile()
	if err != nil {
		return nil, err
	}
	var x, y []float64
	terms := make([]float64, gainTerms)
	var expected []float64
	for rep := uint64(0); len(y) < classes; rep++ {
		data, truth := g.Draw(Stream{Seed: oracleSeed, Replicate: rep})
		expected = truth.ExpectedGain(append(expected[:0], make([]float64, data.Teachers())...))
		for j, gain := range data.Columns[g.learningColumn+gainColumn] {
			if !math.IsNaN(gain) {
				x = append(x, gainBasis(terms, expected[j], g.learning.baseline[g.teachers[j]])...)
				y = append(y, gain)
			}
		}
		if rep > 1000 && len(y) < gainTerms { // almost all are lost
			return nil, errors.New("dgp: too few classes have a gain")
		}
	}
	design, gains := mat.NewDense(len(y), gainTerms, x), mat.NewVecDense(len(y), y)
	var slopes, fitted mat.VecDense
	if err := slopes.SolveVec(design, gains); err != nil {
		if ill := mat.Condition(0); !errors.As(err, &ill) {
			return nil, err
		}
	}
	fitted.MulVec(design, &slopes)
	fitted.SubVec(gains, &fitted)
	return &GainOracle{slopes: slopes.RawVector().Data, MSE: mat.Dot(&fitted, &fitted) / float64(len(y)-gainTerms)}, nil
}

// gainTerms is the number of regressors of a GainOracle.
const gainTerms = 10

// gainBasis fills dst with all products of the expected gain and the score before, both
// brought near ±1, up to the third power.
func gainBasis(dst []float64, expected, baseline float64) []float64 {
	s, b := expected/10-1.5, baseline/25-2
	at := 0
	for power := range 4 {
		for i := range power + 1 {
			v := 1.0
			for k := range power {
				if k < i {
					v *= s
				} else {
					v *= b
				}
			}
			dst[at] = v
			at++
		}
	}
	return dst
}

// Predict fills dst with the prediction for every class of the data of which t is the
// truth, in percentage points.
func (o *GainOracle) Predict(dst []float64, t *Truth) []float64 {
	var terms [gainTerms]float64
	dst = t.ExpectedGain(dst)
	for j, teacher := range t.g.drawn(TeacherLevel) {
		sum := 0.0
		for k, x := range gainBasis(terms[:], dst[j], t.g.learning.baseline[teacher]) {
			sum += o.slopes[k] * x
		}
		dst[j] = sum
	}
	return dst
}
