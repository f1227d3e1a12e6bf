package configs

import (
	"fmt"
	"slices"
	"strings"

	"coachsim/configs/strict"
	"coachsim/dgp/spelling"
)

// likeKey names the built-in study that a study file changes.
const likeKey = "like"

// parse reads a study file. Where it says that it is like a built-in study, the
// keys that it writes are laid over those of that one.
func parse(name string, text []byte) (*strict.Document, error) {
	doc, err := strict.Parse(strict.Source{Name: name, Text: text})
	if err != nil {
		return nil, err
	}
	var seen []string
	for doc.Has(likeKey) {
		wrong := doc.Fault(likeKey, "", "")
		like, single := doc.Take(likeKey)
		if !single {
			break // Decode says what it should be
		}
		below, ok := Preset(like)
		switch {
		case !ok:
			wrong.Message = fmt.Sprintf("there is no built-in study %q; built in: %s", like, strings.Join(Presets(), ", "))
			if near := spelling.Nearest(like, Presets()); near != "" {
				wrong.Hint = "did you mean " + near + "?"
			}
		case slices.Contains(seen, like):
			wrong.Message = like + " is like itself"
		default:
			seen = append(seen, like)
			base, err := strict.Parse(strict.Source{Name: BuiltIn(like), Text: below})
			if err != nil {
				return nil, err
			}
			doc = doc.Over(base, discriminators()...)
			continue
		}
		return nil, strict.Faults{wrong}
	}
	return doc, nil
}

// BuiltIn is how messages call the text of a built-in study.
func BuiltIn(name string) string { return name + ".yaml (built in)" }

// discriminators are the keys that say of which kind a group is.
func discriminators() []string {
	var all []string
	for _, kind := range kinds() {
		if !slices.Contains(all, kind.Discriminator) {
			all = append(all, kind.Discriminator)
		}
	}
	slices.Sort(all)
	return all
}
