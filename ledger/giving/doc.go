// Package giving keeps campaigns and gifts.
//
// A gift begins as a checkout: a form was sent, no money has moved, nothing is posted ([Begin]). When
// money has come, by a processor, a bank line, a cash sheet or an imported file, [Book] books it:
// one entry a gift, one fee entry a batch, fund, processor and day, all in the caller's transaction.
// [Intake] stands before Book: it lets many callers share one commit.
//
// A gift is known by its channel and the reference under which it reached us, so it is booked once
// however often it is reported. Its id is the id of its entry; the public sees that id encrypted ([Ref]).
// Names, e-mail addresses and messages live sealed in the schema private alone, under a key per donor that a key from
// outside of the database wraps (sunfund/internal/seal); erasing a donor leaves gifts, entries and totals as they are.
package giving
