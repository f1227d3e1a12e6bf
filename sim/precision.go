package sim

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"coachsim/estimators"
)

// A Precision ends the simulation of a design before its last replicate, as soon as
// a measure is known precisely enough. Several must all be reached.
type Precision struct {
	Measure string  `yaml:"measure" required:"true" doc:"what is to be known: power, bias or coverage"`
	MCSE    float64 `yaml:"mcse" gt:"0" required:"true" doc:"the Monte Carlo standard error that is precise enough"`
	Of      string  `yaml:"of,omitempty" doc:"name of an estimator; by default all that estimate a known effect"`
}

func (p Precision) String() string {
	of := ""
	if p.Of != "" {
		of = p.Of + ":"
	}
	return of + p.Measure + "=" + shortest(p.MCSE)
}

// precisionMeasures are what a Precision can be of.
var precisionMeasures = []string{"power", "bias", "coverage"}

// PrecisionReplicates is how often it is asked whether a design is known precisely:
// after so many replicates, twice as many, and so on. It is asked of the first
// replicates in their order, whichever are finished first, so that the answer
// does not depend on workers; and every size of a chunk divides it.
const PrecisionReplicates = 5 * ChunkReplicates

// precisionFaults checks what a study asks for.
func (s Study) precisionFaults(rows []estimators.Row) (faults []Fault) {
	for i, p := range s.Precision {
		if !slices.Contains(precisionMeasures, p.Measure) {
			faults = append(faults, Fault{fmt.Sprintf("precision[%d].measure", i), -1, fmt.Sprintf("%q is none; there are %s", p.Measure, strings.Join(precisionMeasures, ", "))})
		}
		if p.Of != "" && !slices.ContainsFunc(rows, func(r estimators.Row) bool { return r.Estimator == p.Of }) {
			faults = append(faults, Fault{fmt.Sprintf("precision[%d].of", i), -1, fmt.Sprintf("the study has no estimator %q", p.Of)})
		}
	}
	return faults
}

// A referee ends cells that are known precisely enough. The zero value of a study
// that does not ask for it ends none.
type referee struct {
	asked  []Precision
	alpha  float64
	limits *limits
	chunk  int // replicates

	adjusted map[Test]bool // tests with p-values that a family adjusts

	mu    sync.Mutex
	cells []refereed
	end   []int // chunks by cell: all, or fewer once it is known
}

// A refereed cell is known up to its first chunk that is not finished.
type refereed struct {
	next    int              // that chunk
	waiting map[int][]Record // finished chunks after it
	tallies map[Test]*tally  // of the rows that are asked about
}

func newReferee(s Study, cells, chunks int) *referee {
	e := &referee{asked: s.Precision, alpha: s.Alpha, chunk: s.ChunkSize(), end: make([]int, cells)}
	for i := range e.end {
		e.end[i] = chunks
	}
	if len(e.asked) > 0 {
		e.limits = newLimits(s.Alpha)
		e.adjusted = s.adjustedTests()
		e.cells = make([]refereed, cells)
	}
	return e
}

// adjustedTests are those whose p-values a family adjusts.
func (s Study) adjustedTests() map[Test]bool {
	all := map[Test]bool{}
	for _, f := range s.Families {
		if f.adjustment() == NoAdjustment {
			continue
		}
		for _, test := range f.tests() {
			all[test] = true
		}
	}
	return all
}

// within reports whether a chunk belongs to the run, as far as is known.
func (e *referee) within(t task) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return t.chunk < e.end[t.cell]
}

// see takes note of a finished chunk, and returns how many chunks of its cell are
// not needed any more. A chunk may be seen only once.
func (e *referee) see(t task, records []Record) (spared int) {
	if len(e.asked) == 0 {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &e.cells[t.cell]
	if t.chunk >= e.end[t.cell] || t.chunk < c.next {
		return 0
	}
	if c.waiting == nil {
		c.waiting, c.tallies = map[int][]Record{}, map[Test]*tally{}
	}
	c.waiting[t.chunk] = slices.DeleteFunc(slices.Clone(records), func(r Record) bool {
		return !slices.ContainsFunc(e.asked, func(p Precision) bool { return p.concerns(&r) })
	})
	for {
		its, ok := c.waiting[c.next]
		if !ok {
			return 0
		}
		delete(c.waiting, c.next)
		c.next++
		for i := range its {
			r := &its[i]
			row := Test{r.Estimator, r.Outcome, r.Term}
			if c.tallies[row] == nil {
				c.tallies[row] = newTally()
			}
			c.tallies[row].add(r, e.alpha, e.limits)
		}
		if c.next*e.chunk%PrecisionReplicates == 0 && e.precise(c) {
			spared = e.end[t.cell] - c.next
			e.end[t.cell] = c.next
			c.waiting, c.tallies = nil, nil
			return spared
		}
	}
}

// concerns reports whether a row of the log is one that the precision is asked of.
func (p Precision) concerns(r *Record) bool {
	return r.Estimand != "" && (p.Of == "" || p.Of == r.Estimator)
}

// precise reports whether a cell reaches all that is asked. Of nothing it does not.
func (e *referee) precise(c *refereed) bool {
	for _, p := range e.asked {
		any := false
		for row, t := range c.tallies {
			if p.Of != "" && p.Of != row.Estimator {
				continue
			}
			mcse, measured := t.mcseOf(p.Measure, e.adjusted[row])
			if !measured {
				continue
			}
			any = true
			if !(mcse <= p.MCSE) {
				return false
			}
		}
		if !any {
			return false
		}
	}
	return true
}

// mcseOf returns the Monte Carlo standard error that decides whether a measure is
// known, and whether the row has that measure. A share of 0 or 1 would seem to
// be known at once: it is taken with two more of either kind (Agresti and Coull,
// "Approximate is better than 'exact'", The American Statistician 52, 1998). The
// power of an adjusted test is somewhere up to that without adjustment, which is all that
// is counted here, and its error the largest that there may be.
func (t *tally) mcseOf(measure string, adjusted bool) (mcse float64, measured bool) {
	proportion := func(count, n int) float64 {
		p := (float64(count) + 2) / (float64(n) + 4)
		return math.Sqrt(p * (1 - p) / float64(n))
	}
	n := 0
	for _, fits := range t.status {
		n += fits
	}
	switch measure {
	case "power":
		rejections := t.rejections
		if adjusted {
			rejections = min(rejections, n/2)
		}
		return proportion(rejections, n), t.pValue.n > 0
	case "coverage":
		return proportion(t.covering, t.intervals), t.intervals > 0
	default:
		_, mcse = t.bias()
		return mcse, t.err.n > 0
	}
}

// cut removes finished chunks that a cell that ended does not have: workers were
// ahead of the referee.
func (r *runner) cut() error {
	for i, done := range r.done {
		t := r.task(i)
		if !done || r.referee.within(t) {
			continue
		}
		if err := os.Remove(r.path(t)); err != nil {
			return err
		}
		r.done[i] = false
	}
	return nil
}

// planPrecision reads the precision off a plan's text.
func planPrecision(text []byte) []Precision {
	list := planKeys(text)
	var all []Precision
	for i := 0; ; i++ {
		at := "precision[" + strconv.Itoa(i) + "]."
		measure, ok := list.values[at+"measure"]
		mcse, err := strconv.ParseFloat(list.values[at+"mcse"], 64)
		if !ok || err != nil {
			return all
		}
		all = append(all, Precision{Measure: measure, MCSE: mcse, Of: list.values[at+"of"]})
	}
}

// keeps reports whether a run with precision now keeps every replicate of one with
// precision old: it must not end any cell earlier.
func keeps(old, now []Precision) bool {
	if len(now) == 0 {
		return true
	}
	for _, o := range old {
		if !slices.ContainsFunc(now, func(n Precision) bool { return n.Measure == o.Measure && n.Of == o.Of && n.MCSE <= o.MCSE }) {
			return false
		}
	}
	return len(old) > 0
}

// ParsePrecision reads what --mcse says: 0.005, power=0.005 or itt:power=0.005.
func ParsePrecision(text string) (Precision, error) {
	p := Precision{Measure: "power"}
	name, value, named := strings.Cut(text, "=")
	if !named {
		name, value = "power", text
	}
	if of, measure, ok := strings.Cut(name, ":"); ok {
		p.Of, name = strings.TrimSpace(of), measure
	}
	p.Measure = strings.TrimSpace(name)
	if p.Measure == "cover" {
		p.Measure = "coverage"
	}
	if !slices.Contains(precisionMeasures, p.Measure) {
		return p, fmt.Errorf("%q is no measure whose precision can be asked for; there are %s", p.Measure, strings.Join(precisionMeasures, ", "))
	}
	var err error
	if p.MCSE, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil || !(p.MCSE > 0) || math.IsInf(p.MCSE, 1) {
		return p, fmt.Errorf("write a Monte Carlo standard error above 0, such as 0.005 or itt:power=0.005")
	}
	return p, nil
}
