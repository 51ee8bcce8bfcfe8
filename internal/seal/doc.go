// Package seal encrypts personal data for the database: AES-256-GCM under a random key per person, and that key under one
// from outside of the database, the first of a [Ring]. Whoever has the database alone reads nothing; whoever removes a
// person's key makes that person's data unreadable for ever.
//
// What is sealed is bound to its place (book, person, column), so that it cannot be moved to another. Equal texts are found
// again by [Ring.Index], a keyed hash; nothing else can be searched.
package seal
