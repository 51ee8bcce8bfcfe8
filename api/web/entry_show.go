package web

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

type entryView struct {
	Page
	Papers    *papersView // nil: not for this person
	ID        string
	Doc       *voucher
	Plain     bool
	Facts     []Fact
	Lines     []entryLine
	Reverses  string // address of the entry this one takes back
	Reversed  string // address of the entry that takes this one back
	MayAsk    bool   // to reverse it
	Form      string
	Day       string
	Reason    string
	PlainHref string
	Break     *Link // that it corrects
}

// entryLine is a posting in the plain view.
type entryLine struct {
	Account       int32
	Code, Name    string
	Fund, Tags    string
	Debit, Credit money.Money
	Balance       money.Money
	Seq           string
}

func (v *visit) entryShow() error { return v.entryAgain(http.StatusOK, nil) }

// visibleEntry reads an entry that touches a fund in sight, or ledger.ErrNoEntry.
func (v *visit) visibleEntry(s *sight) (*ledger.Recorded, error) {
	id, err := v.idParam()
	if err != nil {
		return nil, err
	}
	r, err := ledger.ReadEntry(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return nil, err
	}
	if lines, _ := postedLines(r, s); len(lines) == 0 {
		return nil, ledger.ErrNoEntry
	}
	return r, nil
}

// entryAgain shows the entry, also after the form for its reversal was wrong.
func (v *visit) entryAgain(status int, wrong Errors) error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	r, err := v.visibleEntry(s)
	if err != nil {
		return err
	}
	page := v.consolePage(v.entryName(r), "/console/entries")
	page.Errors = wrong
	view := entryView{Page: page, ID: r.ID.String(), Doc: v.recordedVoucher(r, s), Plain: v.QueryParam("view") == "plain",
		Form: newForm(), Day: ISODay(v.businessDay()), Reason: v.typed("reason", 1000),
		MayAsk: v.who.May(staff.EntryDraft) && r.ReversedBy == uuid.Nil && r.Reverses == uuid.Nil && r.Kind != ledger.KindClose && !r.Kind.KeptByGiving()}
	if len(wrong) > 0 {
		view.Form, view.Day = v.typed("form", 36), v.typed("day", 20)
	}
	if r.Reverses != uuid.Nil {
		original, err := ledger.ReadEntry(v.ctx(), v.s.DB, v.book, r.Reverses)
		if err != nil {
			return err
		}
		view.Reverses = "/console/entries/" + r.Reverses.String()
		view.Doc.Reverses = Link{v.entryName(original), view.Reverses}
	}
	if r.ReversedBy != uuid.Nil {
		view.Reversed = "/console/entries/" + r.ReversedBy.String()
	}
	view.Facts, view.Lines = v.entryFacts(r), v.entryLines(r, s)
	if view.Break, err = v.correctedBreak(func() (uuid.UUID, error) { return recon.BreakOfEntry(v.ctx(), v.s.DB, v.book, r.ID) }, s); err != nil {
		return err
	}
	if v.who.May(staff.OfflineRead) {
		if view.Papers, err = v.papers("entry:" + r.ID.String()); err != nil {
			return err
		}
	}
	return v.s.render.Render(v.Response(), status, "console/entry_show", view)
}

// entryName is how an entry is called in titles and links.
func (v *visit) entryName(r *ledger.Recorded) string {
	if r.Number == 0 {
		return r.Kind.Name(string(v.lang)) + " " + v.shortID(r)
	}
	return T(v.lang, "entry.name", r.EffectiveOn.Format("2006-01"), strconv.Itoa(int(r.Number)))
}

// shortID is a gift's reference as the donor knows it, or the start of an entry's id.
func (v *visit) shortID(r *ledger.Recorded) string {
	if r.Kind == ledger.KindGift {
		return giving.Ref(v.book, r.ID)
	}
	return r.ID.String()[:13]
}

func (v *visit) entryFacts(r *ledger.Recorded) []Fact {
	facts := []Fact{
		{Term: T(v.lang, "entry.id"), Value: r.ID.String()},
		{Term: T(v.lang, "entry.kind"), Value: r.Kind.Name(string(v.lang))},
		{Term: T(v.lang, "entry.day"), Value: ISODay(r.EffectiveOn)},
		{Term: T(v.lang, "entry.recorded"), Value: Stamp(r.RecordedAt, v.book.Zone)},
		{Term: T(v.lang, "entry.summary"), Value: v.summary(r)},
	}
	if !r.HappenedOn.IsZero() {
		facts = append(facts, Fact{Term: T(v.lang, "entry.happened"), Value: ISODay(r.HappenedOn)})
	}
	if d := r.Document; d != nil {
		facts = append(facts, Fact{Term: T(v.lang, "entry.made"), Value: d.MadeBy})
		if d.CheckedBy != "" {
			facts = append(facts, Fact{Term: T(v.lang, "entry.checked"), Value: d.CheckedBy})
		}
		if d.Reason != "" {
			facts = append(facts, Fact{Term: T(v.lang, "entry.reason"), Value: d.Reason})
		}
		facts = append(facts, Fact{Term: T(v.lang, "entry.source"), Value: v.source(d.SourceKind) + " " + d.SourceRef},
			Fact{Term: T(v.lang, "entry.attachments"), Value: fmt.Sprint(d.Attachments)})
	}
	if r.Kind == ledger.KindGift && v.who.May(staff.GiftRead) {
		ref := giving.Ref(v.book, r.ID)
		facts = append(facts, Fact{Term: T(v.lang, "entry.gift"), Value: ref, Href: "/console/gifts?q=" + ref})
	}
	return facts
}

func (v *visit) entryLines(r *ledger.Recorded, s *sight) []entryLine {
	var lines []entryLine
	for _, p := range r.Postings {
		fund := s.fund(p.Leaf.Fund)
		if fund == nil {
			continue
		}
		acct, ccy := p.Chart(), p.Leaf.Currency
		l := entryLine{Account: p.Account, Code: v.code(acct), Name: acct.Name(string(v.lang)), Fund: fund.Name(string(v.lang)),
			Tags: v.tags(p.Leaf, s), Seq: strconv.FormatInt(p.Seq, 10), Balance: money.Money{Minor: p.BalanceAfter, Currency: ccy},
			Debit: money.Money{Currency: ccy}, Credit: money.Money{Currency: ccy}}
		if p.Amount > 0 {
			l.Debit.Minor = p.Amount
		} else {
			l.Credit.Minor = -p.Amount
		}
		lines = append(lines, l)
	}
	return lines
}
