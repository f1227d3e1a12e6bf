package strict

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind says what a node is.
type kind int

const (
	scalar  kind = iota // a single value
	list                // a sequence of nodes
	mapping             // keys and their nodes
	broken              // refused when it was read and already reported; never decoded
)

// style says how a scalar was written.
type style int

const (
	plain style = iota
	singleQuoted
	doubleQuoted
	block // | or >
)

// A node is one value of a document, with its position. It is this package's
// own tree, so that only one file depends on the YAML library.
type node struct {
	kind  kind
	style style   // of a scalar
	flow  bool    // a list or mapping written with brackets
	text  string  // of a scalar
	items []*node // entries of a list, values of a mapping
	keys  []*node // of a mapping, beside items
	owner *node   // the key that this value belongs to, or nil

	dropped bool // an override took the key away: it is there to be known, and holds nothing

	from         *origin
	line, column int
}

// get returns the value of a mapping's key, or nil, also where the key was dropped.
func (n *node) get(key string) *node {
	if n.kind != mapping {
		return nil
	}
	for i, k := range n.keys {
		if k.text == key && !n.items[i].dropped {
			return n.items[i]
		}
	}
	return nil
}

// without returns the override that dropped a mapping's key, or nil.
func (n *node) without(key string) *node {
	for i, k := range n.keys {
		if k.text == key && n.items[i].dropped {
			return n.items[i]
		}
	}
	return nil
}

// put sets the value of a mapping's key, adding the key if needed.
func (n *node) put(key, value *node) {
	for i, k := range n.keys {
		if k.text == key.text {
			value.owner = k
			n.items[i] = value
			return
		}
	}
	value.owner = key
	n.keys = append(n.keys, key)
	n.items = append(n.items, value)
}

// clone copies the tree below n. Keys are never changed and are shared.
func (n *node) clone() *node {
	c := *n
	c.keys = append([]*node(nil), n.keys...)
	c.items = make([]*node, len(n.items))
	for i, item := range n.items {
		c.items[i] = item.clone()
	}
	return &c
}

// fault makes a fault about the node.
func (n *node) fault(path, message, hint string) Fault {
	at := n
	// A block of keys, or an empty value, has no place of its own to point at.
	vague := n.kind != scalar && !n.flow || n.kind == scalar && n.style == plain && n.text == ""
	if vague && n.owner != nil && n.owner.from == n.from {
		at = n.owner
	} else if n.kind == mapping && !n.flow && len(n.keys) > 0 && n.keys[0].from == n.from {
		at = n.keys[0]
	}
	return at.from.fault(path, at.line, at.column, at.width(), message, hint)
}

// faultIn makes a fault about the byte at offset of the node's text.
func (n *node) faultIn(path string, offset int, message, hint string) Fault {
	line, column := n.locate(offset)
	return n.from.fault(path, line, column, 1, message, hint)
}

// width is how many characters of its first line a scalar takes in the source.
func (n *node) width() int {
	line := n.from.line(n.line)
	start := n.column - 1
	if n.kind != scalar || start < 0 || start >= len(line) {
		return 1
	}
	rest := line[start:]
	switch n.style {
	case singleQuoted, doubleQuoted:
		for i := 1; i < len(rest); i++ {
			switch {
			case n.style == doubleQuoted && rest[i] == '\\':
				i++
			case n.style == singleQuoted && rest[i] == '\'' && i+1 < len(rest) && rest[i+1] == '\'':
				i++
			case rest[i] == rest[0]:
				return i + 1
			}
		}
	case plain:
		if w := utf8.RuneCountInString(n.text); w <= len(rest) && string(rest[:w]) == n.text {
			return max(w, 1)
		}
	case block:
		return 1
	}
	return max(len([]rune(strings.TrimRightFunc(string(rest), unicode.IsSpace))), 1)
}

// locate finds the source position of the byte at offset of a scalar's text.
// Folding and indentation change only white space, so the k-th visible
// character of the text is the k-th visible character of the source.
func (n *node) locate(offset int) (line, column int) {
	if n.kind != scalar || n.line < 1 || n.line > len(n.from.lines) {
		return n.line, n.column
	}
	offset = min(max(offset, 0), len(n.text))
	visible, gap := 0, 0 // characters before the offset; white space since the last
	for _, r := range n.text[:offset] {
		if unicode.IsSpace(r) {
			gap++
		} else {
			visible++
			gap = 0
		}
	}
	next, _ := utf8.DecodeRuneInString(n.text[offset:])
	onVisible := offset < len(n.text) && !unicode.IsSpace(next)

	line, i := n.line, n.column-1
	switch n.style {
	case block:
		line, i = line+1, 0
	case singleQuoted, doubleQuoted:
		i++
	case plain:
	}
	endLine, endColumn := line, i+1 // just after the last visible character seen
	for ; line <= len(n.from.lines); line, i = line+1, 0 {
		for text := n.from.line(line); i < len(text); {
			size, isVisible := n.unit(text[i:])
			if isVisible {
				if visible == 0 && onVisible {
					return line, i + 1
				}
				visible--
				endLine, endColumn = line, i+size+1
			}
			i += size
			if visible == 0 && !onVisible {
				return endLine, endColumn + gap
			}
		}
	}
	return endLine, endColumn
}

// unit returns the length of the source characters that stand for the next
// character of a scalar's text, and whether that character is visible.
func (n *node) unit(source []rune) (size int, visible bool) {
	switch {
	case n.style == singleQuoted && source[0] == '\'':
		return min(2, len(source)), true
	case n.style == doubleQuoted && source[0] == '\\' && len(source) == 1: // an escaped line break
		return 1, false
	case n.style == doubleQuoted && source[0] == '\\':
		digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[source[1]]
		size = min(2+digits, len(source))
		if code, err := strconv.ParseUint(string(source[2:size]), 16, 32); digits > 0 && err == nil {
			return size, !unicode.IsSpace(rune(code))
		}
		return size, !strings.ContainsRune("tnrvfNLP _\t", source[1])
	}
	return 1, !unicode.IsSpace(source[0])
}

// describe names what a node holds, for "must be a number, not ...".
func (n *node) describe() string {
	switch {
	case n.kind == list:
		return "a list"
	case n.kind == mapping:
		return "a group of keys"
	case n.style != plain:
		return "the text " + quote(n.text)
	}
	switch shapeOf(n.text) {
	case integer, decimal, notFinite:
		return "the number " + short(n.text)
	case boolean:
		return n.text
	case null, word:
	}
	return quote(n.text)
}

// maxShown is how many characters of a value a message repeats.
const maxShown = 60

// short cuts a long text.
func short(text string) string {
	if r := []rune(text); len(r) > maxShown {
		return string(r[:maxShown-1]) + "…"
	}
	return text
}

// quote quotes a text for a message, cut if it is long.
func quote(text string) string {
	return strconv.Quote(short(text))
}

// A segment is one step of a path.
type segment struct {
	name    string
	index   int  // the list index, if the step can be one; else -1
	bracket bool // written [2], so only an index
}

// join appends a key to a path. A key that is no simple name is quoted:
// sweep["trial.schools"].
func join(path, key string) string {
	if !isName(key) {
		return path + "[" + strconv.Quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// at appends a list index to a path.
func at(path string, index int) string {
	return path + "[" + strconv.Itoa(index) + "]"
}

func isName(key string) bool {
	for _, r := range key {
		if !isNameRune(r) {
			return false
		}
	}
	return key != ""
}

func isNameRune(r rune) bool {
	return r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// parsePath reads a path such as covariates[2].mean, covariates.2.mean or
// sweep["trial.schools"].
func parsePath(path string) ([]segment, error) {
	var segments []segment
	rest := path
	for first := true; rest != "" || first; first = false {
		switch {
		case strings.HasPrefix(rest, `["`):
			quoted, err := strconv.QuotedPrefix(rest[1:])
			if err != nil {
				return nil, fmt.Errorf("the quote in %s is not closed", quote(path))
			}
			name, err := strconv.Unquote(quoted)
			tail := rest[1+len(quoted):]
			if err != nil || !strings.HasPrefix(tail, "]") {
				return nil, fmt.Errorf("a ] is missing in %s", quote(path))
			}
			segments = append(segments, segment{name: name, index: -1})
			rest = tail[1:]
		case strings.HasPrefix(rest, "["):
			digits, tail, found := strings.Cut(rest[1:], "]")
			index, err := strconv.ParseUint(digits, 10, 31)
			if !found || err != nil {
				return nil, fmt.Errorf("the brackets in %s must hold the number of an entry, counted from 0", quote(path))
			}
			segments = append(segments, segment{index: int(index), bracket: true})
			rest = tail
		default:
			if !first {
				if rest[0] != '.' {
					return nil, fmt.Errorf("a . is missing in %s", quote(path))
				}
				rest = rest[1:]
			}
			end := strings.IndexFunc(rest, func(r rune) bool { return !isNameRune(r) })
			if end < 0 {
				end = len(rest)
			}
			if end == 0 {
				return nil, fmt.Errorf("%s is not the path of a key", quote(path))
			}
			step := segment{name: rest[:end], index: -1}
			if index, err := strconv.ParseUint(step.name, 10, 31); err == nil {
				step.index = int(index)
			}
			segments = append(segments, step)
			rest = rest[end:]
		}
	}
	return segments, nil
}

// child follows one step of a path, or returns nil.
func (n *node) child(s segment) *node {
	switch {
	case n.kind == list && s.index >= 0 && s.index < len(n.items):
		return n.items[s.index]
	case n.kind == mapping && !s.bracket:
		return n.get(s.name)
	}
	return nil
}

// splitColon cuts a text at its first colon.
func splitColon(text string) (before, after string) {
	before, after, _ = strings.Cut(text, ":")
	return before, after
}
