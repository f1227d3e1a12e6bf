// Package dgp is the data-generating mechanism: it declares a trial of teacher
// coaching (Trial), draws data sets of it (Generator, Data), and knows the
// treatment effects that hold in each of them (Truth).
//
// A trial has four levels: block ⊃ school ⊃ teacher (a classroom) ⊃ child.
// Arms such as coaching are assigned to schools, teachers or children
// (Assignment). They move the true quality of a classroom
// (Quality), of which ratings of film segments give an unreliable picture
// (Observation), and it moves what children score on tests (Achievement),
// partly through quality and partly not. Covariates, class sizes and attrition
// complete the picture. The equations stand with each type.
//
// The package knows nothing about estimation. What an analyst may see is Data;
// what only the simulator knows is Truth.
package dgp
