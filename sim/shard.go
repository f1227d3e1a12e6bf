package sim

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A Shard is the part of a run that one machine of several simulates: number K,
// counted from 0, of N. Together the shards are the run. It is a pflag.Value;
// the zero value is a whole run.
type Shard struct{ K, N int }

// Whole reports whether there is no other shard.
func (s Shard) Whole() bool { return s.N <= 1 }

func (s Shard) String() string {
	if s.N == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.K, s.N)
}

// named is the shard in a sentence.
func (s Shard) named() string {
	if s.Whole() {
		return "the whole run"
	}
	return "shard " + s.String()
}

// Set reads K/N. For engines that put K into the environment of a program and no
// shell before it, K may be $NAME, the variable that has it.
func (s *Shard) Set(text string) error {
	k, n, ok := strings.Cut(text, "/")
	var read Shard
	var err error
	if name, isVariable := strings.CutPrefix(k, "$"); ok && isVariable {
		if k = os.Getenv(name); k == "" {
			return fmt.Errorf("the environment has no %s", name)
		}
	}
	if ok {
		if read.K, err = strconv.Atoi(k); err == nil {
			read.N, err = strconv.Atoi(n)
		}
	}
	if !ok || err != nil {
		return fmt.Errorf("write K/N, such as 0/8 for the first of eight")
	}
	const most = 1_000_000
	if read.N < 1 || read.N > most {
		return fmt.Errorf("the number of shards must be from 1 to %d", most)
	}
	if read.K < 0 || read.K >= read.N {
		return fmt.Errorf("shards are counted from 0: 0/%d to %d/%d", read.N, read.N-1, read.N)
	}
	*s = read
	return nil
}

// Type names the kind of value in a flag's help.
func (Shard) Type() string { return "K/N" }

// wholeCells is how many cells a shard must have for whole cells to be dealt.
// Less often than that, one cell more or less would make shards too unequal.
const wholeCells = 20

// A deal says which shard simulates which chunk. It depends on the numbers of
// cells and shards alone, so that a run in shards can be extended.
//
// The chunks of a cell go to one shard after the other, so that a slow cell is
// slow for all. In a long sweep a cell goes to one shard whole, since each shard
// that has a part of it must find its true effects. So does a cell that ends when it
// is known precisely, which takes all its replicates. The cells are first put in an order that has
// nothing to do with the sweep's, lest one shard get all the slow ones; the
// golden section then spreads the shards at which cells begin, as evenly as can be
// for any number of cells (Knuth, The Art of Computer Programming, 6.4).
type deal struct {
	shards int
	whole  bool  // cells are dealt whole
	first  []int // shard of the first chunk, by cell
}

// newDeal deals cells to shards; where together is set, always whole.
func newDeal(cells, shards int, together bool) deal {
	shards = max(1, shards)
	d := deal{shards: shards, whole: together || cells >= wholeCells*shards, first: make([]int, cells)}
	order := make([]int, cells)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scatter(uint64(a)), scatter(uint64(b))) })
	golden := math.Phi - 1
	for place, cell := range order {
		if d.whole {
			d.first[cell] = place % shards
			continue
		}
		_, part := math.Modf(float64(place) * golden)
		d.first[cell] = int(part * float64(shards))
	}
	return d
}

// scatter is the output function of SplitMix64 (Steele, Lea and Flood 2014), a
// permutation of the numbers of 64 bits.
func scatter(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// shard returns the shard that simulates a chunk.
func (d deal) shard(t task) int {
	if d.whole {
		return d.first[t.cell]
	}
	return (d.first[t.cell] + t.chunk) % d.shards
}

// touches reports whether a shard has any of the first chunks of a cell.
func (d deal) touches(shard, cell, chunks int) bool {
	if d.whole {
		return d.first[cell] == shard
	}
	return (shard-d.first[cell]+d.shards)%d.shards < chunks
}
