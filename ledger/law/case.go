package law

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// filing is a campaign as the rules of public fundraising see it.
type filing struct {
	id          int32
	title       [2]string // zh, en
	no          string
	opens, ends time.Time
	state       string
	shared      int64 // other campaigns under the same number
}

func (c *filing) object() string { return Campaign(c.id) }

// Campaign is how facts and disclosures name a campaign.
func Campaign(id int32) string { return "campaign:" + strconv.Itoa(int(id)) }

const sqlFilings = `
select c.campaign_id, c.title_zh, c.title_en, c.filing_no, c.opens_at, c.closes_at, c.state,
       (select count(*) from campaign o where o.book_id = c.book_id and o.filing_no = c.filing_no and c.filing_no <> '' and o.campaign_id <> c.campaign_id)
  from campaign c where c.book_id = $1 and ($2 = 0 or c.campaign_id = $2)
 order by c.campaign_id desc limit 2000`

func (d *desk) filings(ctx context.Context, id int32) (all []filing, err error) {
	rows, err := d.q.Query(ctx, sqlFilings, d.book.ID, id)
	if err != nil {
		return nil, fmt.Errorf("read filings: %w", err)
	}
	var c filing
	_, err = pgx.ForEachRow(rows, []any{&c.id, &c.title[0], &c.title[1], &c.no, &c.opens, &c.ends, &c.state, &c.shared}, func() error {
		c.opens, c.ends = d.book.Day(c.opens), d.book.Day(c.ends.Add(-time.Second))
		all = append(all, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read filings: %w", err)
	}
	return all, nil
}

// everyFiling is all filings, read once.
func (d *desk) everyFiling(ctx context.Context) (all []filing, err error) {
	if d.files == nil {
		d.files, err = d.filings(ctx, 0)
	}
	return d.files, err
}

// filed says why a campaign's filing does not cover it (R06); empty when it does.
func (d *desk) filed(f *Finding, c *filing) (zh, en string, due time.Time) {
	p, ok := d.param(f, "R06", "before")
	if !ok {
		return "", "", due
	}
	due = p.Before(c.opens)
	say := "before its start"
	sayZH := "开始前"
	if d.facts.of("R06", "emergency", c.object(), 0) != nil {
		if after, ok := d.param(f, "R06", "emergency_after"); ok {
			due = after.After(c.opens)
			say, sayZH = "after its start (emergency)", "开始后（应急）"
		}
	}
	fact := d.facts.of("R06", "filed", c.object(), 0)
	switch {
	case d.waits(c):
		return "", "", due
	case fact == nil:
		return fmt.Sprintf("没有登记备案；应在 %s %s备案，即 %s 以前。", c.opens.Format(time.DateOnly), sayZH, due.Format(time.DateOnly)),
			fmt.Sprintf("No filing is entered. Last day for it: %s (start %s, %s).", due.Format(time.DateOnly), c.opens.Format(time.DateOnly), say), due
	case fact.Day.After(due):
		return fmt.Sprintf("备案日 %s，晚于 %s。", fact.Day.Format(time.DateOnly), due.Format(time.DateOnly)),
			fmt.Sprintf("Filed on %s, later than %s.", fact.Day.Format(time.DateOnly), due.Format(time.DateOnly)), due
	}
	return "", "", due
}

// waits tells whether a campaign was begun in an emergency and may still be filed: it has neither filing nor number yet (R06, R07).
func (d *desk) waits(c *filing) bool {
	after, ok := d.law.Param("R06", "emergency_after", d.asOf())
	return ok && d.facts.of("R06", "filed", c.object(), 0) == nil && d.facts.of("R06", "emergency", c.object(), 0) != nil && !d.today.After(after.After(c.opens))
}

// valid says why a campaign's filing number does not hold (R07).
func (d *desk) valid(f *Finding, c *filing) (zh, en string) {
	if _, ok := d.param(f, "R07", "unique"); !ok {
		return "", ""
	}
	fact := d.facts.of("R06", "filed", c.object(), 0)
	switch {
	case c.no == "" && d.waits(c):
		return "", ""
	case c.no == "":
		return "没有备案编号。", "It has no filing number."
	case c.shared > 0:
		return fmt.Sprintf("备案编号 %s 还用在另外 %d 个活动上。", c.no, c.shared), fmt.Sprintf("Filing number %s serves %d other campaigns too.", c.no, c.shared)
	case fact != nil && fact.Until.Before(c.ends):
		return fmt.Sprintf("备案有效至 %s，活动到 %s 才结束。", fact.Until.Format(time.DateOnly), c.ends.Format(time.DateOnly)),
			fmt.Sprintf("The filing is valid until %s, the campaign ends on %s.", fact.Until.Format(time.DateOnly), c.ends.Format(time.DateOnly))
	case fact != nil && !strings.Contains(fact.Words, c.no):
		return fmt.Sprintf("活动写的备案编号 %s 与登记的备案（%s）不同。", c.no, fact.Words), fmt.Sprintf("The campaign says %s, the filing that was entered says %s.", c.no, fact.Words)
	}
	return "", ""
}

// lookFiling is R06: campaigns that are public, or drafts that will open, against their filing.
func lookFiling(ctx context.Context, d *desk, f *Finding) error {
	all, err := d.everyFiling(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		c := &all[i]
		if c.state == "closed" && c.ends.Year() != d.year || c.ends.Year() < d.year {
			continue
		}
		if f.State == Nothing {
			f.State = Holds
		}
		if zh, en, due := d.filed(f, c); zh != "" {
			f.row(Row{Object: c.object(), Name: c.title[0], NameEN: c.title[1], ZH: zh, EN: en, Due: &due, Broken: c.state != "draft"})
		}
	}
	return nil
}

// lookNumber is R07.
func lookNumber(ctx context.Context, d *desk, f *Finding) error {
	all, err := d.everyFiling(ctx)
	if err != nil {
		return err
	}
	shape, hasShape := d.param(f, "R07", "pattern")
	for i := range all {
		c := &all[i]
		if c.ends.Year() < d.year {
			continue
		}
		if f.State == Nothing {
			f.State = Holds
		}
		if zh, en := d.valid(f, c); zh != "" {
			f.row(Row{Object: c.object(), Name: c.title[0], NameEN: c.title[1], ZH: zh, EN: en, Broken: c.state != "draft"})
			continue
		}
		if !hasShape || c.no == "" {
			continue
		}
		if usual, err := regexp.MatchString(shape.Value, c.no); err == nil && !usual {
			f.row(Row{Object: c.object(), Name: c.title[0], NameEN: c.title[1], ZH: "备案编号 " + c.no + " 不是常见写法，请核对。", EN: "Filing number " + c.no + " has not the usual shape: look again."})
		}
		if code := d.law.On(d.today).Code; code != "" && len(c.no) >= len(code) && c.no[:len(code)] != code {
			f.row(Row{Object: c.object(), Name: c.title[0], NameEN: c.title[1], ZH: "备案编号不以本会的统一社会信用代码开头。", EN: "The filing number does not begin with the association's own credit code."})
		}
	}
	return nil
}

// lookRight is R15: only a body with the right may have public campaigns.
func lookRight(ctx context.Context, d *desk, f *Finding) error {
	if p, ok := d.param(f, "R15", "public"); !ok || p.Value != "yes" {
		f.State = Exempt
		return nil
	}
	all, err := d.everyFiling(ctx)
	if err != nil {
		return err
	}
	public := d.law.On(d.today).Public
	f.text("公开募捐资格", "Right to raise from the public", map[bool]string{true: "✓", false: "—"}[public])
	for i := range all {
		c := &all[i]
		if c.state != "published" || c.ends.Before(d.today) {
			continue
		}
		if f.State == Nothing {
			f.State = Holds
		}
		if !public {
			f.row(Row{Object: c.object(), Name: c.title[0], NameEN: c.title[1], ZH: "本会没有公开募捐资格，活动正在公开募捐。", EN: "The association may not raise from the public, and this campaign does.", Broken: true})
		}
	}
	return nil
}

// MayRaise refuses to make a campaign for a body that may not raise from the public (R15): a *Refusal. A book without a profile stands under no law.
func MayRaise(ctx context.Context, q pg.Querier, book *ledger.Book, today time.Time) error {
	l, err := Read(ctx, q, book)
	if err != nil {
		return err
	}
	return l.mayRaise("campaign", today)
}

func (l *Law) mayRaise(object string, today time.Time) error {
	if p, ok := l.Param("R15", "public", today); ok && p.Value == "yes" && !l.On(today).Public {
		return &Refusal{Rule: ByCode("R15"), Param: p, Object: object, WhyZH: "本会没有公开募捐资格。", WhyEN: "The association may not raise from the public."}
	}
	return nil
}

// MayPublish refuses to open a campaign to the public when R06, R07 or R15 stands against it: a *Refusal. A book without a profile stands
// under no law.
func MayPublish(ctx context.Context, q pg.Querier, book *ledger.Book, campaign int32, today time.Time) error {
	d, err := newDesk(ctx, q, book, today.Year(), today, "R06")
	if err != nil || d.law.On(today) == nil {
		return err
	}
	all, err := d.filings(ctx, campaign)
	if err != nil || len(all) == 0 {
		return err
	}
	c := &all[0]
	if err := d.law.mayRaise(c.object(), today); err != nil {
		return err
	}
	if zh, en, _ := d.filed(nil, c); zh != "" {
		p, _ := d.law.Param("R06", "before", today)
		return &Refusal{Rule: ByCode("R06"), Param: p, Object: c.object(), WhyZH: zh, WhyEN: en}
	}
	if zh, en := d.valid(nil, c); zh != "" {
		p, _ := d.law.Param("R07", "unique", today)
		return &Refusal{Rule: ByCode("R07"), Param: p, Object: c.object(), WhyZH: zh, WhyEN: en}
	}
	return nil
}

const sqlInvested = `
select 'account:' || a.account_id, f.code || ' ' || a.chart, f.fund_id, f.kind, b.balance
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
  join fund f on f.book_id = a.book_id and f.fund_id = a.fund_id
 where a.book_id = $1 and a.chart = any($2) and b.balance <> 0
 order by 1`

// lookInvesting is R14: public money, and money held for others, is not invested.
func lookInvesting(ctx context.Context, d *desk, f *Finding) error {
	for _, kind := range []string{ledger.Subsidy, ledger.Agency} {
		d.param(f, "R14", "fund."+kind)
	}
	rows, err := d.q.Query(ctx, sqlInvested, d.book.ID, investments)
	if err != nil {
		return fmt.Errorf("read investments: %w", err)
	}
	var r Row
	var fund int32
	var kind string
	var sum int64
	_, err = pgx.ForEachRow(rows, []any{&r.Object, &r.Name, &fund, &kind, &sum}, func() error {
		if f.State == Nothing {
			f.State = Holds
		}
		if _, refused := d.law.mayInvest(d.facts, fund, kind, d.today); refused {
			r.ZH, r.EN, r.Broken = "基金不得投资，账上有投资 "+d.amount(sum)+"。", "The fund may not invest, and holds investments of "+d.amount(sum)+".", true
			f.row(r)
		}
		return nil
	})
	return err
}

// investments are the accounts of money that is put to work.
var investments = []string{"st.inv", "lt.equity", "lt.debt", "lt.other"}

// mayInvest tells why a fund may not be invested: its kind, or what its donors agreed.
func (l *Law) mayInvest(fs facts, fund int32, kind string, day time.Time) (p Param, refused bool) {
	if fact := fs.of("R14", "no_invest", "fund:"+strconv.Itoa(int(fund)), 0); fact != nil && !fact.Day.After(day) && l.On(day) != nil {
		return Param{Rule: "R14", Name: "no_invest", Value: "no", From: *fact.Day, ArticleZH: fact.Said("zh-CN"), ArticleEN: fact.Said("en"), Own: true}, true
	}
	p, ok := l.Param("R14", "fund."+kind, day)
	return p, ok && p.Value == "no"
}

// MayPost refuses entries that invest money of funds that may not (R14): a *Refusal.
func MayPost(ctx context.Context, q pg.Querier, book *ledger.Book, entries []ledger.Entry, today time.Time) error {
	var l *Law
	var kinds map[int32]string
	var fs facts
	for _, e := range entries {
		for _, line := range e.Lines {
			if line.Amount <= 0 || !slices.Contains(investments, string(line.Leaf.Chart)) || e.Reverses != uuid.Nil {
				continue
			}
			if l == nil {
				var err error
				if l, err = Read(ctx, q, book); err != nil {
					return err
				}
				funds, err := ledger.Funds(ctx, q, book)
				if err != nil {
					return err
				}
				if fs, err = standing(ctx, q, book, []string{"R14"}, today, time.Time{}); err != nil {
					return err
				}
				kinds = map[int32]string{}
				for _, f := range funds {
					kinds[f.ID] = f.Kind
				}
			}
			if p, refused := l.mayInvest(fs, line.Leaf.Fund, kinds[line.Leaf.Fund], today); refused {
				return &Refusal{Rule: ByCode("R14"), Param: p, Object: "fund:" + strconv.Itoa(int(line.Leaf.Fund)), WhyZH: "这张凭证把不得投资的基金的钱转入投资。",
					WhyEN: "The entry would invest money of a fund that may not invest."}
			}
		}
	}
	return nil
}
