package platforms

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// Open is what a platform owes of a file for one campaign: for its gifts, less fees, refunds and what was settled, and as match.
type Open struct {
	Campaign int32
	Fund     int32
	Gifts    int64 // minor units of the book's currency
	Match    int64
}

const (
	// 7 is giving.Platform. A refund through the platform takes from what it owes; one that failed does not.
	withOpen = `
with owed as (
  select g.file_id, g.campaign_id, g.fund_id, g.amount - g.fee as gifts, g.match from platform_gift g where g.book_id = $1
   union all
  select g.file_id, g.campaign_id, case when r.cause = 'own' then (select min(fund_id) from fund where book_id = $1 and kind = 'general') else g.fund_id end,
         -r.amount - r.fee, 0
    from ` + giving.StandingRefund + ` r join platform_gift g on g.book_id = $1 and g.gift_id = r.gift_id
   where r.book_id = $1 and r.channel = 7 and r.cause <> 'dispute'
   union all
  select s.file_id, s.campaign_id, s.fund_id, -s.gifts, -s.match from platform_settlement s where s.book_id = $1` + standing + `
)`

	sqlOpenOfFile = withOpen + `
select campaign_id, fund_id, sum(gifts)::int8, sum(match)::int8 from owed where file_id = $2 group by 1, 2 order by 1, 2`

	sqlOpenFiles = withOpen + `
select f.id, f.name, f.state, f.made_at, f.last_day, coalesce(p.platform, ''), coalesce(p.version, 0),
       coalesce((f.counted ->> 'count')::int8, 0), (select count(*) from platform_fault x where x.book_id = $1 and x.file_id = f.id),
       coalesce(o.gifts, 0)::int8, coalesce(o.match, 0)::int8, coalesce(s.paid, 0)::int8
  from platform_file f
  left join platform_profile p on p.book_id = $1 and p.id = f.profile_id
  left join (select file_id, sum(gifts) as gifts, sum(match) as match from owed group by 1) o on o.file_id = f.id
  left join (select s.file_id, sum(s.gifts + s.match) as paid from platform_settlement s
              where s.book_id = $1 and s.kind = 'paid'` + standing + ` group by 1) s on s.file_id = f.id
 where f.book_id = $1
 order by f.made_at desc, f.id desc limit $2`

	sqlSettlementInsert = `
insert into platform_settlement (book_id, id, campaign_id, file_id, fund_id, kind, day, gifts, match, bank_ref, reason, gift_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

	sqlBankRefKnown = `
select exists (select from platform_settlement s where s.book_id = $1 and s.file_id = $2 and s.bank_ref = $3` + standing + `)`

	// One that was taken back stands beside what took it back.
	sqlSettlements = `
select s.id, s.kind, s.day, sum(s.gifts)::int8, sum(s.match)::int8, s.bank_ref, s.reason,
       exists (select from platform_undo u where u.book_id = $1 and u.settlement_id = s.id)
  from platform_settlement s
 where s.book_id = $1 and s.file_id = $2 group by s.id, s.kind, s.day, s.bank_ref, s.reason
 union all
select u.entry_id, 'undone', u.day, -sum(s.gifts)::int8, -sum(s.match)::int8, '', u.reason, false
  from platform_settlement s join platform_undo u on u.book_id = $1 and u.settlement_id = s.id
 where s.book_id = $1 and s.file_id = $2 group by u.entry_id, u.day, u.reason
 order by 3, 1 limit 500`
)

// OpenOf is what the platform owes of a file, campaign by campaign.
func OpenOf(ctx context.Context, q pg.Querier, book *ledger.Book, f *File) ([]Open, error) {
	return openOf(ctx, q, book, f.ID)
}

func openOf(ctx context.Context, q pg.Querier, book *ledger.Book, file uuid.UUID) ([]Open, error) {
	rows, err := q.Query(ctx, sqlOpenOfFile, book.ID, file)
	if err != nil {
		return nil, fmt.Errorf("read what a platform owes: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Open])
}

// Story is a file with what became of it. Amounts are minor units of the book's currency.
type Story struct {
	ID        uuid.UUID
	Name      string
	State     string
	MadeAt    time.Time
	LastDay   *time.Time
	Platform  string
	Version   int32
	Lines     int64 // that were gifts
	Faults    int64
	OpenGifts int64
	OpenMatch int64
	Paid      int64
}

// Stories lists files, newest first.
func Stories(ctx context.Context, q pg.Querier, book *ledger.Book, limit int) ([]Story, error) {
	rows, err := q.Query(ctx, sqlOpenFiles, book.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("list platform files: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Story])
}

// Settlement is one step by which what a platform owes became less.
type Settlement struct {
	ID      uuid.UUID
	Kind    string // paid, fee, disallowed; undone for what takes one of them back, with sums below zero
	Day     time.Time
	Gifts   int64
	Match   int64
	BankRef string
	Reason  string
	Undone  bool // taken back since
}

// Settlements lists them for a file, oldest first.
func Settlements(ctx context.Context, q pg.Querier, book *ledger.Book, f *File) ([]Settlement, error) {
	rows, err := q.Query(ctx, sqlSettlements, book.ID, f.ID)
	if err != nil {
		return nil, fmt.Errorf("list settlements: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Settlement])
}

// matchLeaf is an account of match for a campaign.
func matchLeaf(id string, fund, campaign int32) ledger.Leaf {
	return ledger.Leaf{Chart: chart.ID(id), Fund: fund, Dims: ledger.Dims{Campaign: strconv.Itoa(int(campaign)), Instrument: giving.Platform.Code()}}
}

// Payment is money of a platform on the giving account (1002.02).
type Payment struct {
	Day     time.Time
	BankRef string // the bank's number of the line
	Gifts   int64  // of it for gifts
	Match   int64  // of it match
}

// Pay plans the settlement of a file by a bank line: what comes for gifts takes from the receivable, match that comes is
// a gift of the platform's foundation and its memo ends (E23a); where it was income already, it takes from what the foundation
// owes (E23b). What is less than the file says stays open.
// *giving.FieldErrors, giving.ErrStep.
func Pay(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, p Payment) (*giving.Move, error) {
	open, profile, err := f.owed(ctx, q, book)
	if err != nil {
		return nil, err
	}
	gifts, matched := sums(open)
	var wrong giving.FieldErrors
	wrong.Text("ref", p.BankRef, 1, 80)
	switch {
	case p.Gifts < 0 || p.Match < 0 || p.Gifts+p.Match == 0:
		wrong.Refuse("gifts", "offline.amount.wrong")
	case p.Gifts > gifts:
		wrong.Refuse("gifts", "platform.over", "most", money.Format(gifts, book.Currency))
	case p.Match > matched:
		wrong.Refuse("match", "platform.over", "most", money.Format(matched, book.Currency))
	}
	if f.LastDay != nil && p.Day.Before(*f.LastDay) {
		wrong.Refuse("day", "platform.day.before")
	}
	if err := f.unused(ctx, q, book, p.BankRef, &wrong); err != nil {
		return nil, err
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	earned, err := earnedOf(ctx, q, book, f)
	if err != nil {
		return nil, err
	}
	parts := split(open, p.Gifts, p.Match)
	m := &giving.Move{Object: f.Object(), Act: "platform-paid", Note: p.BankRef, Amount: p.Gifts + p.Match, Kind: ledger.KindPlatform, Day: p.Day}
	for _, o := range parts {
		if o.Gifts > 0 {
			m.Lines = append(m.Lines, ledger.Debit(giftBank(o.Fund), o.Gifts), ledger.Credit(giving.Receivable(o.Fund), o.Gifts))
		}
		if o.Match > 0 && len(earned) > 0 {
			m.Lines = append(m.Lines, ledger.Debit(giftBank(o.Fund), o.Match), ledger.Credit(match("ar.match", o), o.Match))
		}
		m.Lines = append(m.Lines, unearned(o)...)
	}
	m.Settle = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		given := earned
		if len(earned) == 0 {
			var err error
			if given, err = payMatch(ctx, tx, book, profile, p, parts, entry); err != nil {
				return err
			}
		}
		return settle(ctx, tx, book, f, Settlement{ID: entry, Kind: "paid", Day: p.Day, BankRef: p.BankRef}, parts, given)
	}
	return m, nil
}

// payMatch books the match that came as gifts of the platform's foundation, one for each campaign.
func payMatch(ctx context.Context, tx pgx.Tx, book *ledger.Book, profile *Profile, p Payment, parts []Open, entry uuid.UUID) (map[int32]uuid.UUID, error) {
	given := map[int32]uuid.UUID{}
	var paid []giving.Paid
	for _, o := range parts {
		if o.Match > 0 {
			paid = append(paid, giving.Paid{CampaignID: o.Campaign, FundID: o.Fund, Amount: o.Match, PaidAt: noon(book, p.Day), Channel: giving.Bank,
				Ref: fmt.Sprintf("%s/match/%s/%d", p.BankRef, entry, o.Campaign), Name: profile.Layout.Donor})
		}
	}
	outcomes, err := giving.Book(ctx, tx, book, paid)
	if err != nil {
		return nil, err
	}
	for i, o := range outcomes {
		if o.Err != nil {
			return nil, o.Err
		}
		given[paid[i].CampaignID] = o.ID
	}
	return given, nil
}

// unearned ends the memo of match that has come or will not come.
func unearned(o Open) []ledger.Line {
	if o.Match == 0 {
		return nil
	}
	return []ledger.Line{ledger.Debit(match("match.contra", o), o.Match), ledger.Credit(match("match.earned", o), o.Match)}
}

// owed is what stands open of a booked file, and its profile.
func (f *File) owed(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Open, *Profile, error) {
	if f.State != FileBooked {
		return nil, nil, giving.ErrStep
	}
	p, err := ProfileByID(ctx, q, book, *f.ProfileID)
	if err != nil {
		return nil, nil, err
	}
	open, err := openOf(ctx, q, book, f.ID)
	return open, p, err
}

// sums adds up what is open; what a platform paid too much for one campaign does not pay for another.
func sums(open []Open) (gifts, matched int64) {
	for _, o := range open {
		gifts, matched = gifts+max(o.Gifts, 0), matched+max(o.Match, 0)
	}
	return gifts, matched
}

// split gives each campaign its part of what came, in proportion to what is open.
func split(open []Open, gifts, matched int64) []Open {
	var owedGifts, owedMatch []int64
	for _, o := range open {
		owedGifts, owedMatch = append(owedGifts, max(o.Gifts, 0)), append(owedMatch, max(o.Match, 0))
	}
	g, m := money.Allocate(gifts, owedGifts), money.Allocate(matched, owedMatch)
	parts := make([]Open, len(open))
	for i, o := range open {
		parts[i] = Open{o.Campaign, o.Fund, g[i], m[i]}
	}
	return parts
}

// unused refuses a line of the bank that has paid the file already.
func (f *File) unused(ctx context.Context, q pg.Querier, book *ledger.Book, ref string, wrong *giving.FieldErrors) error {
	var known bool
	if err := q.QueryRow(ctx, sqlBankRefKnown, book.ID, f.ID, ref).Scan(&known); err != nil {
		return fmt.Errorf("look for settlement: %w", err)
	}
	if known {
		wrong.Refuse("ref", "offline.ref.used")
	}
	return nil
}

// settle writes down a settlement; it belongs to the entry that booked it. Steps of one file take turns by its row.
func settle(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File, s Settlement, parts []Open, given map[int32]uuid.UUID) error {
	if err := f.lock(ctx, tx, book); err != nil {
		return err
	}
	if s.BankRef != "" { // another may have been asked for at the same time
		var wrong giving.FieldErrors
		if err := cmp.Or(f.unused(ctx, tx, book, s.BankRef, &wrong), wrong.Err()); err != nil {
			return err
		}
	}
	for _, o := range parts {
		if o.Gifts+o.Match == 0 {
			continue
		}
		var gift *uuid.UUID
		if id, ok := given[o.Campaign]; ok && o.Match > 0 {
			gift = &id
		}
		if err := giving.Settled(ctx, tx, sqlSettlementInsert, book.ID, s.ID, o.Campaign, f.ID, o.Fund, s.Kind, s.Day, o.Gifts, o.Match, s.BankRef, s.Reason, gift); err != nil {
			return err
		}
	}
	now, err := openOf(ctx, tx, book, f.ID)
	if err != nil {
		return err
	}
	for _, o := range now {
		if o.Match < 0 || o.Gifts < 0 && !refundedMore(parts, o) {
			return giving.ErrStep // somebody settled it meanwhile
		}
	}
	return nil
}

// refundedMore tells that nothing of this step went to a campaign that is overpaid: a refund after the payment did it.
func refundedMore(parts []Open, o Open) bool {
	for _, p := range parts {
		if p.Campaign == o.Campaign && p.Gifts > 0 {
			return false
		}
	}
	return true
}

// giftBank is the account that platforms pay to.
func giftBank(fund int32) ledger.Leaf { return ledger.Leaf{Chart: "bank.online", Fund: fund} }

// noon stands for the time of day that a bank's list does not tell.
func noon(book *ledger.Book, day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, book.Zone)
}

const sqlFundOf = `select fund_id, code, kind, name_zh, name_en, purpose_zh, purpose_en, street_id, fee_bearer from fund where book_id = $1 and fund_id = $2`

func fundOf(ctx context.Context, q pg.Querier, book *ledger.Book, id int32) (*ledger.Fund, error) {
	return giving.Record[ledger.Fund](ctx, q, sqlFundOf, book.ID, id)
}
