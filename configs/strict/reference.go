package strict

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A Key is one line of the reference of a document's keys.
type Key struct {
	Path     string // e.g. trial.children.mean; "[]" stands for the entries of a list
	Kind     string // the discriminator that the key needs, e.g. "kind: blocked", or ""
	Type     string // in words, e.g. "list of numbers"
	Allowed  string // the range or the values, or ""
	Default  string // or ""
	Required bool
	Doc      string
}

// Reference lists every key that Decode accepts into a struct, in the order of
// their declaration. into is a pointer to the struct with its defaults.
func Reference(into any, kinds Kinds) ([]Key, error) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, fmt.Errorf("strict: Reference needs a pointer to a struct, not %T", into)
	}
	s, err := newSchema(v.Type().Elem(), kinds)
	if err != nil {
		return nil, err
	}
	r := referencer{schema: s}
	r.group(v.Elem(), "", "")
	return r.keys, nil
}

type referencer struct {
	*schema
	keys []Key
}

// group lists the keys of a struct.
func (r *referencer) group(v reflect.Value, path, kind string) {
	t := v.Type()
	own := r.outer(t)
	for _, f := range r.fields[t] {
		fv := v.Field(f.index)
		switch {
		case f.inline && fv.Kind() == reflect.Interface:
			r.members(fv.Type(), path)
		case f.inline:
			inner := referencer{schema: r.schema}
			inner.group(fv, path, kind)
			r.keys = append(r.keys, slices.DeleteFunc(inner.keys, func(k Key) bool {
				name := strings.TrimPrefix(strings.TrimPrefix(k.Path, path), ".")
				name, _, _ = strings.Cut(name, ".")
				return own[strings.TrimSuffix(name, "[]")]
			})...)
		default:
			k := Key{Path: join(path, f.name), Kind: kind, Type: r.words(fv.Type(), 1), Allowed: f.rules.words(fv.Type()), Required: f.required, Doc: f.doc}
			if d, ok := tellable(fv); ok && !f.required {
				k.Default = strings.ReplaceAll(strings.Trim(fmt.Sprint(d), "[]"), " ", ", ")
			}
			r.keys = append(r.keys, k)
			r.below(fv, k.Path)
		}
	}
}

// below lists the keys inside a value.
func (r *referencer) below(v reflect.Value, path string) {
	t := v.Type()
	switch {
	case t == valueType || isText(t):
		return
	case t.Kind() == reflect.Struct:
		r.group(v, path, "")
	case t.Kind() == reflect.Interface:
		r.members(t, path)
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map || t.Kind() == reflect.Pointer:
		fresh := reflect.New(t.Elem())
		setDefaults(fresh)
		switch t.Kind() {
		case reflect.Map:
			path += ".NAME"
		case reflect.Pointer:
		default:
			path += "[]"
		}
		r.below(fresh.Elem(), path)
	}
}

// members lists the keys of every kind of an interface.
func (r *referencer) members(t reflect.Type, path string) {
	kind := r.kinds[t]
	r.keys = append(r.keys, Key{
		Path: join(path, kind.Discriminator), Type: "text", Allowed: strings.Join(kind.names(), ", "), Required: true,
		Doc: "which of these it is",
	})
	for _, name := range kind.names() {
		v := reflect.ValueOf(kind.Prototypes[name])
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		r.group(v, path, kind.Discriminator+": "+name)
	}
}

// words names a type; n is 1 for one of it, else more.
func (r *referencer) words(t reflect.Type, n int) string {
	say := func(one, many string) string {
		if n == 1 {
			return one
		}
		return many
	}
	switch {
	case t == valueType:
		return say("any value", "values")
	case isText(t):
		return say("text", "texts")
	}
	switch t.Kind() {
	case reflect.Bool:
		return say("true or false", "trues and falses")
	case reflect.String:
		return say("text", "texts")
	case reflect.Float64:
		return say("number", "numbers")
	case reflect.Pointer:
		return r.words(t.Elem(), n)
	case reflect.Slice, reflect.Array:
		return say("list of ", "lists of ") + r.words(t.Elem(), 2)
	case reflect.Map:
		return say("names with ", "names with ") + r.words(t.Elem(), 2)
	case reflect.Struct, reflect.Interface:
		return say("keys", "groups of keys")
	default:
		return say("whole number", "whole numbers")
	}
}

// words says which values are allowed: a range, or names.
func (r rules) words(t reflect.Type) string {
	for t.Kind() == reflect.Slice && !isText(t) || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if isText(t) {
		if list, ok := reflect.Zero(t).Interface().(interface{ Names() []string }); ok {
			return strings.Join(list.Names(), ", ")
		}
	}
	var parts []string
	if r.min != nil && r.max != nil {
		return formatFloat(*r.min) + " to " + formatFloat(*r.max)
	}
	for _, bound := range []struct {
		words string
		value *float64
	}{{"at least ", r.min}, {"above ", r.gt}, {"at most ", r.max}, {"below ", r.lt}} {
		if bound.value != nil {
			parts = append(parts, bound.words+formatFloat(*bound.value))
		}
	}
	return strings.Join(parts, ", ")
}
