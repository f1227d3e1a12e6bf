package configs

import (
	"encoding/json"

	"coachsim/configs/strict"
	"coachsim/sim"
)

// Schema is the JSON Schema of a study file, for editors: of a whole study, or,
// where it says which study it is like, of one without what need not be said again.
func Schema() ([]byte, error) {
	text, err := strict.JSONSchema(&file{Study: sim.DefaultStudy()}, kinds(), "A study of coachsim")
	if err != nil {
		return nil, err
	}
	var whole, partly map[string]any
	for _, schema := range []*map[string]any{&whole, &partly} {
		if err := json.Unmarshal(text, schema); err != nil {
			return nil, err
		}
	}
	relax(partly)
	root := map[string]any{"if": map[string]any{"required": []string{likeKey}}, "then": partly, "else": whole}
	for _, key := range []string{"$schema", "title"} {
		root[key] = whole[key]
		delete(whole, key)
		delete(partly, key)
	}
	return json.MarshalIndent(root, "", "  ")
}

// relax lets a group of keys leave out any of them, and take one away with null.
// The entries of lists stay whole.
func relax(group map[string]any) {
	delete(group, "required")
	for _, one := range listAt(group, "allOf") {
		if then, ok := one.(map[string]any)["then"].(map[string]any); ok {
			delete(then, "required")
		}
	}
	if value, ok := group["additionalProperties"].(map[string]any); ok { // of names
		relax(value)
		group["additionalProperties"] = map[string]any{"anyOf": []any{value, map[string]any{"type": "null"}}}
	}
	properties, _ := group["properties"].(map[string]any)
	for key, p := range properties {
		value, ok := p.(map[string]any)
		if !ok || key == likeKey {
			continue // true: said by kind
		}
		relax(value)
		said := map[string]any{"anyOf": []any{value, map[string]any{"type": "null"}}}
		for _, word := range []string{"description", "default"} {
			if v, ok := value[word]; ok {
				said[word] = v
				delete(value, word)
			}
		}
		properties[key] = said
	}
}

func listAt(group map[string]any, key string) []any {
	list, _ := group[key].([]any)
	return list
}

// Keys lists every key of a study file with its type, range, default and
// meaning.
func Keys() ([]strict.Key, error) {
	return strict.Reference(&file{Study: sim.DefaultStudy()}, kinds())
}
