package web

import (
	"context"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
	"sunfund/ledger/staff"
)

const (
	statementsPath      = "/console/statements"
	statementUploadPath = statementsPath + "/:id"
	sourceTiePath       = statementsPath + "/:id/account"
	statementFilesPath  = "/console/statement-files"
)

// statementPage starts a page of this place.
func (v *visit) statementPage(title string) recordView {
	return recordView{Page: v.consolePage(title, statementsPath), Heading: title}
}

// statementList shows the accounts outside: how far their statements reach, and what waits for somebody.
func (v *visit) statementList() error { return v.statementsAgain(http.StatusOK, nil) }

func (v *visit) statementsAgain(status int, wrong Errors) error {
	view := v.statementPage(T(v.lang, "recon.heading"))
	view.Lead, view.Path, view.Errors = T(v.lang, "recon.lead"), statementsPath, wrong
	sources, err := recon.Sources(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "recon.sources"), Empty: T(v.lang, "recon.sources.none"),
		Heads: v.heads("recon.name", "recon.kind", "recon.format", "recon.through", "#recon.closing", "#recon.lines", "#recon.waiting", "person.state")}
	for _, s := range sources {
		through, closing, state := "—", cell{Text: "—"}, cell{Text: T(v.lang, "recon.source.fine"), Tag: "done"}
		if s.Through != nil {
			through = ISODay(*s.Through)
		}
		if s.Closing != nil {
			closing = cell{Sum: &money.Money{Minor: *s.Closing, Currency: s.Currency}}
		}
		switch {
		case s.Quarantined > 0:
			state = cell{Text: T(v.lang, "recon.source.waits"), Tag: "attention"}
		case s.Through == nil:
			state = cell{Text: T(v.lang, "recon.source.empty"), Tag: "waiting"}
		}
		g.Rows = append(g.Rows, []cell{{Text: s.Name, Href: sourceHref(s.ID), User: true}, {Text: T(v.lang, "recon.kind."+s.Kind)}, {Text: v.formatName(s.Format)}, {Text: through}, closing,
			{Text: strconv.FormatInt(s.Lines, 10)}, {Text: strconv.FormatInt(s.Quarantined, 10)}, state})
	}
	view.Grids, view.Links = []grid{g}, []Link{{T(v.lang, "term.heading"), termsPath}}
	if err := v.offer(&view, statementsPath, v.sourceActs()...); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func sourceHref(id int32) string { return statementsPath + "/" + strconv.Itoa(int(id)) }

func (v *visit) formatName(f statement.Format) string {
	return T(v.lang, "recon.format."+string(f))
}

// sourceActs is the step that adds an account outside.
func (v *visit) sourceActs() []act {
	var kinds, formats []Option
	for _, k := range recon.Kinds {
		kinds = append(kinds, Option{Value: k, Label: T(v.lang, "recon.kind."+k)})
	}
	for _, f := range statement.Formats {
		formats = append(formats, Option{Value: string(f), Label: v.formatName(f)})
	}
	return []act{{name: "statement-source", needs: staff.OfflineWrite, blanks: []blank{
		{name: "name", label: "recon.name", hint: "recon.name.hint", max: 60}, {name: "kind", label: "recon.kind", kind: "select", options: kinds},
		{name: "format", label: "recon.format", hint: "recon.format.hint", kind: "select", options: formats},
		{name: "number", label: "recon.number", hint: "recon.number.hint", max: 40, optional: true},
		{name: "currency", label: "recon.currency", value: v.book.Currency, max: 3},
	}, plan: func(v *visit, _ pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		s := recon.Source{Name: in["name"], Kind: in["kind"], Format: statement.Format(in["format"]), Number: in["number"], Currency: in["currency"], MadeBy: v.who.Person.ID, MadeAt: v.now}
		return &giving.Move{Object: giving.Object("statement-source", id), Act: "statement-source", Note: s.Name, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			_, err := recon.AddSource(ctx, tx, v.book, s)
			return err
		}}, nil
	}}}
}

// statementAdd adds an account outside.
func (v *visit) statementAdd() error {
	return v.perform(uuid.Nil, statementsPath, v.statementsAgain, v.sourceActs()...)
}

// tieOptions are the accounts of the book that a bank account outside can be.
func (v *visit) tieOptions() []Option {
	options := []Option{{Value: "", Label: T(v.lang, "recon.chart.none")}}
	for _, id := range recon.BankAccounts {
		options = append(options, Option{Value: string(id), Label: v.accountName(id)})
	}
	return options
}

// sourceOption is an account outside as forms name it: sums of its terms are in its currency.
func sourceOption(s *recon.Source) Option {
	return Option{Value: strconv.Itoa(int(s.ID)), Label: s.Name + " · " + s.Currency}
}

// tieAct is the step that says which account of the book a bank account is. Matching depends on it: another person approves. s is nil where the
// step is only looked up by name.
func (v *visit) tieAct(s *recon.Source) act {
	source, to := blank{name: "source", label: "term.account", thing: "source", kind: "select"}, blank{name: "chart", label: "recon.chart", hint: "recon.chart.hint", kind: "select", options: v.tieOptions(), optional: true}
	if s != nil {
		source.options, to.value = []Option{sourceOption(s)}, string(s.Chart)
	}
	return act{name: "statement-tie", needs: staff.OfflineWrite, second: staff.ReconKind, plan: (*visit).tiePlan, blanks: []blank{source, to}}
}

// tiePlan ties an account outside to its account of the book, or unties it.
func (v *visit) tiePlan(q pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
	s, err := recon.SourceByID(v.ctx(), q, v.book, int32(in.number("source")))
	if err != nil {
		return nil, err
	}
	to, name := chart.ID(in["chart"]), T(ZH, "recon.chart.none")
	if to != "" {
		name = v.code(chart.MustByID(to)) + " " + chart.MustByID(to).Name("zh")
	}
	return &giving.Move{Object: s.Object(), Act: "statement-tie", Note: oneLine(s.Name+" · "+name, 400), Source: "recon",
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return recon.Tie(ctx, tx, v.book, s.ID, to)
		}}, recon.MayTie(v.ctx(), q, v.book, s, to)
}

// sourceTie ties an account outside to its account of the book.
func (v *visit) sourceTie() error {
	s, err := v.sourceParam()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, sourceHref(s.ID), v.sourceAgain, v.tieAct(s))
}
