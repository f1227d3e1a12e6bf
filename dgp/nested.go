package dgp

import "slices"

// A Nested is what a nested potential outcome Y(a, q(a')) supposes: that all
// units are assigned the arm a, but true classroom quality is as it would be
// had all been assigned a'. In domains that Through leaves out quality stays
// as under a.
//
// What quality moves is what the trial says (see Achievement, and delivery for
// shares w). In world a, quality of a class is
//
//	q(a) = q(0) + d + Σ w_e m_e + w s
//
// with d what another teacher who took over brings, m_e what treatment e brings
// (what a combined arm brings beside its parts is one more), and s the skill of
// the coach. Achievement has the slope Control on d, Treated of e on m_e, and
// Treated of the arm coached on s. Quality as under a' takes away, with these
// slopes, what a brings and a' does not, and adds what a' brings and a does not
// with the slope that a teacher's own quality has in world a,
//
//	Control + Σ w_p (Treated_p - Control), p the plain arms
//
// so that without coaching all quality has the slope Control, and under a plain
// arm received whole all has its Treated. Who scores what on the tests for other
// reasons stays: also sorting, what coaching does for those whose quality was low
// or high at the start (Baseline), and effects by the score without coaching.
type Nested struct {
	Arm     int // a
	Quality int // a'
	// Fixed says that quality is Level in every class instead: in SDs of the
	// observed score, from its mean without coaching.
	Fixed   bool
	Level   float64
	Through []bool // by domain; nil for all
}

// plain reports whether quality is as under the arm.
func (n Nested) plain() bool { return n.Arm == n.Quality && !n.Fixed }

// Equal reports whether two suppose the same.
func (n Nested) Equal(o Nested) bool {
	return n.Arm == o.Arm && n.Quality == o.Quality && n.Fixed == o.Fixed && n.Level == o.Level && slices.Equal(n.Through, o.Through)
}

// through reports whether quality in a domain is set.
func (n Nested) through(domain int) bool { return n.Through == nil || n.Through[domain] }

// QualityMoves reports whether true quality has a causal slope on the tests in any
// arm.
func (t Trial) QualityMoves() bool {
	if anyNonzero(t.Achievement.Slope.Control, t.Achievement.Slope.Treated) {
		return true
	}
	for _, e := range t.Achievement.ArmEffects {
		if anyNonzero(e.Treated) {
			return true
		}
	}
	return false
}

// HasNested reports whether Truth knows nested potential outcomes of a column:
// those of HasPotential, except scores of what is fixed.
func (g *Generator) HasNested(column int, n Nested) bool {
	if !g.HasPotential(column) {
		return false
	}
	if !n.Fixed || column < g.scoreColumn || column >= g.ratingColumn {
		return true
	}
	total := column == g.ratingColumn-1
	for k := range g.trial.Quality.Domains {
		if n.through(k) && (total || column == g.scoreColumn+k) {
			return false
		}
	}
	return true
}

// rises returns what is added to the latent score on every test of each child of
// the data when quality is set as n says.
func (t *Truth) rises(n Nested) []float64 {
	g := t.g
	rise := t.rise[:g.data.Children()]
	byChild := g.treatment.units.Level == ChildLevel || g.delivery != nil && g.delivery.moves != nil
	for class, j := range g.teachers[:g.data.Teachers()] {
		lo, hi := g.data.ChildStart[class], g.data.ChildStart[class+1]
		if byChild {
			for u := lo; u < hi; u++ {
				rise[u] = g.tested.a.Scale * g.setQualityOf(n, j, g.children[u])
			}
			continue
		}
		whole := g.tested.a.Scale * g.setQuality(n, j, j)
		for u := lo; u < hi; u++ {
			rise[u] = whole
		}
	}
	return rise
}

// setQualityOf is setQuality for a child who was drawn into class j.
func (g *Generator) setQualityOf(n Nested, j, child int) float64 {
	own := g.treatment.units.Level == ChildLevel // the child takes the treatment along
	in := func(class int) float64 {
		if own {
			return g.setQuality(n, class, child)
		}
		return g.setQuality(n, class, class)
	}
	rise := in(j)
	if v := g.delivery; v != nil && v.moves != nil && v.moves.to[child] >= 0 {
		rise += v.moves.Time * (in(v.moves.to[child]) - rise)
	}
	return rise
}

// A receipt is what of each source of quality reaches a unit in a world.
type receipt struct {
	share    [maxArms]float64 // w by treatment, and of what combined arms bring beside their parts
	replaced float64          // 1 where another teacher took over
	coached  float64          // w of what a coach delivers
	arm      int              // received
}

// receives returns the receipt of class j, or of a child there.
func (g *Generator) receives(world, j, unit int) receipt {
	var r receipt
	v := g.delivery
	if v == nil {
		r.arm = world
		for _, e := range g.tested.arms[world].sum {
			r.share[e] = 1
		}
		return r
	}
	for a := 1; a < v.arms; a++ {
		if share := v.share(world, a, unit); share != 0 {
			for _, e := range g.tested.arms[a].sum {
				r.share[e] += share
			}
		}
	}
	r.coached, _, _, r.arm = v.own(world, unit)
	if v.left(world, j) {
		r.replaced = 1
	}
	return r
}

// setQuality is how the class part of class j changes when quality is set as n
// says; unit is what the treatment reaches, the class or a child.
func (g *Generator) setQuality(n Nested, j, unit int) float64 {
	ts, tq, v := g.tested, g.quality, g.delivery
	is := g.receives(n.Arm, j, unit)
	var set receipt
	if !n.Fixed {
		set = g.receives(n.Quality, j, unit)
	}
	rise := 0.0
	for k := range tq.q.Domains {
		if !n.through(k) {
			continue
		}
		q0, control := tq.under[0][k][j], ts.a.Slope.Control[k]
		own := control
		for e := 1; e < len(ts.arms); e++ {
			if ts.arms[e].parts == nil {
				own += is.share[e] * (ts.arms[e].effect.Treated[k] - control)
			}
		}
		for e := 1; e < len(ts.arms); e++ {
			by := set.share[e] - is.share[e]
			if by == 0 {
				continue
			}
			brings := tq.under[e][k][j] - q0
			for _, p := range ts.arms[e].parts {
				brings -= tq.under[p][k][j] - q0
			}
			rise += by * brings * less(by, ts.arms[e].effect.Treated[k], own)
		}
		if by := set.replaced - is.replaced; by != 0 {
			rise += by * (v.succession.quality[k][j] - q0) * less(by, control, own)
		}
		if by := set.coached - is.coached; by != 0 {
			slope := own
			if by < 0 {
				slope = v.slope[is.arm][k]
			}
			rise += by * v.skillSD[k] * v.coaching.skill[v.coached(unit)] * slope
		}
		if n.Fixed {
			rise += own * (n.Level - q0)
		}
	}
	return rise
}

// less returns the slope of what is taken away, or added.
func less(by, away, added float64) float64 {
	if by < 0 {
		return away
	}
	return added
}
