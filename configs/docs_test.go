package configs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coachsim/configs"
	"coachsim/estimators"
	"coachsim/sim"
)

// The studies that the documentation tells of can be run, and their run directories
// opened again.
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
		if plan, err := configs.Plan(study, sim.Build{Version: "v1.0.0"}); err != nil {
			t.Errorf("%s: %v", file, err)
		} else if _, err := configs.LoadPlan("plan.yaml", plan.Text); err != nil {
			t.Error(err)
		}
	}
}

// Every file that the documentation links to or shows is there.
func TestLinksOfTheDocumentation(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	pages = append(pages, "../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md")
	code := regexp.MustCompile("(?s)```.*?```|`[^`]*`")
	link := regexp.MustCompile(`\]\(([^()\s]+)[^()]*\)|(?m:^\[[^\]]+\]:\s*(\S+))|(?:src|href)="([^"]+)"`)
	files := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, found := range link.FindAllStringSubmatch(code.ReplaceAllString(string(text), ""), -1) {
			target := found[1] + found[2] + found[3]
			if file, _, _ := strings.Cut(target, "#"); file != "" && !strings.Contains(file, ":") {
				files++
				if _, err := os.Stat(filepath.Join(filepath.Dir(page), file)); err != nil {
					t.Errorf("%s links to %s, which is not there", page, target)
				}
			}
		}
	}
	if files < 30 {
		t.Errorf("only %d links were found", files)
	}
}
