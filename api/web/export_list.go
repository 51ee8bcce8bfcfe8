package web

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sunfund/internal/pg"
	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

// sheetPage is a list of the console whose file is its own page's answer to format=csv: all rows that the filter leaves. The list names its query and columns there, and nowhere else.
type sheetPage struct {
	path  string // of its route
	title string // key of its words
	audit string // what the audit trail calls its file; empty: only one that is made by a run is noted
	fresh bool   // it holds names
}

// sheetPages are all of them.
func sheetPages() []sheetPage {
	return []sheetPage{
		{"/console/audit", "place.audit", "export.audit", false},
		{"/console/receipts", "place.receipts", "", true},
		{breaksPath, "place.breaks", "", false},
		{"/console/accounts", "accounts.list", "", false},
		{"/console/accounts/:id", "exported.statement", "", false},
		{"/console/funds", "place.funds", "", false},
		{"/console/funds/:id/available", "exported.available", "", false},
		{"/console/trial-balance", "place.trial", "", false},
		{subsidiesPath, "place.subsidies", "", false},
		{payeesPath, "payee.heading", "", false},
		{projectsPath, "project.heading", "", false},
		{contractsPath, "contract.heading", "", false},
		{disbursementsPath, "pay.heading", "", false},
		{needsPath, "need.desk.heading", "", false},
		{intentsPath, "need.intents.heading", "", false},
		{pairsPath, "need.pairs.heading", "", false},
		{callsPath, "call.heading", "", false},
		{proposalsPath, "proposal.heading", "", false},
	}
}

// directTime is how long a list may be written while somebody waits; one that takes longer is made by a run.
const directTime = 7 * time.Second

var (
	// errLong means that a list has more rows than are sent at once.
	errLong = errors.New("list is too long to wait for")
	// errNoSheet means that the address has no file: its filter is wrong, or whatever it names is not there.
	errNoSheet = errors.New("no list at this address")
)

// sheetFile is where a list writes its rows when they are not sent as they come.
type sheetFile struct {
	w    io.Writer
	q    pg.Querier // where the rows are read
	most int64      // rows
	look bool       // only whether there is such a list: no row is wanted
	tell func(reports.Told)
	name string // of the file, once it has begun
	rows int64
}

// sheetTold is after how many rows a list says how far it is.
const sheetTold = 5000

// flushed is told of each piece.
func (f *sheetFile) flushed(rows int64) error {
	rows-- // the heads
	if f.look || rows > f.most {
		return errLong
	}
	if rows/sheetTold > f.rows/sheetTold {
		f.tell(reports.Told{Done: rows})
	}
	f.rows = rows
	return nil
}

// db is where a list reads its rows: from the moment of the book of which its file is.
func (v *visit) db() pg.Querier {
	if v.file != nil {
		return v.file.q
	}
	return v.s.DB
}

// looked tells a list that it is only asked for whether it is there; its filter is right by then. Lists that read much before they write ask it.
func (v *visit) looked() bool {
	if v.file == nil || !v.file.look {
		return false
	}
	v.file.name = v.Request().URL.Path
	return true
}

// matches tells whether a path is one of a route, and gives the names and values of its parameters.
func matches(route, path string) (names, values []string, ok bool) {
	parts, got := strings.Split(route, "/"), strings.Split(path, "/")
	if len(parts) != len(got) {
		return nil, nil, false
	}
	for i, part := range parts {
		switch name, param := strings.CutPrefix(part, ":"); {
		case param && got[i] != "":
			names, values = append(names, name), append(values, got[i])
		case param || part != got[i]:
			return nil, nil, false
		}
	}
	return names, values, true
}

// sheetPageOf is the page of a list that a route is.
func sheetPageOf(path string) *sheetPage {
	pages := sheetPages()
	if i := slices.IndexFunc(pages, func(p sheetPage) bool { return p.path == path }); i >= 0 {
		return &pages[i]
	}
	return nil
}

// sheetAt is the list that an address is of, with its route's permission; nil when it is of none.
func (s *Server) sheetAt(u *url.URL) *exportPage {
	if u.Query().Get("format") != "csv" {
		return nil
	}
	pages := sheetPages()
	i := slices.IndexFunc(pages, func(p sheetPage) bool { _, _, ok := matches(p.path, u.Path); return ok })
	if i < 0 {
		return nil
	}
	p, routes := pages[i], s.routes()
	r := routes[slices.IndexFunc(routes, func(r route) bool { return r.method == http.MethodGet && r.path == p.path })]
	return &exportPage{path: p.path, needs: r.needs, fresh: p.fresh, list: true, of: func(v *visit) (*download, error) { return v.sheetDownload(&p, r.answer) }}
}

// sheetDownload is a list as a file.
func (v *visit) sheetDownload(p *sheetPage, list handler) (*download, error) {
	d := &download{title: T(v.lang, p.title) + " " + T(v.lang, "table.csv"), kind: fileTypes["csv"], audit: p.audit, list: true}
	d.write = func(ctx context.Context, q pg.Querier, w io.Writer, tell func(reports.Told)) (string, error) {
		f := &sheetFile{w: w, q: q, most: math.MaxInt64, tell: tell}
		err := v.writeSheet(list, f)
		if d.name = f.name; err == nil {
			tell(reports.Told{Done: f.rows, Total: max(f.rows, 1)})
		}
		if errors.Is(err, errNoSheet) {
			err = reports.ErrNoExport
		}
		return "", err
	}
	d.look = func() error {
		err := v.writeSheet(list, &sheetFile{w: io.Discard, q: v.s.DB, look: true, tell: func(reports.Told) {}})
		switch {
		case errors.Is(err, errNoSheet):
			return reports.ErrNoExport
		case errors.Is(err, errLong):
			return nil
		}
		return err
	}
	return d, nil
}

// writeSheet has a list write all its rows to a file, or errNoSheet. The visit is its own.
func (v *visit) writeSheet(list handler, f *sheetFile) error {
	of := *v
	of.file = f
	of.Context = echo.New().NewContext(v.Request(), nowhere{})
	of.SetParamNames(v.ParamNames()...)
	of.SetParamValues(v.ParamValues()...)
	err := list(&of)
	if err == nil && f.name == "" {
		return errNoSheet
	}
	return err
}

// sheeted answers a list as its page, or as a file: at once, whole and of one moment, when it is short, and else by a run.
func sheeted(p *sheetPage, list handler) handler {
	return func(v *visit) error {
		if v.QueryParam("format") != "csv" {
			return list(v)
		}
		ctx, cancel := context.WithTimeout(v.ctx(), directTime)
		defer cancel()
		of, err := v.asked(ctx, v.Request().URL)
		if err != nil {
			return err
		}
		var file *os.File
		f := &sheetFile{most: reports.DirectMax, tell: func(reports.Told) {}}
		err = v.read(func(q pg.Querier) (err error) {
			file, err = written(func(w io.Writer) error {
				f.w, f.q = w, q
				return of.writeSheet(list, f)
			})
			return err
		})
		late := ctx.Err() != nil && v.ctx().Err() == nil
		if err != nil && file != nil {
			err = errors.Join(err, file.Close())
		}
		switch {
		case errors.Is(err, errNoSheet):
			return list(v) // says what is wrong
		case errors.Is(err, errLong) || err != nil && late:
			return v.see(exportNewHref(v.with("before", "", "after", "")))
		case err != nil:
			return err
		}
		return v.sendNoted(file, f.name, fileTypes["csv"], p.audit)
	}
}

// asked is this visit as if it were one to the address.
func (v *visit) asked(ctx context.Context, u *url.URL) (*visit, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, reports.ErrNoExport
	}
	other := *v
	other.Context = echo.New().NewContext(r, nowhere{})
	for _, p := range sheetPages() {
		if names, values, ok := matches(p.path, u.Path); ok {
			other.SetParamNames(names...)
			other.SetParamValues(values...)
		}
	}
	return &other, nil
}

// nowhere takes the answer of a page that nobody looks at.
type nowhere struct{}

func (nowhere) Header() http.Header { return http.Header{} }

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (nowhere) WriteHeader(int) {}

// maker is who asked for a run, with her rights of this moment. Who has lost one of them since does not get a list that was made while she had it: reports.ErrNoExport.
func maker(ctx context.Context, q pg.Querier, book int32, run *reports.ExportRun, now time.Time) (who staff.Identity, err error) {
	if who.Person, err = staff.ByID(ctx, q, book, run.AskedBy); err != nil {
		return who, err
	}
	grants, err := staff.Grants(ctx, q, book, run.AskedBy, true)
	if err != nil {
		return who, err
	}
	if who.Person.State != staff.Active {
		return who, reports.ErrNoExport
	}
	who.Book, who.Proved.At = book, now // she proved herself when she asked
	for _, g := range grants {
		switch {
		case g.RevokedAt == nil:
			who.Roles = append(who.Roles, g.Held)
		case g.RevokedAt.After(run.AskedAt):
			return who, reports.ErrNoExport
		}
	}
	return who, nil
}
