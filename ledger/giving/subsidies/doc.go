// Package subsidies keeps the letters of streets (街道配套): what a street has promised to add to what residents raise, what of it is
// earned, claimed, received, spent, returned and lapsed. The promise is a memo (9021); the money is a government grant (E31 to E34).
//
// What is earned is never typed: it is worked out from the postings of the gifts that the letter counts, less refunds. It lives above
// giving, not in ledger/funds, since it counts gifts and takes its steps as giving's records do.
package subsidies
