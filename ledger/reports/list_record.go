package reports

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

const (
	sqlFinalAccounts = `
select p.id, p.number, p.title, p.fund_id, p.state, p.budget, coalesce(sum(c.amount), 0)::int8, coalesce(sum(c.accepted), 0)::int8,
       coalesce(sum(c.advanced - c.applied - c.recovered), 0)::int8, coalesce(sum(c.kept - c.forfeited - c.asked_last), 0)::int8, coalesce(sum(c.accepted - c.applied - c.kept - c.asked), 0)::int8
  from (select p.id, p.number, p.title, p.fund_id, coalesce(w.state, p.state) as state, coalesce(w.budget, p.budget) as budget
          from project p
          left join lateral (select state, budget from project_past where book_id = $1 and project_id = p.id and until > $4 order by version limit 1) w on true
         where p.book_id = $1 and ($2::int4[] is null or p.fund_id = any($2))) p
  left join lateral (` + contractsThen + `) c on c.project_id = p.id and c.state not in ('draft', 'void')
 where p.state in ('approved', 'ended')
 group by p.id, p.number, p.title, p.fund_id, p.state, p.budget order by p.number limit $3`

	// Contracts as they stood at a moment ($4), null for now: a row of contract_past says how one stood until then. A draft is no contract yet.
	contractsThen = `
select c.id, c.project_id, c.payee_id, coalesce(w.state, c.state) as state, coalesce(w.amount, c.amount) as amount, coalesce(w.advanced, c.advanced) as advanced,
       coalesce(w.applied, c.applied) as applied, coalesce(w.accepted, c.accepted) as accepted, coalesce(w.kept, c.kept) as kept, coalesce(w.forfeited, c.forfeited) as forfeited,
       coalesce(w.asked, c.asked) as asked, coalesce(w.asked_last, c.asked_last) as asked_last, coalesce(w.recovered, c.recovered) as recovered
  from contract c
  left join lateral (select * from contract_past where book_id = $1 and contract_id = c.id and until > $4::timestamptz order by version limit 1) w on true
 where c.book_id = $1`

	sqlReceiptRegister = `
select r.id, g.code, lpad(r.number::text, g.digits, '0'), r.check_code, r.face, r.payer, r.uscc, r.fund_id, r.amount, r.gifts, r.issued_on, coalesce(x.reason, ''),
       coalesce(c.title_zh, ''), coalesce(c.title_en, ''), r.given_on, coalesce(lpad(was.number::text, of.digits, '0'), '')
  from receipt r join receipt_range g on g.book_id = r.book_id and g.range_id = r.range_id
  left join campaign c on c.book_id = r.book_id and c.campaign_id = r.campaign_id
  left join receipt was on was.book_id = r.book_id and was.id = r.replaces
  left join receipt_range of on of.book_id = r.book_id and of.range_id = was.range_id
  left join receipt_void x on x.book_id = r.book_id and x.receipt_id = r.id and ($9::timestamptz is null or coalesce(x.recorded_at, x.voided_at) <= $9)
 where r.book_id = $1 and r.issued_on between $2 and $3 and ($4::int4[] is null or r.fund_id = any($4)) and r.ccy = $5
   and ($9::timestamptz is null or coalesce(r.recorded_at, r.issued_at) <= $9) and (r.issued_on, r.id) > ($6, $7)
 order by r.issued_on, r.id limit $8`

	sqlReceiptsUpTo = `
select count(*) from (select from receipt where book_id = $1 and issued_on between $2 and $3 and ($4::int4[] is null or fund_id = any($4)) and ccy = $5
   and ($7::timestamptz is null or coalesce(recorded_at, issued_at) <= $7) limit $6) r`

	sqlLots = `
select l.number, l.kind, l.title, l.pieces, l.left_pieces, l.unit, l.fund_id, l.received_on, l.basis, l.value, l.left_value, l.state
  from lot l where l.book_id = $1 and l.received_on <= $2 and ($3::int4[] is null or l.fund_id = any($3)) order by l.number limit $4`
)

// ListMax is the most rows of one list on a page; a longer one says so. A file has them all.
const ListMax = 20_000

// rowsMax is how many rows of a list are asked for.
func (r *Request) rowsMax() int {
	if r.All {
		return 1<<31 - 1
	}
	return ListMax
}

// listPage is how many rows of a long list are read at a time.
const listPage = 5_000

func cut(report *Report, n int, lang string) {
	if n == ListMax {
		report.Notes = append(report.Notes, words(lang, fmt.Sprintf("只列出前 %d 行，请缩小期间。", n), fmt.Sprintf("Only the first %d rows are listed; please ask for fewer days.", n)))
	}
}

// finalAccounts is the 项目决算: budget, contracts, what was accepted, is kept back, owed and left, of each project as it is now or was at the moment.
func finalAccounts(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	at := r.Now
	if !r.Recorded.IsZero() {
		at = r.Recorded
	}
	report.Period = at.In(book.Zone).Format(time.DateOnly)
	funds, _, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, err
	}
	t := Table{Columns: columnsOf(r.Lang, [3]string{"project", "项目", "Project"}, [3]string{"fund", "基金", "Fund"}, [3]string{"state", "状态", "State"}, [3]string{"#budget", "预算", "Budget"}, [3]string{"#contracts", "合同及变更", "Contracts and changes"},
		[3]string{"#accepted", "已验收", "Accepted"}, [3]string{"#advance", "未抵扣预付", "Advance not applied"}, [3]string{"#kept", "质保金及尾款", "Kept back"}, [3]string{"#owed", "应付未付", "Owed"}, [3]string{"#left", "预算结余", "Left of the budget"})}
	rows, err := q.Query(ctx, sqlFinalAccounts, book.ID, r.Funds, r.rowsMax(), pg.TimeOrNull(r.Recorded))
	if err != nil {
		return nil, fmt.Errorf("read projects: %w", err)
	}
	var id uuid.UUID
	var number, fund int32
	var title, state string
	var x [6]int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &number, &title, &fund, &state, &x[0], &x[1], &x[2], &x[3], &x[4], &x[5]}, func() error {
		say := map[string]string{"approved": words(r.Lang, "进行中", "Under way"), "ended": words(r.Lang, "已结项", "Ended")}[state]
		row := Row{ID: fmt.Sprint("X", number), Style: Line, Cells: []Cell{{Text: fmt.Sprintf("X%d %s", number, title), To: Ref{ToProject, id.String()}}, fundCell(funds[fund], r.Lang), {Text: say}}}
		for _, amount := range append(x[:], x[0]-x[2]) {
			row.Cells = append(row.Cells, Cell{Minor: amount})
		}
		t.Rows = append(t.Rows, row)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read projects: %w", err)
	}
	cut(report, len(t.Rows), r.Lang)
	t.total(r.Lang)
	report.Tables = []Table{t}
	report.Notes = append(report.Notes, words(r.Lang, "本表列示项目与合同在所选记账时刻（不选即现在）的状态，不随日期筛选；名称按现在。", "This list shows projects and contracts as they stood at the moment asked for, or stand now, whatever days are asked for; names are as now."))
	return report, nil
}

// receiptRegister is the 捐赠票据台账 of the days. Names of payers are sealed and stand on the receipts themselves.
func receiptRegister(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	funds, _, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, err
	}
	t := Table{Columns: columnsOf(r.Lang, [3]string{"number", "票据号码", "Number"}, [3]string{"code", "票据代码", "Code"}, [3]string{"check", "校验码", "Check code"}, [3]string{"issued", "开具日期", "Issued"}, [3]string{"payer", "付款人", "Payer"},
		[3]string{"uscc", "统一社会信用代码", "Credit code"}, [3]string{"item", "项目名称", "Item"}, [3]string{"fund", "基金", "Fund"}, [3]string{"given", "捐赠日期", "Given"}, [3]string{"gifts", "笔数", "Gifts"}, [3]string{"#amount", "金额", "Amount"},
		[3]string{"#valid", "有效金额", "Valid amount"}, [3]string{"remark", "备注", "Remark"}, [3]string{"void", "作废原因", "Void"})}
	page := func(after receiptPlace, limit int, put func(Row) error) (n int, last receiptPlace, err error) {
		rows, err := q.Query(ctx, sqlReceiptRegister, book.ID, r.From, r.To, r.Funds, book.Currency, after.day, after.id, limit, pg.TimeOrNull(r.Recorded))
		if err != nil {
			return 0, last, fmt.Errorf("read receipts: %w", err)
		}
		var code, number, check, face, payer, uscc, void, itemZH, itemEN, was string
		var fund int32
		var amount, gifts int64
		var given time.Time
		_, err = pgx.ForEachRow(rows, []any{&last.id, &code, &number, &check, &face, &payer, &uscc, &fund, &amount, &gifts, &last.day, &void, &itemZH, &itemEN, &given, &was}, func() error {
			say := map[string]string{"nobody": words(r.Lang, "爱心人士", "Kind people"), "person": words(r.Lang, "个人", "Person"), "organisation": words(r.Lang, "单位", "Organisation")}[payer]
			valid := amount
			if void != "" {
				valid = 0
			}
			item, remark := cmp.Or(words(r.Lang, itemZH, itemEN), itemZH, itemEN, funds[fund].Name(r.Lang)), ""
			switch {
			case was != "":
				remark = words(r.Lang, "换开，原票 ", "In place of ") + was
			case face == "merged":
				remark = words(r.Lang, "合并开具", "Merged")
			}
			n++
			return put(Row{ID: number, Style: Line, Cells: []Cell{{Text: number, To: Ref{ToReceipt, last.id.String()}}, {Text: code}, {Text: check}, {Text: last.day.Format(time.DateOnly)}, {Text: say}, {Text: uscc}, {Text: item},
				fundCell(funds[fund], r.Lang), {Text: given.Format(time.DateOnly)}, {Text: fmt.Sprint(gifts)}, {Minor: amount}, {Minor: valid}, {Text: remark}, {Text: void}}})
		})
		if err != nil {
			return 0, last, fmt.Errorf("read receipts: %w", err)
		}
		return n, last, nil
	}
	first := receiptPlace{day: ledger.Day(1900, time.January, 1)}
	if r.All {
		t.each = func(put func(Row) error) error {
			var all int64
			for last := first; ; {
				n, next, err := page(last, listPage, put)
				if err != nil {
					return err
				}
				if all += int64(n); r.Progress != nil {
					r.Progress(all)
				}
				if n < listPage {
					return nil
				}
				last = next
			}
		}
	} else {
		if _, _, err := page(first, ListMax, func(row Row) error { t.Rows = append(t.Rows, row); return nil }); err != nil {
			return nil, err
		}
		cut(report, len(t.Rows), r.Lang)
		t.total(r.Lang)
	}
	report.Tables = []Table{t}
	return report, nil
}

func receiptsUpTo(ctx context.Context, q pg.Querier, book *ledger.Book, r Request, limit int64) (n int64, err error) {
	if r.From.IsZero() {
		r.From = ledger.Day(r.To.Year(), time.January, 1)
	}
	if err := q.QueryRow(ctx, sqlReceiptsUpTo, book.ID, r.From, r.To, r.Funds, book.Currency, limit, pg.TimeOrNull(r.Recorded)).Scan(&n); err != nil {
		return 0, fmt.Errorf("count receipts: %w", err)
	}
	return n, nil
}

// receiptPlace is where a receipt stands in the register.
type receiptPlace struct {
	day time.Time
	id  uuid.UUID
}

// inKind is the 受赠物资台账: each lot with its evidence and value, beside the books' own register of stock.
func inKind(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := stocks.register(ctx, q, book, s, r)
	if err != nil {
		return nil, err
	}
	funds, _, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, err
	}
	t := Table{Title: words(r.Lang, "批次", "Lots"), Columns: columnsOf(r.Lang, [3]string{"lot", "批次", "Lot"}, [3]string{"fund", "基金", "Fund"}, [3]string{"received", "接收日期", "Received"}, [3]string{"pieces", "数量", "Pieces"}, [3]string{"left", "结存", "Left"},
		[3]string{"basis", "计价依据", "Basis"}, [3]string{"#value", "接收价值", "Value"}, [3]string{"#leftvalue", "结存价值", "Value left"}, [3]string{"state", "状态", "State"})}
	rows, err := q.Query(ctx, sqlLots, book.ID, r.To, r.Funds, r.rowsMax())
	if err != nil {
		return nil, fmt.Errorf("read lots: %w", err)
	}
	var number, pieces, left, fund int32
	var kind, title, unit, basis, state string
	var received time.Time
	var value, leftValue int64
	say := func(id string, all map[string][2]string) string { return words(r.Lang, all[id][0], all[id][1]) }
	if _, err := pgx.ForEachRow(rows, []any{&number, &kind, &title, &pieces, &left, &unit, &fund, &received, &basis, &value, &leftValue, &state}, func() error {
		t.Rows = append(t.Rows, Row{ID: fmt.Sprint(number), Style: Line, Cells: []Cell{{Text: fmt.Sprintf("%d %s", number, title)}, fundCell(funds[fund], r.Lang), {Text: received.Format(time.DateOnly)}, {Text: fmt.Sprint(pieces, unit)}, {Text: fmt.Sprint(left, unit)},
			{Text: say(basis, map[string][2]string{"none": {"未计价", "Not valued"}, "document": {"凭据", "Document"}, "appraisal": {"评估", "Appraisal"}})}, {Minor: value}, {Minor: leftValue},
			{Text: say(state, map[string][2]string{"kept": {"在库", "Kept"}, "auction": {"拍卖中", "In auction"}, "sold": {"已售", "Sold"}, "used": {"已发放", "Given out"}, "returned": {"已退回", "Returned"}, "void": {"作废", "Void"}})}}})
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read lots: %w", err)
	}
	cut(report, len(t.Rows), r.Lang)
	t.total(r.Lang)
	report.Tables = append(report.Tables, t)
	report.Notes = append(report.Notes, words(r.Lang, "批次的结存与状态按现在列示；上面的账面数按所选日期。", "What is left of lots, and their state, are as now; the books' figures above are of the days asked for."))
	return report, nil
}

// notes are the figures of the notes to the statements (2004 art. 71): restricted assets, agency, commitments, pledges, unvalued gifts,
// donated services, foreign money.
func notes(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, err
	}
	by, funds, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, err
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Funds: r.Funds, Recorded: r.Recorded, Tags: [2]string{"foreign"}, Leaves: r.Parts}, ledger.Day(r.To.Year(), time.January, 1), r.To.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	net := map[int32]*[2]int64{}
	items := []struct {
		zh, en string
		of     []chart.ID
		sign   int64
		sums   [2]int64
	}{{"受托代理负债", "Agency liabilities", []chart.ID{"agency.l"}, -1, [2]int64{}}, {"合同承诺（未履行部分）", "Commitments under contract", []chart.ID{"enc"}, 1, [2]int64{}},
		{"审批占用", "Set aside by approvals", []chart.ID{"resv"}, 1, [2]int64{}}, {"认捐承诺（未到账）", "Pledges not received", []chart.ID{"pledge"}, 1, [2]int64{}},
		{"街道配套承诺（未到账）", "Street support promised", []chart.ID{"subsidy"}, 1, [2]int64{}}, {"预计配捐（未到账）", "Match expected", []chart.ID{"match.pledged", "match.earned", "match.held"}, 1, [2]int64{}},
		{"平行资助（不入账）", "Parallel co-funding, not in the books", []chart.ID{"parallel"}, 1, [2]int64{}}, {"未计价受赠物（每件记 1.00）", "Unvalued gifts in kind (1.00 a piece)", []chart.ID{"unvalued"}, 1, [2]int64{}}}
	var services, foreign [2]int64
	for _, m := range moved {
		a, fund := chart.MustByID(m.Chart), by[m.Fund]
		for i, column := range []string{"opening", "closing"} {
			amount := netOf(m.Before[i])
			put := func(table int, row string, amount int64) {
				day := r.To
				if i == 0 {
					day = ledger.Day(r.To.Year(), time.January, 0)
				}
				report.part(Place{table, row, column}, m, amount, time.Time{}, day)
			}
			if a.Type == chart.Asset || a.Type == chart.Liability || a.ID == "if.due.from" || a.ID == "if.due.to" {
				if net[m.Fund] == nil {
					net[m.Fund] = &[2]int64{}
				}
				net[m.Fund][i] += amount
				if fund != nil && fund.HasRestriction() {
					put(0, fund.Code, amount)
				}
			}
			if m.Tags[0] != "" && a.CashLike {
				foreign[i] += amount
				put(1, "foreign", amount)
			}
			if m.Nature == "service" && a.Type == chart.Income {
				services[i] -= amount
				put(1, "services", -amount)
			}
			for j := range items {
				for _, id := range items[j].of {
					if id == a.ID {
						items[j].sums[i] += items[j].sign * amount
						put(1, string(items[j].of[0]), items[j].sign*amount)
					}
				}
			}
		}
	}
	heads := func(zh, en string) []Column {
		return columnsOf(r.Lang, [3]string{"name", zh, en}, [3]string{"#opening", "年初", "Start of year"}, [3]string{"#closing", "期末", "End of period"})
	}
	restricted := Table{Title: words(r.Lang, "附注一 有限制的净资产（按基金）", "Note 1 Restricted net assets by fund"), Columns: heads("基金与用途", "Fund and purpose")}
	for i := range funds {
		f := &funds[i]
		if x := net[f.ID]; x != nil && f.HasRestriction() && *x != [2]int64{} {
			name := fundCell(f, r.Lang)
			if f.Purpose(r.Lang) != "" {
				name.Text += " · " + f.Purpose(r.Lang)
			}
			restricted.Rows = append(restricted.Rows, Row{ID: f.Code, Style: Line, Cells: []Cell{name, {Minor: x[0]}, {Minor: x[1]}}})
		}
	}
	restricted.total(r.Lang)
	others := Table{Title: words(r.Lang, "附注二 受托代理、承诺与其他", "Note 2 Agency, commitments and others"), Columns: heads("项目", "Item")}
	for _, x := range items {
		others.Rows = append(others.Rows, Row{ID: string(x.of[0]), Style: Line, Cells: []Cell{{Text: words(r.Lang, x.zh, x.en)}, {Minor: x.sums[0]}, {Minor: x.sums[1]}}})
	}
	others.Rows = append(others.Rows, Row{ID: "foreign", Style: Line, Cells: []Cell{{Text: words(r.Lang, "外币货币资金折合", "Foreign money at its worth here")}, {Minor: foreign[0]}, {Minor: foreign[1]}}},
		Row{ID: "services", Style: Line, Cells: []Cell{{Text: words(r.Lang, "捐赠服务收入（截至当日累计）", "Donated services, all until the day")}, {Minor: services[0]}, {Minor: services[1]}}})
	report.Tables = []Table{restricted, others}
	report.opens(0, 1)
	return report, nil
}
