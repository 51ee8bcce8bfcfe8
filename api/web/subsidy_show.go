package web

import (
	"net/http"
	"net/url"
	"strconv"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
)

// letterShow shows a letter with what became of it.
func (v *visit) letterShow() error { return v.letterAgain(http.StatusOK, nil) }

func (v *visit) letterAgain(status int, wrong Errors) error {
	l, t, err := v.letterOfPath()
	if err != nil {
		return err
	}
	here := subsidiesPath + "/" + l.ID.String()
	view := recordView{Page: v.consolePage(l.Name()+" "+l.Party, subsidiesPath), Heading: l.Name() + " " + l.Party}
	view.Errors, view.Path = wrong, here
	view.Figure = v.asOf(t.Position)
	state := v.letterState(l)
	view.Status, view.State, view.Lead = state.Tag, state.Text, v.letterNext(l, t)
	if view.Facts, err = v.letterFacts(l); err != nil {
		return err
	}
	if l.State == subsidies.Open && l.Claimed < l.Cap {
		view.Links = []Link{{T(v.lang, "subsidy.notice"), here + "/notice"}}
	}
	grids, err := v.letterGrids(l, t)
	if err != nil {
		return err
	}
	view.Grids = grids
	acts, err := v.letterActs(v.s.DB, l, t)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, acts...); err != nil {
		return err
	}
	return v.showRecord(view, l.Object(), status)
}

// letterNext says who acts next.
func (v *visit) letterNext(l *subsidies.Letter, t subsidies.Tally) string {
	sum := func(minor int64) string { return Amount(v.lang, v.amount(minor)) }
	switch {
	case l.State == subsidies.Draft:
		return T(v.lang, "subsidy.next.draft")
	case l.State == subsidies.Void:
		return T(v.lang, "subsidy.next.void")
	case l.Over(t) > 0:
		return T(v.lang, "subsidy.next.over", sum(l.Over(t)))
	case l.Claimable(t, v.businessDay()) > 0:
		return T(v.lang, "subsidy.next.claim", sum(l.Claimable(t, v.businessDay())), Day(v.lang, l.LapsesOn))
	case l.Due() > 0:
		return T(v.lang, "subsidy.next.due", sum(l.Due()))
	case l.Left(t) > 0:
		return T(v.lang, "subsidy.next.spend", sum(l.Left(t)))
	case l.State == subsidies.Open && l.Claimed < l.Cap:
		return T(v.lang, "subsidy.next.wait", Day(v.lang, l.ClosesOn))
	}
	return T(v.lang, "subsidy.next.done")
}

// letterGrids are the amounts line by line, and what each is made of.
func (v *visit) letterGrids(l *subsidies.Letter, t subsidies.Tally) ([]grid, error) {
	ctx, db := v.ctx(), v.s.DB
	steps, err := giving.Steps(ctx, db, v.book, l.Object())
	if err != nil {
		return nil, err
	}
	last := map[string]string{} // the newest entry of a kind of step
	for _, s := range steps {
		if s.Entry != nil {
			last[s.Act] = "/console/entries/" + s.Entry.String()
		}
	}
	claims, err := v.claimGrid(l)
	if err != nil {
		return nil, err
	}
	money, err := v.letterMoney(l)
	if err != nil {
		return nil, err
	}
	var claimed, received, spent string
	if n := len(claims.Rows); n > 0 {
		claimed = claims.Rows[n-1][0].Href
	}
	for _, row := range money.Rows {
		if row[4].Text == "in" {
			received = row[0].Href
		} else {
			spent = row[0].Href
		}
	}
	for i := range money.Rows {
		money.Rows[i] = money.Rows[i][:4]
	}
	gifts := url.Values{"fund": {strconv.Itoa(int(l.FundID))}, "source": {"gift"}, "from": {ISODay(l.OpensOn)}, "to": {ISODay(l.ClosesOn)}}
	amounts := grid{Title: T(v.lang, "subsidy.amounts"), Heads: v.heads("subsidy.amount", "#filter.amount", "subsidy.meaning")}
	for _, line := range []struct {
		key    string
		amount int64
		href   string
		shown  bool
	}{
		{"committed", l.Cap, last["letter-committed"], true}, {"raised", t.Raised, address("/console/entries", gifts), true}, {"earned", t.Earned, address("/console/entries", gifts), true},
		{"claimed", l.Claimed, claimed, true}, {"received", l.Received, received, true}, {"spent", t.Spent, spent, true},
		{"returned", l.Returned, last["letter-returned"], l.Returned > 0}, {"left", l.Left(t), "", l.Left(t) > 0},
		{"over", l.Over(t), "", l.Over(t) > 0}, {"lapsed", l.Lapsed, last["letter-lapsed"], l.State == subsidies.Lapsed},
		{"parallel", l.Parallel, last["letter-parallel"], true},
	} {
		if line.shown {
			sum := v.sumCell(line.amount)
			sum.Href = line.href
			amounts.Rows = append(amounts.Rows, []cell{{Text: T(v.lang, "subsidy."+line.key)}, sum, {Text: T(v.lang, "subsidy."+line.key+".note")}})
		}
	}
	grids := []grid{amounts, claims, money}
	earnings, err := v.earningGrid(l)
	if err != nil {
		return nil, err
	}
	grids = append(grids, earnings)
	homes, err := v.homeRows(t.Raised, l.Received-l.Returned, l.Homes)
	if err != nil {
		return nil, err
	}
	if len(homes) > 0 && l.Received > 0 {
		grids = append(grids, grid{Title: T(v.lang, "subsidy.homes.heading", int(l.Homes)), Heads: v.homeHeads(), Rows: homes})
	}
	return grids, nil
}

func (v *visit) homeHeads() []head {
	return v.heads("subsidy.home", "#subsidy.home.count", "#subsidy.home.gifts", "#subsidy.home.street", "#subsidy.home.total")
}

func (v *visit) claimGrid(l *subsidies.Letter) (grid, error) {
	g := grid{Title: T(v.lang, "subsidy.claims"), Empty: T(v.lang, "subsidy.claims.none"), Heads: v.heads("subsidy.claim", "subsidy.claim.at", "person.state", "#filter.amount")}
	claims, err := subsidies.Claims(v.ctx(), v.s.DB, v.book, l.ID)
	if err != nil {
		return g, err
	}
	for _, c := range claims {
		g.Rows = append(g.Rows, []cell{{Text: c.Name(l), Href: claimsPath + "/" + c.ID.String()}, {Text: When(v.lang, c.MadeAt, v.book.Zone)}, v.claimState(&c), v.sumCell(c.Amount)})
	}
	return g, nil
}

func (v *visit) claimState(c *subsidies.Claim) cell {
	return cell{Text: T(v.lang, "subsidy.claim."+c.State), Tag: map[string]string{subsidies.Made: "waiting", subsidies.Signed: "done", subsidies.Withdrawn: "reversed"}[c.State]}
}

// letterMoney lists what came and what was spent, each with its entry. The last cell of a row tells which of the two it is.
func (v *visit) letterMoney(l *subsidies.Letter) (grid, error) {
	g := grid{Title: T(v.lang, "subsidy.money"), Empty: T(v.lang, "subsidy.money.none"), Heads: v.heads("voucher.day", "subsidy.amount", "bankline.ref", "#filter.amount")}
	receipts, err := subsidies.Receipts(v.ctx(), v.s.DB, v.book, l.ID)
	if err != nil {
		return g, err
	}
	word := func(key string, void bool) cell {
		if void {
			return cell{Text: T(v.lang, "entry.reversed"), Tag: "reversed"}
		}
		return cell{Text: T(v.lang, key)}
	}
	for _, r := range receipts {
		g.Rows = append(g.Rows, []cell{{Text: ISODay(r.Day), Href: "/console/entries/" + r.Entry.String()}, word("subsidy.received", r.Void), textCell(r.Ref), v.sumCell(r.Amount), {Text: "in"}})
	}
	spends, err := subsidies.Spends(v.ctx(), v.s.DB, v.book, l.ID)
	if err != nil {
		return g, err
	}
	for _, s := range spends {
		g.Rows = append(g.Rows, []cell{{Text: ISODay(s.Day), Href: "/console/entries/" + s.Entry.String()}, word("subsidy.spent", s.Void), {}, v.sumCell(s.Amount), {Text: "out"}})
	}
	return g, nil
}

func (v *visit) earningGrid(l *subsidies.Letter) (grid, error) {
	g := grid{Title: T(v.lang, "subsidy.earnings"), Empty: T(v.lang, "subsidy.earnings.none"), Heads: v.heads("subsidy.earnings.at", "subsidy.earnings.position", "#subsidy.gifts", "#subsidy.raised", "#subsidy.earned")}
	list, err := subsidies.Earnings(v.ctx(), v.s.DB, v.book, l.ID)
	if err != nil {
		return g, err
	}
	for _, e := range list {
		g.Rows = append(g.Rows, []cell{{Text: When(v.lang, e.At, v.book.Zone)}, {Text: "#" + strconv.FormatInt(e.Position, 10)}, {Text: strconv.FormatInt(e.Gifts, 10)}, v.sumCell(e.Raised), v.sumCell(e.Earned)})
	}
	return g, nil
}
