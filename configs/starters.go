package configs

import (
	"embed"
	"slices"
	"strings"
)

//go:embed starters/*.yaml
var starterFiles embed.FS

const starterDir = "starters"

// A Starter is a short commented study to be edited into one's own.
type Starter struct {
	Name     string
	Sentence string // what it is, from the comment it begins with
	Text     []byte
}

// Starters lists the starters by name.
func Starters() []Starter {
	entries, err := starterFiles.ReadDir(starterDir)
	if err != nil {
		panic("configs: the embedded starters cannot be listed: " + err.Error())
	}
	var all []Starter
	for _, e := range entries {
		text, err := starterFiles.ReadFile(starterDir + "/" + e.Name())
		if err != nil {
			panic("configs: an embedded starter cannot be read: " + err.Error())
		}
		all = append(all, Starter{Name: strings.TrimSuffix(e.Name(), ".yaml"), Sentence: firstSentence(string(text)), Text: text})
	}
	return all
}

// StarterFor returns the text of a starter with the comments' FILE made the
// name of the file it is written to, and whether there is a starter of the name.
func StarterFor(name, file string) (text string, ok bool) {
	all := Starters()
	at := slices.IndexFunc(all, func(s Starter) bool { return s.Name == name })
	if at < 0 {
		return "", false
	}
	return strings.ReplaceAll(string(all[at].Text), "FILE", file), true
}

// firstSentence reads the first sentence of the comment a text begins with.
func firstSentence(text string) string {
	var words []string
	for line := range strings.Lines(text) {
		comment, ok := strings.CutPrefix(line, "#")
		if !ok {
			break
		}
		words = append(words, strings.Fields(comment)...)
	}
	sentence, _, _ := strings.Cut(strings.Join(words, " "), ". ")
	return strings.TrimSuffix(sentence, ".") + "."
}
