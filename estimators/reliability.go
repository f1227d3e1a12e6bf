package estimators

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// Reliability is how well ratings of the same classroom agree, in each domain
// and on average over the domains:
//
//   - between days: the correlation over classrooms of the first and the last
//     day's score, each the mean of its ratings;
//   - between segments: the correlation over classrooms and days of the first and
//     the last segment's score, each the mean of its coders;
//   - between coders: the correlation over classrooms, days and segments of the
//     first two coders' scores of the same segment.
type Reliability struct {
	Between string `yaml:"between" required:"true" doc:"days, segments or coders"`
}

// Bind finds the ratings among the columns.
func (o Reliability) Bind(name string, s *Setup) (Fitter, error) {
	if o.Between != "days" && o.Between != "segments" && o.Between != "coders" {
		return nil, keyError("between", fmt.Errorf("%q is none of days, segments and coders", o.Between))
	}
	f := &reliability{}
	var domains []string
	for _, c := range s.shape.Columns {
		if c.Rating != nil && !slices.Contains(domains, c.Rating.Domain) {
			domains = append(domains, c.Rating.Domain)
		}
	}
	if len(domains) == 0 {
		return nil, keyError("between", fmt.Errorf("the data have no ratings of segments"))
	}
	term := "coders"
	for _, domain := range domains {
		ratings := s.ratings(domain)
		days, segments := len(ratings), len(ratings[0])
		var pairs [][2][]int
		switch o.Between {
		case "days":
			if days < 2 {
				return nil, keyError("between", fmt.Errorf("reliability between days needs two days; %s has %d", domain, days))
			}
			pairs = append(pairs, [2][]int{slices.Concat(ratings[0]...), slices.Concat(ratings[days-1]...)})
			term = fmt.Sprintf("days 1 and %d", days)
		case "segments":
			if segments < 2 {
				return nil, keyError("between", fmt.Errorf("reliability between segments needs two segments; %s has %d", domain, segments))
			}
			for _, day := range ratings {
				pairs = append(pairs, [2][]int{day[0], day[segments-1]})
			}
			term = fmt.Sprintf("segments 1 and %d", segments)
		default:
			for _, coders := range slices.Concat(ratings...) {
				if len(coders) < 2 {
					return nil, keyError("between", fmt.Errorf("reliability between coders needs two coders; %s has %d", domain, len(coders)))
				}
				pairs = append(pairs, [2][]int{coders[:1], coders[1:2]})
			}
		}
		f.pairs = append(f.pairs, nil)
		for _, pair := range pairs {
			f.pairs[len(f.pairs)-1] = append(f.pairs[len(f.pairs)-1], ratingPair{s.newListwise(slices.Concat(pair[0], pair[1])), len(pair[0])})
		}
		if n := len(pairs) * s.shape.Max[s.level(ratings[0][0][0])]; n > len(f.x) {
			f.x, f.y = make([]float64, n), make([]float64, n)
		}
		f.rows = append(f.rows, Row{Estimator: name, Outcome: domain, Term: term})
	}
	f.rows = append(f.rows, Row{Estimator: name, Outcome: "mean of domains", Term: term})
	return f, nil
}

// ratings lists the columns of a domain's ratings, by day, segment and coder.
func (s *Setup) ratings(domain string) [][][]int {
	var byDay [][][]int
	for i, c := range s.shape.Columns {
		if c.Rating == nil || c.Rating.Domain != domain {
			continue
		}
		for len(byDay) < c.Rating.Day {
			byDay = append(byDay, nil)
		}
		day := &byDay[c.Rating.Day-1]
		for len(*day) < c.Rating.Segment {
			*day = append(*day, nil)
		}
		(*day)[c.Rating.Segment-1] = append((*day)[c.Rating.Segment-1], i)
	}
	return byDay
}

// A ratingPair is two sets of columns to average and correlate.
type ratingPair struct {
	complete *listwise
	first    int // columns of the first set
}

type reliability struct {
	pairs [][]ratingPair // by domain
	rows  []Row
	x, y  []float64
}

// Rows says what the estimates are about.
func (r *reliability) Rows() []Row { return r.rows }

// Fit computes the correlations and their mean.
func (r *reliability) Fit(s *Setup, out []Estimate) {
	sum, worst := 0.0, OK
	for k, pairs := range r.pairs {
		n := 0
		for _, pair := range pairs {
			pair.complete.load(s)
			average(r.x[n:], pair.complete.values[:pair.first])
			n += average(r.y[n:], pair.complete.values[pair.first:])
		}
		x, ofX := deviate(r.x, r.x[:n])
		y, ofY := deviate(r.y, r.y[:n])
		out[k] = correlate(n, ofX, ofY, crossProduct(x, ofX, y, ofY))
		sum += out[k].Value
		if !out[k].Status.Worked() {
			worst = out[k].Status
		}
	}
	last := len(out) - 1
	if worst != OK {
		out[last] = failed(worst)
		return
	}
	nan := math.NaN()
	out[last] = Estimate{Value: sum / float64(last), SE: nan, DF: nan, P: nan}
}

// average fills the front of dst with the mean of the columns and returns its
// length.
func average(dst []float64, columns [][]float64) int {
	share := 1 / float64(len(columns))
	dst = floats.ScaleTo(dst[:len(columns[0])], share, columns[0])
	for _, x := range columns[1:] {
		floats.AddScaled(dst, share, x)
	}
	return len(dst)
}

var _ Method = Reliability{}
