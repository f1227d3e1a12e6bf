package dgp

import (
	"fmt"
	"math"
)

// Observation is the instrument that measures classroom quality: coders rate
// each domain of each film segment of each day on a scale such as 1 to 7.
//
// The rating of class j, domain k, day d, segment s and coder c is
//
//	clip(round(Mean + Points (q + H + DaySD h + SegmentSD g + CoderSD f + r)), Min, Max)
//
// with q true quality under the arm, H the context, h (by class and day), g (by
// class, day and segment) and f (by rating) normal with correlation
// ErrorCorrelation between domains, and r what the rater who is coder c brings
// (see Raters). A domain score is the mean of its ratings, the total score the
// mean of the domain scores; Standardise then brings each to mean 0 and SD 1 over
// the classes of the data set.
type Observation struct {
	Days             int         `yaml:"days,omitempty" min:"1" max:"366" doc:"days on which a class is observed; 1 by default"`
	Segments         int         `yaml:"segments" required:"true" min:"1" max:"1000" doc:"film segments rated per class and day"`
	Coders           int         `yaml:"coders" required:"true" min:"1" max:"100" doc:"coders who rate each segment"`
	Scale            RatingScale `yaml:"scale" required:"true" doc:"the rating scale"`
	DaySD            []float64   `yaml:"day_sd,omitempty" min:"0" doc:"SD of the day error in each domain, in SDs of the observed score; 0 by default"`
	SegmentSD        []float64   `yaml:"segment_sd" required:"true" min:"0" doc:"SD of the segment error in each domain, in SDs of the observed score"`
	CoderSD          []float64   `yaml:"coder_sd" required:"true" min:"0" doc:"SD of the coder error in each domain, in SDs of the observed score"`
	ErrorCorrelation Matrix      `yaml:"error_correlation" required:"true" doc:"correlation of each error between domains"`
	Raters           *Raters     `yaml:"raters,omitempty" doc:"who the coders are: severity, drift, and how many share the classes"`
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

// days returns the number of days.
func (o Observation) days() int { return max(o.Days, 1) }

// ratings returns the number of ratings of a class in each domain.
func (o Observation) ratings() int { return o.days() * o.Segments * o.Coders }

func (o Observation) check(f *Faults, t Trial) {
	domains := t.Quality.Domains
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
	checkOptional(f, "observation.day_sd", o.DaySD, k, "domain")
	checkLength(f, "observation.segment_sd", o.SegmentSD, k, "domain")
	checkLength(f, "observation.coder_sd", o.CoderSD, k, "domain")
	o.ErrorCorrelation.check(f, "observation.error_correlation", k, true)
	if o.Scale.Max <= o.Scale.Min {
		f.Add("observation.scale.max", "%g is not above the lowest rating, %g", o.Scale.Max, o.Scale.Min)
	}
	for i, mean := range o.Scale.Mean {
		if o.Scale.Min < o.Scale.Max && !(mean >= o.Scale.Min && mean <= o.Scale.Max) {
			f.Add(fmt.Sprintf("observation.scale.mean[%d]", i), "%g is not on the scale, which goes from %g to %g (observation.scale.min and max)", mean, o.Scale.Min, o.Scale.Max)
		}
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
	if o.Raters != nil {
		o.Raters.check(f, t)
	}
}

// eachRating calls do with the ratings of a class in the order of their columns,
// counted from 1.
func (o Observation) eachRating(domains []string, do func(name string, r Rating)) {
	for _, domain := range domains {
		for d := range o.days() {
			day := "" // a single one has no name
			if o.days() > 1 {
				day = fmt.Sprintf("_d%d", d+1)
			}
			for s := range o.Segments {
				for c := range o.Coders {
					do(fmt.Sprintf("%s%s_s%d_c%d", domain, day, s+1, c+1), Rating{Domain: domain, Day: d + 1, Segment: s + 1, Coder: c + 1})
				}
			}
		}
	}
}

// observed holds the ratings and scores of every class under every arm.
type observed struct {
	o      Observation
	factor [][]float64   // Cholesky factor of ErrorCorrelation
	g, f   []float64     // scratch: segment and coder errors by domain
	z      []float64     // scratch
	errors [][]float64   // scratch: of one class, by domain and (day, segment, coder)
	day    [][]float64   // h times DaySD by domain; then by (class, day); nil without
	raters *raters       // nil where coders are all alike
	rating [][][]float64 // by world; then by (domain, day, segment, coder); then by class
	score  [][][]float64 // by world; domain scores in points; by class
}

func newObserved(t Trial) *observed {
	o := t.Observation
	k := len(t.observed())
	teachers := t.Design.teachers()
	ob := &observed{
		o: o, factor: o.ErrorCorrelation.factor(nil),
		g: make([]float64, k), f: make([]float64, k), z: make([]float64, k), errors: columnsOf(k, o.ratings()),
	}
	if k > 0 && anyNonzero(o.DaySD) {
		ob.day = columnsOf(k, teachers*o.days())
	}
	if k > 0 && o.Raters != nil {
		ob.raters = newRaters(t)
	}
	for range t.Design.worlds() {
		ob.rating = append(ob.rating, columnsOf(k*o.ratings(), teachers))
		ob.score = append(ob.score, columnsOf(k, teachers))
	}
	return ob
}

// correlated fills dst with sd times draws of the errors of one source.
func (ob *observed) correlated(dst, sd []float64, r *Source) {
	r.Normals(ob.z)
	for k, row := range ob.factor {
		v := 0.0
		for i, l := range row {
			v += l * ob.z[i]
		}
		dst[k] = sd[k] * v
	}
}

// observe rates every class in every world with the same errors, by the same
// raters. Each kind of error that came later than ratings themselves has its own
// stream.
func (g *Generator) observe(st Stream) {
	ob := g.observed
	if ob.o.IsZero() {
		return
	}
	if ob.day != nil {
		ob.drawDays(g.purpose(st, DayPurpose))
	}
	if ob.raters != nil {
		ob.raters.draw(ob, g.population, g.treatment, g.purpose(st, RaterPurpose))
	}
	ob.rate(g.quality, g.purpose(st, ObservationPurpose))
}

// drawDays draws what a day does to a class.
func (ob *observed) drawDays(r *Source) {
	for at := range ob.day[0] {
		ob.correlated(ob.g, ob.o.DaySD, r)
		for k, x := range ob.g {
			ob.day[k][at] = x
		}
	}
}

// rate draws the ratings, given days and raters.
func (ob *observed) rate(tq *trueQuality, r *Source) {
	o := &ob.o
	days := o.days()
	quality := tq.reached
	for j := range tq.context[0] {
		i := 0
		for d := range days {
			for range o.Segments {
				ob.correlated(ob.g, o.SegmentSD, r)
				for c := range o.Coders {
					ob.correlated(ob.f, o.CoderSD, r)
					for k := range ob.f {
						e := tq.context[k][j] + ob.g[k] + ob.f[k]
						if ob.day != nil {
							e += ob.day[k][j*days+d]
						}
						if ob.raters != nil {
							e += ob.raters.brings[k][(j*days+d)*o.Coders+c]
						}
						ob.errors[k][i] = e
					}
					i++
				}
			}
		}
		for k, errors := range ob.errors {
			for arm := range quality {
				q, sum := quality[arm][k][j], 0.0
				ratings := ob.rating[arm][k*len(errors):][:len(errors)]
				for i, e := range errors {
					x := o.Scale.rate(k, q+e)
					ratings[i][j] = x
					sum += x
				}
				ob.score[arm][k][j] = sum / float64(len(errors))
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
	if x <= s.Min { // min and max would ask for NaN and the sign of zero, too
		return s.Min
	}
	if x >= s.Max {
		return s.Max
	}
	return x
}
