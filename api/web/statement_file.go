package web

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
	"sunfund/ledger/staff"
)

// statementFile tells the story of a file: what became of it and why, what is proved of its statements, its lines.
func (v *visit) statementFile() error { return v.statementFileAgain(http.StatusOK, nil) }

func (v *visit) statementFileAgain(status int, wrong Errors) error {
	f, s, err := v.fileParam()
	if err != nil {
		return err
	}
	here := statementFilesPath + "/" + f.ID.String()
	view := v.statementPage(f.Name)
	state := v.fileState(f.State)
	view.Status, view.State, view.Errors, view.Path = state.Tag, state.Text, wrong, here
	view.Links = []Link{{s.Name, sourceHref(s.ID)}}
	if f.SameAs == nil {
		view.Links = append(view.Links, Link{T(v.lang, "line.download.do"), here + "/raw"})
	}
	view.Facts = []Fact{v.fact("recon.came", Day(v.lang, v.book.Day(f.MadeAt))), v.fact("platform.size", paperSize(int(f.Size))), v.fact("recon.hash", hex.EncodeToString(f.Hash))}
	may := v.who.May(staff.OfflineWrite)
	switch f.State {
	case recon.FileDuplicate:
		view.Lead = T(v.lang, "recon.duplicate")
		view.Links = append(view.Links, Link{T(v.lang, "recon.first"), statementFilesPath + "/" + f.SameAs.String()})
	case recon.FileQuarantined, recon.FileReceived:
		if view.Lead = T(v.lang, "recon.unread"); f.Reason != nil {
			view.Lead = v.reasonWords(f)
			if f.ReasonLine != nil && *f.ReasonLine > 0 {
				view.Facts = append(view.Facts, v.fact("recon.row", strconv.Itoa(int(*f.ReasonLine))))
			}
			view.Grids = append(view.Grids, grid{Title: T(v.lang, "recon.next"), Empty: T(v.lang, "recon.next."+nextStep(*f.Reason))})
		}
		if f.State == recon.FileReceived && f.Size > statementAtOnce { // the job reads it
			view.Lead, view.Links = T(v.lang, "recon.reading"), append(view.Links, Link{T(v.lang, "batch.refresh"), here})
			lines, about, err := recon.Reading(v.ctx(), v.s.DB, f.ID)
			if err != nil {
				return err
			}
			if lines > 0 {
				view.Facts = append(view.Facts, v.fact("recon.reading.so", T(v.lang, "recon.reading.far", lines, about)))
			}
		}
		if s.Format == statement.CSV && may {
			view.Links = append(view.Links, Link{T(v.lang, "platform.map"), here + "/profile"})
		}
		if err := v.offer(&view, here, v.statementActs(f)...); err != nil {
			return err
		}
	case recon.FileImported:
		view.Facts = append(view.Facts, v.fact("recon.lines", strconv.Itoa(int(*f.Lines))), v.fact("recon.fresh", strconv.Itoa(int(*f.Fresh))))
		if err := v.statementStory(&view, f, s); err != nil {
			return err
		}
		if err := v.statementContent(&view, f); err != nil {
			return err
		}
	}
	return v.showRecord(view, f.Object(), status)
}

func (v *visit) fileParam() (*recon.File, *recon.Source, error) {
	id, err := v.recordParam()
	if err != nil {
		return nil, nil, err
	}
	f, err := recon.FileByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return nil, nil, err
	}
	s, err := recon.SourceByID(v.ctx(), v.s.DB, v.book, f.SourceID)
	return f, s, err
}

// nextStep names what somebody does about a refusal: tell balances, say what the columns mean, look at the account, or fetch the
// file anew.
func nextStep(reason string) string {
	switch statement.Reason(reason) {
	case statement.ReasonUnproved:
		return "tell"
	case statement.ReasonHeader:
		return "columns"
	case statement.ReasonAccount, statement.ReasonCurrency, statement.ReasonFormat, statement.ReasonVersion:
		return "account"
	case recon.Contradicts:
		return "compare"
	}
	return "fetch"
}

// statementActs are the steps with a file that is not imported.
func (v *visit) statementActs(f *recon.File) []act {
	step := func(name, note string, settle func(ctx context.Context, tx pgx.Tx, f *recon.File) error) *giving.Move {
		return &giving.Move{Object: f.Object(), Act: name, Note: note, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			now, err := recon.FileByID(ctx, tx, v.book, f.ID)
			if err != nil {
				return err
			}
			if err := settle(ctx, tx, now); err != nil {
				return err
			}
			if now, err = recon.FileByID(ctx, tx, v.book, f.ID); err != nil {
				return err
			}
			_, err = recon.Take(ctx, tx, v.book, now, v.now)
			return err
		}}
	}
	read := act{name: "statement-read", needs: staff.OfflineWrite, plan: func(_ *visit, _ pg.Querier, _ uuid.UUID, _ inputs) (*giving.Move, error) {
		return step("statement-read", "", func(context.Context, pgx.Tx, *recon.File) error { return nil }), nil
	}}
	tell := act{name: "statement-tell", needs: staff.OfflineWrite, blanks: []blank{{name: "opening", label: "recon.opening", kind: "amount"}, {name: "closing", label: "recon.closing", kind: "amount"}},
		plan: func(v *visit, _ pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
			opening, closing := in.sum("opening", v.book), in.sum("closing", v.book)
			return step("statement-tell", in["opening"]+" – "+in["closing"], func(ctx context.Context, tx pgx.Tx, f *recon.File) error {
				return recon.Tell(ctx, tx, v.book, f, opening, closing)
			}), nil
		}}
	if f.Opening != nil || f.Reason != nil && nextStep(*f.Reason) == "tell" { // what was told may have been mistyped
		return []act{tell, read}
	}
	return []act{read}
}

// statementStep takes a step with a file.
func (v *visit) statementStep() error {
	f, _, err := v.fileParam()
	if err != nil {
		return err
	}
	return v.perform(f.ID, statementFilesPath+"/"+f.ID.String(), v.statementFileAgain, v.statementActs(f)...)
}

// errEnough ends the reading of a file once its page is full.
var errEnough = errors.New("enough lines are shown")

// statementContent shows what the file holds. Names and texts are read from the kept file: they are nowhere else.
func (v *visit) statementContent(view *recordView, f *recon.File) error {
	list, err := recon.Statements(v.ctx(), v.s.DB, v.book, f.ID)
	if err != nil {
		return err
	}
	source, err := recon.SourceByID(v.ctx(), v.s.DB, v.book, f.SourceID)
	if err != nil {
		return err
	}
	sum := func(minor int64) cell { return cell{Sum: &money.Money{Minor: minor, Currency: source.Currency}} }
	maybe := func(minor *int64) cell {
		if minor == nil {
			return cell{Text: "—"}
		}
		return sum(*minor)
	}
	statements := grid{Title: T(v.lang, "recon.statements"), Heads: v.heads("recon.no", "recon.days", "#recon.opening", "#recon.in", "#recon.out", "#recon.closing", "#recon.gap", "recon.proved")}
	for _, s := range list[:min(len(list), recordsShown)] {
		days := "—"
		if s.From != nil && s.To != nil {
			days = ISODay(*s.From) + " – " + ISODay(*s.To)
		}
		proved := ""
		for i, p := range s.Proved {
			if i > 0 {
				proved += T(v.lang, "console.and")
			}
			proved += T(v.lang, "recon.proof."+p)
		}
		statements.Rows = append(statements.Rows, []cell{textCell(s.Number), {Text: days}, maybe(s.Opening), sum(s.In), sum(-s.Out), maybe(s.Closing), sum(s.Gap), {Text: proved}})
	}
	lines := grid{Title: T(v.lang, "recon.beginning"), Empty: T(v.lang, "recon.lines.none"), Heads: v.heads("#recon.row", "recon.day", "#recon.amount", "recon.party", "recon.text", "recon.id")}
	fees := source.Format.Trusted() // what a processor kept of each payment
	if fees {
		lines.Heads = append(lines.Heads, v.heads("#recon.fee")...)
	}
	_, _, err = f.Read(v.ctx(), v.s.DB, v.book, func(l *statement.Line) error {
		if len(lines.Rows) == linesShown {
			return errEnough
		}
		lines.Rows = append(lines.Rows, []cell{{Text: strconv.Itoa(l.Row)}, dayCell(l.Booked), sum(l.Amount), textCell(l.Party), textCell(oneLine(l.Text, 120)), textCell(l.ID)})
		if last := len(lines.Rows) - 1; fees {
			lines.Rows[last] = append(lines.Rows[last], sum(l.Fee))
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	view.Grids = append(view.Grids, statements, lines)
	return nil
}
