// Package runs keeps what the program does by itself in a book: its jobs, when each is due, and what became of every run. Package jobs does the
// work; pages and figures for outside read here.
//
// A slot is a moment at which a job is due. One row is one slot, and at most one row of a job is running, so that of several processes
// one runs it. Who runs holds a lease by the database's clock and renews it; when it lapses, because a process was killed, another takes the same
// slot again under a new token, and what the first still tries to write under its old one is refused.
//
// A job's durable cursor is DoneSlot: everything up to it is done. A run that ends well moves it; one that fails, or never ends, does not.
package runs
