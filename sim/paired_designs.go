package sim

import (
	"errors"
	"fmt"
	"iter"
	"slices"
)

// A DesignPairing says which designs of a sweep to compare, for which estimators.
type DesignPairing struct {
	// Estimators are those whose designs are compared; none means all.
	Estimators []string
	// Reference holds factors: a design is compared with the one in which they have
	// these values and all others are the same. None means with the first design.
	Reference []Factor
}

// CompareDesigns lays the designs of a sweep side by side, for each estimate, all
// against one reference, or each against the design that differs from it by the
// reference's factors. It reads the log twice; memory grows with the replicates of
// the designs that others are compared with. Where the designs share their random
// draws (Common streams), replicates of one number are alike, and Monte Carlo
// standard errors of differences are small; they are right for independent streams
// too.
func CompareDesigns(chunks iter.Seq2[[]Record, error], pairing DesignPairing, alpha float64, factors [][]Factor) (Differences, error) {
	result := Differences{Alpha: alpha, Designs: true}
	if !(alpha > 0 && alpha < 1) {
		return result, fmt.Errorf("comparing designs: alpha is %v, not between 0 and 1", alpha)
	}
	against, err := pairing.references(factors)
	if err != nil {
		return result, err
	}
	held := map[int]map[rowName][]heldFit{} // by reference cell and estimate, then replicate
	for _, cell := range against {
		held[cell] = map[rowName][]heldFit{}
	}
	wanted := func(r *Record) bool {
		return len(pairing.Estimators) == 0 || slices.Contains(pairing.Estimators, r.Estimator)
	}
	err = eachRecord(chunks, func(r *Record) error {
		rows := held[r.Cell]
		if rows == nil || !wanted(r) {
			return nil
		}
		name := rowNameOf(r)
		for len(rows[name]) <= r.Replicate {
			rows[name] = append(rows[name], heldFit{})
		}
		at := &rows[name][r.Replicate]
		if at.here {
			return errors.New("it is there twice")
		}
		*at = heldFit{fittedOf(r), true}
		return nil
	})
	if err != nil {
		return result, err
	}

	var order []rowName
	pairs := map[rowName]map[int]*pairTally{} // by estimate, then cell
	err = eachRecord(chunks, func(r *Record) error {
		if _, err := factorsOf(factors, r.Cell); err != nil {
			return err
		}
		if !wanted(r) || against[r.Cell] == r.Cell {
			return nil
		}
		name := rowNameOf(r)
		reference := held[against[r.Cell]][name]
		if r.Replicate >= len(reference) || !reference[r.Replicate].here {
			return nil
		}
		if pairs[name] == nil {
			pairs[name] = map[int]*pairTally{}
			order = append(order, name)
		}
		if pairs[name][r.Cell] == nil {
			pairs[name][r.Cell] = &pairTally{}
		}
		pairs[name][r.Cell].add(reference[r.Replicate].fitted, fittedOf(r), alpha)
		return nil
	})
	if err != nil {
		return result, err
	}
	for _, name := range order {
		for cell := range factors {
			if pairs[name][cell] == nil {
				continue
			}
			d := pairs[name][cell].difference()
			d.Cell, d.Factors, d.ReferenceFactors = cell, factors[cell], factors[against[cell]]
			d.Outcome, d.Term, d.Estimand = name.outcome, name.term, name.estimand
			d.Estimator, d.Reference = name.estimator, name.estimator
			result.Rows = append(result.Rows, d)
		}
	}
	return result, nil
}

// references returns the cell that each is compared with.
func (p DesignPairing) references(factors [][]Factor) ([]int, error) {
	against := make([]int, len(factors))
	for cell, own := range factors {
		if len(p.Reference) == 0 {
			continue
		}
		want := slices.Clone(own)
		for _, fixed := range p.Reference {
			i := slices.IndexFunc(want, func(f Factor) bool { return f.Key == fixed.Key })
			if i < 0 {
				return nil, fmt.Errorf("%s is no key of the sweep", fixed.Key)
			}
			want[i].Value = fixed.Value
		}
		against[cell] = slices.IndexFunc(factors, func(other []Factor) bool { return slices.Equal(other, want) })
		if against[cell] < 0 {
			return nil, fmt.Errorf("the sweep has no design with%s", inDesign(want)[1:])
		}
	}
	return against, nil
}

// A rowName tells the estimates of one replicate apart.
type rowName struct{ estimator, outcome, term, estimand string }

func rowNameOf(r *Record) rowName { return rowName{r.Estimator, r.Outcome, r.Term, r.Estimand} }

// A heldFit is an estimate of a reference, where there is one.
type heldFit struct {
	fitted
	here bool
}
