package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/projects"
	"sunfund/ledger/recon"
)

// The month that the demo closes for good, and when its people do so.
var (
	october  = ledger.Day(2026, time.October, 1)
	closedAt = time.Date(2026, time.November, 4, 1, 0, 0, 0, time.UTC)
)

func oct(day int) time.Time { return ledger.Day(2026, time.October, day) }

func nov(day int) time.Time { return ledger.Day(2026, time.November, day) }

// month is October 2026 from the files of banks and processors to the close by two, and the first half of November, of which a few breaks are left to be worked
// off. A demo that is made earlier has no statements yet.
func (l *loader) month(ctx context.Context) error {
	m := &monthOf{loader: l, sources: map[string]*recon.Source{}}
	if l.now.After(closedAt) {
		if err := m.events(ctx); err != nil {
			return err
		}
		if err := m.accounts(ctx); err != nil {
			return err
		}
		state, err := ledger.PeriodOf(ctx, l.db, l.book, october)
		if err != nil {
			return err
		}
		if state != ledger.PeriodHard {
			if err := l.disclosed(ctx, closedAt); err != nil {
				return err
			}
			if err := m.close(ctx); err != nil {
				return err
			}
		}
	}
	if l.now.After(nov(17)) {
		if err := m.november(ctx); err != nil {
			return err
		}
	}
	if err := l.disclosed(ctx, l.now); err != nil {
		return err
	}
	return l.post(ctx, []voucher{{"2026-11-17", voucherKind, "支付本月办公网络费", "bank", lastRef, []string{"D admin.u G 199.00", "C bank.basic G 199.00"}}})
}

// monthOf carries the accounts outside.
type monthOf struct {
	*loader
	sources map[string]*recon.Source
}

// paidGifts are gifts through a processor on a day, as the processor tells them.
func (m *monthOf) paidGifts(channel giving.Channel, day time.Time, n int) (list []told, campaigns []string) {
	slugs := []string{"elder-lunch", "school-desks", "everyday"}
	r := rand.New(rand.NewPCG(uint64(channel), uint64(day.Unix())))
	at := time.Date(day.Year(), day.Month(), day.Day(), 8, 0, 0, 0, m.book.Zone)
	for i := range n {
		at = at.Add(time.Duration(5+r.IntN(40)) * time.Minute)
		t := told{no: fmt.Sprintf("SG%s%d%03d", day8(day), channel, i), at: at, amount: draw(r), title: "社区善款"}
		switch channel {
		case giving.WeChat:
			t.ref, t.fee = fmt.Sprintf("42000000%s%08d%03d", day8(day), r.IntN(1e8), i), money.HalfUpShare(t.amount, 6, 1000)
		case giving.Alipay:
			t.ref, t.fee = fmt.Sprintf("%s220014%010d%03d", day8(day), r.IntN(1e9), i), money.HalfUpShare(t.amount, 6, 1000)
		default:
			t.amount += 20_00 // nobody gives less by card than its fee
			t.ref, t.fee = fmt.Sprintf("ch_%s%010d%03d", day8(day), r.IntN(1e9), i), money.HalfUpShare(t.amount, 34, 1000)+2_00
		}
		list, campaigns = append(list, t), append(campaigns, slugs[r.IntN(len(slugs))])
	}
	return list, campaigns
}

// processorDays are the days on which gifts came through processors.
var processorDays = []struct {
	channel giving.Channel
	day     time.Time
	n       int
}{
	{giving.WeChat, oct(12), 14}, {giving.WeChat, oct(13), 12}, {giving.WeChat, oct(14), 9}, {giving.Alipay, oct(12), 8}, {giving.Alipay, oct(13), 7}, {giving.Stripe, oct(13), 6},
	{giving.WeChat, nov(10), 8}, {giving.Alipay, nov(10), 5},
}

// giftFile is the file of gifts as the association's own shop wrote it: on 13 October a WeChat payment is missing in it, and on the 12th an Alipay fee is ten fen
// too high; on 10 November an amount is wrong.
func (m *monthOf) giftFile(until time.Time) []byte {
	var b bytes.Buffer
	b.WriteString("gift_no,paid_at,campaign,fund,channel,amount,currency,fee,processor_ref,donor_name,anonymous,message,refund_of\n")
	for _, d := range processorDays {
		list, slugs := m.paidGifts(d.channel, d.day, d.n)
		for i, t := range list {
			fee, amount := t.fee, t.amount
			switch {
			case d.day.After(until), d.channel == giving.WeChat && d.day.Equal(oct(13)) && i == 4:
				continue
			case d.channel == giving.Alipay && d.day.Equal(oct(12)) && i == 2:
				fee += 10
			case d.channel == giving.WeChat && d.day.Equal(nov(10)) && i == 3:
				amount += 1_00
			}
			fund := map[string]string{"elder-lunch": "SPQ", "school-desks": "QH", "everyday": "G"}[slugs[i]]
			fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s,CNY,%s,%s,,true,,\n", t.no, t.at.Format(time.RFC3339), slugs[i], fund, d.channel.Code(), yuan(amount), yuan(fee), t.ref)
		}
	}
	return b.Bytes()
}

// importGifts books what came through processors up to a day.
func (m *monthOf) importGifts(ctx context.Context, until time.Time) error {
	var rejects bytes.Buffer
	totals, err := payments.ImportGifts(ctx, m.db, m.book, bytes.NewReader(m.giftFile(until)), payments.ImportOptions{Rejects: &rejects, Now: m.now, Actor: m.persons["wang"]})
	if err == nil && totals.Refused > 0 {
		err = fmt.Errorf("%d gifts refused: %s", totals.Refused, rejects.String())
	}
	return err
}

// events are what else happened in October: the platform pays the rest, an unknown receipt finds its donor, a family gets aid, agency money comes and goes, dollars
// come in, and funds settle what they owe each other.
func (m *monthOf) events(ctx context.Context) error {
	if err := m.importGifts(ctx, oct(31)); err != nil {
		return err
	}
	home, aid := key("month home"), key("month aid")
	street := m.streets["spq"]
	payee := func(plan func(ctx context.Context, tx pgx.Tx, p *projects.Payee) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			p, err := projects.PayeeByID(ctx, tx, m.book, home)
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, p)
		}
	}
	fund := m.funds["SPQ"].ID
	if err := m.letters(ctx, []deed{
		{"platform rest", oct(9), "wang", "", "示例公益平台补付", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			f, err := platforms.FileByID(ctx, tx, m.book, key("platform file"))
			if err != nil {
				return nil, err
			}
			return platforms.Pay(ctx, tx, m.book, f, platforms.Payment{Day: oct(9), BankRef: "20261009-0021", Gifts: 186_40, Match: 60_00})
		}},
		m.claimed("receipt of 15 October claimed", func(context.Context, pgx.Tx) (uuid.UUID, error) { return key("receipt open"), nil },
			payments.Claim{CampaignID: m.campaign("school-desks"), Person: "钱先生", Anonymous: true, Proof: "转账回单", Day: oct(28)}),
		{"month home entered", oct(12), "wang", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return projects.EnterHome(ctx, tx, m.book, projects.Payee{ID: home, StreetID: &street, EnteredBy: m.persons["wang"]}, projects.Home{Name: "某户", Bank: "示例银行", Account: "650101048800001"}, oct(12))
		}},
		{"month home verified", oct(13), "wang", "li", "", payee(func(_ context.Context, _ pgx.Tx, p *projects.Payee) (*giving.Move, error) {
			return projects.VerifyPayee(m.book, p, oct(13))
		})},
		{"month aid asked", oct(19), "wang", "", "", payee(func(ctx context.Context, tx pgx.Tx, p *projects.Payee) (*giving.Move, error) {
			return projects.AskAid(ctx, tx, m.book, p, projects.Payment{ID: aid, FundID: &fund, Bank: "bank.basic", Amount: 2_000_00, Purpose: "困难救助", AskedBy: m.persons["wang"]}, oct(19))
		})},
		{"month aid approved", oct(19), "wang", "li", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			p, err := projects.PaymentByID(ctx, tx, m.book, aid)
			if err != nil {
				return nil, err
			}
			return projects.AgreeToPay(ctx, tx, m.book, p, oct(19))
		}},
	}); err != nil {
		return err
	}
	err := pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
		return projects.MakeBatch(ctx, tx, m.book, projects.Batch{ID: key("month file"), Bank: "bank.basic", Day: oct(20), MadeBy: m.persons["wang"], MadeAt: oct(20).Add(3 * time.Hour), Account: "65010104000001"}, []uuid.UUID{aid}, maker)
	})
	if err != nil {
		return fmt.Errorf("pay aid: %w", err)
	}
	if err := m.post(ctx, []voucher{
		{"2026-10-14", voucherKind, "代收指定受益人助学款", "bank", "20261014-0007", []string{"D bank.agency A-HELP 2000.00", "C agency.l A-HELP 2000.00 party=B-02"}},
		{"2026-10-19", voucherKind, "代付指定受益人助学款", "bank", "20261019-0003", []string{"D agency.l A-HELP 1500.00 party=B-02", "C bank.agency A-HELP 1500.00"}},
	}); err != nil {
		return err
	}
	if err := m.dollars(ctx); err != nil {
		return err
	}
	return m.settleFunds(ctx)
}

// dollars are a gift of 1,000 dollars by transfer at 7.10, which stays the rate at each month's end.
func (m *monthOf) dollars(ctx context.Context) error {
	return pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
		for end := oct(31); end.Before(m.now); end = end.AddDate(0, 0, 1).AddDate(0, 1, -1) {
			if err := giving.SetRate(ctx, tx, m.book, giving.Rate{Currency: "USD", Day: end, Rate: decimal.RequireFromString("7.10")}); err != nil && !errors.Is(err, giving.ErrRateTaken) {
				return err
			}
		}
		g := m.funds["G"].ID
		_, err := ledger.PostOne(ctx, tx, m.book, ledger.Entry{Key: key("month dollars"), Kind: ledger.KindVoucher, EffectiveOn: oct(22), Actor: m.persons["wang"], Lines: []ledger.Line{
			{Leaf: ledger.Leaf{Chart: "bank.fx", Fund: g, Currency: "USD"}, Amount: 7_100_00, Units: 1_000_00}, ledger.Credit(ledger.Leaf{Chart: "gift.u", Fund: g}, 7_100_00)},
			Document: &ledger.Document{Summary: "海外校友会捐赠 1,000 美元", SourceKind: "bank", SourceRef: "20261022-0001", MadeBy: maker, CheckedBy: checker}})
		return err
	})
}

const sqlOwed = `
select a.account_id, f.code from account a join fund f on f.book_id = a.book_id and f.fund_id = a.fund_id
 where a.book_id = $1 and a.chart = 'if.due.from' and f.kind <> 'general' order by f.fund_id`

// settleFunds has the general fund pay back fees at the end of each month that is over.
func (m *monthOf) settleFunds(ctx context.Context) error {
	for end := oct(31); end.Before(m.book.Day(m.now)); end = end.AddDate(0, 0, 1).AddDate(0, 1, -1) {
		rows, err := m.db.Query(ctx, sqlOwed, m.book.ID)
		if err != nil {
			return fmt.Errorf("read what funds owe: %w", err)
		}
		owed, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
			Account int32
			Fund    string
		}])
		if err != nil {
			return fmt.Errorf("read what funds owe: %w", err)
		}
		for _, o := range owed {
			sum, err := ledger.BalanceOn(ctx, m.db, m.book, o.Account, end)
			if err != nil {
				return err
			}
			if sum <= 0 {
				continue
			}
			if err := m.post(ctx, []voucher{{end.Format(time.DateOnly), transfer, fmt.Sprintf("%d 月底手续费由日常基金归还 %s", end.Month(), o.Fund), "interfund", end.Format("2006-01"), []string{
				fmt.Sprintf("D bank.online %s %s", o.Fund, yuan(sum)), fmt.Sprintf("C if.due.from %s %s party=fund:%d", o.Fund, yuan(sum), m.funds["G"].ID),
				fmt.Sprintf("D if.due.to G %s party=fund:%d", yuan(sum), m.funds[o.Fund].ID), fmt.Sprintf("C bank.basic G %s", yuan(sum))}}}); err != nil {
				return err
			}
		}
	}
	return nil
}
