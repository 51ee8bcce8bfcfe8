package demo

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// close takes October's files in, reconciles, has its breaks worked off by whose work it is, and closes the month by two.
func (m *monthOf) close(ctx context.Context) error {
	arrived, err := m.processors(ctx, oct(1), oct(31))
	if err != nil {
		return err
	}
	if err := m.statements(ctx, arrived); err != nil {
		return err
	}
	if err := m.reconcile(ctx, closedAt); err != nil {
		return err
	}
	if err := m.workOff(ctx); err != nil {
		return err
	}
	if err := m.reconcile(ctx, closedAt.Add(time.Hour)); err != nil {
		return err
	}
	at := closedAt.Add(2 * time.Hour)
	var outcomes []recon.Outcome
	if err := pg.InTx(ctx, m.db, func(tx pgx.Tx) (err error) {
		outcomes, err = recon.RunChecks(ctx, tx, m.book, at)
		return err
	}); err != nil {
		return err
	}
	for _, o := range outcomes {
		if o.State == recon.Red {
			var rows []string
			for _, b := range o.Breaks {
				rows = append(rows, b.Text(m.book, "en"))
			}
			return fmt.Errorf("check %s: %s", o.Code, strings.Join(rows, "\n"))
		}
	}
	wang, li, err := m.people2(ctx)
	if err != nil {
		return err
	}
	report := key("close of October")
	var asked staff.Approval
	if err := pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
		r, err := recon.MakeReport(ctx, tx, m.book, october, maker, nil, at)
		if err != nil {
			return err
		}
		hash, err := recon.KeepReport(ctx, tx, m.book, report, r, wang.Person.ID)
		if err != nil {
			return err
		}
		asked, err = staff.Request(ctx, tx, wang, staff.Draft{Form: report, Kind: staff.CloseKind, Summary: "2026-10 正式结账",
			Payload: map[string]string{"month": "2026-10", "report": report.String(), "hash": hex.EncodeToString(hash[:])}}, at)
		return err
	}); err != nil {
		return fmt.Errorf("ask to close October: %w", err)
	}
	err = pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
		_, err := staff.Approve(ctx, tx, li, asked.ID, asked.Hash, func(a staff.Approval) (*uuid.UUID, error) {
			kept, err := recon.ReportByID(ctx, tx, m.book, report)
			if err != nil {
				return nil, err
			}
			return nil, recon.Close(ctx, tx, m.book, recon.Signed{Report: report, Hash: kept.Hash, AskedBy: a.MadeBy, ApprovedBy: li.Person.ID, Approval: a.ID}, at)
		}, at)
		return err
	})
	if err != nil {
		return fmt.Errorf("close October: %w", err)
	}
	return nil
}

// people2 are who makes and who approves.
func (m *monthOf) people2(ctx context.Context) (wang, li staff.Identity, err error) {
	for _, one := range []struct {
		login string
		role  staff.Role
		to    *staff.Identity
	}{{"wang", staff.Accountant, &wang}, {"li", staff.Approver, &li}} {
		p, err := staff.ByLogin(ctx, m.db, m.book.ID, one.login)
		if err != nil {
			return wang, li, err
		}
		*one.to = staff.Identity{Book: m.book.ID, Person: p, Roles: []staff.Held{{Role: one.role}}}
	}
	return wang, li, nil
}

// workOff is the accountant's and the approver's work on what the machine may not put right.
func (m *monthOf) workOff(ctx context.Context) error {
	general := m.funds["G"].ID
	// A courier was paid by direct debit, and nobody had written a voucher.
	if err := m.correct(ctx, recon.BankUnknown, -35_00, "快递费，银行代扣", oct(23), []ledger.Line{
		ledger.Debit(ledger.Leaf{Chart: "admin.u", Fund: general}, 35_00), ledger.Credit(ledger.Leaf{Chart: "bank.basic", Fund: general}, 35_00)}); err != nil {
		return err
	}
	// The shop lost a gift: nobody knows the donor, so it is an unrestricted gift by the board's rule.
	lost, _ := m.paidGifts(giving.WeChat, oct(13), 12)
	unknown := ledger.Leaf{Chart: "unident", Fund: general, Dims: ledger.Dims{Instrument: giving.WeChat.Code()}}
	if err := m.voucher(ctx, key("lost gift"), "微信收款，找不到捐赠人，转为非限定捐赠："+lost[4].ref, oct(31), []ledger.Line{
		ledger.Debit(unknown, lost[4].amount), ledger.Credit(ledger.Leaf{Chart: "gift.u", Fund: general, Dims: ledger.Dims{Counterparty: "unknown"}}, lost[4].amount)}); err != nil {
		return err
	}
	// The dollars are booked in yuan; their line is put right by the one who booked them.
	if err := m.ends(ctx, recon.BankUnknown, 1_000_00, "已按 7.10 入账，凭证来源 20261022-0001"); err != nil {
		return err
	}
	// Somebody telephoned about the 300.00.
	return m.deed(ctx, m.claimed("receipt of 21 October claimed", func(ctx context.Context, tx pgx.Tx) (id uuid.UUID, err error) {
		if err = tx.QueryRow(ctx, sqlReceiptOf, m.book.ID, 300_00).Scan(&id); err != nil {
			err = fmt.Errorf("find receipt: %w", err)
		}
		return id, err
	}, payments.Claim{CampaignID: m.campaign("elder-lunch"), Person: "何女士", Anonymous: true, Proof: "转账截图", Day: oct(31)}))
}

const sqlReceiptOf = `select id from bank_receipt where book_id = $1 and state = 'open' and amount = $2`

// ends says how a break was put right.
func (m *monthOf) ends(ctx context.Context, kind recon.BreakType, amount int64, how string) error {
	id, err := m.breakOf(ctx, kind, amount)
	if err != nil {
		return err
	}
	return pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
		if err := recon.Assign(ctx, tx, m.book, id, m.persons["wang"], m.persons["li"], closedAt); err != nil {
			return err
		}
		return recon.CloseBreak(ctx, tx, m.book, id, m.persons["wang"], how, closedAt)
	})
}

// correct asks for a voucher that puts a break right, and has it approved.
func (m *monthOf) correct(ctx context.Context, kind recon.BreakType, amount int64, summary string, day time.Time, lines []ledger.Line) error {
	id, err := m.breakOf(ctx, kind, amount)
	if err != nil {
		return err
	}
	form, err := recon.CorrectionForm(ctx, m.db, m.book, id)
	if err != nil {
		return err
	}
	return m.approved(ctx, form, summary, day, lines, func(tx pgx.Tx) error {
		return recon.Propose(ctx, tx, m.book, id, form, m.persons["wang"], closedAt)
	})
}

func (m *monthOf) voucher(ctx context.Context, form uuid.UUID, summary string, day time.Time, lines []ledger.Line) error {
	return m.approved(ctx, form, summary, day, lines, func(pgx.Tx) error { return nil })
}

// drafted is a line of a voucher that waits, as the console keeps it.
type drafted struct {
	Chart  chart.ID    `json:"chart"`
	Fund   int32       `json:"fund"`
	Dims   ledger.Dims `json:"dims"`
	Debit  string      `json:"debit,omitempty"`
	Credit string      `json:"credit,omitempty"`
}

// draftedVoucher is what is asked for.
type draftedVoucher struct {
	Day         string    `json:"day"`
	Attachments int16     `json:"attachments"`
	Lines       []drafted `json:"lines"`
}

// agreedVoucher is the entry of what was approved, and of nothing else.
func agreedVoucher(a *staff.Approval) (e ledger.Entry, err error) {
	var v draftedVoucher
	if err := json.Unmarshal(a.Payload, &v); err != nil {
		return e, fmt.Errorf("read voucher: %w", err)
	}
	e = ledger.Entry{Key: a.ID, Kind: ledger.KindVoucher,
		Document: &ledger.Document{Summary: a.Summary, SourceKind: "voucher", SourceRef: a.ID.String(), Attachments: v.Attachments, MadeBy: maker, CheckedBy: checker}}
	if e.EffectiveOn, err = time.Parse(time.DateOnly, v.Day); err != nil {
		return e, fmt.Errorf("read voucher: %w", err)
	}
	for _, d := range v.Lines {
		text, sign := d.Debit, int64(1)
		if d.Credit != "" {
			text, sign = d.Credit, -1
		}
		amount, err := money.Parse(text, "CNY")
		if err != nil {
			return e, fmt.Errorf("read voucher: %w", err)
		}
		e.Lines = append(e.Lines, ledger.Line{Leaf: ledger.Leaf{Chart: d.Chart, Fund: d.Fund, Dims: d.Dims}, Amount: sign * amount})
	}
	return e, nil
}

// approved asks for a voucher by one and books it by the word of another.
func (m *monthOf) approved(ctx context.Context, form uuid.UUID, summary string, day time.Time, lines []ledger.Line, also func(pgx.Tx) error) error {
	wang, li, err := m.people2(ctx)
	if err != nil {
		return err
	}
	payload := draftedVoucher{Day: day.Format(time.DateOnly), Attachments: 1}
	var debits int64
	for _, l := range lines {
		d := drafted{Chart: l.Leaf.Chart, Fund: l.Leaf.Fund, Dims: l.Leaf.Dims}
		if l.Amount > 0 {
			d.Debit, debits = yuan(l.Amount), debits+l.Amount
		} else {
			d.Credit = yuan(-l.Amount)
		}
		payload.Lines = append(payload.Lines, d)
	}
	var asked staff.Approval
	if err := pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
		if asked, err = staff.Request(ctx, tx, wang, staff.Draft{Form: form, Kind: staff.Voucher, Summary: summary, Amount: debits, Payload: payload}, closedAt); err != nil {
			return err
		}
		return also(tx)
	}); err != nil {
		return fmt.Errorf("ask for %s: %w", summary, err)
	}
	err = pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
		_, err := staff.Approve(ctx, tx, li, asked.ID, asked.Hash, func(a staff.Approval) (*uuid.UUID, error) {
			e, err := agreedVoucher(&a)
			if err != nil {
				return nil, err
			}
			e.Actor = li.Person.ID
			r, err := ledger.PostOne(ctx, tx, m.book, e)
			return &r.ID, err
		}, closedAt)
		return err
	})
	if err != nil {
		return fmt.Errorf("approve %s: %w", summary, err)
	}
	return nil
}

// november is the first half of the next month, open: an amount that differs from the shop's, a debit that nobody approved, a credit nobody knows.
func (m *monthOf) november(ctx context.Context) error {
	at := time.Date(2026, time.November, 17, 1, 0, 0, 0, time.UTC)
	if err := m.importGifts(ctx, nov(16)); err != nil {
		return err
	}
	arrived, err := m.processors(ctx, nov(1), nov(16))
	if err != nil {
		return err
	}
	opening, list, err := m.lines(ctx, "bank.online", nov(1), nov(16), append(arrived, moved{day: nov(12), amount: 168_00, text: "跨行汇入"}))
	if err != nil {
		return err
	}
	body, err := cmb(nov(1), nov(16), opening, list)
	if err != nil {
		return err
	}
	if err := m.send(ctx, "online", "募捐专户_20261116.csv", body); err != nil {
		return err
	}
	opening, list, err = m.lines(ctx, "bank.basic", nov(1), nov(16), []moved{{day: nov(11), amount: -260_00, text: "代扣"}})
	if err != nil {
		return err
	}
	if err := m.send(ctx, "basic", "基本户_20261116.xml", camt(11, "65010104000001", nov(1), nov(16), opening, list)); err != nil {
		return err
	}
	return m.reconcile(ctx, at)
}
