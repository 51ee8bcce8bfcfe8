package reports

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
)

// mainDonors is how many of the largest donors stand in the list of related parties. Who of them is a main donor the association judges: the rules name no figure.
const mainDonors = 10

const (
	sqlRelatedPayees = `
select p.id, p.number, p.name, coalesce(c.n, 0), coalesce(c.amount, 0)::int8, coalesce(c.owed, 0)::int8, coalesce(d.paid, 0)::int8
  from payee p
  left join lateral (select count(*) as n, sum(c.amount) as amount, sum(c.accepted - c.applied - c.kept - c.asked) as owed from (` + contractsThen + ` and c.payee_id = p.id) c
                      where c.state not in ('draft', 'void')) c on true
  left join lateral (select sum(d.amount) as paid from (` + paymentsThen + `) d where d.payee_id = p.id and d.state in ('sent', 'paid') and d.sent_on between $3 and $5) d on true
 where p.book_id = $1 and p.id = any($2) order by p.number`

	sqlRelatedPayments = `
select p.number, p.name, d.number, d.purpose, coalesce(c.code, ''), d.sent_on, d.amount,
       (select s.entry_id from record_step s where s.book_id = $1 and s.object = 'disbursement:' || d.id and s.entry_id is not null
           and ($4::timestamptz is null or coalesce(s.recorded_at, '-infinity') <= $4) order by s.at desc limit 1)
  from (` + paymentsThen + `) d
  join payee p on p.book_id = $1 and p.id = d.payee_id
  left join contract c on c.book_id = $1 and c.id = d.contract_id
 where d.payee_id = any($2) and d.state in ('sent', 'paid') and d.sent_on between $3 and $5 order by d.sent_on, d.number`

	// Payments as they stood at a moment ($4), null for now.
	paymentsThen = `
select d.id, d.number, d.payee_id, d.contract_id, d.purpose, d.amount, case when w.version is null then d.state else w.state end as state,
       case when w.version is null then d.sent_on else w.sent_on end as sent_on
  from disbursement d
  left join lateral (select * from disbursement_past where book_id = $1 and disbursement_id = d.id and until > $4::timestamptz order by version limit 1) w on true
 where d.book_id = $1`
)

// relatedParties is the 关联方 list (accounting.md 3.4): payees that two persons marked as close to the managers (R23), their contracts and payments of the days,
// and the largest donors (财会〔2020〕9号 counts main donors of charities among related parties).
func relatedParties(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	marks, err := law.Related(ctx, q, book, r.From, r.To, r.Recorded)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, 0, len(marks))
	for id := range marks {
		ids = append(ids, id)
	}
	payees := Table{Title: words(r.Lang, "有利害关系的收款方", "Payees close to the managers"), Columns: columnsOf(r.Lang, [3]string{"payee", "收款方", "Payee"}, [3]string{"since", "自", "Since"}, [3]string{"words", "关系", "Relation"},
		[3]string{"count", "合同数", "Contracts"}, [3]string{"#contracts", "合同金额", "Contracted"}, [3]string{"#paid", "本期付款", "Paid in the days"}, [3]string{"#owed", "应付未付", "Owed"})}
	rows, err := q.Query(ctx, sqlRelatedPayees, book.ID, ids, r.From, pg.TimeOrNull(r.Recorded), r.To)
	if err != nil {
		return nil, fmt.Errorf("read related parties: %w", err)
	}
	since := func(day time.Time) string {
		if day.IsZero() { // entered without its day
			return "—"
		}
		return day.Format(time.DateOnly)
	}
	var id uuid.UUID
	var number int32
	var name string
	var count, contracts, owed, paid int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &number, &name, &count, &contracts, &owed, &paid}, func() error {
		mark := marks[id]
		payees.Rows = append(payees.Rows, Row{ID: fmt.Sprint("P", number), Style: Line, Cells: []Cell{{Text: fmt.Sprintf("%d %s", number, name), To: Ref{ToPayee, id.String()}}, {Text: since(*mark.Day)}, {Text: mark.Said(r.Lang)},
			{Text: fmt.Sprint(count)}, {Minor: contracts}, {Minor: paid}, {Minor: owed}}})
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read related parties: %w", err)
	}
	payees.total(r.Lang)
	entries := Table{Title: words(r.Lang, "本期向其付款", "Payments to them in the days"), Columns: columnsOf(r.Lang, [3]string{"payment", "付款", "Payment"}, [3]string{"payee", "收款方", "Payee"}, [3]string{"contract", "合同", "Contract"}, [3]string{"day", "日期", "Day"},
		[3]string{"#amount", "金额", "Amount"})}
	rows, err = q.Query(ctx, sqlRelatedPayments, book.ID, ids, r.From, pg.TimeOrNull(r.Recorded), r.To)
	if err != nil {
		return nil, fmt.Errorf("read payments to related parties: %w", err)
	}
	var payment int32
	var purpose, code string
	var day time.Time
	var amount int64
	var entry *uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&number, &name, &payment, &purpose, &code, &day, &amount, &entry}, func() error {
		first := Cell{Text: fmt.Sprintf("%d %s", payment, purpose)}
		if entry != nil {
			first.To = Ref{ToEntry, entry.String()}
		}
		entries.Rows = append(entries.Rows, Row{ID: fmt.Sprint(payment), Style: Line, Cells: []Cell{first, {Text: fmt.Sprintf("%d %s", number, name)}, {Text: code}, {Text: day.Format(time.DateOnly)}, {Minor: amount}}})
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read payments to related parties: %w", err)
	}
	entries.total(r.Lang)
	donors, err := giving.LargestDonors(ctx, q, book, r.From, r.To, r.Recorded, mainDonors)
	if err != nil {
		return nil, err
	}
	gave := Table{Title: fmt.Sprintf(words(r.Lang, "捐赠最多的 %d 位捐赠人", "The %d largest donors"), mainDonors), Columns: columnsOf(r.Lang, [3]string{"donor", "捐赠人（记录号）", "Donor (number of the record)"}, [3]string{"gifts", "笔数", "Gifts"}, [3]string{"#amount", "捐赠减退款", "Gifts less refunds"})}
	for _, d := range donors {
		gave.Rows = append(gave.Rows, Row{ID: d.Donor.String(), Style: Line, Cells: []Cell{{Text: d.Donor.String()[24:], To: Ref{ToDonor, d.Donor.String()}}, {Text: fmt.Sprint(d.Gifts)}, {Minor: d.Amount}}})
	}
	gave.total(r.Lang)
	report.Tables = []Table{payees, entries, gave}
	report.Notes = []string{words(r.Lang, "收款方的关系由两人在“法规检查”登记（R23）。谁算主要捐赠人由协会判断；姓名只在捐赠人页面、经授权查看。",
		"Relations of payees are entered by two persons on the page of the law (R23). Who of the donors is a main donor the association judges; names stand on the donors' own pages, for who may read them.")}
	if !r.Recorded.IsZero() {
		report.Notes = append(report.Notes, words(r.Lang, "名称、以及哪些捐赠记录属于同一人（同一邮箱），按现在。", "Names, and which records are one donor by their e-mail address, are as now."))
	}
	return report, nil
}
