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

// observed holds the errors of the ratings of every class, and its ratings and scores in one
// world: that which the data show, or that which is asked for.
type observed struct {
	o      Observation
	factor [][]float64 // Cholesky factor of ErrorCorrelation
	g, z   []float64   // scratch: errors of one source by domain, and normals
	drawn  errorDraws  // scratch: of segments and coders
	day    [][]float64 // h times DaySD by domain; then by (class, day); nil without
	raters *raters     // nil where coders are all alike
	errors [][]float64 // of ratings, with context; by (domain, day, segment, coder); then by class
	world  []int       // that each class is observed in
	rating [][]float64 // in that world; as errors
	score  [][]float64 // in that world; by domain, in points; by class

	quality, asked, unasked []float64 // scratch: by class
}

// An errorDraws holds the errors of segments and coders of some classes at once: of as many
// as make loops over them long.
type errorDraws struct {
	kinds   int         // of errors of a class: of a segment, of each of its coders, and so on
	normals []float64   // by class, kind and domain
	from    []int       // where those of an error start; by kind and class
	last    []int       // the same for the classes that are left at the end
	normal  [][]float64 // by domain; by kind and class
	errors  []float64   // in one domain; by kind and class
}

// errorClasses is how many classes have their errors drawn at once, at most: the errors of
// these, of some segments and coders, stay in the processor's nearest memory.
const errorClasses = 50

func newErrorDraws(o Observation, domains, classes int) errorDraws {
	d := errorDraws{kinds: o.days() * o.Segments * (1 + o.Coders)}
	n := errorClasses * d.kinds
	d.normals, d.normal, d.errors = make([]float64, n*domains), columnsOf(domains, n), make([]float64, n)
	places := func(classes int) (from []int) {
		for kind := range d.kinds {
			for j := range classes {
				from = append(from, (j*d.kinds+kind)*domains)
			}
		}
		return from
	}
	d.from, d.last = places(errorClasses), places(classes%errorClasses)
	return d
}

func newObserved(t Trial) *observed {
	o := t.Observation
	k := len(t.observed())
	teachers := t.Design.teachers()
	ob := &observed{
		o: o, factor: o.ErrorCorrelation.factor(nil),
		g: make([]float64, k), z: make([]float64, k), drawn: newErrorDraws(o, k, teachers),
		errors: columnsOf(k*o.ratings(), teachers), world: make([]int, teachers), rating: columnsOf(k*o.ratings(), teachers),
		score: columnsOf(k, teachers), quality: make([]float64, teachers), asked: make([]float64, teachers), unasked: make([]float64, teachers),
	}
	if k > 0 && anyNonzero(o.DaySD) {
		ob.day = columnsOf(k, teachers*o.days())
	}
	if k > 0 && o.Raters != nil {
		ob.raters = newRaters(t)
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

// observe rates every class in its own world, with the errors and by the raters that it has
// in all of them. Each kind of error that came later than ratings themselves has its own
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
	ob.drawErrors(g.quality, g.purpose(st, ObservationPurpose))
	for j, arm := range g.treatment.class {
		ob.world[j] = g.worldOf(arm)
	}
	ob.rate(g.quality)
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

// drawErrors draws the errors of ratings, given days and raters.
func (ob *observed) drawErrors(tq *trueQuality, r *Source) {
	in, domains := &ob.drawn, len(ob.factor)
	for first := 0; first < len(ob.world); first += errorClasses {
		next := min(first+errorClasses, len(ob.world))
		from := in.from
		if next-first < errorClasses {
			from = in.last
		}
		n := len(from)
		r.Normals(in.normals[:n*domains])
		transpose(in.normal, in.normals, from)
		for k, row := range ob.factor {
			combine(in.errors[:n], row, in.normal)
			ob.addErrors(k, first, next, tq.context[k])
		}
	}
}

// addErrors adds up the errors of the ratings in domain k of classes first to next, next
// excluded, and the context.
func (ob *observed) addErrors(k, first, next int, context []float64) {
	o, days, classes := &ob.o, ob.o.days(), next-first
	segmentSD, coderSD := o.SegmentSD[k], o.CoderSD[k]
	context = context[first:next]
	drawn, to := ob.drawn.errors, ob.errors[k*o.ratings():]
	of := func() (errors []float64) { errors, drawn = drawn[:classes], drawn[classes:]; return errors }
	for d := range days {
		for range o.Segments {
			segment := of()
			for c := range o.Coders {
				coder, errors := of(), to[0][first:next]
				to = to[1:]
				for j := range errors {
					errors[j] = context[j] + segmentSD*segment[j] + coderSD*coder[j]
				}
				if ob.day != nil {
					for j := range errors {
						errors[j] += ob.day[k][(first+j)*days+d]
					}
				}
				if ob.raters != nil {
					for j := range errors {
						errors[j] += ob.raters.brings[k][((first+j)*days+d)*o.Coders+c]
					}
				}
			}
		}
	}
}

// rate makes ratings of quality and errors, and scores of ratings, in the world that each
// class is in.
func (ob *observed) rate(tq *trueQuality) {
	n := ob.o.ratings()
	for k, score := range ob.score {
		for j, world := range ob.world {
			ob.quality[j] = tq.reached[world][k][j]
		}
		ob.rateDomain(score, k, ob.quality, ob.rating[k*n:])
	}
}

// under returns the scores of all classes in domain k in one world, until the next call.
func (ob *observed) under(world, k int, tq *trueQuality) []float64 {
	ob.rateDomain(ob.asked, k, tq.reached[world][k], nil)
	return ob.asked
}

// rateDomain sets the scores of all classes in domain k, given quality, and their ratings
// unless these are nil.
func (ob *observed) rateDomain(score []float64, k int, quality []float64, ratings [][]float64) {
	n := ob.o.ratings()
	clear(score)
	for i, errors := range ob.errors[k*n : (k+1)*n] {
		dst := ob.unasked
		if ratings != nil {
			dst = ratings[i]
		}
		ob.rateClasses(k, quality, errors, score, dst)
	}
	for j := range score {
		score[j] /= float64(n)
	}
}

// rateClasses rates every class once in domain k, given its quality and the error, and
// adds the ratings to sum.
func (ob *observed) rateClasses(k int, quality, errors, sum, ratings []float64) {
	s := &ob.o.Scale
	mean, points, lowest, highest := s.Mean[k], s.Points[k], s.Min, s.Max
	errors, sum, ratings = errors[:len(quality)], sum[:len(quality)], ratings[:len(quality)]
	for j, q := range quality {
		x := mean + points*(q+errors[j])
		if s.Integer {
			x = math.Floor(x + 0.5)
		}
		// Jumps that go either way at random would be slow: these are choices of numbers.
		// min and max would ask for NaN and the sign of zero, too.
		rating := math.Float64bits(x)
		if x <= lowest {
			rating = math.Float64bits(lowest)
		}
		if x >= highest {
			rating = math.Float64bits(highest)
		}
		ratings[j] = math.Float64frombits(rating)
		sum[j] += ratings[j]
	}
}
