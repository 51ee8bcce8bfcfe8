package web

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// bankFileBanks are the accounts that files are made of, in the order of the page.
var bankFileBanks = []chart.ID{"bank.basic", "bank.online", "bank.agency"}

// bankFileList offers what is approved, by account, and lists the files made.
func (v *visit) bankFileList() error { return v.bankFilesAgain(http.StatusOK, nil) }

// fileMakes are the forms that make a file, one for each account from which something is approved.
func (v *visit) fileMakes() (acts []act, err error) {
	known := ""
	sources, err := recon.Sources(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		if s.Kind == "bank" && s.Number != "" { // as its statements tell it
			known = s.Number
		}
	}
	for _, bank := range bankFileBanks {
		list, err := projects.Payments(v.ctx(), v.s.DB, v.book, projects.PaymentFilter{All: true, State: projects.Agreed, Bank: string(bank), Limit: 500})
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			continue
		}
		slices.Reverse(list)
		var options []Option
		for i := range list {
			options = append(options, Option{Value: list[i].ID.String(), Label: list[i].Name() + " " + list[i].Payee + " " + Amount(v.lang, v.amount(list[i].Amount)), Chosen: true})
		}
		acts = append(acts, act{name: "file-make-" + string(bank)[len("bank."):], needs: staff.ProjectWrite, blanks: []blank{{name: "payments", label: "file.payments", hint: "file.payments.hint", kind: "picks", options: options},
			{name: "account", label: "file.account", hint: "file.account.hint", max: 34, value: known}}})
	}
	return acts, nil
}

func (v *visit) bankFilesAgain(status int, wrong Errors) error {
	view := v.workRecord(T(v.lang, "file.heading"), bankFilesPath, wrong, bankFilesPath)
	view.Lead = T(v.lang, "file.lead")
	acts, err := v.fileMakes()
	if err != nil {
		return err
	}
	var before int32
	if n, err := cursorID(v.QueryParam("before")); err == nil {
		before = n
	}
	list, err := projects.Batches(v.ctx(), v.s.DB, v.book, before, projects.PageMax+1)
	if err != nil {
		return err
	}
	if len(list) > projects.PageMax {
		list = list[:projects.PageMax]
		view.Links = []Link{{T(v.lang, "pager.next"), v.with("before", strconv.Itoa(int(list[len(list)-1].Number)))}}
	}
	g := grid{Title: T(v.lang, "file.made"), Empty: T(v.lang, "file.none"), Heads: v.heads("file.number", "voucher.day", "pay.bank", "#file.count", "#filter.amount")}
	for i := range list {
		b := &list[i]
		g.Rows = append(g.Rows, []cell{{Text: b.Name(), Href: bankFilesPath + "/" + b.ID.String()}, dayCell(b.Day), {Text: chart.MustByID(b.Bank).Name(string(v.lang))}, {Text: strconv.Itoa(int(b.Payments))}, v.sumCell(b.Total)})
	}
	view.Grids = []grid{g}
	if err := v.offer(&view, bankFilesPath, acts...); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// bankFileMake books the ticked payments as sent and keeps the file.
func (v *visit) bankFileMake() error {
	form, err := v.formID()
	if err != nil {
		return err
	}
	acts, err := v.fileMakes()
	if err != nil {
		return err
	}
	for i, a := range acts {
		if a.name != v.FormValue("act") || !v.who.May(a.needs) {
			continue
		}
		in, wrong := v.readBlanks(a)
		if len(wrong) > 0 {
			return v.bankFilesAgain(http.StatusUnprocessableEntity, wrong)
		}
		var ids []uuid.UUID
		for _, value := range v.picked(a.name+"-payments", acts[i].blanks[0].options) {
			ids = append(ids, inputs{"x": value}.id("x"))
		}
		b := projects.Batch{ID: form, Bank: chart.ID("bank." + a.name[len("file-make-"):]), Day: v.businessDay(), MadeBy: v.who.Person.ID, MadeAt: v.now, Account: strings.ToUpper(strings.ReplaceAll(in["account"], " ", ""))}
		err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
			if err := projects.MakeBatch(v.ctx(), tx, v.book, b, ids, v.who.Person.NameZH); err != nil {
				return err
			}
			return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "bankfile.made", Object: giving.Object("bank-file", form), Detail: map[string]any{"payments": len(ids)}})
		})
		if err != nil {
			return v.stepRefused(err, a, bankFilesPath, v.bankFilesAgain)
		}
		return v.see(bankFilesPath + "/" + form.String())
	}
	if _, err := projects.BatchByID(v.ctx(), v.s.DB, v.book, form); err == nil { // sent twice: it was made
		return v.see(bankFilesPath + "/" + form.String())
	}
	return giving.ErrStep
}

// bankFileShow is a file with its payments.
func (v *visit) bankFileShow() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	b, err := projects.BatchByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	here := bankFilesPath + "/" + id.String()
	view := v.workRecord(b.Name(), bankFilesPath, nil, here)
	view.Lead = T(v.lang, "file.next")
	maker, err := newNames(v).of(b.MadeBy)
	if err != nil {
		return err
	}
	view.Facts = []Fact{v.fact("voucher.day", Day(v.lang, b.Day)), v.fact("pay.bank", chart.MustByID(b.Bank).Name(string(v.lang))), v.fact("file.count", strconv.Itoa(int(b.Payments))), v.sumFact("filter.amount", b.Total), v.fact("file.by", maker)}
	if v.who.May(staff.ProjectWrite) {
		view.Links = []Link{{T(v.lang, "file.xml"), here + "/data?format=xml"}, {T(v.lang, "file.csv"), here + "/data?format=csv"}}
	}
	payments, err := v.paymentGrid(projects.PaymentFilter{All: true, Batch: &id, Limit: 500})
	if err != nil {
		return err
	}
	view.Grids = []grid{payments}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/record", view)
}

// bankFileData hands the file out; households' names and accounts stand in it, so it is on record.
func (v *visit) bankFileData() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	b, err := projects.BatchByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	orders, err := projects.Orders(v.ctx(), v.s.DB, v.book, b)
	if err != nil {
		return v.fileRefused(err, id)
	}
	var body []byte
	media, ending := "text/csv; charset=utf-8", "csv"
	if v.QueryParam("format") == "xml" {
		media, ending = "application/xml; charset=utf-8", "xml"
		acct := chart.MustByID(b.Bank)
		payer := projects.Payer{Name: v.book.NameZH, Bank: acct.Name("zh-CN")}
		if body, err = projects.BankXML(v.book, b, payer, orders); err != nil {
			return v.fileRefused(err, id)
		}
	} else {
		var out bytes.Buffer
		if err := projects.BankCSV(&out, v.book, b, orders); err != nil {
			return err
		}
		body = out.Bytes()
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "bankfile.read", Object: giving.Object("bank-file", id), Detail: map[string]any{"format": ending}})
	})
	if err != nil {
		return err
	}
	v.Response().Header().Set("Content-Disposition", `attachment; filename="`+b.Name()+"."+ending+`"`)
	v.Response().Header().Set("X-Content-Type-Options", "nosniff")
	return v.Blob(http.StatusOK, media, body)
}

func (v *visit) fileRefused(err error, id uuid.UUID) error {
	if errors.Is(err, projects.ErrPayee) || errors.Is(err, projects.ErrBankFile) {
		return v.refuse(err, nil, Link{T(v.lang, "offline.back"), bankFilesPath + "/" + id.String()})
	}
	return err
}

// workRefusals are rules that stand against a step of projects, contracts and payments.
var workRefusals = []error{projects.ErrPayee, projects.ErrVote, projects.ErrBudget, projects.ErrStages, projects.ErrHeld, projects.ErrOpen, projects.ErrDraw, projects.ErrStopped, projects.ErrScores, projects.ErrScored,
	projects.ErrHoldOff, projects.ErrScheme, projects.ErrBank, projects.ErrBankFile, law.ErrLaw, ledger.ErrUndecided, ledger.ErrHalted, polls.ErrNotWon, polls.ErrOverVote,
	calls.ErrLate, calls.ErrOver, calls.ErrNotReviewer, calls.ErrConflict, calls.ErrReviewed, calls.ErrReviews, calls.ErrWindow, calls.ErrObjections}
