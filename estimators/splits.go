package estimators

import (
	"fmt"
	"math"

	"coachsim/dgp"
)

// splits divides the rows of a design at random into a training and a test part, run
// after run, and predicts each test part by least squares on all terms. Estimators
// with the same design and share of test rows have the same splits: the runs of one
// with fewer are the first of the other's.
type splits struct {
	key    string
	design *design
	share  float64
	runs   int // the most of any estimator

	status Status    // of all runs
	tests  int       // rows in a test part
	order  []int     // by run and place: test rows, then training rows
	mse    []float64 // by run: of least squares in the test part, NaN where it does not exist
	source *dgp.Source
	stream dgp.Purpose

	// Terms, then the outcome, measured from their means in SDs, and their
	// cross-products: lower triangles by rows.
	z    [][]float64
	room [][]float64 // behind z
	held [][]float64 // scratch: z in a test part
	gram []float64
	part []float64
	sums []float64
	unit float64 // SD of the outcome
	chol *cholesky
	raw  []float64
	b    []float64
}

// splitsFor returns the splits of a design, after adding them if need be.
func (s *Setup) splitsFor(g *design, share float64, runs int) *splits {
	key := fmt.Sprintf("%s|%s|%s|%v", g.formula.projected(), g.level, g.where, share)
	for _, p := range s.splits {
		if p.key == key {
			p.runs = max(p.runs, runs)
			return p
		}
	}
	p := &splits{key: key, design: g, share: share, runs: runs, stream: dgp.EstimatorPurpose("splits of " + key)}
	s.splits = append(s.splits, p)
	return p
}

func (p *splits) allocate(shape dgp.Shape) {
	most, q := shape.Max[p.design.level], len(p.design.terms)+1
	p.order, p.mse, p.source = make([]int, p.runs*most), make([]float64, p.runs), dgp.NewSource()
	for range q {
		p.room, p.held = append(p.room, make([]float64, most)), append(p.held, make([]float64, most))
	}
	p.z = make([][]float64, q)
	p.gram, p.part, p.sums = make([]float64, q*q), make([]float64, q*q), make([]float64, q)
	p.chol, p.raw, p.b = newCholesky(q-1), make([]float64, q-1), make([]float64, q-1)
}

// testRows and trainingRows are the parts of a run, as places in the design.
func (p *splits) testRows(run int) []int     { return p.rows(run)[:p.tests] }
func (p *splits) trainingRows(run int) []int { return p.rows(run)[p.tests:] }

func (p *splits) rows(run int) []int {
	n := len(p.design.y)
	return p.order[run*n : (run+1)*n]
}

// fit draws the splits of the data set being fitted, and predicts.
func (p *splits) fit(s *Setup) {
	if p.status = p.design.load(s); p.status != OK {
		return
	}
	n := len(p.design.y)
	p.tests = int(math.Round(p.share * float64(n)))
	if p.tests < 1 || n-p.tests < 2 {
		p.status = TooFewRows
		return
	}
	r := p.source.Load(s.stream, p.stream)
	for run := range p.runs {
		rows := p.rows(run)
		for i := range rows {
			rows[i] = i
		}
		for i := range p.tests { // Fisher and Yates' shuffle, as far as it matters
			k := i + int(r.Uint64N(uint64(n-i)))
			rows[i], rows[k] = rows[k], rows[i]
		}
	}
	if p.status = p.standardise(); p.status != OK {
		return
	}
	for run := range p.runs {
		p.mse[run] = p.leastSquares(run)
	}
}

// standardise fills z and the cross-products of all rows.
func (p *splits) standardise() Status {
	q := len(p.z)
	for j := range p.z {
		x := p.design.y
		if j < q-1 {
			x = p.design.x[j]
		}
		of := spreadOf(x)
		p.z[j] = p.room[j][:len(x)]
		varies := of.square > 1e-20*of.raw
		sd := math.Sqrt(of.square / float64(len(x)))
		if j == q-1 {
			if p.unit = sd; !varies {
				return NoVariation
			}
		}
		for i, v := range x {
			p.z[j][i] = 0
			if varies {
				p.z[j][i] = (v - of.mean) / sd
			}
		}
	}
	for j, x := range p.z {
		for k, y := range p.z[:j+1] {
			p.gram[j*q+k] = dot(x, y)
		}
	}
	return OK
}

// leastSquares returns the mean squared error in the test part of the regression on
// all terms in the training part. Terms that are collinear there are dropped, as R
// does. The cross-products of the training part are those of all rows less those of
// the test part, which is the smaller.
func (p *splits) leastSquares(run int) float64 {
	test, q := p.testRows(run), len(p.z)
	training := float64(len(p.design.y) - len(test))
	copy(p.part, p.gram)
	for j, x := range p.z {
		sum, held := 0.0, p.held[j][:len(test)]
		for k, i := range test {
			held[k] = x[i]
			sum += x[i]
		}
		p.sums[j] = -sum // all rows sum to 0
		for k := range j + 1 {
			p.part[j*q+k] -= dot(held, p.held[k][:len(test)]) + p.sums[j]*p.sums[k]/training
		}
	}
	n := q - 1
	for j := range n {
		copy(p.chol.l[j*n:j*n+j+1], p.part[j*q:j*q+j+1])
		p.raw[j] = p.gram[j*q+j]
		p.b[j] = p.part[n*q+j]
	}
	p.chol.factor(p.raw)
	if float64(p.chol.rank+1) >= training {
		return math.NaN() // the fit is exact
	}
	p.chol.solve(p.b)
	intercept := p.sums[n]
	for j, b := range p.b {
		intercept -= b * p.sums[j]
	}
	intercept /= training
	e := p.held[n][:len(test)]
	for j, b := range p.b {
		if b != 0 {
			addScaled(e, -b, p.held[j][:len(test)])
		}
	}
	square := 0.0
	for _, v := range e {
		square += (v - intercept) * (v - intercept)
	}
	return square / float64(len(test)) * p.unit * p.unit
}
