package disclosure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/law"
	"sunfund/ledger/projects"
)

// ErrNoObject means that nothing of this name is published: no such campaign, project, year or event.
var ErrNoObject = errors.New("nothing of this name is published")

// ErrDiffers means that what a draft tells of a year or campaign does not lead to what the funds hold at its end: nothing is published as put right that
// no entry says.
var ErrDiffers = errors.New("figures do not lead to what the funds hold")

// Make drafts what would be published of an object from the books as they are: "campaign:3", "project:…", "year:2026", "event:…". ErrNoObject.
func Make(ctx context.Context, q pg.Querier, book *ledger.Book, object string, now time.Time) (d *Draft, err error) {
	kind, id, _ := strings.Cut(object, ":")
	d = &Draft{Object: object, Kind: kind, book: book}
	d.Currency, d.AsOf = book.Currency, book.Day(now).Format(time.DateOnly)
	if d.Position, err = ledger.Posted(ctx, q, book, 0); err != nil {
		return nil, err
	}
	switch kind {
	case "campaign":
		err = d.campaign(ctx, q, id, now)
	case "project":
		err = d.project(ctx, q, id)
	case "year":
		err = d.yearly(ctx, q, id, now)
	case "event":
		err = d.event(ctx, q, id)
	default:
		err = ErrNoObject
	}
	if err != nil {
		return nil, fmt.Errorf("draft of %s: %w", object, err)
	}
	d.drafted = d.Costs
	d.settle()
	return d, nil
}

var firstDay, lastDay = ledger.Day(1, time.January, 1), ledger.Day(9999, time.December, 31)

// closing is what the lines lead to.
func (d *Draft) closing() int64 {
	return d.opening + d.income - d.refunded - d.fees - d.cost + d.moved + d.adjusted
}

// leads refuses lines that do not lead to what is held. ErrDiffers.
func (d *Draft) leads(held int64) error {
	if left := d.closing() - held; left != 0 {
		return fmt.Errorf("%w: by %s", ErrDiffers, d.format(left))
	}
	return nil
}

func (d *Draft) project(ctx context.Context, q pg.Querier, text string) error {
	id, err := uuid.Parse(text)
	if err != nil {
		return ErrNoObject
	}
	p, err := projects.ProjectByID(ctx, q, d.book, id)
	if err != nil {
		return err
	}
	if p.State != projects.Approved && p.State != projects.Ended {
		return ErrNoObject
	}
	d.FundID, d.TitleZH, d.TitleEN, d.Ended = &p.FundID, p.Title, p.Title, p.State == projects.Ended
	d.From, d.To = p.StartsOn.Format(time.DateOnly), p.EndsOn.Format(time.DateOnly)
	if p.EndedOn != nil {
		d.To = p.EndedOn.Format(time.DateOnly)
	}
	sources, err := projects.FinalAccount(ctx, q, d.book, p.ID)
	if err != nil {
		return err
	}
	for _, s := range sources {
		d.addIncome(OfSource, s.Payer, s.Budget)
		d.refunded += s.Returned
	}
	costs, err := projects.Costs(ctx, q, d.book, p.ID)
	for _, c := range costs {
		d.addCost(c.Kind, c.Contract, c.Invoices, c.Drawn)
		if c.Lost != 0 {
			d.addCost(OfLoss, c.Contract, "", c.Lost)
		}
	}
	d.Spent, d.budget = d.cost, p.Budget
	return err
}

func (d *Draft) yearly(ctx context.Context, q pg.Querier, text string, now time.Time) error {
	year, err := strconv.Atoi(text)
	today := d.book.Day(now)
	if err != nil || year < 1900 || year > today.Year() {
		return ErrNoObject
	}
	from, to := ledger.Day(year, time.January, 1), ledger.Day(year, time.December, 31)
	d.TitleZH, d.TitleEN = text+" 年度报告", "Yearly report "+text
	d.From, d.To, d.Ended = from.Format(time.DateOnly), to.Format(time.DateOnly), today.After(to)
	before, err := ledger.Positions(ctx, q, d.book, from.AddDate(0, 0, -1))
	if err != nil {
		return err
	}
	for _, p := range before {
		d.opening += p.NetAssets
	}
	back, err := d.gifts(ctx, q, 0, from, to)
	if err != nil {
		return err
	}
	d.refunded = back
	flows, err := ledger.Flows(ctx, q, d.book, from, to, 0)
	if err != nil {
		return err
	}
	sums := map[chart.ID]int64{}
	for _, f := range flows {
		sums[f.Chart.ID] += f.Amount
	}
	for _, a := range chart.All() {
		sum := sums[a.ID]
		switch {
		case sum == 0, a.ID == "gift.r", a.ID == "gift.u":
		case a.Type == chart.Income:
			d.addIncome(OfOther, a.NameZH, sum)
		case a.Type == chart.Expense:
			d.addCost(a.Code(d.book.Regime), a.NameZH, "", sum)
		}
	}
	d.Spent = d.cost
	after, err := ledger.Positions(ctx, q, d.book, to)
	if err != nil {
		return err
	}
	moved, err := ledger.MovedBefore(ctx, q, d.book, ledger.Cut{}, from, to.AddDate(0, 0, 1))
	if err != nil {
		return err
	}
	for _, m := range moved { // openings and what was put right; what a year's end moves is on both sides of it, and so are transfers and releases
		if chart.MustByID(m.Chart).Type == chart.NetAssets || m.Nature == ledger.NatureClose || slices.Contains(between, m.Chart) {
			d.adjusted += (m.Before[1].Credit - m.Before[1].Debit) - (m.Before[0].Credit - m.Before[0].Debit)
		}
	}
	var held int64
	for _, p := range after {
		held += p.NetAssets
	}
	return d.leads(held)
}

// event drafts what was entered of a major event; of one that was published and taken back since, what was published, to be corrected.
func (d *Draft) event(ctx context.Context, q pg.Querier, text string) error {
	d.Ended = true
	f, err := eventOf(ctx, q, d.book, text)
	if err == nil {
		d.TitleZH, d.TitleEN, d.From, d.Words = f.Said("zh-CN"), f.Said("en"), f.Day.Format(time.DateOnly), f.Words
	}
	if !errors.Is(err, ErrNoObject) {
		return err
	}
	e, none := ByObject(ctx, q, d.book, d.Object)
	switch {
	case errors.Is(none, ErrNoEntry) || none == nil && len(e.Versions) == 0:
		return err
	case none != nil:
		return none
	}
	was := e.Newest().Figures
	d.TitleZH, d.TitleEN, d.From, d.Words = was.TitleZH, was.TitleEN, was.From, was.Words
	return nil
}

// eventOf is the major event with an id, while it stands. ErrNoObject.
func eventOf(ctx context.Context, q pg.Querier, book *ledger.Book, text string) (*law.Fact, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return nil, ErrNoObject
	}
	f, err := law.Standing(ctx, q, book, "R10", "event", id)
	if errors.Is(err, law.ErrNoFact) {
		return nil, ErrNoObject
	}
	return f, err
}
