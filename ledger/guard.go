package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/ledger/chart"
)

// GuardError says which guarded account would cross zero. It is ErrGuarded.
type GuardError struct {
	Leaf  Leaf
	After int64 // what the balance would be, debit positive
}

func (e *GuardError) Error() string {
	return fmt.Sprintf("account %s of fund %d would stand at %d", e.Leaf.Chart, e.Leaf.Fund, e.After)
}

// Is makes it ErrGuarded.
func (e *GuardError) Is(target error) bool { return target == ErrGuarded }

// ShortError says by how much a fund falls short. It is ErrShort.
type ShortError struct {
	Fund      int32
	Available int64 // before the entry, minor units
	Needed    int64 // what the entry takes
}

func (e *ShortError) Error() string {
	return fmt.Sprintf("fund %d has %d available, %d are needed", e.Fund, e.Available, e.Needed)
}

// Is makes it ErrShort.
func (e *ShortError) Is(target error) bool { return target == ErrShort }

// checkAccounts refuses an entry that would take a guarded account across zero, as it stands after the whole entry.
func (s *state) checkAccounts(d *draft) error {
	for i, side := range d.sides {
		if d.sawBefore(i) {
			continue
		}
		h := side.at
		if h.id == 0 {
			return fmt.Errorf("%w: fund %d", ErrUnknownAccount, h.leaf.Fund)
		}
		after := h.balance
		var err error
		for _, other := range d.sides[i:] {
			if other.at == h {
				if after, err = addSafe(after, other.amount); err != nil {
					return err
				}
			}
		}
		if h.floor != nil && after < *h.floor && after < h.balance || h.ceiling != nil && after > *h.ceiling && after > h.balance {
			return &GuardError{Leaf: h.leaf, After: after}
		}
	}
	return nil
}

// sawBefore tells whether an earlier line has the same leaf.
func (d *draft) sawBefore(i int) bool {
	for _, earlier := range d.sides[:i] {
		if earlier.at == d.sides[i].at {
			return true
		}
	}
	return false
}

// fundState is what a fund has to spend and to keep, read once a batch and moved along with it.
type fundState struct {
	kind      string
	voted     bool  // its residents decide what is spent
	lock      lock  // what its charter lets be spent
	available int64 // liquid less encumbered less reserved (accounting.md 1.4)
	net       int64 // net assets, credit positive
}

// effect is what one posting does to its fund's available money and net assets.
func effect(id chart.ID, amount int64) (available, net int64) {
	acct := chart.MustByID(id)
	available = amount * int64(acct.Liquid-acct.Commit)
	if holdsNetAssets(acct) {
		net = -amount
	}
	return available, net
}

// Lowers tells whether an entry takes available money or net assets from a fund: such an entry needs a second person.
func Lowers(e Entry) bool {
	type moved struct{ available, net int64 }
	funds := map[int32]moved{}
	for _, l := range e.Lines {
		a, n := effect(l.Leaf.Chart, l.Amount)
		f := funds[l.Leaf.Fund]
		funds[l.Leaf.Fund] = moved{f.available + a, f.net + n}
	}
	for _, f := range funds {
		if f.available < 0 || f.net < 0 {
			return true
		}
	}
	return false
}

func holdsNetAssets(acct chart.Account) bool {
	switch acct.Type {
	case chart.NetAssets, chart.Income, chart.Expense:
		return true
	}
	return acct.ID == "transfer" || acct.ID == "release.u" || acct.ID == "release.r"
}

// beyondVotes are the events that may lower what is available in a fund whose residents decide: the result of a vote itself, and money
// that goes back to where it came from. A contract turns what a vote set aside into an encumbrance, and so lowers nothing.
var beyondVotes = map[Kind]bool{KindReservation: true, KindCorrection: true, KindOpening: true, KindClose: true, KindSubsidy: true, KindLetter: true, KindReturn: true}

// checkFunds refuses an entry that spends what its fund does not have (I5, I6). What has already happened
// outside is booked all the same.
func (s *state) checkFunds(ctx context.Context, tx pgx.Tx, d *draft) (refused, err error) {
	if kinds[d.entry.Kind].outside {
		return nil, nil
	}
	for i, first := range d.sides {
		fund := first.at.leaf.Fund
		if d.sawFundBefore(i) {
			continue
		}
		var available, net int64
		locked := false
		for _, side := range d.sides[i:] {
			if side.at.leaf.Fund == fund {
				a, n := effect(side.at.leaf.Chart, side.amount)
				available, net = available+a, net+n
				locked = locked || underLock(side)
			}
		}
		if available >= 0 && net >= 0 && !locked {
			continue
		}
		f, err := s.fund(ctx, tx, fund)
		if err != nil {
			return nil, err
		}
		if f.kind == Agency {
			continue // its liability may not turn into a claim: the ceiling on 2601 guards it
		}
		if err := f.lock.check(d, fund); err != nil {
			return err, nil
		}
		if available < 0 && f.voted && !beyondVotes[d.entry.Kind] {
			return fmt.Errorf("%w: fund %d", ErrUndecided, fund), nil
		}
		if available < 0 && f.available+available < 0 {
			return &ShortError{Fund: fund, Available: f.available, Needed: -available}, nil
		}
		restricted := f.kind == Restricted || f.kind == Subsidy || f.kind == Endowment
		if restricted && net < 0 && f.net+net < 0 {
			return &ShortError{Fund: fund, Available: f.net, Needed: -net}, nil
		}
	}
	return nil, nil
}

func (d *draft) sawFundBefore(i int) bool {
	for _, earlier := range d.sides[:i] {
		if earlier.at.leaf.Fund == d.sides[i].at.leaf.Fund {
			return true
		}
	}
	return false
}

// applyFunds moves the funds already read along with an entry that was booked.
func (s *state) applyFunds(d *draft) {
	if len(s.funds) == 0 {
		return
	}
	for _, side := range d.sides {
		if f := s.funds[side.at.leaf.Fund]; f != nil {
			a, n := effect(side.at.leaf.Chart, side.amount)
			f.available, f.net = f.available+a, f.net+n
		}
	}
}

const (
	sqlFundKind = `
select f.kind, f.vote_required, coalesce(c.purposes, '{}'), c.opens_on, c.closes_on
  from fund f
  left join lateral (select purposes, opens_on, closes_on from fund_charter c
                      where c.book_id = $1 and c.fund_id = $2 order by c.version desc limit 1) c on true
 where f.book_id = $1 and f.fund_id = $2`

	sqlFundByChart = `
select a.chart, sum(b.balance)::int8
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.fund_id = $2 and a.ccy = $3
 group by a.chart`
)

// fund reads a fund's position under the lock. Balances that this batch has moved already are added.
func (s *state) fund(ctx context.Context, tx pgx.Tx, id int32) (*fundState, error) {
	if f := s.funds[id]; f != nil {
		return f, nil
	}
	f := &fundState{}
	if err := tx.QueryRow(ctx, sqlFundKind, s.book.ID, id).Scan(&f.kind, &f.voted, &f.lock.may, &f.lock.from, &f.lock.to); err != nil {
		return nil, fmt.Errorf("read fund %d: %w", id, err)
	}
	rows, err := tx.Query(ctx, sqlFundByChart, s.book.ID, id, s.book.Currency)
	if err != nil {
		return nil, fmt.Errorf("read fund %d: %w", id, err)
	}
	var chartID chart.ID
	var sum int64
	_, err = pgx.ForEachRow(rows, []any{&chartID, &sum}, func() error {
		a, n := effect(chartID, sum)
		f.available, f.net = f.available+a, f.net+n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read fund %d: %w", id, err)
	}
	s.addUnwritten(id, f)
	s.funds[id] = f
	return f, nil
}

// addUnwritten adds what entries of this batch have moved in the fund before it was read.
func (s *state) addUnwritten(fund int32, f *fundState) {
	for _, h := range s.held {
		if h.leaf.Fund == fund && h.leaf.Currency == s.book.Currency && h.touched {
			a, n := effect(h.leaf.Chart, h.balance-h.readBalance)
			f.available, f.net = f.available+a, f.net+n
		}
	}
}

// refusal names what PostgreSQL refused at the last moment.
func refusal(err error) error {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return fmt.Errorf("write entries: %w", err)
	}
	switch pgErr.ConstraintName {
	case "entry_reverses":
		return fmt.Errorf("write entries: %w: %w", ErrReversed, err)
	case "entry_balances":
		return fmt.Errorf("write entries: %w: %w", ErrUnbalanced, err)
	case "period_open":
		return fmt.Errorf("write entries: %w: %w", ErrPeriodClosed, err)
	case "balance_floor", "balance_ceiling":
		return fmt.Errorf("write entries: %w: %w", ErrGuarded, err)
	case "entry_pkey", "entry_book_id_key_key":
		return fmt.Errorf("write entries: %w: %w", ErrKeyReused, err)
	case "posting_pkey":
		return fmt.Errorf("write entries: %w: %w", ErrStale, err)
	}
	return fmt.Errorf("write entries: %w", err)
}
