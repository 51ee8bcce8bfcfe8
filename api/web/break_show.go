package web

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	texts "sunfund/internal/sheet"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// rawView is a piece of a file as it came: in words, and byte by byte.
type rawView struct {
	Title string
	Facts []Fact
	Text  string // decoded; empty when it cannot be
	Hex   []string
}

// breakParam reads the break of the address, if this person may see it.
func (v *visit) breakParam() (*recon.BreakItem, *sight, error) {
	id, err := v.recordParam()
	if err != nil {
		return nil, nil, err
	}
	s, err := v.sight()
	if err != nil {
		return nil, nil, err
	}
	b, err := recon.BreakByID(v.ctx(), v.s.DB, v.book, id, s.ids())
	return b, s, err
}

// breakShow says what does not fit, down to the bytes of the line, what was compared by which rule, what has been done, and what may be done next.
func (v *visit) breakShow() error { return v.breakAgain(http.StatusOK, nil) }

func (v *visit) breakAgain(status int, wrong Errors) error {
	b, s, err := v.breakParam()
	if err != nil {
		return err
	}
	bands, err := recon.Bands(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	row, err := v.newBreakRows(bands).row(b)
	if err != nil {
		return err
	}
	here := breaksPath + "/" + b.ID.String()
	view := recordView{Page: v.consolePage(T(v.lang, "breaks.title", string(b.Type), row.Name, b.ID.String()[:8]), breaksPath), Heading: string(b.Type) + " " + row.Name}
	view.Errors, view.Path, view.Status, view.State = wrong, here, row.StateTag, row.StateWords
	view.Lead = T(v.lang, "break."+string(b.Type)+".what")
	view.Facts = v.breakFacts(b, row)
	if err := v.breakOurs(&view, b); err != nil {
		return err
	}
	if s.all {
		if err := v.breakLines(&view, b); err != nil {
			return err
		}
		if err := v.breakRun(&view, b); err != nil {
			return err
		}
	}
	if view.Steps, err = v.breakSteps(b); err != nil {
		return err
	}
	if err := v.breakNext(&view, b); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) breakFacts(b *recon.BreakItem, row breakRow) []Fact {
	facts := []Fact{{Term: T(v.lang, "filter.amount"), Value: Amount(v.lang, row.Sum)}, v.fact("severity.name", row.LevelWords), v.fact("breaks.day", ISODay(b.Day)),
		v.fact("breaks.seen", Stamp(b.FirstSeen, v.book.Zone)), v.fact("breaks.age.name", row.Age)}
	if b.EndedAt != nil {
		facts = append(facts, v.fact("breaks.over", Stamp(*b.EndedAt, v.book.Zone)))
	} else {
		facts = append(facts, v.fact("breaks.due", Stamp(b.DueAt, v.book.Zone)))
	}
	owner := row.Owner
	if owner == "" {
		owner = T(v.lang, "breaks.owner.none")
	}
	facts = append(facts, v.fact("breaks.owner", owner))
	if row.Source != "" && v.who.May(staff.OfflineRead) {
		facts = append(facts, Fact{Term: T(v.lang, "breaks.account"), Value: row.Source, Href: sourceHref(*b.SourceID)})
	}
	return append(facts, v.fact("break.next", T(v.lang, "break."+string(b.Type)+".next")), v.fact("breaks.compared", b.Note), v.fact("breaks.id", b.ID.String()))
}

// itemCells is one of ours in a list: what it is, its number, day, amount, and where it is shown.
func (v *visit) itemCells(i *recon.Item) []cell {
	what := cell{Text: T(v.lang, "match-kind."+strconv.Itoa(int(i.Kind)))}
	ref := cell{Text: i.Ref, User: true}
	if i.Entry != nil {
		what.Href = "/console/entries/" + i.Entry.String()
	}
	sum := cell{Text: "—"}
	if i.Amount != 0 {
		sum = cell{Sum: &money.Money{Minor: i.Amount, Currency: i.Ccy}}
	}
	return []cell{what, ref, dayCell(i.Day), sum}
}

// breakOurs lists what of the book's is in the break.
func (v *visit) breakOurs(view *recordView, b *recon.BreakItem) error {
	g := grid{Title: T(v.lang, "breaks.ours"), Empty: T(v.lang, "breaks.ours.none"), Heads: v.heads("breaks.what", "recon.id", "recon.day", "#recon.amount")}
	items, err := recon.Items(v.ctx(), v.s.DB, v.book, b.Ours)
	if err != nil {
		return err
	}
	for i := range items {
		g.Rows = append(g.Rows, v.itemCells(&items[i]))
	}
	view.Grids = append(view.Grids, g)
	return nil
}

// lineName is how the address calls a line of an account.
func lineName(source int32, key []byte) string {
	return strconv.Itoa(int(source)) + "-" + hex.EncodeToString(key)
}

// lineCells is a line in a list.
func (v *visit) lineCells(l *recon.Line, currency string) []cell {
	tag := map[string]string{"timing": "waiting", "proposed": "draft", "break": "broken", recon.LineMatched: "done"}[l.State]
	id := l.ExtID
	if l.EndToEnd != "" {
		id = l.EndToEnd
	}
	return []cell{dayCell(l.Day), {Text: T(v.lang, "line.name", l.FileName, int(l.Row)), Href: linesPath + "/" + lineName(l.SourceID, l.Key), User: true}, {Text: id, User: true},
		{Sum: &money.Money{Minor: l.Amount, Currency: currency}}, {Text: T(v.lang, "line."+l.State), Tag: tag}}
}

func (v *visit) lineHeads() []head {
	return v.heads("recon.day", "line.place", "recon.id", "#recon.amount", "person.state")
}

// breakLines shows the lines of the break with their bytes, the files, and what was looked at and not chosen.
func (v *visit) breakLines(view *recordView, b *recon.BreakItem) error {
	g := grid{Title: T(v.lang, "breaks.lines"), Empty: T(v.lang, "breaks.lines.none"), Heads: v.lineHeads()}
	if b.SourceID != nil && len(b.Lines) > 0 {
		lines, err := recon.LinesByKey(v.ctx(), v.s.DB, v.book, *b.SourceID, b.Lines)
		if err != nil {
			return err
		}
		source, err := recon.SourceByID(v.ctx(), v.s.DB, v.book, *b.SourceID)
		if err != nil {
			return err
		}
		for i := range lines {
			g.Rows = append(g.Rows, v.lineCells(&lines[i], source.Currency))
			if i < rawMost {
				raw, err := v.raw(&lines[i])
				if err != nil {
					return err
				}
				view.Raws = append(view.Raws, raw)
			}
		}
		view.Grids = append(view.Grids, g)
		if b.EndedAt == nil && len(lines) > 0 {
			rejected, err := v.notChosen(&lines[0], source)
			if err != nil {
				return err
			}
			view.Grids = append(view.Grids, rejected...)
		}
	} else if len(b.Files) == 0 {
		view.Grids = append(view.Grids, g)
	}
	files := grid{Title: T(v.lang, "recon.files"), Heads: v.heads("recon.file", "recon.came", "person.state", "recon.hash", "offline.reason")}
	for _, id := range b.Files {
		f, err := recon.FileByID(v.ctx(), v.s.DB, v.book, id)
		if errors.Is(err, giving.ErrNoRecord) {
			continue
		}
		if err != nil {
			return err
		}
		files.Rows = append(files.Rows, []cell{{Text: f.Name, Href: statementFilesPath + "/" + f.ID.String(), User: true}, dayCell(v.book.Day(f.MadeAt)), v.fileState(f.State), {Text: hex.EncodeToString(f.Hash)}, {Text: v.reasonWords(f)}})
	}
	if len(files.Rows) > 0 {
		view.Grids = append(view.Grids, files)
	}
	return nil
}

// rawMost is of how many lines a page shows the bytes, rawBytes how many of each.
const (
	rawMost  = 3
	rawBytes = 1024
)

// raw shows a line as it stands in its file.
func (v *visit) raw(l *recon.Line) (rawView, error) {
	file := statementFilesPath + "/" + l.FileID.String()
	raw := rawView{Title: T(v.lang, "line.bytes", int(l.Row)), Facts: []Fact{{Term: T(v.lang, "recon.file"), Value: l.FileName, Href: file}, v.fact("recon.hash", hex.EncodeToString(l.FileHash)),
		v.fact("recon.row", strconv.Itoa(int(l.Row))), v.fact("line.offset", T(v.lang, "line.offset.is", l.At, int64(l.Size))), {Term: T(v.lang, "line.download"), Value: T(v.lang, "line.download.do"), Href: file + "/raw"}}}
	f, err := recon.FileByID(v.ctx(), v.s.DB, v.book, l.FileID)
	if err != nil {
		return raw, err
	}
	body, err := f.Bytes(v.ctx(), v.s.DB, v.book, int(l.At), min(int(l.Size), rawBytes))
	if errors.Is(err, ledger.ErrNoKeys) {
		raw.Text = T(v.lang, "line.sealed")
		return raw, nil
	}
	if err != nil {
		return raw, err
	}
	if text, err := texts.Text(body, texts.CharsetOf(body)); err == nil {
		raw.Text = text
	}
	for at := 0; at < len(body); at += 16 {
		raw.Hex = append(raw.Hex, fmt.Sprintf("%08x  % x", l.At+int64(at), body[at:min(at+16, len(body))]))
	}
	return raw, nil
}

// notChosen lists what is proposed for a line, and what of ours is near it and does not fit.
func (v *visit) notChosen(l *recon.Line, source *recon.Source) (grids []grid, err error) {
	proposals, err := recon.ProposalsOf(v.ctx(), v.s.DB, v.book, source.ID, [][]byte{l.Key}, 10)
	if err != nil {
		return nil, err
	}
	for i := range proposals {
		g, err := v.proposalGrid(&proposals[i])
		if err != nil {
			return nil, err
		}
		grids = append(grids, g)
	}
	near, err := recon.Candidates(v.ctx(), v.s.DB, v.book, source.Currency, l.Amount, l.Day, 8)
	if err != nil {
		return nil, err
	}
	g := grid{Title: T(v.lang, "breaks.near"), Empty: T(v.lang, "breaks.near.none"), Heads: v.heads("breaks.what", "recon.id", "recon.day", "#recon.amount", "breaks.why-not")}
	for i := range near {
		o := &near[i]
		why := T(v.lang, "why.number")
		if o.Amount != l.Amount {
			why = T(v.lang, "why.amount", Amount(v.lang, money.Money{Minor: l.Amount - o.Amount, Currency: o.Currency}))
		} else if days := int(l.Day.Sub(o.Day).Abs() / (24 * time.Hour)); days > 3 {
			why = T(v.lang, "why.day", days)
		}
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "match-kind."+strconv.Itoa(int(o.Kind)))}, textCell(o.Ref), dayCell(o.Day), {Sum: &money.Money{Minor: o.Amount, Currency: o.Currency}}, {Text: why}})
	}
	return append(grids, g), nil
}

// proposalGrid is what a proposal puts together, and what it was preferred to.
func (v *visit) proposalGrid(p *recon.Group) (grid, error) {
	g := grid{Title: T(v.lang, "match.proposal", v.ruleName(p.Rule), int(p.Version)), Empty: T(v.lang, "breaks.ours.none"), Heads: v.heads("breaks.what", "recon.id", "recon.day", "#recon.amount", "breaks.why-not")}
	items, err := recon.Items(v.ctx(), v.s.DB, v.book, p.Ours)
	if err != nil {
		return g, err
	}
	for i := range items {
		g.Rows = append(g.Rows, append(v.itemCells(&items[i]), cell{Text: T(v.lang, "match.chosen")}))
	}
	rows, err := v.rejectedRows(p.Rejected)
	g.Rows = append(g.Rows, rows...)
	return g, err
}

// rejectedRows are what a match or proposal was preferred to, and why.
func (v *visit) rejectedRows(list []recon.Candidate) (rows [][]cell, err error) {
	var ids []uuid.UUID
	for _, c := range list {
		if c.Ours != nil {
			ids = append(ids, *c.Ours)
		}
	}
	items, err := recon.Items(v.ctx(), v.s.DB, v.book, ids)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		row := []cell{{Text: T(v.lang, "match.line")}, {Text: c.Line}, {}, {Text: "—"}}
		if c.Ours != nil {
			at := slices.IndexFunc(items, func(i recon.Item) bool { return i.ID == *c.Ours })
			if at < 0 {
				continue
			}
			row = v.itemCells(&items[at])
		}
		why := wordsOr(v.lang, "why."+c.Why, c.Why)
		if c.Why == "day" {
			why = T(v.lang, "why.day", c.Days)
		}
		rows = append(rows, append(row, cell{Text: why}))
	}
	return rows, nil
}

func (v *visit) ruleName(rule int16) string { return T(v.lang, "match-rule."+strconv.Itoa(int(rule))) }

// breakRun tells by which run and version of the rules the break was found.
func (v *visit) breakRun(view *recordView, b *recon.BreakItem) error {
	run, err := recon.RunOf(v.ctx(), v.s.DB, v.book, b.ID)
	if errors.Is(err, giving.ErrNoRecord) {
		view.Facts = append(view.Facts, v.fact("breaks.rule", T(v.lang, "breaks.rule.check")))
		return nil
	}
	if err != nil {
		return err
	}
	view.Facts = append(view.Facts, v.fact("breaks.rule", T(v.lang, "breaks.rule.is", string(b.Type), int(run.Rules), int(run.No), hex.EncodeToString(run.ID)[:16])))
	return nil
}

// breakSteps is what people and the system did about the break.
func (v *visit) breakSteps(b *recon.BreakItem) (rows []stepRow, err error) {
	steps, err := recon.Steps(v.ctx(), v.s.DB, v.book, b.ID)
	if err != nil {
		return nil, err
	}
	names := newNames(v)
	for _, s := range steps {
		row := stepRow{Act: T(v.lang, "break.step."+s.State), Note: s.Note, At: s.At}
		if row.By, err = names.of(s.Actor); err != nil {
			return nil, err
		}
		if s.Owner != nil && *s.Owner != s.Actor {
			if row.Second, err = names.of(*s.Owner); err != nil {
				return nil, err
			}
		}
		switch s.State {
		case recon.BreakProposed: // a correction's form is no word of anybody's
			if len(s.Evidence) > 0 {
				row.Act, row.Note = T(v.lang, "break.step.correction"), ""
			}
		case "reopened":
			if key := "approval." + s.Note; s.Note == string(staff.Rejected) || s.Note == string(staff.Withdrawn) {
				row.Note = T(v.lang, key)
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}
