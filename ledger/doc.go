// Package ledger is the book: funds, accounts, entries and postings, and the balances they make.
//
// A book is kept for one association. Its money is divided into funds; each fund is a self-balancing
// set of accounts, so every entry balances in every fund it touches and in every currency. A debit is a
// positive amount, a credit a negative one, both in minor units (fen).
//
// An entry is never edited and never deleted. A wrong one is reversed by a mirror entry that names it,
// the reason and the person, and then booked again. [Post] is the only way in. It
//
//   - finds or makes the leaf accounts named by the lines,
//   - answers again what it answered before when it has seen the entry's key with the same body,
//   - refuses an entry that does not balance, lies in a closed month, takes a guarded account below
//     zero or spends what a fund does not have,
//   - writes entry, postings, balances and daily turnovers in one set-based step.
//
// A refused entry never hurts the others of its batch. What Post checks before writing, PostgreSQL
// checks again at the latest moment; [Verify] recomputes everything from the postings afterwards.
//
// Memo accounts (9xxx) hold commitments: what is promised, earned or encumbered, but not yet money.
// They balance among themselves and never enter a statement. Foreign money is held in two accounts of
// one name: its value in the book's currency, and beside it, balanced by itself, its units.
package ledger
