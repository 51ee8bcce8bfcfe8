// Package faults breaks things under the service while gifts come in, and then counts. It has tests only.
//
// The oracle stands outside: a driver sends gifts over HTTP to the program itself, and writes to a journal on disk what it
// is about to send and what was answered. When everything runs again, every gift without an answer is sent again, and then
// the database, asked in SQL of our own, must hold each gift of the journal exactly once and nothing else.
//
// The program is not changed for it. It reaches PostgreSQL through a socket on which package faults listens, reads along,
// and can stop the world at a step of the protocol: before COMMIT leaves, after it was carried out, and so on.
//
// `go test` runs a short set. `make faults` runs the long one and prints the table of docs/reliability.md. What a machine
// cannot do (a power cut needs root and a loop device) is skipped, with the reason, and counted.
package faults
