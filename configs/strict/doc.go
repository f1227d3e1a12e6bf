// Package strict decodes a YAML document into Go structs and refuses
// everything it does not understand.
//
// A study that silently runs with the wrong number of schools is worse than
// one that does not run. Ordinary YAML decoders ignore a misspelt key, cut
// 40.5 down to 40, read 017 as fifteen, let the second of two equal keys win,
// and stop at the first error. This one never changes the meaning of what was
// written, and it reports every fault of a document at once, each with the
// place, the line itself, the full path of the key, the allowed values, and
// the nearest name that would have been right:
//
//	study.yaml:4:3: trial.scools: unknown key
//	  4 |   scools: 20
//	    |   ^^^^^^
//	  did you mean "schools"?
//
// # The schema is the struct
//
// The Go struct that receives a document is its schema. Defaults are the
// values that the struct holds before decoding; lists and maps replace their
// defaults whole, structs are merged key by key. These tags are understood:
//
//	yaml:"name"             the key; `yaml:"-"` leaves a field out
//	yaml:",inline"          the keys of a struct, or of a polymorphic value, sit beside the others
//	yaml:"name,omitempty"   Encode leaves out the zero value
//	min:"0" max:"1"         inclusive bounds of a number (of each number, in a list)
//	gt:"0" lt:"1"           exclusive bounds
//	minlen:"1"              smallest length of a text, list or map
//	required:"true"         the key must be written, even if there is a default
//	doc:"..."               what the key means; shown when a required key is missing
//
// Fields are booleans, texts, integers, float64, structs, pointers (optional
// sections), slices, arrays, maps with text keys, [Value], types that
// implement [encoding.TextUnmarshaler], and interfaces. A text type with a
// method Names() []string has its names listed when another is written. If
// the error of UnmarshalText has a method Offset() int, the caret is put under
// that byte of the text. A struct with a method SetDefaults() (on its pointer)
// has it called whenever a fresh one is made, as for each entry of a list.
//
// # Polymorphic values
//
// An interface field holds one of several structs, and a discriminator key
// says which. [Kinds] lists them. With the discriminator "kind", the mapping
// {kind: blocked, share: 0.4} copies the prototype registered as "blocked" and
// decodes share into the copy.
//
// # Plain YAML only
//
// The document is one YAML 1.2 document whose top level is a mapping. Anchors,
// aliases, merge keys and explicit tags are refused: each makes the value of a
// key depend on text elsewhere, and each is usually an unquoted special
// character. Numbers are plain decimals; 0x10, 0o17, 017 and 1_000 mean
// different things to different YAML readers and are refused with the decimal
// to write instead. An empty value is refused, because it could mean the
// default, zero, or nothing at all.
//
// # Order of work
//
// [Parse] reads the text, [Document.Set] overrides single keys (the command
// line's --set), [Document.Decode] fills the struct, and [Document.Fault]
// gives a position to faults that later checks find. [Encode] writes a
// resolved value back, so that decoding it gives the same value.
package strict
