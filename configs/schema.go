package configs

import (
	"coachsim/configs/strict"
	"coachsim/sim"
)

// Schema is the JSON Schema of a study file, for editors.
func Schema() ([]byte, error) {
	return strict.JSONSchema(&file{Study: sim.DefaultStudy()}, kinds(), "A study of coachsim")
}

// Keys lists every key of a study file with its type, range, default and
// meaning.
func Keys() ([]strict.Key, error) {
	return strict.Reference(&file{Study: sim.DefaultStudy()}, kinds())
}
