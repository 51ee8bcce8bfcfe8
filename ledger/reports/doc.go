// Package reports writes what the books say for readers outside: it reads, and changes nothing.
//
// [WriteHledger] and [WriteBeancount] give the whole book as plain text, so that programs that have
// nothing in common with this one can add it up again.
package reports
