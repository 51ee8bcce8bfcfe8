package jobs

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/payments"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/projects"
	"sunfund/ledger/recon"
	"sunfund/ledger/reports"
)

// Tools are what the jobs work with beside the books.
type Tools struct {
	Random   io.Reader
	Stripes  map[int32]*payments.Stripe  // by book: those that take payments through Stripe
	Files    map[int32]*platforms.Worker // by book
	Export   reports.ExportWriter        // of files that are too long to wait for
	Booked   func(*ledger.Book)          // told when there is something for the inbox; nil tells nobody
	Lettered func(*ledger.Book)          // told when letters were written that somebody waits for; nil tells nobody
	Charged  func(*ledger.Book)          // told when the sandbox charged cards; nil tells nobody
	Mail     *Post                       // nil: there is no mail server
	Backups  Backups

	// Letters whose words the pages have.
	LapseNotice func(context.Context, pgx.Tx, *ledger.Book, *subsidies.Letter, time.Time) error
	// RemittanceNotice tells the payee of a payment that its bank line confirmed, where somebody signs in for it.
	RemittanceNotice func(context.Context, pgx.Tx, *ledger.Book, *projects.Payment, time.Time) (told bool, err error)
	DueNotice        func(context.Context, pgx.Tx, *ledger.Book, time.Time) (int, error)
	// DormantNotice tells which funds, by code, have not moved for a year.
	DormantNotice func(ctx context.Context, tx pgx.Tx, book *ledger.Book, funds []string, now time.Time) error
	LateNotice    func(ctx context.Context, tx pgx.Tx, book *ledger.Book, fresh, all int, now time.Time) error
}

// Names of the jobs that are also run because there is work for them, not only at their slots.
const (
	SignIns     = "sign-ins"
	Mail        = "mail"
	Receipts    = "receipts"
	Files       = "platform-files"
	Exports     = "exports"
	SlowExports = "exports-slow"
	Recon       = "recon" // when a statement was taken in
)

// How long behind its slot a job may be.
const (
	lateOften = 15 * time.Minute
	lateHour  = time.Hour
	lateDay   = 3 * time.Hour
)

// Table is every job there is, in the order in which they are looked at: what somebody waits for comes first.
func Table(t Tools) ([]Job, error) {
	list := []struct {
		spec string
		Job
	}{
		{"* * * * *", Job{Name: SignIns, Late: lateOften, For: keyed, Do: t.signIns}},
		{"* * * * *", Job{Name: Mail, Late: lateOften, For: t.mails, Do: t.mail}},
		{"* * * * *", Job{Name: "subsidy-gifts", Late: lateOften, Do: countSubsidies}},
		{"* * * * *", Job{Name: "plans", Late: lateOften, For: keyed, Do: t.plans}},
		{"* * * * *", Job{Name: "votes", Late: lateOften, Do: closeVotes}},
		{"* * * * *", Job{Name: "match-hours", Late: lateOften, Do: countHours}},
		{"* * * * *", Job{Name: "trace", Late: lateOften, Do: follow}},
		{"*/5 * * * *", Job{Name: Receipts, Late: lateOften, Do: t.receipts}},
		{"*/5 * * * *", Job{Name: Files, Late: lateOften, Do: t.files}},
		{"*/5 * * * *", Job{Name: Exports, Late: lateHour, Do: t.exports}},
		{"* * * * *", Job{Name: SlowExports, Late: lateDay, Long: true, Seat: "files", Do: t.slowExport}},
		{"*/5 * * * *", Job{Name: "remittance", Late: lateHour, Do: t.remittances}},
		{"*/15 * * * *", Job{Name: "stripe", Late: lateHour, For: func(b *ledger.Book) bool { return t.Stripes[b.ID] != nil }, Do: t.stripe}},
		{"*/15 * * * *", Job{Name: Recon, Late: lateHour, Do: reconcile}},
		{"50 * * * *", Job{Name: "checks", Late: lateHour, Do: checks(recon.Hourly)}},
		{"10 * * * *", Job{Name: "pledges", Late: lateHour, For: keyed, Do: remindPledges}},
		{"20 * * * *", Job{Name: "subsidy-lapse", Late: lateHour, Do: t.endSubsidies}},
		{"30 * * * *", Job{Name: "sums", Late: lateHour, Do: sums}},
		{"40 * * * *", Job{Name: "sweep", Late: lateHour, Do: sweep}},
		{"local 03:10", Job{Name: "unpaid", Late: lateDay, Do: expire}},
		{"local 08:30", Job{Name: "overdue", Late: lateDay, Do: t.overdue}},
		{"local 01:00", Job{Name: "day-close", Late: lateDay, Do: closeDays}},
		{"local 08:35", Job{Name: "dormant", Late: lateDay, Do: t.dormant}},
		{"local 08:40", Job{Name: "deadlines", Late: lateDay, Do: t.deadlines}},
		{"local 02:30", Job{Name: "verify", Late: lateDay, Long: true, Do: verify}},
		{"local 03:30", Job{Name: "hledger", Late: lateDay, Long: true, Do: crossCheck}},
		{"local 04:00", Job{Name: "checks-daily", Late: lateDay, Long: true, Do: checks(recon.Daily)}},
		{"local 05:00", Job{Name: "checks-monthly", Late: lateDay, Long: true, Do: monthly(checks(recon.Monthly))}},
		{"local 06:00", Job{Name: "backup", Late: lateDay, Long: true, For: t.backed, Do: t.backup}},
	}
	all := make([]Job, len(list))
	for i, j := range list {
		when, err := ParseSchedule(j.spec)
		if err != nil {
			return nil, fmt.Errorf("job %s: %w", j.Name, err)
		}
		all[i] = j.Job
		all[i].When = when
	}
	return all, nil
}

// keyed books can write to donors: without keys their addresses stay shut.
func keyed(b *ledger.Book) bool { return b.Keys != nil }

// mails are sent where there is a mail server; a sandbox keeps its letters to be read in the console.
func (t Tools) mails(b *ledger.Book) bool { return t.Mail != nil && !b.Sandbox }

func (t Tools) backed(*ledger.Book) bool { return t.Backups.checked() }
