package web

import (
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/staff"
)

// claimView is a statement of what a street owes, to be signed by both sides and printed on A4.
type claimView struct {
	Page
	Heading, Number    string
	Status             cell
	Facts              []Fact
	Lines              []Fact // amounts, one below the other
	Homes              grid
	Party, Association string
	Made, Signed       string // names; empty: a line to sign on
	MadeAt, SignedAt   string
	Hash               string
	Letter             string
	Say                string // what signing means, and who is waited for
	Forms              []recordForm
	Notice             bool
}

// claimOf reads the claim of the address with its letter, in this person's sight.
func (v *visit) claimOf(q pg.Querier, id uuid.UUID) (*subsidies.Claim, *subsidies.Letter, error) {
	c, err := subsidies.ClaimByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, nil, err
	}
	if !v.who.MaySee(c.FundID, &c.StreetID) {
		return nil, nil, giving.ErrNoRecord
	}
	l, err := v.letter(q, c.LetterID)
	return c, l, err
}

// claimActs are the steps that may follow. A step's hash is what the page carried: what was read is what is signed.
func (v *visit) claimActs(c *subsidies.Claim) []act {
	if c.State != subsidies.Made {
		return nil
	}
	of := func(plan func(v *visit, q pg.Querier, l *subsidies.Letter, c *subsidies.Claim, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
		return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			c, l, err := v.claimOf(q, id)
			if err != nil {
				return nil, err
			}
			return plan(v, q, l, c, in)
		}
	}
	acts := []act{
		{name: "claim-sign", needs: staff.SubsidySign, plan: of(func(v *visit, q pg.Querier, l *subsidies.Letter, c *subsidies.Claim, in inputs) (*giving.Move, error) {
			seen, err := hex.DecodeString(v.FormValue("hash"))
			if err != nil {
				return nil, subsidies.ErrStatement
			}
			return subsidies.SignClaim(v.ctx(), q, v.book, l, c, seen, v.who.Person.ID, v.now)
		})},
		{name: "claim-withdraw", needs: staff.SubsidyWrite, danger: true, plan: of(func(v *visit, q pg.Querier, l *subsidies.Letter, c *subsidies.Claim, in inputs) (*giving.Move, error) {
			return subsidies.WithdrawClaim(v.book, l, c, v.businessDay())
		})},
	}
	if !v.who.SignsFor(c.StreetID) {
		acts = acts[1:]
	}
	return acts
}

// claimShow shows a statement.
func (v *visit) claimShow() error { return v.claimAgain(http.StatusOK, nil) }

func (v *visit) claimAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	c, l, err := v.claimOf(v.s.DB, id)
	if err != nil {
		return err
	}
	here := claimsPath + "/" + id.String()
	title := T(v.lang, "subsidy.claim.title", c.Name(l))
	view := claimView{Page: v.consolePage(title, subsidiesPath), Heading: T(v.lang, "subsidy.statement"), Number: c.Name(l), Status: v.claimState(c), Party: l.Party,
		Association: v.book.Name(string(v.lang)), MadeAt: When(v.lang, c.MadeAt, v.book.Zone), Hash: hex.EncodeToString(c.Statement), Letter: subsidiesPath + "/" + l.ID.String()}
	view.Errors, view.Path = wrong, here
	view.Crumbs = []Link{{T(v.lang, "place.subsidies"), subsidiesPath}, {l.Name() + " " + l.Party, view.Letter}, {Label: title}}
	view.Figure = &AsOf{At: c.MadeAt, Position: c.Position}
	if view.Facts, err = v.letterFacts(l); err != nil {
		return err
	}
	view.Lines = []Fact{v.sumFact("subsidy.committed", l.Cap), v.sumFact("subsidy.raised", c.Raised), v.sumFact("subsidy.earned", c.Earned), v.sumFact("subsidy.claim.before", c.Before),
		v.sumFact("subsidy.claim.now", c.Amount), v.sumFact("subsidy.claim.after", c.Before+c.Amount)}
	if view.Homes.Rows, err = v.homeRows(c.Raised, c.Before+c.Amount, l.Homes); err != nil {
		return err
	}
	view.Homes.Title, view.Homes.Heads = T(v.lang, "subsidy.homes.heading", int(l.Homes)), v.homeHeads()
	names := newNames(v)
	if view.Made, err = names.of(c.MadeBy); err != nil {
		return err
	}
	if c.SignedBy != nil && c.SignedAt != nil {
		if view.Signed, err = names.of(*c.SignedBy); err != nil {
			return err
		}
		view.SignedAt = When(v.lang, *c.SignedAt, v.book.Zone)
	}
	record := recordView{Page: view.Page}
	if err := v.offer(&record, here, v.claimActs(c)...); err != nil {
		return err
	}
	view.Forms = record.Forms
	if c.State == subsidies.Made && !v.who.SignsFor(c.StreetID) {
		view.Say = T(v.lang, "subsidy.claim.waits", l.Party)
	}
	return v.s.render.Render(v.Response(), status, "console/statement", view)
}

// claimStep signs a statement, or takes it back.
func (v *visit) claimStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	c, _, err := v.claimOf(v.s.DB, id)
	if err != nil {
		return err
	}
	err = v.perform(id, claimsPath+"/"+id.String(), v.claimAgain, v.claimActs(c)...)
	if errors.Is(err, giving.ErrStep) && c.State != subsidies.Made {
		return v.see(claimsPath + "/" + id.String()) // decided twice is decided
	}
	return err
}

// letterNotice is the letter that tells both sides what will lapse.
func (v *visit) letterNotice() error {
	l, t, err := v.letterOfPath()
	if err != nil {
		return err
	}
	title := T(v.lang, "subsidy.notice.title", l.Name())
	view := claimView{Page: v.consolePage(title, subsidiesPath), Heading: T(v.lang, "subsidy.notice"), Number: l.Name(), Status: v.letterState(l), Party: l.Party,
		Association: v.book.Name(string(v.lang)), Letter: subsidiesPath + "/" + l.ID.String(), Notice: true}
	view.Path = view.Letter + "/notice"
	view.Crumbs = []Link{{T(v.lang, "place.subsidies"), subsidiesPath}, {l.Name() + " " + l.Party, view.Letter}, {Label: title}}
	view.Figure = v.asOf(t.Position)
	if view.Facts, err = v.letterFacts(l); err != nil {
		return err
	}
	claimable := l.Claimable(t, v.businessDay())
	view.Lines = []Fact{v.sumFact("subsidy.committed", l.Cap), v.sumFact("subsidy.claimed", l.Claimed), v.sumFact("subsidy.notice.claimable", claimable),
		v.sumFact("subsidy.notice.gone", l.Cap-l.Claimed)}
	view.Say = T(v.lang, "subsidy.notice.say", Day(v.lang, l.LapsesOn), Amount(v.lang, v.amount(l.Cap-l.Claimed)))
	return v.s.render.Render(v.Response(), http.StatusOK, "console/statement", view)
}
