package strict

import (
	"fmt"
	"reflect"
	"slices"

	"coachsim/dgp/spelling"
)

// A slot is one key that a mapping may hold, and where its value goes.
type slot struct {
	field
	value reflect.Value // invalid for a discriminator, which is read beforehand
}

// A group is the set of keys of one mapping: those of a struct, of the structs
// inside it, and of the kind that a discriminator has chosen.
type group struct {
	d       *decoder
	node    *node
	path    string
	slots   []slot
	others  map[string]string // keys of kinds that were not chosen, and whose they are
	finish  []func()          // puts chosen kinds into their interfaces, innermost last
	unknown bool              // a kind could not be chosen, so its keys are not known
}

// group decodes a mapping into a struct or an interface.
func (d *decoder) group(dst reflect.Value, n *node, path string) {
	if n.kind != mapping {
		hint := ""
		if dst.Kind() == reflect.Interface && n.kind == scalar {
			hint = fmt.Sprintf("write {%s: %s}", d.kinds[dst.Type()].Discriminator, short(n.text))
		}
		d.fail(n, path, "must be a group of keys, not "+n.describe(), hint)
		return
	}
	g := group{d: d, node: n, path: path, others: map[string]string{}}
	if dst.Kind() == reflect.Interface {
		g.choose(dst, field{required: true})
	} else {
		g.collect(dst)
	}
	for i, key := range n.keys {
		s := g.slot(key.text)
		switch {
		case s == nil:
			g.unknownKey(key)
		case s.value.IsValid() && !n.items[i].dropped:
			d.value(s.value, n.items[i], join(path, key.text), s.rules)
		}
	}
	for _, s := range g.slots {
		if n.get(s.name) == nil && s.value.IsValid() {
			g.absent(s)
		}
	}
	for _, f := range slices.Backward(g.finish) {
		f()
	}
}

func (g *group) slot(key string) *slot {
	for i := range g.slots {
		if g.slots[i].name == key {
			return &g.slots[i]
		}
	}
	return nil
}

// collect adds the keys of a struct.
func (g *group) collect(v reflect.Value) {
	own := g.d.outer(v.Type())
	for _, f := range g.d.fields[v.Type()] {
		fv := v.Field(f.index)
		switch {
		case f.inline && fv.Kind() == reflect.Interface:
			g.choose(fv, f)
		case f.inline:
			from := len(g.slots)
			g.collect(fv)
			inner := slices.DeleteFunc(g.slots[from:], func(s slot) bool { return own[s.name] })
			g.slots = g.slots[:from+len(inner)]
		default:
			g.slots = append(g.slots, slot{field: f, value: fv})
		}
	}
}

// choose picks the prototype that the discriminator names, and adds its keys.
// A default of the same kind serves as the prototype.
func (g *group) choose(dst reflect.Value, f field) {
	kind := g.d.kinds[dst.Type()]
	key := kind.Discriminator
	path := join(g.path, key)
	g.slots = append(g.slots, slot{field: field{name: key}})

	current, name := dst.Elem(), ""
	if current.IsValid() {
		name, _ = kind.nameOf(current.Type())
		if current.Kind() == reflect.Pointer && current.IsNil() {
			name = ""
		}
	}
	chosen := current
	if n := g.node.get(key); n != nil {
		text, ok := g.discriminator(n, path, kind)
		if !ok {
			g.unknown = true
			return
		}
		if text != name {
			name, chosen = text, reflect.ValueOf(kind.Prototypes[text])
		}
	}
	g.otherKinds(kind, name)
	if name == "" {
		if f.required {
			g.missing(key, f.doc, suggestValue("", kind.names()))
			g.unknown = true
		}
		return
	}
	isPointer := chosen.Kind() == reflect.Pointer
	if isPointer {
		chosen = chosen.Elem()
	}
	fresh := reflect.New(chosen.Type())
	fresh.Elem().Set(chosen)
	g.collect(fresh.Elem())
	g.finish = append(g.finish, func() {
		if isPointer {
			dst.Set(fresh)
		} else {
			dst.Set(fresh.Elem())
		}
	})
}

// discriminator reads the name of a kind.
func (g *group) discriminator(n *node, path string, kind Kind) (name string, ok bool) {
	switch {
	case n.kind == broken:
		return "", false
	case n.isNull():
		g.d.fail(n, path, "has no value", suggestValue("", kind.names()))
		return "", false
	case n.kind != scalar:
		g.d.fail(n, path, "must be a single value, not "+n.describe(), suggestValue("", kind.names()))
		return "", false
	}
	if _, known := kind.Prototypes[n.text]; !known {
		g.d.fail(n, path, quote(n.text)+" is not one of the allowed values", suggestValue(n.text, kind.names()))
		return "", false
	}
	return n.text, true
}

// otherKinds remembers the keys of the kinds not chosen, for hints.
func (g *group) otherKinds(kind Kind, chosen string) {
	for _, name := range kind.names() {
		if name == chosen {
			continue
		}
		keys, _ := g.d.keysOf(structOf(reflect.TypeOf(kind.Prototypes[name]))) // checked by newSchema
		for _, key := range keys {
			if g.others[key] == "" {
				g.others[key] = kind.Discriminator + ": " + name
			}
		}
	}
}

// unknownKey reports a key that the group does not have.
func (g *group) unknownKey(key *node) {
	if g.unknown {
		return // it may belong to the kind that was meant
	}
	var names []string
	for _, s := range g.slots {
		names = append(names, s.name)
	}
	hint := suggest("allowed keys", key.text, names)
	if owner := g.others[key.text]; owner != "" {
		hint = "it belongs to " + owner
	} else if name, value := splitColon(key.text); value != "" && slices.Contains(names, name) {
		hint = "put a space after the colon"
	} else if spelling.Nearest(key.text, names) == "" {
		if elsewhere := g.d.elsewhere(key.text); elsewhere != "" {
			hint = "did you mean " + elsewhere + "?"
		}
	}
	g.d.fail(key, join(g.path, key.text), "unknown key", hint)
}

// absent reports required keys that are not written, also those inside a
// struct that is not written at all, unless it may be left out (omitempty).
func (g *group) absent(s slot) {
	t := s.value.Type()
	switch {
	case s.required:
		g.missing(s.name, s.doc, "")
	case t.Kind() == reflect.Struct && !isText(t) && !s.omitEmpty:
		empty := &node{kind: mapping, from: g.node.from, line: g.node.line, column: g.node.column, flow: g.node.flow, owner: g.node.owner}
		if !empty.flow && empty.owner == nil && len(g.node.keys) > 0 && g.node.keys[0].from == empty.from {
			empty.owner = g.node.keys[0]
		}
		g.d.group(s.value, empty, join(g.path, s.name))
	}
}

// missing reports a required key at the mapping that lacks it.
func (g *group) missing(key, doc, hint string) {
	message := "the required key is missing"
	if doc != "" {
		message += " (" + doc + ")"
	}
	if drop := g.node.without(key); drop != nil {
		g.d.fail(drop, join(g.path, key), "cannot be dropped: "+message, hint)
		return
	}
	g.d.fail(g.node, join(g.path, key), message, hint)
}

// elsewhere returns the path of the only other place, among the sections that
// the document always has, where a key is known.
func (d *decoder) elsewhere(key string) string {
	var found []string
	var search func(t reflect.Type, path string, depth int)
	search = func(t reflect.Type, path string, depth int) {
		if depth > 8 { // pointers may make types recursive
			return
		}
		for _, f := range d.fields[t] {
			ft := t.Field(f.index).Type
			inner := path
			if !f.inline {
				inner = join(path, f.name)
				if f.name == key {
					found = append(found, inner)
				}
			}
			if section := structOf(ft); section != nil && !isText(section) {
				search(section, inner, depth+1)
			}
		}
	}
	search(d.root, "", 0)
	if len(found) != 1 {
		return ""
	}
	return found[0]
}
