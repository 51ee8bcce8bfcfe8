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
	id             int32
	leaf           Leaf
	unit           int16
	balance        int64
	seq            int64
	debits         int64
	floor, ceiling *int64
	readBalance    int64 // balance and seq as they stand in the database
	readSeq        int64
	touched        bool
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
  join fund f on f.book_id = $1 and f.fund_id = u.fund_id
returning account_id, leaf`

	sqlBalanceMake = `
insert into balance (book_id, account_id, balance, seq, debits, floor, ceiling)
select $1, u.account_id, 0, 0, 0, u.floor, u.ceiling
  from unnest($2::int4[], $3::int8[], $4::int8[]) u(account_id, floor, ceiling)`
)

func (s *state) scanHeld(rows pgx.Rows) error {
	var leaf uuid.UUID
	var h held
	_, err := pgx.ForEachRow(rows, []any{&leaf, &h.id, &h.unit, &h.balance, &h.seq, &h.debits, &h.floor, &h.ceiling}, func() error {
		one := h
		one.readBalance, one.readSeq = h.balance, h.seq
		s.held[leaf] = &one
		return nil
	})
	return err
}

// missing are the leaves of the batch that have no account yet.
func (s *state) missing() (leaves []Leaf, hashes []uuid.UUID) {
	for leaf, h := range s.hashes {
		if s.held[h] == nil {
			leaves, hashes = append(leaves, leaf), append(hashes, h)
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
	byHash := make(map[uuid.UUID]Leaf, n)
	for i, leaf := range leaves {
		if unit[i], err = leaf.unit(); err != nil {
			return err
		}
		fund[i], charts[i], ccy[i], dims[i] = leaf.Fund, string(leaf.Chart), leaf.Currency, leaf.dimsJSON()
		byHash[hashes[i]] = leaf
	}
	rows, err = tx.Query(ctx, sqlAccountMake, s.book.ID, fund, unit, charts, ccy, dims, hashes)
	if err != nil {
		return fmt.Errorf("make accounts: %w", err)
	}
	return s.holdMade(ctx, tx, rows, byHash)
}

// holdMade takes new accounts into the state and gives them their balance rows.
func (s *state) holdMade(ctx context.Context, tx pgx.Tx, rows pgx.Rows, byHash map[uuid.UUID]Leaf) error {
	var id int32
	var hash uuid.UUID
	var ids []int32
	var floors, ceilings []*int64
	_, err := pgx.ForEachRow(rows, []any{&id, &hash}, func() error {
		leaf := byHash[hash]
		h := &held{id: id, leaf: leaf}
		h.unit, _ = leaf.unit() // checked in makeAccounts
		h.floor, h.ceiling = guards(leaf)
		s.held[hash] = h
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
