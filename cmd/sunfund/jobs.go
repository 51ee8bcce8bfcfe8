package main

import (
	"crypto/rand"
	"time"

	"sunfund/jobs"
	"sunfund/ledger"
	"sunfund/ledger/payments/platforms"
)

// newRunner gives the jobs what they work with.
func (s *service) newRunner(cfg serveCmd) (*jobs.Runner, error) {
	tools := jobs.Tools{Random: rand.Reader, Stripes: s.stripes, Files: map[int32]*platforms.Worker{}, Export: s.pages.WriteExport, Backups: jobs.Backups{Dir: cfg.BackupDir, Age: cfg.BackupAge},
		Booked:      func(b *ledger.Book) { s.workers[b.ID].Wake() },
		Charged:     func(b *ledger.Book) { s.senders[b.ID].Wake() },
		LapseNotice: s.pages.NoticeLetter, RemittanceNotice: s.pages.NoticeRemittance, LateNotice: s.pages.NoticeLate, DueNotice: s.pages.NoticeDeadlines, DormantNotice: s.pages.NoticeDormant,
		Lettered: func(b *ledger.Book) { s.jobs.Wake(b, jobs.Mail) }}
	for _, b := range s.books {
		tools.Files[b.ID] = platforms.NewWorker(s.posting, b, time.Now)
	}
	if s.mails != nil {
		tools.Mail = &jobs.Post{Staff: s.mails.send, Donor: s.mails.sendDonor}
	}
	table, err := jobs.Table(tools)
	if err != nil {
		return nil, err
	}
	return jobs.NewRunner(jobs.Config{DB: s.db, Books: s.books, Jobs: table, Now: time.Now, Log: s.log, Alarm: s.pages.NoticeJobs}), nil
}
