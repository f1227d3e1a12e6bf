package datafile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// A stataFile reads Stata's .dta: formats 113 to 115 of Stata 8 to 12, a
// binary header of fixed layout, and 117 to 119 of Stata 13 and later, the same
// parts between tags. Every size that the file declares is held against what
// is left of the file before anything is allocated or read.
//
// Described in Stata's manual under "file formats .dta" and, for the older
// ones, in its help files dta_113 to dta_117.
type stataFile struct {
	name  string
	text  []byte
	at    int
	err   error // the first fault; nothing is read after it
	order binary.ByteOrder
	stataLayout

	variables []stataVariable
	rows      int
}

// A stataLayout is what differs between formats.
type stataLayout struct {
	format                                       int
	nameSize, formatSize, labelSize, tagTextSize int // widths of a name, a display format, a variable label, a data label's length
	variablesSize, rowsSize, sortSize            int // widths of counts
	objectSize                                   int // bytes of a long string's observation number in its own header
}

// layoutOf returns the layout of a format.
func layoutOf(format int) (stataLayout, bool) {
	switch format {
	case 113:
		return stataLayout{format: format, nameSize: 33, formatSize: 12, labelSize: 81, variablesSize: 2, rowsSize: 4, sortSize: 2}, true
	case 114, 115:
		return stataLayout{format: format, nameSize: 33, formatSize: 49, labelSize: 81, variablesSize: 2, rowsSize: 4, sortSize: 2}, true
	case 117:
		return stataLayout{format: format, nameSize: 33, formatSize: 49, labelSize: 81, tagTextSize: 1, variablesSize: 2, rowsSize: 4, sortSize: 2, objectSize: 4}, true
	case 118:
		return stataLayout{format: format, nameSize: 129, formatSize: 57, labelSize: 321, tagTextSize: 2, variablesSize: 2, rowsSize: 8, sortSize: 2, objectSize: 8}, true
	case 119:
		return stataLayout{format: format, nameSize: 129, formatSize: 57, labelSize: 321, tagTextSize: 2, variablesSize: 4, rowsSize: 8, sortSize: 4, objectSize: 8}, true
	default:
		return stataLayout{}, false
	}
}

// A stataType is how a variable is stored: the codes of the tagged formats. A
// text of n bytes, up to 2045, has the code n.
type stataType uint16

const (
	longestText stataType = 2045
	longText    stataType = 32768
	doubleType  stataType = 65526
	floatType   stataType = 65527
	longType    stataType = 65528
	intType     stataType = 65529
	byteType    stataType = 65530
)

// size returns the bytes of a value, 0 if there is no such type.
func (s stataType) size() int {
	switch s {
	case longText, doubleType:
		return 8
	case floatType, longType:
		return 4
	case intType:
		return 2
	case byteType:
		return 1
	}
	if s <= longestText {
		return int(s)
	}
	return 0
}

func (s stataType) text() bool { return s <= longText }

type stataVariable struct {
	stataType
	name, labels string // labels names a table of value labels
	offset       int    // in a row
}

const (
	stataOpen   = "<stata_dta>"
	oldestBytes = 102 // first bytes of the formats before tags: 102 to 115
	newestBytes = 115
)

// isStata reports whether a file begins as Stata's do.
func isStata(text []byte) bool {
	if bytes.HasPrefix(text, []byte(stataOpen)) {
		return true
	}
	return len(text) >= 4 && text[0] >= oldestBytes && text[0] <= newestBytes && (text[1] == 1 || text[1] == 2) && text[2] == 1
}

// readStata reads a file for which isStata holds.
func readStata(name string, text []byte) (*Table, error) {
	f := &stataFile{name: name, text: text}
	var width int
	if bytes.HasPrefix(text, []byte(stataOpen)) {
		width = f.openTagged()
	} else {
		width = f.openOld()
	}
	data := f.records(width)
	if f.err != nil {
		return nil, f.err
	}
	t := &Table{Name: name, rows: f.rows, Columns: make([]Column, len(f.variables))}
	references := f.fill(t, data, width)
	if f.format >= 117 {
		f.tag("</data>")
		f.longTexts(t, references)
	}
	f.valueLabels(t)
	if f.err != nil {
		return nil, f.err
	}
	if t.rows == 0 {
		return nil, &Error{File: name, Message: "has no observations"}
	}
	if err := t.checkNames(); err != nil {
		return nil, err
	}
	return t, nil
}

// fail records the first fault.
func (f *stataFile) fail(format string, args ...any) {
	if f.err == nil {
		f.err = &Error{File: f.name, Message: fmt.Sprintf("byte %d: ", f.at) + fmt.Sprintf(format, args...)}
	}
}

// left is how many bytes are still to be read.
func (f *stataFile) left() int { return len(f.text) - f.at }

// take returns the next n bytes, or nil after a fault.
func (f *stataFile) take(n int, what string) []byte {
	if f.err != nil {
		return nil
	}
	if n < 0 || n > f.left() {
		f.fail("the file ends within %s: %d bytes are needed, %d are left; it is cut off or damaged", what, uint64(n), f.left())
		return nil
	}
	b := f.text[f.at : f.at+n]
	f.at += n
	return b
}

// table returns the next n entries of a size.
func (f *stataFile) table(n, size int, what string) []byte {
	if f.err == nil && size > 0 && n > f.left()/size {
		f.fail("%s should take %d times %d bytes, but %d are left; the file is cut off or damaged", what, n, size, f.left())
		return nil
	}
	return f.take(n*size, what)
}

// number reads an unsigned number of 1 to 8 bytes; 0 after a fault.
func (f *stataFile) number(size int, what string) uint64 {
	return f.decode(f.take(size, what))
}

// decode reads an unsigned number of up to 8 bytes.
func (f *stataFile) decode(b []byte) uint64 {
	x := uint64(0)
	for i := range b {
		k := i
		if f.order == binary.LittleEndian {
			k = len(b) - 1 - i
		}
		x = x<<8 | uint64(b[k])
	}
	return x
}

// count reads a number that counts things in the file, of which each takes a
// byte at least.
func (f *stataFile) count(size int, what string) int {
	n := f.number(size, what)
	if n > uint64(len(f.text)) {
		f.fail("%s is %d, more than the file has bytes; the file is cut off or damaged", what, n)
		return 0
	}
	return int(n)
}

// tag reads a tag.
func (f *stataFile) tag(tag string) {
	if f.err != nil {
		return
	}
	got := f.text[f.at:min(f.at+len(tag), len(f.text))]
	if string(got) != tag {
		f.fail("expected %s, found %q; the file is cut off or damaged", tag, got)
		return
	}
	f.at += len(tag)
}

// next reports whether a tag comes next, and reads it if so.
func (f *stataFile) next(tag string) bool {
	if f.err != nil || !bytes.HasPrefix(f.text[f.at:], []byte(tag)) {
		return false
	}
	f.at += len(tag)
	return true
}

// cString is the text before the first zero byte.
func cString(b []byte) string {
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return validText(b)
}

// openOld reads the header of formats 113 to 115 up to the data, and returns
// the bytes of a row.
func (f *stataFile) openOld() int {
	header := f.take(4, "the header")
	var ok bool
	if f.stataLayout, ok = layoutOf(int(header[0])); !ok {
		f.fail("this is format %d, of Stata 7 or older; formats 113 to 115 and 117 to 119 are read. Save it anew in Stata 8 or later", header[0])
		return 0
	}
	f.order = binary.BigEndian
	if header[1] == 2 {
		f.order = binary.LittleEndian
	}
	n := f.count(f.variablesSize, "the number of variables")
	f.rows = f.count(f.rowsSize, "the number of observations")
	f.take(81+18, "the data label and time stamp")
	types := f.table(n, 1, "the types of the variables")
	f.variables = make([]stataVariable, len(types))
	for i, code := range types {
		f.variables[i].stataType = oldType(code)
	}
	width := f.describe(f.table(n, f.nameSize, "the names of the variables"), func() []byte {
		f.table(n+1, f.sortSize, "the order of sorting")
		f.table(n, f.formatSize, "the display formats")
		return f.table(n, f.nameSize, "the names of value labels")
	})
	f.table(n, f.labelSize, "the labels of the variables")
	for f.err == nil { // characteristics and notes
		kind := f.number(1, "an expansion field")
		size := f.number(4, "an expansion field")
		if kind == 0 && size == 0 {
			break
		}
		f.take(int(size), "an expansion field")
	}
	return width
}

// oldType translates a type of formats 113 to 115.
func oldType(code byte) stataType {
	switch code {
	case 251:
		return byteType
	case 252:
		return intType
	case 253:
		return longType
	case 254:
		return floatType
	case 255:
		return doubleType
	default:
		return stataType(code)
	}
}

// describe names the variables, and returns the bytes of a row. labels reads
// what stands between the names and the names of value labels, and those.
func (f *stataFile) describe(names []byte, labels func() []byte) int {
	labelNames := labels()
	if f.err != nil {
		return 0
	}
	width := 0
	for i := range f.variables {
		v := &f.variables[i]
		v.name = cString(names[i*f.nameSize : (i+1)*f.nameSize])
		v.labels = cString(labelNames[i*f.nameSize : (i+1)*f.nameSize])
		v.offset = width
		if v.size() == 0 {
			f.fail("the variable %s has type %d, which Stata does not know; the file is damaged", v.name, v.stataType)
			return 0
		}
		if v.name == "" {
			f.fail("variable %d has no name; the file is damaged", i+1)
			return 0
		}
		width += v.size()
	}
	if width == 0 {
		f.fail("the file has no variables")
	}
	return width
}

// openTagged reads the header of formats 117 to 119 up to the data, and returns
// the bytes of a row.
func (f *stataFile) openTagged() int {
	f.tag(stataOpen)
	f.tag("<header>")
	f.tag("<release>")
	release := f.take(3, "the format")
	if f.err != nil {
		return 0
	}
	format := 0
	for _, c := range release {
		format = 10*format + int(c) - '0'
	}
	var ok bool
	if f.stataLayout, ok = layoutOf(format); !ok || format < 117 {
		f.fail("this is format %q; formats 113 to 115 and 117 to 119 are read. In Stata, saveold writes an older one", release)
		return 0
	}
	f.tag("</release>")
	f.tag("<byteorder>")
	switch string(f.take(3, "the order of bytes")) {
	case "MSF":
		f.order = binary.BigEndian
	case "LSF":
		f.order = binary.LittleEndian
	default:
		f.fail("expected the order of bytes, MSF or LSF")
	}
	f.tag("</byteorder>")
	f.tag("<K>")
	n := f.count(f.variablesSize, "the number of variables")
	f.tag("</K>")
	f.tag("<N>")
	f.rows = f.count(f.rowsSize, "the number of observations")
	f.tag("</N>")
	f.tag("<label>")
	f.take(f.count(f.tagTextSize, "the length of the data label"), "the data label")
	f.tag("</label>")
	f.tag("<timestamp>")
	f.take(f.count(1, "the length of the time stamp"), "the time stamp")
	f.tag("</timestamp>")
	f.tag("</header>")
	f.part("map", 14, 8)
	types := f.part("variable_types", n, 2)
	f.variables = make([]stataVariable, len(types)/2)
	for i := range f.variables {
		f.variables[i].stataType = stataType(f.decode(types[2*i : 2*i+2]))
	}
	width := f.describe(f.part("varnames", n, f.nameSize), func() []byte {
		f.part("sortlist", n+1, f.sortSize)
		f.part("formats", n, f.formatSize)
		return f.part("value_label_names", n, f.nameSize)
	})
	f.part("variable_labels", n, f.labelSize)
	f.tag("<characteristics>")
	for f.next("<ch>") {
		f.take(f.count(4, "the length of a characteristic"), "a characteristic")
		f.tag("</ch>")
	}
	f.tag("</characteristics>")
	f.tag("<data>")
	return width
}

// part reads a table between its tags.
func (f *stataFile) part(name string, n, size int) []byte {
	f.tag("<" + name + ">")
	b := f.table(n, size, "<"+name+">")
	f.tag("</" + name + ">")
	return b
}

// records returns the rows of the data.
func (f *stataFile) records(width int) []byte {
	if f.err == nil && f.rows > f.left()/width {
		f.fail("%d observations of %d bytes are declared, but %d bytes are left; the file is cut off or damaged", f.rows, width, f.left())
	}
	return f.take(f.rows*width, "the data")
}

// A reference is the key of a long string.
type reference struct{ variable, row uint64 }

// referenceSizes returns how many of the 8 bytes that stand for a long string
// in the data are its variable's number. Stata writes 3 in format 119, but R's
// haven 2, as in 118.
func (f *stataFile) referenceSizes() []int {
	switch f.format {
	case 117:
		return []int{4}
	case 118:
		return []int{2}
	default:
		return []int{3, 2}
	}
}

// fill reads the columns, and returns the references of those that hold long
// strings.
func (f *stataFile) fill(t *Table, data []byte, width int) map[int][][]byte {
	references := map[int][][]byte{}
	in := interner{}
	for i := range f.variables {
		v, c := &f.variables[i], &t.Columns[i]
		c.Name = v.name
		switch {
		case v.stataType == longText:
			c.Texts = make([]string, f.rows)
			references[i] = make([][]byte, f.rows)
		case v.text():
			c.Texts = make([]string, f.rows)
		default:
			c.Numbers = make([]float64, f.rows)
		}
		for row := range f.rows {
			at := row*width + v.offset
			cell := data[at : at+v.size()]
			switch {
			case v.stataType == longText:
				references[i][row] = cell
			case v.text():
				c.Texts[row] = in.text(cString(cell))
			default:
				c.Numbers[row] = f.value(v.stataType, cell)
			}
		}
		c.findText()
	}
	return references
}

// findText finds the first row of a column of text that holds some.
func (c *Column) findText() {
	for row, text := range c.Texts {
		if text != "" {
			c.notNumber = row
			return
		}
	}
}

// value reads a number. The largest numbers of each type stand for Stata's
// missing values, from . to .z.
func (f *stataFile) value(kind stataType, cell []byte) float64 {
	bits := f.decode(cell)
	var x float64
	var missing bool
	switch kind {
	case byteType:
		x = float64(int8(bits))
		missing = x > 100
	case intType:
		x = float64(int16(bits))
		missing = x > 32740
	case longType:
		x = float64(int32(bits))
		missing = x > 2147483620
	case floatType:
		x = float64(math.Float32frombits(uint32(bits)))
		missing = x >= 0x1p127
	default:
		x = math.Float64frombits(bits)
		missing = x >= 0x1p1023
	}
	if missing {
		return math.NaN()
	}
	return x
}

// longTexts reads the long strings that the columns refer to.
func (f *stataFile) longTexts(t *Table, references map[int][][]byte) {
	f.tag("<strls>")
	texts := map[reference]string{{}: ""}
	for f.next("GSO") {
		key := reference{f.number(4, "a long string's variable"), f.number(f.objectSize, "a long string's observation")}
		f.take(1, "a long string's kind")
		text := f.take(f.count(4, "a long string's length"), "a long string")
		texts[key] = cString(text)
	}
	f.tag("</strls>")
	if f.err != nil {
		return
	}
	for _, size := range f.referenceSizes() {
		if f.resolve(t, references, texts, size) {
			return
		}
	}
	f.fail("a variable refers to a long string that is not there; the file is damaged")
}

// resolve looks up the long strings, and reports whether all are there.
func (f *stataFile) resolve(t *Table, references map[int][][]byte, texts map[reference]string, size int) bool {
	for i, cells := range references {
		for row, cell := range cells {
			text, ok := texts[reference{f.decode(cell[:size]), f.decode(cell[size:])}]
			if !ok {
				return false
			}
			t.Columns[i].Texts[row] = text
		}
		t.Columns[i].findText()
	}
	return true
}

// valueLabels reads the tables of value labels and gives them to the variables
// that use them. Old files may end before them.
func (f *stataFile) valueLabels(t *Table) {
	tables := map[string]map[float64]string{}
	tagged := f.format >= 117
	if tagged {
		f.tag("<value_labels>")
	}
	for f.err == nil && (tagged && f.next("<lbl>") || !tagged && f.left() > 0) {
		f.number(4, "the length of a table of value labels")
		name := cString(f.take(f.nameSize, "the name of a table of value labels"))
		f.take(3, "a table of value labels")
		tables[name] = f.labelTable()
		if tagged {
			f.tag("</lbl>")
		}
	}
	if tagged {
		f.tag("</value_labels>")
		f.tag("</stata_dta>")
	}
	for i := range f.variables {
		if v := &f.variables[i]; !v.text() {
			t.Columns[i].Labels = tables[v.labels]
		}
	}
}

// labelTable reads what each number means.
func (f *stataFile) labelTable() map[float64]string {
	const what = "a table of value labels"
	n := f.count(4, "the number of value labels")
	size := f.count(4, "the length of value labels")
	offsets := f.table(n, 4, what)
	values := f.table(n, 4, what)
	text := f.take(size, what)
	if f.err != nil {
		return nil
	}
	labels := make(map[float64]string, n)
	total := 0 // labels of a damaged file can overlap, and add up to far more than the file
	for i := range n {
		at := f.decode(offsets[4*i : 4*i+4])
		if at >= uint64(len(text)) {
			f.fail("a value label stands outside its table; the file is damaged")
			return nil
		}
		x := f.value(longType, values[4*i:4*i+4])
		if math.IsNaN(x) {
			continue
		}
		labels[x] = cString(text[at:])
		if total += len(labels[x]); total > len(f.text) {
			f.fail("value labels overlap; the file is damaged")
			return nil
		}
	}
	return labels
}
