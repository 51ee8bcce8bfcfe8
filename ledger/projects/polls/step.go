package polls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/votes"
)

const (
	sqlPollNext = `select coalesce(max(number), 0) + 1 from poll where book_id = $1`

	sqlPollInsert = `
insert into poll (book_id, id, number, fund_id, street_id, title_zh, title_en, paper_at, budget, rule, opens_at, closes_at, state, made_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'draft', $13)`

	sqlPollCommunity = `insert into poll_community (book_id, poll_id, community_id) values ($1, $2, $3)`

	sqlPollPlace = `
select f.kind, coalesce(f.street_id, 0), (select count(*) from community c where c.book_id = $1 and c.community_id = any($3::int4[]) and c.street_id = $4)
  from fund f where f.book_id = $1 and f.fund_id = $2`

	sqlPollOption = `
insert into poll_option (book_id, poll_id, place, title_zh, title_en, about, cost)
select $1, $2, coalesce((select max(place) from poll_option where book_id = $1 and poll_id = $2), 0) + 1, $3, $4, $5, $6 from poll where book_id = $1 and id = $2 and state = 'draft'`

	sqlPollOptionDrop = `
delete from poll_option o using poll p where o.book_id = $1 and o.poll_id = $2 and o.place = $3 and p.book_id = $1 and p.id = $2 and p.state = 'draft'`

	sqlPollPublish = `update poll set state = 'open', rule_hash = $3, published_at = $4 where book_id = $1 and id = $2 and state = 'draft'`
	sqlPollKey     = `insert into private.poll_key (book_id, poll_id, key_id, key) values ($1, $2, $3, $4)`
	sqlPollVoid    = `update poll set state = 'void' where book_id = $1 and id = $2 and state = $3`

	sqlFundVoted   = `update fund set vote_required = $3 where book_id = $1 and fund_id = $2 and vote_required <> $3 and kind not in ('agency', 'general')`
	sqlFundIsVoted = `select vote_required from fund where book_id = $1 and fund_id = $2`
)

// Enter plans a draft of a vote. *giving.FieldErrors.
func Enter(ctx context.Context, q pg.Querier, book *ledger.Book, p Poll) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("zh", p.TitleZH, 2, 80)
	wrong.Text("en", p.TitleEN, 2, 80)
	wrong.Text("paper", p.PaperAt, 0, 200)
	wrong.Sum("budget", p.Budget)
	if !p.OpensAt.Before(p.ClosesAt) {
		wrong.Refuse("due-closes", "poll.days.wrong")
	}
	var kind string
	var street int32
	var found int
	err := q.QueryRow(ctx, sqlPollPlace, book.ID, p.FundID, p.Communities, p.StreetID).Scan(&kind, &street, &found)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && (kind == ledger.Agency || street != 0 && street != p.StreetID):
		wrong.Refuse("fund", "poll.fund.wrong")
	case err != nil:
		return nil, fmt.Errorf("read fund of vote: %w", err)
	case found != len(p.Communities) || found == 0:
		wrong.Refuse("communities", "poll.communities.wrong")
	}
	// the rule is tried on a project that any rule suits
	trial := votes.Election{Currency: book.Currency, Budget: max(p.Budget, 1), Rule: p.Rule}
	for i := range max(p.Rule.Least, p.Rule.Most, 1) {
		if i == votes.OptionsMax {
			break
		}
		trial.Options = append(trial.Options, votes.Option{ID: fmt.Sprint(i), Cost: 1})
	}
	var bad *votes.RuleError
	if errors.As(trial.Check(), &bad) {
		wrong.Refuse(ruleField(bad.Field), "poll.rule."+bad.Field)
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if err := q.QueryRow(ctx, sqlPollNext, book.ID).Scan(&p.Number); err != nil {
		return nil, fmt.Errorf("number vote: %w", err)
	}
	return &giving.Move{Source: "poll", Object: p.Object(), Act: "poll-drafted", Note: p.Name() + " " + p.TitleZH, Amount: p.Budget,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			err := giving.Settled(ctx, tx, sqlPollInsert, book.ID, p.ID, p.Number, p.FundID, p.StreetID, p.TitleZH, p.TitleEN, p.PaperAt, p.Budget, p.Rule, p.OpensAt, p.ClosesAt, p.MadeBy)
			for _, c := range p.Communities {
				if err == nil {
					err = giving.Settled(ctx, tx, sqlPollCommunity, book.ID, p.ID, c)
				}
			}
			return err
		}}, nil
}

// ruleField is the field of the form that a field of the rule is typed into.
func ruleField(field string) string {
	if field == "points_each" {
		return "each"
	}
	return field
}

func (p *Poll) move(act, note string, settle func(ctx context.Context, tx pgx.Tx) error) *giving.Move {
	return &giving.Move{Source: "poll", Object: p.Object(), Act: act, Note: note, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error { return settle(ctx, tx) }}
}

// hold keeps the vote as it is until the transaction ends, so that what is published is what was read. giving.ErrStep when it moved.
func (p *Poll) hold(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	var state string
	if err := tx.QueryRow(ctx, sqlPollHold, book.ID, p.ID).Scan(&state); err != nil {
		return fmt.Errorf("hold vote: %w", err)
	}
	if state != p.State {
		return giving.ErrStep
	}
	return nil
}

// Add plans one more project in a draft, behind the others. *giving.FieldErrors, giving.ErrStep.
func Add(book *ledger.Book, p *Poll, c Choice) (*giving.Move, error) {
	if p.State != Draft || len(p.Options) >= votes.OptionsMax {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("zh", c.TitleZH, 2, 80)
	wrong.Text("en", c.TitleEN, 2, 80)
	wrong.Text("about", c.About, 0, 1000)
	wrong.Sum("cost", c.Cost)
	if c.Cost > p.Budget {
		wrong.Refuse("cost", "poll.cost.wrong")
	}
	return p.move("poll-added", c.TitleZH, func(ctx context.Context, tx pgx.Tx) error {
		if err := p.hold(ctx, tx, book); err != nil {
			return err
		}
		return giving.Settled(ctx, tx, sqlPollOption, book.ID, p.ID, c.TitleZH, c.TitleEN, c.About, c.Cost)
	}), wrong.Err()
}

// Drop plans taking a project out of a draft; the others keep their order. giving.ErrStep.
func Drop(book *ledger.Book, p *Poll, place int16) (*giving.Move, error) {
	if p.State != Draft {
		return nil, giving.ErrStep
	}
	return p.move("poll-dropped", fmt.Sprint(place), func(ctx context.Context, tx pgx.Tx) error {
		if err := p.hold(ctx, tx, book); err != nil {
			return err
		}
		return giving.Settled(ctx, tx, sqlPollOptionDrop, book.ID, p.ID, place)
	}), nil
}

// Publish plans the publication: from then on neither rule nor projects change. *giving.FieldErrors, giving.ErrStep.
func Publish(book *ledger.Book, p *Poll, now time.Time) (*giving.Move, error) {
	if p.State != Draft {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	if err := p.Election(book.Currency, "zh-CN").Check(); err != nil || len(p.Options) < 2 {
		wrong.Refuse("", "poll.publish.options")
	}
	if !p.ClosesAt.After(now) {
		wrong.Refuse("", "poll.publish.late")
	}
	hash := p.published()
	return p.move("poll-published", fmt.Sprintf("%s %x", p.Name(), hash[:8]), func(ctx context.Context, tx pgx.Tx) error {
		if book.Keys == nil {
			return ledger.ErrNoKeys
		}
		if err := p.hold(ctx, tx, book); err != nil {
			return err
		}
		if now, err := ByID(ctx, tx, book, p.ID); err != nil || string(now.published()) != string(hash) {
			return errors.Join(err, giving.ErrStep)
		}
		if err := giving.Settled(ctx, tx, sqlPollPublish, book.ID, p.ID, hash, now); err != nil {
			return err
		}
		_, wrapped, err := book.Keys.New(pollPlace(book, p.ID))
		if err != nil {
			return fmt.Errorf("make key of vote: %w", err)
		}
		return giving.Settled(ctx, tx, sqlPollKey, book.ID, p.ID, wrapped.By, wrapped.Key)
	}), wrong.Err()
}

// Revoke plans taking a vote back before it is counted; its ballots are never counted. *giving.FieldErrors, giving.ErrStep.
func Revoke(book *ledger.Book, p *Poll, reason string) (*giving.Move, error) {
	if p.State == Counted || p.State == Void {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	return p.move("poll-revoked", reason, func(ctx context.Context, tx pgx.Tx) error {
		if err := giving.Settled(ctx, tx, sqlPollVoid, book.ID, p.ID, p.State); err != nil {
			return err
		}
		return forget(ctx, tx, book, p)
	}), wrong.Err()
}

// Require plans that a fund is spent by vote of its residents only, or no longer. *giving.FieldErrors; giving.ErrStep where it is so already,
// or for an agency or the general fund.
func Require(book *ledger.Book, fund int32, voted bool, reason string) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	act := map[bool]string{true: "vote-required", false: "vote-released"}[voted]
	return &giving.Move{Source: "poll", Object: fmt.Sprintf("fund:%x", fund), Act: act, Note: reason, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlFundVoted, book.ID, fund, voted)
	}}, wrong.Err()
}

// Required tells whether a fund is spent by vote of its residents only.
func Required(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32) (voted bool, err error) {
	if err := q.QueryRow(ctx, sqlFundIsVoted, book.ID, fund).Scan(&voted); err != nil {
		return false, fmt.Errorf("read fund: %w", err)
	}
	return voted, nil
}

// WriteBallots writes the ballots without names, in Pabulib's format, for anybody to count again. ErrNotOpen before the count.
func WriteBallots(ctx context.Context, q pg.Querier, book *ledger.Book, p *Poll, w io.Writer) error {
	if p.State != Counted {
		return ErrNotOpen
	}
	e := p.Election(book.Currency, "zh-CN")
	var err error
	if e.Ballots, err = ballots(ctx, q, book, p); err != nil {
		return err
	}
	return e.WritePabulib(w)
}
