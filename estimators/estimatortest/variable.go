package estimatortest

import (
	"fmt"
	"math"

	"coachsim/dgp"
	"coachsim/estimators"
)

// Level returns the level at which a variable varies: the lowest among its
// columns, and that of the groups where a mean is taken.
func Level(v estimators.Variable, shape dgp.Shape) dgp.Level {
	if v.Call == nil {
		return shape.Columns[shape.Index(v.Name)].Level
	}
	switch v.Call.Function {
	case "number":
		return dgp.BlockLevel
	case "mean", "n", "factor":
		return groupLevel(v.Call.Args[len(v.Call.Args)-1].Name, shape)
	}
	level := dgp.BlockLevel
	for _, a := range v.Call.Args {
		level = max(level, Level(a, shape))
	}
	return level
}

func groupLevel(name string, shape dgp.Shape) dgp.Level {
	var level dgp.Level
	if level.UnmarshalText([]byte(name)) != nil {
		level = shape.Columns[shape.Index(name)].Level
	}
	return level
}

// Evaluate returns the value of a variable for any unit, computed anew from its
// definition. Constants, such as percentiles, are taken over all units of the
// level at which their argument varies.
func Evaluate(v estimators.Variable, d *dgp.Data, shape dgp.Shape) (func(unit) float64, error) {
	return evaluate(v, d, d, shape)
}

// evaluate takes constants from fitted and values from d, which has the same
// units.
func evaluate(v estimators.Variable, d, fitted *dgp.Data, shape dgp.Shape) (func(unit) float64, error) {
	if v.Call == nil {
		c := shape.Index(v.Name)
		if c < 0 {
			return nil, fmt.Errorf("there is no column %q", v.Name)
		}
		return func(u unit) float64 { return d.Columns[c][u[shape.Columns[c].Level]] }, nil
	}
	name := v.Call.Function
	if name == "number" {
		return func(unit) float64 { return v.Call.Number }, nil
	}
	var args, constants []func(unit) float64
	values := v.Call.Args
	switch name {
	case "mean":
		values = values[:1]
	case "n", "factor":
		values = nil
	}
	for _, a := range values {
		f, err := evaluate(a, d, fitted, shape)
		if err != nil {
			return nil, err
		}
		args = append(args, f)
		if f, err = evaluate(a, fitted, fitted, shape); err != nil {
			return nil, err
		}
		constants = append(constants, f)
	}
	// all lists what argument k is in the data that constants come from.
	all := func(k int) (x []float64) {
		for _, u := range units(fitted, Level(v.Call.Args[k], shape)) {
			x = append(x, constants[k](u))
		}
		return x
	}
	switch name {
	case "I":
		return args[0], nil
	case "neg":
		return func(u unit) float64 { return -args[0](u) }, nil
	case "+":
		return func(u unit) float64 { return args[0](u) + args[1](u) }, nil
	case "-":
		return func(u unit) float64 { return args[0](u) - args[1](u) }, nil
	case "*":
		return func(u unit) float64 { return args[0](u) * args[1](u) }, nil
	case "/":
		return func(u unit) float64 { return args[0](u) / args[1](u) }, nil
	case "^":
		return func(u unit) float64 { return math.Pow(args[0](u), args[1](u)) }, nil
	case "log":
		return func(u unit) float64 { return math.Log(args[0](u)) }, nil
	case "exp":
		return func(u unit) float64 { return math.Exp(args[0](u)) }, nil
	case "sqrt":
		return func(u unit) float64 { return math.Sqrt(args[0](u)) }, nil
	case "std":
		mean, sd := moments(all(0))
		return func(u unit) float64 { return (args[0](u) - mean) / sd }, nil
	case "center":
		mean, _ := moments(all(0))
		return func(u unit) float64 { return args[0](u) - mean }, nil
	case "below", "above":
		cutoff := Percentile(all(0), v.Call.Number)
		return func(u unit) float64 {
			if x := args[0](u); name == "below" && x < cutoff || name == "above" && x > cutoff {
				return 1
			}
			return 0
		}, nil
	case "mean", "n":
		return groupwise(v, args, d, shape), nil
	case "klk", "anderson":
		return indexOf(v, args, constants, fitted, shape), nil
	}
	return nil, fmt.Errorf("the reference has no function %s", name)
}

// groupwise is the mean of an argument over the units of the same group, or
// their number.
func groupwise(v estimators.Variable, args []func(unit) float64, d *dgp.Data, shape dgp.Shape) func(unit) float64 {
	name := v.Call.Args[len(v.Call.Args)-1].Name
	level := groupLevel(name, shape)
	column := shape.Index(name)
	id := func(u unit) float64 {
		if column >= 0 {
			return d.Columns[column][u[level]]
		}
		return float64(u[level])
	}
	of := dgp.ChildLevel
	if len(args) > 0 {
		of = Level(v.Call.Args[0], shape)
	}
	return func(u unit) float64 {
		sum, n := 0.0, 0.0
		for _, other := range units(d, of) {
			if id(other) == id(u) {
				n++
				if len(args) > 0 {
					sum += args[0](other)
				}
			}
		}
		if len(args) == 0 {
			return n
		}
		return sum / n
	}
}

// moments returns the mean and the SD (divisor n-1).
func moments(x []float64) (mean, sd float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		sd += (v - mean) * (v - mean) / (n - 1)
	}
	return mean, math.Sqrt(sd)
}

// indexOf is the index of Kling, Liebman and Katz, or Anderson's. For the
// latter the inverse covariance matrix is found by elimination.
func indexOf(v estimators.Variable, args, constants []func(unit) float64, fitted *dgp.Data, shape dgp.Shape) func(unit) float64 {
	k := len(args)
	rows := units(fitted, Level(v, shape))
	control := func(u unit) bool {
		for c, column := range shape.Columns {
			treated := fitted.Columns[c][min(u[column.Level], len(fitted.Columns[c])-1)] != 0
			if by := v.Call.By; by != nil && by.Name == column.Name && treated || by == nil && column.Arm && treated {
				return false
			}
		}
		return true
	}
	mean, sd := make([]float64, k), make([]float64, k)
	for i := range args {
		var x []float64
		for _, u := range rows {
			if control(u) {
				x = append(x, constants[i](u))
			}
		}
		mean[i], sd[i] = moments(x)
	}
	weight := make([]float64, k)
	for i := range weight {
		weight[i] = 1 / float64(k)
	}
	if v.Call.Function == "anderson" {
		covariance := zeroMatrix(k, k)
		for i := range k {
			for j := range k {
				sum := 0.0
				var zi, zj []float64
				for _, u := range rows {
					zi = append(zi, (constants[i](u)-mean[i])/sd[i])
					zj = append(zj, (constants[j](u)-mean[j])/sd[j])
				}
				mi, _ := moments(zi)
				mj, _ := moments(zj)
				for r := range rows {
					sum += (zi[r] - mi) * (zj[r] - mj)
				}
				covariance[i][j] = num(sum / float64(len(rows)-1))
			}
		}
		covariance.sweep(1e-20)
		all := 0.0
		for i := range k {
			weight[i] = 0
			for j := range k {
				weight[i] += float(covariance[i][j])
			}
			all += weight[i]
		}
		for i := range weight {
			weight[i] /= all
		}
	}
	return func(u unit) float64 {
		sum := 0.0
		for i := range args {
			sum += weight[i] * (args[i](u) - mean[i]) / sd[i]
		}
		return sum
	}
}
