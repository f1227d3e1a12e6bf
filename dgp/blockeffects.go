package dgp

// blockVariance is the variance between blocks of effects that are given, in SDs of
// total achievement.
func (a Achievement) blockVariance() float64 {
	square := 0.0
	for _, x := range centred(a.BlockEffects) {
		square += x * x / float64(len(a.BlockEffects))
	}
	return square
}

func (a Achievement) checkBlockEffects(f *Faults, d Design) {
	if a.BlockEffects == nil {
		return
	}
	checkLength(f, "achievement.block_effects", a.BlockEffects, d.Blocks, "block")
	for _, other := range []struct {
		key string
		sd  float64
	}{{"block_sd", a.BlockSD}, {"icc.block", a.ICC.Block}} {
		if other.sd > 0 {
			f.Add("achievement.block_effects", "says what achievement.%s says in another way; leave one of them out", other.key)
		}
	}
}
