package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/staff"
)

// matchStep takes a step with an event: alone where no money moves, by a request to a second person elsewhere.
func (v *visit) matchStep() error {
	d, err := v.matchDesk(v.s.DB)
	if err != nil {
		return err
	}
	acts, err := v.matchActs(v.s.DB, d)
	if err != nil {
		return err
	}
	form, err := v.formID()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(acts, func(a act) bool { return a.name == v.FormValue("act") })
	if at < 0 {
		return giving.ErrStep
	}
	a := acts[at]
	in, wrong := v.readBlanks(a)
	if len(wrong) > 0 {
		return v.matchAgain(http.StatusUnprocessableEntity, wrong)
	}
	switch {
	case a.name == matchCircle:
		err = v.holdCircle(d, in, form)
		if errors.Is(err, errNoCircle) {
			return v.matchAgain(http.StatusUnprocessableEntity, Errors{{matchCircle + "-counterparty", T(v.lang, "match.circle.none")}})
		}
	case a.second == "":
		err = v.matchAlone(d, a.name)
	default:
		var r *giving.MatchRequest
		var sum int64
		if r, sum, err = v.matchRequest(d, a, in); err == nil {
			err = v.askMatch(d, r, a.name, sum, form)
		}
	}
	return v.stepRefused(err, a, d.at(), v.matchAgain)
}

// errNoCircle means that nothing that the party was paid came back as a gift.
var errNoCircle = errors.New("no money came back")

// holdCircle walks the ledger from what a party was paid to what it gave in the event, and holds the match of that.
func (v *visit) holdCircle(d *matchDesk, in inputs, form uuid.UUID) error {
	err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		circles, err := giving.FindCircles(ctx, tx, v.book, d.event.ID, []giving.Party{{Counterparty: in["counterparty"], Email: in["email"]}}, in.day("since"))
		if err != nil {
			return err
		}
		if len(circles) == 0 {
			return errNoCircle
		}
		sign := giving.Sign{Key: form, By: v.who.Person.ID, At: v.now, Made: v.who.Person.NameZH}
		if _, err := giving.HoldCircles(ctx, tx, v.book, d.event.ID, circles, sign); err != nil {
			return err
		}
		return v.record(tx, "match", "circle", d.event.Code, in["counterparty"])
	})
	if err != nil {
		return err
	}
	return v.see(d.at())
}

// matchAlone takes a step that moves nothing.
func (v *visit) matchAlone(d *matchDesk, name string) error {
	err := v.inTx(func(ctx context.Context, tx pgx.Tx) (err error) {
		switch name {
		case matchClose:
			err = giving.CloseEvent(ctx, tx, v.book, d.event.ID, v.now)
		case matchReveal:
			_, err = giving.RevealSeed(ctx, tx, v.book, d.event.ID, v.now)
		case matchEnd:
			err = giving.EndEvent(ctx, tx, v.book, d.event.ID, v.now)
		}
		if err != nil {
			return err
		}
		return v.record(tx, "match", strings.TrimPrefix(name, "match-"), d.event.Code, "")
	})
	if err != nil {
		return err
	}
	return v.see(d.at())
}

// matchRequest writes a step down as a request carries it, with the sum that it would move.
func (v *visit) matchRequest(d *matchDesk, a act, in inputs) (*giving.MatchRequest, int64, error) {
	r := &giving.MatchRequest{Act: strings.TrimPrefix(a.name, "match-"), Event: d.event.ID, Pool: in["pool"], Reason: in["reason"], Cause: giving.Cause(in["cause"]),
		Campaign: int32(in.number("campaign"))}
	if sum := in.sum("amount", v.book); sum > 0 {
		r.Amount = v.decimal(sum)
	}
	switch r.Act {
	case giving.MatchSettle:
		r.Bank, r.BankRef, r.Day = in["bank"], in["ref"], in.day("day")
	case giving.StepRelease, giving.StepRefuse:
		r.Act, r.Kind = giving.MatchAwards, r.Act
		for text := range strings.FieldsSeq(in["awards"]) {
			seq, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return nil, 0, giving.ErrNoAward
			}
			r.Awards = append(r.Awards, seq)
		}
	}
	sum, err := r.Complete(v.ctx(), v.s.DB, v.book, v.now)
	return r, sum, err
}

// askMatch asks a second person for a step. What could not be carried out as things stand is refused here, where its maker can mend it.
func (v *visit) askMatch(d *matchDesk, r *giving.MatchRequest, name string, sum int64, form uuid.UUID) error {
	if err := v.inTx(func(ctx context.Context, tx pgx.Tx) error { return r.Try(ctx, tx, v.book, v.who.Person.ID, v.now) }); err != nil {
		return err
	}
	return v.request(staff.Draft{Form: form, Kind: staff.MatchKind, Amount: sum, Payload: r, Payee: matchPayee(d.event.Code),
		Summary: oneLine(T(v.lang, "act."+name)+" · "+d.event.Name(string(v.lang)), 400)})
}

// askedMatch is what a request for a step with match would do, as its approver reads it.
func (v *visit) askedMatch(q pg.Querier, a staff.Approval) (asked, error) {
	r, err := giving.ReadMatchRequest(a.Payload)
	if err != nil {
		return asked{}, err
	}
	e, err := giving.EventByID(v.ctx(), q, v.book, r.Event)
	if err != nil {
		return asked{}, err
	}
	out := asked{day: v.businessDay(), reason: r.Reason, facts: []Fact{{Term: T(v.lang, "match.event"), Value: e.Name(string(v.lang)), Href: matchPath + "/" + e.Code}}}
	add := func(key, value string) {
		if value != "" {
			out.facts = append(out.facts, v.fact(key, value))
		}
	}
	if r.Act == giving.MatchPublish {
		err := v.askedRuleOfMatch(q, r, &out)
		return out, err
	}
	add("match.pool", r.Pool)
	if r.Campaign != 0 {
		campaign, err := v.campaignName(r.Campaign)
		if err != nil {
			return out, err
		}
		out.facts = append(out.facts, campaign)
	}
	if a.Amount != 0 {
		out.facts = append(out.facts, v.sumFact("filter.amount", a.Amount))
	}
	if r.Bank != "" {
		acct := chart.MustByID(chart.ID(r.Bank))
		add("subsidy.bank", v.code(acct)+" "+acct.Name(string(v.lang)))
	}
	add("bankline.ref", r.BankRef)
	if !r.Day.IsZero() {
		add("bankline.day", Day(v.lang, r.Day))
	}
	if r.Cause != "" {
		add("match.cause", T(v.lang, "match.cause."+string(r.Cause)))
	}
	if len(r.Awards) > 0 {
		add("match.holds", numbered(r.Awards))
	}
	return out, nil
}

func numbered(list []int64) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = "#" + strconv.FormatInt(n, 10)
	}
	return strings.Join(texts, " ")
}

// askedRuleOfMatch says the rule that is to be published: hash, words, and how each pool is kept.
func (v *visit) askedRuleOfMatch(q pg.Querier, r *giving.MatchRequest, out *asked) error {
	rule, err := match.Parse([]byte(r.Terms))
	if err != nil {
		return fmt.Errorf("read rule of request: %w", err)
	}
	out.facts = append(out.facts, v.fact("match.hash", rule.Hash().String()), v.fact("match.from", When(v.lang, r.From, v.book.Zone)))
	name, err := v.matchNames(q, v.lang, rule.Terms())
	if err != nil {
		return err
	}
	for _, p := range rule.Words(string(v.lang), name) {
		out.facts = append(out.facts, Fact{Term: p.Title, Value: sentences(v.lang, p.Lines)})
	}
	funds, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return err
	}
	for _, p := range r.Plans {
		kept := T(v.lang, "match.kept."+p.Kind)
		if f := funds[p.FundID]; f != nil {
			kept += " · " + f.Code + " " + f.Name(string(v.lang))
		}
		out.facts = append(out.facts, Fact{Term: T(v.lang, "match.pool") + " " + p.Code, Value: kept})
	}
	return nil
}

// carryMatch takes the step in the transaction of its approval, once under the request's id.
func (v *visit) carryMatch(tx pgx.Tx, a staff.Approval) error {
	r, err := giving.ReadMatchRequest(a.Payload)
	if err != nil {
		return err
	}
	maker, err := newNames(v).person(a.MadeBy)
	if err != nil {
		return err
	}
	checkers, err := v.approvedBy(tx, a)
	if err != nil {
		return err
	}
	sign := giving.Sign{Key: a.ID, By: a.MadeBy, Second: v.who.Person.ID, At: v.now, Summary: a.Summary}
	sign.Made, sign.Check = signatures(maker, checkers)
	_, err = r.CarryOut(v.ctx(), tx, v.book, sign)
	return err
}

// matchRefusals are rules that stand against a step with match: the page says which.
var matchRefusals = []error{giving.ErrEventState, giving.ErrRuleLate, giving.ErrPools, giving.ErrNotice, giving.ErrOverEarned, giving.ErrNoBankLine, giving.ErrMatchOpen, giving.ErrPaidMatch,
	giving.ErrTooManyAwards, giving.ErrNoAward, giving.ErrNoPool, giving.ErrEventUnread, ledger.ErrNoFund}
