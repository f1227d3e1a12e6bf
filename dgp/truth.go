package dgp

// A Truth is what only the simulator knows about a data set: the potential
// outcomes of every unit under every arm, from the same draws. An estimator
// never sees it. It is valid until the generator's next Draw.
type Truth struct {
	g     *Generator
	scale []scale // by column: how it was standardised

	deviations []float64
}

func newTruth(g *Generator) Truth {
	return Truth{
		g:          g,
		scale:      make([]scale, len(g.shape.Columns)),
		deviations: make([]float64, (len(g.trial.Design.Arms)-1)*g.deviationsOfArm()+1+g.delivery.deviations()),
	}
}

// HasPotential reports whether Truth knows the potential outcomes of a column:
// the scores of classroom quality, the tests, their totals, who is lost, and what
// was delivered.
func (g *Generator) HasPotential(column int) bool {
	if g.delivery != nil && column >= g.deliveryColumn && column < g.scoreColumn {
		return g.delivery.columns[column-g.deliveryColumn].potential
	}
	return column >= g.scoreColumn && column < g.ratingColumn || column >= g.testColumn && column < len(g.shape.Columns)
}

// Potential fills dst with the column's value for every unit of the data had
// all units been assigned the arm, in the units of the data's own column,
// and returns its filled front. For the arm that a unit was in, the value is
// the data's, to the last bit, unless units interfere: where treatment spills
// over, or children change classes, the value depends on the arms of others, and
// the data show none of the two worlds. Units whose value is missing in the data have
// one here. dst needs room for the units of the column's
// level. It panics where Generator.HasPotential is false.
func (t *Truth) Potential(dst []float64, column, arm int) []float64 {
	g := t.g
	if !g.HasPotential(column) {
		panic("dgp: no potential outcomes of column " + g.shape.Columns[column].Name)
	}
	dst = dst[:g.data.N[g.shape.Columns[column].Level]]
	if g.delivery != nil && column >= g.deliveryColumn && column < g.scoreColumn {
		c := g.delivery.columns[column-g.deliveryColumn]
		c.fill(dst, g.drawn(c.Level), arm)
		return dst
	}
	if g.retention != nil && column >= g.observedColumn {
		if column == g.respondedColumn {
			copy(dst, g.retention.responded[arm])
		} else {
			copy(dst, g.retention.observed[arm])
		}
		return dst
	}
	first, parts := g.scoreColumn, len(g.trial.observed())
	value := g.observed.score[arm]
	from := g.teachers
	if column >= g.testColumn {
		first, parts = g.testColumn, len(g.trial.Achievement.Tests)
		value = g.tested.score[arm]
		from = nil // the tests are stored for valid children only
	}
	shown := func(k int) steps {
		if column < g.testColumn {
			return nil
		}
		return g.tested.show[k]
	}
	s := t.scale[column]
	if k := column - first; k < parts {
		show := shown(k)
		for u := range dst {
			dst[u] = s.apply(show.apply(value[k][unit(from, u)]))
		}
		return dst
	}
	// A total is the mean of its parts: scores in points, tests standardised.
	clear(dst)
	for k := range parts {
		part, of := scale{inverse: 1}, float64(parts)
		if column >= g.testColumn {
			part, of = t.scale[first+k], g.parts[k]
		}
		if of == 0 {
			continue
		}
		show := shown(k)
		for u := range dst {
			dst[u] += part.apply(show.apply(value[k][unit(from, u)])) / of
		}
	}
	for u := range dst {
		dst[u] = s.apply(dst[u])
	}
	return dst
}

// unit returns the place of unit u in an array that covers all units drawn,
// or u itself when the array covers only those kept.
func unit(from []int, u int) int {
	if from == nil {
		return u
	}
	return from[u]
}

// Deviations returns sample means, over the units of the data, of how much
// each unit's effect differs from the average: for every treated arm, of true
// quality by domain and of the class part of achievement, both were it received
// whole, and where effects vary by covariates, schools or blocks, of that; of the
// strength that a child brings; and of what is delivered (see delivery.deviate).
// Their expectation is exactly 0, which makes them
// control variates for population effects. The slice is overwritten by the
// next Draw.
func (t *Truth) Deviations() []float64 { return t.deviations }

// deviationsOfArm is the number of deviations of a treated arm.
func (g *Generator) deviationsOfArm() int {
	n := len(g.trial.Quality.Domains) + 1
	if g.tested.varies {
		n++
	}
	return n
}

// deviate fills deviations.
func (t *Truth) deviate() {
	g := t.g
	clear(t.deviations)
	domains := len(g.trial.Quality.Domains)
	teachers := g.teachers[:g.data.Teachers()]
	if len(teachers) == 0 {
		return
	}
	for arm := 1; arm < len(g.trial.Design.Arms); arm++ {
		d := t.deviations[(arm-1)*g.deviationsOfArm():][:g.deviationsOfArm()]
		if g.tested.varies {
			for _, part := range g.tested.arms[arm].sum {
				if v := g.tested.arms[part].varied; v != nil {
					d[domains+1] += v.mean
				}
			}
		}
		for _, j := range teachers {
			for k := range domains {
				d[k] += g.quality.under[arm][k][j] - g.quality.under[0][k][j] - g.tested.arms[arm].total[k]
			}
		}
		for k := range domains {
			d[k] /= float64(len(teachers))
		}
		// The class part is weighted as the children are. Given class sizes its
		// expectation is 0 too, because sizes do not depend on true quality.
		for j, teacher := range teachers {
			n := float64(g.data.ChildStart[j+1] - g.data.ChildStart[j])
			d[domains] += n * (g.tested.class[arm][teacher] - g.tested.class[0][teacher])
		}
		if n := g.data.Children(); n > 0 {
			d[domains] /= float64(n)
		}
	}
	at := (len(g.trial.Design.Arms) - 1) * g.deviationsOfArm()
	t.deviations[at] = g.tested.strength
	if g.delivery != nil {
		g.delivery.deviate(t.deviations[at+1:])
	}
}
