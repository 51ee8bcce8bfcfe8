package giving

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/money"
)

// Kinds of pools.
const (
	// PoolPromised is promised by somebody outside: a memo (E21) until the money comes, which is income then (E23).
	PoolPromised = "promised"
	// PoolFund is money that lies in a fund of the book, the association's own or a funder's that was received: it is
	// reserved there (9301) from the start and moved to the campaigns' funds when it is settled (E28). No income again.
	PoolFund = "fund"
)

// PoolPlan says how a pool of a rule is kept.
type PoolPlan struct {
	Code   string `json:"code"`
	Kind   string `json:"kind"`
	FundID int32  `json:"fund,omitempty"`   // the fund that the money lies in; for a promised pool the fund that keeps its memo, the general fund when 0
	Funder string `json:"funder,omitempty"` // from FunderDonor: gifts of this donor are those of a funder; empty when unknown
}

// RuleVersion is a published rule.
type RuleVersion struct {
	Event       int32
	Version     int32
	From        time.Time // of the first gift that it decides, by the time it was paid
	Hash        []byte
	Terms       string // the bytes that were hashed
	PublishedAt time.Time
}

// Rule reads the terms. ErrEventUnread when they are not what was hashed.
func (v *RuleVersion) Rule() (*match.Rule, error) {
	if hash := sha256.Sum256([]byte(v.Terms)); !bytes.Equal(hash[:], v.Hash) {
		return nil, fmt.Errorf("%w: the terms are not those of the hash", ErrEventUnread)
	}
	rule, err := match.Parse([]byte(v.Terms))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEventUnread, err)
	}
	return rule, nil
}

const (
	sqlEventLock = `select state from match_event where book_id = $1 and event_id = $2 for update`

	sqlRuleInsert = `
insert into match_rule (book_id, event_id, version, from_at, hash, terms, published_at, by_person, second)
values ($1, $2, (select coalesce(max(version), 0) + 1 from match_rule where book_id = $1 and event_id = $2), $3, $4, $5, $6, $7, $8)
returning version`

	sqlRuleVersions = `
select event_id, version, from_at, hash, terms, published_at from match_rule where book_id = $1 and event_id = $2 order by version desc`

	sqlRuleByHash = `
select event_id, version, from_at, hash, terms, published_at from match_rule where book_id = $1 and event_id = $2 and hash = $3 order by version desc limit 1`

	sqlPoolInsert = `
insert into match_pool (book_id, event_id, code, kind, fund_id, amount, funder, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`

	sqlPoolAmount = `update match_pool set amount = $4 where book_id = $1 and event_id = $2 and code = $3`

	sqlPoolFundKind = `select kind from fund where book_id = $1 and fund_id = $2`

	sqlEventsOpen = `select count(*) from match_event where book_id = $1 and state = 'open'`

	sqlEventState = `
update match_event set state = $3, opened_at = case when $3 = 'open' then $4 else opened_at end, closed_at = case when $3 = 'closed' then $4 else closed_at end
 where book_id = $1 and event_id = $2 and state = $5`

	sqlSeedRead   = `select sealed_by, sealed_key, sealed, seed from match_seed where book_id = $1 and event_id = $2`
	sqlSeedReveal = `
update match_seed set sealed_by = null, sealed_key = null, sealed = null, seed = $3, revealed_at = $4 where book_id = $1 and event_id = $2 and seed is null`
)

// PublishRule publishes a version of an event's rule, in force for gifts paid from then on, and books what its pools have become larger by
// (E21; a pool of our own money is reserved in its fund). Every pool of the rule that the event does not have yet needs a plan. The
// same rule published again for the same moment gives its version. Sign.Second is who approved it.
// ErrRuleLate, ErrPools, ErrEventState, money.ErrCurrency, ledger.ErrSamePerson, ledger.ErrShort, ledger.ErrNoFund.
func PublishRule(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, rule *match.Rule, from time.Time, plans []PoolPlan, s Sign) (*RuleVersion, error) {
	if err := s.two(); err != nil {
		return nil, err
	}
	state, err := lockEvent(ctx, tx, book, event)
	if err != nil {
		return nil, err
	}
	hash := rule.Hash()
	if known, err := Record[RuleVersion](ctx, tx, sqlRuleByHash, book.ID, event, hash[:]); err == nil && known.From.Equal(from) {
		return known, nil
	} else if err != nil && !errors.Is(err, ErrNoRecord) {
		return nil, err
	}
	terms := rule.Terms()
	switch {
	case state != EventDraft && state != EventOpen:
		return nil, ErrEventState
	case from.Before(s.At):
		return nil, ErrRuleLate
	case terms.Currency != book.Currency:
		return nil, fmt.Errorf("%w: %s", money.ErrCurrency, terms.Currency)
	}
	if err := keepPools(ctx, tx, book, event, terms, plans, s); err != nil {
		return nil, err
	}
	v := &RuleVersion{Event: event, From: from, Hash: hash[:], Terms: string(rule.JSON()), PublishedAt: s.At}
	if err := tx.QueryRow(ctx, sqlRuleInsert, book.ID, event, from, v.Hash, v.Terms, s.At, s.By, s.Second).Scan(&v.Version); err != nil {
		return nil, fmt.Errorf("publish rule: %w", err)
	}
	return v, nil
}

// two holds a step to two people.
func (s *Sign) two() error {
	if s.Second == uuid.Nil || s.Second == s.By {
		return ledger.ErrSamePerson
	}
	return nil
}

// lockEvent keeps all else from the event until the transaction ends: gifts are decided under the same lock.
func lockEvent(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32) (state string, err error) {
	if err := ledger.LockBook(ctx, tx, book); err != nil {
		return "", err
	}
	err = tx.QueryRow(ctx, sqlEventLock, book.ID, event).Scan(&state)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrNoEvent
	}
	if err != nil {
		return "", fmt.Errorf("lock event: %w", err)
	}
	return state, nil
}

// keepPools makes new pools, lets old ones grow, and books the difference: one entry a pool.
func keepPools(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, terms match.Terms, plans []PoolPlan, s Sign) error {
	known, err := poolsOf(ctx, tx, book, event)
	if err != nil {
		return err
	}
	planned := map[string]PoolPlan{}
	for _, p := range plans {
		planned[p.Code] = p
	}
	var entries []ledger.Entry
	named := map[string]bool{}
	for _, t := range terms.Pools {
		named[t.Code] = true
		amount, err := money.Parse(t.Amount, book.Currency)
		if err != nil {
			return fmt.Errorf("pool %s: %w", t.Code, err)
		}
		p := known[t.Code]
		if p == nil {
			plan, ok := planned[t.Code]
			if !ok {
				return fmt.Errorf("%w: nobody said how pool %s is kept", ErrPools, t.Code)
			}
			if p, err = makePool(ctx, tx, book, event, plan, amount, s); err != nil {
				return err
			}
			p.amount = 0
		} else if _, err := tx.Exec(ctx, sqlPoolAmount, book.ID, event, t.Code, amount); err != nil {
			return fmt.Errorf("keep pool %s: %w", t.Code, err)
		}
		if amount < p.amount {
			return fmt.Errorf("%w: %s would become smaller", ErrPools, t.Code)
		}
		if more := amount - p.amount; more > 0 {
			entries = append(entries, p.entry(book, s, "承诺配捐池 Match pool pledged: "+t.Code, s.At, p.pledge(more)))
		}
	}
	for code := range known {
		if !named[code] {
			return fmt.Errorf("%w: %s is missing", ErrPools, code)
		}
	}
	return postAll(ctx, tx, book, entries)
}

func makePool(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, plan PoolPlan, amount int64, s Sign) (*matchPool, error) {
	p := &matchPool{event: event, code: plan.Code, kind: plan.Kind, fund: plan.FundID, amount: amount, funder: plan.Funder}
	var err error
	if p.fund == 0 && p.kind == PoolPromised {
		if p.fund, err = GeneralFund(ctx, tx, book); err != nil {
			return nil, err
		}
	}
	var kind string
	err = tx.QueryRow(ctx, sqlPoolFundKind, book.ID, p.fund).Scan(&kind)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, ledger.ErrNoFund
	case err != nil:
		return nil, fmt.Errorf("read fund of pool: %w", err)
	case p.kind != PoolPromised && p.kind != PoolFund, kind == ledger.Agency,
		p.kind == PoolFund && kind != ledger.General && kind != ledger.Designated && kind != ledger.Restricted:
		return nil, fmt.Errorf("%w: %s %s in a fund of kind %s", ErrPools, p.kind, p.code, kind)
	}
	if _, err := tx.Exec(ctx, sqlPoolInsert, book.ID, event, p.code, p.kind, p.fund, amount, p.funder, s.At); err != nil {
		return nil, fmt.Errorf("make pool %s: %w", p.code, err)
	}
	return p, nil
}

// poolsOf are the pools of an event by their code.
func poolsOf(ctx context.Context, q pg.Querier, book *ledger.Book, event int32) (map[string]*matchPool, error) {
	rows, err := q.Query(ctx, sqlMatchPools, book.ID, []int32{event})
	if err != nil {
		return nil, fmt.Errorf("read pools: %w", err)
	}
	pools := map[string]*matchPool{}
	var p matchPool
	_, err = pgx.ForEachRow(rows, []any{&p.event, &p.code, &p.kind, &p.fund, &p.amount, &p.funder}, func() error {
		pool := p
		pools[p.code] = &pool
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read pools: %w", err)
	}
	return pools, nil
}

// pledge is E21; a negative amount takes it back. Money of our own is reserved in its fund by the same entry.
func (p *matchPool) pledge(amount int64) []ledger.Line {
	lines := []ledger.Line{{Leaf: p.leaf("match.pledged", 0), Amount: amount}, {Leaf: p.leaf("match.contra", 0), Amount: -amount}}
	if p.kind == PoolFund {
		lines = append(lines, p.reserve(amount)...)
	}
	return lines
}

// reserve keeps own money for the pool, or lets it go.
func (p *matchPool) reserve(amount int64) []ledger.Line {
	return []ledger.Line{{Leaf: p.leaf("resv", 0), Amount: amount}, {Leaf: p.leaf("resv.contra", 0), Amount: -amount}}
}

// entry is a voucher about the pool. What only moves a promise has happened outside; what takes own money must find it.
func (p *matchPool) entry(book *ledger.Book, s Sign, summary string, day time.Time, lines []ledger.Line) ledger.Entry {
	kind := ledger.KindMatch
	if p.kind == PoolFund {
		kind = ledger.KindMatchFund
	}
	return ledger.Entry{Kind: kind, EffectiveOn: book.Day(day), Actor: s.By, Lines: lines,
		Document: &ledger.Document{Summary: summary, SourceKind: "match", SourceRef: poolTag(p.event, p.code), MadeBy: s.Made, CheckedBy: s.Check}}
}

// postAll books entries of which none may be refused.
func postAll(ctx context.Context, tx pgx.Tx, book *ledger.Book, entries []ledger.Entry) error {
	results, err := ledger.Post(ctx, tx, book, entries)
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
}

// RuleVersions lists the versions of an event's rule, newest first.
func RuleVersions(ctx context.Context, q pg.Querier, book *ledger.Book, event int32) ([]RuleVersion, error) {
	rows, err := q.Query(ctx, sqlRuleVersions, book.ID, event)
	if err != nil {
		return nil, fmt.Errorf("list rules: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[RuleVersion])
}

// OpenEvent lets gifts be matched: those booked from now on, paid since the rule is in force. ErrEventState when it is no draft, has no
// rule, or EventsOpen are open.
func OpenEvent(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, now time.Time) error {
	if _, err := lockEvent(ctx, tx, book, event); err != nil {
		return err
	}
	versions, err := RuleVersions(ctx, tx, book, event)
	if err != nil {
		return err
	}
	var open int
	if err := tx.QueryRow(ctx, sqlEventsOpen, book.ID).Scan(&open); err != nil {
		return fmt.Errorf("count open events: %w", err)
	}
	if len(versions) == 0 || open >= EventsOpen {
		return ErrEventState
	}
	return eventMoves(ctx, tx, book, event, EventDraft, EventOpen, now)
}

// CloseEvent ends the matching: no gift that is booked afterwards is decided. ErrEventState when it is not open.
func CloseEvent(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, now time.Time) error {
	if _, err := lockEvent(ctx, tx, book, event); err != nil {
		return err
	}
	return eventMoves(ctx, tx, book, event, EventOpen, EventClosed, now)
}

func eventMoves(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, from, to string, now time.Time) error {
	if err := Settled(ctx, tx, sqlEventState, book.ID, event, to, now, from); errors.Is(err, ErrStep) {
		return ErrEventState
	} else if err != nil {
		return err
	}
	return nil
}

// RevealSeed tells the seed of a closed event, so that everybody can draw again. Told before, it stays as it is. ErrEventState.
func RevealSeed(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, now time.Time) (match.Seed, error) {
	state, err := lockEvent(ctx, tx, book, event)
	if err != nil {
		return match.Seed{}, err
	}
	if state != EventClosed && state != EventEnded {
		return match.Seed{}, ErrEventState
	}
	seed, err := readSeed(ctx, tx, book, event)
	if err != nil {
		return match.Seed{}, err
	}
	if _, err := tx.Exec(ctx, sqlSeedReveal, book.ID, event, seed.String(), now); err != nil {
		return match.Seed{}, fmt.Errorf("reveal seed: %w", err)
	}
	return seed, nil
}

func readSeed(ctx context.Context, q pg.Querier, book *ledger.Book, event int32) (match.Seed, error) {
	var s sealedSeed
	err := q.QueryRow(ctx, sqlSeedRead, book.ID, event).Scan(&s.by, &s.key, &s.box, &s.told)
	if errors.Is(err, pgx.ErrNoRows) {
		return match.Seed{}, fmt.Errorf("%w: it has no seed", ErrEventUnread)
	}
	if err != nil {
		return match.Seed{}, fmt.Errorf("read seed: %w", err)
	}
	seed, err := s.open(book, event)
	if err != nil && !errors.Is(err, ledger.ErrNoKeys) {
		err = fmt.Errorf("%w: %w", ErrEventUnread, err)
	}
	return seed, err
}
