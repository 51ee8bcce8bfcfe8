package web

import (
	"strconv"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/disclosure"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
)

func (v *visit) address() string { return v.Scheme() + "://" + v.Request().Host }

func (v *visit) plain(minor int64) string { return money.Format(minor, v.book.Currency) }

func dayOrNone(day *time.Time) string {
	if day == nil {
		return ""
	}
	return ISODay(*day)
}

func (v *visit) openCampaigns(q pg.Querier) (rows [][]any, err error) {
	funds, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return nil, err
	}
	for before := int32(0); ; {
		list, err := giving.ListCampaigns(v.ctx(), q, v.book, giving.CampaignFilter{}, v.now, before, giving.PageMax)
		if err != nil || len(list) == 0 {
			return rows, err
		}
		ids := make([]int32, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		all, err := giving.ProgressOf(v.ctx(), q, v.book, v.now, ids...)
		if err != nil {
			return nil, err
		}
		for i := range list {
			c, p := &list[i], &all[i]
			rows = append(rows, []any{"campaign:" + strconv.Itoa(int(c.ID)), c.Slug, c.TitleZH, c.TitleEN, funds[c.FundID].Code, c.FilingNo, ISODay(v.book.Day(c.OpensAt)), ISODay(v.book.Day(c.ClosesAt.Add(-time.Second))), c.State, c.Currency,
				v.plain(c.Goal), v.plain(p.Received), p.Gifts, v.plain(p.Refunded), v.plain(p.Settled - p.Clawed), v.address() + "/c/" + c.Slug})
		}
		before = list[len(list)-1].ID
	}
}

func (v *visit) openFunds(q pg.Querier) (rows [][]any, err error) {
	sums, err := v.fundSums(q)
	for _, s := range sums {
		f := &s.Fund
		rows = append(rows, []any{"fund:" + strconv.Itoa(int(f.ID)), f.Code, f.NameZH, f.NameEN, f.Kind, v.book.Currency, v.plain(s.NetAssets), v.plain(s.Liquid), v.plain(s.Committed), v.plain(s.SetAside), v.plain(s.Available),
			v.plain(s.Received), v.plain(s.Spent), v.address() + fundHref(f)})
	}
	return rows, err
}

func (v *visit) openProjects(q pg.Querier, after string, most int) (rows [][]any, err error) {
	id, err := openID(after, "project:")
	if err != nil {
		return nil, err
	}
	list, err := disclosure.OpenProjects(v.ctx(), q, v.book, id, most)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	standing, err := projects.Standings(v.ctx(), q, v.book, ids)
	for _, p := range list {
		s, score := standing[p.ID], ""
		if s.Assessed > 0 {
			score = hundredths(int64(s.Points))
		}
		rows = append(rows, []any{"project:" + p.ID.String(), int64(p.Number), p.Title, p.Fund, p.Street, p.State, ISODay(p.StartsOn), ISODay(p.EndsOn), dayOrNone(p.EndedOn), v.book.Currency, v.plain(p.Budget), v.plain(p.Committed), v.plain(p.Spent),
			int64(p.People), dayOrNone(p.PublishedOn), v.plain(s.Paid), s.Times, s.People, score, int64(s.Assessed), int64(s.Stages), int64(s.Accepted), v.address() + boardPath + "/" + strconv.Itoa(int(p.Number))})
	}
	return rows, err
}

func (v *visit) openPayments(q pg.Querier, after string, most int) (rows [][]any, err error) {
	id, err := openID(after, "payment:")
	if err != nil {
		return nil, err
	}
	list, err := disclosure.OpenPayments(v.ctx(), q, v.book, id, most)
	for _, p := range list {
		project := ""
		if p.Project != nil {
			project = "project:" + p.Project.String()
		}
		rows = append(rows, []any{"payment:" + p.ID.String(), ISODay(p.PaidOn), p.Kind, v.book.Currency, v.plain(p.Amount), project, p.Contract, p.Fund, p.Payee, p.Code})
	}
	return rows, err
}

func (v *visit) openDisclosure(q pg.Querier, after string, most int) (rows [][]any, err error) {
	id, err := openID(after, "")
	if err != nil {
		return nil, err
	}
	list, err := disclosure.OpenListed(v.ctx(), q, v.book, id, most)
	for _, e := range list {
		f := &e.Figures
		rows = append(rows, []any{e.ID.String(), e.Object, e.Kind, f.TitleZH, f.TitleEN, int64(e.Version), e.Phase, e.Corrected, e.PublishedAt.UTC().Format(time.RFC3339), f.Currency, f.Opening, f.IncomeTotal, f.Refunded, f.Fees, f.CostTotal, f.Closing,
			f.Budget, f.Rate, f.Moved, f.Adjusted, f.Basis, f.Edited, v.address() + disclosurePath + "/" + e.ID.String()})
	}
	return rows, err
}
