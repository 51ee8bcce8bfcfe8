package recon_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// step books a move, made by the accountant and approved by another.
func (d *desk) step(at time.Time, plan func(ctx context.Context, tx pgx.Tx) (*giving.Move, error)) {
	d.Helper()
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		m, err := plan(ctx, tx)
		if err != nil {
			return err
		}
		_, err = m.Book(ctx, tx, d.book, giving.Sign{Key: uuid.New(), By: d.by, Second: uuid.New(), At: at, Made: "李会计", Check: "陈审批"})
		return err
	})
}

// aid sends amounts to families in one file for the bank and gives the payments' ids; each family has the account of its place.
func (d *desk) aid(at time.Time, accounts []string, amount int64) (ids []uuid.UUID) {
	d.Helper()
	var street, fund int32
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		s, err := ledger.CreateStreet(ctx, tx, d.book, ledger.Street{Code: "spq", NameZH: "石坪桥街道", NameEN: "Shipingqiao"})
		if err != nil {
			return err
		}
		f, err := ledger.CreateFund(ctx, tx, d.book, ledger.Fund{Code: "R", Kind: ledger.Restricted, NameZH: "帮困", NameEN: "Aid", StreetID: &s.ID})
		if err != nil {
			return err
		}
		street, fund = s.ID, f.ID
		r, err := ledger.PostOne(ctx, tx, d.book, ledger.Entry{Key: uuid.New(), Kind: ledger.KindOpening, EffectiveOn: d.book.Day(at), Lines: []ledger.Line{
			{Leaf: ledger.Leaf{Chart: "bank.basic", Fund: fund}, Amount: 100 * amount}, {Leaf: ledger.Leaf{Chart: "gift.r", Fund: fund}, Amount: -100 * amount}}})
		if err != nil {
			return err
		}
		return r.Err
	})
	rested := at.Add(-2 * projects.Cooling)
	for i, account := range accounts {
		home, id := uuid.New(), uuid.New()
		payee := func(ctx context.Context, tx pgx.Tx) *projects.Payee {
			p, err := projects.PayeeByID(ctx, tx, d.book, home)
			d.ok(err)
			return p
		}
		d.step(rested, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return projects.EnterHome(ctx, tx, d.book, projects.Payee{ID: home, StreetID: &street, EnteredBy: d.by}, projects.Home{Name: "周小满", Bank: "邮储银行", Account: account}, rested)
		})
		d.step(rested, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return projects.VerifyPayee(d.book, payee(ctx, tx), rested)
		})
		d.step(at, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return projects.AskAid(ctx, tx, d.book, payee(ctx, tx), projects.Payment{ID: id, FundID: &fund, Bank: "bank.basic", Amount: amount, Purpose: fmt.Sprint("困难救助", i), AskedBy: d.by}, at)
		})
		d.step(at, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			p, err := projects.PaymentByID(ctx, tx, d.book, id)
			if err != nil {
				return nil, err
			}
			return projects.AgreeToPay(ctx, tx, d.book, p, at)
		})
		ids = append(ids, id)
	}
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		return projects.MakeBatch(ctx, tx, d.book, projects.Batch{ID: uuid.New(), Bank: chart.ID("bank.basic"), Day: d.book.Day(at), MadeBy: d.by, MadeAt: at, Account: "50001040009999"}, ids, "李会计")
	})
	return ids
}

// debits is a bank's file of debits on a day: the account of who got the money and its end-to-end id, either may be missing.
func debits(id string, day time.Time, minor int64, list [][2]string) []byte {
	var b strings.Builder
	yuan := fmt.Sprintf("%d.%02d", minor/100, minor%100)
	fmt.Fprintf(&b, `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>%s</Id><Acct><Id><IBAN>DE1</IBAN></Id></Acct>`, id)
	for _, balance := range []struct {
		code  string
		minor int64
	}{{"OPBD", 100 * minor}, {"CLBD", int64(100-len(list)) * minor}} {
		fmt.Fprintf(&b, `<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">%d.%02d</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>`, balance.code, balance.minor/100, balance.minor%100)
	}
	for i, one := range list {
		refs := ""
		if one[1] != "" {
			refs = "<Refs><EndToEndId>" + one[1] + "</EndToEndId></Refs>"
		}
		fmt.Fprintf(&b, `<Ntry><Amt Ccy="CNY">%s</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>%[2]s</Dt></BookgDt><ValDt><Dt>%[2]s</Dt></ValDt><AcctSvcrRef>%s%d</AcctSvcrRef><NtryDtls><TxDtls>%s`+
			`<RltdPties><Cdtr><Pty><Nm>家庭</Nm></Pty></Cdtr><CdtrAcct><Id><Othr><Id>%s</Id></Othr></Id></CdtrAcct></RltdPties></TxDtls></NtryDtls></Ntry>`, yuan, day.Format(time.DateOnly), id, i, refs, one[0])
	}
	b.WriteString("</Stmt></BkToCstmrStmt></Document>")
	return []byte(b.String())
}

// A payment that was sent is expected at the bank by itself. Its line is known by its number, or by amount and the payee's account, of which only a hash is
// kept; of equal payments each goes to its own family. What is neither is a break.
func TestPaymentsAreSeenAtTheBank(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := time.Date(2026, 9, 7, 10, 0, 0, 0, d.book.Zone)
	bank := d.source("bank", statement.Camt053, "")
	const amount = 3_000_00
	accounts := []string{"621099123456", "621099987654", "621099555555"}
	ids := d.aid(at, accounts, amount)
	m := &month{desk: d, sources: map[string]*recon.Source{"bank": bank}}
	day := d.book.Day(at)
	m.run(at) // nothing at the bank yet: they wait
	if n := m.number(`select count(*) from open_ours o join expectation e on e.id = o.id and e.kind = 'disbursement' and e.amount = -300000`); n != 3 {
		t.Fatalf("%d of 3 payments are expected", n)
	}
	// The third family's money went to an account of nobody; the day before, the first one's account got as much for another reason.
	d.bring(bank, "1.xml", debits("A", day.AddDate(0, 0, -1), amount, [][2]string{{accounts[0], ""}}))
	d.bring(bank, "2.xml", debits("B", day.AddDate(0, 0, 1), amount, [][2]string{{accounts[1], ""}, {"6210 9912 3456", "FK1"}, {"621000000000", ""}}))
	now := at.AddDate(0, 0, 2)
	m.run(now)
	seen, err := recon.SeenAtBank(context.Background(), d.db, d.book, "disbursement", 10)
	d.ok(err)
	got := map[uuid.UUID]recon.Seen{}
	for _, s := range seen {
		got[s.Origin] = s
	}
	if first, second := got[ids[0]], got[ids[1]]; len(seen) != 2 || first.Ref != "B1" || second.Ref != "B0" || first.Key != "FK1" || !second.Day.Equal(day.AddDate(0, 0, 1)) || second.Amount != -amount || second.Sent != -amount {
		t.Errorf("%+v", seen)
	}
	for ref, rule := range map[string]int16{"B1": recon.RuleKey, "B0": recon.RuleExpected} {
		for _, s := range seen {
			if s.Ref == ref {
				e, err := recon.EvidenceOf(context.Background(), d.db, d.book, s.SourceID, s.Line)
				if err != nil || e.Rule != rule {
					t.Errorf("%s: %+v %v", ref, e, err)
				}
			}
		}
	}
	if n := m.number(`select count(*) from break_item where type = 'B08' and ended_at is null`); n != 2 {
		t.Errorf("%d of 2 debits that nobody expects", n)
	}
	if n := m.number(`select count(*) from ext_line l where l::text ~ '621099|621000'`); n != 0 {
		t.Error("a number of an account stands in the lines")
	}
	if again := m.run(now); again.Written {
		t.Errorf("the same run wrote: %+v", again)
	}
	// Booked as paid it is seen no more.
	d.step(now, func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		p, err := projects.PaymentByID(ctx, tx, d.book, ids[0])
		if err != nil {
			return nil, err
		}
		return projects.Debited(ctx, tx, d.book, p, got[ids[0]].Ref, got[ids[0]].Day)
	})
	if seen, err = recon.SeenAtBank(context.Background(), d.db, d.book, "disbursement", 10); err != nil || len(seen) != 1 || seen[0].Origin != ids[1] {
		t.Errorf("%+v %v", seen, err)
	}
}

// A line that pays several at once names each: they are matched together when they add up.
func TestOneLinePaysSeveral(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := time.Date(2026, 9, 7, 10, 0, 0, 0, d.book.Zone)
	bank := d.source("bank", statement.Camt053, "")
	d.aid(at, []string{"621099123456", "621099987654"}, 1_500_00)
	body := string(debits("A", d.book.Day(at), 3_000_00, [][2]string{{"", ""}}))
	part := func(ref string) string {
		return `<TxDtls><Refs><EndToEndId>` + ref + `</EndToEndId></Refs><Amt Ccy="CNY">1500.00</Amt></TxDtls>`
	}
	body = body[:strings.Index(body, "<TxDtls>")] + part("FK1") + part("FK2") + body[strings.Index(body, "</NtryDtls>"):]
	if f := d.bring(bank, "1.xml", []byte(body)); f.State != recon.FileImported {
		t.Fatal(reasonOf(f))
	}
	m := &month{desk: d, sources: map[string]*recon.Source{"bank": bank}}
	m.run(at.AddDate(0, 0, 1))
	seen, err := recon.SeenAtBank(context.Background(), d.db, d.book, "disbursement", 10)
	if err != nil || len(seen) != 2 || seen[0].Ref != "A0" || seen[1].Ref != "A0" || string(seen[0].Line) != string(seen[1].Line) {
		t.Errorf("%+v %v", seen, err)
	}
	if n := m.number(`select count(*) from break_item where ended_at is null`); n != 0 {
		t.Errorf("%d breaks", n)
	}
}

// Counted cash comes to the bank in its bag, not gift by gift.
func TestBagsAreSeenAtTheBank(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := time.Date(2026, 9, 7, 10, 0, 0, 0, d.book.Zone)
	bank := d.source("bank", statement.MT940, "")
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into cash_deposit (book_id, id, day, amount, bank, bag, state, carried_by) values ($1, $2, '2026-09-07', 321750, 'bank.basic', 'BAG00017', 'carried', $3),
($1, $4, '2026-09-07', 10000, 'bank.basic', 'BAG00018', 'carried', $3)`, d.book.ID, uuid.New(), uuid.New(), uuid.New())
		return err
	})
	m := &month{desk: d, sources: map[string]*recon.Source{"bank": bank}}
	m.run(at)
	d.bring(bank, "1.sta", []byte(":20:A\r\n:25:12345678\r\n:28C:1/1\r\n:60F:C260908CNY0,\r\n:61:2609080908C3217,50NTRFNONREF//X1\r\n:86:/REMI/CASH BAG00017\r\n:62F:C260908CNY3217,50\r\n-\r\n"))
	m.run(at.AddDate(0, 0, 1))
	seen, err := recon.SeenAtBank(context.Background(), d.db, d.book, "deposit", 10)
	if err != nil || len(seen) != 1 || seen[0].Amount != 3217_50 || seen[0].Sent != 3217_50 || seen[0].Key != "2026-09-07 BAG00017" {
		t.Errorf("%+v %v", seen, err)
	}
	if n := m.number(`select count(*) from open_ours`); n != 1 {
		t.Errorf("%d of 1 bags wait", n)
	}
}
