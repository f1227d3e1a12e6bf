package estimators

import "gonum.org/v1/gonum/floats"

// keepCentred has centre keep its columns.
func (c *core) keepCentred(groups int) {
	if c.centred != nil {
		return
	}
	c.centred = columns(c.width, groups)
	for u, t := range c.terms {
		if t.basis > 0 && c.mostEffects == 0 {
			c.centred[u] = nil
		}
	}
}

// centre fills centred: what a row's term u = z m, less its mean over the rows of the
// same level of the absorbed factor, has that all rows of the group share, which is
// z - ū where m is 1 and -ū elsewhere; and the mean ȳ of an outcome.
func (c *core) centre() {
	for u, x := range c.centred {
		if x == nil {
			continue
		}
		term := u < len(c.terms)
		if term && c.terms[u].basis == 0 {
			copy(x, c.byProduct[c.terms[u].product][:c.groups])
		} else {
			clear(x[:c.groups])
		}
		if c.effects == 0 {
			continue
		}
		for _, run := range c.runs {
			n := c.effectN[run.effect]
			if n == 0 {
				continue
			}
			mean := c.effectS[run.effect*c.width+u] / n
			if term {
				mean = -mean
			}
			floats.AddConst(mean, x[run.lo:run.hi])
		}
	}
}
