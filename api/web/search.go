package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// searchMost is how many hits of each sort the search shows before it leads to the full list.
const searchMost = 20

type searchView struct {
	Page
	Q       string
	Groups  []searchGroup
	Gifts   []giftRow
	GiftAll string
	Empty   Empty
}

// searchGroup is entries found in one way.
type searchGroup struct {
	Title string
	All   string // address of the full list; empty when all are shown
	Rows  []entryRow
}

// voucherNumber is how people write a voucher's number: 12, 记12, 记字第 12 号, No. 12.
var voucherNumber = regexp.MustCompile(`^(?i:记字?第?|no\.?|#)?\s*(\d{1,7})\s*号?$`)

// search finds by voucher number, amount, entry id, gift reference or text. One hit is opened at once.
func (v *visit) search() error {
	view := searchView{Page: v.consolePage(T(v.lang, "search.title"), ""), Q: v.typed("q", textMax)}
	view.Crumbs = []Link{{view.T("place.today"), "/console"}, {Label: view.T("search.title")}}
	if view.Q != "" {
		if v.who.May(staff.EntryRead) {
			if err := v.searchEntries(&view); err != nil {
				return err
			}
		}
		if v.who.May(staff.GiftRead) {
			if err := v.searchGifts(&view); err != nil {
				return err
			}
		}
	}
	hits := map[string]bool{} // what is found by its number and in its text is one hit
	for _, g := range view.Groups {
		for _, r := range g.Rows {
			hits[r.Href] = true
		}
	}
	for _, g := range view.Gifts {
		hits["/console/entries/"+g.Found.ID.String()] = true
	}
	if len(hits) == 1 {
		for href := range hits {
			return v.see(href)
		}
	}
	view.Empty = Empty{Text: view.T("search.empty")}
	if view.Q != "" {
		view.Empty.Text = view.T("search.none", view.Q)
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/search", view)
}

func (v *visit) searchEntries(view *searchView) error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	find := func(key string, f ledger.JournalFilter, all url.Values) error {
		f.Funds, f.Limit = s.ids(), searchMost
		page, err := ledger.Journal(v.ctx(), v.s.DB, v.book, f)
		if err != nil || len(page.Entries) == 0 {
			return err
		}
		group := searchGroup{Title: view.T(key)}
		for _, r := range page.Entries {
			group.Rows = append(group.Rows, v.entryRow(r))
		}
		if page.Next != "" && all != nil {
			group.All = address("/console/entries", all)
		}
		view.Groups = append(view.Groups, group)
		return nil
	}
	if m := voucherNumber.FindStringSubmatch(view.Q); m != nil {
		if n, err := strconv.ParseInt(m[1], 10, 32); err == nil && n > 0 {
			if err := find("search.number", ledger.JournalFilter{Number: int32(n)}, nil); err != nil {
				return err
			}
		}
	}
	if minor, err := money.ParseInput(view.Q, v.book.Currency); err == nil && minor > 0 {
		if err := find("search.amount", ledger.JournalFilter{Amount: minor}, url.Values{"amount": {view.Q}}); err != nil {
			return err
		}
	}
	text := view.Q
	if id, err := giving.ParseRef(v.book, text); err == nil {
		text = id.String()
	} else if id, err := uuid.Parse(text); err == nil {
		text = id.String()
	}
	return find("search.text", ledger.JournalFilter{Text: text}, url.Values{"q": {text}})
}

func (v *visit) searchGifts(view *searchView) error {
	list, err := giving.SearchGifts(v.ctx(), v.s.DB, v.book, giving.GiftFilter{Text: view.Q, Limit: searchMost + 1})
	if err != nil {
		return err
	}
	if len(list) > searchMost {
		list, view.GiftAll = list[:searchMost], giftsHref(view.Q)
	}
	for _, f := range list {
		view.Gifts = append(view.Gifts, v.giftRow(f))
	}
	return nil
}
