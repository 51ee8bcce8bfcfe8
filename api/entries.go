package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/law"
	"sunfund/ledger/money"
)

// lineJSON is a line of an entry. Debit and credit are decimal strings in the book's currency.
type lineJSON struct {
	Account  string      `json:"account"` // code in the book's regime
	Name     string      `json:"name,omitempty"`
	Fund     string      `json:"fund"`
	Debit    string      `json:"debit,omitempty"`
	Credit   string      `json:"credit,omitempty"`
	Currency string      `json:"currency,omitempty"`
	Tags     ledger.Dims `json:"tags"`
}

type entryJSON struct {
	ID          uuid.UUID  `json:"id"`
	Kind        string     `json:"kind"`
	EffectiveOn string     `json:"effective_on"`
	RecordedAt  time.Time  `json:"recorded_at"`
	Number      int32      `json:"number,omitempty"`
	Summary     string     `json:"summary,omitempty"`
	Source      string     `json:"source,omitempty"`
	Reason      string     `json:"reason,omitempty"`
	MadeBy      string     `json:"made_by,omitempty"`
	CheckedBy   string     `json:"checked_by,omitempty"`
	Amount      string     `json:"amount"`
	Reverses    *uuid.UUID `json:"reverses,omitempty"`
	ReversedBy  *uuid.UUID `json:"reversed_by,omitempty"`
	Lines       []lineJSON `json:"lines,omitempty"`
}

func (c *call) entryOf(r *ledger.Recorded, codes map[int32]string) entryJSON {
	e := entryJSON{ID: r.ID, Kind: r.Kind.Info().Code, EffectiveOn: r.EffectiveOn.Format(time.DateOnly), RecordedAt: r.RecordedAt,
		Number: r.Number, Amount: money.Format(r.Amount, c.book.Currency)}
	if d := r.Document; d != nil {
		e.Summary, e.Source, e.Reason, e.MadeBy, e.CheckedBy = d.Summary, d.SourceKind, d.Reason, d.MadeBy, d.CheckedBy
	}
	if r.Reverses != uuid.Nil {
		e.Reverses = &r.Reverses
	}
	if r.ReversedBy != uuid.Nil {
		e.ReversedBy = &r.ReversedBy
	}
	for _, p := range r.Postings {
		acct := p.Chart()
		l := lineJSON{Account: c.code(acct), Name: acct.Name(lang(c)), Fund: codes[p.Leaf.Fund], Tags: p.Leaf.Dims}
		if p.Leaf.Currency != c.book.Currency {
			l.Currency = p.Leaf.Currency
		}
		if p.Amount > 0 {
			l.Debit = money.Format(p.Amount, p.Leaf.Currency)
		} else {
			l.Credit = money.Format(-p.Amount, p.Leaf.Currency)
		}
		e.Lines = append(e.Lines, l)
	}
	return e
}

func (c *call) entries() error {
	f := ledger.JournalFilter{Text: c.QueryParam("q"), Source: c.QueryParam("source"), After: c.QueryParam("cursor")}
	var err error
	if f.Limit, err = c.limit(); err != nil {
		return err
	}
	if f.From, f.To, err = c.period(); err != nil {
		return err
	}
	if f.Fund, err = c.fundFilter(); err != nil {
		return err
	}
	if text := c.QueryParam("amount"); text != "" {
		if f.Amount, err = money.Parse(text, c.book.Currency); err != nil {
			return badParam{"amount"}
		}
	}
	if text := c.QueryParam("kind"); text != "" {
		var ok bool
		if f.Kind, ok = ledger.KindByCode(text); !ok {
			return badParam{"kind"}
		}
	}
	found, err := ledger.Journal(c.ctx(), c.s.DB, c.book, f)
	if err != nil {
		return err
	}
	p := page[entryJSON]{Items: []entryJSON{}, Next: found.Next}
	for i := range found.Entries {
		p.Items = append(p.Items, c.entryOf(&found.Entries[i], nil))
	}
	return c.JSON(http.StatusOK, p)
}

func (c *call) entry() error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return ledger.ErrNoEntry
	}
	e, err := c.readEntry(c.s.DB, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, e)
}

func (c *call) readEntry(q pg.Querier, id uuid.UUID) (entryJSON, error) {
	r, err := ledger.ReadEntry(c.ctx(), q, c.book, id)
	if err != nil {
		return entryJSON{}, err
	}
	codes, err := c.fundCodes(q)
	if err != nil {
		return entryJSON{}, err
	}
	return c.entryOf(r, codes), nil
}

// lineInput is a line of a manual entry, in the book's currency.
type lineInput struct {
	Account string      `json:"account"`
	Fund    string      `json:"fund"`
	Debit   string      `json:"debit"`
	Credit  string      `json:"credit"`
	Tags    ledger.Dims `json:"tags"`
}

const tagMax = 100 // characters

// entryInput is a manual entry by a program. What takes money from a fund needs a second person: see the console.
type entryInput struct {
	EffectiveOn string      `json:"effective_on"`
	Summary     string      `json:"summary"`
	Source      string      `json:"source"`
	SourceRef   string      `json:"source_ref"`
	Lines       []lineInput `json:"lines"`
}

// businessDay reads the day of an entry: any until the book's today. Nothing has happened yet on a later one.
func (c *call) businessDay(text string) (time.Time, error) { return c.pastDay("/effective_on", text) }

// pastDay reads a day on which something has happened, at a place of the body.
func (c *call) pastDay(pointer, text string) (time.Time, error) {
	day, ok := parseDay(text)
	switch {
	case !ok:
		return time.Time{}, at{pointer, badDay}
	case day.After(c.book.Day(c.now)):
		return time.Time{}, at{pointer, futureDay}
	}
	return day, nil
}

func (c *call) entryCreate() error {
	var in entryInput
	if err := c.decode(&in); err != nil {
		return err
	}
	day, err := c.businessDay(in.EffectiveOn)
	if err != nil {
		return err
	}
	if n := utf8.RuneCountInString(in.Summary); n < 1 || n > 400 {
		return at{"/summary", rule{"摘要要有 1 到 400 个字。", "A summary has 1 to 400 characters."}}
	}
	for _, text := range [][2]string{{"/summary", in.Summary}, {"/source", in.Source}, {"/source_ref", in.SourceRef}} {
		if !oneLine(text[1], 400) {
			return at{text[0], badText}
		}
	}
	if in.Source == "" {
		in.Source = "api"
	}
	return c.once(func(tx pgx.Tx) (int, any, error) {
		lines, err := c.lines(tx, in.Lines)
		if err != nil {
			return 0, nil, err
		}
		e := ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: day, Actor: c.key.ID, Lines: lines, Document: &ledger.Document{
			Summary: in.Summary, SourceKind: in.Source, SourceRef: in.SourceRef, MadeBy: "api:" + c.key.Name}}
		if needsSecondPerson(lines) {
			return 0, nil, errNeedsSecondPerson
		}
		if err := law.MayPost(c.ctx(), tx, c.book, []ledger.Entry{e}, day); err != nil {
			return 0, nil, err
		}
		r, err := ledger.PostOne(c.ctx(), tx, c.book, e)
		if err != nil {
			return 0, nil, err
		}
		answer, err := c.readEntry(tx, r.ID)
		return http.StatusCreated, answer, err
	})
}

// lines turns the lines of a request into lines of the book.
func (c *call) lines(tx pgx.Tx, in []lineInput) ([]ledger.Line, error) {
	funds, err := ledger.Funds(c.ctx(), tx, c.book)
	if err != nil {
		return nil, err
	}
	byCode := make(map[string]int32, len(funds))
	for _, f := range funds {
		byCode[f.Code] = f.ID
	}
	lines := make([]ledger.Line, len(in))
	for i, l := range in {
		pointer := fmt.Sprintf("/lines/%d", i)
		fund, ok := byCode[l.Fund]
		if !ok {
			return nil, at{pointer + "/fund", errUnknownName}
		}
		id, ok := c.chartID(l.Account)
		if !ok {
			return nil, at{pointer + "/account", errUnknownName}
		}
		if l.Tags.Nature == ledger.NatureGift || l.Tags.Foreign != "" || l.Tags.UnitsOf != "" {
			return nil, at{pointer + "/tags", rule{"这个标记由系统自己使用。", "This tag is kept for the system itself."}}
		}
		if !tagsOK(l.Tags) {
			return nil, at{pointer + "/tags", badText}
		}
		amount, err := c.lineAmount(l)
		if err != nil {
			return nil, at{pointer, err}
		}
		lines[i] = ledger.Line{Leaf: ledger.Leaf{Chart: id, Fund: fund, Dims: l.Tags}, Amount: amount}
	}
	return lines, nil
}

func tagsOK(d ledger.Dims) bool {
	for _, tag := range []string{d.Campaign, d.Project, d.Contract, d.Source, d.Street, d.Counterparty, d.Instrument, d.Nature, d.Purpose} {
		if !oneLine(tag, tagMax) {
			return false
		}
	}
	return true
}

// lineAmount is a line's amount in minor units, debit positive.
func (c *call) lineAmount(l lineInput) (int64, error) {
	if (l.Debit == "") == (l.Credit == "") {
		return 0, rule{"每行只填借方或贷方之一。", "Every line has either a debit or a credit."}
	}
	minor, err := money.Parse(l.Debit+l.Credit, c.book.Currency)
	switch {
	case err != nil:
		return 0, err
	case minor <= 0 || minor > ledger.AmountMax:
		return 0, ledger.ErrAmount
	case l.Debit == "":
		return -minor, nil
	}
	return minor, nil
}

// moneyAccounts are those that money lies in, ours and what is held for others; and goods held for others.
var moneyAccounts = []string{"1001", "1002", "1009", "1801"}

// needsSecondPerson tells whether lines take available money or net assets from a fund, or move money out of it against
// a mere claim: a loan to another fund, or what is owed to those whose money we hold.
func needsSecondPerson(lines []ledger.Line) bool {
	held := map[int32]int64{}
	for _, l := range lines {
		main, _, _ := strings.Cut(chart.MustByID(l.Leaf.Chart).Code2026, ".")
		if slices.Contains(moneyAccounts, main) {
			held[l.Leaf.Fund] += l.Amount
		}
	}
	for _, sum := range held {
		if sum < 0 {
			return true
		}
	}
	return ledger.Lowers(ledger.Entry{Lines: lines})
}

// chartID finds an account by its id or by a code that means one leaf only.
func (c *call) chartID(text string) (chart.ID, bool) {
	if acct, ok := chart.ByID(chart.ID(text)); ok {
		return acct.ID, true
	}
	if accounts := chart.ByCode(c.book.Regime, text); len(accounts) == 1 {
		return accounts[0].ID, true
	}
	return "", false
}

type reversalInput struct {
	EffectiveOn string `json:"effective_on"`
	Reason      string `json:"reason"`
}

func (c *call) entryReverse() error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return ledger.ErrNoEntry
	}
	var in reversalInput
	if err := c.decode(&in); err != nil {
		return err
	}
	day, err := c.businessDay(in.EffectiveOn)
	if err != nil {
		return err
	}
	if !oneLine(in.Reason, 400) {
		return at{"/reason", badText}
	}
	return c.once(func(tx pgx.Tx) (int, any, error) {
		original, err := ledger.ReadEntry(c.ctx(), tx, c.book, id)
		if err != nil {
			return 0, nil, err
		}
		if original.Kind.KeptByGiving() {
			return 0, nil, ledger.ErrKept
		}
		if needsSecondPerson(ledger.Mirror(original)) {
			return 0, nil, errNeedsSecondPerson
		}
		doc := ledger.Document{Summary: "冲销 / Reversal", SourceKind: "api", Reason: in.Reason, MadeBy: "api:" + c.key.Name}
		r, err := ledger.Reverse(c.ctx(), tx, c.book, id, uuid.Nil, day, c.key.ID, doc)
		if err != nil {
			return 0, nil, err
		}
		answer, err := c.readEntry(tx, r.ID)
		return http.StatusCreated, answer, err
	})
}
