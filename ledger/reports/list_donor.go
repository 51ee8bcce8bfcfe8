package reports

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/projects/trace"
)

// donorPage is how many gifts are read at a time.
const donorPage = 500

const sqlProjectTitles = `select 'X' || number, title, id from project where book_id = $1 and 'X' || number = any($2)`

// donorStatement is the 捐赠人对账单 (accounting.md 3.4): a donor's gifts of the days with receipts and refunds, and which projects and costs they paid, by the shares
// that the trace gives (each fen once, by largest remainder). It holds the donor's name: for who may read that.
func donorStatement(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	donor, err := giving.ReadDonor(ctx, q, book, r.Donor)
	if err != nil {
		return nil, err
	}
	called := donor.Called()
	if called == "" || donor.Erased() {
		called = words(r.Lang, "未留姓名", "No name was left")
	}
	for _, d := range donor.Donors {
		if d.ID == r.Donor && d.Name != "" {
			called = d.Name // of several with one address, as on the page it was asked from
		}
	}
	report.Scope = called
	gifts := Table{Title: words(r.Lang, "捐赠", "Gifts"), Columns: columnsOf(r.Lang, [3]string{"ref", "捐赠编号", "Reference"}, [3]string{"day", "日期", "Day"}, [3]string{"for", "募捐活动", "Campaign"}, [3]string{"receipts", "票据号码", "Receipts"},
		[3]string{"#given", "捐赠", "Given"}, [3]string{"#refunded", "退款", "Refunded"}, [3]string{"#net", "净额", "Net"})}
	used := newUses(r.Lang)
	titles := map[int32]string{}
	foreign := 0
	var after uuid.UUID
	for {
		list, err := giving.GiftsPaid(ctx, q, book, donor.IDs(), book.Begin(r.From), book.Begin(r.To.AddDate(0, 0, 1)), after, donorPage)
		if err != nil {
			return nil, err
		}
		ids := make([]uuid.UUID, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		numbers, err := standing(ctx, q, book, ids, r.Recorded)
		if err != nil {
			return nil, err
		}
		var then map[uuid.UUID]int64
		if !r.Recorded.IsZero() {
			if then, err = giving.RefundedThen(ctx, q, book, ids, r.Recorded); err != nil {
				return nil, err
			}
		}
		for i := range list {
			g := &list[i]
			if then != nil {
				var known bool
				if g.Refunded, known = then[g.ID]; !known {
					continue
				}
			}
			if g.Currency != book.Currency {
				foreign++
				continue
			}
			if _, there := titles[g.CampaignID]; !there {
				c, err := giving.CampaignByID(ctx, q, book, g.CampaignID)
				if err != nil {
					return nil, err
				}
				titles[g.CampaignID] = c.Title(r.Lang)
			}
			ref := giving.Ref(book, g.ID)
			gifts.Rows = append(gifts.Rows, Row{ID: ref, Style: Line, Cells: []Cell{{Text: ref, To: Ref{ToEntry, g.ID.String()}}, {Text: g.PaidAt.In(book.Zone).Format(time.DateOnly)}, {Text: titles[g.CampaignID]},
				{Text: strings.Join(numbers[g.ID], " ")}, {Minor: g.Amount}, {Minor: g.Refunded}, {Minor: g.Amount - g.Refunded}}})
			if err := used.add(ctx, q, book, g.ID, g.Amount, r.Recorded); err != nil {
				return nil, err
			}
		}
		if len(list) < donorPage {
			break
		}
		after = list[len(list)-1].ID
	}
	gifts.total(r.Lang)
	spent, err := used.table(ctx, q, book)
	if err != nil {
		return nil, err
	}
	report.Tables = []Table{gifts, spent}
	report.Notes = []string{words(r.Lang, "本表不是票据。项目份额按先收先用、最大余数分到每一分。", "This is no receipt. Shares of projects: what came first is used first, to the last fen by largest remainder.")}
	if !r.Recorded.IsZero() {
		report.Notes = append(report.Notes, words(r.Lang, "捐赠、退款、票据按所选时刻；“用到哪里”由现在的追踪减去该时刻以后记账的用途，其后退回、冲销而重新等待的钱列为还没有用，其后顶替退款付了旧账的按现在付的列；姓名和票面按现在。",
			"Gifts, refunds and receipts are as of the moment. What they paid is what is followed now, less what was recorded after the moment; money that came back since then stands as not used, and what took the place of a refund since then stands in what it pays now. Names are as now."))
	}
	if foreign > 0 {
		report.Notes = append(report.Notes, fmt.Sprintf(words(r.Lang, "另有 %d 笔外币捐赠没有列入。", "%d more gifts in other currencies are not in this list."), foreign))
	}
	return report, nil
}

// standing are the printed numbers of the receipts of each gift that stand, or stood at a moment.
func standing(ctx context.Context, q pg.Querier, book *ledger.Book, gifts []uuid.UUID, recorded time.Time) (map[uuid.UUID][]string, error) {
	papers, err := receipts.OfGifts(ctx, q, book, gifts)
	if err != nil {
		return nil, err
	}
	stood := func(r *receipts.Receipt) bool { return r.Void == nil }
	if !recorded.IsZero() {
		var ids []uuid.UUID
		for _, list := range papers {
			for i := range list {
				ids = append(ids, list[i].ID)
			}
		}
		then, err := receipts.StoodThen(ctx, q, book, ids, recorded)
		if err != nil {
			return nil, err
		}
		stood = func(r *receipts.Receipt) bool { return slices.Contains(then, r.ID) }
	}
	numbers := map[uuid.UUID][]string{}
	for gift, list := range papers {
		for i := range list {
			if stood(&list[i]) {
				numbers[gift] = append(numbers[gift], list[i].Printed())
			}
		}
	}
	return numbers, nil
}

// uses adds up what gifts became, by project or by kind of use.
type uses struct {
	lang    string
	order   []string
	sums    map[string]int64
	project map[string]bool
}

func newUses(lang string) *uses {
	return &uses{lang: lang, sums: map[string]int64{}, project: map[string]bool{}}
}

func (u *uses) put(key string, amount int64) {
	if _, there := u.sums[key]; !there {
		u.order = append(u.order, key)
	}
	u.sums[key] += amount
}

// add counts a gift of an amount. What it paid by entries that were recorded after a moment waited then.
func (u *uses) add(ctx context.Context, q pg.Querier, book *ledger.Book, gift uuid.UUID, amount int64, recorded time.Time) error {
	b, err := trace.Of(ctx, q, book, gift)
	if err != nil {
		return err
	}
	var later []uuid.UUID
	if !recorded.IsZero() && len(b.Uses) > 0 {
		if later, err = recordedAfter(ctx, q, book, b.Uses, recorded); err != nil {
			return err
		}
	}
	for _, x := range b.Uses {
		if slices.Contains(later, x.Entry) {
			b.Waiting += x.Amount
			continue
		}
		key := useWords[x.Kind]
		name := words(u.lang, key[0], key[1])
		switch {
		case x.Project != "":
			name = x.Project
			u.project[name] = true
		case x.Kind == trace.Cost:
			name += " · " + chart.MustByID(chart.ID(x.Account)).Name(u.lang)
		}
		u.put(name, x.Amount)
	}
	if b.Waiting > 0 {
		u.put(words(u.lang, "还没有用", "Not used yet"), b.Waiting)
	}
	if b.Amount == 0 {
		u.put(words(u.lang, "尚未追踪去向", "Not followed yet"), amount)
	}
	return nil
}

const sqlRecordedAfter = `select id from entry where book_id = $1 and id = any($2) and recorded_at > $3`

func recordedAfter(ctx context.Context, q pg.Querier, book *ledger.Book, used []trace.Use, recorded time.Time) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(used))
	for i, x := range used {
		ids[i] = x.Entry
	}
	rows, err := q.Query(ctx, sqlRecordedAfter, book.ID, ids, recorded)
	if err != nil {
		return nil, fmt.Errorf("read entries of uses: %w", err)
	}
	later, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read entries of uses: %w", err)
	}
	return later, nil
}

var useWords = map[string][2]string{trace.Payment: {"付款", "Payments"}, trace.Cost: {"费用", "Costs"}, trace.Fee: {"支付与筹资费用", "Fees and fundraising"}, trace.Levied: {"管理费", "Management fee"}, trace.Refund: {"退款", "Refunds"},
	trace.PaidBack: {"退回出资方", "Given back to a payer"}, trace.Moved: {"转入其他基金", "Moved to another fund"}}

func (u *uses) table(ctx context.Context, q pg.Querier, book *ledger.Book) (Table, error) {
	t := Table{Title: words(u.lang, "用到哪里", "What they paid"), Columns: columnsOf(u.lang, [3]string{"use", "项目或用途", "Project or use"}, [3]string{"#amount", "份额", "Share"})}
	var codes []string
	for code := range u.project {
		codes = append(codes, code)
	}
	rows, err := q.Query(ctx, sqlProjectTitles, book.ID, codes)
	if err != nil {
		return t, fmt.Errorf("read projects: %w", err)
	}
	names := map[string]Cell{}
	var code, title string
	var id uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&code, &title, &id}, func() error {
		names[code] = Cell{Text: code + " " + title, To: Ref{ToProject, id.String()}}
		return nil
	}); err != nil {
		return t, fmt.Errorf("read projects: %w", err)
	}
	for _, key := range u.order {
		cell, there := names[key]
		if !there {
			cell.Text = key
		}
		t.Rows = append(t.Rows, Row{ID: key, Style: Line, Cells: []Cell{cell, {Minor: u.sums[key]}}})
	}
	t.total(u.lang)
	return t, nil
}
