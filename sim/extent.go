package sim

import (
	"fmt"
	"iter"
)

// An Extent is how much of a run its log holds, in simulated trials.
type Extent struct {
	Designs     int // of the study
	Least, Most int // trials of one design
	Trials      int // of all designs
	Asked       int // of all designs when the run is done; Trials where that is unknown
}

// Asked returns how many trials the log of a run has when it is done, by design. Of a
// design that the study's precision ends early it is what that took.
func (s Study) Asked(chunks iter.Seq2[[]Record, error]) ([]int, error) {
	size := s.ChunkSize()
	e := newReferee(s, len(s.designs()), (s.Replicates+size-1)/size)
	if len(s.Precision) > 0 {
		for records, err := range chunks {
			if err != nil {
				return nil, err
			}
			if len(records) > 0 {
				e.see(task{records[0].Cell, records[0].Replicate / size}, records)
			}
		}
	}
	asked := make([]int, len(e.end))
	for i, end := range e.end {
		asked[i] = min(end*size, s.Replicates)
	}
	return asked, nil
}

// Extent counts the trials of a summary.
func (s Summary) Extent() Extent {
	done := make(map[int]int)
	for i := range s.Rows {
		done[s.Rows[i].Cell] = max(done[s.Rows[i].Cell], s.Rows[i].N)
	}
	e := Extent{Designs: max(len(done), len(s.Asked))}
	first := true
	count := func(n int) {
		if first {
			e.Least, first = n, false
		}
		e.Least, e.Most = min(e.Least, n), max(e.Most, n)
		e.Trials += n
	}
	for _, n := range done {
		count(n)
	}
	if len(done) < e.Designs {
		count(0)
	}
	e.Asked = e.Trials
	if s.Asked != nil {
		e.Asked = 0
		for _, n := range s.Asked {
			e.Asked += n
		}
	}
	return e
}

// Unfinished says so of a run that was stopped, "unfinished: 1,600 of 20,000"; "" of one
// that is done.
func (e Extent) Unfinished() string {
	if e.Trials >= e.Asked {
		return ""
	}
	return "unfinished: " + grouped(e.Trials) + " of " + grouped(e.Asked)
}

// String says how much was simulated: "6 designs, 1,000 simulated trials of each".
func (e Extent) String() string {
	text := e.each() + " simulated trials"
	if e.Most == 1 && e.Least == 1 {
		text = "1 simulated trial"
	}
	if e.Designs > 1 {
		text = grouped(e.Designs) + " designs, " + text + " of each"
	}
	return text + e.inParentheses()
}

// each is how many trials the designs have.
func (e Extent) each() string {
	if e.Least == e.Most {
		return grouped(e.Most)
	}
	return grouped(e.Least) + " to " + grouped(e.Most)
}

// Counted says the same in a row of a table that is headed so: "1,000 of each of 6
// designs, 6,000 in all".
func (e Extent) Counted() string {
	text := e.each()
	if e.Designs > 1 {
		text = fmt.Sprintf("%s of each of %s designs, %s in all", text, grouped(e.Designs), grouped(e.Trials))
	}
	return text + e.inParentheses()
}

func (e Extent) inParentheses() string {
	if text := e.Unfinished(); text != "" {
		return " (" + text + ")"
	}
	return ""
}
