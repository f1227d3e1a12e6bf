package sim

import (
	"slices"

	"coachsim/dgp"
)

// A contrast is the pair of arms whose potential outcomes an effect compares:
// without the treatment, and with it.
type contrast [2]int

// Cells are the arms of a trial by the treatments that they give.
//
// The effect of a treatment is that of switching it on while a unit's other
// treatments stay as they were assigned, so that in a factorial trial it is
// averaged over the arms of the other factors, as the coefficients of a
// regression on the treatments are. Where a unit's other treatment does not
// combine with it, the effect is that of the arm against control.
type cells struct {
	shape   dgp.Shape
	columns []int     // of plain arms
	level   dgp.Level // at which they vary
	code    []int     // by arm: bit k is on where it gives treatment k
	arms    []int     // by code: the arm, or -1
}

func newCells(shape dgp.Shape) *cells {
	c := &cells{shape: shape}
	for i, column := range shape.Columns {
		if column.Arm {
			c.columns = append(c.columns, i)
			c.level = column.Level
		}
	}
	c.arms = slices.Repeat([]int{-1}, 1<<len(c.columns))
	for a := range shape.Arms {
		code := 0
		for k, column := range c.columns {
			if shape.TurnsOn(a, column) {
				code |= 1 << k
			}
		}
		c.code = append(c.code, code)
		c.arms[code] = a
	}
	return c
}

// factorial reports whether an arm combines treatments.
func (c *cells) factorial() bool { return len(c.shape.Arms) > len(c.columns)+1 }

// contrasts returns the contrast of a treatment for a unit in each arm.
func (c *cells) contrasts(treatment string) []contrast {
	bit := 1 << slices.Index(c.columns, c.shape.Index(treatment))
	all := make([]contrast, len(c.shape.Arms))
	for a, code := range c.code {
		without, with := c.arms[code&^bit], c.arms[code|bit]
		if without < 0 || with < 0 {
			without, with = 0, c.arms[bit]
		}
		all[a] = contrast{without, with}
	}
	return all
}

// arm returns the arm that a row is in.
func (c *cells) arm(d *dgp.Data, rows dgp.Level, row int) int {
	unit := d.Ancestor(rows, row, c.level)
	code := 0
	for k, column := range c.columns {
		if d.Columns[column][unit] != 0 {
			code |= 1 << k
		}
	}
	return c.arms[code]
}
