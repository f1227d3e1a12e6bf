package dgp

// An oracle is what no analyst has but an infeasible estimator may use, by class:
// true quality in each domain, and the part of achievement that is neither sorting
// nor anything else that quality does not cause.
type oracle struct {
	quality [][][]float64 // by arm, domain and class
	caused  [][][]float64 // by arm, 0 and class: SDs of total achievement
}

const (
	trueSuffix   = "_true"
	causedSuffix = "_caused"
)

// oracleNames lists the columns of an oracle, none for a trial without.
func (t Trial) oracleNames() []string {
	if !t.Quality.Oracle {
		return nil
	}
	var names []string
	for _, domain := range t.Quality.Domains {
		names = append(names, domain+trueSuffix)
	}
	return append(names, t.Achievement.Total+causedSuffix)
}

// checkOracle adds the faults of an oracle.
func (t Trial) checkOracle(f *Faults) {
	switch {
	case !t.Quality.Oracle:
	case t.Design.delivers():
		f.Add("quality.oracle", "is for trials in which all receive what they are assigned: leave out coaches, compliance, dosage, turnover, mobility and spillover")
	case t.Design.Assignment != nil && t.Design.Assignment.Level() == ChildLevel:
		f.Add("quality.oracle", "is of classes, but here children are assigned, so that a class has children of every arm")
	}
}

// newOracle makes room; nil for a trial without one.
func newOracle(t Trial, tq *trueQuality) *oracle {
	if !t.Quality.Oracle {
		return nil
	}
	o := &oracle{quality: tq.under}
	for range t.Design.Arms {
		o.caused = append(o.caused, columnsOf(1, t.Design.teachers()))
	}
	return o
}

// draw finds what quality causes: the class part of achievement less what a class
// would have whatever its quality did.
func (o *oracle) draw(ts *tested) {
	for arm, class := range ts.class {
		for j, c := range class {
			o.caused[arm][0][j] = c - ts.uncaused[j]
		}
	}
}
