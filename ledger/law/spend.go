package law

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// yearFlow is a year's income and expense as rules cut it. Minor units.
type yearFlow struct {
	income   int64
	incomeOf []string // charts that it comes from
	program  int64
	charity  int64 // of program
	no       int64 // of program: no charitable activity
	review   int64 // of program: somebody has to judge
	admin    int64
	returned int64 // of admin: gifts given back by our own fault, provisions
	expense  int64
	by       map[string]int64 // each account, on its normal side
	months   [12]monthFlow
}

// monthFlow is what one month adds to a year.
type monthFlow struct{ charity, review, admin, expense int64 }

// Turnovers carry no closing entries here: those post to leaves of their own.
const sqlYearFlow = `
select a.chart, coalesce(a.dims ->> 'nature', ''),
       exists (select from contract c join contract_source s on s.book_id = c.book_id and s.contract_id = c.id
                where c.book_id = $1 and c.code = a.dims ->> 'contract' and 'S' || s.position = a.dims ->> 'source' and s.treatment = 'service'),
       extract(month from t.day)::int4, sum(t.debit - t.credit)::int8
  from account a join turnover t on t.book_id = a.book_id and t.account_id = a.account_id
 where a.book_id = $1 and a.chart = any($2) and a.ccy = $3 and t.day between $4 and $5 and coalesce(a.dims ->> 'nature', '') <> 'close'
 group by 1, 2, 3, 4
having sum(t.debit - t.credit) <> 0
 order by 1, 2, 3, 4`

// flow reads a year once.
func (d *desk) flow(ctx context.Context, year int) (*yearFlow, error) {
	if y := d.flows[year]; y != nil {
		return y, nil
	}
	var charts []string
	for _, a := range chart.All() {
		if a.Type == chart.Income || a.Type == chart.Expense {
			charts = append(charts, string(a.ID))
		}
	}
	rows, err := d.q.Query(ctx, sqlYearFlow, d.book.ID, charts, d.book.Currency, ledger.Day(year, time.January, 1), ledger.Day(year, time.December, 31))
	if err != nil {
		return nil, fmt.Errorf("read year %d: %w", year, err)
	}
	y := &yearFlow{by: map[string]int64{}}
	var id chart.ID
	var nature string
	var service bool
	var month int32
	var sum int64
	_, err = pgx.ForEachRow(rows, []any{&id, &nature, &service, &month, &sum}, func() error {
		y.add(d, id, nature, service, &y.months[month-1], sum)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read year %d: %w", year, err)
	}
	d.flows[year] = y
	return y, nil
}

func (y *yearFlow) add(d *desk, id chart.ID, nature string, service bool, m *monthFlow, sum int64) {
	base, _, _ := strings.Cut(string(id), ".")
	acct := chart.MustByID(id)
	y.by[string(id)] += sum * int64(acct.Normal)
	if acct.Type == chart.Income {
		y.income -= sum
		if !slices.Contains(y.incomeOf, string(id)) {
			y.incomeOf = append(y.incomeOf, string(id))
		}
		return
	}
	y.expense += sum
	m.expense += sum
	switch base {
	case "program":
		y.program += sum
		judged := "yes"
		if p, ok := d.law.Param("R01", "nature."+nature, d.asOf()); ok {
			judged = p.Value
		} else if p, ok := d.law.Param("R01", "source.service", d.asOf()); ok && service {
			judged = p.Value
		}
		switch judged {
		case "no":
			y.no += sum
		case "review":
			y.review += sum
			m.review += sum
		default:
			y.charity += sum
			m.charity += sum
		}
	case "admin":
		y.admin += sum
		m.admin += sum
		if nature == "return" || nature == "refund" || nature == "provision" {
			y.returned += sum
		}
	}
}

// income is a year's income: the books', or of a year before them what was entered for it.
func (d *desk) income(ctx context.Context, year int) (int64, *Fact, error) {
	y, err := d.flow(ctx, year)
	if err != nil {
		return 0, nil, err
	}
	if fact := d.facts.of("R01", "income", "book", year); fact != nil && len(y.by) == 0 {
		return fact.Amount, fact, nil
	}
	return y.income, nil, nil
}

// adjusted is a year's income as R01 counts it: what was received, less what might not be used that year, plus what might from then on.
func (d *desk) adjusted(ctx context.Context, f *Finding, year int) (int64, error) {
	y, err := d.flow(ctx, year)
	if err != nil {
		return 0, err
	}
	from, to := ledger.Day(year, time.January, 1), ledger.Day(year, time.December, 31)
	income, fact, err := d.income(ctx, year)
	if err != nil {
		return 0, err
	}
	zh, en := fmt.Sprintf("%d 年实际收入", year), fmt.Sprintf("Income of %d", year)
	if fact != nil {
		f.sum(zh+"（"+fact.Words+"）", en+" ("+fact.Words+")", income)
	} else {
		f.entries(zh, en, income, y, from, to, y.incomeOf...)
	}
	barred, ended := d.facts.of("R01", "time_barred", "book", year), d.facts.of("R01", "time_ended", "book", year)
	if barred != nil {
		income -= barred.Amount
		f.sum(fmt.Sprintf("减：%d 年不得使用的收入（%s）", year, barred.Words), fmt.Sprintf("less: income not to be used in %d (%s)", year, barred.Words), -barred.Amount)
	}
	if ended != nil {
		income += ended.Amount
		f.sum(fmt.Sprintf("加：%d 年解除时间限制的净资产（%s）", year, ended.Words), fmt.Sprintf("plus: net assets whose time restriction ended in %d (%s)", year, ended.Words), ended.Amount)
	}
	if barred != nil || ended != nil {
		f.sum(fmt.Sprintf("%d 年调整后收入", year), fmt.Sprintf("Adjusted income of %d", year), income)
	}
	return income, nil
}

// lookFloor is R01: what has to be spent on charitable activity this year.
func lookFloor(ctx context.Context, d *desk, f *Finding) error {
	if p := d.law.On(d.asOf()); !p.Public {
		f.State = Exempt
		return nil
	}
	floor, ok := d.param(f, "R01", "floor")
	years, ok2 := d.param(f, "R01", "years")
	if !ok || !ok2 {
		f.State = NotKept
		return nil
	}
	n := int(years.Number())
	var last, all int64
	known := true
	for i := n; i >= 1; i-- {
		income, err := d.adjusted(ctx, f, d.year-i)
		if err != nil {
			return err
		}
		all += income
		last = income
		known = known && (d.flows[d.year-i].expense != 0 || income != 0)
	}
	byLast := money.CeilShare(max(0, last), floor.BasisPoints(), 10_000)
	byAll := money.CeilShare(max(0, all), floor.BasisPoints(), 10_000*int64(n))
	f.sum(fmt.Sprintf("上年收入的 %s（进到分）", floor.Value), fmt.Sprintf("%s of last year's income, rounded up", floor.Value), byLast)
	if !known { // a mean over years that nobody knows would be too low
		f.text("前几年平均", "Mean of the years before", "—")
		return d.floorOf(ctx, f, byLast)
	}
	f.sum(fmt.Sprintf("前 %d 年合计", n), fmt.Sprintf("The %d years together", n), all)
	f.sum(fmt.Sprintf("前 %d 年平均收入的 %s（进到分）", n, floor.Value), fmt.Sprintf("%s of the mean of %d years, rounded up", floor.Value, n), byAll)
	return d.floorOf(ctx, f, min(byLast, byAll))
}

// floorOf ends a spending floor: what was spent, what is missing, and where the year is going.
func (d *desk) floorOf(ctx context.Context, f *Finding, need int64) error {
	y, err := d.flow(ctx, d.year)
	if err != nil {
		return err
	}
	from, to := ledger.Day(d.year, time.January, 1), d.asOf()
	f.sum("应达到的慈善活动支出（两者取低）", "Charitable spending needed (the lower one)", need)
	f.entries(fmt.Sprintf("%d 年业务活动成本", d.year), fmt.Sprintf("Program cost of %d", d.year), y.program, y, from, to, "program.u", "program.r")
	if y.no != 0 {
		f.sum("减：不属于慈善活动（如义拍品成本）", "less: no charitable activity (cost of what was sold)", -y.no)
	}
	spent := y.charity
	if y.review != 0 {
		f.sum("减：待判断（受托承接的服务合同）", "less: to be judged (services that a purchaser pays for)", -y.review)
		if fact := d.facts.of("R01", "reviewed", "book", d.year); fact != nil {
			counted := min(fact.Amount, y.review)
			spent += counted
			f.sum("加：经判断属于慈善活动（"+fact.Words+"）", "plus: judged to be charitable ("+fact.Words+")", counted)
		}
	}
	f.sum("慈善活动支出", "Charitable spending", spent)
	d.floorState(f, spent, need)
	f.Months = append(f.Months, d.spending(y, need, spent-y.charity))
	return nil
}

// floorState says how a floor stands: reached, on the way, or not.
func (d *desk) floorState(f *Finding, spent, need int64) {
	end := ledger.Day(d.year, time.December, 31)
	f.sum("还差", "Still missing", max(0, need-spent))
	switch {
	case spent >= need:
		f.State = Holds
	case d.today.After(end):
		f.State = Broken
		if fact := d.facts.of("R01", "explained", "book", d.year); fact != nil && f.Code == "R01" {
			f.State = Warned
			f.text("说明", "Explained", fact.Words)
		}
	default:
		gone := int64(d.today.YearDay())
		ahead := money.FloorShare(spent, int64(end.YearDay()), gone)
		f.sum(fmt.Sprintf("按目前进度推算全年（%d 天）", gone), fmt.Sprintf("The whole year at the pace of %d days", gone), ahead)
		f.State = Holds
		if ahead < need {
			f.State = Warned
		}
	}
}

// lookCap is R02: management cost against all expense, of a body that raises from the public.
func lookCap(ctx context.Context, d *desk, f *Finding) error {
	if p := d.law.On(d.asOf()); !p.Public {
		f.State = Exempt
		return nil
	}
	rate, ok := d.param(f, "R02", "cap")
	if !ok {
		f.State = NotKept
		return nil
	}
	return d.capOf(ctx, f, rate.BasisPoints(), "R02")
}

// capOf ends a cap on management cost, in basis points of all expense.
func (d *desk) capOf(ctx context.Context, f *Finding, rate int64, rule string) error {
	y, err := d.flow(ctx, d.year)
	if err != nil {
		return err
	}
	from, to := ledger.Day(d.year, time.January, 1), d.asOf()
	exempt, _ := d.param(f, rule, "exempt_below")
	f.entries(fmt.Sprintf("%d 年管理费用", d.year), fmt.Sprintf("Management cost of %d", d.year), y.admin, y, from, to, "admin.u", "admin.r")
	if y.returned != 0 {
		f.sum("其中退款和预计负债", "of it gifts given back and provisions", y.returned)
		f.sum("不含这些的管理费用", "Management cost without them", y.admin-y.returned)
	}
	f.sum(fmt.Sprintf("%d 年费用合计", d.year), fmt.Sprintf("All expense of %d", d.year), y.expense)
	most := money.FloorShare(max(0, y.expense), rate, 10_000)
	f.sum("上限 "+Percent(rate)+"（舍到分）", "Cap of "+Percent(rate)+", rounded down", most)
	if y.expense > 0 {
		f.text("占比", "Share", Percent(money.HalfUpShare(y.admin, 10_000, y.expense)))
		if y.returned != 0 {
			f.text("不含退款和预计负债的占比", "Share without them", Percent(money.HalfUpShare(y.admin-y.returned, 10_000, y.expense)))
		}
	}
	warn, hasWarn := d.param(f, rule, "warn")
	f.Months = append(f.Months, d.management(y, rate))
	end := ledger.Day(d.year, time.December, 31)
	over := d.today.After(end)
	admin := y.admin
	if gone := int64(d.today.YearDay()); !over { // a small year is known by where it is going
		admin = max(admin, money.FloorShare(max(0, y.admin), int64(end.YearDay()), gone))
		if exempt.Value != "" {
			f.sum(fmt.Sprintf("按目前进度推算全年管理费用（%d 天）", gone), fmt.Sprintf("Management cost of the whole year at the pace of %d days", gone), admin)
		}
	}
	switch {
	case exempt.Value != "" && admin < exempt.Sum(d.book):
		if f.State != Broken && f.State != Warned {
			f.State = Holds
		}
		f.text("豁免", "Exempt", "< "+exempt.Value)
	case y.admin > most && over:
		f.State = Broken
	case y.admin > most, hasWarn && y.admin >= money.FloorShare(most, warn.BasisPoints(), 10_000):
		if f.State != Broken { // a year that is not over may still come under its cap
			f.State = Warned
		}
	case f.State == Nothing:
		f.State = Holds
	}
	return nil
}

// Percent writes basis points: 1250 is "12.5%".
func Percent(basisPoints int64) string {
	return strings.TrimSuffix(strings.TrimSuffix(fmt.Sprintf("%d.%02d", basisPoints/100, basisPoints%100), "0"), ".0") + "%"
}

// band is a row of R03: from which net assets on, what has to be spent and what management may cost.
type band struct {
	param               Param
	from                int64
	spend, admin, grant int64 // basis points: of net assets, of all expense, of last year's income
}

func (d *desk) bands(rule string) (all []band) {
	for i := 1; ; i++ {
		p, ok := d.law.Param(rule, fmt.Sprintf("band.%d", i), d.asOf())
		if !ok {
			return all
		}
		b := band{param: p}
		for word := range strings.FieldsSeq(p.Value) {
			name, value, _ := strings.Cut(word, "=")
			one := Param{Value: value}
			switch name {
			case "from":
				b.from = one.Sum(d.book)
			case "spend":
				b.spend = one.BasisPoints()
			case "admin":
				b.admin = one.BasisPoints()
			case "income":
				b.grant = one.BasisPoints()
			}
		}
		all = append(all, b)
	}
}

// lookBands is R03 and R03b: bodies that do not raise from the public spend by their net assets at the end of the year before.
func lookBands(ctx context.Context, d *desk, f *Finding) error {
	bands := d.bands(f.Code)
	if len(bands) == 0 {
		f.State = Exempt
		return nil
	}
	net, err := d.netAssets(ctx, d.year-1)
	if err != nil {
		return err
	}
	b := bands[0]
	for _, one := range bands {
		if net >= one.from {
			b = one
		}
	}
	f.Params = append(f.Params, b.param)
	f.sum(fmt.Sprintf("%d 年末净资产", d.year-1), fmt.Sprintf("Net assets at the end of %d", d.year-1), net)
	years, _ := d.param(f, f.Code, "years")
	mean := net
	if n := years.Number(); n > 1 {
		first, err := d.firstYear(ctx)
		if err != nil {
			return err
		}
		var all int64
		known := true
		for i := 1; i <= int(n); i++ {
			one, err := d.netAssets(ctx, d.year-i)
			if err != nil {
				return err
			}
			known = known && first != nil && int(*first) <= d.year-i
			all += max(0, one)
		}
		if known { // a mean over year ends that nobody knows would be too low
			mean = money.CeilShare(all, 1, n)
		}
		f.sum(fmt.Sprintf("前 %d 年末平均净资产", n), fmt.Sprintf("Mean net assets of %d year ends", n), mean)
	}
	byEnd, byMean := money.CeilShare(max(0, net), b.spend, 10_000), money.CeilShare(max(0, mean), b.spend, 10_000)
	need := min(byEnd, byMean)
	f.sum("按净资产 "+Percent(b.spend), "By net assets, "+Percent(b.spend), need)
	if b.grant > 0 {
		income, _, err := d.income(ctx, d.year-1)
		if err != nil {
			return err
		}
		byIncome := money.CeilShare(max(0, income), b.grant, 10_000)
		f.sum("按上年收入 "+Percent(b.grant), "By last year's income, "+Percent(b.grant), byIncome)
		need = max(need, byIncome)
	}
	if err := d.floorOf(ctx, f, need); err != nil {
		return err
	}
	return d.capOf(ctx, f, b.admin, f.Code)
}

// firstYear is the year of the book's first entry; nil when it has none. Of year ends before it the books know nothing.
func (d *desk) firstYear(ctx context.Context) (first *int32, err error) {
	if err := d.q.QueryRow(ctx, sqlFirstYear, d.book.ID).Scan(&first); err != nil {
		return nil, fmt.Errorf("read first year: %w", err)
	}
	return first, nil
}

func (d *desk) netAssets(ctx context.Context, year int) (net int64, err error) {
	positions, err := d.positions(ctx, ledger.Day(year, time.December, 31))
	for _, p := range positions {
		net += p.NetAssets
	}
	return net, err
}

// MayCloseYear refuses the closing entries of a year whose spending stays below the floor (R01) and was not explained. A book without a
// profile stands under no law.
func MayCloseYear(ctx context.Context, q pg.Querier, book *ledger.Book, year int, today time.Time) error {
	f, err := LookAt(ctx, q, book, "R01", year, today)
	if err != nil || f.State != Broken {
		return err
	}
	missing := f.Steps[len(f.Steps)-1]
	sum := money.Format(*missing.Sum, book.Currency)
	return &Refusal{Rule: f.Rule, Param: f.Params[0], Object: "book", WhyZH: fmt.Sprintf("%d 年慈善活动支出还差 %s 元。", year, sum),
		WhyEN: fmt.Sprintf("Charitable spending of %d is %s short.", year, sum)}
}
