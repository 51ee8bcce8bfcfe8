package demo

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/reports"
)

// line is what hledger has for an account of the export: its code, fund, tags, and change in minor units, debit positive.
type line struct {
	code, fund string
	tags       map[string]string
	amount     int64
}

// lines takes the names of accounts apart.
func (s yearSums) lines() (all []line) {
	for name, amount := range s {
		parts := strings.Split(strings.TrimPrefix(name, "Equity:Memo:"), ":")
		if !strings.HasPrefix(name, "Equity:Memo:") {
			parts = parts[1:]
		}
		l := line{code: parts[0], fund: strings.TrimPrefix(parts[1], "F-"), tags: map[string]string{}, amount: amount}
		for _, tag := range parts[2:] {
			key, value, _ := strings.Cut(tag, "-")
			l.tags[key] = tagHash.ReplaceAllString(value, "")
		}
		all = append(all, l)
	}
	return all
}

// A name of the export has letters, digits and dashes of a tag, and a hash behind it where that is not all of it.
var tagHash, tagSigns = regexp.MustCompile(`-[0-9a-f]{8}$`), regexp.MustCompile(`[^A-Za-z0-9]+`)

// tagged is a tag as a report has it, in the letters of the export.
func tagged(text string) string {
	if text == "—" {
		return ""
	}
	return tagSigns.ReplaceAllString(text, "-")
}

// registerSums are what hledger's reports have of a period: before it, until its end, and moved in it, without what closes a year and opens the books in ordinary,
// and of single lines of one side in debits and credits.
type registerSums struct {
	before, until, ordinary, everOrdinary, debits, credits, everCredits []line
	yearBegin                                                           []line
}

func sumsOfRegisters(t *testing.T, file string, from, to time.Time) (s registerSums) {
	day := func(d time.Time) string { return d.Format(time.DateOnly) }
	of := func(query ...string) []line { return hledgerSums(t, file, query...).lines() }
	begin, end, year := day(from), day(to.AddDate(0, 0, 1)), day(ledger.Day(to.Year(), 1, 1))
	ordinary := []string{"not:tag:kind=close", "not:tag:kind=opening"}
	return registerSums{before: of("-e", begin), until: of("-e", end), ordinary: of(append(ordinary, "-b", begin, "-e", end)...), everOrdinary: of(append(ordinary, "-e", end)...),
		debits: of("-b", begin, "-e", end, "amt:>0"), credits: of("-b", begin, "-e", end, "amt:<0"), everCredits: of("-e", end, "amt:<0"), yearBegin: of("-e", year)}
}

// figures are amounts by row and column.
type figures map[[2]string]int64

// put adds up lines whose code fits under the row that of names; none where it names nothing.
func (f figures) put(column string, sign int64, lines []line, codes string, of func(line) string) {
	fits := regexp.MustCompile(`^(` + codes + `)(-0[1-9])?$`)
	for _, l := range lines {
		if row := of(l); row != "" && fits.MatchString(l.code) {
			f[[2]string{row, column}] += sign * l.amount
		}
	}
}

func ofFund(l line) string { return l.fund }

// natured are lines of a fund with one of these natures, or with ! with none of them.
func natured(natures string) func(line) string {
	but := strings.HasPrefix(natures, "!")
	all := strings.Split(strings.TrimPrefix(natures, "!"), ",")
	return func(l line) string {
		if slices.Contains(all, l.tags["Nature"]) == but {
			return ""
		}
		return l.fund
	}
}

const (
	ownCodes    = "1.*|2.*" // what a fund has less what it owes, debts between funds with it
	liquidCodes = "1001|1002-0[123]|1009-0[123]|1122-01|1991|2101|2201|2202-0[12]|2204|2206|2209-0[1-6]|2301|250[123]|2991"
)

// funds is section 3.4's fund statement, with 1.4's available balance: liquid less commitments less what is set aside.
func (s registerSums) fundStatement() figures {
	f := figures{}
	f.put("opening", 1, s.before, ownCodes, ofFund)
	f.put("closing", 1, s.until, ownCodes, ofFund)
	f.put("gifts", -1, s.ordinary, "4101", natured("!match,match-back"))
	f.put("match", -1, s.ordinary, "4101", natured("match,match-back"))
	f.put("grants", -1, s.ordinary, "4401", ofFund)
	f.put("other", -1, s.ordinary, "4[235679]01", ofFund)
	f.put("program", 1, s.ordinary, "5101", ofFund)
	f.put("fees", 1, s.ordinary, "5401", ofFund)
	f.put("costs", 1, s.ordinary, "5[235679]01", ofFund)
	f.put("transfers", -1, s.ordinary, "3901", ofFund)
	f.put("committed", 1, s.until, "9201", ofFund)
	f.put("reserved", 1, s.until, "9301", ofFund)
	f.put("fixed", 1, s.until, ownCodes, ofFund)
	f.put("fixed", -1, s.until, liquidCodes, ofFund)
	f.put("available", 1, s.until, liquidCodes, ofFund)
	f.put("available", -1, s.until, "9201|9301", ofFund)
	f.put("direct", -1, s.until, ownCodes, ofFund) // the rest: what came by openings and adjustments
	f.put("direct", 1, s.before, ownCodes, ofFund)
	f.put("direct", -1, s.ordinary, "4.*|5.*|3901", ofFund)
	for at, amount := range f {
		if at[1] == "direct" {
			f[at] = -amount
		}
	}
	return f
}

// fundNote is the note of funds of the UK set, and the roll-forward of the US set.
func (s registerSums) fundNote() figures {
	f := figures{}
	f.put("opening", 1, s.before, ownCodes, ofFund)
	f.put("closing", 1, s.until, ownCodes, ofFund)
	f.put("income", -1, s.ordinary, "4[1234579]01", ofFund)
	f.put("invest", -1, s.ordinary, "4601", ofFund)
	f.put("costs", 1, s.ordinary, "5.*", ofFund)
	f.put("transfers", -1, s.ordinary, "3901", ofFund)
	f.put("direct", 1, s.until, ownCodes, ofFund)
	f.put("direct", -1, s.before, ownCodes, ofFund)
	f.put("direct", 1, s.ordinary, "4.*|5.*|3901", ofFund)
	return f
}

// functional are costs by nature; one without shows by its contract or its processor.
func (s registerSums) functional() figures {
	f := figures{}
	nature := func(l line) string {
		switch {
		case l.tags["Nature"] != "":
			return l.tags["Nature"]
		case l.tags["Contract"] != "":
			return "contracted"
		case l.tags["Instrument"] != "":
			return "processing"
		}
		return "none"
	}
	f.put("program", 1, s.ordinary, "5101|5201", nature)
	f.put("admin", 1, s.ordinary, "5301|5[569]01", nature)
	f.put("fundraising", 1, s.ordinary, "5401", nature)
	f.put("sum", 1, s.ordinary, "5.*", nature)
	return f
}

// liquidity has the US set's financial assets, and what of them cannot be spent within a year.
func (s registerSums) liquidity() figures {
	f := figures{}
	row := func(name string) func(line) string { return func(line) string { return name } }
	held := func(name, funds string) func(line) string {
		fits := regexp.MustCompile(`^(` + funds + `)$`)
		return func(l line) string {
			if fits.MatchString(l.fund) {
				return name
			}
			return ""
		}
	}
	const assets = cashCodes + "|110[12]|140[123]|1421|1111|1121|1122-0[1-7]|1131"
	for column, lines := range map[string][]line{"opening": s.yearBegin, "closing": s.until} {
		f.put(column, 1, lines, cashCodes, row("cash"))
		f.put(column, 1, lines, "110[12]|140[123]|1421", row("investments"))
		f.put(column, 1, lines, "1111|1121|1122-0[1-6]|1131", row("receivable"))
		f.put(column, 1, lines, "1122-07", row("pledges"))
		f.put(column, 1, lines, assets, row("assets"))
		f.put(column, 1, lines, assets, held("donors", boundTo))
		f.put(column, 1, lines, assets, held("board", "D-RES"))
		f.put(column, 1, lines, "140[123]|1421", held("long", "G"))
		f.put(column, 1, lines, assets, held("available", "G"))
		f.put(column, -1, lines, "140[123]|1421", held("available", "G"))
	}
	return f
}

// sources are the three tables of the matrix of sources and projects: as of the period's last day.
func (s registerSums) sources() []figures {
	project := func(l line) string { return cmp.Or(l.tags["Project"], "none") }
	var tables []figures
	for lines, code := range map[*[]line]string{&s.everOrdinary: "5101", &s.until: "9201"} {
		f := figures{}
		for _, l := range *lines {
			one := []line{l}
			f.put(l.fund, 1, one, code, project)
			f.put("sum", 1, one, code, project)
		}
		if code == "5101" {
			tables = slices.Insert(tables, 0, f)
		} else {
			tables = append(tables, f)
		}
	}
	f := figures{}
	f.put("got", -1, s.everOrdinary, "4.*", ofFund)
	f.put("spent", 1, s.everOrdinary, "5101", ofFund)
	f.put("open", 1, s.until, "9201", ofFund)
	f.put("returned", -1, s.everCredits, "2209-03", ofFund)
	f.put("left", -1, s.everOrdinary, "4.*|5101", ofFund)
	return append(tables, f)
}

// kept is a register that accounts keep by a tag, with what came in and went out by single lines. side is 1 of accounts of debit.
func (s registerSums) kept(codes, tag string, side int64) figures {
	f := figures{}
	row := func(l line) string { return l.fund + " " + l.tags[tag] }
	in, out := s.debits, s.credits
	if side < 0 {
		in, out = out, in
	}
	f.put("opening", side, s.before, codes, row)
	f.put("closing", side, s.until, codes, row)
	f.put("in", side, in, codes, row)
	f.put("out", -side, out, codes, row)
	return f
}

const foreignMoney = "Foreign money at its worth here" // its row of the notes

// notes are the two tables of the notes: of restricted funds, and the items in their order.
func (s registerSums) notes() []figures {
	restricted, items := figures{}, figures{}
	bound := regexp.MustCompile(`^(` + boundTo + `)$`)
	for column, lines := range map[string][]line{"opening": s.yearBegin, "closing": s.until} {
		restricted.put(column, 1, lines, ownCodes, func(l line) string {
			if bound.MatchString(l.fund) {
				return l.fund
			}
			return ""
		})
		for row, codes := range map[string]string{"Agency liabilities": "2601", "Commitments under contract": "9201", "Set aside by approvals": "9301", "Pledges not received": "9001", "Street support promised": "9021",
			"Match expected": "9011", "Parallel co-funding, not in the books": "9401", "Unvalued gifts in kind (1.00 a piece)": "9501"} {
			sign := int64(1)
			if codes == "2601" {
				sign = -1
			}
			items.put(column, sign, lines, codes, func(line) string { return row })
		}
		items.put(column, -1, lines, "4.*", func(l line) string {
			if l.tags["Nature"] == "service" {
				return "Donated services, all until the day"
			}
			return ""
		})
		items.put(column, 1, lines, cashCodes, func(l line) string {
			if l.tags["Foreign"] != "" {
				return foreignMoney
			}
			return ""
		})
	}
	return []figures{restricted, items}
}

// registerRow names a row as hledger's figures have it.
func registerRow(r reports.Report, row reports.Row) string {
	first, _, _ := strings.Cut(row.Cells[0].Text, " ")
	switch r.ID {
	case "us-functional":
		return cmp.Or(tagged(row.ID), "none")
	case "us-liquidity":
		return row.ID
	case "notes":
		if row.Cells[0].To.Kind != reports.ToFund {
			return row.Cells[0].Text
		}
		return row.ID
	case "sources":
		if row.Cells[0].To.Kind != reports.ToFund {
			return cmp.Or(tagged(row.ID), "none")
		}
	case "encumbrances", "payables", "agency", "match", "pledges", "letters", "in-kind":
		fund, _, _ := strings.Cut(row.Cells[1].Text, " ")
		return fund + " " + tagged(row.Cells[0].Text)
	}
	return first
}

// What registers of the demo take from the books is what hledger's own reports add up from the export, row by row, in the closed year and in the one under way.
func compareRegisters(t *testing.T, ctx context.Context, q pg.Querier, book *ledger.Book, file string) {
	t.Helper()
	compared, seen := 0, map[string]bool{}
	for _, period := range [][2]time.Time{{ledger.Day(2025, 1, 1), ledger.Day(2025, 12, 31)}, {ledger.Day(2026, 7, 1), ledger.Day(2026, 11, 20)}} {
		s := sumsOfRegisters(t, file, period[0], period[1])
		for id, tables := range map[string][]figures{
			"funds": {s.fundStatement()}, "us-functional": {s.functional()}, "us-net-assets": {s.fundNote(), s.fundNote()}, "us-liquidity": {s.liquidity()}, "uk-funds": {s.fundNote(), s.fundNote(), s.fundNote(), s.fundNote()},
			"sources": s.sources(), "agency": {s.kept("2601", "Counterparty", -1)}, "notes": s.notes(),
			"encumbrances": {s.kept("9201", "Contract", 1), s.kept("1141", "Contract", 1)}, "payables": {s.kept("2202-01", "Contract", -1), s.kept("2202-02", "Contract", -1)},
			"pledges": {s.kept("9001", "Counterparty", 1)}, "letters": {s.kept("9021", "Source", 1)},
			"match":   {nil, nil, s.kept("9011-01", "Source", 1), s.kept("9011-02", "Source", 1), s.kept("9011-03", "Source", 1)},
			"in-kind": {s.kept("1201-01", "Instrument", 1), s.kept("1201-02", "Instrument", 1), s.kept("9501", "Instrument", 1)},
		} {
			sheet, _ := reports.SheetByID(id)
			r, err := sheet.Make(ctx, q, book, reports.Request{From: period[0], To: period[1], Lang: "en", Now: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)})
			if err != nil {
				t.Fatal(err)
			}
			if !r.Tied() {
				t.Errorf("%s: %+v", id, r.Ties)
			}
			shared := id == "us-net-assets" || id == "uk-funds" // its tables share the funds
			listed := map[[2]string]bool{}
			for i, want := range tables {
				if want == nil {
					continue
				}
				if !shared {
					clear(listed)
				}
				table := r.Tables[i]
				for _, row := range table.Rows {
					if row.Style == reports.Head || row.ID == "total" {
						continue
					}
					name := registerRow(*r, row)
					for j, c := range table.Columns {
						if !c.Sum || j >= len(row.Cells) {
							continue
						}
						at := [2]string{name, c.Key}
						listed[at] = true
						if got := row.Cells[j].Minor; got != want[at] {
							t.Errorf("%s to %s, table %d: %s %s is %s, hledger has %s", id, r.To.Format(time.DateOnly), i+1, name, c.Key, money.Format(got, "CNY"), money.Format(want[at], "CNY"))
						}
						if compared++; row.Cells[j].Minor != 0 {
							seen[id] = true
						}
					}
				}
				if !shared || i == len(tables)-1 {
					missing(t, id, want, listed)
				}
			}
		}
	}
	if len(seen) != 14 || compared < 500 {
		t.Errorf("%d figures were compared, there are some in %d registers", compared, len(seen))
	}
	t.Logf("%d figures of %d registers", compared, len(seen))
}

// rare books in 2026 what columns of registers are for and the demo has not.
func (l *loader) rare(ctx context.Context) error {
	one := func(day string, lines ...string) voucher {
		return voucher{day, voucherKind, "台账", "voucher", day, lines}
	}
	return l.post(ctx, []voucher{
		one("2026-07-01", "D transfer G 20.00", "C bank.basic G 20.00", "D bank.basic SPQ 20.00", "C transfer SPQ 20.00"),
		one("2026-07-02", "D bank.basic SPQ 12.00", "C gift.r SPQ 12.00 nature=match"),
		one("2026-07-03", "D gift.r SPQ 2.00 nature=match-back", "C return.due SPQ 2.00"),
		one("2026-07-04", "D return.due SPQ 1.50", "C bank.basic SPQ 1.50"),
		one("2026-07-05", "D bank.basic G 33.30", "C invest.u G 33.30", "D bank.basic E-EDU 44.40", "C invest.r E-EDU 44.40"),
		one("2026-07-06", "D bank.basic G 88.00", "C dues.u G 88.00", "D ar G 60.00", "C service.u G 60.00"),
		one("2026-07-07", "D lt.equity G 500.00", "C bank.basic G 500.00", "D st.inv D-RES 70.00", "C bank.basic D-RES 70.00", "D lt.debt E-EDU 80.00", "C bank.basic E-EDU 80.00"),
		one("2026-07-08", "D ar.pledge LJ 10.00", "C gift.r LJ 10.00"),
		one("2026-07-09", "D admin.u G 300.00 nature=payroll", "C payroll G 300.00", "D surtax.u G 3.00", "C tax G 3.00", "D other.exp.u G 4.00 nature=fx", "C bank.basic G 4.00"),
		one("2026-07-10", "D na.r E-EDU 10.00", "C bank.basic E-EDU 10.00", "D bank.basic G 10.00", "C na.u G 10.00"),
		one("2026-07-11", "D stock.goods SPQ 50.00 instrument=lot:L9", "C gift.r SPQ 50.00 nature=in-kind"),
		one("2026-07-12", "D program.r SPQ 15.00 nature=aid", "C stock.goods SPQ 15.00 instrument=lot:L9"),
		one("2026-07-14", "D program.r SPQ 8.00 nature=service", "C gift.r SPQ 8.00 nature=service"),
		one("2026-07-13", "D refund.due SPQ 3.00", "C bank.basic SPQ 3.00", "D gift.r SPQ 5.00 nature=refund", "C refund.due SPQ 5.00"),
	})
}

// missing names what hledger has and the report does not list.
func missing(t *testing.T, id string, want figures, listed map[[2]string]bool) {
	t.Helper()
	for at, amount := range want {
		if amount != 0 && !listed[at] {
			t.Errorf("%s: hledger has %s %s %s, the report has no such row", id, at[0], at[1], money.Format(amount, "CNY"))
		}
	}
}
