package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// Accounts outside, with what is agreed with the processors.
var outsides = []struct {
	name   string
	source recon.Source
	term   *recon.Term
}{
	{"wechat-trade", recon.Source{Name: "微信支付·交易账单", Kind: "processor", Format: statement.WeChatTrade, Currency: "CNY"}, &recon.Term{RatePPM: 6000, SettleDays: 1}},
	{"wechat-fund", recon.Source{Name: "微信支付·资金账单", Kind: "wallet", Format: statement.WeChatFund, Currency: "CNY"}, &recon.Term{SettleDays: 1}},
	{"alipay", recon.Source{Name: "支付宝·业务明细", Kind: "processor", Format: statement.AlipayTrade, Currency: "CNY"}, &recon.Term{RatePPM: 6000, SettleDays: 1}},
	{"stripe", recon.Source{Name: "Stripe·余额流水", Kind: "processor", Format: statement.StripeBalance, Currency: "CNY"}, &recon.Term{RatePPM: 34000, Fixed: 200}},
	{"stripe-payouts", recon.Source{Name: "Stripe·提现", Kind: "processor", Format: statement.StripePayouts, Currency: "CNY"}, nil},
	{"stripe-members", recon.Source{Name: "Stripe·提现明细", Kind: "processor", Format: statement.StripeMembers, Currency: "CNY"}, nil},
	{"online", recon.Source{Name: "募捐专户", Kind: "bank", Format: statement.CMB, Currency: "CNY", Chart: "bank.online"}, nil},
	{"basic", recon.Source{Name: "基本户", Kind: "bank", Format: statement.Camt053, Number: "65010104000001", Currency: "CNY", Chart: "bank.basic"}, nil},
	{"agency", recon.Source{Name: "受托代理户", Kind: "bank", Format: statement.MT940, Number: "65010104000009", Currency: "CNY", Chart: "bank.agency"}, nil},
	{"dollars", recon.Source{Name: "美元户", Kind: "bank", Format: statement.OFX, Number: "65010184000003", Currency: "USD", Chart: "bank.fx"}, nil},
}

// accounts opens them, once.
func (m *monthOf) accounts(ctx context.Context) error {
	return pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
		for _, o := range outsides {
			s, err := recon.SourceByName(ctx, tx, m.book, o.source.Name)
			if errors.Is(err, giving.ErrNoRecord) {
				made := o.source
				made.MadeBy, made.MadeAt = m.persons["wang"], closedAt
				if made.ID, err = recon.AddSource(ctx, tx, m.book, made); err != nil {
					return err
				}
				if o.term != nil {
					term := *o.term
					term.SourceID, term.From, term.MadeBy, term.MadeAt = made.ID, ledger.Day(2026, 1, 1), made.MadeBy, closedAt
					if err := recon.SetTerm(ctx, tx, m.book, term); err != nil {
						return err
					}
				}
				s = &made
			} else if err != nil {
				return err
			}
			m.sources[o.name] = s
		}
		return nil
	})
}

// send takes a file in, unless the account has one of that name.
func (m *monthOf) send(ctx context.Context, to, name string, body []byte) error {
	s := m.sources[to]
	return pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
		files, err := recon.Files(ctx, tx, m.book, s.ID, 100)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(files, func(f recon.File) bool { return f.Name == name }) {
			return nil
		}
		f, err := recon.Receive(ctx, tx, m.book, s, recon.NewFile{ID: key("file %s %s", to, name), Name: name, Body: body, By: m.persons["wang"]}, closedAt)
		if err != nil {
			return err
		}
		if f, err = recon.Take(ctx, tx, m.book, f, closedAt); err != nil {
			return err
		}
		if f.State != recon.FileImported {
			return fmt.Errorf("%s is %s: %s", name, f.State, *f.Reason)
		}
		return nil
	})
}

// processors sends the files of the processors' days from one day to another, and gives what comes to the bank of them.
func (m *monthOf) processors(ctx context.Context, from, to time.Time) (arrived []moved, err error) {
	due := int64(0) // what WeChat Pay pays out in the night
	bill := func(day time.Time, list []told) error {
		if due > 0 {
			arrived = append(arrived, moved{day: day, amount: due, text: "财付通支付科技有限公司 商户1900000001结算款 " + day8(day.AddDate(0, 0, -1))})
		}
		if err := m.send(ctx, "wechat-fund", "资金账单_"+day8(day)+".csv", wechatFund(m.book.Begin(day), due, list)); err != nil {
			return err
		}
		due = 0
		for _, t := range list {
			due += t.amount - t.fee
		}
		return nil
	}
	var last time.Time
	for _, d := range processorDays {
		if d.day.Before(from) || d.day.After(to) {
			continue
		}
		list, _ := m.paidGifts(d.channel, d.day, d.n)
		next := d.day.AddDate(0, 0, 1)
		switch d.channel {
		case giving.WeChat:
			if err := m.send(ctx, "wechat-trade", "交易账单_"+day8(d.day)+".csv", wechatTrade(list)); err != nil {
				return nil, err
			}
			if err := bill(d.day, list); err != nil {
				return nil, err
			}
			last = next
		case giving.Alipay:
			body, err := alipayTrade(m.book.Begin(d.day), list)
			if err != nil {
				return nil, err
			}
			if err := m.send(ctx, "alipay", "业务明细_"+day8(d.day)+".csv", body); err != nil {
				return nil, err
			}
			var net int64
			for _, t := range list {
				net += t.amount - t.fee
			}
			arrived = append(arrived, moved{day: next, amount: net, text: "支付宝（中国）网络技术有限公司 结算款 " + day8(d.day)})
		default:
			id := "po_" + day8(d.day) + "0001"
			balance, payouts, members, sum, err := stripeFiles(list, id, m.book.Begin(next), m.book.Begin(d.day.AddDate(0, 0, 3)))
			if err != nil {
				return nil, err
			}
			for to, body := range map[string][]byte{"stripe": balance, "stripe-payouts": payouts, "stripe-members": members} {
				if err := m.send(ctx, to, to+"_"+day8(d.day)+".json", body); err != nil {
					return nil, err
				}
			}
			arrived = append(arrived, moved{day: d.day.AddDate(0, 0, 3), amount: sum, text: "STRIPE PAYMENTS STRIPE PAYOUT " + id})
		}
	}
	if due > 0 {
		err = bill(last, nil)
	}
	return arrived, err
}

const (
	// What people and other rooms booked on a bank account on some days; what reconciliation books comes from the bank's own lines.
	sqlBooked = `
select e.effective_on, sum(p.amount)::int8, coalesce(max(g.ref), max(d.source_ref), '')
  from account a
  join posting p on p.book_id = $1 and p.account_id = a.account_id
  join entry e on e.book_id = $1 and e.id = p.entry_id
  left join document d on d.book_id = $1 and d.entry_id = e.id
  left join gift g on g.book_id = $1 and g.id = e.id
 where a.book_id = $1 and a.chart = $2 and a.unit < 1000 and e.effective_on between $3 and $4 and e.actor <> $5
   and not exists (select from correction c where c.book_id = $1 and c.entry_id = e.id)
 group by e.id, e.effective_on having sum(p.amount) <> 0 order by e.effective_on, e.id`

	sqlHeldBefore = `
select coalesce(sum(t.debit - t.credit), 0)::int8 from account a join turnover t on t.book_id = $1 and t.account_id = a.account_id
 where a.book_id = $1 and a.chart = $2 and a.unit < 1000 and t.day < $3`
)

// lines are what the bank tells of one of our accounts: what we booked there, and what else came and went.
func (m *monthOf) lines(ctx context.Context, at chart.ID, from, to time.Time, more []moved) (opening int64, list []moved, err error) {
	if err := m.db.QueryRow(ctx, sqlHeldBefore, m.book.ID, at, from).Scan(&opening); err != nil {
		return 0, nil, fmt.Errorf("read %s: %w", at, err)
	}
	rows, err := m.db.Query(ctx, sqlBooked, m.book.ID, at, from, to, recon.System)
	if err != nil {
		return 0, nil, fmt.Errorf("read %s: %w", at, err)
	}
	var day time.Time
	var amount int64
	var ref string
	if _, err := pgx.ForEachRow(rows, []any{&day, &amount, &ref}, func() error {
		list = append(list, moved{day: day, amount: amount, text: cmp.Or(ref, "转账")})
		return nil
	}); err != nil {
		return 0, nil, fmt.Errorf("read %s: %w", at, err)
	}
	list = append(list, more...)
	slices.SortStableFunc(list, func(a, b moved) int { return a.day.Compare(b.day) })
	return opening, list, nil
}

// statements sends October's files of the four bank accounts. Planted among them: 300.00 from somebody unknown, a debit of 35.00 that nobody approved, a charge of 8.00.
func (m *monthOf) statements(ctx context.Context, arrived []moved) error {
	p, err := projects.PaymentByID(ctx, m.db, m.book, key("month aid"))
	if err != nil {
		return err
	}
	opening, list, err := m.lines(ctx, "bank.online", oct(1), oct(31), append(arrived, moved{day: oct(21), amount: 300_00, text: "跨行汇入 爱心款"}))
	if err != nil {
		return err
	}
	body, err := cmb(oct(1), oct(31), opening, list)
	if err != nil {
		return err
	}
	if err := m.send(ctx, "online", "募捐专户_202610.csv", body); err != nil {
		return err
	}
	opening, list, err = m.lines(ctx, "bank.basic", oct(1), oct(31), []moved{{day: oct(21), amount: -p.Amount, text: p.Purpose, e2e: p.Name()},
		{day: oct(23), amount: -35_00, text: "快递费"}, {day: oct(30), amount: -8_00, text: "网银手续费", charge: true}})
	if err != nil {
		return err
	}
	if err := m.send(ctx, "basic", "基本户_202610.xml", camt(10, "65010104000001", oct(1), oct(31), opening, list)); err != nil {
		return err
	}
	opening, list, err = m.lines(ctx, "bank.agency", oct(1), oct(31), nil)
	if err != nil {
		return err
	}
	if err := m.send(ctx, "agency", "受托代理户_202610.sta", mt940(10, "65010104000009", oct(1), oct(31), opening, list)); err != nil {
		return err
	}
	return m.send(ctx, "dollars", "美元户_202610.ofx", ofx("65010184000003", oct(1), oct(31), 0, []moved{{day: oct(22), amount: 1_000_00, text: "ALUMNI GIFT"}}))
}

// reconcile does what the job does every quarter of an hour.
func (m *monthOf) reconcile(ctx context.Context, at time.Time) error {
	for { // what is booked in one turn explains more in the next
		booked, err := recon.Reconcile(ctx, m.db, m.book, at, func(_ string, step func(pgx.Tx) (int, error)) error {
			return pg.InTx(ctx, m.db, func(tx pgx.Tx) error { _, err := step(tx); return err })
		})
		if err != nil || booked == 0 {
			return err
		}
	}
}

const sqlBreakOf = `select id from break_item where book_id = $1 and type = $2 and ($3 = 0 or amount = $3) and ended_at is null order by first_seen, id limit 1`

// breakOf finds an open break; amount 0 is any.
func (m *monthOf) breakOf(ctx context.Context, kind recon.BreakType, amount int64) (id uuid.UUID, err error) {
	if err := m.db.QueryRow(ctx, sqlBreakOf, m.book.ID, kind, amount).Scan(&id); err != nil {
		return id, fmt.Errorf("find break %s of %d: %w", kind, amount, err)
	}
	return id, nil
}
