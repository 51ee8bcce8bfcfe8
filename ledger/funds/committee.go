package funds

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
	"sunfund/ledger/law"
)

const seatsMax = 25

// Seats of a committee, and what was said from them.
const (
	Member     = "member"
	Supervisor = "supervisor"

	Yes     = "yes"
	No      = "no"
	Abstain = "abstain"
	Absent  = "absent"
	Heard   = "heard" // a supervisor has no vote
)

// Seat is one place in the committee, by what it stands for: "residents", "street office". Names are in the minutes.
type Seat struct {
	Seat     int16
	Kind     string
	Capacity string
	Vote     string
	Opinion  string
}

const (
	sqlSeats      = `select seat, kind, capacity, vote, opinion from fund_seat where book_id = $1 and file_id = $2 order by seat`
	sqlSeatInsert = `insert into fund_seat (book_id, file_id, seat, kind, capacity, vote, opinion) values ($1, $2, $3, $4, $5, $6, $7)`
	sqlSeatDrop   = `delete from fund_seat where book_id = $1 and file_id = $2 and seat = $3`
)

// Seats lists a file's committee.
func Seats(ctx context.Context, q pg.Querier, book *ledger.Book, file uuid.UUID) ([]Seat, error) {
	rows, err := q.Query(ctx, sqlSeats, book.ID, file)
	if err != nil {
		return nil, fmt.Errorf("list committee: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Seat])
}

// AddSeat plans one more place in the committee of an application. *giving.FieldErrors, giving.ErrStep.
func AddSeat(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, s Seat) (*giving.Move, error) {
	list, err := Seats(ctx, q, book, f.ID)
	if err != nil {
		return nil, err
	}
	if f.State != Draft || len(list) >= seatsMax {
		return nil, giving.ErrStep
	}
	if s.Seat = 1; len(list) > 0 {
		s.Seat = list[len(list)-1].Seat + 1
	}
	var wrong giving.FieldErrors
	wrong.Text("capacity", s.Capacity, 1, 60)
	wrong.Text("opinion", s.Opinion, 0, 400)
	switch s.Kind {
	case Member:
		if s.Vote != Yes && s.Vote != No && s.Vote != Abstain && s.Vote != Absent {
			wrong.Refuse("vote", "fundfile.seat.vote.wrong")
		}
	case Supervisor:
		if s.Vote != Heard && s.Vote != Absent {
			wrong.Refuse("vote", "fundfile.seat.supervisor.wrong")
		}
	default:
		wrong.Refuse("kind", "fundfile.seat.kind.wrong")
	}
	return f.move("fund-seat", s.Capacity, func(ctx context.Context, tx pgx.Tx) error {
		if err := f.becomes(ctx, tx, book, *f); err != nil {
			return err
		}
		return giving.Settled(ctx, tx, sqlSeatInsert, book.ID, f.ID, s.Seat, s.Kind, s.Capacity, s.Vote, s.Opinion)
	}), wrong.Err()
}

// DropSeat plans that a place that was entered wrongly is taken out again. giving.ErrStep.
func DropSeat(book *ledger.Book, f *File, seat int16) (*giving.Move, error) {
	if f.State != Draft {
		return nil, giving.ErrStep
	}
	return f.move("fund-seat-off", fmt.Sprint(seat), func(ctx context.Context, tx pgx.Tx) error {
		if err := f.becomes(ctx, tx, book, *f); err != nil {
			return err
		}
		return giving.Settled(ctx, tx, sqlSeatDrop, book.ID, f.ID, seat)
	}), nil
}

// Bench is what a committee needs to decide on a fund (R20 of package law).
type Bench struct {
	Members, Supervisors int64 // at least
	Odd                  bool  // its members are an odd number
}

// BenchOf is what a committee needs that decides on a day: nothing where no law of the book asks for anything.
func BenchOf(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) (b Bench, err error) {
	l, err := law.Read(ctx, q, book)
	if err != nil {
		return b, err
	}
	members, _ := l.Figure("R20", "committee", day)
	supervisors, _ := l.Figure("R20", "supervisors", day)
	odd, _ := l.Figure("R20", "odd", day)
	return Bench{Members: members.Number(), Supervisors: supervisors.Number(), Odd: odd.Value == "yes"}, nil
}

// Lacks says what a committee lacks to open a fund; nothing when it has decided soundly. Absent members count: a majority is one of all members.
// A supervisor who sits in is heard: the opinion is minuted.
func (b Bench) Lacks(seats []Seat) []giving.FieldError {
	var members, yes, supervisors, minuted int64
	for _, s := range seats {
		switch {
		case s.Kind == Member:
			members++
			if s.Vote == Yes {
				yes++
			}
		case s.Vote == Heard:
			supervisors++
			if s.Opinion != "" {
				minuted++
			}
		}
	}
	var wrong giving.FieldErrors
	say := func(lacks bool, key string, params ...string) {
		if lacks {
			wrong.Refuse("agreement", key, params...)
		}
	}
	say(members < b.Members, "fundfile.committee.few", "least", strconv.FormatInt(b.Members, 10))
	say(b.Odd && members%2 == 0, "fundfile.committee.even")
	say(supervisors < b.Supervisors, "fundfile.committee.supervisor", "least", strconv.FormatInt(b.Supervisors, 10))
	say(supervisors > 0 && minuted == 0, "fundfile.committee.opinion")
	say(2*yes <= members, "fundfile.committee.majority")
	return wrong.List
}
