// Package disclosure keeps what was published: one entry for each campaign, project, year and major event.
//
// Figures are drafted from the books ([Make]) and frozen with the ledger position they were read at when two people publish them. A version
// never changes. A correction is a further version with the note that the law asks for: what was published, what is right, why, and who found
// it; the wrong one stays to be seen (accounting.md R09b).
package disclosure
