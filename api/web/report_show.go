package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/reports"
)

type reportView struct {
	Page
	Report         *reports.Report
	Kind           reports.Sheet
	Name, Says     string
	From, To, Fund string
	At             string
	Funds          []Option
	Tables         []reportTable
	Ages           *Chart
	Beside         bool // two tables stand beside each other where there is room
	Ties           []reportTie
	Tied           bool
	Exports        []Link
	Unit           string
	Empty          Empty
	Heading        []reports.Term
	Action         string // where days and funds are asked for
	List           string // address of all reports
}

type reportTable struct {
	Title  string
	Name   string       // for the ear: no two tables of a page have the same
	Groups []reportHead // the upper row of heads; empty for none
	Heads  []reportHead
	Rows   []reportRow
	Empty  string
}

type reportHead struct {
	Label      string
	Num        bool
	Cols, Rows int
}

type reportRow struct {
	Style string
	Cells []reportCell
}

type reportCell struct {
	Text, Href string
	Sum        *money.Money
	Blank      bool // nothing in a line is left empty
}

type reportTie struct {
	Name        string
	Left, Right money.Money
	Off         bool
	Why         []string
}

// reportAsk is which report of what somebody asks for, as far as she may see it.
type reportAsk struct {
	kind    reports.Sheet
	request reports.Request
	view    reportView
}

// askReport reads the address. What is wrong stands in the view's errors.
func (v *visit) askReport() (reportAsk, error) {
	kind, there := reports.SheetByID(v.typed("report", 40))
	if !there || kind.Donor { // a donor's is asked for on the donor's page
		return reportAsk{}, reports.ErrNoReport
	}
	return v.askSheet(kind, reportPath)
}

func (v *visit) askSheet(kind reports.Sheet, action string) (a reportAsk, err error) {
	var there bool
	s, err := v.sight()
	if err != nil {
		return a, err
	}
	if kind.Whole && !s.all {
		return a, reports.ErrNoReport
	}
	a.kind = kind
	a.view = reportView{Page: v.consolePage(kind.Name(string(v.lang)), reportsPath), Kind: kind, Name: kind.Name(string(v.lang)), Says: kind.Says(string(v.lang)), Fund: v.typed("fund", 10), At: v.typed("at", 20), Unit: Unit(v.lang, v.book.Currency),
		Funds: s.options(v.lang, T(v.lang, "trial.all")), List: reportsPath, Action: action}
	p := &a.view.Page
	p.Filtered = v.typed("from", 20)+v.typed("to", 20)+v.typed("fund", 10)+v.typed("at", 20) != "" // the report itself is none
	a.request = reports.Request{From: v.dayField(p, "from"), To: v.dayField(p, "to"), Lang: string(v.lang), Funds: s.ids(), Now: v.now}
	if a.request.To.IsZero() {
		a.request.To = v.businessDay()
	}
	a.view.From, a.view.To = v.typed("from", 20), fieldDay(v, "to", a.request.To)
	if len(p.Errors) == 0 && a.request.To.Before(a.request.From) {
		p.Errors.Add("to", p.T("wrong.period"))
	}
	if a.request.Recorded, there = v.moment(a.view.At); !there {
		p.Errors.Add("at", p.T("report.at.wrong"))
	}
	a.request.Scope = T(v.lang, "trial.all")
	if !s.all {
		a.request.Scope = T(v.lang, "report.own")
	}
	if fund := v.number("fund"); fund != 0 {
		f := s.fund(fund)
		if f == nil {
			return a, ledger.ErrNoFund
		}
		a.request.Funds, a.request.Scope = []int32{fund}, f.Code+" "+f.Name(string(v.lang))
	}
	return a, nil
}

// moment reads the moment of recording: a day means its end. Nothing typed is now, the zero time.
func (v *visit) moment(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	if day, ok := parseDay(text); ok {
		return v.book.Begin(day.AddDate(0, 0, 1)).Add(-time.Microsecond), true
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, v.book.Zone); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// reportShow shows a report, or sends it as a file.
func (v *visit) reportShow() error {
	a, err := v.askReport()
	if err != nil {
		return err
	}
	return v.reportAnswer(a)
}

// donorStatement shows a donor's statement, and notes that somebody read it.
func (v *visit) donorStatement() error {
	_, id, err := v.donor("personal.read")
	if err != nil {
		return err
	}
	kind, _ := reports.SheetByID("donor")
	a, err := v.askSheet(kind, donorHref(id)+"/statement")
	if err != nil {
		return err
	}
	a.request.Donor = id
	return v.reportAnswer(a)
}

func (v *visit) reportAnswer(a reportAsk) (err error) {
	view := &a.view
	if len(view.Errors) > 0 {
		return v.s.render.Render(v.Response(), http.StatusUnprocessableEntity, "console/report_show", view)
	}
	if format := v.typed("format", 4); format != "" {
		d, err := v.reportDownload(a, format)
		if err != nil {
			return err
		}
		return v.give(d)
	}
	if err = v.read(func(q pg.Querier) error {
		view.Report, err = a.kind.Make(v.ctx(), q, v.book, a.request)
		return err
	}); err != nil {
		return err
	}
	r := view.Report
	view.Heading = r.Heading()
	at := v.now
	if !r.Recorded.IsZero() {
		at = r.Recorded
	}
	view.Figure = &AsOf{At: at, Position: r.Position, Href: v.with("at", at.In(v.book.Zone).Format("2006-01-02T15:04:05"), "to", ISODay(a.request.To))}
	view.Beside, view.Wide = r.Beside(), r.Wide()
	for n, t := range r.Tables {
		view.Tables = append(view.Tables, v.reportTable(r, n, t))
		if t.Ages > 0 {
			view.Ages = v.agesChart(t)
		}
	}
	view.Tied = r.Tied()
	for _, t := range r.Ties {
		view.Ties = append(view.Ties, reportTie{t.Name, v.amount(t.Left), v.amount(t.Right), t.Off() != 0, t.Why})
	}
	for _, f := range []string{"xlsx", "csv", "json", "pdf"} {
		if f != "pdf" || len(v.s.Font) > 0 {
			view.Exports = append(view.Exports, Link{T(v.lang, "report.as."+f), v.with("format", f)})
		}
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/report_show", view)
}

// longFile is how long a file may take to be sent.
const longFile = time.Hour

// fileTypes are what reports are sent as.
var fileTypes = map[string]string{"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv; charset=utf-8", "json": "application/json", "pdf": "application/pdf"}

// reportDownload is a report in another form.
func (v *visit) reportDownload(a reportAsk, format string) (*download, error) {
	if fileTypes[format] == "" {
		return nil, reports.ErrNoReport
	}
	if format == "pdf" && len(v.s.Font) == 0 {
		return nil, reports.ErrNoFont
	}
	a.request.All = format != "pdf"
	d := &download{title: a.view.Name + " " + reportDays(a.request) + " " + T(v.lang, "report.as."+format), name: a.kind.ID + "-" + ISODay(a.request.To) + "." + format, kind: fileTypes[format]}
	if a.request.All && !a.kind.Donor {
		d.count = func(q pg.Querier, limit int64) (int64, error) {
			return a.kind.UpTo(v.ctx(), q, v.book, a.request, limit)
		}
	}
	d.write = func(ctx context.Context, q pg.Querier, w io.Writer, tell func(reports.Told)) (string, error) {
		a.request.Progress = func(rows int64) { tell(reports.Told{Done: rows}) }
		r, err := a.kind.Make(ctx, q, v.book, a.request)
		if err != nil {
			return "", err
		}
		if format == "pdf" {
			return "", r.WritePDF(w, v.s.Font)
		}
		return "", writeReport(r, w, format)
	}
	return d, nil
}

// reportDays are the days of a report, as far as they were asked for.
func reportDays(r reports.Request) string {
	if r.From.IsZero() {
		return ISODay(r.To)
	}
	return ISODay(r.From) + " – " + ISODay(r.To)
}

// writeReport writes a report as a file that has every row.
func writeReport(r *reports.Report, w io.Writer, format string) error {
	switch format {
	case "xlsx":
		return r.WriteXLSX(w)
	case "csv":
		return r.WriteCSV(w)
	}
	return r.WriteJSON(w)
}

// written gives a file of its own that is gone once it is closed, with what write wrote; none if that failed.
func written(write func(io.Writer) error) (*os.File, error) {
	file, err := os.CreateTemp("", "export-")
	if err != nil {
		return nil, err
	}
	if err = os.Remove(file.Name()); err == nil {
		err = write(file)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// sendFile sends a file whole and closes it.
func (v *visit) sendFile(file *os.File, name, kind string) error {
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	out := v.Response()
	if err := http.NewResponseController(out).SetWriteDeadline(time.Now().Add(longFile)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	out.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	out.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	return v.Stream(http.StatusOK, kind, file)
}

// reportTable makes a table for the page: heads in one or two rows, figures that lead to what they are made of.
func (v *visit) reportTable(r *reports.Report, n int, t reports.Table) reportTable {
	table := reportTable{Title: t.Title, Name: r.Title + " " + t.Title, Empty: T(v.lang, "report.nothing")}
	if t.Title == "" && len(t.Columns) > 0 {
		table.Name = r.Title + " " + t.Columns[0].Label
	}
	grouped := false
	for _, c := range t.Columns {
		grouped = grouped || c.Group != ""
	}
	last := ""
	for _, c := range t.Columns {
		head := reportHead{Label: c.Label, Num: c.Sum, Cols: 1, Rows: 1}
		switch {
		case !grouped:
			table.Heads = append(table.Heads, head)
		case c.Group == "":
			head.Rows = 2
			table.Groups = append(table.Groups, head)
		case c.Group == last:
			table.Groups[len(table.Groups)-1].Cols++
			table.Heads = append(table.Heads, head)
		default:
			table.Groups = append(table.Groups, reportHead{Label: c.Group, Cols: 1, Rows: 1})
			table.Heads = append(table.Heads, head)
		}
		last = c.Group
	}
	for _, x := range t.Rows {
		row := reportRow{Style: x.Style}
		for i, c := range t.Columns {
			cell := reportCell{}
			if i < len(x.Cells) {
				cell.Text = x.Cells[i].Text
				cell.Href = v.refHref(x.Cells[i].To)
				if c.Sum {
					sum := r.Amount(x.Cells[i])
					cell.Sum, cell.Blank = &sum, sum.Minor == 0 && x.Style == reports.Line
					if x.Opens && sum.Minor != 0 {
						cell.Href = v.figureHref(n, x.ID, c.Key)
					}
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

// refHref is where a thing of the book is shown.
func (v *visit) refHref(to reports.Ref) string {
	switch to.Kind {
	case reports.ToEntry:
		return "/console/entries/" + to.ID
	case reports.ToFund:
		return "/console/funds/" + to.ID
	case reports.ToContract:
		return contractsPath + "/" + to.ID
	case reports.ToProject:
		return projectsPath + "/" + to.ID
	case reports.ToAccount:
		return "/console/accounts/" + to.ID
	case reports.ToReceipt:
		return "/console/receipts/" + to.ID
	case reports.ToPayee:
		return payeesPath + "/" + to.ID
	case reports.ToDonor:
		return "/console/donors/" + to.ID + "/statement"
	}
	return ""
}
