package strict

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A Source is a named YAML text.
type Source struct {
	Name string // shown in faults; usually the file's name
	Text []byte
}

// A Document is a YAML document that has been read but not yet decoded.
type Document struct {
	root      *node
	faults    Faults // found while reading; Decode reports them with its own
	overrides int
}

// Parse reads a document. Only faults that leave nothing to decode are returned
// here, as Faults: broken syntax, an empty text, a top level without keys. The
// others that reading finds (equal keys, aliases, tags, a second document) are
// kept for Decode, which reports them together with its own.
func Parse(src Source) (*Document, error) {
	name := src.Name
	if name == "" {
		name = "input"
	}
	text := strings.TrimPrefix(string(src.Text), "\ufeff")
	from := newOrigin(name, text)
	root, faults, fatal := readYAML(from, text, "")
	switch {
	case fatal != nil:
		return nil, Faults{*fatal}
	case root == nil || root.isNull():
		return nil, Faults{from.fault("", 0, 0, 0, "the document is empty", "")}
	case root.kind == broken:
		return nil, faults.orNil()
	case root.kind != mapping:
		hint := ""
		if before, after, found := strings.Cut(root.text, ":"); found && isName(before) && after != "" {
			hint = "put a space after the colon"
		}
		faults = append(faults, root.fault("", "the top level must be keys with values, not "+root.describe(), hint))
		return nil, faults.orNil()
	}
	return &Document{root: root, faults: faults}, nil
}

// Clone returns a copy whose overrides do not affect the original.
func (d *Document) Clone() *Document {
	return &Document{root: d.root.clone(), faults: append(Faults(nil), d.faults...), overrides: d.overrides}
}

// Set overrides the value at a path such as trial.schools, covariates[2].mean
// (or covariates.2.mean) or sweep["trial.schools"]. The value is read as YAML.
// Missing keys are added, for Decode to judge; missing list entries are not. The value
// null takes the key, or the list's entry, away.
// Faults in the value, here or in Decode, name the override instead of a line.
func (d *Document) Set(key, value string) error {
	return d.SetFrom("--set "+oneLine(key)+"="+short(oneLine(value)), key, value)
}

// SetFrom is Set for an override that does not come from --set. The label
// names it in faults.
func (d *Document) SetFrom(label, key, value string) error {
	d.overrides++
	from := newOrigin(label, value)
	from.order, from.override, from.key = d.overrides, true, key
	fail := func(message, hint string) error {
		return Faults{from.fault(key, 0, 0, 0, message, hint)}
	}
	steps, err := parsePath(key)
	if err != nil {
		return fail(err.Error(), "write a key's path, such as group.key or list[0].key")
	}
	item, faults, fatal := readYAML(from, value, key)
	switch {
	case fatal != nil:
		fatal.Path = key
		return Faults{*fatal}
	case len(faults) > 0:
		return faults.orNil()
	case item == nil:
		item = &node{kind: scalar, from: from, line: 1, column: 1}
	}
	item.dropped = item.isNull() && item.text != ""

	parent, path := d.root, ""
	for i, step := range steps {
		last := i == len(steps)-1
		switch {
		case parent.kind == list && step.index >= 0:
			if step.index >= len(parent.items) {
				return fail(fmt.Sprintf("the list %s has %s; there is no entry %d (they are counted from 0)", path, count(len(parent.items), "entry", "entries"), step.index), "")
			}
			if last && item.dropped {
				parent.items = slices.Delete(parent.items, step.index, step.index+1)
				return nil
			}
			if last {
				parent.items[step.index] = item
			}
			path, parent = at(path, step.index), parent.items[step.index]
		case parent.kind == mapping && !step.bracket:
			next := parent.get(step.name)
			if last || next == nil {
				next = item
				if !last { // a section that the document leaves out
					next = &node{kind: mapping, from: from, line: 1, column: 1}
				}
				parent.put(&node{kind: scalar, text: step.name, from: from, line: 1, column: 1}, next)
			}
			path, parent = join(path, step.name), next
		case parent.kind == list:
			return fail(fmt.Sprintf("%s is a list: give the number of an entry, as in %s", path, at(path, 0)), "")
		case parent.kind == mapping:
			return fail(fmt.Sprintf("%s is no list, so it has no entry [%d]", orDocument(path), step.index), "")
		default:
			return fail(fmt.Sprintf("%s holds a single value, so nothing can be set inside it", path), "")
		}
	}
	return nil
}

// Has reports whether the document, with its overrides, writes a value at path.
func (d *Document) Has(path string) bool {
	_, exact := d.find(path)
	return exact
}

// Keys returns the keys of the mapping at path in the order they are written,
// which the Go map they are decoded into does not keep.
func (d *Document) Keys(path string) []string {
	n, exact := d.find(path)
	if !exact {
		return nil
	}
	var keys []string
	for i, k := range n.keys {
		if !n.items[i].dropped {
			keys = append(keys, k.text)
		}
	}
	return keys
}

// Fault makes a fault located at path, for checks that follow decoding. A path
// that the document does not write (a default) is located at its nearest
// ancestor that it does write.
func (d *Document) Fault(path, message, hint string) Fault {
	n, exact := d.find(path)
	f := n.fault(path, message, hint)
	if !exact && n == d.root { // a default of the top level stands nowhere
		f.Line, f.Column = 0, 0
	}
	return f
}

// FaultIn is Fault with the caret under the byte at offset of the text at path,
// for faults inside a formula.
func (d *Document) FaultIn(path string, offset int, message, hint string) Fault {
	n, exact := d.find(path)
	if !exact || n.kind != scalar {
		return d.Fault(path, message, hint)
	}
	return n.faultIn(path, offset, message, hint)
}

// find returns the node at path, or its nearest ancestor.
func (d *Document) find(path string) (n *node, exact bool) {
	if path == "" {
		return d.root, true
	}
	steps, err := parsePath(path)
	if err != nil {
		return d.root, false
	}
	n = d.root
	for _, step := range steps {
		next := n.child(step)
		if next == nil {
			return n, false
		}
		n = next
	}
	return n, true
}

// oneLine keeps a label on one line.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

func orDocument(path string) string {
	if path == "" {
		return "the document"
	}
	return path
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
