package recon_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/recon"
)

var august = ledger.Day(2026, 8, 1)

// asks makes and keeps a report as the one who asks for a close does.
func (h *house) asks(month time.Time, waivers ...recon.CloseWaiver) (signed recon.Signed, err error) {
	signed = recon.Signed{Report: uuid.Must(uuid.NewV7()), AskedBy: h.by, ApprovedBy: uuid.New(), Approval: uuid.New()}
	err = pg.InTx(context.Background(), h.db, func(tx pgx.Tx) error {
		r, err := recon.MakeReport(h.Context(), tx, h.book, month, "王会计", waivers, now)
		if err != nil {
			return err
		}
		hash, err := recon.KeepReport(h.Context(), tx, h.book, signed.Report, r, h.by)
		signed.Hash = hash[:]
		return err
	})
	return signed, err
}

func (h *house) closes(s recon.Signed) error {
	return pg.InTx(context.Background(), h.db, func(tx pgx.Tx) error { return recon.Close(h.Context(), tx, h.book, s, now) })
}

func (h *house) checksAll() {
	h.Helper()
	h.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := recon.RunChecks(ctx, tx, h.book, now)
		return err
	})
}

// A month is closed for good by two people on a report whose bytes are hashed; what is red is cleared or waived by name; what moved
// after the report makes it stale; then nothing enters the month or one before it, and what is late is booked in the open month.
func TestCloseForGood(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if _, err := h.asks(ledger.Day(2026, 9, 1)); !errors.Is(err, ledger.ErrPeriodOngoing) {
		t.Errorf("a month that is not over: %v", err)
	}
	if _, err := h.asks(august); !errors.Is(err, recon.ErrCloseRed) {
		t.Errorf("checks that never ran: %v", err)
	}
	h.checksAll()
	old, err := h.asks(august)
	h.ok(err)
	kept, err := recon.ReportByID(t.Context(), h.db, h.book, old.Report)
	h.ok(err)
	hash := sha256.Sum256([]byte(kept.Body))
	var r recon.CloseReport
	h.ok(json.Unmarshal([]byte(kept.Body), &r))
	if string(hash[:]) != string(kept.Hash) || r.First != "2026-07" || r.Month != "2026-08" || len(r.Checks) != len(recon.Checks) || len(r.Funds) != 3 || r.Funds[1].Net != 60_00 || r.Log != "none" {
		t.Errorf("%s", kept.Body)
	}
	alone := old
	alone.ApprovedBy = alone.AskedBy
	if err := h.closes(alone); !errors.Is(err, ledger.ErrSamePerson) {
		t.Errorf("one person closes: %v", err)
	}
	other := old
	other.Hash = []byte("another report")
	if err := h.closes(other); !errors.Is(err, recon.ErrReportStale) {
		t.Errorf("another report than was read: %v", err)
	}
	h.post(ledger.KindBankDebit, now.AddDate(0, -1, 0), "D admin.u G 1", "C bank.basic G 1")
	if err := h.closes(old); !errors.Is(err, recon.ErrReportStale) {
		t.Errorf("the books moved: %v", err)
	}

	// What is red has to be waived by name, and what turned red after the report stands against it too.
	h.post(ledger.KindBankDebit, now.AddDate(0, -1, 0), "D admin.r R 90", "C psp.avail R 90")
	h.post(ledger.KindPayment, now.AddDate(0, 0, -1), "D program.r R 10", "C psp.avail R 10")
	if _, err := h.asks(august); err != nil {
		t.Errorf("R has exactly nothing: %v", err)
	}
	sound, err := h.asks(august)
	h.ok(err)
	h.post(ledger.KindBankDebit, now, "D admin.r R 5", "C psp.avail R 5")
	if err := h.closes(sound); !errors.Is(err, recon.ErrCloseRed) {
		t.Errorf("R fell below zero after the report: %v", err)
	}
	if _, err := h.asks(august); !errors.Is(err, recon.ErrCloseRed) {
		t.Errorf("red and not waived: %v", err)
	}
	signed, err := h.asks(august, recon.CloseWaiver{Code: "C04", Reason: "日常基金下周补足", By: "王会计"})
	h.ok(err)
	h.ok(h.closes(signed))
	if err := h.closes(signed); !errors.Is(err, ledger.ErrPeriodHard) {
		t.Errorf("closed twice: %v", err)
	}
	kept, err = recon.ReportOf(t.Context(), h.db, h.book, ledger.Day(2026, 7, 1))
	if err != nil || kept.ID != signed.Report || *kept.ApprovedBy != signed.ApprovedBy || kept.Report.Waivers[0].Reason != "日常基金下周补足" {
		t.Errorf("the report of July: %+v, %v", kept, err)
	}

	// Nobody opens it again, and nothing enters it.
	h.tx(func(ctx context.Context, tx pgx.Tx) error {
		if err := ledger.Reopen(ctx, tx, h.book, august); !errors.Is(err, ledger.ErrPeriodHard) {
			t.Errorf("reopened: %v", err)
		}
		for _, day := range []time.Time{now.AddDate(0, -1, 0), now.AddDate(-3, 0, 0)} {
			if _, err := h.posts(ctx, tx, ledger.KindBankDebit, day, "D admin.u G 1", "C bank.basic G 1"); !errors.Is(err, ledger.ErrPeriodClosed) {
				t.Errorf("on %s: %v", day, err)
			}
		}
		return nil
	})
	if _, err := h.owner.Exec(t.Context(), `update period set state = 'open' where month = '2026-08-01'`); err == nil {
		t.Error("the owner opened the month")
	}
	late := ledger.Entry{Kind: ledger.KindBankDebit, EffectiveOn: ledger.Day(2026, 8, 30), Late: ledger.Day(2026, 9, 10), Actor: h.by, Lines: h.lines("D admin.u G 2", "C bank.basic G 2")}
	h.tx(func(ctx context.Context, tx pgx.Tx) error {
		result, err := ledger.PostOne(ctx, tx, h.book, late)
		if err != nil {
			return err
		}
		e, err := ledger.ReadEntry(ctx, tx, h.book, result.ID)
		if err != nil || !e.EffectiveOn.Equal(late.Late) || !e.HappenedOn.Equal(late.EffectiveOn) {
			t.Errorf("late: stands on %v, happened on %v, %v", e.EffectiveOn, e.HappenedOn, err)
		}
		return err
	})
	h.tx(func(ctx context.Context, tx pgx.Tx) error {
		if list, said := red(t, tx, h.book); list != "C04" {
			t.Errorf("after the close: %s\n%s", list, said)
		}
		return nil
	})
}

// A day closed for now keeps what had moved on it; what comes later is shown and refused to nobody.
func TestSoftClose(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	yesterday := ledger.Day(2026, 9, 9)
	soft := func(day time.Time) (err error) {
		return pg.InTx(h.Context(), h.db, func(tx pgx.Tx) error { return recon.SoftClose(h.Context(), tx, h.book, day, nil, now) })
	}
	if err := soft(ledger.Day(2026, 9, 10)); !errors.Is(err, ledger.ErrPeriodOngoing) {
		t.Errorf("today: %v", err)
	}
	h.ok(soft(yesterday))
	h.post(ledger.KindBankDebit, now.AddDate(0, 0, -1), "D admin.u G 3", "C bank.basic G 3")
	h.ok(soft(yesterday)) // again changes nothing
	days, err := recon.ClosedDays(t.Context(), h.db, h.book, 10)
	if err != nil || len(days) != 1 || days[0].Moved != 40_00 || days[0].Late != 3_00 {
		t.Errorf("%+v, %v", days, err)
	}
}

// A closed year of which something is left is named; closed, it is not.
func TestC21KnowsAClosedYear(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.post(ledger.KindPayment, now.AddDate(-1, 0, 0), "D program.u G 30", "C bank.basic G 30")
	h.checksAll()
	s, err := h.asks(august)
	h.ok(err)
	h.ok(h.closes(s))
	h.tx(func(ctx context.Context, tx pgx.Tx) error {
		list, said := red(t, tx, h.book)
		if !strings.Contains(list, "C21") || !strings.Contains(said, "2025 is closed, but 30.00 of income or expense is left") {
			t.Errorf("%s\n%s", list, said)
		}
		return nil
	})
}
