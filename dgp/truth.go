package dgp

// A Truth is what only the simulator knows about a data set: the potential
// outcomes of every unit under every arm, from the same draws. An estimator
// never sees it. It is valid until the generator's next Draw.
type Truth struct {
	g     *Generator
	scale []scale // by column: how it was standardised

	deviations []float64
	rise       []float64 // scratch: by child
}

func newTruth(g *Generator) Truth {
	return Truth{
		g:          g,
		scale:      make([]scale, len(g.shape.Columns)),
		deviations: make([]float64, (len(g.trial.Design.Arms)-1)*g.deviationsOfArm()+1+g.delivery.deviations()),
		rise:       make([]float64, g.shape.Max[ChildLevel]),
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
	return t.Nested(dst, column, Nested{Arm: arm, Quality: arm})
}

// Nested is Potential with classroom quality as it would be under another arm.
func (t *Truth) Nested(dst []float64, column int, n Nested) []float64 {
	g := t.g
	if !g.HasNested(column, n) {
		panic("dgp: no potential outcomes of column " + g.shape.Columns[column].Name)
	}
	dst = dst[:g.data.N[g.shape.Columns[column].Level]]
	if g.delivery != nil && column >= g.deliveryColumn && column < g.scoreColumn {
		c := g.delivery.columns[column-g.deliveryColumn]
		c.fill(dst, g.drawn(c.Level), n.Arm)
		return dst
	}
	if g.retention != nil && column >= g.observedColumn {
		if column == g.respondedColumn {
			copy(dst, g.retention.responded[n.Arm])
		} else {
			copy(dst, g.retention.observed[n.Arm])
		}
		return dst
	}
	first, parts := g.scoreColumn, len(g.trial.observed())
	var rise []float64
	if column >= g.testColumn {
		first, parts = g.testColumn, len(g.trial.Achievement.Tests)
		if !n.plain() {
			rise = t.rises(n)
		}
	}
	s := t.scale[column]
	if k := column - first; k < parts {
		value := t.outcome(column, n, rise)
		for u := range dst {
			dst[u] = s.apply(value.at(u))
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
		value := t.outcome(first+k, n, rise)
		for u := range dst {
			dst[u] += part.apply(value.at(u)) / of
		}
	}
	for u := range dst {
		dst[u] = s.apply(dst[u])
	}
	return dst
}

// A potentialOutcome is what a score of quality or a test shows of every unit.
type potentialOutcome struct {
	value []float64
	from  []int     // place in value of each unit; nil for its own
	rise  []float64 // added to value, by unit; nil for nothing
	show  steps
}

func (o *potentialOutcome) at(u int) float64 {
	x := o.value[unit(o.from, u)]
	if o.rise != nil {
		x += o.rise[u]
	}
	return o.show.apply(x)
}

// outcome returns the scores of a domain, or a test, of all units in a world.
func (t *Truth) outcome(column int, n Nested, rise []float64) potentialOutcome {
	g := t.g
	if k := column - g.testColumn; k >= 0 { // tests are stored for valid children only
		return potentialOutcome{value: g.tested.under(n.Arm, k), rise: rise, show: g.tested.show[k]}
	}
	k, world := column-g.scoreColumn, n.Arm
	if n.through(k) {
		world = n.Quality
	}
	return potentialOutcome{value: g.observed.under(world, k, g.quality), from: g.teachers}
}

// Quality fills dst with the true quality of every class of the data in a domain
// had all units been assigned the arm, in SDs of the observed score.
func (t *Truth) Quality(dst []float64, domain, arm int) []float64 {
	dst = dst[:t.g.data.N[TeacherLevel]]
	gather(dst, t.g.quality.reached[arm][domain], t.g.drawn(TeacherLevel))
	return dst
}

// Context fills dst with what makes whole blocks and kinds of classes score
// higher in a domain, in SDs of the observed score. With Quality it makes up what
// a class would score without errors.
func (t *Truth) Context(dst []float64, domain int) []float64 {
	dst = dst[:t.g.data.N[TeacherLevel]]
	gather(dst, t.g.quality.context[domain], t.g.drawn(TeacherLevel))
	return dst
}

// BlockContext is the part of Context that the classes of a block have in common.
func (t *Truth) BlockContext(dst []float64, domain int) []float64 {
	dst = dst[:t.g.data.N[TeacherLevel]]
	for j := range dst {
		dst[j] = t.g.population.blockQuality[domain][t.g.data.Ancestor(TeacherLevel, j, BlockLevel)]
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
func (t *Truth) Deviations() []float64 {
	t.deviate()
	return t.deviations
}

// QualityDeviations appends, for every treated arm and domain, the mean over the
// children of the data of how much the effect on their class's true quality, were
// the arm received whole, differs from the average. Its expectation is 0, as that
// of Deviations, and it does for effects through quality what these do for whole
// effects.
func (t *Truth) QualityDeviations(dst []float64) []float64 {
	g := t.g
	children := float64(g.data.Children())
	for arm := 1; arm < len(g.trial.Design.Arms); arm++ {
		for k := range g.trial.Quality.Domains {
			sum := 0.0
			for class, j := range g.teachers[:g.data.Teachers()] {
				n := float64(g.data.ChildStart[class+1] - g.data.ChildStart[class])
				sum += n * (g.quality.under[arm][k][j] - g.quality.under[0][k][j] - g.tested.arms[arm].total[k])
			}
			dst = append(dst, sum/max(children, 1))
		}
	}
	return dst
}

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
	t.deviations[at] = g.tested.meanStrength()
	if g.delivery != nil {
		g.delivery.deviate(t.deviations[at+1:])
	}
}
