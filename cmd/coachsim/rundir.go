package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"coachsim/configs"
	"coachsim/sim"
)

// readRun reads the plan of a run directory with its study.
func readRun(dir string) (sim.Plan, error) {
	old, err := sim.ReadPlan(dir)
	path := filepath.Join(dir, "plan.yaml")
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s is not a run directory: there is no %s", dir, path)
		}
		return sim.Plan{}, &exitError{exitFile, err}
	}
	study, err := configs.LoadPlan(path, old.Text)
	if err != nil {
		return sim.Plan{}, err
	}
	old.Study = study
	return old, nil
}

// readLoggedRun is readRun of a directory whose log this program would write.
func readLoggedRun(dir string) (sim.Plan, error) {
	old, err := readRun(dir)
	if err != nil {
		return old, err
	}
	plan, err := configs.Plan(old.Study, old.Build)
	if err != nil {
		return plan, err
	}
	if plan.Hash != old.Hash {
		return plan, &exitError{exitFile, fmt.Errorf("%s is not the log of its plan.yaml: that was edited, or coachsim %s, which made it, gave other results than this coachsim %s", dir, old.Version, version())}
	}
	return plan.Part(old.Shard), nil
}

// hold keeps other processes out of a run directory while this one works in it.
func hold(dir string) (release func(), err error) {
	if err := checkDirectory(dir); err != nil {
		return nil, err
	}
	let, err := sim.Hold(dir)
	if err != nil {
		return nil, err
	}
	return func() { _ = let() }, nil // the end of the process lets go too
}
