package dgp

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Observation is the instrument that measures classroom quality: coders rate
// each domain of each film segment on a scale such as 1 to 7.
//
// The rating of class j, domain k, segment s and coder c is
//
//	clip(round(Mean + Points (q + H + SegmentSD g + CoderSD f)), Min, Max)
//
// with q true quality under the arm, H the context, and g (by class and
// segment) and f (by rating) normal with correlation ErrorCorrelation between
// domains. A domain score is the mean of its ratings, the total score the mean
// of the domain scores; Standardise then brings each to mean 0 and SD 1 over
// the classes of the data set.
type Observation struct {
	Segments         int         `yaml:"segments" required:"true" min:"1" max:"1000" doc:"film segments rated per class"`
	Coders           int         `yaml:"coders" required:"true" min:"1" max:"100" doc:"coders who rate each segment"`
	Scale            RatingScale `yaml:"scale" required:"true" doc:"the rating scale"`
	SegmentSD        []float64   `yaml:"segment_sd" required:"true" min:"0" doc:"SD of the segment error in each domain, in SDs of the observed score"`
	CoderSD          []float64   `yaml:"coder_sd" required:"true" min:"0" doc:"SD of the coder error in each domain, in SDs of the observed score"`
	ErrorCorrelation Matrix      `yaml:"error_correlation" required:"true" doc:"correlation of both errors between domains"`
	Total            string      `yaml:"total" doc:"name of the total score"`
	Points           bool        `yaml:"points" doc:"keep scores in points of the scale instead of standard deviations"`
}

// A RatingScale is what a rating can be.
type RatingScale struct {
	Mean    []float64 `yaml:"mean" required:"true" doc:"latent mean rating in each domain, control arm, points"`
	Points  []float64 `yaml:"points" required:"true" min:"0" doc:"points per SD of the observed score, in each domain"`
	Min     float64   `yaml:"min" doc:"lowest rating"`
	Max     float64   `yaml:"max" doc:"highest rating"`
	Integer bool      `yaml:"integer" doc:"ratings are whole numbers"`
}

// IsZero reports whether quality is not observed.
func (o Observation) IsZero() bool { return o.Segments == 0 && o.Coders == 0 }

func (o Observation) check(f *Faults, domains []string) {
	k := len(domains)
	if o.IsZero() {
		return
	}
	if k == 0 {
		f.Add("observation", "observes the section quality, which is left out")
		return
	}
	checkLength(f, "observation.scale.mean", o.Scale.Mean, k, "domain")
	checkLength(f, "observation.scale.points", o.Scale.Points, k, "domain")
	checkLength(f, "observation.segment_sd", o.SegmentSD, k, "domain")
	checkLength(f, "observation.coder_sd", o.CoderSD, k, "domain")
	o.ErrorCorrelation.check(f, "observation.error_correlation", k, true)
	if o.Scale.Max <= o.Scale.Min {
		f.Add("observation.scale.max", "%g is not above the lowest rating, %g", o.Scale.Max, o.Scale.Min)
	}
	if o.Scale.Integer && o.Scale.Min != math.Floor(o.Scale.Min) {
		f.Add("observation.scale.min", "%g is no whole number, as ratings are with integer", o.Scale.Min)
	}
	if o.Scale.Integer && o.Scale.Max != math.Floor(o.Scale.Max) {
		f.Add("observation.scale.max", "%g is no whole number, as ratings are with integer", o.Scale.Max)
	}
	if o.Total == "" {
		f.Add("observation.total", "the total score needs a name")
	}
}

// ratingName is the column of one rating, as "es_s1_c2".
func ratingName(domain string, segment, coder int) string {
	return fmt.Sprintf("%s_s%d_c%d", domain, segment+1, coder+1)
}

// observed holds the ratings and scores of every class under every arm.
type observed struct {
	o      Observation
	factor [][]float64   // Cholesky factor of ErrorCorrelation
	g, f   []float64     // scratch: segment and coder errors by domain
	z      []float64     // scratch
	rating [][][]float64 // by world; then by (domain, segment, coder); then by class
	score  [][][]float64 // by world; domain scores in points; by class
}

func newObserved(t Trial) *observed {
	o := t.Observation
	k := len(t.observed())
	teachers := t.Design.teachers()
	ob := &observed{
		o: o, factor: o.ErrorCorrelation.factor(nil),
		g: make([]float64, k), f: make([]float64, k), z: make([]float64, k),
	}
	for range t.Design.worlds() {
		ob.rating = append(ob.rating, columnsOf(k*o.Segments*o.Coders, teachers))
		ob.score = append(ob.score, columnsOf(k, teachers))
	}
	return ob
}

// correlated fills dst with sd times draws of the errors of one source.
func (ob *observed) correlated(dst, sd []float64, r *rand.Rand) {
	for k := range ob.z {
		ob.z[k] = r.NormFloat64()
	}
	for k, row := range ob.factor {
		v := 0.0
		for i, l := range row {
			v += l * ob.z[i]
		}
		dst[k] = sd[k] * v
	}
}

// draw rates every class in every world with the same errors.
func (ob *observed) draw(tq *trueQuality, r *rand.Rand) {
	o := &ob.o
	if o.IsZero() {
		return
	}
	ratings := float64(o.Segments * o.Coders)
	quality := tq.reached
	for j := range tq.context[0] {
		for arm := range ob.score {
			for k := range ob.score[arm] {
				ob.score[arm][k][j] = 0
			}
		}
		for s := range o.Segments {
			ob.correlated(ob.g, o.SegmentSD, r)
			for c := range o.Coders {
				ob.correlated(ob.f, o.CoderSD, r)
				for k := range ob.f {
					e := tq.context[k][j] + ob.g[k] + ob.f[k]
					at := (k*o.Segments+s)*o.Coders + c
					for arm := range quality {
						x := o.Scale.rate(k, quality[arm][k][j]+e)
						ob.rating[arm][at][j] = x
						ob.score[arm][k][j] += x
					}
				}
			}
		}
		for arm := range ob.score {
			for k := range ob.score[arm] {
				ob.score[arm][k][j] /= ratings
			}
		}
	}
}

// rate turns a latent value of domain k into a rating.
func (s *RatingScale) rate(k int, latent float64) float64 {
	x := s.Mean[k] + s.Points[k]*latent
	if s.Integer {
		x = math.Floor(x + 0.5)
	}
	return min(max(x, s.Min), s.Max)
}
