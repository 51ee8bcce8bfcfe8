package web

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

// giftPage is how many gifts one page lists.
const giftPage = 50

type giftListView struct {
	Page
	Q, Amount, From, To, Campaign, Channel string
	Campaigns, Channels                    []Option
	Caption                                Caption
	Rows                                   []giftRow
	Sum                                    money.Money // of the whole filter, in the book's currency
	Pager                                  Pager
	MayRefund                              bool
	Empty                                  Empty
}

// giftRow is a gift in the console.
type giftRow struct {
	Found    giving.Found
	Public   string // its reference, as the donor knows it
	Donor    string // where all stands that is held on the donor; empty: nothing is, or not for this person
	Campaign string
	Channel  string
	Amount   money.Money
	Refunded money.Money
	Fee      money.Money
}

// giftAsk reads the address of the list. What is wrong stands in the view's errors.
func (v *visit) giftAsk() (giftListView, giving.GiftFilter) {
	view := giftListView{Page: v.consolePage(T(v.lang, "place.gifts"), "/console/gifts"), Q: v.typed("q", textMax), Amount: v.typed("amount", 40),
		From: v.typed("from", 20), To: v.typed("to", 20), Campaign: v.typed("campaign", 10), Channel: v.typed("channel", 20), MayRefund: v.who.May(staff.GiftWrite)}
	filter := giving.GiftFilter{Text: view.Q, Amount: v.amountField(&view.Page, "amount"), CampaignID: v.number("campaign"), Limit: giftPage + 1,
		From: v.startOf(v.dayField(&view.Page, "from"))}
	if to := v.dayField(&view.Page, "to"); !to.IsZero() {
		checkSpan(&view.Page, filter.From, v.startOf(to))
		filter.To = v.startOf(to.AddDate(0, 0, 1))
	}
	if channel, ok := giving.ChannelByCode(view.Channel); ok {
		filter.Channel = channel
	} else if view.Channel != "" {
		view.Errors.Add("channel", view.T("filter.channel.wrong"))
	}
	filter.Before, _ = uuid.Parse(v.QueryParam("before")) // anything else is the first page
	return view, filter
}

// giftList searches the gifts, with names.
func (v *visit) giftList() error {
	view, filter := v.giftAsk()
	if err := v.giftOptions(&view); err != nil {
		return err
	}
	if len(view.Errors) > 0 {
		return v.s.render.Render(v.Response(), http.StatusUnprocessableEntity, "console/gift_list", view)
	}
	if v.QueryParam("format") == "csv" {
		return fresh(func(v *visit) error { return v.give(v.giftDownload(filter)) })(v) // it holds names
	}
	if err := v.giftRows(&view, filter); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/gift_list", view)
}

// startOf is the first instant of a business day.
func (v *visit) startOf(day time.Time) time.Time {
	if day.IsZero() {
		return day
	}
	return v.book.Begin(day)
}

func (v *visit) giftOptions(view *giftListView) error {
	campaigns, err := giving.ListCampaigns(v.ctx(), v.s.DB, v.book, giving.CampaignFilter{Drafts: true}, v.now, 0, giving.PageMax)
	if err != nil {
		return err
	}
	all := Option{Value: "", Label: view.T("filter.all")}
	view.Campaigns, view.Channels = []Option{all}, []Option{all}
	for _, c := range campaigns {
		view.Campaigns = append(view.Campaigns, Option{Value: strconv.Itoa(int(c.ID)), Label: c.Title(string(v.lang))})
	}
	for _, c := range giving.Channels() {
		view.Channels = append(view.Channels, Option{Value: c.Code(), Label: c.Name(string(v.lang))})
	}
	return nil
}

// nameOf is a donor's name in a file.
func (v *visit) nameOf(f giving.Found) string {
	if f.Erased {
		return T(v.lang, "donor.erased")
	}
	return f.Name
}

func (v *visit) giftRow(f giving.Found) giftRow {
	var donor string
	if f.Donor != uuid.Nil && v.who.May(staff.DonorRead) {
		donor = donorHref(f.Donor)
	}
	return giftRow{Found: f, Donor: donor, Public: giving.Ref(v.book, f.ID), Campaign: f.Campaign(string(v.lang)), Channel: f.Channel.Name(string(v.lang)),
		Amount: money.Money{Minor: f.Amount, Currency: f.Currency}, Refunded: money.Money{Minor: f.Refunded, Currency: f.Currency}, Fee: v.amount(f.Fee)}
}

func (v *visit) giftRows(view *giftListView, filter giving.GiftFilter) error {
	var at int64
	err := v.read(func(q pg.Querier) error {
		list, err := giving.SearchGifts(v.ctx(), q, v.book, filter)
		if err != nil {
			return err
		}
		if len(list) > giftPage {
			list = list[:giftPage]
			view.Pager.Next = v.with("before", list[giftPage-1].ID.String())
		}
		for _, f := range list {
			view.Rows = append(view.Rows, v.giftRow(f))
		}
		n, sum, err := giving.CountGifts(v.ctx(), q, v.book, filter)
		if err != nil {
			return err
		}
		view.Pager.Shown, view.Pager.Total, view.Sum = int64(len(list)), n, v.amount(sum)
		at, err = ledger.Postings(v.ctx(), q, v.book)
		return err
	})
	if err != nil {
		return err
	}
	if filter.Before != uuid.Nil {
		view.Pager.First = v.with("before", "")
	}
	view.Figure = v.asOf(at)
	view.Caption = Caption{Title: view.T("place.gifts"), Unit: Unit(v.lang, v.book.Currency), AsOf: view.Figure,
		Exports: []Link{{view.T("table.csv"), v.with("format", "csv", "before", "")}}}
	view.Empty = Empty{Text: view.T("gifts.empty"), Action: &Link{view.T("filter.clear"), "/console/gifts"}}
	return nil
}

// giftsOfAddress is the list of gifts of an address as a file.
func (v *visit) giftsOfAddress() (*download, error) {
	view, filter := v.giftAsk()
	if len(view.Errors) > 0 || v.typed("format", 4) != "csv" {
		return nil, reports.ErrNoExport
	}
	return v.giftDownload(filter), nil
}

// giftDownload is the whole filter, with names.
func (v *visit) giftDownload(filter giving.GiftFilter) *download {
	filter.Limit, filter.Before = giving.PageMax, uuid.Nil
	return &download{title: T(v.lang, "place.gifts") + " " + T(v.lang, "table.csv"), name: "gifts-" + ISODay(v.businessDay()) + ".csv", kind: fileTypes["csv"], audit: "export.gifts",
		count: func(q pg.Querier, limit int64) (int64, error) {
			return giving.GiftsUpTo(v.ctx(), q, v.book, filter, limit)
		},
		write: func(ctx context.Context, q pg.Querier, w io.Writer, tell func(reports.Told)) (string, error) {
			out := sheetOn(w, v.lang, "gift.paid", "gift.ref", "gift.name", "gift.amount", "account.currency", "gift.fee", "gift.refunded", "gift.campaign", "gift.channel",
				"gift.order", "gift.processor", "gift.message")
			for done := int64(0); ; {
				list, err := giving.SearchGifts(ctx, q, v.book, filter)
				if err != nil {
					return "", err
				}
				for _, f := range list {
					r := v.giftRow(f)
					out.row(Stamp(f.PaidAt, v.book.Zone), r.Public, v.nameOf(f), r.Amount, f.Currency, r.Fee, r.Refunded, r.Campaign, r.Channel, f.Ref, f.ProcessorRef, f.Message)
				}
				before := done / entryTold
				if done += int64(len(list)); done/entryTold > before {
					tell(reports.Told{Done: done})
				}
				if err := out.flush(); err != nil || len(list) < giving.PageMax {
					return "", err
				}
				filter.Before = list[len(list)-1].ID
			}
		}}
}

// giftsHref is the list of gifts that a text finds.
func giftsHref(text string) string { return address("/console/gifts", url.Values{"q": {text}}) }
