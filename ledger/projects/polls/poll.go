package polls

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/votes"
)

var (
	// ErrNoPoll means that there is no such vote, or it is not published. Answer 404.
	ErrNoPoll = errors.New("no such vote")
	// ErrNotOpen means that ballots are not taken now: before the opening, after the close, or the vote was taken back. Say when.
	ErrNotOpen = errors.New("vote is not open")
	// ErrNotEntitled means that the resident lives in a community that does not vote. Say so.
	ErrNotEntitled = errors.New("resident's community does not take part in the vote")
	// ErrVoted means that the resident has voted the other way, on paper or on line. Say so.
	ErrVoted = errors.New("resident has voted the other way")
)

// States of a vote.
const (
	Draft   = "draft"
	Open    = "open"   // published; ballots are taken between OpensAt and ClosesAt
	Closed  = "closed" // ballots have no names any more; paper may still be entered
	Counted = "counted"
	Void    = "void" // taken back before it was counted
)

// Poll is a vote of residents on what a fund pays for. Amounts are minor units of the book's currency.
type Poll struct {
	ID          uuid.UUID
	Number      int32
	FundID      int32
	StreetID    int32
	TitleZH     string
	TitleEN     string
	PaperAt     string // where one votes on paper; empty: nowhere
	Budget      int64
	Rule        votes.Rule
	OpensAt     time.Time
	ClosesAt    time.Time
	State       string
	MadeBy      uuid.UUID
	RuleHash    []byte // of all that was published
	CountedAt   *time.Time
	Result      *Outcome
	Communities []int32
	Options     []Choice
}

// Choice is a project to vote on. Its place is the published order.
type Choice struct {
	Place   int16
	TitleZH string
	TitleEN string
	About   string
	Cost    int64
}

// Title is the vote's title in lang.
func (p *Poll) Title(lang string) string { return pick(lang, p.TitleZH, p.TitleEN) }

// Title is the project's title in lang.
func (c *Choice) Title(lang string) string { return pick(lang, c.TitleZH, c.TitleEN) }

func pick(lang, zh, en string) string {
	if lang == "en" {
		return en
	}
	return zh
}

// Object names the vote in its history.
func (p *Poll) Object() string { return giving.Object("poll", p.ID) }

// Name is what the books call it.
func (p *Poll) Name() string { return fmt.Sprintf("V%d", p.Number) }

// source tags the accounts of what a project won.
func (p *Poll) source(place int16) string { return fmt.Sprintf("vote:%s:%d", p.Name(), place) }

// FromVote reads such a tag: the vote's name and the project's place in it.
func FromVote(source string) (name, place string, ok bool) {
	if name, ok = strings.CutPrefix(source, "vote:"); ok {
		name, place, ok = strings.Cut(name, ":")
	}
	return name, place, ok
}

// Takes tells whether ballots are taken at a moment.
func (p *Poll) Takes(now time.Time) bool {
	return p.State == Open && !now.Before(p.OpensAt) && now.Before(p.ClosesAt)
}

// Election is the vote as package votes counts it, without ballots. Projects are named by their places.
func (p *Poll) Election(currency, lang string) *votes.Election {
	e := &votes.Election{Title: p.Title(lang), Currency: currency, Budget: p.Budget, Rule: p.Rule}
	for i := range p.Options {
		e.Options = append(e.Options, votes.Option{ID: strconv.Itoa(int(p.Options[i].Place)), Name: p.Options[i].Title(lang), Cost: p.Options[i].Cost})
	}
	return e
}

// published is what everybody may hold the vote to: all that decides, and nothing that changes later.
func (p *Poll) published() []byte {
	text, err := json.Marshal(struct {
		Vote        string     `json:"vote"`
		Fund        int32      `json:"fund"`
		Budget      int64      `json:"budget"`
		Rule        votes.Rule `json:"rule"`
		Opens       string     `json:"opens"`
		Closes      string     `json:"closes"`
		Communities []int32    `json:"communities"`
		Options     []Choice   `json:"options"`
	}{p.Name(), p.FundID, p.Budget, p.Rule, p.OpensAt.UTC().Format(time.RFC3339), p.ClosesAt.UTC().Format(time.RFC3339), p.Communities, p.Options})
	if err != nil {
		panic(err) // numbers and texts always marshal
	}
	hash := sha256.Sum256(text)
	return hash[:]
}

// ListMax is how many votes one page lists.
const ListMax = 50

const (
	columns = `p.id, p.number, p.fund_id, p.street_id, p.title_zh, p.title_en, p.paper_at, p.budget, p.rule, p.opens_at, p.closes_at, p.state, p.made_by, p.rule_hash, p.counted_at, p.result,
       array(select c.community_id from poll_community c where c.book_id = p.book_id and c.poll_id = p.id order by 1),
       (select coalesce(jsonb_agg(jsonb_build_object('Place', o.place, 'TitleZH', o.title_zh, 'TitleEN', o.title_en, 'About', o.about, 'Cost', o.cost) order by o.place), '[]')
          from poll_option o where o.book_id = p.book_id and o.poll_id = p.id)`

	sqlPollByID     = `select ` + columns + ` from poll p where p.book_id = $1 and p.id = $2`
	sqlPollByNumber = `select ` + columns + ` from poll p where p.book_id = $1 and p.number = $2`
	sqlPolls        = `
select ` + columns + ` from poll p
 where p.book_id = $1 and ($2 or p.street_id = any($3::int4[])) and ($4 or p.state in ('open', 'closed', 'counted')) and ($5 = 0 or p.number < $5)
 order by p.number desc limit $6`
)

func scan(row pgx.CollectableRow) (p Poll, err error) {
	err = row.Scan(&p.ID, &p.Number, &p.FundID, &p.StreetID, &p.TitleZH, &p.TitleEN, &p.PaperAt, &p.Budget, &p.Rule, &p.OpensAt, &p.ClosesAt, &p.State, &p.MadeBy, &p.RuleHash,
		&p.CountedAt, &p.Result, &p.Communities, &p.Options)
	return p, err
}

// ByID reads a vote, or ErrNoPoll.
func ByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Poll, error) {
	return read(ctx, q, book, sqlPollByID, id)
}

// ByNumber reads a vote by its public number, or ErrNoPoll; drafts and those taken back as well.
func ByNumber(ctx context.Context, q pg.Querier, book *ledger.Book, number int32) (*Poll, error) {
	return read(ctx, q, book, sqlPollByNumber, number)
}

func read(ctx context.Context, q pg.Querier, book *ledger.Book, sql string, key any) (*Poll, error) {
	rows, err := q.Query(ctx, sql, book.ID, key)
	if err != nil {
		return nil, fmt.Errorf("read vote: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoPoll
	}
	if err != nil {
		return nil, fmt.Errorf("read vote: %w", err)
	}
	return &p, nil
}

// Filter narrows the list of votes.
type Filter struct {
	All     bool // of every street; else of Streets
	Streets []int32
	Drafts  bool // and those taken back
	Before  int32
}

// List gives votes, newest first.
func List(ctx context.Context, q pg.Querier, book *ledger.Book, f Filter) ([]Poll, error) {
	rows, err := q.Query(ctx, sqlPolls, book.ID, f.All, f.Streets, f.Drafts, f.Before, ListMax+1)
	if err != nil {
		return nil, fmt.Errorf("list votes: %w", err)
	}
	return pgx.CollectRows(rows, scan)
}
