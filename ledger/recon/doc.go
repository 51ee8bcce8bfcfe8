// Package recon takes in what banks and processors say of the association's money and holds it against the book. A file is imported
// whole or put into quarantine with the reason; a line is on file once, however many files tell it and in whatever order they come.
package recon
