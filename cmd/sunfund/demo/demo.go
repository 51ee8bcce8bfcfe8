// Package demo is the demo association: invented people and places, real kinds of figures. Everything in it
// is booked through the same code as real gifts, vouchers and payments.
package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// Code is the demo book's code; a database that has it is loaded already.
const Code = "sunshine-demo"

// Post is the sandbox's way to us: events go out over HTTP, and the worker books what came in.
type Post struct {
	Deliver func(context.Context) (int, error)
	Work    func(context.Context) (int, error)
}

// Sign-ins of the demo people, the same on every machine: the demo takes no real money.
var People = []Person{
	{"wang", maker, "Wang", staff.Accountant, ""},
	{"li", checker, "Li", staff.Approver, ""},
	{"chen", "陈干事", "Chen", staff.StreetOfficer, "spq"},
	{"zhao", "赵审计", "Zhao", staff.Auditor, ""},
	{"sun", "孙管理", "Sun", staff.Admin, ""},
	{"qian", "钱主任", "Qian", staff.Approver, ""},
	{"hu", "胡管理", "Hu", staff.Admin, ""},
	{"he", "何监督", "He", staff.Supervisor, "spq"},
}

// Person is somebody who can sign in to the demo.
type Person struct {
	Login, NameZH, NameEN string
	Role                  staff.Role
	Street                string // code, for who serves or supervises a street
}

// rules of the demo: large sums need both approvers, also when they come in parts.
var rules = []staff.Rule{
	{Kind: staff.Voucher, From: 100_000_00, Approvers: 2, Role: staff.Approver},
	{Kind: staff.Voucher, From: 200_000_00, Window: 72 * time.Hour, Approvers: 2, Role: staff.Approver},
	{Kind: staff.Transfer, From: 50_000_00, Approvers: 2, Role: staff.Approver},
	{Kind: staff.Refund, From: 1_000_00, Approvers: 2, Role: staff.Approver},
	{Kind: staff.Refund, From: 3_000_00, Window: 72 * time.Hour, Approvers: 2, Role: staff.Approver},
}

// Password of every demo person.
const Password = "sunfund-demo"

// loader carries what the steps of loading share.
type loader struct {
	db      *pgxpool.Pool
	hasher  *staff.Hasher
	mail    Post
	now     time.Time
	book    *ledger.Book
	streets map[string]int32
	funds   map[string]*ledger.Fund
	persons map[string]uuid.UUID
	camps   map[string]*giving.Campaign
}

// Prepare opens the demo book with its streets, funds, people and campaigns, unless it is there already.
func Prepare(ctx context.Context, db *pgxpool.Pool, hasher *staff.Hasher, now time.Time) (*ledger.Book, error) {
	book, err := ledger.BookByCode(ctx, db, Code)
	if !errors.Is(err, ledger.ErrNoBook) {
		return book, err
	}
	l := newLoader(db, hasher, now)
	if err := l.association(ctx); err != nil {
		return nil, fmt.Errorf("load demo: %w", err)
	}
	return l.book, nil
}

// Loaded tells whether the demo's years are all booked.
func Loaded(ctx context.Context, db *pgxpool.Pool, book *ledger.Book) (bool, error) {
	page, err := ledger.Journal(pg.WithBook(ctx, book.ID), db, book, ledger.JournalFilter{Text: lastRef, Limit: 1})
	if err != nil {
		return false, err
	}
	return len(page.Entries) > 0, nil
}

// Load books the demo's years into the book that Prepare made. Broken off, it goes on where it was: every
// entry and every form has a key of its own that stays the same. progress is told what is being done.
func Load(ctx context.Context, db *pgxpool.Pool, book *ledger.Book, mail Post, now time.Time, progress func(string)) error {
	ctx = pg.WithBook(ctx, book.ID)
	l := newLoader(db, nil, now)
	l.book, l.mail = book, mail
	if err := l.recall(ctx); err != nil {
		return fmt.Errorf("load demo: %w", err)
	}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"2025: E爱空间·阳光相伴, 11 households", l.firstYear},
		{"2025: receipts for them", l.firstReceipts},
		{"2026: gifts to the running campaigns", l.runningGifts},
		{"2026: bank receipts, a kiosk, a picture at auction, a pledge", l.offline},
		{"2026: a giving platform's list, paid short", l.platform},
		{"2026: Charity Day, 5 September: gifts matched hour by hour, a refund, the match paid", l.charityDay},
		{"2026: openings, subsidies and contracts", l.secondYear},
		{"2026: October closed by two from the files of banks and processors, November begun", l.month}, // its last voucher tells Loaded that all is there
	} {
		progress(step.name)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("load demo: %s: %w", step.name, err)
		}
	}
	return nil
}

// key is the idempotency key of one step of the story.
func key(format string, args ...any) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "sunfund demo: "+format, args...))
}

func newLoader(db *pgxpool.Pool, hasher *staff.Hasher, now time.Time) *loader {
	return &loader{db: db, hasher: hasher, now: now, streets: map[string]int32{}, funds: map[string]*ledger.Fund{},
		persons: map[string]uuid.UUID{}, camps: map[string]*giving.Campaign{}}
}

// association makes the book and all that stands in it before the first entry, in one transaction.
func (l *loader) association(ctx context.Context) error {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return fmt.Errorf("time zone: %w", err)
	}
	hash, err := l.hasher.Hash(ctx, Password)
	if err != nil {
		return err
	}
	return pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
		l.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Code: Code, NameZH: "阳光区慈善会", NameEN: "Sunshine District Charity Association",
			Regime: chart.CN2026, Currency: "CNY", Zone: zone, Sandbox: true})
		if err != nil {
			return err
		}
		for _, s := range streets {
			made, err := ledger.CreateStreet(ctx, tx, l.book, s)
			if err != nil {
				return err
			}
			l.streets[s.Code] = made.ID
		}
		for _, f := range funds {
			if id, ok := l.streets[f.street]; ok {
				f.StreetID = &id
			}
			if l.funds[f.Code], err = ledger.CreateFund(ctx, tx, l.book, f.Fund); err != nil {
				return err
			}
		}
		for _, c := range campaigns(zone, l.now) {
			c.FundID = l.funds[c.fund].ID
			if l.camps[c.Slug], err = giving.CreateCampaign(ctx, tx, l.book, c.Campaign); err != nil {
				return err
			}
		}
		if err := payments.AddProcessor(ctx, tx, l.book, payments.SandboxCode); err != nil {
			return err
		}
		// Everybody knows the demo's password, and it opens the demo by itself.
		if err := staff.SetSettings(ctx, tx, l.book.ID, staff.Settings{Password: staff.PasswordAlone}, uuid.Nil, l.now); err != nil {
			return err
		}
		if err := l.people(ctx, tx, hash); err != nil {
			return err
		}
		if err := l.lawful(ctx, tx); err != nil {
			return err
		}
		if _, err := receipts.AddRange(ctx, tx, l.book, receiptNumbers, l.now); err != nil {
			return err
		}
		for _, r := range rules {
			if _, err := staff.AddRule(ctx, tx, l.book.ID, r, uuid.Nil, l.now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *loader) people(ctx context.Context, tx pgx.Tx, hash string) error {
	for _, p := range People {
		person, err := staff.Create(ctx, tx, l.book.ID, staff.Person{Login: p.Login, NameZH: p.NameZH, NameEN: p.NameEN, Lang: "zh-CN"}, hash, uuid.Nil, l.now)
		if err != nil {
			return err
		}
		// Letters of the demo go nowhere but into its mailbox page; the address is there to be seen.
		if err := staff.SetEmail(ctx, tx, l.book.ID, person.ID, uuid.Nil, p.Login+"@sunfund.example", l.now); err != nil {
			return err
		}
		held := staff.Held{Role: p.Role}
		if p.Street != "" {
			id := l.streets[p.Street]
			held.Street = &id
		}
		if _, err := staff.GrantRole(ctx, tx, l.book.ID, person.ID, uuid.Nil, held, l.now); err != nil {
			return err
		}
	}
	return nil
}

// recall finds again what association made.
func (l *loader) recall(ctx context.Context) error {
	all, err := ledger.Funds(ctx, l.db, l.book)
	if err != nil {
		return err
	}
	for i := range all {
		l.funds[all[i].Code] = &all[i]
	}
	places, err := ledger.Streets(ctx, l.db, l.book)
	if err != nil {
		return err
	}
	for _, s := range places {
		l.streets[s.Code] = s.ID
	}
	for _, p := range People {
		person, err := staff.ByLogin(ctx, l.db, l.book.ID, p.Login)
		if err != nil {
			return err
		}
		l.persons[p.Login] = person.ID
	}
	for _, c := range campaigns(l.book.Zone, l.now) {
		if l.camps[c.Slug], err = giving.CampaignBySlug(ctx, l.db, l.book, c.Slug); err != nil {
			return err
		}
	}
	return nil
}
