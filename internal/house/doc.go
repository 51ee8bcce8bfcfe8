// Package house holds the tests of the house rules: which room may import which, SQL that fits the
// schema, keys that begin with the book, no floating point near money, and a meaning for every error.
// It has no code of its own.
package house
