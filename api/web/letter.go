package web

import (
	"context"
	"fmt"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
)

// LetterText is a letter to a donor in words.
type LetterText struct {
	Subject, Body string
	Path          string // of the page that it leads to; with its secret
}

// WriteLetter puts a letter into words, in the donor's language. They hold no more of the donor than what the page behind the link tells.
func WriteLetter(ctx context.Context, q pg.Querier, book *ledger.Book, l giving.Letter) (LetterText, error) {
	lang, ok := parseLang(l.Lang)
	if !ok {
		lang = ZH
	}
	name := book.Name(string(lang))
	switch l.Kind {
	case giving.SignInLetter:
		return LetterText{T(lang, "letter.sign_in.subject", name), T(lang, "letter.sign_in.body"), ownPath + "/in/" + l.Secret}, nil
	case giving.ReceiptLetter:
		r, err := giving.GiftByID(ctx, q, book, l.About)
		if err != nil {
			return LetterText{}, err
		}
		amount := money.Money{Minor: r.Gift.Amount, Currency: r.Gift.Currency}
		return LetterText{T(lang, "letter.receipt.subject", name, amount), T(lang, "letter.receipt.body", amount, r.Campaign.Title(string(lang))),
			"/g/" + giving.Ref(book, r.Gift.ID) + "/receipt"}, nil
	case giving.DeclinedLetter:
		o, err := payments.OrderByID(ctx, q, book, l.About)
		if err != nil {
			return LetterText{}, err
		}
		amount := money.Money{Minor: o.Asked, Currency: o.Currency}
		return LetterText{T(lang, "letter.refund_declined.subject", name), T(lang, "letter.refund_declined.body", amount, o.Answer), "/g/" + giving.Ref(book, o.GiftID)}, nil
	case giving.ReminderLetter, giving.StoppedLetter, giving.FailingLetter, giving.UpcomingLetter:
		p, err := plans.ByID(ctx, q, book, l.About)
		if err != nil {
			return LetterText{}, err
		}
		c, err := giving.CampaignByID(ctx, q, book, p.CampaignID)
		if err != nil {
			return LetterText{}, err
		}
		amount, title := money.Money{Minor: p.Amount, Currency: p.Currency}, c.Title(string(lang))
		switch l.Kind {
		case giving.FailingLetter:
			return LetterText{T(lang, "letter.failing.subject", name), T(lang, "letter.failing.body", amount, title), "/plan/" + giving.Ref(book, p.ID)}, nil
		case giving.UpcomingLetter:
			return LetterText{T(lang, "letter.upcoming.subject", name, amount, Day(lang, p.NextOn)), T(lang, "letter.upcoming.body", amount, title, Day(lang, p.NextOn)),
				"/plan/" + giving.Ref(book, p.ID)}, nil
		case giving.ReminderLetter:
			return LetterText{T(lang, "letter.reminder.subject", name, amount), T(lang, "letter.reminder.body", amount, title), "/plan/" + giving.Ref(book, p.ID)}, nil
		}
		why := ""
		if p.Reason != "" {
			why = T(lang, "plan.reason."+p.Reason)
		}
		return LetterText{T(lang, "letter.stopped.subject", name), T(lang, "letter.stopped.body", title, why), "/plan/" + giving.Ref(book, p.ID)}, nil
	case giving.PledgeDueLetter, giving.PledgeLateLetter:
		n, err := giving.NoticeByID(ctx, q, book, l.About)
		if err != nil {
			return LetterText{}, err
		}
		p, err := giving.PledgeByID(ctx, q, book, n.Pledge)
		if err != nil {
			return LetterText{}, err
		}
		c, err := giving.CampaignByID(ctx, q, book, p.CampaignID)
		if err != nil {
			return LetterText{}, err
		}
		amount, key := money.Money{Minor: n.Amount, Currency: book.Currency}, "letter."+string(l.Kind)
		return LetterText{T(lang, key+".subject", name, amount, Day(lang, n.Due)),
			T(lang, key+".body", p.Firm, p.Document, c.Title(string(lang)), int(n.Part), Day(lang, n.Due), amount), "/c/" + c.Slug}, nil
	}
	return LetterText{}, fmt.Errorf("no words for a letter of kind %q", l.Kind)
}
