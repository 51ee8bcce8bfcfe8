// Package staff knows the people who sign in: who they are, what they may do, what one of them
// asked and a second decided, which programs hold a key, and who did what.
//
// A request goes like this. Lookup turns the session's token into an Identity, read anew each
// time, so that a role taken away is gone with the next click. Identity.May answers for the
// permission that the handler states; Identity.MaySee and Identity.Streets say of which streets.
// What moves money is not done but submitted; Approve, by somebody else who saw exactly the same,
// and the effect are one transaction.
//
// Every change here writes its own audit event in the same transaction.
package staff
