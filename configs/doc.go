// Package configs turns study files into studies. It holds the built-in
// studies (the YAML files of this folder), the published results that they
// reproduce (targets/), and Load, which reads a study strictly: whatever is
// wrong is reported at once, with file, line, key, and what is allowed.
//
// The keys of a study file are the yaml tags of the structs that declare a
// study: sim.Study, dgp.Trial, and the registered estimators, assignment
// schemes and covariate laws.
package configs
