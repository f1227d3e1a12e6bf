package strict

// This is the only file that knows the YAML library.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxDepth is how deep lists and mappings may nest.
const maxDepth = 64

// readYAML reads one document. An error that stops reading is returned alone;
// the other faults leave a tree, so that they can be reported together with
// those of decoding. The root of an empty text is nil. The path is where the
// document will stand in a larger one.
func readYAML(from *origin, text, path string) (root *node, faults Faults, fatal *Fault) {
	if fatal = from.checkText(text); fatal != nil {
		return nil, nil, fatal
	}
	// No input may crash the program, not even through a fault of the library.
	defer func() {
		if r := recover(); r != nil {
			f := from.fault("", 0, 0, 0, fmt.Sprintf("the YAML library failed: %v", r), "")
			root, faults, fatal = nil, nil, &f
		}
	}()
	loader, err := yaml.NewLoader(strings.NewReader(text))
	if err != nil {
		f := from.fault("", 0, 0, 0, "the YAML library failed: "+err.Error(), "")
		return nil, nil, &f
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF):
		return nil, nil, nil
	case err != nil:
		f := loadFault(from, err)
		return nil, nil, &f
	}
	r := reader{from: from}
	if len(first.Content) > 0 {
		root = r.convert(first.Content[0], path, 0)
	}
	switch err := loader.Load(&second); {
	case err == nil:
		r.faults = append(r.faults, from.fault("", second.Line, second.Column, 3,
			"a second document begins here", "keep one document in each file"))
	case !errors.Is(err, io.EOF):
		r.faults = append(r.faults, loadFault(from, err))
	}
	return root, r.faults, nil
}

// loadFault turns an error of the library into a fault.
func loadFault(from *origin, err error) Fault {
	var loadErr *yaml.LoadError
	if !errors.As(err, &loadErr) {
		return from.fault("", 0, 0, 0, "not valid YAML: "+err.Error(), "")
	}
	e := syntaxError{
		context: loadErr.ContextMsg, message: loadErr.Message,
		at:    place{loadErr.Mark.Line, loadErr.Mark.Column},
		since: place{loadErr.ContextMark.Line, loadErr.ContextMark.Column},
	}
	return e.fault(from)
}

// A reader converts the library's tree and collects what it refuses.
type reader struct {
	from   *origin
	faults Faults
}

func (r *reader) convert(y *yaml.Node, path string, depth int) *node {
	n := &node{from: r.from, line: y.Line, column: y.Column, text: y.Value}
	switch {
	case y.Style&yaml.SingleQuotedStyle != 0:
		n.style = singleQuoted
	case y.Style&yaml.DoubleQuotedStyle != 0:
		n.style = doubleQuoted
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		n.style = block
	}
	n.flow = y.Style&yaml.FlowStyle != 0
	refuse := func(width int, message, hint string) *node {
		r.faults = append(r.faults, r.from.fault(path, y.Line, y.Column, width, message, hint))
		n.kind = broken
		return n
	}
	switch {
	case y.Kind == yaml.AliasNode:
		return refuse(1+len([]rune(y.Value)), "aliases (*"+short(y.Value)+") are not allowed", aliasHint)
	case y.Anchor != "":
		return refuse(1+len([]rune(y.Anchor)), "anchors (&"+short(y.Anchor)+") are not allowed", aliasHint)
	case y.Style&yaml.TaggedStyle != 0:
		return refuse(1, "tags ("+short(y.Tag)+") are not allowed", "put the value in quotes if it is text that begins with !")
	case depth > maxDepth:
		path = "" // nobody could read it
		return refuse(1, fmt.Sprintf("nested more than %d levels deep", maxDepth), "")
	}
	switch y.Kind {
	case yaml.SequenceNode:
		n.kind = list
		for i, item := range y.Content {
			n.items = append(n.items, r.convert(item, at(path, i), depth+1))
		}
	case yaml.MappingNode:
		n.kind = mapping
		first := map[string]*node{}
		for i := 0; i+1 < len(y.Content); i += 2 {
			r.entry(n, first, y.Content[i], y.Content[i+1], path, depth+1)
		}
	default:
		n.kind = scalar
	}
	return n
}

const aliasHint = "write the value out; if it is text that begins with * or &, put it in quotes"

// entry adds a key and its value to a mapping; first holds the keys so far.
func (r *reader) entry(n *node, first map[string]*node, yamlKey, yamlValue *yaml.Node, path string, depth int) {
	key := r.convert(yamlKey, path, depth)
	switch {
	case key.kind == broken:
		return
	case key.kind != scalar:
		r.faults = append(r.faults, key.fault(path, "a key must be a name, not "+key.describe(), ""))
		return
	case key.text == "<<" && key.style == plain:
		r.faults = append(r.faults, key.fault(path, "merge keys (<<) are not allowed", "write the keys out"))
		return
	case key.isNull():
		r.faults = append(r.faults, key.fault(path, "a key has no name", ""))
		return
	}
	path = join(path, key.text)
	value := r.convert(yamlValue, path, depth)
	if earlier := first[key.text]; earlier != nil {
		r.faults = append(r.faults, key.fault(path,
			fmt.Sprintf("the key is given twice, first on line %d", earlier.line), "keep one of them"))
		return
	}
	first[key.text] = key
	value.owner = key
	n.keys = append(n.keys, key)
	n.items = append(n.items, value)
}

// writeYAML writes a tree as text.
func writeYAML(n *node) (string, error) {
	var b bytes.Buffer
	dumper, err := yaml.NewDumper(&b, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return "", err
	}
	if err := dumper.Dump(toYAML(n)); err != nil {
		return "", err
	}
	if err := dumper.Close(); err != nil {
		return "", err
	}
	return b.String(), nil
}

func toYAML(n *node) *yaml.Node {
	y := &yaml.Node{}
	if n.flow {
		y.Style = yaml.FlowStyle
	}
	switch n.kind {
	case list:
		y.Kind, y.Tag = yaml.SequenceNode, "!!seq"
		for _, item := range n.items {
			y.Content = append(y.Content, toYAML(item))
		}
	case mapping:
		y.Kind, y.Tag = yaml.MappingNode, "!!map"
		for i, key := range n.keys {
			y.Content = append(y.Content, toYAML(key), toYAML(n.items[i]))
		}
	case scalar, broken:
		y.Kind, y.Tag, y.Value = yaml.ScalarNode, "!!str", n.text
		switch n.style {
		case singleQuoted, doubleQuoted:
			y.Style = yaml.DoubleQuotedStyle
		case block:
			y.Style = yaml.LiteralStyle
		case plain:
			y.Tag = map[shape]string{
				word: "!!str", null: "!!null", boolean: "!!bool",
				integer: "!!int", decimal: "!!float", notFinite: "!!float",
			}[shapeOf(n.text)]
		}
	}
	return y
}
