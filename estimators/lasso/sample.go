package lasso

// A Sample is rows of regressors and an outcome, by columns, each measured from
// its mean over the sample, which keeps sums of squares free of cancellation.
type Sample struct {
	n, p    int
	stride  int
	columns []float64 // the outcome is column p
	center  []float64 // by column
}

// NewSample returns room for so many rows of p regressors.
func NewSample(maxRows, p int) *Sample {
	// A column of zeros makes their number even.
	return &Sample{p: p, stride: maxRows, columns: make([]float64, maxRows*(p+2)), center: make([]float64, p+1)}
}

// Load reads the listed rows, in their order; nil stands for all.
func (s *Sample) Load(x [][]float64, y []float64, rows []int) {
	s.n = listed(rows, y)
	for j := range s.p {
		s.load(j, x[j], rows)
	}
	s.load(s.p, y, rows)
	clear(s.column(s.p + 1))
}

func (s *Sample) load(j int, values []float64, rows []int) {
	s.center[j] = gather(s.column(j), values, rows)
}

// N is the number of rows.
func (s *Sample) N() int { return s.n }

func (s *Sample) column(j int) []float64 { return s.columns[j*s.stride : j*s.stride+s.n] }

// Moments are the number of some rows of a Sample, the sums of their columns
// and of the products of every two. Those of rows apart add up.
type Moments struct {
	n, p   int
	center []float64 // the sample's
	sum    []float64 // by column, the outcome last
	cross  []float64 // upper triangle by rows; size × size
	size   int       // columns, made even
}

// NewMoments returns room for the moments of p regressors and an outcome.
func NewMoments(p int) *Moments {
	size := (p + 2) &^ 1
	return &Moments{p: p, center: make([]float64, p+1), sum: make([]float64, size), cross: make([]float64, size*size), size: size}
}

// N is the number of rows.
func (m *Moments) N() int { return m.n }

// Sum computes the moments of rows lo to hi - 1.
func (m *Moments) Sum(s *Sample, lo, hi int) {
	m.n = hi - lo
	copy(m.center, s.center)
	for i := 0; i < m.size; i += 2 {
		a, b := s.column(i)[lo:hi], s.column(i + 1)[lo:hi]
		m.sum[i], m.sum[i+1] = total(a), total(b)
		for j := i; j < m.size; j += 2 {
			aa, ab, ba, bb := products(a, b, s.column(j)[lo:hi], s.column(j + 1)[lo:hi])
			m.cross[i*m.size+j], m.cross[i*m.size+j+1] = aa, ab
			m.cross[(i+1)*m.size+j], m.cross[(i+1)*m.size+j+1] = ba, bb
		}
	}
}

func total(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}

// products returns a'c, a'd, b'c and b'd: four sums at once hide the latency of
// each.
func products(a, b, c, d []float64) (ac, ad, bc, bd float64) {
	b, c, d = b[:len(a)], c[:len(a)], d[:len(a)]
	for i, u := range a {
		v, x, y := b[i], c[i], d[i]
		ac += u * x
		ad += u * y
		bc += v * x
		bd += v * y
	}
	return ac, ad, bc, bd
}

// Add sets m to the moments of the rows of a and b together, which are rows of
// one sample.
func (m *Moments) Add(a, b *Moments) {
	m.n = a.n + b.n
	copy(m.center, a.center)
	for i, v := range a.sum {
		m.sum[i] = v + b.sum[i]
	}
	other := b.cross[:len(a.cross)]
	out := m.cross[:len(a.cross)]
	for i, v := range a.cross {
		out[i] = v + other[i]
	}
}

// Clear sets m to the moments of no rows of a sample.
func (m *Moments) Clear(s *Sample) {
	m.n = 0
	copy(m.center, s.center)
	clear(m.sum)
	clear(m.cross)
}
