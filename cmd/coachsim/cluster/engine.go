package cluster

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// An Engine runs shards on many machines.
type Engine struct {
	Name  string
	About string
	// Flags of submit that mean something to it beside those that all know, and
	// of these the ones that it cannot do without.
	Flags, Needs []string
	MinShards    int
	MaxShards    int // 0 is no limit
	files        func(Job) []File
}

// Engines are all there are.
func Engines() []Engine {
	return []Engine{slurm, kubernetes, parallel, aws}
}

// EngineNames are their names.
func EngineNames() []string {
	var names []string
	for _, e := range Engines() {
		names = append(names, e.Name)
	}
	return names
}

// Find returns the engine of that name.
func Find(name string) (Engine, bool) {
	i := slices.Index(EngineNames(), name)
	if i < 0 {
		return Engine{}, false
	}
	return Engines()[i], true
}

// OwnFlags are the flags that not every engine takes.
func OwnFlags() []string {
	var all []string
	for _, e := range Engines() {
		for _, flag := range e.Flags {
			if !slices.Contains(all, flag) {
				all = append(all, flag)
			}
		}
	}
	return all
}

// Takers are the engines that take a flag of OwnFlags.
func Takers(flag string) []string {
	var names []string
	for _, e := range Engines() {
		if slices.Contains(e.Flags, flag) {
			names = append(names, e.Name)
		}
	}
	return names
}

// Files are the files of a job, study.yaml and submit.sh among them.
func (e Engine) Files(j Job) []File {
	return append(e.files(j), File{"study.yaml", j.Study})
}

// render fills in a template.
func render(name, text string, j Job) File {
	t := template.Must(template.New(name).Option("missingkey=error").Funcs(template.FuncMap{
		"quote":  Quote,
		"json":   strconv.Quote,
		"path":   j.path,
		"inside": j.inside,
		"slug":   func() string { return "coachsim-" + j.slug(40) },
		"unique": j.unique,
		"last":   func() int { return j.Shards - 1 },
		"indent": func(n int, text []byte) string {
			var b strings.Builder
			for line := range strings.Lines(string(text)) {
				if strings.TrimSpace(line) != "" {
					b.WriteString(strings.Repeat(" ", n))
				}
				b.WriteString(line)
			}
			return strings.TrimSuffix(b.String(), "\n")
		},
	}).Parse(text))
	var b bytes.Buffer
	if err := t.Execute(&b, j); err != nil {
		panic(fmt.Sprintf("template of %s: %v", name, err)) // a mistake in this package
	}
	return File{name, b.Bytes()}
}
