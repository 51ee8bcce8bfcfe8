package reports

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// Which accounts of the export stand in which row: written down a second time, by code, from the rules and not from forms/*.yaml.
// What a form has no row of its own here for is looked up without the form.
var oracleRows = map[string]string{
	"monetary": "1001|1002-0[123]|1009-0[123]", "st-inv": "1101|1102", "receivable": "1111|1121|1122-0[1-7]|1131", "prepaid": "1141", "stock": "1201-0[12]|1202", "deferred": "1301",
	"other-current": "1701", "due-from": "1991", "lt-equity": "1401", "lt-debt": "1402", "lt-other": "1403", "lt-imp": "1421", "fa": "1501", "fa-dep": "1502", "fa-imp": "1503", "cip": "1505",
	"disposal": "1509", "relics": "1506", "intang": "1601|1602|1603", "lt-deferred": "1701", "agency": "1801|1002-09|1009-09", "loan-st": "2101", "payable": "2201|2202-0[12]|2209-0[1-6]",
	"payroll": "2204", "tax": "2206", "advance": "2203", "accrued": "2301", "due-to": "2991", "loan-lt": "2501", "lt-payable": "2502", "provision": "2503", "agency-debts": "2601",
	"cn2004-balance lt-equity": "1401|1403|1421", "cn2004-balance fa-dep": "1502|1503",
	"us-position cash": "1001|1002-0[123]|1009-0[123]", "us-position investments": "1101|1102|1401|1402|1403|1421", "us-position receivable": "1111|1121|1122-0[1-6]|1131", "us-position pledges": "1122-07",
	"us-position prepaid": "1141|1301|1701", "us-position fixed": "1501|1502|1503|1505|1509", "us-position intangible": "160[123]|1506", "us-position payable": "2201|2202-0[12]|2204|2206|2209-0[2456]|2301|2503",
	"us-position refunds": "2209-0[13]", "us-position refundable": "2203", "us-position loans": "2101|2501|2502",
	"uk-balance tangible": "1501|1502|1503|1505|1509", "uk-balance heritage": "1506", "uk-balance intangible": "160[123]", "uk-balance investments": "140[123]|1421", "uk-balance stocks": "1201-0[12]|1202",
	"uk-balance debtors": "1111|1121|1122-0[1-7]|1131|1141|1301|1701|1991", "uk-balance short": "1101|1102", "uk-balance cash": "1001|1002-0[123]|1009-0[123]",
	"uk-balance creditors": "2101|2201|2202-0[12]|2203|2204|2206|2209-0[1-6]|2301|2991", "uk-balance long": "2501|2502", "uk-balance provisions": "2503",

	"gifts": "4101", "dues": "4201", "service": "4301", "grants": "4401", "sales": "4501", "hq": "4701", "invest": "4601", "other-income": "4901", "program": "5101", "surtax": "5201", "admin": "5301",
	"fundraising": "5401", "impair": "5501", "income-tax": "5601", "other-expense": "5901",
	"cn2004-activities program": "5101|5201", "cn2004-activities admin": "5301|5501", "cn2004-activities other-expense": "5901|5601",
	"us-activities grants": "4401|4701", "us-activities program": "5101|5201", "us-activities admin": "5301|5501|5601|5901", "us-activities other": "4901",
	"uk-sofa donations": "4101|4201|4401|4701", "uk-sofa charitable": "4301", "uk-sofa trading": "4501", "uk-sofa investments": "4601", "uk-sofa other-income": "4901", "uk-sofa raising": "5401",
	"uk-sofa activities": "5101|5201|5301", "uk-sofa other-expense": "5501|5601|5901",
}

// The rows of the direct method, from section 3.3 of the rules: codes, @natures or !all natures but, /d or /c one side only.
var oracleFlows = map[string]string{
	"gifts": "4101!refund,match-back,service 1122-0[1247] 1201-0[12]/d", "dues": "4201", "service": "4301 1121 2203 1111", "sales": "4501", "grants": "4401!rest 1122-03 4701",
	"other-in": "4901 1122-0[56] 2209-0[24] 3201 3910 1801 2601 1002-09 1009-09", "aid": "5101@aid 2209-06", "staff": "2204 5101@payroll 5301@payroll 5401@payroll",
	"goods":     "5101!aid,payroll 4101@service 5301@service 5401@service 2202-0[12] 2201 1141 2209-05 1201-0[12]/c 1202",
	"other-out": "4101@refund,match-back 4401@rest 2209-0[13] 5301!payroll,service 5401!payroll,service,interest,fx 5901 5501 5201 5601 2206 2301 2503 1301 1701 1131 150[23] 160[23]",
	"inv-back":  "1101/c 140[123]/c", "inv-gain": "4601 1102 1421", "fa-sold": "1509 1501/c 1506/c 1601/c", "fa-bought": "1501/d 1505 1506/d 1601/d", "inv-made": "1101/d 140[123]/d",
	"borrowed": "2101/c 250[12]/c", "repaid": "2101/d 250[12]/d", "interest": "5401@interest", "fx": "5401@fx", "between": "1991 2991 3901",
}

// flow adds up what a row of oracleFlows names, of sums of all lines, of debits and of credits.
func flow(row string, all, debits, credits map[string]int64) (sum int64) {
	for word := range strings.FieldsSeq(row) {
		word, side, _ := strings.Cut(word, "/")
		code, only, some := strings.Cut(word, "@")
		code, but, _ := strings.Cut(code, "!")
		from := map[string]map[string]int64{"": all, "d": debits, "c": credits}[side]
		fits := codes(code)
		for name, amount := range from {
			_, nature, _ := strings.Cut(name, ":Nature-")
			nature, _, _ = strings.Cut(nature, ":")
			p := accountParts.FindStringSubmatch(name)
			if p == nil || !fits.MatchString(p[2]) || some && !slices.Contains(strings.Split(only, ","), nature) || nature != "" && slices.Contains(strings.Split(but, ","), nature) {
				continue
			}
			sum += amount
		}
	}
	return sum
}

var equityRows = regexp.MustCompile(`^(net-[ur]|released|restricted|transfers|prior|brought|carried|endowment|designated|general)$`)

// booksOf asks hledger for the change of every account, in minor units, debit positive.
func booksOf(t *testing.T, hledger, file string, query ...string) map[string]int64 {
	t.Helper()
	sums := map[string]int64{}
	for _, row := range askCSV(t, hledger, append([]string{"-f", file, "balance", "--flat", "-N", "-O", "csv"}, query...)...) {
		number, _, _ := strings.Cut(row[1], " ")
		if number == "0" {
			continue
		}
		minor, err := money.Parse(number, "CNY")
		if err != nil {
			t.Fatalf("%q: %v", row, err)
		}
		sums[row[0]] = minor
	}
	return sums
}

var accountParts = regexp.MustCompile(`^(Assets|Liabilities|Equity|Income|Expenses):([0-9-]+):F-([A-Z0-9]+)`)

// oracle adds up accounts of hledger whose code fits, of the funds and the class.
func oracle(sums map[string]int64, code *regexp.Regexp, class func(root, code, fund string) bool) (sum int64) {
	for name, amount := range sums {
		if p := accountParts.FindStringSubmatch(name); p != nil && code.MatchString(p[2]) && (class == nil || class(p[1], p[2], p[3])) {
			sum += amount
		}
	}
	return sum
}

func codes(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(` + pattern + `)(-0[12])?$`) }

// Every figure of every statement, in both regimes, before and after the year is closed, is what hledger's own reports add up from the
// export.
func TestHledgerAddsUpToEveryStatement(t *testing.T) {
	t.Parallel()
	hledger := program(t, "hledger", "hledger")
	for _, regime := range []string{chart.CN2026, chart.CN2004} {
		t.Run(regime, func(t *testing.T) {
			t.Parallel()
			b := newKeptBook(t, regime)
			b.worked()
			b.unusual()
			b.compare(hledger, regime)
			b.tx(func(ctx context.Context, tx pgx.Tx) error {
				plan, err := ledger.YearEnd(ctx, tx, b.Book, 2026, ledger.Day(2027, 1, 4))
				if err != nil {
					return err
				}
				_, err = ledger.PostYear(ctx, tx, b.Book, 2026, plan, uuid.New(), uuid.New(), ledger.Document{Summary: "年终结转", MadeBy: "李会计"})
				return err
			})
			b.compare(hledger, regime)
		})
	}
}

// unusual books what the worked example has not: other years, refunds, fixed assets, loans, moves between funds and classes.
func (b *keptBook) unusual() {
	b.Helper()
	b.post(ledger.KindOpening, "2025-12-31", "D bank.basic E 900.00", "C na.r E 900.00", "D bank.basic D 300.00", "C na.u D 300.00", "D fa G 5000.00", "C na.u G 5000.00")
	b.post(ledger.KindGift, "2026-01-15", "D bank.basic G 40000.00", "C gift.u@gift G 40000.00")
	b.post(ledger.KindVoucher, "2026-02-01", "D admin.u@payroll G 3000.00", "C payroll G 3000.00")
	b.post(ledger.KindVoucher, "2026-02-10", "D payroll G 3000.00", "C bank.basic G 3000.00")
	b.post(ledger.KindVoucher, "2026-03-01", "D fa G 1200.00", "C bank.basic G 1200.00")
	b.post(ledger.KindVoucher, "2026-03-31", "D admin.u G 100.00", "C fa.dep G 100.00")
	b.post(ledger.KindVoucher, "2026-04-01", "D bank.basic G 700.00", "C loan.st G 700.00")
	b.post(ledger.KindVoucher, "2026-05-01", "D loan.st G 200.00", "C bank.basic G 200.00")
	b.post(ledger.KindVoucher, "2026-05-03", "D bank.basic E 33.30", "C invest.r E 33.30")
	b.post(ledger.KindVoucher, "2026-06-01", "D bank.basic G 88.00", "C dues.u G 88.00", "D ar G 60.00", "C service.u G 60.00")
	b.post(ledger.KindRefund, "2026-09-20", "D gift.r@refund R 5.13", "C refund.due R 5.13")
	b.post(ledger.KindVoucher, "2026-10-11", "D bank.basic G 5.13", "C bank.online G 5.13", "D bank.online G 5.13", "C bank.basic G 5.13")
	b.post(ledger.KindTransfer, "2026-10-12", "D transfer G 20.00", "C bank.basic G 20.00", "D bank.basic R 20.00", "C transfer R 20.00")
	b.post(ledger.KindVoucher, "2026-10-13", "D bank.agency A 6000.00", "C agency.l A 6000.00")
	b.post(ledger.KindVoucher, "2026-10-14", "D bank.basic S 2000.00", "C grant.r S 2000.00")
	b.post(ledger.KindVoucher, "2026-12-02", "D program.r S 1500.00", "C ap S 1500.00")
	b.post(ledger.KindVoucher, "2026-12-05", "D na.r E 10.00", "C bank.basic E 10.00", "D bank.basic G 10.00", "C na.u G 10.00")
}

func (b *keptBook) compare(hledger, regime string) {
	b.Helper()
	file := filepath.Join(b.TempDir(), "book.journal")
	out, err := os.Create(file)
	if err != nil {
		b.Fatal(err)
	}
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		return WriteHledger(ctx, tx, b.Book, out, Options{Lang: "en"})
	})
	if err := out.Close(); err != nil {
		b.Fatal(err)
	}
	u := b.addedUp(hledger, file)
	same := func(s *Statement, row, column string, want int64) {
		b.Helper()
		if got, there := s.Figure(row, column); got != want || !there && want != 0 {
			b.Errorf("%s: %s %s is %s, hledger has %s", s.ID, row, column, money.Format(got, "CNY"), money.Format(want, "CNY"))
		}
	}
	compared := 0
	for _, f := range Forms(regime) {
		s := b.make(f.ID, "2026-11-01", "2026-12-31")
		b.wants(s)
		compared += b.compareRows(f, u, s.Figure)
		all := regexp.MustCompile(`^[345]`)
		switch f.Kind {
		case Balance: // as hledger's balance sheet has it
			for key, sums := range u.at {
				net := -oracle(sums, all, nil)
				rows := askCSV(b.T, hledger, "-f", file, "balancesheet", "-e", map[string]string{"opening": "2026-01-01", "closing": "2027-01-01"}[key], "-O", "csv", "not:Memo")
				if last := rows[len(rows)-1]; strings.HasPrefix(last[0], "Net") && last[1] != "0" {
					number, _, _ := strings.Cut(last[1], " ")
					if minor, err := money.Parse(number, "CNY"); err != nil || minor != net {
						b.Errorf("hledger's balance sheet has %s, its accounts %d", last[1], net)
					}
				}
				var sum int64
				for _, row := range []string{"net-u", "net-r", "endowment", "restricted", "designated", "general"} {
					v, _ := s.Figure(row, key)
					sum += v
				}
				if sum != net {
					b.Errorf("%s: net assets %s %d, hledger has %d", s.ID, key, sum, net)
				}
			}
		case Activities:
			for key, sums := range u.moved {
				same(s, "change", key, -oracle(sums, all, nil))
			}
		case Cash:
			for key, days := range map[string][]string{"year": {"-b", "2026-01-01"}, "period": {"-b", "2026-11-01"}} {
				rows := askCSV(b.T, hledger, append([]string{"-f", file, "cashflow", "-e", "2027-01-01", "-O", "csv", "not:tag:kind=opening"}, days...)...)
				number, _, _ := strings.Cut(rows[len(rows)-1][1], " ")
				minor, err := money.Parse(number, "CNY")
				if err != nil {
					b.Fatalf("%q: %v", rows, err)
				}
				same(s, "change", key, minor)
				compared++
			}
		}
	}
	if compared < 490 {
		b.Errorf("only %d figures were compared", compared)
	}
}

// added is what hledger adds up from a journal of the year 2026: what accounts hold, and what they moved without opening balances and the year's end.
type added struct{ at, moved, debits, credits map[string]map[string]int64 }

func (b *keptBook) addedUp(hledger, file string) added {
	b.Helper()
	u := added{map[string]map[string]int64{"opening": booksOf(b.T, hledger, file, "-e", "2026-01-01"), "closing": booksOf(b.T, hledger, file, "-e", "2027-01-01")},
		map[string]map[string]int64{}, map[string]map[string]int64{}, map[string]map[string]int64{}}
	for key, days := range map[string][]string{"year": {"-b", "2026-01-01", "-e", "2027-01-01"}, "period": {"-b", "2026-11-01", "-e", "2027-01-01"}} {
		query := append(days, "not:tag:kind=close", "not:tag:kind=opening")
		u.moved[key] = booksOf(b.T, hledger, file, query...)
		u.debits[key], u.credits[key] = booksOf(b.T, hledger, file, append(query, "amt:>0")...), booksOf(b.T, hledger, file, append(query, "amt:<0")...)
	}
	return u
}

// compareRows holds each row of a form that names accounts to what hledger adds up, and counts the figures.
func (b *keptBook) compareRows(f *Form, u added, figure func(row, column string) (int64, bool)) (compared int) {
	b.Helper()
	same := func(row, column string, want int64) {
		b.Helper()
		if got, there := figure(row, column); got != want || !there && want != 0 {
			b.Errorf("%s: %s %s is %s, hledger has %s", f.ID, row, column, money.Format(got, "CNY"), money.Format(want, "CNY"))
		}
	}
	restricted := map[string]bool{"R": true, "S": true, "E": true, "R2": true}
	byFund := f.Regime != b.Regime
	// classOf a line as section 3 has it: by the account, else by the fund.
	classOf := func(root, code, fund string) string {
		_, sub, _ := strings.Cut(code, "-")
		switch {
		case root == "Expenses" && f.Expenses != "" && f.Kind != Balance, root == "Expenses" && f.Expenses != "" && !byFund:
			return "unrestricted"
		case !byFund && (root == "Income" || root == "Expenses") && sub != "":
			return map[string]string{"01": "unrestricted", "02": "restricted"}[sub]
		case !byFund && code == "3101":
			return "unrestricted"
		case !byFund && code == "3102":
			return "restricted"
		case fund == "E" && f.Endowment:
			return "endowment"
		case restricted[fund]:
			return "restricted"
		}
		return "unrestricted"
	}
	for _, r := range f.Rows {
		pattern, there := oracleRows[f.ID+" "+r.ID]
		if !there {
			pattern, there = oracleRows[r.ID]
		}
		sign := int64(1)
		if r.Side == "credit" {
			sign = -1
		}
		switch {
		case r.Head || r.Sum != "" || equityRows.MatchString(r.ID):
		case f.Kind == Cash:
			row, there := oracleFlows[r.ID]
			if !there {
				b.Errorf("%s: row %s is not compared", f.ID, r.ID)
			}
			for key := range u.moved {
				same(r.ID, key, sign*flow(row, u.moved[key], u.debits[key], u.credits[key]))
				compared++
			}
		case !there:
			b.Errorf("%s: row %s is not compared", f.ID, r.ID)
		case f.Kind == Balance:
			for key, sums := range u.at {
				same(r.ID, key, sign*oracle(sums, codes(pattern), nil))
				compared++
			}
		default:
			for key, sums := range u.moved {
				same(r.ID, key, sign*oracle(sums, codes(pattern), nil))
				for _, class := range []string{"unrestricted", "restricted", "endowment"} {
					if _, there := figure(r.ID, key+"."+class); there {
						same(r.ID, key+"."+class, sign*oracle(sums, codes(pattern), func(root, code, fund string) bool { return classOf(root, code, fund) == class }))
						compared++
					}
				}
			}
		}
	}
	return compared
}
