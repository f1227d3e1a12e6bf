package configs

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.yaml
var presetFiles embed.FS

// Presets lists the names of the studies that are built in.
func Presets() []string {
	entries, err := presetFiles.ReadDir(".")
	if err != nil {
		panic("configs: the embedded studies cannot be listed: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// Preset returns the text of a built-in study, and whether there is one.
func Preset(name string) ([]byte, bool) {
	text, err := presetFiles.ReadFile(name + ".yaml")
	return text, err == nil
}
