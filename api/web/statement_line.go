package web

import (
	"context"
	"mime"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/recon"
)

// fileLinesShown is how many lines of a file one page lists.
const fileLinesShown = 100

// statementRaw hands the file out as it came. Who took it is kept: it names people.
func (v *visit) statementRaw() error {
	f, _, err := v.fileParam()
	if err != nil {
		return err
	}
	if f.SameAs != nil {
		return v.see(statementFilesPath + "/" + f.SameAs.String() + "/raw")
	}
	body, err := f.Body(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	if err := v.inTx(func(_ context.Context, tx pgx.Tx) error {
		return v.statementEvent(tx, "statement_download", f, map[string]any{"size": len(body)})
	}); err != nil {
		return err
	}
	head := v.Response().Header()
	head.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	head.Set("X-Content-Type-Options", "nosniff")
	return v.Blob(http.StatusOK, "application/octet-stream", body)
}

type fileLinesView struct {
	Page
	File, Back  string
	State       string
	States      []Option
	Grid        grid
	First, Next string
	Empty       Empty
}

// statementLines lists the lines that a file told first, with what has become of each.
func (v *visit) statementLines() error {
	f, s, err := v.fileParam()
	if err != nil {
		return err
	}
	here := statementFilesPath + "/" + f.ID.String()
	view := fileLinesView{Page: v.consolePage(T(v.lang, "line.list", f.Name), statementsPath), File: f.Name, Back: here, State: v.typed("state", 10), Grid: grid{Heads: v.lineHeads()},
		States: []Option{{Label: T(v.lang, "filter.all")}, {Value: recon.LineMatched, Label: T(v.lang, "line.matched")}, {Value: "open", Label: T(v.lang, "line.open")}}}
	if view.State != recon.LineMatched && view.State != "open" {
		view.State = ""
	}
	after, _ := strconv.ParseInt(v.QueryParam("after"), 10, 32) // anything else is the first page
	view.First = v.firstPage("after", after > 0)
	list, err := recon.LinesOf(v.ctx(), v.s.DB, v.book, f.ID, view.State, int32(after), fileLinesShown+1)
	if err != nil {
		return err
	}
	if len(list) > fileLinesShown {
		list = list[:fileLinesShown]
		view.Next = v.with("after", strconv.Itoa(int(list[fileLinesShown-1].Row)))
	}
	for i := range list {
		view.Grid.Rows = append(view.Grid.Rows, v.lineCells(&list[i], s.Currency))
	}
	view.Grid.Title = T(v.lang, "recon.lines")
	view.Empty = Empty{Text: T(v.lang, "line.list.none"), Action: &Link{T(v.lang, "filter.clear"), here + "/lines"}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/statement_lines", view)
}

// statementStory tells what has become of the file since it was proved: its lines matched and open, and the breaks that came of it.
func (v *visit) statementStory(view *recordView, f *recon.File, s *recon.Source) error {
	story, err := recon.StoryOf(v.ctx(), v.s.DB, v.book, f, recordsShown)
	if err != nil {
		return err
	}
	if !story.Taken {
		view.Lead = T(v.lang, "line.story.waits")
	} else {
		view.Lead = T(v.lang, "line.story", int64(*f.Fresh)-story.Open, story.Open, len(story.Breaks))
	}
	here := statementFilesPath + "/" + f.ID.String()
	view.Links = append(view.Links, Link{T(v.lang, "line.story.all"), here + "/lines"}, Link{T(v.lang, "line.story.open"), here + "/lines?state=open"}, Link{T(v.lang, "breaks.match"), matchingPath + "?source=" + strconv.Itoa(int(s.ID))})
	if story.Taken {
		g, err := v.breakGridOf(story.Breaks)
		if err != nil {
			return err
		}
		view.Grids = append(view.Grids, g)
	}
	return nil
}
