package web

import (
	"errors"
	"net/http"
	"strconv"

	"sunfund/api/problem"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/staff"
)

// linesShown is how many lines of a file its page shows; the list of faults has all.
const (
	linesShown  = 20
	faultsShown = 200
)

// platformShow shows a file: its totals beside those of the letter, its lines, what was not booked and why, what was paid and
// what is open.
func (v *visit) platformShow() error { return v.platformAgain(http.StatusOK, nil) }

func (v *visit) platformAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	f, err := platforms.FileByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	here := platformsPath + "/" + id.String()
	view := v.recordPage(f.Name, "")
	view.Errors, view.Path = wrong, here
	if f.State == platforms.FileBooked {
		err = v.platformBooked(&view, f, here)
	} else {
		err = v.platformUnbooked(&view, f, here)
	}
	if err != nil {
		return err
	}
	return v.showRecord(view, f.Object(), status)
}

// platformUnbooked shows what a file would book.
func (v *visit) platformUnbooked(view *recordView, f *platforms.File, here string) error {
	state := v.platformState(f.State, 0, 0)
	view.Status, view.State = state.Tag, state.Text
	view.Facts = []Fact{v.fact("platform.size", paperSize(int(f.Size))), v.fact("platform.came", Day(v.lang, v.book.Day(f.MadeAt)))}
	if f.State == platforms.FileDropped {
		return nil
	}
	booking, progress, err := v.progressOf(v.ctx(), f.ID)
	if err != nil {
		return err
	}
	if booking != nil && booking.State == platforms.BookingRuns {
		view.Progress, view.Status, view.State = progress, "waiting", T(v.lang, "platform.state.booking")
		return nil
	}
	if booking != nil && booking.State == platforms.BookingStopped {
		view.Lead = T(v.lang, "platform.stopped", booking.Done, booking.Total, T(v.lang, "platform.fault."+booking.Problem))
	}
	may := v.who.May(staff.OfflineWrite)
	if may {
		view.Links = append(view.Links, Link{T(v.lang, "platform.map"), here + "/profile"})
	}
	var acts []act
	content, profile, err := f.Content(v.ctx(), v.s.DB, v.book, v.now)
	switch {
	case profile == nil && errors.Is(err, giving.ErrStep):
		view.Lead = T(v.lang, "platform.unread")
	case errors.Is(err, platforms.ErrCharset), errors.Is(err, platforms.ErrShape), errors.Is(err, platforms.ErrLines):
		view.Lead = v.problemText(err)
	case err != nil:
		return err
	default:
		view.Facts = append(view.Facts, v.fact("platform.profile", profile.Name+" · "+profile.Platform+" "+strconv.Itoa(int(profile.Version))))
		compared, err := platforms.Compare(v.ctx(), v.s.DB, v.book, profile.Platform, content.Rows)
		if err != nil {
			return err
		}
		view.Facts = append(view.Facts, v.fact("platform.new", strconv.Itoa(len(compared.New))), v.fact("platform.known", strconv.Itoa(len(compared.Known))),
			v.fact("platform.ignored", strconv.Itoa(content.Ignored)))
		faults := content.Faults
		conflicts := grid{Title: T(v.lang, "platform.conflicts"), Heads: v.heads("#platform.line", "platform.meaning.order", "#platform.amount", "#platform.was", "#platform.match", "#platform.was.match")}
		for _, c := range compared.Conflicts[:min(len(compared.Conflicts), faultsShown)] {
			conflicts.Rows = append(conflicts.Rows, []cell{{Text: strconv.Itoa(c.Row.Line)}, textCell(c.Row.Order), v.sumCell(c.Row.Amount), v.sumCell(c.Was.Amount), v.sumCell(c.Row.Match), v.sumCell(c.Was.Match)})
		}
		view.Grids = append(view.Grids, v.platformTotals(f, &content.Totals))
		if len(conflicts.Rows) > 0 {
			view.Grids = append(view.Grids, conflicts)
		}
		view.Grids = append(view.Grids, v.platformFaultGrid(faults), v.platformRows(content.Rows))
		if len(faults) > 0 {
			view.Links = append(view.Links, Link{T(v.lang, "platform.faults.file"), here + "/faults"})
		}
		acts = append(acts, v.platformBooking(f.Told == nil || *f.Told != content.Totals))
	}
	if !may {
		return nil
	}
	reading, err := v.platformReading()
	if err != nil {
		return err
	}
	return v.offer(view, here, append(acts, reading...)...)
}

// problemText is what an error says to the reader.
func (v *visit) problemText(err error) string {
	p := problem.Of(err)
	return p.Title(string(v.lang))
}

// platformTotals sets the file's totals beside those of the letter.
func (v *visit) platformTotals(f *platforms.File, t *platforms.Totals) grid {
	g := grid{Title: T(v.lang, "platform.totals"), Heads: v.heads("platform.total", "#platform.by-file", "#platform.by-letter", "#platform.difference")}
	told := platforms.Totals{}
	if f.Told != nil {
		told = *f.Told
	}
	row := func(key string, is, said int64, show func(int64) cell) {
		cells := []cell{{Text: T(v.lang, key)}, show(is), {Text: "—"}, {Text: "—"}}
		if f.Told != nil {
			cells[2], cells[3] = show(said), show(is-said)
		}
		g.Rows = append(g.Rows, cells)
	}
	row("platform.count", t.Count, told.Count, func(n int64) cell { return cell{Text: strconv.FormatInt(n, 10)} })
	row("platform.amount", t.Amount, told.Amount, v.sumCell)
	row("platform.fee", t.Fee, told.Fee, v.sumCell)
	row("platform.net", t.Net, told.Net, v.sumCell)
	row("platform.match", t.Match, told.Match, v.sumCell)
	return g
}

// platformFaultGrid lists lines that are not booked, and why.
func (v *visit) platformFaultGrid(faults []platforms.Fault) grid {
	g := grid{Title: T(v.lang, "platform.faults.heading"), Empty: T(v.lang, "platform.faults.none"), Heads: v.heads("#platform.line", "platform.meaning.order", "platform.field", "offline.reason")}
	for _, x := range faults[:min(len(faults), faultsShown)] {
		g.Rows = append(g.Rows, []cell{{Text: strconv.Itoa(x.Line)}, textCell(x.Order), {Text: v.meaning(x.Field)}, {Text: T(v.lang, "platform.fault."+x.Reason)}})
	}
	return g
}

func (v *visit) meaning(field string) string {
	if field == "" {
		return T(v.lang, "platform.whole")
	}
	return T(v.lang, "platform.meaning."+field)
}

// platformRows shows the first lines as they would be booked.
func (v *visit) platformRows(rows []platforms.Row) grid {
	g := grid{Title: T(v.lang, "platform.would"), Empty: T(v.lang, "platform.would.none"),
		Heads: v.heads("#platform.line", "platform.meaning.order", "platform.meaning.time", "#platform.amount", "#platform.fee", "#platform.net", "#platform.match")}
	for _, r := range rows[:min(len(rows), linesShown)] {
		g.Rows = append(g.Rows, []cell{{Text: strconv.Itoa(r.Line)}, textCell(r.Order), dayCell(v.book.Day(r.At)), v.sumCell(r.Amount), v.sumCell(r.Fee), v.sumCell(r.Amount - r.Fee), v.sumCell(r.Match)})
	}
	return g
}

// platformBooked shows what became of a booked file.
func (v *visit) platformBooked(view *recordView, f *platforms.File, here string) error {
	open, err := platforms.OpenOf(v.ctx(), v.s.DB, v.book, f)
	if err != nil {
		return err
	}
	var gifts, match int64
	byCampaign := grid{Title: T(v.lang, "platform.by-campaign"), Heads: v.heads("gift.campaign", "#platform.open", "#platform.open.match")}
	for _, o := range open {
		gifts, match = gifts+o.Gifts, match+o.Match
		name, err := v.campaignName(o.Campaign)
		if err != nil {
			return err
		}
		byCampaign.Rows = append(byCampaign.Rows, []cell{{Text: name.Value, Href: name.Href, User: true}, v.sumCell(o.Gifts), v.sumCell(o.Match)})
	}
	state := v.platformState(f.State, gifts, match)
	view.Status, view.State = state.Tag, state.Text
	profile, err := platforms.ProfileByID(v.ctx(), v.s.DB, v.book, *f.ProfileID)
	if err != nil {
		return err
	}
	view.Facts = []Fact{v.sumFact("platform.open.sum", gifts), v.sumFact("platform.match.sum", match),
		v.fact("platform.profile", profile.Name+" · "+profile.Platform+" "+strconv.Itoa(int(profile.Version)))}
	if f.LastDay != nil {
		view.Facts = append(view.Facts, v.fact("platform.last", Day(v.lang, *f.LastDay)))
		if gifts+match != 0 {
			view.Facts = append(view.Facts, v.fact("bankline.age", strconv.Itoa(v.daysSince(*f.LastDay))))
		}
	}
	settled, held, err := v.platformStory(f)
	if err != nil {
		return err
	}
	story := grid{Title: T(v.lang, "platform.settled"), Empty: T(v.lang, "platform.settled.none"),
		Heads: v.heads("bankline.day", "platform.kind", "platform.why", "#platform.pay.gifts", "#platform.pay.match")}
	for _, s := range settled {
		kind := cell{Text: T(v.lang, "platform.kind."+s.Kind)}
		if s.Undone {
			kind = cell{Text: T(v.lang, "platform.kind.taken", kind.Text), Tag: "reversed"}
		}
		story.Rows = append(story.Rows, []cell{{Text: ISODay(s.Day), Href: "/console/entries/" + s.ID.String()}, kind, textCell(s.BankRef + s.Reason), v.sumCell(s.Gifts), v.sumCell(s.Match)})
	}
	faults, err := platforms.FaultsOf(v.ctx(), v.s.DB, v.book, f, faultsShown)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		view.Links = append(view.Links, Link{T(v.lang, "platform.faults.file"), here + "/faults"})
	}
	booked, err := platforms.GiftsOf(v.ctx(), v.s.DB, v.book, f, linesShown)
	if err != nil {
		return err
	}
	lines := grid{Title: T(v.lang, "platform.lines"), Empty: T(v.lang, "platform.lines.none"),
		Heads: v.heads("#platform.line", "platform.meaning.order", "platform.meaning.time", "#platform.amount", "#platform.fee", "#platform.match")}
	for _, b := range booked {
		lines.Rows = append(lines.Rows, []cell{{Text: strconv.Itoa(int(b.Line))}, {Text: b.Order, Href: "/console/entries/" + b.Gift.String(), User: true}, dayCell(b.Day), v.sumCell(b.Amount), v.sumCell(b.Fee), v.sumCell(b.Match)})
	}
	view.Grids = append(view.Grids, story)
	if err := v.platformHeld(view, f, held); err != nil {
		return err
	}
	view.Grids = append(view.Grids, byCampaign, v.platformTotals(f, f.Counted), v.platformFaultGrid(faults), lines)
	return v.offer(view, here, v.platformBookedActs(gifts != 0 || match != 0, settled, held)...)
}

// platformFaults is the list of lines that are not booked, as a file. Before booking it has the lines as they came.
func (v *visit) platformFaults() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	f, err := platforms.FileByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	var faults []platforms.Fault
	if f.State == platforms.FileRead {
		content, _, err := f.Content(v.ctx(), v.s.DB, v.book, v.now)
		if err != nil {
			return err
		}
		faults = content.Faults
	} else if faults, err = platforms.FaultsOf(v.ctx(), v.s.DB, v.book, f, 1<<20); err != nil {
		return err
	}
	s := v.newSheet("platform-faults", "platform.line", "platform.meaning.order", "platform.field", "offline.reason")
	for _, x := range faults {
		cells := []any{x.Line, x.Order, v.meaning(x.Field), T(v.lang, "platform.fault."+x.Reason)}
		if v.who.May(staff.GiftRead) {
			for _, c := range x.Cells {
				cells = append(cells, c)
			}
		}
		s.row(cells...)
	}
	return s.flush()
}
