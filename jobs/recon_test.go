package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
	"sunfund/ledger/staff"
)

// amiss is a book in October with a debit of 88.00 on its bank statement that nobody has approved, a credit of 40.00 that nobody knows, and two people; August is
// closed for good.
type amiss struct {
	*testing.T
	db       *pgtest.DB
	book     *ledger.Book
	fund     *ledger.Fund
	li, chen staff.Identity
	broken   uuid.UUID
	now      time.Time
}

const amissStatement = ":20:1\r\n:25:755930112210808\r\n:28C:1\r\n:60F:C261001CNY1000,00\r\n:61:2610011001DN88,00NTRFUNKNOWN//B1\r\n:86:unknown\r\n" +
	":61:2610011001C40,00NTRFUNKNOWN//B2\r\n:86:unknown\r\n:62F:C261001CNY952,00\r\n-\r\n"

func newAmiss(t *testing.T) *amiss {
	t.Helper()
	a := &amiss{T: t, db: pgtest.New(t), now: time.Date(2026, 10, 5, 2, 0, 0, 0, time.UTC)}
	a.want(nil, func(ctx context.Context, tx pgx.Tx) (err error) {
		a.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "amiss", NameZH: "慈善会", NameEN: "Amiss", Regime: chart.CN2026, Currency: "CNY", Zone: zone(t, "Asia/Shanghai"), Sandbox: true})
		return err
	})
	a.book.Keys = pgtest.Ring()
	a.want(nil, func(ctx context.Context, tx pgx.Tx) (err error) {
		if a.fund, err = ledger.CreateFund(ctx, tx, a.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常", NameEN: "General"}); err != nil {
			return err
		}
		in := ledger.Entry{Kind: ledger.KindReceipt, EffectiveOn: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), Lines: []ledger.Line{
			ledger.Debit(ledger.Leaf{Chart: "bank.online", Fund: a.fund.ID}, 1000_00), ledger.Credit(ledger.Leaf{Chart: "unident", Fund: a.fund.ID}, 1000_00)}}
		if _, err := ledger.PostOne(ctx, tx, a.book, in); err != nil {
			return err
		}
		for login, who := range map[string]*staff.Identity{"li": &a.li, "chen": &a.chen} { // either could do either
			who.Book = a.book.ID
			if who.Person, err = staff.Create(ctx, tx, a.book.ID, staff.Person{Login: login, NameZH: login, NameEN: login, Lang: "en"}, "$argon2id$none", uuid.Nil, a.now); err != nil {
				return err
			}
			for _, role := range []staff.Role{staff.Accountant, staff.Approver} {
				if _, err := staff.GrantRole(ctx, tx, a.book.ID, who.Person.ID, uuid.Nil, staff.Held{Role: role}, a.now); err != nil {
					return err
				}
				who.Roles = append(who.Roles, staff.Held{Role: role})
			}
		}
		if _, err := tx.Exec(ctx, `insert into period (book_id, month, state) values ($1, '2026-08-01', 'hard') on conflict (book_id, month) do update set state = 'hard'`, a.book.ID); err != nil {
			return err
		}
		bank := recon.Source{Name: "bank", Kind: "bank", Format: statement.MT940, Number: "755930112210808", Currency: "CNY", MadeBy: a.li.Person.ID, MadeAt: a.now}
		if bank.ID, err = recon.AddSource(ctx, tx, a.book, bank); err != nil {
			return err
		}
		f, err := recon.Receive(ctx, tx, a.book, &bank, recon.NewFile{ID: uuid.New(), Name: "bank.sta", Body: []byte(amissStatement), By: a.li.Person.ID}, a.now)
		if err != nil {
			return err
		}
		if f, err = recon.Take(ctx, tx, a.book, f, a.now); err == nil && f.State != recon.FileImported {
			t.Fatalf("%s", *f.Reason)
		}
		return err
	})
	a.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		_, err := recon.Run(ctx, tx, a.book, a.now)
		return err
	})
	if err := a.db.Service.QueryRow(t.Context(), `select id from break_item where type = 'B08' and amount = -8800`).Scan(&a.broken); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *amiss) want(want error, f func(ctx context.Context, tx pgx.Tx) error) {
	a.Helper()
	if err := pg.InTx(a.Context(), a.db.Service, func(tx pgx.Tx) error { return f(a.Context(), tx) }); !errors.Is(err, want) || want == nil && err != nil {
		a.Fatalf("%v, want %v", err, want)
	}
}

// state of the break, and how many of its kind.
func (a *amiss) state(want string, entries, corrections int) {
	a.Helper()
	var got string
	var n, m int
	if err := a.db.Service.QueryRow(a.Context(), `select state, (select count(*) from entry), (select count(*) from correction) from break_item where id = $1`, a.broken).Scan(&got, &n, &m); err != nil {
		a.Fatal(err)
	}
	if got != want || n != entries || m != corrections {
		a.Errorf("%s, %d entries, %d corrections; want %s, %d, %d", got, n, m, want, entries, corrections)
	}
}

// ask is the voucher that books the debit as a cost on a day, asked for by li as the correction of the break.
func (a *amiss) ask(day string) (asked staff.Approval) {
	a.Helper()
	a.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		form, err := recon.CorrectionForm(ctx, tx, a.book, a.broken)
		if err != nil {
			return err
		}
		for range 2 { // sent twice it is one request
			if asked, err = staff.Request(ctx, tx, a.li, staff.Draft{Form: form, Kind: staff.Voucher, Summary: "unapproved debit", Amount: 88_00, Payload: map[string]string{"day": day}}, a.now); err != nil {
				return err
			}
		}
		return recon.Propose(ctx, tx, a.book, a.broken, form, a.li.Person.ID, a.now)
	})
	return asked
}

// approve gives somebody's word; the voucher is booked with it.
func (a *amiss) approve(want error, who staff.Identity, asked staff.Approval) {
	a.Helper()
	a.want(want, func(ctx context.Context, tx pgx.Tx) error {
		_, err := staff.Approve(ctx, tx, who, asked.ID, asked.Hash, func(r staff.Approval) (*uuid.UUID, error) {
			var form struct{ Day string }
			if err := json.Unmarshal(r.Payload, &form); err != nil {
				return nil, err
			}
			day, err := time.Parse(time.DateOnly, form.Day)
			if err != nil {
				return nil, err
			}
			posted, err := ledger.PostOne(ctx, tx, a.book, ledger.Entry{Key: r.ID, Kind: ledger.KindBankDebit, EffectiveOn: day, Actor: who.Person.ID,
				Document: &ledger.Document{Summary: r.Summary, SourceKind: string(r.Kind), SourceRef: r.ID.String(), MadeBy: "li", CheckedBy: who.Person.Login},
				Lines: []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "admin.u", Fund: a.fund.ID, Dims: ledger.Dims{Nature: "bank"}}, r.Amount),
					ledger.Credit(ledger.Leaf{Chart: "bank.online", Fund: a.fund.ID}, r.Amount)}})
			return &posted.ID, err
		}, a.now)
		return err
	})
}

func (a *amiss) settle(want int) {
	a.Helper()
	a.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		n, err := recon.Settle(ctx, tx, a.book, a.now)
		if n != want {
			a.Errorf("%d settled, want %d", n, want)
		}
		return err
	})
}

// A correction that the machine may not make: asked for by one, approved by another, booked once, with its evidence, and never into a month that is closed for good.
func TestCorrectionsThatNeedASecondPerson(t *testing.T) {
	t.Parallel()
	a := newAmiss(t)
	li := a.li.Person.ID
	a.want(giving.ErrNoRecord, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Propose(ctx, tx, a.book, a.broken, uuid.New(), li, a.now)
	})

	// Dated into a month that is closed for good it is not booked, and the request stays open.
	closed := a.ask("2026-08-31")
	a.approve(staff.ErrOwn, a.li, closed)
	a.approve(ledger.ErrPeriodClosed, a.chen, closed)
	a.settle(0)
	a.state(recon.BreakProposed, 1, 0)
	a.want(giving.ErrStep, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Propose(ctx, tx, a.book, a.broken, closed.Form, li, a.now)
	})
	a.want(giving.ErrNoRecord, func(ctx context.Context, tx pgx.Tx) error { // chen has asked for nothing
		return recon.Propose(ctx, tx, a.book, a.broken, closed.Form, a.chen.Person.ID, a.now)
	})
	// While it waits nobody leaves the break as it is or says that it is over.
	a.want(ledger.ErrSamePerson, func(ctx context.Context, tx pgx.Tx) error { return recon.Accept(ctx, tx, a.book, a.broken, li, a.now) })
	a.want(giving.ErrStep, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Accept(ctx, tx, a.book, a.broken, a.chen.Person.ID, a.now)
	})
	a.want(giving.ErrStep, func(ctx context.Context, tx pgx.Tx) error {
		return recon.CloseBreak(ctx, tx, a.book, a.broken, a.chen.Person.ID, "done", a.now)
	})

	// Turned down, the break is open again, and another request may be made.
	a.want(nil, func(ctx context.Context, tx pgx.Tx) error {
		_, err := staff.Reject(ctx, tx, a.chen, closed.ID, closed.Hash, "August is closed", a.now)
		return err
	})
	a.settle(1)
	a.settle(0)
	a.state(recon.BreakOpen, 1, 0)
	a.want(giving.ErrStep, func(ctx context.Context, tx pgx.Tx) error {
		return recon.Propose(ctx, tx, a.book, a.broken, closed.Form, li, a.now)
	})

	asked := a.ask("2026-10-01")
	if asked.Form == closed.Form {
		t.Error("the request that was turned down came again")
	}
	a.approve(staff.ErrOwn, a.li, asked)
	a.settle(0)
	a.approve(nil, a.chen, asked)
	a.approve(staff.ErrDecided, a.chen, asked)
	a.settle(1)
	a.settle(0)
	a.state(recon.BreakClosed, 2, 1)

	var mode, key string
	var maker, checker, entry uuid.UUID
	var evidence struct {
		Approval uuid.UUID
		Hash     string `json:"approval_hash"`
		Rules    int
		Run      int
		Lines    []struct {
			File string
			Row  int
			Line string
		}
	}
	if err := a.db.Service.QueryRow(t.Context(), `select mode, key, maker, checker, entry_id, evidence from correction where break_id = $1`, a.broken).
		Scan(&mode, &key, &maker, &checker, &entry, &evidence); err != nil {
		t.Fatal(err)
	}
	if mode != "approved" || key != "recon:"+a.broken.String()+":voucher" || maker != li || checker != a.chen.Person.ID || entry == uuid.Nil {
		t.Errorf("%s %s by %s and %s: %s", mode, key, maker, checker, entry)
	}
	if evidence.Approval != asked.ID || len(evidence.Hash) != 64 || evidence.Rules == 0 || evidence.Run != 1 || len(evidence.Lines) != 1 || len(evidence.Lines[0].File) != 64 || evidence.Lines[0].Row == 0 {
		t.Errorf("%+v", evidence)
	}
	a.want(nil, func(ctx context.Context, tx pgx.Tx) error { // and the money does not become another break
		r, err := recon.Run(ctx, tx, a.book, a.now.Add(time.Hour))
		if err == nil && r.Raised != 0 {
			t.Errorf("%+v", r)
		}
		return err
	})
}
