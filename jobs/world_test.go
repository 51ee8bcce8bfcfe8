package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/law"
	"sunfund/ledger/payments"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/projects/votes"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
	"sunfund/ledger/reports"
	"sunfund/ledger/runs"
	"sunfund/ledger/staff"
)

// fillWorld makes a book in which every job has something to do at killTime, and whose jobs were last done a day before.
func fillWorld(t *testing.T, db *pgtest.DB) {
	t.Helper()
	ctx, now := t.Context(), killTime
	month := now.AddDate(0, -1, 0)
	by, second := uuid.New(), uuid.New()
	var book *ledger.Book
	var fund *ledger.Fund
	var campaign *giving.Campaign
	var street *ledger.Street
	tx := func(fn func(tx pgx.Tx) error) {
		t.Helper()
		if err := pg.InTx(ctx, db.Service, fn); err != nil {
			t.Fatal(err)
		}
	}
	steps := func(fn func(tx pgx.Tx) (*giving.Move, error)) {
		t.Helper()
		tx(func(tx pgx.Tx) error {
			m, err := fn(tx)
			if err != nil {
				return err
			}
			_, err = m.Book(ctx, tx, book, giving.Sign{Key: uuid.New(), By: by, Second: second, At: month, Made: "王会计", Check: "李主任"})
			return err
		})
	}
	tx(func(tx pgx.Tx) (err error) {
		book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "jobs", NameZH: "任务慈善会", NameEN: "Jobs", Regime: chart.CN2026, Currency: "CNY",
			Zone: zone(t, "Asia/Shanghai"), Sandbox: true})
		if err != nil {
			return err
		}
		if err := law.SetProfile(ctx, tx, book, law.Profile{From: ledger.Day(2020, 1, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, month); err != nil {
			return err
		}
		if street, err = ledger.CreateStreet(ctx, tx, book, ledger.Street{Code: "s", NameZH: "街道", NameEN: "Street"}); err != nil {
			return err
		}
		if _, err = ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常", NameEN: "General"}); err != nil {
			return err
		}
		if fund, err = ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: "R", Kind: ledger.Restricted, NameZH: "专项", NameEN: "Homes", StreetID: &street.ID}); err != nil {
			return err
		}
		campaign, err = giving.CreateCampaign(ctx, tx, book, giving.Campaign{FundID: fund.ID, Slug: "homes", TitleZH: "题", TitleEN: "Title", SummaryZH: "简", SummaryEN: "Short",
			StoryZH: "故事", StoryEN: "Story", Goal: 50_000_00, OpensAt: now.AddDate(-1, 0, 0), ClosesAt: now.AddDate(1, 0, 0)})
		if err != nil {
			return err
		}
		for _, role := range []staff.Role{staff.Accountant, staff.Admin} {
			p, err := staff.Create(ctx, tx, book.ID, staff.Person{Login: string(role), NameZH: "某", NameEN: "Some", Lang: "en", Email: string(role) + "@example.org"}, "$argon2id$none", uuid.Nil, month)
			if err != nil {
				return err
			}
			if _, err := staff.GrantRole(ctx, tx, book.ID, p.ID, uuid.Nil, staff.Held{Role: role}, month); err != nil {
				return err
			}
			for i := range 3 { // the oldest are to be swept away
				if err := staff.Post(ctx, tx, book.ID, staff.Mail{Person: p.ID, Subject: fmt.Sprint("letter ", i), Body: "b", Path: "/"}, now.AddDate(0, 0, -20*i)); err != nil {
					return err
				}
			}
		}
		return nil
	})

	tx(func(tx pgx.Tx) error { return fillDay(ctx, tx, book, by, second, month) })

	// Gifts of a month ago with names and addresses, one of them refunded behind its receipt; months without sums.
	var paid []giving.Paid
	for i := range 12 {
		paid = append(paid, giving.Paid{CampaignID: campaign.ID, Amount: int64(100_00 + i), PaidAt: month.Add(time.Duration(i) * time.Hour), Channel: giving.WeChat, Ref: fmt.Sprint("wx-", i), Name: fmt.Sprint("捐赠人", i),
			Email: fmt.Sprintf("donor%d@example.org", i)})
	}
	out, err := giving.Commit(ctx, db.Service, book, paid)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	tx(func(tx pgx.Tx) error {
		if _, err := receipts.AddRange(ctx, tx, book, receipts.Range{Code: "50010126", First: 1, Last: 100, Digits: 8, AllottedOn: book.Day(month), MadeBy: by}, month); err != nil {
			return err
		}
		day := book.Day(month)
		_, err := receipts.StartBatch(ctx, tx, book, receipts.Batch{ID: uuid.New(), From: day, To: day.AddDate(0, 0, 1), SingleMin: 1, AskedBy: by, Mail: true}, now.AddDate(0, 0, -1))
		return err
	})

	// Donors who want to sign in; gifts that were started and not paid; regular gifts by letter that are due.
	tx(func(tx pgx.Tx) error {
		for i := range 3 {
			if err := giving.AskSignIn(ctx, tx, book, fmt.Sprintf("donor%d@example.org", i), fmt.Sprint("browser", i), "en", now); err != nil {
				return err
			}
		}
		begin := func(name string, at time.Time) (*giving.Checkout, error) {
			return giving.Begin(ctx, tx, book, giving.Form{FormID: uuid.New(), CampaignID: campaign.ID, Amount: "50", Currency: "CNY", Lang: "en", Name: name, Email: name + "@example.org", Channel: giving.Sandbox}, at)
		}
		for i := range 4 {
			if _, err := begin(fmt.Sprint("never", i), now.Add(-unpaidLife-time.Duration(i+1)*time.Hour)); err != nil {
				return err
			}
		}
		for i := range 3 {
			c, err := begin(fmt.Sprint("monthly", i), month)
			if err != nil {
				return err
			}
			if _, err := plans.Start(ctx, tx, book, c, plans.Terms{Way: plans.ByLetter, Every: plans.Monthly}, month); err != nil {
				return err
			}
			out, err := giving.Book(ctx, tx, book, []giving.Paid{{ID: c.ID, Amount: c.Amount, Currency: c.Currency, PaidAt: month, Channel: giving.Sandbox, Ref: c.ID.String()}})
			if err != nil {
				return err
			}
			if out[0].Err != nil {
				return out[0].Err
			}
		}
		return nil
	})

	// Pledges with an instalment due soon and one overdue; a letter of the street that lapses and one that counts.
	for i, first := range []time.Time{now.AddDate(0, 0, 3), now.AddDate(0, 0, -9)} {
		p := giving.Pledge{ID: uuid.New(), Firm: fmt.Sprint("公司", i), CampaignID: campaign.ID, Document: "协议", SignedOn: book.Day(month.AddDate(0, -1, 0)), Amount: 300_00}
		steps(func(tx pgx.Tx) (*giving.Move, error) {
			return giving.SignPledge(ctx, tx, book, p, giving.Instalments(p.Amount, 3, book.Day(first), 1), giving.Contact{Email: "firm@example.org", Lang: "en"}, month)
		})
	}
	for i, lapses := range []time.Time{ledger.Day(2026, 11, 28), ledger.Day(2026, 11, 29), ledger.Day(2026, 12, 31)} {
		l := subsidies.Letter{ID: uuid.New(), FundID: fund.ID, StreetID: street.ID, CampaignID: &campaign.ID, Party: "街道办事处", Document: fmt.Sprintf("函〔2026〕%d号", i+1), SignedOn: ledger.Day(2026, 10, 1),
			Counts: subsidies.All, Rule: subsidies.Rule{Per: subsidies.Whole, Num: 1, Den: 1, Cap: 10_000_00}, OpensOn: ledger.Day(2026, 10, 1), ClosesOn: ledger.Day(2026, 11, 20), FiscalYear: 2026,
			LapsesOn: lapses, Terms: subsidies.Grant, Homes: 1, EnteredBy: by}
		steps(func(tx pgx.Tx) (*giving.Move, error) { return subsidies.Commit(ctx, tx, book, l, l.SignedOn) })
	}

	// A collection box that should have been opened yesterday.
	box := payments.Box{ID: uuid.New(), Code: "B1", Kind: "box", CampaignID: campaign.ID, OpenDays: 7}
	sealed := ledger.Day(2026, 11, 23)
	for _, step := range []func(b *payments.Box) (*giving.Move, error){
		func(b *payments.Box) (*giving.Move, error) {
			return payments.PlaceBox(book, b, "商场", "商场物业", sealed)
		},
		func(b *payments.Box) (*giving.Move, error) { return payments.SealBox(book, b, "S1", sealed) },
	} {
		steps(func(tx pgx.Tx) (*giving.Move, error) {
			b, err := payments.BoxByID(ctx, tx, book, box.ID)
			if errors.Is(err, giving.ErrNoRecord) {
				m, err := payments.IssueBox(ctx, tx, book, box)
				if err != nil {
					return nil, err
				}
				if _, err := m.Book(ctx, tx, book, giving.Sign{Key: uuid.New(), By: by, At: month}); err != nil {
					return nil, err
				}
				if b, err = payments.BoxByID(ctx, tx, book, box.ID); err != nil {
					return nil, err
				}
				return step(b)
			}
			if err != nil {
				return nil, err
			}
			return step(b)
		})
	}

	// Files that are to be made.
	for _, slow := range []bool{false, true} {
		tx(func(tx pgx.Tx) error {
			run := reports.ExportRun{ID: uuid.Must(uuid.NewV7()), What: "/console/bundle/book", Title: "book", Lang: "en", AskedBy: by, AskedAt: now, Slow: slow}
			_, err := reports.AskExport(ctx, tx, book, run, "/console/bundle/book?format=hledger")
			return err
		})
	}
	// A platform's file that is to be booked.
	text, totals := platforms.Sample(60, ledger.Day(2026, 11, 20))
	layout, err := platforms.Guess([]byte(text), "Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	file, profile := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	layout.Codes, layout.Donor = []platforms.Code{{Code: "P-001", Campaign: campaign.ID}}, "示例平台基金会"
	tx(func(tx pgx.Tx) error {
		if err := platforms.SaveProfile(ctx, tx, book, platforms.Profile{ID: profile, Platform: "shili", Name: "示例", Layout: layout, MadeBy: by, MadeAt: now}); err != nil {
			return err
		}
		if _, err := platforms.Keep(ctx, tx, book, file, "a.csv", []byte(text), by, now); err != nil {
			return err
		}
		f, err := platforms.FileByID(ctx, tx, book, file)
		if err != nil {
			return err
		}
		if err := platforms.UseProfile(ctx, tx, book, f, profile); err != nil {
			return err
		}
		if f, err = platforms.FileByID(ctx, tx, book, file); err != nil {
			return err
		}
		return platforms.Ask(ctx, tx, book, f, int(totals.Count), giving.Sign{Key: uuid.New(), By: by, At: now, Made: "王会计"})
	})
	fillVote(t, db, book, street, by, second)
	fillBank(t, db, book, by)
	// Two payments at the bank, of which the organisation was not told.
	tx(func(tx pgx.Tx) error {
		people, err := staff.Holding(ctx, tx, book.ID, staff.Accountant)
		if err != nil {
			return err
		}
		payee := uuid.New()
		for _, sql := range []string{
			`insert into payee (book_id, id, number, kind, name, standing, code, services, contact, credit, state, entered_by) select a, b, 1, 'organisation', '向阳社工', 'other', '', '', '', 'good', 'verified', d from v`,
			`insert into payee_person (book_id, payee_id, person_id, asked_by, agreed_by, since) select a, b, c, d, gen_random_uuid(), '2026-10-01' from v`,
			`insert into disbursement (book_id, id, number, kind, fund_id, payee_id, bank, amount, invoice, purpose, state, sent_on, paid_on, asked_by, note_due)
			 select a, gen_random_uuid(), n, 'aid', e, b, 'bank.basic', 100, '', '救助', 'paid', '2026-11-20', '2026-11-21', d, true from v, generate_series(1, 2) n`,
		} {
			if _, err := tx.Exec(ctx, "with v(a, b, c, d, e) as (values ($1::int4, $2::uuid, $3::uuid, $4::uuid, $5::int4)) "+sql, book.ID, payee, people[0].ID, by, fund.ID); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
	plan(t, db, book, now)
}

// fillDay opens a giving day for the gifts of the world.
func fillDay(ctx context.Context, tx pgx.Tx, book *ledger.Book, by, second uuid.UUID, month time.Time) error {
	before := month.Add(-time.Hour)
	rule, err := match.New(match.Terms{Language: match.Language, Currency: "CNY", Zone: "Asia/Shanghai", Windows: []match.Window{{Name: "day", From: "2026-11-01T00:00", To: "2026-11-03T00:00"}},
		Pools: []match.Pool{{Code: "main", Funder: match.Name{ZH: "甲公司", EN: "Company A"}, Amount: "500.00"}}, Award: match.Formula{Fixed: &match.Ratio{Match: 1, Gift: 1}},
		Order: match.FirstCome, Unspent: match.GiveBack, Refund: match.ToPool, Notice: 10})
	if err != nil {
		return err
	}
	e, err := giving.CreateEvent(ctx, tx, book, "day", "公益日", "Giving day", match.Seed{1}, by, before)
	if err != nil {
		return err
	}
	sign := giving.Sign{Key: uuid.New(), By: by, Second: second, At: before, Made: "王会计", Check: "李主任"}
	if _, err := giving.PublishRule(ctx, tx, book, e.ID, rule, before, []giving.PoolPlan{{Code: "main", Kind: giving.PoolPromised}}, sign); err != nil {
		return err
	}
	return giving.OpenEvent(ctx, tx, book, e.ID, before)
}

// fillVote is a vote of residents whose time is over, with three ballots whose names are still on them.
func fillVote(t *testing.T, db *pgtest.DB, book *ledger.Book, street *ledger.Street, by, second uuid.UUID) {
	t.Helper()
	ctx, opened := t.Context(), killTime.AddDate(0, 0, -8)
	tx := func(fn func(tx pgx.Tx) error) {
		t.Helper()
		if err := pg.InTx(ctx, db.Service, fn); err != nil {
			t.Fatal(err)
		}
	}
	take := func(plan func(tx pgx.Tx) (*giving.Move, error)) {
		t.Helper()
		tx(func(tx pgx.Tx) error {
			m, err := plan(tx)
			if err != nil {
				return err
			}
			_, err = m.Book(ctx, tx, book, giving.Sign{Key: uuid.New(), By: by, Second: second, At: opened, Made: "王会计", Check: "李主任"})
			return err
		})
	}
	var fund *ledger.Fund
	tx(func(tx pgx.Tx) (err error) {
		fund, err = ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: "S", Kind: ledger.Subsidy, NameZH: "社区经费", NameEN: "Community budget", StreetID: &street.ID})
		if err != nil {
			return err
		}
		// And a fund that nothing has moved since a year ago today.
		quiet, err := ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: "Q", Kind: ledger.Restricted, NameZH: "旧专项", NameEN: "Old", StreetID: &street.ID})
		if err != nil {
			return err
		}
		for id, day := range map[int32]time.Time{fund.ID: book.Day(opened), quiet.ID: ledger.Day(2025, 12, 1)} {
			if _, err := ledger.PostOne(ctx, tx, book, ledger.Entry{Key: uuid.New(), Kind: ledger.KindOpening, EffectiveOn: day, Actor: by, Lines: []ledger.Line{
				ledger.Debit(ledger.Leaf{Chart: "bank.basic", Fund: id}, 5_000_00), ledger.Credit(ledger.Leaf{Chart: "na.r", Fund: id}, 5_000_00)}}); err != nil {
				return err
			}
		}
		return nil
	})
	take(func(pgx.Tx) (*giving.Move, error) {
		return residents.Found(book, uuid.New(), residents.Community{StreetID: street.ID, Code: "C1", NameZH: "一社区", NameEN: "One"})
	})
	list, err := residents.Communities(ctx, db.Service, book, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := polls.Poll{ID: uuid.New(), FundID: fund.ID, StreetID: street.ID, TitleZH: "今年做什么", TitleEN: "What to do this year", PaperAt: "居委会", Budget: 3_000_00, OpensAt: opened,
		ClosesAt: opened.AddDate(0, 0, 7), MadeBy: by, Communities: []int32{list[0].ID}, Rule: votes.Rule{Ballot: votes.Approval, Least: 1, Method: votes.Greedy, Ties: []string{votes.LowerCost}}}
	take(func(tx pgx.Tx) (*giving.Move, error) { return polls.Enter(ctx, tx, book, p) })
	for i, cost := range []int64{1_000_00, 2_000_00, 2_500_00} {
		take(func(tx pgx.Tx) (*giving.Move, error) {
			read, err := polls.ByID(ctx, tx, book, p.ID)
			if err != nil {
				return nil, err
			}
			return polls.Add(book, read, polls.Choice{TitleZH: fmt.Sprint("项目", i+1), TitleEN: fmt.Sprint("Project ", i+1), Cost: cost})
		})
	}
	take(func(tx pgx.Tx) (*giving.Move, error) {
		read, err := polls.ByID(ctx, tx, book, p.ID)
		if err != nil {
			return nil, err
		}
		return polls.Publish(book, read, opened)
	})
	tx(func(tx pgx.Tx) error {
		read, err := polls.ByID(ctx, tx, book, p.ID)
		if err != nil {
			return err
		}
		codes, err := residents.Slips(ctx, tx, book, &list[0], 3, by, rand.Reader, opened)
		if err != nil {
			return err
		}
		for i, code := range codes {
			r, err := residents.Find(ctx, tx, book, code)
			if err != nil {
				return err
			}
			if err := polls.Cast(ctx, tx, book, read, r, votes.Ballot{{Option: i, Points: 1}}, opened.Add(time.Hour)); err != nil {
				return err
			}
		}
		return nil
	})
}

// fillBank is a bank account whose statement was sent in and looked at by no run: a credit that nobody expects, a charge, the line of a voucher, a debit that nobody approved.
func fillBank(t *testing.T, db *pgtest.DB, book *ledger.Book, by uuid.UUID) {
	t.Helper()
	ctx, day := t.Context(), ledger.Day(2026, 11, 26)
	err := pg.InTx(ctx, db.Service, func(tx pgx.Tx) error {
		general, err := giving.GeneralFund(ctx, tx, book)
		if err != nil {
			return err
		}
		for _, lines := range [][]ledger.Line{
			{ledger.Debit(ledger.Leaf{Chart: "bank.online", Fund: general}, 1_000_00), ledger.Credit(ledger.Leaf{Chart: "na.u", Fund: general}, 1_000_00)},
			{ledger.Debit(ledger.Leaf{Chart: "admin.u", Fund: general}, 77_00), ledger.Credit(ledger.Leaf{Chart: "bank.online", Fund: general}, 77_00)},
		} {
			if _, err := ledger.PostOne(ctx, tx, book, ledger.Entry{Key: uuid.New(), Kind: ledger.KindVoucher, EffectiveOn: day, Actor: by, Lines: lines}); err != nil {
				return err
			}
		}
		s := recon.Source{Name: "bank", Kind: "bank", Format: statement.MT940, Number: "755930112210808", Currency: "CNY", MadeBy: by, MadeAt: killTime, Chart: "bank.online"}
		if s.ID, err = recon.AddSource(ctx, tx, book, s); err != nil {
			return err
		}
		text := ":20:1\r\n:25:755930112210808\r\n:28C:1\r\n:60F:C261126CNY1000,00\r\n:61:2611261126C66,00NTRFNONREF//A1\r\n:86:X\r\n:61:2611261126D5,00NCHGNONREF//A2\r\n:86:X\r\n" +
			":61:2611261126D77,00NTRFNONREF//A3\r\n:86:X\r\n:61:2611261126D88,00NTRFNONREF//A4\r\n:86:X\r\n:62F:C261126CNY896,00\r\n-\r\n"
		f, err := recon.Receive(ctx, tx, book, &s, recon.NewFile{ID: uuid.New(), Name: "bank.sta", Body: []byte(text), By: by}, killTime)
		if err != nil {
			return err
		}
		if f, err = recon.Take(ctx, tx, book, f, killTime); err == nil && f.State != recon.FileImported {
			return fmt.Errorf("%s: %s", f.State, *f.Reason)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// plan notes the jobs as done a day before, so that each is due.
func plan(t *testing.T, db *pgtest.DB, book *ledger.Book, now time.Time) {
	t.Helper()
	table, err := Table(killTools(nil, book, "set"))
	if err != nil {
		t.Fatal(err)
	}
	var list []runs.Planned
	for i := range table {
		j := &table[i]
		list = append(list, runs.Planned{Name: j.Name, Spec: j.When.spec, Every: j.When.every(), LateAfter: j.Late, Next: func(after time.Time) time.Time { return j.When.Next(after, book.Zone) }})
	}
	ctx := context.WithoutCancel(t.Context())
	if err := pg.InTx(ctx, db.Service, func(tx pgx.Tx) error { return runs.Plan(ctx, tx, book.ID, list, now.AddDate(0, 0, -1)) }); err != nil {
		t.Fatal(err)
	}
}
