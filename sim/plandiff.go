package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// planDiff lists the keys at which two plans differ, each with its whole path, the
// old value and the new one, up to twenty. How many replicates there are and what only
// says which part or version of a run a plan is are no differences.
func planDiff(old, now []byte) string {
	before, after := planKeys(old), planKeys(now)
	for _, list := range []*planKeyList{before, after} {
		list.keys = slices.DeleteFunc(list.keys, func(k planKey) bool { return k.path == "replicates" || strings.HasPrefix(k.path, "precision") })
	}
	var lines []string
	list := func(mark string, k planKey) {
		lines = append(lines, fmt.Sprintf("  %s %s: %s\n", mark, k.path, k.value))
	}
	for _, k := range before.keys {
		value, kept := after.values[k.path]
		if kept && value == k.value {
			continue
		}
		list("-", k)
		if kept {
			list("+", planKey{k.path, value})
		}
	}
	for _, k := range after.keys {
		if _, known := before.values[k.path]; !known {
			list("+", k)
		}
	}
	const most = 20
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("  and %d more\n", len(lines)-most))
	}
	return strings.Join(lines, "")
}

// A planKey is one key of a plan with its value: a number, a text, or a list of these.
type planKey struct{ path, value string }

type planKeyList struct {
	keys   []planKey
	values map[string]string // by path
}

// planKeys takes a plan's text apart. One that cannot be read has its lines for keys.
func planKeys(text []byte) *planKeyList {
	list := &planKeyList{values: map[string]string{}}
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) == nil && len(doc.Content) == 1 && doc.Content[0].Kind == yaml.MappingNode {
		list.add("", doc.Content[0])
		return list
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		list.put("line "+strconv.Itoa(n), strings.TrimRight(line, "\n"))
	}
	return list
}

func (l *planKeyList) put(path, value string) {
	for _, again := l.values[path]; again; _, again = l.values[path] {
		path += " (again)" // two things of one name
	}
	l.keys = append(l.keys, planKey{path, value})
	l.values[path] = value
}

func (l *planKeyList) add(path string, node *yaml.Node) {
	switch {
	case node.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			below := node.Content[i].Value
			if path != "" {
				below = path + "." + below
			}
			l.add(below, node.Content[i+1])
		}
	case node.Kind == yaml.SequenceNode && !inline(node):
		for i, item := range node.Content {
			l.add(fmt.Sprintf("%s[%s]", path, itemName(item, i)), item)
		}
	default:
		l.put(path, inlined(node))
	}
}

// inline reports whether a list is written on one line: one of numbers and texts.
func inline(node *yaml.Node) bool {
	for _, item := range node.Content {
		if item.Kind == yaml.MappingNode || item.Kind == yaml.SequenceNode && !inline(item) {
			return false
		}
	}
	return true
}

func inlined(node *yaml.Node) string {
	if node.Kind != yaml.SequenceNode {
		return node.Value
	}
	items := make([]string, len(node.Content))
	for i, item := range node.Content {
		items[i] = inlined(item)
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// itemName is the name of an entry of a list, or its place.
func itemName(node *yaml.Node, i int) string {
	if node.Kind == yaml.MappingNode {
		for k := 0; k+1 < len(node.Content); k += 2 {
			if node.Content[k].Value == "name" && node.Content[k+1].Value != "" {
				return node.Content[k+1].Value
			}
		}
	}
	return strconv.Itoa(i)
}
