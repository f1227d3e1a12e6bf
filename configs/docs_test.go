package configs_test

import (
	"os"
	"path/filepath"
	"testing"

	"coachsim/configs"
	"coachsim/estimators"
)

// The studies that the documentation tells of can be run.
func TestStudiesOfTheDocumentation(t *testing.T) {
	files, err := filepath.Glob("../docs/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d studies: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		study, err := configs.Load(file, text, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		g, err := study.Trial.Compile()
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if _, err := estimators.Bind(named(study, ""), g.Shape(), study.Terms); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
