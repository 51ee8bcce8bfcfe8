package subsidies

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Tally is what has come of a letter's gifts and of its money, exact as of Position.
type Tally struct {
	Units    []Unit
	Raised   int64 // gifts that count, less refunds of them
	Gifts    int64
	Earned   int64
	Position int64 // postings in the fund
	Spent    int64 // by entries that nothing has taken back
	Owed     int64 // of an advance, by its account: what was not income yet
}

// Claimable is what is earned and not claimed yet; nothing once the letter has lapsed.
func (l *Letter) Claimable(t Tally, day time.Time) int64 {
	if l.State != Open || day.After(l.LapsesOn) {
		return 0
	}
	return max(0, t.Earned-l.Claimed)
}

// Over is what was claimed, is no longer earned since gifts were refunded, and has not gone back yet: it goes back, or is set off.
func (l *Letter) Over(t Tally) int64 { return max(0, l.Claimed-l.Returned-t.Earned) }

// Left is the letter's money that is here and unspent.
func (l *Letter) Left(t Tally) int64 { return l.Received - t.Spent - l.Returned }

// ahead is how much more of an advance is income than is spent: a cost that it bore was taken back since.
func (l *Letter) ahead(t Tally) int64 { return l.Left(t) - t.Owed }

const (
	// The gift accounts of the letter with postings that were not counted yet. Seq is without gaps, so what lies below has been seen.
	unseen = `
acc as materialized (
  select a.account_id, a.dims ->> 'nature' as nature, coalesce(c.seq, 0) as seen, b.seq as upto
    from account a
    join balance b on b.book_id = a.book_id and b.account_id = a.account_id
    left join subsidy_cursor c on c.book_id = a.book_id and c.letter_id = $2 and c.account_id = a.account_id
   where a.book_id = $1 and a.fund_id = $3 and a.ccy = $4 and a.unit < 1000 and a.chart in ('gift.r', 'gift.u') and a.dims ->> 'nature' in ('gift', 'refund')
     and ($5 = '' or a.campaign = $5) and b.seq > coalesce(c.seq, 0))`

	// A posting is of a gift, of a refund of one, or takes one of these back; the gift says whether it counts.
	counted = `
counted as (
  select case when $10 = 'campaign' then g.campaign_id::text else '' end as unit, -p.amount as raised,
         case when acc.nature = 'gift' then sign(-p.amount)::int8 else 0 end as gifts
    from acc
    join posting p on p.book_id = $1 and p.account_id = acc.account_id and p.seq > acc.seen and p.seq <= acc.upto
   cross join lateral (select coalesce(e.reverses, e.id) as subject from entry e where e.book_id = $1 and e.id = p.entry_id limit 1) e
    left join lateral (select r.gift_id from refund r where acc.nature = 'refund' and r.book_id = $1 and r.id = e.subject limit 1) r on true
   cross join lateral (select g.id, g.campaign_id, g.amount, g.ccy, g.channel from gift g where g.book_id = $1 and g.id = coalesce(r.gift_id, e.subject) limit 1) g
   cross join lateral (select x.effective_on from entry x where x.book_id = $1 and x.id = g.id limit 1) x
   where x.effective_on between $6 and $7 and (g.ccy <> $4 or g.amount >= $8) and g.channel = any($9::int2[]))`

	// One statement, so that what was counted and what was not are of the same moment.
	sqlTally = `
with ` + unseen + `,` + counted + `,
units as (
  select unit, sum(raised)::int8 as raised, sum(gifts)::int8 as gifts
    from (select unit, raised, gifts from subsidy_raised where book_id = $1 and letter_id = $2 union all select unit, raised, gifts from counted) u
   group by unit)
select unit, raised, gifts, (select coalesce(sum(b.seq), 0)::int8 from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
                              where a.book_id = $1 and a.fund_id = $3)
  from units
 where raised <> 0 or gifts <> 0
 order by unit`

	sqlCount = `
with ` + unseen + `,` + counted + `,
upto as (
  insert into subsidy_cursor (book_id, letter_id, account_id, seq)
  select $1, $2, account_id, upto from acc
  on conflict (book_id, letter_id, account_id) do update set seq = excluded.seq)
insert into subsidy_raised as r (book_id, letter_id, unit, raised, gifts)
select $1, $2, unit, sum(raised)::int8, sum(gifts)::int8 from counted group by unit
on conflict (book_id, letter_id, unit) do update set raised = r.raised + excluded.raised, gifts = r.gifts + excluded.gifts`

	sqlLetterLock = `select pg_advisory_xact_lock(hashtextextended('subsidy:' || $1::int4 || ':' || $2::uuid, 0))`

	sqlEarnedLast = `select earned, raised, gifts from subsidy_earning where book_id = $1 and letter_id = $2 order by position desc limit 1`

	sqlEarnedInsert = `
insert into subsidy_earning (book_id, letter_id, position, at, raised, gifts, earned) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`

	// An entry of cost that was taken back spends nothing. Both figures are of the same moment.
	sqlSpent = `
select (select coalesce(sum(s.amount), 0)::int8 from subsidy_spend s
         where s.book_id = $1 and s.letter_id = $2 and not exists (select from entry r where r.book_id = $1 and r.reverses = s.entry_id)),
       (select coalesce(-sum(b.balance), 0)::int8 from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
         where a.book_id = $1 and a.fund_id = $3 and a.chart = 'advance' and a.dims ->> 'source' = $4)`
)

// gifts are the parameters of unseen and counted.
func (l *Letter) gifts(book *ledger.Book) []any {
	var campaign string
	if l.CampaignID != nil {
		campaign = strconv.Itoa(int(*l.CampaignID))
	}
	var channels []int16
	for _, c := range giving.Channels() {
		if l.Counts == All || (l.Counts == Online) == c.Processor() {
			channels = append(channels, int16(c))
		}
	}
	return []any{book.ID, l.ID, l.FundID, book.Currency, campaign, l.OpensOn, l.ClosesOn, l.GiftMin, channels, l.Per}
}

// TallyOf works out what is raised, earned and spent as of now. It needs no worker: what was not counted yet is counted on the way.
func TallyOf(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter) (t Tally, err error) {
	rows, err := q.Query(ctx, sqlTally, l.gifts(book)...)
	if err != nil {
		return t, fmt.Errorf("tally letter: %w", err)
	}
	t.Units, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (u Unit, err error) {
		err = row.Scan(&u.Name, &u.Raised, &u.Gifts, &t.Position)
		return u, err
	})
	if err != nil {
		return t, fmt.Errorf("tally letter: %w", err)
	}
	if len(t.Units) == 0 {
		if t.Position, err = ledger.Posted(ctx, q, book, l.FundID); err != nil {
			return t, err
		}
	}
	for _, u := range t.Units {
		t.Raised += u.Raised
		t.Gifts += u.Gifts
	}
	if l.State != Draft && l.State != Void {
		t.Earned = l.Earned(t.Units)
	}
	return t, t.spent(ctx, q, book, l)
}

// Sums are what letters still hold in all. Minor units of the book's currency.
type Sums struct{ Promised, Claimable, Due int64 }

// SumsOf adds up all letters of a filter, on whatever page they stand. Only letters that may still be claimed are tallied for it.
func SumsOf(ctx context.Context, q pg.Querier, book *ledger.Book, f Filter, day time.Time) (s Sums, err error) {
	for f.Before, f.Limit = 0, limitMax; ; {
		list, err := Letters(ctx, q, book, f)
		if err != nil {
			return s, err
		}
		for i := range list {
			l := &list[i]
			s.Promised, s.Due = s.Promised+l.Promised(), s.Due+l.Due()
			if l.State != Open || day.After(l.LapsesOn) {
				continue
			}
			t, err := TallyOf(ctx, q, book, l)
			if err != nil {
				return s, err
			}
			s.Claimable += l.Claimable(t, day)
		}
		if len(list) < limitMax {
			return s, nil
		}
		f.Before = list[len(list)-1].Number
	}
}

func (t *Tally) spent(ctx context.Context, q pg.Querier, book *ledger.Book, l *Letter) error {
	if err := q.QueryRow(ctx, sqlSpent, book.ID, l.ID, l.FundID, l.source()).Scan(&t.Spent, &t.Owed); err != nil {
		return fmt.Errorf("sum spending of letter: %w", err)
	}
	return nil
}

// takes writes what the letter becomes, or giving.ErrStep when somebody took from its money meanwhile: who comes second waits for its row.
func (l *Letter) takes(ctx context.Context, tx pgx.Tx, book *ledger.Book, to Letter) error {
	if err := l.becomes(ctx, tx, book, to); err != nil {
		return err
	}
	var t Tally
	if err := t.spent(ctx, tx, book, &to); err != nil {
		return err
	}
	if to.Left(t) < 0 {
		return giving.ErrStep
	}
	return nil
}

// Count moves the letter's cursors over the gifts and refunds that came since, and notes the earned amount when it has moved. Repeated,
// it changes nothing.
func Count(ctx context.Context, tx pgx.Tx, book *ledger.Book, l *Letter, now time.Time) (moved bool, err error) {
	if _, err := tx.Exec(ctx, sqlLetterLock, book.ID, l.ID); err != nil {
		return false, fmt.Errorf("lock letter: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlCount, l.gifts(book)...); err != nil {
		return false, fmt.Errorf("count gifts for letter: %w", err)
	}
	t, err := TallyOf(ctx, tx, book, l)
	if err != nil {
		return false, err
	}
	last, err := earnings(ctx, tx, sqlEarnedLast, book.ID, l.ID)
	if err != nil {
		return false, err
	}
	if len(last) == 1 && last[0].Earned == t.Earned && last[0].Raised == t.Raised && last[0].Gifts == t.Gifts || len(last) == 0 && t.Earned == 0 && t.Raised == 0 {
		return false, nil
	}
	if _, err := tx.Exec(ctx, sqlEarnedInsert, book.ID, l.ID, t.Position, now, t.Raised, t.Gifts, t.Earned); err != nil {
		return false, fmt.Errorf("note what is earned: %w", err)
	}
	return true, nil
}

// Earning is how much was earned at a position of the ledger.
type Earning struct {
	Earned, Raised, Gifts int64
	Position              int64
	At                    time.Time
}

// EarningsMax is how many of them a page shows.
const EarningsMax = 20

const sqlEarnings = `
select earned, raised, gifts, position, at from subsidy_earning where book_id = $1 and letter_id = $2 order by position desc limit $3`

// Earnings lists how the earned amount moved, newest first.
func Earnings(ctx context.Context, q pg.Querier, book *ledger.Book, letter uuid.UUID) ([]Earning, error) {
	rows, err := q.Query(ctx, sqlEarnings, book.ID, letter, EarningsMax)
	if err != nil {
		return nil, fmt.Errorf("list earnings: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Earning])
}

func earnings(ctx context.Context, q pg.Querier, sql string, args ...any) ([]Earning, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read earnings: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Earning, err error) {
		err = row.Scan(&e.Earned, &e.Raised, &e.Gifts)
		return e, err
	})
}
