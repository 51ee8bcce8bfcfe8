// Package funds keeps the life of a fund: what it is applied for with, its agreement, the committee that lets it open, its charter as data, and
// what happens between funds: transfers (E28), levies (E29), interest (E30), release from a restriction (E45), the rest of a fund that ends.
//
// A charter is never edited. Each change is a further version, with the filing number or the consent of donors that allows it; the ledger reads
// the last version and refuses what it does not let be spent (ledger.ErrPurpose, ledger.ErrWindow).
package funds
