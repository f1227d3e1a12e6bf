package sim

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/parquet-go/parquet-go"

	"coachsim/estimators"
)

// chunkRow is a Record as the columns of a chunk file, in their order. A nil
// pointer is a NULL, which is how a NaN is stored: SQL counts a NaN as a number
// and leaves a NULL out.
type chunkRow struct {
	Cell      int32    `parquet:"cell"`
	Replicate int32    `parquet:"replicate"`
	Estimator string   `parquet:"estimator,dict"`
	Outcome   string   `parquet:"outcome,dict"`
	Term      string   `parquet:"term,dict"`
	Estimand  string   `parquet:"estimand,dict"`
	Truth     *float64 `parquet:"truth"`
	Estimate  *float64 `parquet:"estimate"`
	StdError  *float64 `parquet:"std_error"`
	DF        *float64 `parquet:"df"`
	PValue    *float64 `parquet:"p_value"`
	ConfLow   *float64 `parquet:"conf_low"` // NULL where the interval is estimate ± t(df) std_error
	ConfHigh  *float64 `parquet:"conf_high"`
	Status    string   `parquet:"status,dict"`
}

// The positions of chunkRow's columns.
const (
	columnCell = iota
	columnReplicate
	columnEstimator
	columnOutcome
	columnTerm
	columnEstimand
	columnTruth
	columnEstimate
	columnStdError
	columnDF
	columnPValue
	columnConfLow
	columnConfHigh
	columnStatus
	chunkColumns
)

// WriteChunk writes records, one finished piece of the replicate log, as a
// Parquet file with meta as its key-value metadata. Equal input gives equal
// bytes. The file appears under path whole or not at all; what a killed process
// leaves behind does not end in ".parquet".
func WriteChunk(path string, records []Record, meta map[string]string) error {
	rows, err := chunkRows(records)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := ReplaceFile(path, func(w io.Writer) error { return encodeChunk(w, rows, meta) }); err != nil {
		return fmt.Errorf("writing a chunk: %w", err)
	}
	return nil
}

func encodeChunk(w io.Writer, rows []chunkRow, meta map[string]string) error {
	options := []parquet.WriterOption{
		parquet.Compression(&parquet.Zstd),
		parquet.CreatedBy("coachsim", "1", "1"), // the default names the library's build, which varies
	}
	for key, value := range meta { // the library sorts them
		options = append(options, parquet.KeyValueMetadata(key, value))
	}
	writer := parquet.NewGenericWriter[chunkRow](w, options...)
	if _, err := writer.Write(rows); err != nil {
		return err
	}
	return writer.Close()
}

// syncDir brings a rename in dir to the disk. Windows has no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// chunkRows points into records for its numbers.
func chunkRows(records []Record) ([]chunkRow, error) {
	rows := make([]chunkRow, len(records))
	for i := range records {
		r := &records[i]
		if int(int32(r.Cell)) != r.Cell || int(int32(r.Replicate)) != r.Replicate {
			return nil, fmt.Errorf("cell %d, replicate %d: the log counts in 32 bits", r.Cell, r.Replicate)
		}
		rows[i] = chunkRow{
			Cell:      int32(r.Cell),
			Replicate: int32(r.Replicate),
			Estimator: r.Estimator,
			Outcome:   r.Outcome,
			Term:      r.Term,
			Estimand:  r.Estimand,
			Truth:     nullable(&r.Truth),
			Estimate:  nullable(&r.Value),
			StdError:  nullable(&r.SE),
			DF:        nullable(&r.DF),
			PValue:    nullable(&r.P),
			Status:    r.Status.String(),
		}
		if r.Exists() {
			rows[i].ConfLow, rows[i].ConfHigh = nullable(&r.Low), nullable(&r.High)
		}
	}
	return rows, nil
}

func nullable(x *float64) *float64 {
	if math.IsNaN(*x) {
		return nil
	}
	return x
}

// ReadChunk reads what WriteChunk wrote: the records and the metadata. A file
// that is cut short, damaged, or no chunk is an error.
func ReadChunk(path string) (records []Record, meta map[string]string, err error) {
	err = readChunkFile(path, func(file *parquet.File) error {
		meta = chunkMeta(file)
		records = make([]Record, file.NumRows())
		for column := range chunkColumns {
			if err := readColumn(file, column, records); err != nil {
				return fmt.Errorf("column %s: %w", file.Schema().Columns()[column][0], err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return records, meta, nil
}

func readChunkFile(path string, read func(*parquet.File) error) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading a chunk: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if err := checkFooter(file, info.Size()); err != nil {
		return fmt.Errorf("%s: not a whole chunk: %w", path, err)
	}
	defer func() { // the library believes a footer, which no checksum guards
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%s: the chunk is damaged: %v", path, fault)
		}
	}()
	chunk, err := parquet.OpenFile(file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("%s: not a whole chunk: %w", path, err)
	}
	if !parquet.EqualNodes(chunk.Schema(), parquet.SchemaOf(chunkRow{})) {
		return fmt.Errorf("%s: not a chunk of a replicate log: its columns are %v", path, chunk.Schema().Columns())
	}
	if n := chunk.NumRows(); n < 0 || n > 1000*info.Size() { // replicate numbers do not compress so well
		return fmt.Errorf("%s: the chunk is damaged: it claims %d rows", path, n)
	}
	if err := read(chunk); err != nil {
		return fmt.Errorf("%s: the chunk is damaged: %w", path, err)
	}
	return nil
}

// checkFooter looks for the end of a Parquet file: the length of its footer and
// the magic bytes, which are written last.
func checkFooter(file io.ReaderAt, size int64) error {
	const magic = "PAR1"
	var end [8]byte
	if _, err := file.ReadAt(end[:], max(0, size-int64(len(end)))); err != nil || string(end[4:]) != magic {
		return errors.New("it does not end as a Parquet file does")
	}
	if length := int64(binary.LittleEndian.Uint32(end[:])); length > size-int64(len(magic)+len(end)) {
		return fmt.Errorf("its footer claims %d of %d bytes", length, size)
	}
	return nil
}

func chunkMeta(file *parquet.File) map[string]string {
	meta := make(map[string]string)
	for _, pair := range file.Metadata().KeyValueMetadata {
		meta[pair.Key] = pair.Value
	}
	return meta
}

// readColumn fills one column of all records; a shorter records reads no
// further than it needs.
func readColumn(file *parquet.File, column int, records []Record) error {
	names := make(names)
	for _, group := range file.RowGroups() {
		pages := group.ColumnChunks()[column].Pages()
		defer pages.Close()
		for len(records) > 0 {
			page, err := pages.ReadPage()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			n, err := readPage(page, column, records, names)
			parquet.Release(page)
			if err != nil {
				return err
			}
			records = records[n:]
		}
	}
	if len(records) > 0 {
		return fmt.Errorf("%d values are missing", len(records))
	}
	return nil
}

func readPage(page parquet.Page, column int, records []Record, names names) (int, error) {
	var batch [256]parquet.Value
	reader := page.Values()
	done := 0
	for done < len(records) {
		n, err := reader.ReadValues(batch[:min(len(batch), len(records)-done)])
		for i := range n {
			if err := setColumn(&records[done+i], column, batch[i], names); err != nil {
				return 0, err
			}
		}
		done += n
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	return done, nil
}

func setColumn(r *Record, column int, v parquet.Value, names names) (err error) {
	switch column {
	case columnCell:
		r.Cell = int(v.Int32())
	case columnReplicate:
		r.Replicate = int(v.Int32())
	case columnEstimator:
		r.Estimator = names.of(v)
	case columnOutcome:
		r.Outcome = names.of(v)
	case columnTerm:
		r.Term = names.of(v)
	case columnEstimand:
		r.Estimand = names.of(v)
	case columnTruth:
		r.Truth = number(v)
	case columnEstimate:
		r.Value = number(v)
	case columnStdError:
		r.SE = number(v)
	case columnDF:
		r.DF = number(v)
	case columnPValue:
		r.P = number(v)
	case columnConfLow:
		if !v.IsNull() {
			r.Low = v.Double()
		}
	case columnConfHigh:
		if !v.IsNull() {
			r.High = v.Double()
		}
	case columnStatus:
		r.Status, err = estimators.ParseStatus(names.of(v))
	}
	return err
}

func number(v parquet.Value) float64 {
	if v.IsNull() {
		return math.NaN()
	}
	return v.Double()
}

// names keeps one copy of each different string of a column.
type names map[string]string

func (names names) of(v parquet.Value) string {
	b := v.ByteArray()
	name, ok := names[string(b)]
	if !ok {
		name = string(b)
		names[name] = name
	}
	return name
}

// A ChunkFile is one file of a replicate log.
type ChunkFile struct {
	Path      string
	Records   int
	Cell      int // of the first record
	Replicate int // of the first record
}

// A Log is the replicate log of a run directory.
type Log struct {
	files []ChunkFile
}

// OpenLog finds the chunks of a run directory, whatever their names, and puts
// them in the order of their first records.
func OpenLog(dir string) (*Log, error) {
	folder := filepath.Join(dir, "chunks")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("opening a replicate log: %w", err)
	}
	log := new(Log)
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".parquet" {
			continue
		}
		chunk, err := statChunk(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		if chunk.Records > 0 {
			log.files = append(log.files, chunk)
		}
	}
	if len(log.files) == 0 {
		return nil, fmt.Errorf("%s holds no finished chunk", folder)
	}
	slices.SortStableFunc(log.files, func(a, b ChunkFile) int {
		return cmp.Or(cmp.Compare(a.Cell, b.Cell), cmp.Compare(a.Replicate, b.Replicate))
	})
	return log, nil
}

func statChunk(path string) (ChunkFile, error) {
	chunk := ChunkFile{Path: path}
	err := readChunkFile(path, func(file *parquet.File) error {
		chunk.Records = int(file.NumRows())
		if chunk.Records == 0 {
			return nil
		}
		first := make([]Record, 1)
		err := errors.Join(readColumn(file, columnCell, first), readColumn(file, columnReplicate, first))
		chunk.Cell, chunk.Replicate = first[0].Cell, first[0].Replicate
		return err
	})
	return chunk, err
}

// Files lists the chunks that hold records, in order.
func (l *Log) Files() []ChunkFile { return slices.Clone(l.files) }

// Chunks yields the records chunk by chunk, in the order of (cell, replicate),
// and stops after an error. It can be ranged over again.
func (l *Log) Chunks() iter.Seq2[[]Record, error] {
	return func(yield func([]Record, error) bool) {
		for _, file := range l.files {
			records, _, err := ReadChunk(file.Path)
			if !yield(records, err) || err != nil {
				return
			}
		}
	}
}

// lastChunk yields the records of the last chunk.
func (l *Log) lastChunk() iter.Seq2[[]Record, error] {
	return (&Log{files: l.files[len(l.files)-1:]}).Chunks()
}

// InMemory yields chunks that were never written, as Log.Chunks does.
func InMemory(chunks ...[]Record) iter.Seq2[[]Record, error] {
	return func(yield func([]Record, error) bool) {
		for _, records := range chunks {
			if !yield(records, nil) {
				return
			}
		}
	}
}
