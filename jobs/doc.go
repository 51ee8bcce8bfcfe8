// Package jobs does what happens by itself: letters, reminders, lapses, receipts, sweeps, checks. Table is the list; a Runner runs it.
//
// cron, in UTC, has the runner look once a minute at what is due. When a job is due is a Schedule: five fields of cron in UTC, or a time of day
// where the book is. What was missed while nobody ran is found by the job's durable cursor and made up for; what runs, ran and failed stands in the
// database (package runs). Several processes may run the same jobs of the same books: one takes a slot.
//
// A job's function brings the book up to the turn's time from what the database holds, in steps that commit by themselves. Killed between two steps
// and run again it does the rest, and its counts go on, since each step counts in its own transaction.
package jobs
