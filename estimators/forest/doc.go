// Package forest grows conditional inference trees and forests (Hothorn, Hornik
// and Zeileis 2006; Strobl, Boulesteix, Zeileis and Hothorn 2007) for a numeric
// outcome.
//
// In a node, the association of the outcome with each input is tested by a
// permutation test. If one is significant, the input with the smallest p-value
// is split in two where the two-sample statistic is largest. So an input with
// many values has no better chance to be split than one with few.
//
// A Forest is the scratch of one worker. Load sorts the inputs of a data set
// once; any number of trees and forests are then grown on any of its rows. The
// inner loops work on ranks of 16 bits: a split is "rank <= cut".
package forest
