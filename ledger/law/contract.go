package law

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// deal is a contract as the rules see it.
type deal struct {
	id      uuid.UUID
	name    string
	kind    string
	kept    int64 // basis points
	starts  *time.Time
	ends    time.Time
	payee   uuid.UUID
	state   string
	service bool // a purchaser pays for it
}

func (c *deal) object() string { return "contract:" + c.id.String() }

const sqlDeals = `
select c.id, c.code || ' ' || c.title, c.kind, c.kept_bp, c.signed_on, c.ends_on, c.payee_id, c.state,
       exists (select from contract_source s where s.book_id = c.book_id and s.contract_id = c.id and s.treatment = 'service')
  from contract c where c.book_id = $1 and ($2::uuid is null or c.id = $2) and c.state <> 'void'
 order by c.number desc limit 5000`

func (d *desk) deals(ctx context.Context, id *uuid.UUID) (all []deal, err error) {
	rows, err := d.q.Query(ctx, sqlDeals, d.book.ID, id)
	if err != nil {
		return nil, fmt.Errorf("read contracts: %w", err)
	}
	var c deal
	_, err = pgx.ForEachRow(rows, []any{&c.id, &c.name, &c.kind, &c.kept, &c.starts, &c.ends, &c.payee, &c.state, &c.service}, func() error {
		all = append(all, c)
		c.starts = nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read contracts: %w", err)
	}
	return all, nil
}

// retention says why a works contract keeps back too much (R18).
func (d *desk) retention(f *Finding, c *deal) (zh, en string) {
	p, ok := d.param(f, "R18", "retention")
	if !ok || c.kind != "works" || c.kept <= p.BasisPoints() {
		return "", ""
	}
	return fmt.Sprintf("质保金 %s，上限 %s。", Percent(c.kept), p.Value), fmt.Sprintf("Retention of %s, the cap is %s.", Percent(c.kept), p.Value)
}

// term says why a contract of government purchase runs too long (R21).
func (d *desk) term(f *Finding, c *deal) (zh, en string) {
	name := "term"
	if d.facts.of("R21", "assured", c.object(), 0) != nil {
		name = "term_assured"
	}
	p, ok := d.param(f, "R21", name)
	if !ok || !c.service {
		return "", ""
	}
	from := d.today
	if c.starts != nil {
		from = *c.starts
	}
	if last := p.After(from); c.ends.After(last) {
		return fmt.Sprintf("购买服务合同到 %s，最迟 %s。", c.ends.Format(time.DateOnly), last.Format(time.DateOnly)),
			fmt.Sprintf("A purchase contract until %s, %s at the latest.", c.ends.Format(time.DateOnly), last.Format(time.DateOnly))
	}
	return "", ""
}

// papers tells which papers a contract of government purchase lacks (R21), and writes down those that are there. Published it is once signed.
func (d *desk) papers(f *Finding, c *deal) (zh, en string) {
	var lack, lackEN []string
	for _, name := range []string{"purchaser", "eligible", "listed", "budget", "terms", "published"} {
		if p, ok := d.param(f, "R21", "paper."+name); !ok || p.Value != "yes" || name == "published" && c.state == "draft" {
			continue
		}
		item, fact := ItemOf("R21", name), d.facts.of("R21", name, c.object(), 0)
		if fact == nil {
			lack, lackEN = append(lack, item.NameZH), append(lackEN, item.NameEN)
			continue
		}
		words := fact.Words
		if fact.Day != nil {
			words = fact.Day.Format(time.DateOnly) + " " + words
		}
		f.text(c.name+"："+item.NameZH, c.name+": "+item.NameEN, words)
		if name == "budget" && c.starts != nil && fact.Day.After(*c.starts) {
			lack, lackEN = append(lack, "预算批复晚于签订日 "+c.starts.Format(time.DateOnly)), append(lackEN, "its budget was approved after it was signed on "+c.starts.Format(time.DateOnly))
		}
	}
	if len(lack) == 0 {
		return "", ""
	}
	return "还缺：" + strings.Join(lack, "；") + "。", "Missing: " + strings.Join(lackEN, "; ") + "."
}

// related tells since when a payee is close to the managers (R23); nil when it is not.
func (d *desk) related(payee uuid.UUID) *Fact {
	return d.facts.since("R23", "related", "unrelated", "payee:"+payee.String())
}

func (d *desk) eachDeal(ctx context.Context, f *Finding, of func(*deal) bool, wrong func(*deal) (zh, en string)) error {
	if d.works == nil {
		all, err := d.deals(ctx, nil)
		if err != nil {
			return err
		}
		d.works = all
	}
	all := d.works
	n := 0
	for i := range all {
		c := &all[i]
		if !of(c) {
			continue
		}
		n++
		if f.State == Nothing {
			f.State = Holds
		}
		if zh, en := wrong(c); zh != "" {
			f.row(Row{Object: c.object(), Name: c.name, ZH: zh, EN: en, Broken: c.state != "draft"})
		}
	}
	f.text("合同数", "Contracts", strconv.Itoa(n))
	return nil
}

func lookRetention(ctx context.Context, d *desk, f *Finding) error {
	return d.eachDeal(ctx, f, func(c *deal) bool { return c.kind == "works" }, func(c *deal) (string, string) { return d.retention(f, c) })
}

func lookTerm(ctx context.Context, d *desk, f *Finding) error {
	return d.eachDeal(ctx, f, func(c *deal) bool { return c.service }, func(c *deal) (string, string) {
		zh, en := d.term(f, c)
		if lacksZH, lacksEN := d.papers(f, c); zh == "" {
			return lacksZH, lacksEN
		} else if lacksZH != "" {
			return zh + "；" + lacksZH, en + "; " + lacksEN
		}
		return zh, en
	})
}

func lookInsiders(ctx context.Context, d *desk, f *Finding) error {
	d.param(f, "R23", "insiders")
	return d.eachDeal(ctx, f, func(c *deal) bool { return c.state != "closed" && c.state != "terminated" }, func(c *deal) (string, string) {
		if fact := d.related(c.payee); fact != nil {
			return "收款单位与管理人员有利害关系：" + fact.Said("zh-CN"), "Its payee is close to the managers: " + fact.Said("en")
		}
		return "", ""
	})
}

// MaySign refuses a contract that R18, R21 or R23 stands against: a *Refusal. A book without a profile stands under no law.
func MaySign(ctx context.Context, q pg.Querier, book *ledger.Book, contract uuid.UUID, today time.Time) error {
	d, err := newDesk(ctx, q, book, today.Year(), today, "R18", "R21", "R23")
	if err != nil || d.law.On(today) == nil {
		return err
	}
	all, err := d.deals(ctx, &contract)
	if err != nil || len(all) == 0 {
		return err
	}
	c := &all[0]
	refuse := func(rule, name, zh, en string) error {
		p, _ := d.law.Param(rule, name, today)
		return &Refusal{Rule: ByCode(rule), Param: p, Object: c.object(), WhyZH: zh, WhyEN: en}
	}
	if zh, en := d.retention(nil, c); zh != "" {
		return refuse("R18", "retention", zh, en)
	}
	if zh, en := d.term(nil, c); zh != "" {
		return refuse("R21", "term", zh, en)
	}
	return d.insider(c.payee)
}

// MayPay refuses to pay somebody close to the managers (R23): a *Refusal. A book without a profile stands under no law.
func MayPay(ctx context.Context, q pg.Querier, book *ledger.Book, payee uuid.UUID, today time.Time) error {
	d, err := newDesk(ctx, q, book, today.Year(), today, "R23")
	if err != nil || d.law.On(today) == nil {
		return err
	}
	return d.insider(payee)
}

func (d *desk) insider(payee uuid.UUID) error {
	p, ok := d.law.Param("R23", "insiders", d.today)
	if fact := d.related(payee); ok && fact != nil {
		return &Refusal{Rule: ByCode("R23"), Param: p, Object: "payee:" + payee.String(), WhyZH: "收款方与管理人员有利害关系：" + fact.Said("zh-CN") + "。",
			WhyEN: "The payee is close to the managers: " + fact.Said("en") + "."}
	}
	return nil
}

const sqlFundsOf = `select fund_id, code || ' ' || name_zh from fund where book_id = $1 and ($2 = '' or kind = $2) order by fund_id`

type pot struct{ object, name string }

func (d *desk) pots(ctx context.Context, kind string) (all []pot, err error) {
	rows, err := d.q.Query(ctx, sqlFundsOf, d.book.ID, kind)
	if err != nil {
		return nil, fmt.Errorf("read funds: %w", err)
	}
	var id int32
	var p pot
	_, err = pgx.ForEachRow(rows, []any{&id, &p.name}, func() error {
		p.object = "fund:" + strconv.Itoa(int(id))
		all = append(all, p)
		return nil
	})
	return all, err
}

// lookAgency is R22: money counts as held for others only when a paper says so.
func lookAgency(ctx context.Context, d *desk, f *Finding) error {
	d.param(f, "R22", "test")
	pots, err := d.pots(ctx, ledger.Agency)
	if err != nil {
		return err
	}
	for _, p := range pots {
		if f.State == Nothing {
			f.State = Holds
		}
		if d.facts.of("R22", "agency", p.object, 0) == nil {
			f.row(Row{Object: p.object, Name: p.name, ZH: "没有登记受托代理的三项条件或转交协议；没有的，应记为捐赠。", EN: "Neither the three conditions of agency nor a pass-on agreement are entered; without them it is a gift."})
		}
	}
	return nil
}

const sqlReceiptsOfGifts = `
select count(*), count(*) filter (where not exists (select from receipt_gift g where g.book_id = r.book_id and g.receipt_id = r.id)
       and not exists (select from receipt_goods g where g.book_id = r.book_id and g.receipt_id = r.id)),
       count(*) filter (where exists (select from receipt_gift g join gift x on x.book_id = g.book_id and x.id = g.gift_id
                                       where g.book_id = r.book_id and g.receipt_id = r.id
                                         and g.amount > x.amount - coalesce((select sum(z.amount) from ` + StandingRefund + ` z where z.book_id = x.book_id and z.gift_id = x.id), 0)))
  from receipt r where r.book_id = $1 and r.issued_on between $2 and $3
   and not exists (select from receipt_void v where v.book_id = r.book_id and v.receipt_id = r.id)`

// lookReceipts is R16: receipts stand on gifts alone.
func lookReceipts(ctx context.Context, d *desk, f *Finding) error {
	d.param(f, "R16", "gifts_only")
	var all, bare, over int64
	err := d.q.QueryRow(ctx, sqlReceiptsOfGifts, d.book.ID, ledger.Day(d.year, time.January, 1), ledger.Day(d.year, time.December, 31)).Scan(&all, &bare, &over)
	if err != nil {
		return fmt.Errorf("read receipts: %w", err)
	}
	f.text("当年有效票据", "Receipts of the year that stand", strconv.FormatInt(all, 10))
	f.text("其中不对应捐赠的", "of them on no gift", strconv.FormatInt(bare, 10))
	f.text("其中金额超过捐赠余额的（已退款）", "of them on more than is left of their gift (it was given back)", strconv.FormatInt(over, 10))
	if all > 0 {
		f.State = Holds
	}
	if over > 0 {
		f.row(Row{Object: "book", ZH: "有票据的捐赠已经退回，票据还没有作废。", EN: "There are receipts whose gift was given back; they are not void yet."})
	}
	if bare > 0 {
		f.row(Row{Object: "book", Name: "", ZH: "有票据不对应任何捐赠。", EN: "There are receipts that stand on no gift.", Broken: true})
	}
	return nil
}

const sqlCash = `
select 'cash-count:' || c.id, to_char(c.day, 'YYYY-MM-DD'), c.day, c.state = 'confirmed', p.banked_on, c.confirmed_at
  from cash_count c left join cash_deposit p on p.book_id = c.book_id and p.id = c.deposit_id
 where c.book_id = $1 and c.state <> 'void' and c.counted > 0 and c.day between $2 and $3
 order by c.day desc, c.id limit 5000`

// lookCash is R17: cash counted by two, booked and banked in time.
func lookCash(ctx context.Context, d *desk, f *Finding) error {
	book, ok := d.param(f, "R17", "book")
	bank, ok2 := d.param(f, "R17", "bank")
	if !ok || !ok2 {
		f.State = NotKept
		return nil
	}
	rows, err := d.q.Query(ctx, sqlCash, d.book.ID, ledger.Day(d.year, time.January, 1), ledger.Day(d.year, time.December, 31))
	if err != nil {
		return fmt.Errorf("read counts: %w", err)
	}
	var object, name string
	var day time.Time
	var confirmed bool
	var banked, at *time.Time
	var n, booking, banking int
	_, err = pgx.ForEachRow(rows, []any{&object, &name, &day, &confirmed, &banked, &at}, func() error {
		n++
		if f.State == Nothing {
			f.State = Holds
		}
		due, dueBank := book.After(day), bank.After(day)
		booked := d.today
		if confirmed && at != nil {
			booked = d.book.Day(*at)
		}
		arrived := d.today
		if banked != nil {
			arrived = *banked
		}
		switch {
		case booked.After(due):
			booking++
			f.row(Row{Object: object, Name: name, ZH: "应在 " + due.Format(time.DateOnly) + " 以前由两人清点入账。", EN: "Two people had to count and book it by " + due.Format(time.DateOnly) + ".", Due: &due, Broken: true})
		case arrived.After(dueBank):
			banking++
			f.row(Row{Object: object, Name: name, ZH: "应在 " + dueBank.Format(time.DateOnly) + " 以前存入银行。", EN: "It had to be at the bank by " + dueBank.Format(time.DateOnly) + ".", Due: &dueBank, Broken: true})
		}
		banked, at = nil, nil
		return nil
	})
	f.text("现金清点", "Counts of cash", strconv.Itoa(n))
	f.text("其中逾期清点入账（限 "+book.Value+"）", "of them counted and booked late ("+book.Value+")", strconv.Itoa(booking))
	f.text("其中逾期存行（限 "+bank.Value+"）", "of them late at the bank ("+bank.Value+")", strconv.Itoa(banking))
	return err
}
