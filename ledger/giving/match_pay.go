package giving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

var (
	// ErrNotice means that the public notice of the match is not over.
	ErrNotice = errors.New("public notice of the match is not over")
	// ErrOverEarned means that more would be paid or clawed back than was earned or paid.
	ErrOverEarned = errors.New("more than the match that is there")
	// ErrNoPool means that the event has no such pool. Answer 404.
	ErrNoPool = errors.New("no such pool of match")
	// ErrNoBankLine means that money of a funder is said to have come without the line of the bank that shows it.
	ErrNoBankLine = errors.New("the bank line by which the money came is missing")
	// ErrMatchOpen means that match of the event still waits to be paid or looked at.
	ErrMatchOpen = errors.New("match still waits to be paid or looked at")
)

// Natures of the accounts that match comes to and goes back from, apart from gifts.
const (
	natureMatch     = "match"
	natureMatchBack = "match-back"
)

// Kinds of payments of match.
const (
	PaySettled   = "settled"
	PayClawed    = "clawed"     // gone back to the funder, from the campaign's fund
	PayClawedOwn = "clawed-own" // our own fault: the general fund bore it
	PayReturned  = "returned"   // what was left of the pool is its funder's again
	PayRolled    = "rolled"     // it is promised to a later event, whose rule pledges it anew
)

// MatchPayment is match that is paid. Of a promised pool it is the bank line by which the funder's money came.
type MatchPayment struct {
	Pool    string
	Amount  int64    // minor units of the book's currency; 0 for all that is earned; a part is shared among campaigns in proportion
	Bank    chart.ID // where it came, or where own money lies; bank.online when empty
	BankRef string
	Day     time.Time
}

const (
	sqlEventNotice = `select e.closed_at from match_event e where e.book_id = $1 and e.event_id = $2`

	sqlEarnedOfPool = `
select a.campaign::int4, b.balance, f.fund_id, f.kind
  from account a
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id
  join match_campaign m on m.book_id = a.book_id and m.event_id = $3 and m.campaign_id = a.campaign::int4
  join fund f on f.book_id = a.book_id and f.fund_id = m.fund_id
 where a.book_id = $1 and a.chart = 'match.earned' and a.dims ->> 'source' = $2 and b.balance > 0
 order by 1`

	sqlPaymentKnown = `select coalesce(sum(amount), 0)::int8, count(*) from match_payment where book_id = $1 and event_id = $2 and id = $3`

	sqlMatchBankRefKnown = `
select exists (select from match_payment where book_id = $1 and event_id = $2 and pool = $3 and kind = 'settled' and bank_ref = $4 and bank_ref <> '')`

	sqlPaymentsInsert = `
insert into match_payment (book_id, event_id, id, pool, campaign_id, kind, amount, day, bank_ref, entry_id, by_person, second, at)
select $1, $2, $3, $4, unnest($5::int4[]), $6, unnest($7::int8[]), $8, $9, unnest($10::uuid[]), $11, $12, $13`

	sqlSettledOf = `
select coalesce(sum(amount) filter (where kind = 'settled'), 0)::int8 - coalesce(sum(amount) filter (where kind <> 'settled'), 0)::int8
  from match_payment where book_id = $1 and event_id = $2 and pool = $3 and campaign_id = $4`

	sqlCampaignFund = `
select f.fund_id, f.kind from match_campaign m join fund f on f.book_id = m.book_id and f.fund_id = m.fund_id
 where m.book_id = $1 and m.event_id = $2 and m.campaign_id = $3`
)

// earnedBy is match that waits to be paid to a campaign.
type earnedBy struct {
	campaign int32
	amount   int64
	fund     ledger.Fund
}

// paying is one step by which match of a pool is paid, clawed back or returned.
type paying struct {
	book    *ledger.Book
	event   int32
	pool    *matchPool
	sign    Sign
	kind    string
	day     time.Time
	bankRef string
	entries []ledger.Entry
	rows    struct {
		campaign []int32
		amount   []int64
		entry    []uuid.UUID
	}
}

// begin locks the event and finds the pool. known is the sum that the same key has moved before.
func beginPaying(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, pool, kind string, s Sign) (p *paying, state string, known int64, err error) {
	if err := s.two(); err != nil {
		return nil, "", 0, err
	}
	if state, err = lockEvent(ctx, tx, book, event); err != nil {
		return nil, "", 0, err
	}
	pools, err := poolsOf(ctx, tx, book, event)
	if err != nil {
		return nil, "", 0, err
	}
	if pools[pool] == nil {
		return nil, "", 0, ErrNoPool
	}
	var n int64
	if err := tx.QueryRow(ctx, sqlPaymentKnown, book.ID, event, s.Key).Scan(&known, &n); err != nil {
		return nil, "", 0, fmt.Errorf("look for payment of match: %w", err)
	}
	return &paying{book: book, event: event, pool: pools[pool], sign: s, kind: kind, day: book.Day(s.At)}, state, known, nil
}

// add has an entry booked with the step. Campaigns and amounts are what it says of each.
func (p *paying) add(summary string, lines []ledger.Line, campaigns []int32, amounts []int64) {
	e := p.pool.entry(p.book, p.sign, summary, p.day, lines)
	e.ID, e.EffectiveOn = uuid.Must(uuid.NewV7()), p.day
	p.entries = append(p.entries, e)
	for i := range campaigns {
		p.rows.campaign, p.rows.amount, p.rows.entry = append(p.rows.campaign, campaigns[i]), append(p.rows.amount, amounts[i]), append(p.rows.entry, e.ID)
	}
}

func (p *paying) carryOut(ctx context.Context, tx pgx.Tx) error {
	if err := postAll(ctx, tx, p.book, p.entries); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqlPaymentsInsert, p.book.ID, p.event, p.sign.Key, p.pool.code, p.rows.campaign, p.kind, p.rows.amount, p.day, p.bankRef,
		p.rows.entry, p.sign.By, p.sign.Second, p.sign.At)
	if err != nil {
		return fmt.Errorf("write payment of match: %w", err)
	}
	return nil
}

// SettleMatch pays match that is earned and not held, once the event is closed and its public notice over; at once where the rule
// asks for no notice. Money of a promised pool is income of the campaign's fund (E23); own money moves there (E28). It gives the sum; the
// same Sign.Key again pays nothing more. A line of the bank pays a pool once: ErrRefReused; a promised pool is not
// paid without one: ErrNoBankLine. ErrNotice, ErrOverEarned, ErrNoPool, ledger.ErrSamePerson.
func SettleMatch(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, m MatchPayment, s Sign) (int64, error) {
	p, state, known, err := beginPaying(ctx, tx, book, event, m.Pool, PaySettled, s)
	if err != nil || known > 0 {
		return known, err
	}
	if err := noticeOver(ctx, tx, book, event, state, s.At); err != nil {
		return 0, err
	}
	if p.pool.kind == PoolPromised && strings.TrimSpace(m.BankRef) == "" {
		return 0, ErrNoBankLine
	}
	p.day, p.bankRef = dayOr(book, m.Day, s.At), m.BankRef
	var taken bool // under the event's lock
	if err := tx.QueryRow(ctx, sqlMatchBankRefKnown, book.ID, event, m.Pool, m.BankRef).Scan(&taken); err != nil {
		return 0, fmt.Errorf("look for bank line of match: %w", err)
	}
	if taken {
		return 0, fmt.Errorf("%w: %s of pool %s", ErrRefReused, m.BankRef, m.Pool)
	}
	earned, err := earnedOf(ctx, tx, book, p.pool)
	if err != nil {
		return 0, err
	}
	weights, total := make([]int64, len(earned)), int64(0)
	for i, e := range earned {
		weights[i], total = e.amount, total+e.amount
	}
	amount := cmp.Or(m.Amount, total)
	switch {
	case amount == 0:
		return 0, nil
	case amount < 0 || amount > total:
		return 0, fmt.Errorf("%w: %d of %d", ErrOverEarned, amount, total)
	}
	parts := money.Allocate(amount, weights)
	bank := cmp.Or(m.Bank, "bank.online")
	const each = 6 // lines a campaign, at most
	for from := 0; from < len(earned); {
		var lines []ledger.Line
		var campaigns []int32
		var amounts []int64
		for ; from < len(earned) && len(lines)+each <= ledger.LinesMax; from++ {
			if parts[from] > 0 {
				lines = append(lines, p.pool.settled(earned[from], parts[from], bank)...)
				campaigns, amounts = append(campaigns, earned[from].campaign), append(amounts, parts[from])
			}
		}
		if len(lines) > 0 {
			p.add("配捐到账 Match settled: "+p.pool.code, merged(lines), campaigns, amounts)
		}
	}
	return amount, p.carryOut(ctx, tx)
}

// noticeOver holds a payment to the notice of the newest rule.
func noticeOver(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, state string, now time.Time) error {
	versions, err := RuleVersions(ctx, tx, book, event)
	if err != nil {
		return err
	}
	if len(versions) == 0 {
		return ErrEventState
	}
	rule, err := versions[0].Rule()
	if err != nil {
		return err
	}
	days := rule.Terms().Notice
	if days == 0 && !rule.AtEnd() && state != EventDraft {
		return nil
	}
	var closed *time.Time
	if err := tx.QueryRow(ctx, sqlEventNotice, book.ID, event).Scan(&closed); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	if closed == nil || now.Before(closed.AddDate(0, 0, days)) {
		return ErrNotice
	}
	return nil
}

func earnedOf(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *matchPool) ([]earnedBy, error) {
	rows, err := tx.Query(ctx, sqlEarnedOfPool, book.ID, poolTag(p.event, p.code), p.event)
	if err != nil {
		return nil, fmt.Errorf("read what is earned: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e earnedBy, err error) {
		err = row.Scan(&e.campaign, &e.amount, &e.fund.ID, &e.fund.Kind)
		return e, err
	})
}

// settled is E23a, or E28 out of the pool's own fund with its reservation ended.
func (p *matchPool) settled(e earnedBy, amount int64, bank chart.ID) []ledger.Line {
	lines := []ledger.Line{ledger.Debit(p.leaf("match.contra", 0), amount), ledger.Credit(p.leaf("match.earned", e.campaign), amount)}
	at := func(fund int32) ledger.Leaf { return ledger.Leaf{Chart: bank, Fund: fund} }
	if p.kind == PoolPromised {
		return append(lines, ledger.Debit(at(e.fund.ID), amount), ledger.Credit(p.income(e, natureMatch), amount))
	}
	lines = append(lines, p.reserve(-amount)...)
	if e.fund.ID == p.fund {
		return lines
	}
	return append(lines, ledger.Debit(p.leaf("transfer", 0), amount), ledger.Credit(at(p.fund), amount),
		ledger.Debit(at(e.fund.ID), amount), ledger.Credit(p.income(e, natureMatch), amount))
}

// income is where settled match stands in a campaign's fund: as a gift of the funder, or as money moved there.
func (p *matchPool) income(e earnedBy, nature string) ledger.Leaf {
	id := chart.ID("transfer")
	if p.kind == PoolPromised {
		id = chart.ID(e.fund.Class("gift"))
	}
	return ledger.Leaf{Chart: id, Fund: e.fund.ID, Dims: ledger.Dims{Campaign: campaignTag(e.campaign), Source: poolTag(p.event, p.code), Nature: nature}}
}

// merged adds up lines on the same leaf, in the order of their first.
func merged(lines []ledger.Line) []ledger.Line {
	e := matchEntry{at: map[ledger.Leaf]int{}}
	for _, l := range lines {
		e.add(l.Leaf, l.Amount)
	}
	return nonzero(e.lines)
}

// ClawBack gives match that was paid to a campaign back to its funder (E24): for a cause outside, from the campaign's fund; by our own fault,
// the general fund bears it and the donors' fund keeps what it has. Own money moves back to its fund. It gives the sum; the same Sign.Key again
// takes nothing more. ErrOverEarned, ErrNoPool, ErrBadPaid for a cause that is neither, ledger.ErrShort, ledger.ErrSamePerson.
func ClawBack(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, pool string, campaign int32, amount int64, cause Cause, s Sign) (int64, error) {
	kind := map[Cause]string{Outside: PayClawed, OwnFault: PayClawedOwn}[cause]
	if kind == "" {
		return 0, fmt.Errorf("%w: cause %q", ErrBadPaid, cause)
	}
	p, _, known, err := beginPaying(ctx, tx, book, event, pool, kind, s)
	if err != nil || known > 0 {
		return known, err
	}
	e := earnedBy{campaign: campaign}
	var paid int64
	if err := tx.QueryRow(ctx, sqlSettledOf, book.ID, event, pool, campaign).Scan(&paid); err != nil {
		return 0, fmt.Errorf("read what was paid of match: %w", err)
	}
	if amount <= 0 || amount > paid {
		return 0, fmt.Errorf("%w: %d of %d", ErrOverEarned, amount, paid)
	}
	if err := tx.QueryRow(ctx, sqlCampaignFund, book.ID, event, campaign).Scan(&e.fund.ID, &e.fund.Kind); err != nil {
		return 0, fmt.Errorf("read fund of campaign: %w", err)
	}
	bank := func(id chart.ID, fund int32) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: fund} }
	var lines []ledger.Line
	switch {
	case cause == OwnFault:
		general, err := GeneralFund(ctx, tx, book)
		if err != nil {
			return 0, err
		}
		to := func(id chart.ID) ledger.Leaf {
			return ledger.Leaf{Chart: id, Fund: general, Dims: ledger.Dims{Source: poolTag(event, pool)}}
		}
		lines = append(lines, ledger.Debit(to("admin.u"), amount), ledger.Credit(to("return.due"), amount),
			ledger.Debit(to("return.due"), amount), ledger.Credit(bank("bank.basic", general), amount))
	case p.pool.kind == PoolPromised:
		due := ledger.Leaf{Chart: "return.due", Fund: e.fund.ID, Dims: ledger.Dims{Campaign: campaignTag(campaign), Source: poolTag(event, pool)}}
		lines = append(lines, ledger.Debit(p.pool.income(e, natureMatchBack), amount), ledger.Credit(due, amount),
			ledger.Debit(due, amount), ledger.Credit(bank("bank.online", e.fund.ID), amount))
	default:
		lines = append(lines, ledger.Debit(p.pool.income(e, natureMatchBack), amount), ledger.Credit(bank("bank.online", e.fund.ID), amount),
			ledger.Debit(bank("bank.online", p.pool.fund), amount), ledger.Credit(p.pool.leaf("transfer", 0), amount))
	}
	p.add("配捐追回 Match clawed back: "+pool, lines, []int32{campaign}, []int64{amount})
	return amount, p.carryOut(ctx, tx)
}
