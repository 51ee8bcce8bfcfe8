// Package projects keeps the money side of what a street's funds pay for: the directory of those who are paid (收款单位), projects with
// their budgets, contracts with the sources that bear them, what was delivered and how it was judged, and every payment until the bank
// line is there (E36 to E44, E46, E52 of docs/bookkeeping.md).
//
// A contract is drawn from its sources by one rule only (see draw.go); each step is a giving.Move, so that it is booked, written into the
// record's history and approved by a second person in the one way there is.
package projects
