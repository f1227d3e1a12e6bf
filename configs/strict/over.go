package strict

// Over lays a document over another and returns the whole. Groups of keys are
// joined key by key; any other value replaces the one below it, also a list, and
// a group that gives a discriminator (such as kind) another value than the group
// below it, whose other keys are then those of another kind. A key with the value
// null takes away the one below. Faults are located in the document that wrote
// what is wrong, and both lose their own.
func (d *Document) Over(below *Document, discriminators ...string) *Document {
	base := below.Clone()
	root := over(d.root, base.root, discriminators)
	return &Document{root: root, faults: append(base.faults, d.faults...), overrides: d.overrides}
}

// over returns a group laid over another, neither of which it changes.
func over(top, below *node, discriminators []string) *node {
	whole := *top
	whole.keys, whole.items = nil, nil
	for i, key := range below.keys {
		if top.get(key.text) == nil {
			whole.keys, whole.items = append(whole.keys, key), append(whole.items, below.items[i])
		}
	}
	for i, key := range top.keys {
		item := top.items[i].clone()
		under := below.get(key.text)
		switch {
		case item.kind == scalar && item.style == plain && item.text == "null":
			if under != nil {
				continue
			}
		case under != nil && item.kind == mapping && under.kind == mapping && !otherKind(item, under, discriminators):
			item = over(item, under, discriminators)
		}
		whole.keys, whole.items = append(whole.keys, key), append(whole.items, item)
	}
	return &whole
}

// otherKind reports whether two groups are of different kinds.
func otherKind(top, below *node, discriminators []string) bool {
	for _, name := range discriminators {
		if a, b := top.get(name), below.get(name); a != nil && b != nil && a.text != b.text {
			return true
		}
	}
	return false
}

// Take removes the top-level key from the document and returns its value, and
// whether it was there as a single value.
func (d *Document) Take(key string) (value string, ok bool) {
	for i, k := range d.root.keys {
		if k.text != key || d.root.items[i].kind != scalar {
			continue
		}
		value = d.root.items[i].text
		d.root.keys = append(d.root.keys[:i:i], d.root.keys[i+1:]...)
		d.root.items = append(d.root.items[:i:i], d.root.items[i+1:]...)
		return value, true
	}
	return "", false
}
