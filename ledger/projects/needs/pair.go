package needs

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// pairsMax is how many items of each book are compared; the newest go first.
const pairsMax = 501

// Why an offer suits a need, or money does. A page says each in words.
const (
	SameTheme     = "theme"
	SameCommunity = "community"
	SameStreet    = "street"
	EveryStreet   = "everywhere"
	EnoughPeople  = "people"
	TooFewPeople  = "people-few" // it suits, but reaches fewer than the need tells
	EnoughMoney   = "money"
	SomeMoney     = "money-some" // it suits, but is less than the need tells
)

// Pair is a need with an offer that suits it, and the means that suit both; nil for none.
type Pair struct {
	Need, Offer Item
	Means       *Item
	Why         []string // reasons for the offer
	WhyMeans    []string
}

// serves tells whether an offer or means is for the need's place.
func (i *Item) serves(need *Item) bool {
	return i.StreetID == 0 || i.StreetID == need.StreetID && (i.CommunityID == nil || need.CommunityID != nil && *i.CommunityID == *need.CommunityID)
}

// Suits says why an offer or means suits a need, best reasons first, and how well; zero when it does not: another theme, another place, or
// not listed.
func (i *Item) Suits(need *Item) (why []string, points int) {
	if i.State != Listed || i.Theme != need.Theme && (i.Book != Means || i.Theme != "other") || !i.serves(need) {
		return nil, 0
	}
	add := func(reason string, worth int) { why, points = append(why, reason), points+worth }
	if i.Theme == need.Theme {
		add(SameTheme, 4)
	}
	switch {
	case i.CommunityID != nil:
		add(SameCommunity, 3)
	case i.StreetID != 0:
		add(SameStreet, 2)
	default:
		add(EveryStreet, 1)
	}
	switch {
	case i.Book == Offer && need.People > 0 && i.People >= need.People:
		add(EnoughPeople, 2)
	case i.Book == Offer && need.People > 0 && i.People > 0:
		add(TooFewPeople, 0)
	case i.Book == Means && need.Amount > 0 && i.Amount >= need.Amount:
		add(EnoughMoney, 2)
	case i.Book == Means && need.Amount > 0 && i.Amount > 0:
		add(SomeMoney, 0)
	}
	return why, points
}

// bestOf orders offers or means by how well they suit a need; of two alike the older goes first.
func bestOf(need *Item, list []Item, most int) []Item {
	worth := map[uuid.UUID]int{}
	var best []Item
	for i := range list {
		if _, points := list[i].Suits(need); points > 0 {
			worth[list[i].ID] = points
			best = append(best, list[i])
		}
	}
	slices.SortStableFunc(best, func(a, b Item) int {
		return cmp.Or(cmp.Compare(worth[b.ID], worth[a.ID]), cmp.Compare(a.Number, b.Number))
	})
	return best[:min(len(best), most)]
}

// Pairs proposes, for each listed need in sight without an intent, up to three offers that suit it and the means that suit best. Needs that
// most residents want go first.
func Pairs(ctx context.Context, q pg.Querier, book *ledger.Book, all bool, streets []int32) ([]Pair, error) {
	read := func(books ...string) ([]Item, error) {
		return Find(ctx, q, book, Filter{All: all, Streets: streets, Books: books, State: Listed, Limit: pairsMax})
	}
	wanted, err := read(Need, Idea)
	if err != nil {
		return nil, err
	}
	offers, err := read(Offer)
	if err != nil {
		return nil, err
	}
	means, err := read(Means)
	if err != nil {
		return nil, err
	}
	meant, err := linked(ctx, q, book, all, streets)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(wanted, func(a, b Item) int {
		return cmp.Or(cmp.Compare(b.Supporters, a.Supporters), cmp.Compare(a.Number, b.Number))
	})
	var pairs []Pair
	for i := range wanted {
		need := &wanted[i]
		if meant[need.ID] {
			continue
		}
		money := bestOf(need, means, 1)
		for _, offer := range bestOf(need, offers, 3) {
			p := Pair{Need: *need, Offer: offer}
			p.Why, _ = offer.Suits(need)
			if len(money) > 0 {
				p.Means = &money[0]
				p.WhyMeans, _ = money[0].Suits(need)
			}
			pairs = append(pairs, p)
		}
	}
	return pairs, nil
}

const sqlLinked = `
select distinct n.need_id from need_intent n join need_item i on i.book_id = n.book_id and i.id = n.need_id
 where n.book_id = $1 and ($2 or i.street_id = any($3::int4[])) and n.state <> 'dropped'`

// linked are the needs that have an intent which came to something or still may.
func linked(ctx context.Context, q pg.Querier, book *ledger.Book, all bool, streets []int32) (map[uuid.UUID]bool, error) {
	rows, err := q.Query(ctx, sqlLinked, book.ID, all, streets)
	if err != nil {
		return nil, fmt.Errorf("list linked needs: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list linked needs: %w", err)
	}
	found := map[uuid.UUID]bool{}
	for _, id := range list {
		found[id] = true
	}
	return found, nil
}
