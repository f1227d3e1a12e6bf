package dgp

// transpose fills columns from rows of as many numbers, which start at the places from.
func transpose(columns [][]float64, rows []float64, from []int) {
	k := 0
	for ; k+4 <= len(columns); k += 4 {
		a, b, c, d := columns[k][:len(from)], columns[k+1][:len(from)], columns[k+2][:len(from)], columns[k+3][:len(from)]
		for i, at := range from {
			row := rows[at+k:][:4]
			a[i], b[i], c[i], d[i] = row[0], row[1], row[2], row[3]
		}
	}
	for ; k < len(columns); k++ {
		column := columns[k][:len(from)]
		for i, at := range from {
			column[i] = rows[at+k]
		}
	}
}

// combine sets dst to Σ l[k] z[k] over the columns z, added up from the first on. Four at a
// time, a sum is stored once.
func combine(dst, l []float64, z [][]float64) {
	n := len(dst)
	switch len(l) {
	case 0:
		clear(dst)
	case 1:
		a, l0 := z[0][:n], l[0]
		for i := range dst {
			dst[i] = 0 + l0*a[i]
		}
	case 2:
		a, b, l0, l1 := z[0][:n], z[1][:n], l[0], l[1]
		for i := range dst {
			dst[i] = 0 + l0*a[i] + l1*b[i]
		}
	case 3:
		a, b, c, l0, l1, l2 := z[0][:n], z[1][:n], z[2][:n], l[0], l[1], l[2]
		for i := range dst {
			dst[i] = 0 + l0*a[i] + l1*b[i] + l2*c[i]
		}
	default:
		a, b, c, d, l0, l1, l2, l3 := z[0][:n], z[1][:n], z[2][:n], z[3][:n], l[0], l[1], l[2], l[3]
		for i := range dst {
			dst[i] = 0 + l0*a[i] + l1*b[i] + l2*c[i] + l3*d[i]
		}
		for k := 4; k < len(l); k++ {
			for i, x := range z[k][:n] {
				dst[i] += l[k] * x
			}
		}
	}
}
