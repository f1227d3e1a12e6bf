package configs

import (
	"embed"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"coachsim/sim"
)

// targets/NAME.csv holds the printed cells of a paper, each with the estimate
// that reproduces it; targets/NAME-calibration.csv the mean standard errors
// that the calibration of the model found.
//
//go:embed targets/*.csv
var targetFiles embed.FS

// Tables lists the built-in tables of published results.
func Tables() []string {
	entries, err := targetFiles.ReadDir("targets")
	if err != nil {
		panic("configs: the embedded tables cannot be listed: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".csv"); !strings.HasSuffix(name, "-calibration") {
			names = append(names, name)
		}
	}
	return names
}

// Tolerance is how close a study must come to a built-in table of published
// results: the agreement that the calibration of its model reached, with a little
// room.
func Tolerance(table string) sim.Tolerance {
	if strings.HasPrefix(table, "tanzania-") {
		return sim.Tolerance{RMS: 0.35, Worst: 0.60, SE: 0.03, R2: 0.02, MSE: 0.03}
	}
	if table == "ecuador-multigrade" {
		return sim.Tolerance{RMS: 0.10, Worst: 0.25, SE: 0.03}
	}
	return sim.Tolerance{RMS: 0.25, Worst: 0.80, SE: 0.03}
}

// Published returns the cells of a built-in table that a study reproduces.
func Published(name string) ([]sim.Published, error) {
	if !slices.Contains(Tables(), name) {
		return nil, fmt.Errorf("there is no table of published results %q; the tables are %s", name, strings.Join(Tables(), ", "))
	}
	rows, err := readTable("targets/" + name + ".csv")
	if err != nil {
		return nil, err
	}
	calibrated, err := readTable("targets/" + name + "-calibration.csv")
	if err != nil {
		return nil, err
	}
	calibratedSE := map[string]float64{}
	for _, row := range calibrated {
		if calibratedSE[row["id"]], err = strconv.ParseFloat(row["mean_cr1_se"], 64); err != nil {
			return nil, fmt.Errorf("calibration of %s: %w", row["id"], err)
		}
	}
	printedSE := map[string]string{}
	for _, row := range rows {
		if id, ok := strings.CutSuffix(row["id"], "_se"); ok {
			printedSE[id] = row["value"]
		}
	}
	var cells []sim.Published
	for _, row := range rows {
		if row["estimator"] == "" || row["statistic"] == "se" {
			continue
		}
		id := strings.TrimSuffix(row["id"], "_coef")
		c := sim.Published{
			ID: id, Table: tableName(row), Column: row["column"], Label: label(row), Kind: row["statistic"],
			Estimator: row["estimator"], Outcome: row["outcome"], Term: row["term"],
			SE: math.NaN(), CalibratedSE: math.NaN(),
		}
		if c.Value, err = strconv.ParseFloat(row["value"], 64); err != nil {
			return nil, fmt.Errorf("published cell %s: %w", id, err)
		}
		if runs := row["of"]; runs != "" { // a count of runs is a share of them
			n, err := strconv.ParseFloat(runs, 64)
			if err != nil {
				return nil, fmt.Errorf("published cell %s: %w", id, err)
			}
			c.Value /= n
		}
		if text, ok := printedSE[id]; ok && c.Kind == "coef" {
			if c.SE, err = strconv.ParseFloat(text, 64); err != nil {
				return nil, fmt.Errorf("published cell %s: %w", id, err)
			}
		}
		if se, ok := calibratedSE[id]; ok {
			c.CalibratedSE = se
		}
		cells = append(cells, c)
	}
	// The paper prints Table 4 by row; readers compare it regression by regression.
	slices.SortStableFunc(cells, func(a, b sim.Published) int {
		if a.Table != b.Table {
			return 0
		}
		return columnNumber(a.Column) - columnNumber(b.Column)
	})
	return cells, nil
}

// columnNumber is the number of a printed column, 0 for a column with a name.
func columnNumber(column string) int {
	n, err := strconv.Atoi(column)
	if err != nil {
		return 0
	}
	return n
}

// readTable reads a CSV file with a header line.
func readTable(path string) ([]map[string]string, error) {
	file, err := targetFiles.Open(path)
	if err != nil {
		return nil, err
	}
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	rows := make([]map[string]string, 0, len(lines)-1)
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows, file.Close()
}

// tableName joins table and panel: "3B", "A1", "text".
func tableName(row map[string]string) string {
	if row["source_table"] == "text" {
		return "text"
	}
	return row["source_table"] + row["panel"]
}

// label says what a cell is, in the paper's words.
func label(row map[string]string) string {
	switch {
	case row["statistic"] == "corr" && row["source_table"] != "text":
		return row["row"] + " with " + row["column"]
	case strings.HasPrefix(row["note"], "dependent variable: "):
		outcome := strings.TrimPrefix(row["note"], "dependent variable: ")
		outcome = strings.NewReplacer("<", "below ", ">", "above ", " pctile", " percentile").Replace(outcome)
		return row["row"] + " → " + outcome
	case strings.HasPrefix(row["row"], "Treatment*"):
		return "Treatment × " + strings.TrimPrefix(row["row"], "Treatment*")
	default:
		return row["row"]
	}
}
