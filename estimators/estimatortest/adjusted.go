package estimatortest

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"coachsim/estimators"
)

// powers are those to which the kinds that adjust residuals for leverage raise
// I-H.
var powers = map[estimators.SE]float64{estimators.HC2: -0.5, estimators.HC3: -1, estimators.CR2: -0.5, estimators.CR3: -1}

// adjusted is what HC2, HC3, CR2 and CR3 need, with matrices as large as the
// data. H = X (X'X)⁻¹ X', A_g = (I-H)_gg^p, and the variance is
//
//	V = Σ_g M X_g' A_g e_g e_g' A_g X_g M,  M = (X'X)⁻¹
//
// so that the row of coefficient j in M X_g' A_g holds the weights w_g of the
// residuals.
type adjusted struct {
	clusters [][]int
	rest     *mat.Dense   // I-H
	weights  []*mat.Dense // by cluster: coefficients × its rows
}

func (r *regression) adjust(clusters [][]int, power float64) *adjusted {
	n, p := len(r.rows), len(r.bread)
	influence := zeroMatrix(p, n) // M X'
	for i, x := range r.x {
		for j, v := range r.bread.apply(x) {
			influence[j][i] = v
		}
	}
	a := &adjusted{clusters: clusters, rest: mat.NewDense(n, n, nil)}
	for i := range n {
		for k := range n {
			h := zero()
			for j := range p {
				if r.x[i][j].Sign() != 0 {
					h.Add(h, mul(r.x[i][j], influence[j][k]))
				}
			}
			if i == k {
				h.Sub(h, num(1))
			}
			a.rest.Set(i, k, -float(h))
		}
	}
	for _, cluster := range clusters {
		m := len(cluster)
		rest := mat.NewSymDense(m, nil)
		for i, row := range cluster {
			for k, column := range cluster {
				rest.SetSym(i, k, a.rest.At(row, column))
			}
		}
		part := mat.NewDense(p, m, nil)
		for j := range p {
			for i, row := range cluster {
				part.Set(j, i, float(influence[j][row]))
			}
		}
		var w mat.Dense
		w.Mul(part, raise(rest, power))
		a.weights = append(a.weights, &w)
	}
	return a
}

// raise returns the power of a symmetric matrix, with its eigenvalues λ^p, and
// 0 for those that are 0 (Moore and Penrose's inverse).
func raise(m *mat.SymDense, power float64) *mat.Dense {
	var eigen mat.EigenSym
	if !eigen.Factorize(m, true) {
		panic("estimatortest: no eigenvalues")
	}
	var q, scaled, result mat.Dense
	eigen.VectorsTo(&q)
	scaled.CloneFrom(&q)
	for j, value := range eigen.Values(nil) {
		k := 0.0
		if value > 1e-10 {
			k = math.Pow(value, power)
		}
		for i := range m.SymmetricDim() {
			scaled.Set(i, j, k*scaled.At(i, j))
		}
	}
	result.Mul(&scaled, q.T())
	return &result
}

// covariance is V for residuals e.
func (a *adjusted) covariance(e vector) matrix {
	p, _ := a.weights[0].Dims()
	v := zeroMatrix(p, p)
	for g, cluster := range a.clusters {
		score := zeros(p)
		for j := range p {
			for i, row := range cluster {
				score[j] = add(score[j], mul(num(a.weights[g].At(j, i)), e[row]))
			}
		}
		v.addOuter(score)
	}
	return v
}

// moment is P_gh = w_g'(I-H)_gh v_h for weights w and v of two combinations.
func (a *adjusted) moment(w, v [][]float64) *mat.Dense {
	p := mat.NewDense(len(a.clusters), len(a.clusters), nil)
	for g, rows := range a.clusters {
		for h, columns := range a.clusters {
			sum := 0.0
			for i, row := range rows {
				for k, column := range columns {
					sum += w[g][i] * a.rest.At(row, column) * v[h][k]
				}
			}
			p.Set(g, h, sum)
		}
	}
	return p
}

// combined are the weights of a combination of coefficients, by cluster.
func (a *adjusted) combined(places []int, by []float64) [][]float64 {
	all := make([][]float64, len(a.clusters))
	for g, cluster := range a.clusters {
		all[g] = make([]float64, len(cluster))
		for k, j := range places {
			for i := range cluster {
				all[g][i] += by[k] * a.weights[g].At(j, i)
			}
		}
	}
	return all
}

// satterthwaite are the degrees of freedom of the variance of coefficient j
// when errors are independent with one variance (Bell and McCaffrey 2002):
// (Σ_g P_gg)² / Σ_gh P_gh².
func (a *adjusted) satterthwaite(j int) float64 {
	w := a.combined([]int{j}, []float64{1})
	p := a.moment(w, w)
	square := 0.0
	for g := range a.clusters {
		for h := range a.clusters {
			square += p.At(g, h) * p.At(g, h)
		}
	}
	return p.Trace() * p.Trace() / square
}

// hotelling is η = q(q+1)/Σ_st Var(D_st) with D = Ω^(-½) V Ω^(-½), Ω = E(V), and
// Var(D_st) = Σ_gh (P_ss,gh P_tt,gh + P_st,gh P_ts,gh), all for weights
// transformed by Ω^(-½) (Pustejovsky and Tipton 2018).
func (a *adjusted) hotelling(group []int) float64 {
	q := len(group)
	unit := make([][][]float64, q)
	for i, j := range group {
		unit[i] = a.combined([]int{j}, []float64{1})
	}
	omega := mat.NewSymDense(q, nil)
	for s := range q {
		for t := range s + 1 {
			omega.SetSym(s, t, a.moment(unit[s], unit[t]).Trace())
		}
	}
	root := raise(omega, -0.5)
	w := make([][][]float64, q)
	for s := range q {
		w[s] = a.combined(group, mat.Row(nil, s, root))
	}
	total := 0.0
	for s := range q {
		for t := range q {
			ss, tt, st, ts := a.moment(w[s], w[s]), a.moment(w[t], w[t]), a.moment(w[s], w[t]), a.moment(w[t], w[s])
			for g := range a.clusters {
				for h := range a.clusters {
					total += ss.At(g, h)*tt.At(g, h) + st.At(g, h)*ts.At(g, h)
				}
			}
		}
	}
	return float64(q*(q+1)) / total
}
