package polls

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/projects/votes"
)

// Marks writes a ballot by places: "1:1,3:2". The order is that of the places.
func Marks(p *Poll, b votes.Ballot) string {
	marks := slices.Clone(b)
	slices.SortFunc(marks, func(a, b votes.Mark) int { return a.Option - b.Option })
	var parts []string
	for _, m := range marks {
		parts = append(parts, fmt.Sprintf("%d:%d", p.Options[m.Option].Place, m.Points))
	}
	return strings.Join(parts, ",")
}

// ReadMarks reads what Marks writes. *votes.BallotError.
func ReadMarks(p *Poll, text string) (b votes.Ballot, err error) {
	if text == "" {
		return nil, nil
	}
	for _, part := range strings.Split(text, ",") {
		place, points, _ := strings.Cut(part, ":")
		at, err := strconv.ParseInt(place, 10, 16)
		i := slices.IndexFunc(p.Options, func(c Choice) bool { return int64(c.Place) == at })
		n := 1
		if err == nil && points != "" {
			n, err = strconv.Atoi(points)
		}
		if err != nil || i < 0 {
			return nil, &votes.BallotError{Reason: votes.Unknown}
		}
		b = append(b, votes.Mark{Option: i, Points: n})
	}
	return b, nil
}

const (
	sqlPollLock  = `select state, closes_at from poll where book_id = $1 and id = $2 for share`
	sqlPollHold  = `select state from poll where book_id = $1 and id = $2 for update`
	sqlVoterAdd  = `insert into poll_voter (book_id, poll_id, resident_id, channel) values ($1, $2, $3, $4) on conflict do nothing`
	sqlVoter     = `select channel from poll_voter where book_id = $1 and poll_id = $2 and resident_id = $3`
	sqlPollKeyIs = `select key_id, key from private.poll_key where book_id = $1 and poll_id = $2`
	sqlCast      = `
insert into private.poll_cast (book_id, poll_id, resident_id, marks) values ($1, $2, $3, $4)
on conflict (book_id, poll_id, resident_id) do update set marks = excluded.marks`
	sqlCastIs = `select marks from private.poll_cast where book_id = $1 and poll_id = $2 and resident_id = $3`
	sqlCasts  = `select resident_id, marks from private.poll_cast where book_id = $1 and poll_id = $2`

	sqlCastsForget = `delete from private.poll_cast where book_id = $1 and poll_id = $2`
	sqlKeyForget   = `delete from private.poll_key where book_id = $1 and poll_id = $2`
	sqlBallotAdd   = `insert into poll_ballot (book_id, poll_id, n, channel, marks) values ($1, $2, $3, $4, $5)`
	sqlBallots     = `select marks from poll_ballot where book_id = $1 and poll_id = $2 order by n`
	sqlPollClose   = `update poll set state = 'closed', closed_at = $3 where book_id = $1 and id = $2 and state = 'open'`
	sqlPollsEnded  = `select id from poll where book_id = $1 and state = 'open' and closes_at <= $2 limit 100`
)

func pollPlace(book *ledger.Book, poll uuid.UUID) string {
	return fmt.Sprintf("book %d vote %s", book.ID, poll)
}

func castPlace(book *ledger.Book, poll, resident uuid.UUID) string {
	return pollPlace(book, poll) + " of " + resident.String()
}

// key opens the vote's key. ledger.ErrNoKeys, seal's errors; ErrNotOpen when it is gone.
func (p *Poll) key(ctx context.Context, q pg.Querier, book *ledger.Book) (seal.Key, error) {
	if book.Keys == nil {
		return seal.Key{}, ledger.ErrNoKeys
	}
	var w seal.Wrapped
	err := q.QueryRow(ctx, sqlPollKeyIs, book.ID, p.ID).Scan(&w.By, &w.Key)
	if errors.Is(err, pgx.ErrNoRows) {
		return seal.Key{}, ErrNotOpen
	}
	if err != nil {
		return seal.Key{}, fmt.Errorf("read key of vote: %w", err)
	}
	return book.Keys.Unwrap(w, pollPlace(book, p.ID))
}

// entitled holds the resident to the vote and the vote to the moment. It keeps the vote from closing until the transaction ends.
func (p *Poll) entitled(ctx context.Context, tx pgx.Tx, book *ledger.Book, r *residents.Resident, now time.Time) error {
	var state string
	var closes time.Time
	if err := tx.QueryRow(ctx, sqlPollLock, book.ID, p.ID).Scan(&state, &closes); err != nil {
		return fmt.Errorf("hold vote: %w", err)
	}
	if state != Open || now.Before(p.OpensAt) || !now.Before(closes) {
		return ErrNotOpen
	}
	if !slices.Contains(p.Communities, r.CommunityID) {
		return ErrNotEntitled
	}
	return nil
}

// vote notes by which channel the resident votes; only the first one counts. ErrVoted.
func (p *Poll) vote(ctx context.Context, tx pgx.Tx, book *ledger.Book, r *residents.Resident, channel string) error {
	if _, err := tx.Exec(ctx, sqlVoterAdd, book.ID, p.ID, r.ID, channel); err != nil {
		return fmt.Errorf("note voter: %w", err)
	}
	if has, err := Voted(ctx, tx, book, p, r); err != nil || has != channel {
		return errors.Join(err, ErrVoted)
	}
	return nil
}

// Cast puts the resident's ballot in, in place of one before. *votes.BallotError, ErrNotOpen, ErrNotEntitled, ErrVoted on paper.
func Cast(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *Poll, r *residents.Resident, b votes.Ballot, now time.Time) error {
	if err := p.entitled(ctx, tx, book, r, now); err != nil {
		return err
	}
	if err := p.Election(book.Currency, "zh-CN").Accepts(b); err != nil {
		return err
	}
	if err := p.vote(ctx, tx, book, r, "online"); err != nil {
		return err
	}
	key, err := p.key(ctx, tx, book)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlCast, book.ID, p.ID, r.ID, key.Seal(castPlace(book, p.ID, r.ID), Marks(p, b))); err != nil {
		return fmt.Errorf("put ballot in: %w", err)
	}
	return nil
}

// Mine is the resident's ballot while the vote is open; nil when there is none, or none any more.
func Mine(ctx context.Context, q pg.Querier, book *ledger.Book, p *Poll, r *residents.Resident) (votes.Ballot, error) {
	var sealed []byte
	err := q.QueryRow(ctx, sqlCastIs, book.ID, p.ID, r.ID).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ballot: %w", err)
	}
	key, err := p.key(ctx, q, book)
	if err != nil {
		return nil, err
	}
	marks, err := key.Open(castPlace(book, p.ID, r.ID), sealed)
	if err != nil {
		return nil, fmt.Errorf("open ballot: %w", err)
	}
	return ReadMarks(p, marks)
}

// Voted is by which channel a resident has voted: online, paper, or empty.
func Voted(ctx context.Context, q pg.Querier, book *ledger.Book, p *Poll, r *residents.Resident) (channel string, err error) {
	err = q.QueryRow(ctx, sqlVoter, book.ID, p.ID, r.ID).Scan(&channel)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read voter: %w", err)
	}
	return channel, nil
}

// Ended lists the open votes whose time is over.
func Ended(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, sqlPollsEnded, book.ID, now)
	if err != nil {
		return nil, fmt.Errorf("look for votes that end: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// Close ends the voting once its time is over: the ballots are written without names in the order of their content, and what linked them
// to residents is deleted with the key that sealed it. ErrNotOpen before its time, and when it is closed already.
func Close(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *Poll, now time.Time) error {
	var state string
	if err := tx.QueryRow(ctx, sqlPollHold, book.ID, p.ID).Scan(&state); err != nil {
		return fmt.Errorf("hold vote: %w", err)
	}
	if state != Open || now.Before(p.ClosesAt) {
		return ErrNotOpen
	}
	key, err := p.key(ctx, tx, book)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, sqlCasts, book.ID, p.ID)
	if err != nil {
		return fmt.Errorf("read ballots: %w", err)
	}
	var all []string
	var resident uuid.UUID
	var sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&resident, &sealed}, func() error {
		marks, err := key.Open(castPlace(book, p.ID, resident), sealed)
		all = append(all, marks)
		return err
	})
	if err != nil {
		return fmt.Errorf("read ballots: %w", err)
	}
	if err := p.keep(ctx, tx, book, all, 0, "online"); err != nil {
		return err
	}
	if err := forget(ctx, tx, book, p); err != nil {
		return err
	}
	return giving.Settled(ctx, tx, sqlPollClose, book.ID, p.ID, now)
}

// keep writes ballots without names, numbered after n.
func (p *Poll) keep(ctx context.Context, tx pgx.Tx, book *ledger.Book, marks []string, n int, channel string) error {
	slices.Sort(marks)
	b := &pgx.Batch{}
	for i, m := range marks {
		b.Queue(sqlBallotAdd, book.ID, p.ID, n+i+1, channel, m)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("keep ballots: %w", err)
	}
	return nil
}

// forget deletes what links ballots to residents.
func forget(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *Poll) error {
	for _, sql := range []string{sqlCastsForget, sqlKeyForget} {
		if _, err := tx.Exec(ctx, sql, book.ID, p.ID); err != nil {
			return fmt.Errorf("forget who cast what: %w", err)
		}
	}
	return nil
}

// ballots reads those without names.
func ballots(ctx context.Context, q pg.Querier, book *ledger.Book, p *Poll) (list []votes.Ballot, err error) {
	rows, err := q.Query(ctx, sqlBallots, book.ID, p.ID)
	if err != nil {
		return nil, fmt.Errorf("read ballots: %w", err)
	}
	var marks string
	_, err = pgx.ForEachRow(rows, []any{&marks}, func() error {
		b, err := ReadMarks(p, marks)
		list = append(list, b)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read ballots: %w", err)
	}
	return list, nil
}

const (
	sqlPollKeysBehind = `
select poll_id::text, key_id, key from private.poll_key where book_id = $1 and poll_id::text > $2 and key_id <> $3 order by poll_id::text limit $4 for update`

	sqlPollKeyRewrap = `update private.poll_key set key_id = $3, key = $4 where book_id = $1 and poll_id = $2::text::uuid`
)

// Rewrap wraps the keys of open votes by the first key of the book's ring, and says how many.
func Rewrap(ctx context.Context, db pg.Beginner, book *ledger.Book) (int, error) {
	return giving.Rewrap(ctx, db, book, giving.Wraps{What: "votes", Behind: sqlPollKeysBehind, Update: sqlPollKeyRewrap,
		Place: func(id string) string { return pollPlace(book, uuid.MustParse(id)) }})
}
