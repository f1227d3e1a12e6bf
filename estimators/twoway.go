package estimators

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"coachsim/dgp"
)

// A twoWay is clustering by a second factor beside linear's: the variance of
// Cameron, Gelbach and Miller (2011), V = V₁ + V₂ - V₁₂ with V₁₂ clustered by
// the pairs of the two. With CR1 each has the factor of its own number of
// clusters, G/(G-1) (N-1)/(N-K), as in sandwich's vcovCL with type HC1 (cadjust
// = TRUE) and in Stata's vcemway; CR0 is vcovCL with type HC0 and cadjust =
// FALSE. CR1-fixest has one factor for all, with the least G. The degrees of
// freedom are the least G less 1.
//
// V can fail to be positive. Its eigenvalues are not mended, since that would
// make a standard error depend on which nuisance terms are in the formula and
// on their units: the estimate has the status NotPositive. (vcovCL with fix =
// FALSE gives a NaN there; fixest and Stata mend.)
type twoWay struct {
	cluster  grouping
	clusters int // number of clusters of the first factor
	second   int // and of the second
	pairs    int
	of       []int // by group: cluster of the second factor
	pair     []int // by group: pair
	order    []int // active groups, by first and second factor
	number   []int // scratch, as linear's
	vcov     []float64
	positive []float64 // by combination: V₁ + V₂
}

// ClusterNames are the factors that a text such as "school + coder" clusters
// by.
func ClusterNames(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	names := strings.Split(text, "+")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return names
}

// findClusters looks up the factors of clustered standard errors.
func (b *olsBinding) findClusters() error {
	names := ClusterNames(b.Cluster)
	var all []grouping
	for _, name := range names {
		g, err := b.setup.findGrouping(name)
		if err == nil && g.level > b.l.core.group {
			err = fmt.Errorf("the rows of one class cannot be in different clusters")
		}
		if err != nil {
			return err
		}
		all = append(all, g)
	}
	switch {
	case len(all) > 2:
		return fmt.Errorf("standard errors are clustered by at most two factors; here are %d", len(all))
	case len(all) == 2 && all[0] == all[1]:
		return fmt.Errorf("%s stands here twice", names[0])
	case len(all) == 2 && b.SE.adjustment() != 0:
		return fmt.Errorf("%s is defined for one factor of clusters; with two take CR0, CR1 or CR1-fixest", b.SE)
	case len(all) == 2:
		b.l.two = &twoWay{cluster: all[1]}
	}
	b.l.cluster = all[0]
	return nil
}

// oneFactor refuses clusters by two factors.
func oneFactor(cluster, what string) error {
	if len(ClusterNames(cluster)) > 1 {
		return keyError("cluster", fmt.Errorf("%s takes clusters of one factor", what))
	}
	return nil
}

func (t *twoWay) allocate(shape dgp.Shape, l *linear) {
	most := shape.Max[l.core.group]
	t.of, t.pair = make([]int, most), make([]int, most)
	t.order = make([]int, 0, most)
	t.number = make([]int, t.cluster.most)
	t.vcov = make([]float64, len(l.vcov))
	t.positive = make([]float64, len(l.combinations))
}

// numberPairs numbers the clusters of the second factor, and the pairs. It
// returns the least number of clusters of either factor, or -1 if a row has
// none.
func (t *twoWay) numberPairs(d *dgp.Data, l *linear, clusters int) int {
	c := l.core
	t.clusters = clusters
	if t.second = numberBy(d, c, t.cluster, t.of, t.number, false); t.second < 0 {
		return -1
	}
	t.order = t.order[:0]
	for g := range c.groups {
		if c.active[g] {
			t.order = append(t.order, g)
		}
	}
	compare := func(g, h int) int {
		return cmp.Or(cmp.Compare(l.clusterOf[g], l.clusterOf[h]), cmp.Compare(t.of[g], t.of[h]), cmp.Compare(g, h))
	}
	slices.SortFunc(t.order, compare)
	t.pairs = 0
	for i, g := range t.order {
		if i > 0 {
			if before := t.order[i-1]; l.clusterOf[before] != l.clusterOf[g] || t.of[before] != t.of[g] {
				t.pairs++
			}
		}
		t.pair[g] = t.pairs
	}
	t.pairs = min(t.pairs+1, len(t.order))
	return min(t.clusters, t.second)
}

// sandwich fills the vcov of l for outcome i of a fit with k coefficients.
func (t *twoWay) sandwich(s *Setup, l *linear, i int, k float64) {
	clear(t.vcov)
	nc := len(l.combinations)
	for part, by := range [...]struct {
		of []int
		n  int
	}{{l.clusterOf, t.clusters}, {t.of, t.second}, {t.pair, t.pairs}} {
		g := by.n
		if l.se == CR1Fixest {
			g = min(t.clusters, t.second)
		}
		scale := l.se.factor(l.core.rows, k, float64(g))
		l.sandwich(s, i, by.of, by.n, scale)
		if part == 2 {
			scale = -1
		} else {
			scale = 1
		}
		addScaled(t.vcov, scale, l.vcov)
		if part == 1 {
			for r := range t.positive {
				t.positive[r] = t.vcov[r*nc+r]
			}
		}
	}
	copy(l.vcov, t.vcov)
}

// nestedEffect reports whether every level of the absorbed effect lies in one cluster
// of the first factor, or every one in a cluster of the second.
func (l *linear) nestedEffect() bool {
	if l.core.effects == 0 {
		return false
	}
	return l.nestedIn(l.clusterOf) || l.two != nil && l.nestedIn(l.two.of)
}

func (l *linear) nestedIn(of []int) bool {
	c := l.core
	for e := range l.effectIn {
		l.effectIn[e] = -1
	}
	for g := range c.groups {
		if !c.active[g] {
			continue
		}
		switch e := c.effect[g]; {
		case l.effectIn[e] < 0:
			l.effectIn[e] = of[g]
		case l.effectIn[e] != of[g]:
			return false
		}
	}
	return true
}

// parameters is the K of the small-sample factor for a fit with k coefficients,
// absorbed effects among them. For CR1-fixest an absorbed effect that is nested
// in clusters counts as one, as fixest's ssc(K.fixef = "nonnested") has it.
func (l *linear) parameters(k float64) float64 {
	if l.se == CR1Fixest && l.core.key.absorb != "" && l.nestedEffect() {
		return k - float64(l.core.present) + 1
	}
	return k
}
