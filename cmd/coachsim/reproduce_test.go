package main

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"coachsim/sim"
)

// What published cells show together stands in the JSON too, with its error.
func TestReproduceJSONHasPatterns(t *testing.T) {
	var out bytes.Buffer
	patterns := []sim.Pattern{{Name: "all ticks", Share: 0.25, MCSE: 0.05, N: 75}, {Name: "none", Share: math.NaN(), MCSE: math.NaN()}}
	if err := writeComparisonJSON(&out, sim.Provenance{}, nil, patterns, sim.Agreement{}, 75, true); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Patterns []struct {
			Name        string
			Share, MCSE *float64
			N           int
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if p := got.Patterns; len(p) != 2 || p[0].Name != "all ticks" || *p[0].Share != 0.25 || *p[0].MCSE != 0.05 || p[0].N != 75 || p[1].Share != nil {
		t.Errorf("%s", out.Bytes())
	}
}
