package estimators

import (
	"errors"

	"coachsim/dgp"
)

// Named is a method with the name a study gives it.
type Named struct {
	Name   string
	Method Method
}

// A Panel fits every method of a study to the same data, so that differences
// between estimators are paired. One goroutine uses one Panel.
type Panel struct {
	setup     *Setup
	fitters   []Fitter
	rows      []Row
	estimates []Estimate
}

// A BindError is what is wrong with one method of a panel.
type BindError struct {
	Method int // its place in the list given to Bind
	Err    error
}

func (e *BindError) Error() string { return e.Err.Error() }

// Unwrap returns the fault itself.
func (e *BindError) Unwrap() error { return e.Err }

// Bind binds methods to the columns of a shape. lists holds the terms that
// $name stands for in formulas. The error joins one BindError for every method
// that cannot be bound.
func Bind(methods []Named, shape dgp.Shape, lists map[string]string) (*Panel, error) {
	p := &Panel{setup: newSetup(shape, lists)}
	var faults []error
	for i, m := range methods {
		f, err := m.Method.Bind(m.Name, p.setup)
		if err != nil {
			faults = append(faults, &BindError{Method: i, Err: err})
			continue
		}
		p.fitters = append(p.fitters, f)
		p.rows = append(p.rows, f.Rows()...)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	p.setup.finish()
	p.estimates = make([]Estimate, len(p.rows))
	return p, nil
}

// Rows says what the estimates of Fit are about, in order.
func (p *Panel) Rows() []Row { return p.rows }

// SetAlpha sets the level of the intervals that estimators find in a way of
// their own; it is 0.05 at first.
func (p *Panel) SetAlpha(alpha float64) { p.setup.alpha = alpha }

// Use sets the stream that estimators which draw, such as a bootstrap, draw
// from in the next Fit.
func (p *Panel) Use(st dgp.Stream) { p.setup.stream = st }

// Fit fits every method. The estimates are overwritten by the next Fit.
func (p *Panel) Fit(d *dgp.Data) []Estimate {
	p.setup.load(d)
	at := 0
	for _, f := range p.fitters {
		n := len(f.Rows())
		f.Fit(p.setup, p.estimates[at:at+n])
		at += n
	}
	return p.estimates
}
