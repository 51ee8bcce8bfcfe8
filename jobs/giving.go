package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/payments"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/projects/trace"
	"sunfund/ledger/reports"
	"sunfund/ledger/runs"
	"sunfund/ledger/staff"
)

// signIns writes the letters with which donors open their page.
func (tools Tools) signIns(ctx context.Context, t *Turn) error {
	written := false
	err := t.Until(ctx, "letters", func(tx pgx.Tx) (int, error) {
		n, err := giving.AnswerSignIns(ctx, tx, t.Book, t.Now)
		written = written || n > 0
		return n, err
	})
	if written && tools.Lettered != nil {
		tools.Lettered(t.Book)
	}
	return err
}

// plans asks for regular gifts that are due, and charges cards at the sandbox.
func (tools Tools) plans(ctx context.Context, t *Turn) error {
	if err := t.Until(ctx, "plans", func(tx pgx.Tx) (int, error) { return plans.Step(ctx, tx, t.Book, t.Now) }); err != nil {
		return err
	}
	n, err := t.Tx(ctx, "charges", func(tx pgx.Tx) (int, error) { return payments.ChargeSandboxPlans(ctx, tx, t.Book, t.Now) })
	if n > 0 && tools.Charged != nil {
		tools.Charged(t.Book)
	}
	return err
}

// remindPledges writes to firms whose instalments are due or overdue.
func remindPledges(ctx context.Context, t *Turn) error {
	return t.Until(ctx, "letters", func(tx pgx.Tx) (int, error) { return giving.RemindPledges(ctx, tx, t.Book, t.Now) })
}

// receipts makes receipts of refunded gifts void, issues what batches ask for and posts their letters.
func (tools Tools) receipts(ctx context.Context, t *Turn) error {
	return t.Until(ctx, "steps", func(tx pgx.Tx) (int, error) { return receipts.Work(ctx, tx, t.Book, tools.Random, t.Now) })
}

// files books the platforms' files that were asked for.
func (tools Tools) files(ctx context.Context, t *Turn) error {
	for {
		more, err := tools.Files[t.Book.ID].Work(ctx)
		if err != nil || !more {
			return err
		}
		if _, err := t.Tx(ctx, "files", func(pgx.Tx) (int, error) { return 1, nil }); err != nil {
			return err
		}
	}
}

// exports makes the files that were asked for and are soon done.
func (tools Tools) exports(ctx context.Context, t *Turn) error {
	for {
		if more, err := tools.export(ctx, t, reports.BriefLane()); err != nil || !more {
			return err
		}
	}
}

// slowExport makes one of those that take long; the next turn may be another book's.
func (tools Tools) slowExport(ctx context.Context, t *Turn) error {
	_, err := tools.export(ctx, t, reports.SlowLane())
	return err
}

func (tools Tools) export(ctx context.Context, t *Turn, lane reports.Lane) (more bool, err error) {
	more, err = reports.WorkExport(ctx, t.DB, t.Book, time.Now, lane, func(ctx context.Context, tx pgx.Tx, book *ledger.Book, run *reports.ExportRun, w io.Writer, tell func(reports.Told)) (reports.Exported, error) {
		if err := noHurry(ctx, tx); err != nil {
			return reports.Exported{}, err
		}
		return tools.Export(ctx, tx, book, run, w, tell)
	})
	if err != nil || !more {
		return false, err
	}
	_, err = t.Tx(ctx, "files", func(pgx.Tx) (int, error) { return 1, nil })
	return err == nil, err
}

// stripe looks through the balance for what no webhook told.
func (tools Tools) stripe(ctx context.Context, t *Turn) error {
	found, err := tools.Stripes[t.Book.ID].Sweep(ctx)
	if found > 0 {
		if tools.Booked != nil {
			tools.Booked(t.Book)
		}
		if _, counted := t.Tx(ctx, "events", func(pgx.Tx) (int, error) { return found, nil }); err == nil {
			err = counted
		}
	}
	return err
}

// letters runs a step on each of some letters of streets, in a transaction each.
func (t *Turn) letters(ctx context.Context, ids []uuid.UUID, what string, step func(tx pgx.Tx, l *subsidies.Letter) (bool, error)) error {
	for _, id := range ids {
		_, err := t.Tx(ctx, what, func(tx pgx.Tx) (int, error) {
			l, err := subsidies.ByID(ctx, tx, t.Book, id)
			if err != nil {
				return 0, err
			}
			moved, err := step(tx, l)
			if err != nil || !moved {
				return 0, err
			}
			return 1, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// countSubsidies counts new gifts and refunds for the letters of streets. Pages do not wait for it: they count on the way.
func countSubsidies(ctx context.Context, t *Turn) error {
	waiting, err := subsidies.Counting(ctx, t.DB, t.Book)
	if err != nil {
		return err
	}
	return t.letters(ctx, waiting, "letters", func(tx pgx.Tx, l *subsidies.Letter) (bool, error) { return subsidies.Count(ctx, tx, t.Book, l, t.Now) })
}

// countHours counts new gifts of events of match by the hour of their payment. Pages do not wait for it: they count a few hundred on the way.
func countHours(ctx context.Context, t *Turn) error {
	return t.Until(ctx, "gifts", func(tx pgx.Tx) (int, error) { return giving.CountHours(ctx, tx, t.Book) })
}

// closeVotes takes the names off the ballots of votes whose time is over.
func closeVotes(ctx context.Context, t *Turn) error {
	ended, err := polls.Ended(ctx, t.DB, t.Book, t.Now)
	if err != nil {
		return err
	}
	for _, id := range ended {
		_, err := t.Tx(ctx, "votes", func(tx pgx.Tx) (int, error) {
			p, err := polls.ByID(ctx, tx, t.Book, id)
			if err != nil {
				return 0, err
			}
			return 1, polls.Close(ctx, tx, t.Book, p, t.Now)
		})
		if err != nil && !errors.Is(err, polls.ErrNotOpen) { // somebody was first
			return err
		}
	}
	return nil
}

// endSubsidies tells both sides before a letter lapses, and ends it when its fiscal year is over.
func (tools Tools) endSubsidies(ctx context.Context, t *Turn) error {
	ending, err := subsidies.Lapsing(ctx, t.DB, t.Book, t.Book.Day(t.Now))
	if err != nil {
		return err
	}
	return t.letters(ctx, ending, "letters", func(tx pgx.Tx, l *subsidies.Letter) (bool, error) {
		if err := tools.LapseNotice(ctx, tx, t.Book, l, t.Now); err != nil {
			return false, err
		}
		if l, err = subsidies.ByID(ctx, tx, t.Book, l.ID); err != nil {
			return false, err
		}
		_, err := subsidies.End(ctx, tx, t.Book, l, t.Now)
		return err == nil, err
	})
}

// follow lays what was booked on the lines that tell which invoice a gift paid.
func follow(ctx context.Context, t *Turn) error {
	return t.Until(ctx, "entries", func(tx pgx.Tx) (int, error) { return trace.Follow(ctx, tx, t.Book) })
}

// remittances tells payees of payments that their bank lines confirmed, in a transaction each. One that cannot be told is named and waits; the others are told.
func (tools Tools) remittances(ctx context.Context, t *Turn) error {
	due, err := projects.NotesDue(ctx, t.DB, t.Book)
	if err != nil {
		return err
	}
	var untold []error
	for _, id := range due {
		_, err := t.Tx(ctx, "payments", func(tx pgx.Tx) (int, error) {
			p, err := projects.PaymentByID(ctx, tx, t.Book, id)
			if err != nil {
				return 0, err
			}
			told, err := tools.RemittanceNotice(ctx, tx, t.Book, p, t.Now)
			if err != nil || !told { // printed, where nobody signs in for the payee
				return 0, err
			}
			return 1, nil
		})
		if err != nil {
			untold = append(untold, fmt.Errorf("tell of payment %s: %w", id, err))
		}
	}
	return errors.Join(untold...)
}

// sums sums the turnovers of months that have ended, each in a transaction of its own, so that posting waits for one at a time, and marks how many
// postings each day recorded.
func sums(ctx context.Context, t *Turn) error {
	if _, err := t.Tx(ctx, "days", func(tx pgx.Tx) (int, error) { return ledger.MarkRecorded(ctx, tx, t.Book, t.Now) }); err != nil {
		return err
	}
	return t.Until(ctx, "months", func(tx pgx.Tx) (int, error) {
		found, err := ledger.SumTurnover(ctx, tx, t.Book, t.Book.Day(t.Now))
		if err != nil || !found {
			return 0, err
		}
		return 1, nil
	})
}

// sweep deletes what has run out: ended sessions, counted tries, answers kept for repeated requests, letters, files of exports, old runs.
func sweep(ctx context.Context, t *Turn) error {
	for _, of := range []func(pgx.Tx) error{
		func(tx pgx.Tx) error { return staff.Sweep(ctx, tx, t.Book.ID, t.Now) },
		func(tx pgx.Tx) error { return giving.SweepDonors(ctx, tx, t.Book, t.Now) },
		func(tx pgx.Tx) error { return residents.Sweep(ctx, tx, t.Book, t.Now) },
		func(tx pgx.Tx) error { return payments.SweepTries(ctx, tx, t.Book, t.Now) },
	} {
		if _, err := t.Tx(ctx, "", func(tx pgx.Tx) (int, error) { return 0, of(tx) }); err != nil {
			return err
		}
	}
	if _, err := t.Tx(ctx, "files", func(tx pgx.Tx) (int, error) { return reports.SweepExports(ctx, tx, t.Book, t.Now) }); err != nil {
		return err
	}
	_, err := t.Tx(ctx, "runs", func(tx pgx.Tx) (int, error) {
		n, err := runs.Sweep(ctx, tx, t.Book.ID, t.Now)
		return int(n), err
	})
	return err
}

// unpaidLife is how long a started gift waits for its payment. A payment that comes later is booked all the same.
const unpaidLife = 2 * 24 * time.Hour

// expire ends started gifts that nobody paid.
func expire(ctx context.Context, t *Turn) error {
	return t.Until(ctx, "gifts", func(tx pgx.Tx) (int, error) {
		return giving.ExpireCheckouts(ctx, tx, t.Book, t.After.Add(-unpaidLife), t.Slot.Add(-unpaidLife), t.Now)
	})
}

// overdue tells accountants in the morning what has become late since the morning before.
func (tools Tools) overdue(ctx context.Context, t *Turn) error {
	before, err := payments.Overdue(ctx, t.DB, t.Book, t.Book.Day(t.After))
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, l := range before {
		known[l.Rule+l.Object] = true
	}
	all, err := payments.Overdue(ctx, t.DB, t.Book, t.Book.Day(t.Slot))
	if err != nil {
		return err
	}
	fresh := 0
	for _, l := range all {
		if !known[l.Rule+l.Object] {
			fresh++
		}
	}
	if fresh == 0 {
		return nil
	}
	_, err = t.Tx(ctx, "late", func(tx pgx.Tx) (int, error) {
		first, err := t.Once(ctx, tx, "letters")
		if err != nil || !first {
			return 0, err
		}
		if err := tools.LateNotice(ctx, tx, t.Book, fresh, len(all), t.Now); err != nil {
			return 0, fmt.Errorf("tell what is late: %w", err)
		}
		return len(all), nil
	})
	return err
}

// deadlines reminds of what has to be filed or published: thirty days before, seven days before, overdue.
func (t Tools) deadlines(ctx context.Context, turn *Turn) error {
	_, err := turn.Tx(ctx, "reminded", func(tx pgx.Tx) (int, error) { return t.DueNotice(ctx, tx, turn.Book, turn.Now) })
	return err
}
