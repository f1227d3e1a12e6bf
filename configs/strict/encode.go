package strict

import (
	"encoding"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Encode writes a struct, or a pointer to one, as YAML that Decode reads back
// to the same value. Keys stand in the order of the fields, those of maps in
// alphabetical order; nil pointers, slices, maps and interfaces are left out.
func Encode(v any, kinds Kinds) ([]byte, error) {
	value := reflect.ValueOf(v)
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if !value.IsValid() {
		return nil, fmt.Errorf("strict: Encode needs a struct, not %T", v)
	}
	s, err := newSchema(value.Type(), kinds)
	if err != nil {
		return nil, err
	}
	e := encoder{s}
	root := &node{kind: mapping}
	if err := e.fields(root, value, "", 0); err != nil {
		return nil, err
	}
	root.flow = len(root.keys) == 0
	text, err := writeYAML(root)
	return []byte(text), err
}

type encoder struct{ *schema }

// value returns the node of a value, or nil for a value to leave out.
func (e encoder) value(v reflect.Value, path string, depth int) (*node, error) {
	bad := func(problem string) (*node, error) {
		return nil, fmt.Errorf("strict: %s %s", path, problem)
	}
	if depth > maxDepth {
		return bad("is nested too deep")
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, nil
	}
	switch {
	case v.Type() == valueType:
		n, faults, fatal := readYAML(newOrigin(path, v.String()), v.String(), path)
		if n == nil || len(faults) > 0 || fatal != nil {
			return bad("holds a Value that is no YAML")
		}
		return n, nil
	case isText(v.Type()):
		return e.text(v, path)
	}
	switch v.Kind() {
	case reflect.Pointer:
		return e.value(v.Elem(), path, depth+1)
	case reflect.Bool:
		return &node{text: strconv.FormatBool(v.Bool())}, nil
	case reflect.Float64:
		if math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0) {
			return bad("is not a finite number")
		}
		return &node{text: formatFloat(v.Float())}, nil
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return bad("is not UTF-8 text")
		}
		return textNode(v.String()), nil
	case reflect.Slice, reflect.Array:
		return e.list(v, path, depth)
	case reflect.Map:
		return e.mapping(v, path, depth)
	case reflect.Struct:
		n := &node{kind: mapping}
		err := e.fields(n, v, path, depth)
		n.flow = len(n.keys) == 0
		return n, err
	case reflect.Interface:
		if v.IsNil() {
			return nil, nil
		}
		n := &node{kind: mapping}
		return n, e.kind(n, v, path, depth)
	}
	if v.CanUint() {
		return &node{text: strconv.FormatUint(v.Uint(), 10)}, nil
	}
	return &node{text: strconv.FormatInt(v.Int(), 10)}, nil
}

// fields adds the keys of a struct to a mapping.
func (e encoder) fields(n *node, v reflect.Value, path string, depth int) error {
	for _, f := range e.schema.fields[v.Type()] {
		fv := v.Field(f.index)
		var err error
		switch {
		case f.inline && fv.Kind() == reflect.Interface:
			if !fv.IsNil() {
				err = e.kind(n, fv, path, depth)
			}
		case f.inline:
			err = e.inner(n, v.Type(), fv, path, depth)
		case f.omitEmpty && isZero(fv):
		default:
			var item *node
			if item, err = e.value(fv, join(path, f.name), depth+1); item != nil {
				n.put(textNode(f.name), item)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isZero asks a value whether it was left out; the others are if they are their
// type's zero.
func isZero(v reflect.Value) bool {
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
		return z.IsZero()
	}
	return v.IsZero()
}

// inner adds the keys of a struct that is inline in one of type outer.
func (e encoder) inner(n *node, outer reflect.Type, v reflect.Value, path string, depth int) error {
	part := &node{kind: mapping}
	if err := e.fields(part, v, path, depth); err != nil {
		return err
	}
	hidden := e.schema.outer(outer)
	for i, key := range part.keys {
		if !hidden[key.text] {
			n.put(key, part.items[i])
		}
	}
	return nil
}

// kind adds the discriminator and the keys of a polymorphic value to a mapping.
func (e encoder) kind(n *node, v reflect.Value, path string, depth int) error {
	kind := e.kinds[v.Type()]
	held := v.Elem()
	name, ok := kind.nameOf(held.Type())
	if !ok || held.Kind() == reflect.Pointer && held.IsNil() {
		return fmt.Errorf("strict: %s holds a %s, which is none of its kinds", orDocument(path), held.Type())
	}
	if held.Kind() == reflect.Pointer {
		held = held.Elem()
	}
	n.put(textNode(kind.Discriminator), textNode(name))
	return e.fields(n, held, path, depth)
}

func (e encoder) list(v reflect.Value, path string, depth int) (*node, error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return nil, nil
	}
	n := &node{kind: list, flow: true}
	for i := range v.Len() {
		item, err := e.value(v.Index(i), at(path, i), depth+1)
		if err != nil {
			return nil, err
		}
		if item == nil {
			return nil, fmt.Errorf("strict: %s is nil, which a list cannot hold", at(path, i))
		}
		n.flow = n.flow && item.kind == scalar && item.style != block
		n.items = append(n.items, item)
	}
	return n, nil
}

func (e encoder) mapping(v reflect.Value, path string, depth int) (*node, error) {
	if v.IsNil() {
		return nil, nil
	}
	n := &node{kind: mapping, flow: v.Len() == 0}
	values := map[string]reflect.Value{}
	for _, key := range v.MapKeys() {
		values[key.String()] = v.MapIndex(key)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !utf8.ValidString(key) {
			return nil, fmt.Errorf("strict: a key of %s is not UTF-8 text", path)
		}
		item, err := e.value(values[key], join(path, key), depth+1)
		if err != nil {
			return nil, err
		}
		if item == nil {
			return nil, fmt.Errorf("strict: %s is nil, which a mapping cannot hold", join(path, key))
		}
		keyNode := textNode(key)
		if keyNode.style == block {
			keyNode.style = doubleQuoted
		}
		n.put(keyNode, item)
	}
	return n, nil
}

// text writes a type that reads itself from a text.
func (e encoder) text(v reflect.Value, path string) (*node, error) {
	marshaler, ok := v.Interface().(encoding.TextMarshaler)
	if !ok {
		// The method may be on the pointer, and v may not have an address.
		pointer := reflect.New(v.Type())
		pointer.Elem().Set(v)
		if marshaler, ok = pointer.Interface().(encoding.TextMarshaler); !ok {
			return nil, fmt.Errorf("strict: %s has type %s, which has no MarshalText", path, v.Type())
		}
	}
	text, err := marshaler.MarshalText()
	if err != nil {
		return nil, fmt.Errorf("strict: %s: %w", path, err)
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("strict: %s is not UTF-8 text", path)
	}
	if s := shapeOf(string(text)); s == integer || s == decimal || s == boolean {
		return &node{text: string(text)}, nil // its reader takes any scalar, so no quotes are needed
	}
	return textNode(string(text)), nil
}

// textNode returns the node of a text, quoted if it would read as something
// else.
func textNode(text string) *node {
	n := &node{text: text}
	switch {
	case shapeOf(text) != word:
		n.style = doubleQuoted
	case isParagraph(text):
		n.style = block
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		n.style = doubleQuoted
	}
	return n
}

// isParagraph reports whether a text of several lines can be a literal block
// without any doubt about its white space.
func isParagraph(text string) bool {
	body, found := strings.CutSuffix(text, "\n")
	if !found {
		return false
	}
	for _, line := range strings.Split(body, "\n") {
		if line == "" || strings.TrimSpace(line) != line || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return false
		}
	}
	return true
}
