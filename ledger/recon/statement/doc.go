// Package statement reads what banks and processors say of an account: bytes in, lines out, no database. A file is read whole or
// refused whole, with the reason: its amounts go from text to minor units without a float, its control totals and balances are
// proved from its lines, its columns are found by their names, and every line tells where in the file it stands.
package statement
