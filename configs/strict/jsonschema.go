package strict

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// JSONSchema describes the documents that Decode accepts into a struct as a
// JSON Schema (draft 07, which editors know), for completion and checks while
// typing. into is a pointer to the struct with its defaults. What the schema
// cannot say, such as conditions between keys, is left to Decode: a document
// that the schema refuses is one that Decode refuses.
func JSONSchema(into any, kinds Kinds, title string) ([]byte, error) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, fmt.Errorf("strict: JSONSchema needs a pointer to a struct, not %T", into)
	}
	s, err := newSchema(v.Type().Elem(), kinds)
	if err != nil {
		return nil, err
	}
	root := s.object(v.Elem())
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = title
	return json.MarshalIndent(root, "", "  ")
}

// object describes a struct with its defaults.
func (s *schema) object(v reflect.Value) map[string]any {
	o := map[string]any{"type": "object", "additionalProperties": false}
	properties := map[string]any{}
	var required []string
	var cases []any
	s.properties(v, properties, &required, &cases)
	o["properties"] = properties
	if required != nil {
		o["required"] = required
	}
	if cases != nil {
		o["allOf"] = cases
	}
	return o
}

// properties adds the keys of a struct, inlined ones among them, to an object.
func (s *schema) properties(v reflect.Value, properties map[string]any, required *[]string, cases *[]any) {
	t := v.Type()
	own := s.outer(t)
	for _, f := range s.fields[t] {
		fv := v.Field(f.index)
		switch {
		case f.inline && fv.Kind() == reflect.Interface:
			s.inlineKind(fv.Type(), own, properties, required, cases)
		case f.inline:
			inner := map[string]any{}
			var must []string
			s.properties(fv, inner, &must, cases)
			for key, p := range inner {
				if !own[key] {
					properties[key] = p
				}
			}
			*required = append(*required, slices.DeleteFunc(must, func(key string) bool { return own[key] })...)
		default:
			p := s.of(fv, f.rules)
			if f.doc != "" {
				p["description"] = f.doc
			}
			if d, ok := tellable(fv); ok && !f.required {
				p["default"] = d
			}
			properties[f.name] = p
			if f.required {
				*required = append(*required, f.name)
			}
		}
	}
}

// inlineKind adds the keys of an inline interface: those of every kind may
// stand, and for each kind a case says which may stand and must.
func (s *schema) inlineKind(t reflect.Type, own map[string]bool, properties map[string]any, required *[]string, cases *[]any) {
	kind := s.kinds[t]
	of := s.kindObjects(kind)
	all := map[string]bool{}
	for _, o := range of {
		for key := range o["properties"].(map[string]any) {
			all[key] = true
			if _, taken := properties[key]; !taken {
				properties[key] = true
			}
		}
	}
	properties[kind.Discriminator] = map[string]any{"enum": kind.names()}
	*required = append(*required, kind.Discriminator)
	for i, name := range kind.names() {
		then := map[string]any{}
		mine := of[i]["properties"].(map[string]any)
		narrowed := map[string]any{}
		for key := range all {
			if p, may := mine[key]; may {
				narrowed[key] = p
			} else if !own[key] {
				narrowed[key] = false
			}
		}
		then["properties"] = narrowed
		if must, ok := of[i]["required"]; ok {
			then["required"] = must
		}
		*cases = append(*cases, map[string]any{
			"if":   map[string]any{"properties": map[string]any{kind.Discriminator: map[string]any{"const": name}}, "required": []string{kind.Discriminator}},
			"then": then,
		})
	}
}

// kindObjects describes the struct of each kind, in the order of their names.
func (s *schema) kindObjects(kind Kind) []map[string]any {
	var all []map[string]any
	for _, name := range kind.names() {
		v := reflect.ValueOf(kind.Prototypes[name])
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		all = append(all, s.object(v))
	}
	return all
}

// of describes a value by its type and the limits on it; v holds its defaults.
func (s *schema) of(v reflect.Value, r rules) map[string]any {
	t := v.Type()
	switch {
	case t == valueType:
		return map[string]any{}
	case isText(t):
		if list, ok := reflect.Zero(t).Interface().(interface{ Names() []string }); ok {
			return map[string]any{"enum": list.Names()}
		}
		return map[string]any{"type": []string{"string", "number"}}
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		p := map[string]any{"type": "string"}
		if r.minLen > 0 {
			p["minLength"] = r.minLen
		}
		return p
	case reflect.Float64:
		return r.limit(map[string]any{"type": "number"})
	case reflect.Pointer:
		fresh := reflect.New(t.Elem())
		setDefaults(fresh)
		return s.of(fresh.Elem(), r)
	case reflect.Slice, reflect.Array:
		inner := r
		inner.minLen = 0
		fresh := reflect.New(t.Elem())
		setDefaults(fresh)
		p := map[string]any{"type": "array", "items": s.of(fresh.Elem(), inner)}
		if r.minLen > 0 {
			p["minItems"] = r.minLen
		}
		if t.Kind() == reflect.Array {
			p["minItems"], p["maxItems"] = t.Len(), t.Len()
		}
		return p
	case reflect.Map:
		inner := r
		inner.minLen = 0
		fresh := reflect.New(t.Elem())
		setDefaults(fresh)
		p := map[string]any{"type": "object", "additionalProperties": s.of(fresh.Elem(), inner)}
		if r.minLen > 0 {
			p["minProperties"] = r.minLen
		}
		return p
	case reflect.Interface:
		p := map[string]any{"type": "object", "additionalProperties": false}
		properties := map[string]any{}
		var required []string
		var cases []any
		s.inlineKind(t, nil, properties, &required, &cases)
		p["properties"], p["required"], p["allOf"] = properties, required, cases
		return p
	case reflect.Struct:
		return s.object(v)
	default:
		p := map[string]any{"type": "integer"}
		if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
			p["minimum"] = 0
		}
		return r.limit(p)
	}
}

// limit adds the bounds of a number.
func (r rules) limit(p map[string]any) map[string]any {
	for name, bound := range map[string]*float64{"minimum": r.min, "maximum": r.max, "exclusiveMinimum": r.gt, "exclusiveMaximum": r.lt} {
		if bound != nil {
			p[name] = *bound
		}
	}
	return p
}

// tellable returns a default that is worth telling: a single value, or a list of
// them, that is not zero.
func tellable(v reflect.Value) (any, bool) {
	if v.IsZero() {
		return nil, false
	}
	if isText(v.Type()) {
		return fmt.Sprint(v.Interface()), true
	}
	switch v.Kind() {
	case reflect.Bool, reflect.String, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Interface(), true
	case reflect.Slice:
		for i := range v.Len() {
			if _, ok := tellable(v.Index(i)); !ok {
				return nil, false
			}
		}
		return v.Interface(), true
	default:
		return nil, false
	}
}
