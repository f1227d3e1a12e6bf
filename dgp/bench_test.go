package dgp

import "testing"

// BenchmarkNormals draws as many normals as an Ecuador replicate does.
func BenchmarkNormals(b *testing.B) {
	r := newSource()
	r.load(Stream{1, 2}, 3)
	x := 0.0
	for b.Loop() {
		for range 29000 {
			x += r.NormFloat64()
		}
	}
	_ = x
}
