package lasso

import "math"

// An OLS is least squares on chosen columns, with standard errors that are robust
// or clustered as those of kind: ols: HC1, or CR1, G/(G-1) (n-1)/(n-k) times the
// sum over clusters (Stata's). It takes the selection as given.
type OLS struct {
	Beta      []float64 // by chosen column; 0 where collinear
	SE        []float64 // NaN where there is none
	Collinear []bool    // constant, or a combination of those chosen before
	Intercept float64
	DF        float64 // clusters less 1, or rows less coefficients
	R2        float64
	RSS       float64
	N         int
	Rank      int // coefficients, with the intercept
	Clusters  int // 0 without
	Residual  []float64

	rowsMax int
	q       []float64 // orthonormal columns
	r       []float64 // X = QR, most × most
	mean    []float64
	most    int
	score   []float64 // by cluster and column
	seen    []bool    // by cluster
	meat    []float64
	row     []float64
}

// NewOLS returns room for so many rows, chosen columns and clusters.
func NewOLS(maxRows, maxColumns, maxClusters int) *OLS {
	f := func(n int) []float64 { return make([]float64, n) }
	return &OLS{
		Beta: f(maxColumns), SE: f(maxColumns), Collinear: make([]bool, maxColumns), Residual: f(maxRows),
		rowsMax: maxRows, most: maxColumns, q: f(maxRows * maxColumns), r: f(maxColumns * maxColumns), mean: f(maxColumns),
		score: f(maxClusters * maxColumns), seen: make([]bool, maxClusters), meat: f(maxColumns * maxColumns), row: f(maxColumns),
	}
}

// collinearRest is the share of a column that its predecessors must leave, as in
// R's lm.
const collinearRest = 1e-7

// Fit regresses y on the chosen columns of x in the listed rows (nil for all).
// cluster holds the cluster of every row of x, from 0 on; nil for none.
func (o *OLS) Fit(x [][]float64, y []float64, rows, chosen, cluster []int) {
	n := listed(rows, y)
	k := len(chosen)
	o.N, o.Rank = n, 1
	o.Beta, o.SE, o.Collinear, o.Residual = o.Beta[:k], o.SE[:k], o.Collinear[:k], o.Residual[:n]
	e := o.Residual
	level := gather(e, y, rows)
	tss := square(e)
	for j, c := range chosen {
		column := o.column(j)
		o.mean[j] = gather(column, x[c], rows)
		before := math.Sqrt(square(column))
		clear(o.r[j*o.most : j*o.most+j])
		for range 2 {
			for i := range j {
				if o.Collinear[i] {
					continue
				}
				v := dot(o.column(i), column)
				o.r[j*o.most+i] += v // column j of R
				subtract(column, v, o.column(i))
			}
		}
		norm := math.Sqrt(square(column))
		if o.Collinear[j] = !(norm > collinearRest*before) || !(before > 1e-10*math.Abs(o.mean[j])*math.Sqrt(float64(n))); o.Collinear[j] {
			continue
		}
		o.Rank++
		o.r[j*o.most+j] = norm
		for i := range column {
			column[i] /= norm
		}
	}
	for j := range k {
		o.Beta[j] = 0
		if !o.Collinear[j] {
			v := dot(o.column(j), e)
			o.Beta[j] = v
			subtract(e, v, o.column(j))
		}
	}
	o.back(o.Beta)
	o.RSS = square(e)
	o.R2 = 0
	if tss > 0 {
		o.R2 = 1 - o.RSS/tss
	}
	o.Intercept = level
	for j, b := range o.Beta {
		o.Intercept -= b * o.mean[j]
	}
	o.sandwich(rows, cluster)
}

// back solves R b = v in place.
func (o *OLS) back(v []float64) {
	for j := len(v) - 1; j >= 0; j-- {
		if o.Collinear[j] {
			v[j] = 0
			continue
		}
		v[j] /= o.r[j*o.most+j]
		for i := range j {
			v[i] -= o.r[j*o.most+i] * v[j]
		}
	}
}

// sandwich fills the standard errors: of R⁻¹ Q' e e' Q R⁻' summed by cluster.
func (o *OLS) sandwich(rows, cluster []int) {
	n, k := float64(o.N), float64(o.Rank)
	p := len(o.Beta)
	o.Clusters, o.DF = 0, n-k
	factor := n / (n - k)
	meat := o.meat[:p*p]
	clear(meat)
	if cluster == nil {
		for i, e := range o.Residual {
			for j := range p {
				o.row[j] = 0
				if !o.Collinear[j] {
					o.row[j] = o.q[j*o.rowsMax+i] * e
				}
			}
			addOuter(meat, o.row[:p])
		}
	} else {
		clear(o.seen)
		clear(o.score)
		for i, e := range o.Residual {
			g := cluster[i]
			if rows != nil {
				g = cluster[rows[i]]
			}
			if !o.seen[g] {
				o.seen[g] = true
				o.Clusters++
			}
			score := o.score[g*o.most : g*o.most+p]
			for j := range score {
				if !o.Collinear[j] {
					score[j] += o.q[j*o.rowsMax+i] * e
				}
			}
		}
		for g, seen := range o.seen {
			if seen {
				addOuter(meat, o.score[g*o.most:g*o.most+p])
			}
		}
		clusters := float64(o.Clusters)
		o.DF = clusters - 1
		factor = clusters / (clusters - 1) * (n - 1) / (n - k)
	}
	for j := range p {
		if o.Collinear[j] || !(n > k) || !(o.DF > 0) {
			o.SE[j] = math.NaN()
			continue
		}
		// Row j of R⁻¹ is the solution w of R'w = unit j, by columns of R.
		w := o.row[:p]
		clear(w)
		for i := j; i < p; i++ {
			if o.Collinear[i] {
				continue
			}
			v := 0.0
			if i == j {
				v = 1
			}
			for l := j; l < i; l++ {
				v -= o.r[i*o.most+l] * w[l]
			}
			w[i] = v / o.r[i*o.most+i]
		}
		variance := 0.0
		for a := range p {
			for b := range p {
				variance += w[a] * meat[a*p+b] * w[b]
			}
		}
		o.SE[j] = math.Sqrt(max(variance*factor, 0))
	}
}

func (o *OLS) column(j int) []float64 { return o.q[j*o.rowsMax : j*o.rowsMax+o.N] }

// gather fills dst with the listed values, less their mean, which it returns.
func gather(dst, values []float64, rows []int) float64 {
	if rows == nil {
		copy(dst, values)
	} else {
		for i, r := range rows {
			dst[i] = values[r]
		}
	}
	mean := total(dst) / float64(len(dst))
	for i := range dst {
		dst[i] -= mean
	}
	return mean
}

func addOuter(m, v []float64) {
	p := len(v)
	for i, a := range v {
		if a == 0 {
			continue
		}
		row := m[i*p : i*p+p]
		for j, b := range v {
			row[j] += a * b
		}
	}
}

func square(x []float64) float64 { return dot(x, x) }

func dot(x, y []float64) float64 {
	y = y[:len(x)]
	var a, b float64
	i := 0
	for ; i+1 < len(x); i += 2 {
		a += x[i] * y[i]
		b += x[i+1] * y[i+1]
	}
	if i < len(x) {
		a += x[i] * y[i]
	}
	return a + b
}

// subtract takes v times y off x.
func subtract(x []float64, v float64, y []float64) {
	y = y[:len(x)]
	for len(x) >= 4 {
		a, b := x[:4:len(x)], y[:4:len(y)]
		a[0] -= v * b[0]
		a[1] -= v * b[1]
		a[2] -= v * b[2]
		a[3] -= v * b[3]
		x, y = x[4:], y[4:]
	}
	for i := range x {
		x[i] -= v * y[i]
	}
}
