package reports

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// tally is a register kept by the books themselves: accounts by fund and by a tag, what they held, got, gave and hold.
type tally struct {
	of       string // chart accounts, with *
	tag      string // of leaves
	side     chart.Side
	name     [2]string // what the tag is
	in, out  [2]string // what its increases and decreases are
	contract bool      // the tag is a contract's number: with the day it is due, and how long that is past
}

var (
	encumbrances = tally{"enc", "contract", chart.Debit, [2]string{"合同", "Contract"}, [2]string{"签订与变更", "Signed and changed"}, [2]string{"验收、预付与解除", "Accepted, advanced, freed"}, true}
	payables     = tally{"ap retention", "contract", chart.Credit, [2]string{"合同", "Contract"}, [2]string{"新增应付", "Became due"}, [2]string{"已付", "Paid"}, true}
	agencies     = tally{"agency.l", "counterparty", chart.Credit, [2]string{"指定受益人", "Named beneficiary"}, [2]string{"代收", "Received"}, [2]string{"代付", "Passed on"}, false}
	matches      = tally{"match.pledged match.earned match.held", "source", chart.Debit, [2]string{"配捐池", "Pool"}, [2]string{"增加", "In"}, [2]string{"减少", "Out"}, false}
	pledges      = tally{"pledge", "counterparty", chart.Debit, [2]string{"认捐协议", "Pledge"}, [2]string{"签订", "Signed"}, [2]string{"到账与核减", "Received and reduced"}, false}
	promises     = tally{"subsidy", "source", chart.Debit, [2]string{"街道函件", "Letter"}, [2]string{"承诺", "Promised"}, [2]string{"到账与失效", "Received and lapsed"}, false}
	stocks       = tally{"stock.art stock.goods unvalued", "instrument", chart.Debit, [2]string{"物资批次", "Lot"}, [2]string{"收入", "Received"}, [2]string{"发出", "Given out or sold"}, false}
)

// $3: the day. A stage is due on its day until it is accepted; what was accepted is payable from then on; what is kept back, when the contract ends.
const sqlTallyContracts = `
select c.code, c.id, p.name, c.ends_on, coalesce(min(m.due_on) filter (where m.state <> 'accepted' or m.accepted_on > $3), c.ends_on),
       coalesce(max(m.accepted_on) filter (where m.accepted_on <= $3), c.ends_on)
  from contract c
  join payee p on p.book_id = c.book_id and p.id = c.payee_id
  left join contract_milestone m on m.book_id = c.book_id and m.contract_id = c.id
 where c.book_id = $1 and c.code = any($2) group by c.code, c.id, p.name, c.ends_on`

type tallyContract struct {
	id                     uuid.UUID
	payee                  string
	ends, stage, delivered time.Time
}

// due is the day from which an account's balance is late.
func (c *tallyContract) due(id chart.ID) time.Time {
	switch id {
	case "enc":
		return c.stage
	case "ap":
		return c.delivered
	}
	return c.ends
}

// contractsOf reads contracts by the numbers on their paper; one that is not kept in the project room has none.
func contractsOf(ctx context.Context, q pg.Querier, book *ledger.Book, codes []string, day time.Time) (map[string]tallyContract, error) {
	rows, err := q.Query(ctx, sqlTallyContracts, book.ID, codes, day)
	if err != nil {
		return nil, fmt.Errorf("read contracts: %w", err)
	}
	all := map[string]tallyContract{}
	var code string
	var c tallyContract
	if _, err := pgx.ForEachRow(rows, []any{&code, &c.id, &c.payee, &c.ends, &c.stage, &c.delivered}, func() error {
		all[code] = c
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read contracts: %w", err)
	}
	return all, nil
}

// tallyKey is a row of a tally.
type tallyKey struct {
	chart chart.ID
	fund  int32
	tag   string
}

func (k tallyKey) id() string { return fmt.Sprint(k.fund, " ", k.tag) }

// tallyRow is what stands in a row of a tally.
type tallyRow struct {
	tallyKey
	fund     *ledger.Fund
	contract *tallyContract // nil when the tag is not the number of one that is kept
	due      time.Time      // from when it is late, where there is a contract
	days     int            // that it is late by; none and less: it is not due
	sums     [4]int64       // opening, in, out, closing: minor units
}

func (x *tallyRow) open() int64 { return x.sums[3] }

// tagCell is the tag, with the way to its contract.
func (x *tallyRow) tagCell() Cell {
	c := Cell{Text: cmp.Or(x.tag, "—")}
	if x.contract != nil {
		c.To = Ref{ToContract, x.contract.id.String()}
	}
	return c
}

// dueCells are the contractor, the day it is due, and by how much that is past while something is open.
func (x *tallyRow) dueCells() (payee, due, late Cell) {
	if x.contract == nil {
		return payee, due, late
	}
	if x.days > 0 && x.open() != 0 {
		late.Text = strconv.Itoa(x.days)
	}
	return Cell{Text: x.contract.payee}, Cell{Text: x.due.Format(time.DateOnly)}, late
}

// register draws a tally up.
func (y tally) register(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, error) {
	report, _, err := y.drawn(ctx, q, book, s, r)
	return report, err
}

// drawn draws a tally up, and tells what stands in the rows of its tables.
func (y tally) drawn(ctx context.Context, q pg.Querier, book *ledger.Book, s Sheet, r Request) (*Report, []tallyRow, error) {
	report, err := frame(ctx, q, book, s, &r)
	if err != nil {
		return nil, nil, err
	}
	funds, _, err := fundsIn(ctx, q, book, r)
	if err != nil {
		return nil, nil, err
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Funds: r.Funds, Recorded: r.Recorded, Tags: [2]string{y.tag}, Leaves: r.Parts}, r.From, r.To.AddDate(0, 0, 1))
	if err != nil {
		return nil, nil, err
	}
	charts := strings.Fields(y.of)
	sums := map[tallyKey]*[4]int64{}
	var order []tallyKey
	for _, m := range moved {
		if !slices.Contains(charts, string(m.Chart)) || funds[m.Fund] == nil {
			continue
		}
		k := tallyKey{m.Chart, m.Fund, m.Tags[0]}
		if sums[k] == nil {
			sums[k] = &[4]int64{}
			order = append(order, k)
		}
		in, out := m.Before[1].Debit-m.Before[0].Debit, m.Before[1].Credit-m.Before[0].Credit
		if y.side == chart.Credit {
			in, out = out, in
		}
		for i, amount := range []int64{int64(y.side) * netOf(m.Before[0]), in, out, int64(y.side) * netOf(m.Before[1])} {
			sums[k][i] += amount
			if column, table := []string{"opening", "in", "out", "closing"}[i], slices.Index(charts, string(m.Chart)); i == 0 || i == 3 {
				report.held(table, k.id(), column, m, amount)
			} else {
				report.moved(table, k.id(), column, m, amount)
			}
		}
	}
	slices.SortStableFunc(order, func(a, b tallyKey) int {
		return cmp.Or(strings.Compare(string(a.chart), string(b.chart)), cmp.Compare(a.fund, b.fund), strings.Compare(a.tag, b.tag))
	})
	var contracts map[string]tallyContract
	if y.contract {
		var codes []string
		for _, k := range order {
			codes = append(codes, k.tag)
		}
		if contracts, err = contractsOf(ctx, q, book, codes, r.To); err != nil {
			return nil, nil, err
		}
	}
	heads := [][3]string{{"tag", y.name[0], y.name[1]}, {"fund", "基金", "Fund"}}
	if y.contract {
		heads = append(heads, [3]string{"payee", "承接方", "Contractor"}, [3]string{"due", "到期日", "Due"}, [3]string{"late", "逾期天数", "Days overdue"})
	}
	var list []tallyRow
	heads = append(heads, [3]string{"#opening", "期初", "Opening"}, [3]string{"#in", y.in[0], y.in[1]}, [3]string{"#out", y.out[0], y.out[1]}, [3]string{"#closing", "期末", "Closing"})
	for _, id := range charts {
		a := chart.MustByID(chart.ID(id))
		t := Table{Columns: columnsOf(r.Lang, heads...)}
		if len(charts) > 1 {
			t.Title = a.Name(r.Lang)
		}
		for _, k := range order {
			if k.chart != a.ID || *sums[k] == [4]int64{} {
				continue
			}
			x := tallyRow{tallyKey: k, fund: funds[k.fund], sums: *sums[k]}
			if c, there := contracts[k.tag]; there {
				x.contract, x.due = &c, c.due(k.chart)
				x.days = int(r.To.Sub(x.due) / (24 * time.Hour))
			}
			row := Row{ID: k.id(), Style: Line, Cells: []Cell{x.tagCell(), fundCell(x.fund, r.Lang)}}
			if y.contract {
				payee, due, late := x.dueCells()
				row.Cells = append(row.Cells, payee, due, late)
			}
			for _, amount := range x.sums {
				row.Cells = append(row.Cells, Cell{Minor: amount})
			}
			t.Rows, list = append(t.Rows, row), append(list, x)
		}
		t.total(r.Lang)
		report.Tables = append(report.Tables, t)
		report.opens(len(report.Tables) - 1)
	}
	return report, list, nil
}
