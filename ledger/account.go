package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/chart"
)

// held is a leaf account with what it holds at this point of the batch.
type held struct {
	leaf Leaf
	hash uuid.UUID
	unit int16
	err  error // why no entry may use the leaf

	wanted         bool  // an entry of the batch uses it
	id             int32 // 0 as long as there is no account
	balance        int64
	seq            int64
	debits         int64
	floor, ceiling *int64
	readBalance    int64 // as it stands in the database
	touched        bool
}

// leaves are the leaves that a batch speaks of. What costs time is worked out once for each, not for each line.
type leaves map[Leaf]*held

func (ls leaves) of(leaf Leaf) *held {
	h := ls[leaf]
	if h == nil {
		h = &held{leaf: leaf, hash: leaf.hash()}
		if h.unit, h.err = leaf.unit(); h.err == nil && !leaf.Dims.storable() {
			h.err = fmt.Errorf("%w: %s has a tag that cannot be stored", ErrUnknownAccount, leaf.Chart)
		}
		ls[leaf] = h
	}
	return h
}

const (
	// Probes by index one leaf at a time: a join planned on the empty tables of a new book scans.
	sqlHeld = `
select u.leaf, a.account_id, a.unit, b.balance, b.seq, b.debits, b.floor, b.ceiling
  from unnest($2::uuid[]) u(leaf)
 cross join lateral (select account_id, unit from account where book_id = $1 and leaf = u.leaf limit 1) a
 cross join lateral (select balance, seq, debits, floor, ceiling from balance
                      where book_id = $1 and account_id = a.account_id limit 1) b`

	// A leaf of a fund that is not there is not made; the entry that names it is refused.
	sqlAccountMake = `
insert into account (book_id, account_id, fund_id, unit, chart, ccy, dims, leaf)
select $1, (select coalesce(max(account_id), 0) from account where book_id = $1) + row_number() over (order by u.leaf),
       u.fund_id, u.unit, u.chart, u.ccy, u.dims::jsonb, u.leaf
  from unnest($2::int4[], $3::int2[], $4::text[], $5::text[], $6::text[], $7::uuid[]) u(fund_id, unit, chart, ccy, dims, leaf)
 cross join lateral (select from fund where book_id = $1 and fund_id = u.fund_id limit 1) f
returning account_id, leaf`

	sqlBalanceMake = `
insert into balance (book_id, account_id, balance, seq, debits, floor, ceiling)
select $1, u.account_id, 0, 0, 0, u.floor, u.ceiling
  from unnest($2::int4[], $3::int8[], $4::int8[]) u(account_id, floor, ceiling)`
)

func (s *state) scanHeld(rows pgx.Rows) error {
	var leaf uuid.UUID
	var id int32
	var unit int16
	var balance, seq, debits int64
	var floor, ceiling *int64
	_, err := pgx.ForEachRow(rows, []any{&leaf, &id, &unit, &balance, &seq, &debits, &floor, &ceiling}, func() error {
		h := s.held[leaf]
		h.id, h.unit, h.balance, h.seq, h.debits, h.floor, h.ceiling = id, unit, balance, seq, debits, floor, ceiling
		h.readBalance = balance
		return nil
	})
	return err
}

// missing are the leaves of the batch that have no account yet.
func (s *state) missing() (leaves []*held, hashes []uuid.UUID) {
	for hash, h := range s.held {
		if h.id == 0 {
			leaves, hashes = append(leaves, h), append(hashes, hash)
		}
	}
	return leaves, hashes
}

// makeAccounts makes the leaves that nobody has used before.
func (s *state) makeAccounts(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, sqlLock, s.book.ID, lockAccounts); err != nil {
		return fmt.Errorf("lock accounts: %w", err)
	}
	_, hashes := s.missing()
	rows, err := tx.Query(ctx, sqlHeld, s.book.ID, hashes) // another lane may have made some while we waited
	if err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	if err := s.scanHeld(rows); err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	leaves, hashes := s.missing()
	if len(leaves) == 0 {
		return nil
	}
	n := len(leaves)
	fund, unit := make([]int32, n), make([]int16, n)
	charts, ccy, dims := make([]string, n), make([]string, n), make([]string, n)
	for i, h := range leaves {
		leaf := h.leaf
		fund[i], unit[i], charts[i], ccy[i], dims[i] = leaf.Fund, h.unit, string(leaf.Chart), leaf.Currency, leaf.dimsJSON()
	}
	rows, err = tx.Query(ctx, sqlAccountMake, s.book.ID, fund, unit, charts, ccy, dims, hashes)
	if err != nil {
		return fmt.Errorf("make accounts: %w", err)
	}
	return s.holdMade(ctx, tx, rows)
}

// holdMade takes new accounts into the state and gives them their balance rows.
func (s *state) holdMade(ctx context.Context, tx pgx.Tx, rows pgx.Rows) error {
	var id int32
	var hash uuid.UUID
	var ids []int32
	var floors, ceilings []*int64
	_, err := pgx.ForEachRow(rows, []any{&id, &hash}, func() error {
		h := s.held[hash]
		h.id = id
		h.floor, h.ceiling = guards(h.leaf)
		ids, floors, ceilings = append(ids, id), append(floors, h.floor), append(ceilings, h.ceiling)
		return nil
	})
	if err != nil {
		return fmt.Errorf("make accounts: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlBalanceMake, s.book.ID, ids, floors, ceilings); err != nil {
		return fmt.Errorf("make balances: %w", err)
	}
	return nil
}

// guards are the bounds of a new account, from the chart.
func guards(leaf Leaf) (floor, ceiling *int64) {
	zero := int64(0)
	switch chart.MustByID(leaf.Chart).Guard {
	case chart.GuardFloor:
		return &zero, nil
	case chart.GuardCeiling:
		return nil, &zero
	}
	return nil, nil
}
