package sim

import (
	"strconv"

	"coachsim/estimators"
)

// ChunkReplicates is the number of replicates in one chunk of the log of most studies,
// and the most of any. Chunks are what a worker
// begins and a killed run keeps; at the end of a run, workers share those that are open.
const ChunkReplicates = 100

// chunkFits is how many fits, as estimators.Fits counts them, a chunk may hold that is
// smaller than that: some ten seconds.
const chunkFits = 10_000

// ChunkSize is the number of replicates in one chunk of the log: as the study says,
// else by how many fits a data set takes, and never by the clock, so that the same
// study has the same chunks everywhere. It divides ChunkReplicates.
func (s Study) ChunkSize() int {
	if s.Chunk > 0 {
		return s.Chunk
	}
	fits := 0
	for _, e := range s.Estimators {
		fits += estimators.Fits(e.Method)
	}
	for _, size := range []int{ChunkReplicates, 50, 20, 10} {
		if size*fits <= chunkFits {
			return size
		}
	}
	return 5
}

// planChunk reads the size of its chunks off a plan's text, which tells it where it is
// not the usual.
func planChunk(text []byte) int {
	if n, err := strconv.Atoi(planKeys(text).values["chunk"]); err == nil {
		return n
	}
	return ChunkReplicates
}
