package web

import (
	"errors"
	"net/http"
	"slices"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// entryPage is how many entries one page lists.
const entryPage = 50

type entryListView struct {
	Page
	Q, Amount, From, To, Chart, Source, Account string
	Fund, Kind                                  string
	Funds, Kinds, Sources                       []Option
	Accounts                                    []accountChoice
	Caption                                     Caption
	Rows                                        []entryRow
	Pager                                       Pager
	Empty                                       Empty
}

// entryRow is an entry in a list.
type entryRow struct {
	Href, Name string
	Number     int32
	Kind       string
	Summary    string
	ledger.Recorded
	Sum money.Money
}

// Made and Checked are the names on the voucher.
func (r entryRow) Made() string {
	if r.Document == nil {
		return ""
	}
	return r.Document.MadeBy
}

func (r entryRow) Checked() string {
	if r.Document == nil {
		return ""
	}
	return r.Document.CheckedBy
}

func (v *visit) entryRow(r ledger.Recorded) entryRow {
	return entryRow{Href: "/console/entries/" + r.ID.String(), Name: v.entryName(&r), Number: r.Number, Kind: r.Kind.Name(string(v.lang)),
		Summary: v.summary(&r), Recorded: r, Sum: v.amount(r.Amount)}
}

// entryAsk reads the address of the journal. What is wrong stands in the view's errors.
func (v *visit) entryAsk() (view entryListView, filter ledger.JournalFilter, err error) {
	s, err := v.sight()
	if err != nil {
		return view, filter, err
	}
	view = entryListView{Page: v.consolePage(T(v.lang, "place.entries"), "/console/entries"), Q: v.typed("q", textMax), Amount: v.typed("amount", 40),
		From: v.typed("from", 20), To: v.typed("to", 20), Chart: v.typed("chart", textMax), Source: v.typed("source", 40),
		Fund: v.typed("fund", 10), Kind: v.typed("kind", 40), Account: v.typed("account", 10), Funds: s.options(v.lang, T(v.lang, "filter.all"))}
	return view, v.entryFilter(&view, s), nil
}

// entryList is the journal: newest first, filtered by its address.
func (v *visit) entryList() error {
	view, filter, err := v.entryAsk()
	if err != nil {
		return err
	}
	view.Kinds, view.Sources = v.kindOptions(), v.sourceOptions()
	for _, acct := range chart.All() {
		view.Accounts = append(view.Accounts, accountChoice{Text: v.code(acct) + " " + acct.Name(string(v.lang))})
	}
	if len(view.Errors) > 0 {
		return v.s.render.Render(v.Response(), http.StatusUnprocessableEntity, "console/entry_list", view)
	}
	if v.QueryParam("format") != "" {
		d, err := v.entryDownload(filter)
		if err != nil {
			return err
		}
		return v.give(d)
	}
	if err := v.entryRows(&view, filter); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/entry_list", view)
}

// entryFilter reads the filter from the address. A fund out of sight finds nothing.
func (v *visit) entryFilter(view *entryListView, s *sight) ledger.JournalFilter {
	f := ledger.JournalFilter{Text: view.Q, Amount: v.amountField(&view.Page, "amount"), From: v.dayField(&view.Page, "from"),
		To: v.dayField(&view.Page, "to"), Source: view.Source, Fund: v.number("fund"), Account: v.number("account"), Funds: s.ids(),
		After: v.QueryParam("after"), Limit: entryPage}
	if view.Chart != "" {
		leaf, err := v.leafOf(v.s.DB, view.Chart, s)
		if err != nil {
			view.Errors.Add("chart", view.T("filter.chart.wrong"))
		}
		f.Chart = leaf.Chart
	}
	if kind, ok := ledger.KindByCode(view.Kind); ok {
		f.Kind = kind
	} else if view.Kind != "" {
		view.Errors.Add("kind", view.T("filter.kind.wrong"))
	}
	if view.Source != "" && !slices.Contains(sources, view.Source) {
		view.Errors.Add("source", view.T("filter.source.wrong"))
	}
	if view.Fund != "" && f.Fund == 0 {
		view.Errors.Add("fund", view.T("filter.fund.wrong"))
	}
	checkSpan(&view.Page, f.From, f.To)
	return f
}

func (v *visit) kindOptions() []Option {
	options := []Option{{Value: "", Label: T(v.lang, "filter.all")}}
	for _, k := range ledger.Kinds() {
		options = append(options, Option{Value: k.Info().Code, Label: k.Name(string(v.lang))})
	}
	return options
}

// sources are the kinds of source documents that have a word in the translations.
var sources = []string{"voucher", "reversal", "opening", "contract", "acceptance", "request", "payment", "bank", "payout", "fee",
	"refund", "subsidy", "transfer", "interfund", "close"}

func (v *visit) sourceOptions() []Option {
	options := []Option{{Value: "", Label: T(v.lang, "filter.all")}}
	for _, kind := range sources {
		options = append(options, Option{Value: kind, Label: v.source(kind)})
	}
	return options
}

func (v *visit) entryRows(view *entryListView, f ledger.JournalFilter) error {
	var position, total int64
	err := v.read(func(q pg.Querier) error {
		page, err := ledger.Journal(v.ctx(), q, v.book, f)
		if err != nil {
			return err
		}
		for _, r := range page.Entries {
			view.Rows = append(view.Rows, v.entryRow(r))
		}
		if page.Next != "" {
			view.Pager.Next = v.with("after", page.Next)
		}
		if f.After != "" {
			view.Pager.First = v.with("after", "")
		}
		total = int64(len(page.Entries))
		if page.Next != "" || f.After != "" {
			if total, err = ledger.JournalCount(v.ctx(), q, v.book, f); err != nil {
				return err
			}
		}
		position, err = ledger.Postings(v.ctx(), q, v.book)
		return err
	})
	if errors.Is(err, ledger.ErrCursor) {
		return v.see(v.with("after", ""))
	}
	if err != nil {
		return err
	}
	view.Pager.Shown, view.Pager.Total = int64(len(view.Rows)), total
	view.Figure = v.asOf(position)
	view.Caption = Caption{Title: view.T("place.entries"), Unit: Unit(v.lang, v.book.Currency), AsOf: view.Figure,
		Exports: []Link{{view.T("report.as.xlsx"), v.with("format", "xlsx", "after", "")}, {view.T("table.csv"), v.with("format", "csv", "after", "")}, {view.T("report.as.json"), v.with("format", "json", "after", "")}}}
	view.Empty = Empty{Text: view.T("entries.empty"), Action: &Link{view.T("filter.clear"), "/console/entries"}}
	return nil
}
