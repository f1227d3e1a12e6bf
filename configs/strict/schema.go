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
)

// Kinds says, for each interface type that the structs use, which values it may
// hold. Build the key with reflect.TypeFor.
type Kinds map[reflect.Type]Kind

// A Kind lists the values of one interface type.
type Kind struct {
	// Discriminator is the key that chooses among them, such as "kind".
	Discriminator string
	// Prototypes holds, for each value of the discriminator, a struct (or a
	// pointer to one) with its defaults. Decode copies them shallowly and never
	// changes them.
	Prototypes map[string]any
}

// names lists the values of the discriminator.
func (k Kind) names() []string {
	return slices.Sorted(maps.Keys(k.Prototypes))
}

// nameOf returns the discriminator's value for a Go type.
func (k Kind) nameOf(t reflect.Type) (string, bool) {
	for _, name := range k.names() {
		if reflect.TypeOf(k.Prototypes[name]) == t {
			return name, true
		}
	}
	return "", false
}

// rules are the limits that a field's tags set.
type rules struct {
	min, max, gt, lt *float64
	minLen           int
}

// allow returns the allowed range in words if x is outside it.
func (r rules) allow(x float64) string {
	if (r.min == nil || x >= *r.min) && (r.max == nil || x <= *r.max) &&
		(r.gt == nil || x > *r.gt) && (r.lt == nil || x < *r.lt) {
		return ""
	}
	if r.min != nil && r.max != nil {
		return "must be between " + formatFloat(*r.min) + " and " + formatFloat(*r.max)
	}
	var parts []string
	for _, bound := range []struct {
		words string
		value *float64
	}{{"at least ", r.min}, {"above ", r.gt}, {"at most ", r.max}, {"below ", r.lt}} {
		if bound.value != nil {
			parts = append(parts, bound.words+formatFloat(*bound.value))
		}
	}
	return "must be " + strings.Join(parts, " and ")
}

// shareHint suggests the share that a number is in percent, where only shares are allowed.
func (r rules) shareHint(x float64) string {
	share := r.max != nil && *r.max == 1 || r.lt != nil && *r.lt == 1
	if !share || !(x >= 2 && x <= 100) || r.allow(x/100) != "" {
		return ""
	}
	return "did you mean " + percent(x) + "?"
}

// A field is a struct field as its tags describe it.
type field struct {
	index               int
	name                string
	inline              bool
	required, omitEmpty bool
	doc                 string
	rules               rules
}

// fieldsOf reads the tags of a struct type.
func fieldsOf(t reflect.Type) ([]field, error) {
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, tagged := sf.Tag.Lookup("yaml")
		if tag == "-" || !sf.IsExported() && !tagged {
			continue
		}
		bad := func(problem string) error {
			return fmt.Errorf("strict: field %s of %s %s", sf.Name, t, problem)
		}
		if !tagged {
			return nil, bad("has no yaml tag")
		}
		if !sf.IsExported() {
			return nil, bad("has a yaml tag but is not exported")
		}
		name, option, _ := strings.Cut(tag, ",")
		f := field{index: i, name: name, doc: sf.Tag.Get("doc")}
		switch option {
		case "":
		case "inline":
			f.inline = true
		case "omitempty":
			f.omitEmpty = true
		default:
			return nil, bad("has the unknown yaml option " + strconv.Quote(option))
		}
		if (name == "") != f.inline {
			return nil, bad("needs either a name or the option inline")
		}
		var err error
		if text, ok := sf.Tag.Lookup("required"); ok {
			if f.required, err = strconv.ParseBool(text); err != nil {
				return nil, bad("has a bad required tag")
			}
		}
		for name, bound := range map[string]**float64{
			"min": &f.rules.min, "max": &f.rules.max, "gt": &f.rules.gt, "lt": &f.rules.lt,
		} {
			if text, ok := sf.Tag.Lookup(name); ok {
				x, err := strconv.ParseFloat(text, 64)
				if err != nil || math.IsNaN(x) {
					return nil, bad("has a bad " + name + " tag")
				}
				*bound = &x
			}
		}
		if text, ok := sf.Tag.Lookup("minlen"); ok {
			if f.rules.minLen, err = strconv.Atoi(text); err != nil {
				return nil, bad("has a bad minlen tag")
			}
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// A schema holds the fields of every struct type below a root type.
type schema struct {
	kinds  Kinds
	fields map[reflect.Type][]field
	ifaces map[reflect.Type]bool
}

// newSchema checks that everything below a type can be decoded, so that faults
// of the program do not depend on the document.
func newSchema(root reflect.Type, kinds Kinds) (*schema, error) {
	s := &schema{kinds: kinds, fields: map[reflect.Type][]field{}, ifaces: map[reflect.Type]bool{}}
	if root.Kind() != reflect.Struct || isText(root) {
		return nil, fmt.Errorf("strict: the document is decoded into a struct, not into %s", root)
	}
	if err := s.check(root); err != nil {
		return nil, err
	}
	for _, t := range slices.SortedFunc(maps.Keys(s.fields), func(a, b reflect.Type) int {
		return strings.Compare(a.String(), b.String())
	}) {
		if _, err := s.keysOf(t); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *schema) check(t reflect.Type) error {
	if t == valueType || isText(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return s.check(t.Elem())
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return fmt.Errorf("strict: the keys of %s are no strings", t)
		}
		return s.check(t.Elem())
	case reflect.Interface:
		return s.checkInterface(t)
	case reflect.Struct:
		return s.checkStruct(t)
	default:
		return fmt.Errorf("strict: values of type %s cannot be decoded", t)
	}
}

func (s *schema) checkInterface(t reflect.Type) error {
	if s.ifaces[t] {
		return nil
	}
	s.ifaces[t] = true
	kind, ok := s.kinds[t]
	if !ok || kind.Discriminator == "" || len(kind.Prototypes) == 0 {
		return fmt.Errorf("strict: no kinds are known for the interface %s", t)
	}
	for _, name := range kind.names() {
		p := reflect.TypeOf(kind.Prototypes[name])
		if p == nil || structOf(p) == nil || !p.AssignableTo(t) {
			return fmt.Errorf("strict: the prototype %q of %s is no struct that implements it", name, t)
		}
		if v := reflect.ValueOf(kind.Prototypes[name]); v.Kind() == reflect.Pointer && v.IsNil() {
			return fmt.Errorf("strict: the prototype %q of %s is nil", name, t)
		}
		if other, _ := kind.nameOf(p); other != name {
			return fmt.Errorf("strict: the kinds %q and %q of %s share the type %s", other, name, t, p)
		}
		if err := s.checkStruct(structOf(p)); err != nil {
			return err
		}
	}
	return nil
}

func (s *schema) checkStruct(t reflect.Type) error {
	if _, seen := s.fields[t]; seen {
		return nil
	}
	fields, err := fieldsOf(t)
	if err != nil {
		return err
	}
	s.fields[t] = fields
	for _, f := range fields {
		ft := t.Field(f.index).Type
		if f.inline && ft.Kind() != reflect.Interface && (ft.Kind() != reflect.Struct || isText(ft)) {
			return fmt.Errorf("strict: only structs and interfaces can be inline, not field %s of %s", t.Field(f.index).Name, t)
		}
		if err := s.check(ft); err != nil {
			return err
		}
	}
	return nil
}

// outer lists the keys that fields of a struct type define themselves. They hide
// those of the same name of its inline structs, as Go's own rule has it.
func (s *schema) outer(t reflect.Type) map[string]bool {
	own := map[string]bool{}
	for _, f := range s.fields[t] {
		if !f.inline {
			own[f.name] = true
		}
	}
	return own
}

// keysOf lists the keys that a struct type may take, those of all the kinds of
// an inline interface included, and checks that none can be meant twice.
func (s *schema) keysOf(t reflect.Type) ([]string, error) {
	var keys []string
	taken := map[string]bool{}
	add := func(more []string) error {
		for _, key := range more {
			if taken[key] {
				return fmt.Errorf("strict: the key %q of %s is defined twice", key, t)
			}
			taken[key] = true
			keys = append(keys, key)
		}
		return nil
	}
	for _, f := range s.fields[t] {
		ft := t.Field(f.index).Type
		more := []string{f.name}
		var err error
		switch {
		case f.inline && ft.Kind() == reflect.Interface:
			more, err = s.kindKeys(ft)
		case f.inline:
			own := s.outer(t)
			more, err = s.keysOf(ft)
			more = slices.DeleteFunc(more, func(key string) bool { return own[key] })
		}
		if err != nil {
			return nil, err
		}
		if err := add(more); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// kindKeys lists the discriminator and the keys of all the kinds of an
// interface, each once.
func (s *schema) kindKeys(t reflect.Type) ([]string, error) {
	kind := s.kinds[t]
	keys := []string{kind.Discriminator}
	for _, name := range kind.names() {
		own, err := s.keysOf(structOf(reflect.TypeOf(kind.Prototypes[name])))
		if err != nil {
			return nil, err
		}
		for _, key := range own {
			if key == kind.Discriminator {
				return nil, fmt.Errorf("strict: the key %q of kind %q is also the discriminator of %s", key, name, t)
			}
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys, nil
}

// Value is the YAML text of one value of any shape, kept as it was written, on
// one line. It is for values whose type another key decides, such as the
// levels of a sweep, and is what SetFrom takes.
type Value string

var valueType = reflect.TypeFor[Value]()

// isText reports whether a type reads itself from a text.
func isText(t reflect.Type) bool {
	return t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// structOf returns the struct type of a struct or a pointer to one, else nil.
func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}
