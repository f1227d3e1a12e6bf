package main

import (
	"encoding"
	"errors"
	"reflect"
	"slices"
	"strings"

	"coachsim/estimators"
)

// An options is a method's options, by their keys.
type options struct{ of reflect.Value }

func optionsOf(m estimators.Method) options {
	of := reflect.New(reflect.TypeOf(m)).Elem()
	of.Set(reflect.ValueOf(m))
	return options{of}
}

func (o options) method() estimators.Method { return o.of.Interface().(estimators.Method) } // optionsOf took a Method

// field returns the option of a key; the zero Value if the method has none.
func (o options) field(key string) reflect.Value {
	for _, field := range reflect.VisibleFields(o.of.Type()) {
		if name, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); name == key {
			return o.of.FieldByIndex(field.Index)
		}
	}
	return reflect.Value{}
}

// text returns an option that is a text, "" if the method has none.
func (o options) text(key string) string {
	if v := o.field(key); v.IsValid() && v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}

// list returns an option that is a list of texts.
func (o options) list(key string) ([]string, bool) {
	if v := o.field(key); v.IsValid() {
		all, ok := v.Interface().([]string)
		return all, ok
	}
	return nil, false
}

// set sets an option from a text, a list, or a list of lists.
func (o options) set(key string, value any) error {
	v := o.field(key)
	if !v.IsValid() {
		return errors.New("this kind of estimator has no such option")
	}
	text, isText := value.(string)
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok && isText {
		return u.UnmarshalText([]byte(text))
	}
	if !reflect.TypeOf(value).AssignableTo(v.Type()) {
		return errors.New("this kind of estimator has no such option")
	}
	v.Set(reflect.ValueOf(value))
	return nil
}

// formulaKinds lists the kinds of estimators that take a formula. Those that ask
// which rows are missing are not among them: a file's are dropped.
func formulaKinds() []string {
	var kinds []string
	for kind, m := range estimators.Methods() {
		o := optionsOf(m)
		if o.field("formula").IsValid() && !o.field("response").IsValid() && !o.field("cells").IsValid() {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}
