package strict

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Decode fills the struct that into points to, over the defaults it holds. It
// returns all faults of the document at once, as Faults, and leaves the struct
// alone if there are any. Other errors are faults of the program: a type that
// cannot be decoded, a bad tag, an interface without kinds.
func (d *Document) Decode(into any, kinds Kinds) error {
	s, err := NewSchema(into, kinds)
	if err != nil {
		return err
	}
	return s.Decode(d, into)
}

// A Schema knows the keys of a type. Who decodes many documents makes it once; it may be
// used by several goroutines.
type Schema struct{ s *schema }

// NewSchema checks the type of the struct that into points to.
func NewSchema(into any, kinds Kinds) (Schema, error) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return Schema{}, fmt.Errorf("strict: Decode needs a pointer to a struct, not %T", into)
	}
	s, err := newSchema(v.Type().Elem(), kinds)
	return Schema{s}, err
}

// Decode is Document.Decode into a struct of the schema's type.
func (s Schema) Decode(d *Document, into any) error {
	v := reflect.ValueOf(into)
	// Decoding never writes through a pointer, slice or map that it found, so a
	// shallow copy is enough to leave the original alone.
	fresh := reflect.New(v.Type().Elem()).Elem()
	fresh.Set(v.Elem())
	dec := decoder{schema: s.s, faults: slices.Clone(d.faults), root: fresh.Type()}
	dec.group(fresh, d.root, "")
	if len(dec.faults) > 0 {
		return dec.faults.orNil()
	}
	v.Elem().Set(fresh)
	return nil
}

type decoder struct {
	*schema
	root   reflect.Type
	faults Faults
}

func (d *decoder) fail(n *node, path, message, hint string) {
	d.faults = append(d.faults, n.fault(path, message, hint))
}

// value decodes a node into dst, which must be settable.
func (d *decoder) value(dst reflect.Value, n *node, path string, r rules) {
	t := dst.Type()
	switch {
	case n.kind == broken: // already reported
		return
	case t == valueType:
		d.raw(dst, n, path)
		return
	case n.isNull():
		d.fail(n, path, "has no value", `give it one, or delete the key; empty text is ""`)
		return
	case isText(t):
		d.text(dst, n, path)
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(t.Elem())
		if dst.IsNil() {
			setDefaults(fresh)
		} else {
			fresh.Elem().Set(dst.Elem())
		}
		d.value(fresh.Elem(), n, path, r)
		dst.Set(fresh)
	case reflect.Struct:
		d.group(dst, n, path)
	case reflect.Interface:
		d.group(dst, n, path)
	case reflect.Slice, reflect.Array:
		d.list(dst, n, path, r)
	case reflect.Map:
		d.mapping(dst, n, path, r)
	default:
		d.scalar(dst, n, path, r)
	}
}

// raw keeps the text of a node, in the one way in which it is always written.
func (d *decoder) raw(dst reflect.Value, n *node, path string) {
	c := n.clone()
	c.flatten()
	text, err := writeYAML(c)
	// The writer quotes a plain text that would mean something else on one line,
	// and writes quotes of its own otherwise than those it is told of.
	if again, faults, fatal := readYAML(c.from, text, path); err == nil && fatal == nil && len(faults) == 0 && again != nil {
		again.flatten()
		text, err = writeYAML(again)
	}
	if err != nil {
		d.fail(n, path, "cannot be kept as text: "+err.Error(), "")
		return
	}
	dst.SetString(strings.TrimSuffix(text, "\n"))
}

// flatten makes a tree fit on one line.
func (n *node) flatten() {
	n.flow = n.kind == list || n.kind == mapping
	if n.style == block {
		n.style = doubleQuoted
	}
	for _, item := range n.items {
		item.flatten()
	}
}

// text decodes a scalar into a type that reads itself from a text.
func (d *decoder) text(dst reflect.Value, n *node, path string) {
	if n.kind != scalar {
		d.fail(n, path, "must be a single value, not "+n.describe(), "")
		return
	}
	fresh := reflect.New(dst.Type())
	err := fresh.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.text))
	if err == nil {
		dst.Set(fresh.Elem())
		return
	}
	if list, ok := fresh.Interface().(interface{ Names() []string }); ok {
		if names := list.Names(); !slices.Contains(names, n.text) {
			d.fail(n, path, quote(n.text)+" is not one of the allowed values", suggestValue(n.text, names))
			return
		}
	}
	var located interface{ Offset() int }
	if errors.As(err, &located) {
		d.faults = append(d.faults, n.faultIn(path, located.Offset(), err.Error(), ""))
		return
	}
	d.fail(n, path, err.Error(), "")
}

func (d *decoder) list(dst reflect.Value, n *node, path string, r rules) {
	if n.kind != list {
		hint := ""
		if n.kind == scalar {
			hint = "put it in brackets: [" + short(n.text) + "]"
			if element := dst.Type().Elem().Kind(); element == reflect.Float64 && dst.Kind() == reflect.Slice {
				hint += fmt.Sprintf(", or where there are two, [%[1]s, %[1]s]", short(n.text))
			}
		}
		d.fail(n, path, "must be a list, not "+n.describe(), hint)
		return
	}
	fresh := reflect.New(dst.Type()).Elem()
	if dst.Kind() == reflect.Array {
		if len(n.items) != dst.Len() {
			d.fail(n, path, fmt.Sprintf("must have %s, not %d", count(dst.Len(), "entry", "entries"), len(n.items)), "")
			return
		}
	} else {
		if len(n.items) < r.minLen {
			d.fail(n, path, fmt.Sprintf("must have at least %s, not %d", count(r.minLen, "entry", "entries"), len(n.items)), "")
		}
		fresh.Set(reflect.MakeSlice(dst.Type(), len(n.items), len(n.items)))
	}
	r.minLen = 0
	for i, item := range n.items {
		setDefaults(fresh.Index(i).Addr())
		d.value(fresh.Index(i), item, at(path, i), r)
	}
	dst.Set(fresh)
}

func (d *decoder) mapping(dst reflect.Value, n *node, path string, r rules) {
	if n.kind != mapping {
		d.fail(n, path, "must be a group of keys, not "+n.describe(), "")
		return
	}
	keys := 0
	for _, item := range n.items {
		if !item.dropped {
			keys++
		}
	}
	if keys < r.minLen {
		d.fail(n, path, fmt.Sprintf("must have at least %s, not %d", count(r.minLen, "key", "keys"), keys), "")
	}
	r.minLen = 0
	fresh := reflect.MakeMapWithSize(dst.Type(), len(n.keys))
	for i, key := range n.keys {
		if n.items[i].dropped {
			continue
		}
		element := reflect.New(dst.Type().Elem())
		setDefaults(element)
		d.value(element.Elem(), n.items[i], join(path, key.text), r)
		fresh.SetMapIndex(reflect.ValueOf(key.text).Convert(dst.Type().Key()), element.Elem())
	}
	dst.Set(fresh)
}

func (d *decoder) scalar(dst reflect.Value, n *node, path string, r rules) {
	if n.kind != scalar {
		hint := ""
		if n.kind == list && len(n.items) == 1 && n.items[0].kind == scalar {
			hint = "remove the brackets"
		}
		d.fail(n, path, "must be "+singular(dst.Kind())+", not "+n.describe(), hint)
		return
	}
	switch dst.Kind() {
	case reflect.Bool:
		d.boolean(dst, n, path)
	case reflect.String:
		d.words(dst, n, path, r)
	case reflect.Float64:
		d.float(dst, n, path, r)
	default:
		d.integer(dst, n, path, r)
	}
}

func singular(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Float64:
		return "a number"
	default:
		return "a whole number"
	}
}

func (d *decoder) boolean(dst reflect.Value, n *node, path string) {
	if n.style == plain && (n.text == "true" || n.text == "false") {
		dst.SetBool(n.text == "true")
		return
	}
	hint := ""
	switch strings.ToLower(n.text) {
	case "true", "yes", "on", "y", "1":
		hint = "write true"
	case "false", "no", "off", "n", "0":
		hint = "write false"
	}
	if n.style != plain && (n.text == "true" || n.text == "false") {
		hint = "remove the quotes"
	}
	d.fail(n, path, "must be true or false, not "+n.describe(), hint)
}

func (d *decoder) words(dst reflect.Value, n *node, path string, r rules) {
	if n.style == plain && shapeOf(n.text) != word {
		d.fail(n, path, "must be text, not "+n.describe(), "if it is meant as text, put it in quotes: "+quote(n.text))
		return
	}
	if utf8.RuneCountInString(n.text) < r.minLen {
		message := fmt.Sprintf("must have at least %s", count(r.minLen, "character", "characters"))
		if n.text == "" {
			message = "must not be empty"
		}
		d.fail(n, path, message, "")
		return
	}
	dst.SetString(n.text)
}

func (d *decoder) float(dst reflect.Value, n *node, path string, r rules) {
	var x float64
	err := error(errNotNumber)
	switch {
	case n.style == plain && shapeOf(n.text) == notFinite:
		d.fail(n, path, short(n.text)+" is not a finite number", "")
		return
	case n.style == plain && !leadingZero.MatchString(n.text):
		x, err = parseFinite(n.text)
	}
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, errTooSmall):
		d.fail(n, path, short(n.text)+" "+err.Error(), "")
	case err != nil:
		d.fail(n, path, d.notNumber(n, "a number"), numberHint(n))
	default:
		if wrong := r.allow(x); wrong != "" {
			d.fail(n, path, wrong+", not "+short(n.text), r.shareHint(x))
			return
		}
		dst.SetFloat(x)
	}
}

// notNumber says that a number was expected, or that its notation is refused.
func (d *decoder) notNumber(n *node, wanted string) string {
	if n.style == plain && plainDecimal(n.text) != "" {
		return "must be " + wanted + " in plain decimals, not " + short(n.text)
	}
	return "must be " + wanted + ", not " + n.describe()
}

func (d *decoder) integer(dst reflect.Value, n *node, path string, r rules) {
	if n.style != plain || !integerText.MatchString(n.text) || leadingZero.MatchString(n.text) {
		hint := numberHint(n)
		message := d.notNumber(n, "a whole number")
		if n.style == plain && hint == "" && shapeOf(n.text) == decimal {
			message, hint = "must be a whole number, not "+short(n.text), wholeHint(n.text)
		}
		d.fail(n, path, message, hint)
		return
	}
	x, err := parseFinite(n.text)
	if err == nil {
		if wrong := r.allow(x); wrong != "" {
			d.fail(n, path, wrong+", not "+short(n.text), "")
			return
		}
	}
	bits := dst.Type().Bits()
	if dst.CanUint() {
		u, err := strconv.ParseUint(strings.TrimPrefix(n.text, "+"), 10, bits)
		switch {
		case err == nil || n.text == "-0":
			dst.SetUint(u)
		case strings.HasPrefix(n.text, "-"):
			d.fail(n, path, "must be at least 0, not "+short(n.text), "")
		default:
			d.fail(n, path, fmt.Sprintf("must be at most %d, not %s", uint64(math.MaxUint64)>>(64-bits), short(n.text)), "")
		}
		return
	}
	i, err := strconv.ParseInt(n.text, 10, bits)
	switch {
	case err == nil:
		dst.SetInt(i)
	case strings.HasPrefix(n.text, "-"):
		d.fail(n, path, fmt.Sprintf("must be at least %d, not %s", i, short(n.text)), "")
	default:
		d.fail(n, path, fmt.Sprintf("must be at most %d, not %s", i, short(n.text)), "")
	}
}

// setDefaults calls SetDefaults on a fresh value that has it.
func setDefaults(pointer reflect.Value) {
	if v, ok := pointer.Interface().(interface{ SetDefaults() }); ok {
		v.SetDefaults()
	}
}
