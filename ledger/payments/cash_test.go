package payments_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/payments"
)

func (d *desk) count(c payments.Counting, by uuid.UUID) error {
	d.t.Helper()
	_, err := d.do(by, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return payments.CountCash(ctx, tx, d.book, c, by, testStart)
	})
	return err
}

func (d *desk) confirm(id uuid.UUID, total int64, by uuid.UUID) (uuid.UUID, error) {
	d.t.Helper()
	return d.do(by, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		c, err := payments.CountByID(ctx, tx, d.book, id)
		if err != nil {
			return nil, err
		}
		return payments.ConfirmCount(ctx, tx, d.book, c, total, by, testStart)
	})
}

func (d *desk) carry(c payments.Carrying, by uuid.UUID) (uuid.UUID, error) {
	d.t.Helper()
	return d.do(by, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return payments.CarryCash(ctx, tx, d.book, c, by)
	})
}

func (d *desk) bank(id uuid.UUID, b payments.Banked, by uuid.UUID) (uuid.UUID, error) {
	d.t.Helper()
	return d.do(by, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		one, err := payments.DepositByID(ctx, tx, d.book, id)
		if err != nil {
			return nil, err
		}
		return payments.BankDeposit(ctx, tx, d.book, one, b, by)
	})
}

// E14: cash counted by two, one fen of slips more than cash is borne by the general fund, taken to the bank by a third.
func TestCashIsCountedByTwoAndBanked(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := uuid.New()
	sheet := payments.Sheet{100_00: 1, 50_00: 1, 10_00: 5} // 200.00
	d.refuses(d.count(payments.Counting{ID: id, CampaignID: d.toR.ID, Day: d.today, Sheet: sheet, Slips: 210_00}, d.a), "reason")
	d.refuses(d.count(payments.Counting{ID: id, CampaignID: d.toR.ID, Day: d.today}, d.a), "n10000")
	if err := d.count(payments.Counting{ID: id, CampaignID: d.toR.ID, Day: d.today, Sheet: sheet, Slips: 210_00, Reason: "少一张十元"}, d.a); err != nil {
		t.Fatal(err)
	}
	if _, err := d.confirm(id, 200_00, d.a); !errors.Is(err, ledger.ErrSamePerson) {
		t.Errorf("one person counts and confirms: %v", err)
	}
	_, err := d.confirm(id, 199_00, d.b)
	d.refuses(err, "total")
	d.must(d.confirm(id, 200_00, d.b))
	d.holds(d.r, map[chart.ID]int64{"cash": 200_00, "gift.r": -210_00, "if.due.from": 10_00})
	d.holds(d.g, map[chart.ID]int64{"admin.u": 10_00, "if.due.to": -10_00})
	if _, err := d.confirm(id, 200_00, d.c); !errors.Is(err, giving.ErrStep) {
		t.Errorf("confirmed twice: %v", err)
	}

	bag := payments.Carrying{ID: uuid.New(), Counts: []uuid.UUID{id}, Bank: "bank.basic", Bag: "D-0007", Day: d.today}
	for _, counter := range []uuid.UUID{d.a, d.b} {
		if _, err := d.carry(bag, counter); !errors.Is(err, ledger.ErrSamePerson) {
			t.Errorf("who counted carries: %v", err)
		}
	}
	d.must(d.carry(bag, d.c))
	d.holds(d.r, map[chart.ID]int64{"cash": 0, "psp.transit": 200_00})
	if _, err := d.bank(bag.ID, payments.Banked{Day: d.today, Received: 200_00, Ref: "1"}, d.c); !errors.Is(err, ledger.ErrSamePerson) {
		t.Errorf("who carried confirms: %v", err)
	}
	_, err = d.bank(bag.ID, payments.Banked{Day: d.today, Received: 201_00, Ref: "1"}, d.a)
	d.refuses(err, "cause")
	d.must(d.bank(bag.ID, payments.Banked{Day: d.today, Received: 200_00, Ref: "1"}, d.a))
	d.holds(d.r, map[chart.ID]int64{"psp.transit": 0, "bank.basic": 200_00})
	d.clean()
}

func (d *desk) box(id uuid.UUID) *payments.Box {
	d.t.Helper()
	b, err := payments.BoxByID(d.t.Context(), d.db, d.book, id)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

// E15: a kiosk from issue to bank: 3,217.50 counted, 3,207.50 at the bank, 10.00 short.
func TestABoxFromIssueToBank(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id, day := uuid.New(), d.today
	plain := func(by uuid.UUID, plan func(b *payments.Box) (*giving.Move, error)) error {
		t.Helper()
		_, err := d.do(by, func(context.Context, pgx.Tx) (*giving.Move, error) { return plan(d.box(id)) })
		return err
	}
	issue := func(b payments.Box) error {
		_, err := d.do(d.a, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return payments.IssueBox(ctx, tx, d.book, b)
		})
		return err
	}
	d.refuses(issue(payments.Box{ID: id, Code: "善心 1", Kind: "tin", CampaignID: 99, Since: day}), "code", "kind", "days", "campaign")
	for _, err := range []error{
		issue(payments.Box{ID: id, Code: "K-01", Kind: "kiosk", CampaignID: d.toG.ID, OpenDays: 30, Since: day}),
		plain(d.a, func(b *payments.Box) (*giving.Move, error) {
			return payments.PlaceBox(d.book, b, "石坪桥便民服务中心", "石坪桥街道社工站", day)
		}),
		plain(d.a, func(b *payments.Box) (*giving.Move, error) { return payments.SealBox(d.book, b, "S-100", day) }),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	d.refuses(issue(payments.Box{ID: uuid.New(), Code: "K-01", Kind: "box", CampaignID: d.toG.ID, OpenDays: 30, Since: day}), "code")
	if list := d.late(day.AddDate(0, 0, 31)); len(list) != 1 || list[0].Rule != "box-open" {
		t.Errorf("not opened for 31 days: %+v", list)
	}
	if err := plain(d.a, func(b *payments.Box) (*giving.Move, error) { return payments.PlaceBox(d.book, b, "x", "y", day) }); !errors.Is(err, giving.ErrStep) {
		t.Errorf("a sealed box is moved: %v", err)
	}
	d.refuses(plain(d.a, func(b *payments.Box) (*giving.Move, error) { return payments.OpenBox(d.book, b, "S-999", "", d.a, day) }), "remark")
	if err := plain(d.a, func(b *payments.Box) (*giving.Move, error) { return payments.OpenBox(d.book, b, "S-100", "", d.a, day) }); err != nil {
		t.Fatal(err)
	}
	witness := func(by uuid.UUID) error {
		return plain(by, func(b *payments.Box) (*giving.Move, error) { return payments.WitnessBox(d.book, b, by, day) })
	}
	if err := witness(d.a); !errors.Is(err, ledger.ErrSamePerson) {
		t.Errorf("one person opens a box alone: %v", err)
	}
	if err := witness(d.b); err != nil {
		t.Fatal(err)
	}
	if list := d.late(day.AddDate(0, 0, 8)); len(list) != 1 || list[0].Rule != "box-count" {
		t.Errorf("not counted within a week: %+v", list)
	}
	count := uuid.New()
	_, err := d.do(d.a, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return payments.CountBox(ctx, tx, d.book, d.box(id), payments.Counting{ID: count, Day: day,
			Sheet: payments.Sheet{100_00: 20, 50_00: 10, 20_00: 20, 10_00: 20, 5_00: 20, 1_00: 17, 50: 1}}, d.a, testStart)
	})
	if err != nil {
		t.Fatal(err)
	}
	d.must(d.confirm(count, 3217_50, d.b))
	d.holds(d.g, map[chart.ID]int64{"cash": 3217_50, "gift.u": -3217_50})
	if b := d.box(id); b.State != payments.BoxPlaced || b.Seal != "" {
		t.Errorf("after the count: %+v", b)
	}
	monday := ledger.Day(2026, 9, 14) // the count is of Tuesday the 8th
	if list := d.late(monday); len(list) != 1 || list[0].Rule != "count-bank" {
		t.Errorf("not at the bank after three working days: %+v", list)
	}
	if list := d.late(ledger.Day(2026, 9, 11)); len(list) != 0 {
		t.Errorf("late on the third working day: %+v", list)
	}
	bag := uuid.New()
	d.must(d.carry(payments.Carrying{ID: bag, Counts: []uuid.UUID{count}, Bank: "bank.basic", Bag: "D-1", Day: day}, d.c))
	d.must(d.bank(bag, payments.Banked{Day: day, Received: 3207_50, Ref: "7", Cause: "原因不明"}, d.a))
	d.holds(d.g, map[chart.ID]int64{"cash": 0, "psp.transit": 0, "bank.basic": 3207_50, "admin.u": 10_00})
	list, err := giving.FilterGifts(t.Context(), d.db, d.book, giving.ListFilter{Ref: "count:" + count.String(), Before: uuid.Max, Limit: 2})
	if err != nil || len(list) != 1 || !list[0].Anonymous || list[0].Amount != 3217_50 || list[0].Channel != giving.Cash {
		t.Errorf("one anonymous gift a count: %v %+v", err, list)
	}
	d.clean()
}

func (d *desk) late(day time.Time) []payments.Late {
	d.t.Helper()
	list, err := payments.Overdue(d.t.Context(), d.db, d.book, day)
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

// Cash over at the bank is other income of the fund; an empty box is counted and makes no gift; a count nobody confirmed is void.
func TestCashOverEmptyAndVoid(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	over, wrong := uuid.New(), uuid.New()
	for id, sheet := range map[uuid.UUID]payments.Sheet{over: {1_00: 7}, wrong: {5_00: 1}} {
		if err := d.count(payments.Counting{ID: id, CampaignID: d.toR.ID, Day: d.today, Sheet: sheet}, d.a); err != nil {
			t.Fatal(err)
		}
	}
	d.must(d.confirm(over, 7_00, d.b))
	bag := uuid.New()
	d.must(d.carry(payments.Carrying{ID: bag, Counts: []uuid.UUID{over}, Bank: "bank.online", Bag: "D-2", Day: d.today}, d.c))
	d.must(d.bank(bag, payments.Banked{Day: d.today, Received: 8_00, Ref: "8", Cause: "多出一元"}, d.a))
	d.holds(d.r, map[chart.ID]int64{"bank.online": 8_00, "other.inc.r": -1_00, "gift.r": -7_00})
	c, err := payments.CountByID(t.Context(), d.db, d.book, wrong)
	if err != nil {
		t.Fatal(err)
	}
	d.must(d.do(d.a, func(context.Context, pgx.Tx) (*giving.Move, error) { return payments.VoidCount(d.book, c, "填错了") }))
	if _, err := d.confirm(wrong, 5_00, d.b); !errors.Is(err, giving.ErrStep) {
		t.Errorf("a void count is confirmed: %v", err)
	}
	d.clean()
}

// R17: cash is counted by two and booked within the days of the figure, and at the bank within its working days; a row says by when, and the working how many.
func TestCashByLaw(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		return law.SetProfile(ctx, tx, d.book, law.Profile{From: ledger.Day(2020, 1, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, testStart)
	})
	late, booked := uuid.New(), uuid.New()
	for _, id := range []uuid.UUID{late, booked} {
		if err := d.count(payments.Counting{ID: id, CampaignID: d.toR.ID, Day: d.today, Sheet: payments.Sheet{100_00: 1}}, d.a); err != nil {
			t.Fatal(err)
		}
	}
	d.must(d.confirm(booked, 100_00, d.b)) // at once; nobody confirms the other
	wants := func(today time.Time, state law.State, counted, banked string, words ...string) {
		t.Helper()
		f, err := law.LookAt(t.Context(), d.db, d.book, "R17", d.today.Year(), today)
		if err != nil {
			t.Fatal(err)
		}
		lines := map[string]string{}
		for _, s := range f.Steps {
			lines[s.EN] = s.Text
		}
		if f.State != state || lines["Counts of cash"] != "2" || lines["of them counted and booked late (7d)"] != counted || lines["of them late at the bank (3wd)"] != banked || len(f.Rows) != len(words) {
			t.Errorf("on %s: %s, %v, %+v", today.Format(time.DateOnly), f.State, lines, f.Rows)
			return
		}
		for _, want := range words {
			if !slices.ContainsFunc(f.Rows, func(r law.Row) bool { return r.Broken && strings.Contains(r.EN, want) }) {
				t.Errorf("on %s no row says %q: %+v", today.Format(time.DateOnly), want, f.Rows)
			}
		}
	}
	wants(d.today, law.Holds, "0", "0")
	bank := law.Param{Value: "3wd"}.After(d.today)
	wants(bank, law.Holds, "0", "0")
	wants(bank.AddDate(0, 0, 1), law.Broken, "0", "2", "at the bank by "+bank.Format(time.DateOnly), "at the bank by")
	week := d.today.AddDate(0, 0, 7)
	wants(week.AddDate(0, 0, 1), law.Broken, "1", "1", "count and book it by "+week.Format(time.DateOnly), "at the bank by")
	d.tx(func(ctx context.Context, tx pgx.Tx) error { // the figures are data
		for name, value := range map[string]string{"book": "60d", "bank": "60d"} {
			if err := law.SetParam(ctx, tx, d.book, law.Param{Rule: "R17", Name: name, From: d.today, Value: value, ArticleZH: "本市办法"}, d.a, testStart); err != nil {
				return err
			}
		}
		return nil
	})
	f, err := law.LookAt(t.Context(), d.db, d.book, "R17", d.today.Year(), week.AddDate(0, 0, 1))
	if err != nil || f.State != law.Holds || len(d.late(week.AddDate(0, 0, 1))) != 0 {
		t.Errorf("with figures of its own: %+v, %v", f, err)
	}
}
