package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// statementProfile shows the beginning of a file and a guess of what its columns mean.
func (v *visit) statementProfile() error {
	f, s, body, err := v.statementText()
	if err != nil {
		return err
	}
	p := statement.Guess(body)
	known, err := recon.NewestProfile(v.ctx(), v.s.DB, v.book, s.ID)
	if err == nil {
		p = known.Layout
	} else if !errors.Is(err, giving.ErrNoRecord) {
		return err
	}
	return v.showStatementProfile(f, s, body, p, 0, http.StatusOK, nil, false)
}

// statementText reads a CSV file that is not imported.
func (v *visit) statementText() (*recon.File, *recon.Source, []byte, error) {
	f, s, err := v.fileParam()
	if err != nil {
		return nil, nil, nil, err
	}
	if s.Format != statement.CSV || f.State == recon.FileImported || f.State == recon.FileDuplicate {
		return nil, nil, nil, giving.ErrStep
	}
	body, err := f.Body(v.ctx(), v.s.DB, v.book)
	return f, s, body, err
}

// statementProfileSave shows what the chosen columns would import, or saves them as the account's profile and reads the file by it.
func (v *visit) statementProfileSave() error {
	f, s, body, err := v.statementText()
	if err != nil {
		return err
	}
	id, err := v.formID()
	if err != nil {
		return err
	}
	p, header := v.typedStatementProfile(body)
	wrong := v.layoutWrong(recon.CheckLayout(&p))
	if len(wrong) > 0 {
		return v.showStatementProfile(f, s, body, p, header, http.StatusUnprocessableEntity, wrong, false)
	}
	if v.FormValue("do") != "save" {
		return v.showStatementProfile(f, s, body, p, header, http.StatusOK, nil, true)
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if err := recon.SaveProfile(v.ctx(), tx, v.book, recon.Profile{ID: id, SourceID: s.ID, Layout: p, MadeBy: v.who.Person.ID, MadeAt: v.now}); err != nil {
			return err
		}
		return v.statementEvent(tx, "statement_profile", f, map[string]any{"source": s.ID})
	})
	if err != nil {
		return err
	}
	if err := v.statementTake(f); err != nil {
		return err
	}
	return v.see(statementFilesPath + "/" + f.ID.String())
}

// typedStatementProfile reads the form: columns are chosen by their place in the sample and kept by the name that stands there.
func (v *visit) typedStatementProfile(body []byte) (p statement.Profile, header int) {
	p = statement.Profile{Charset: v.typed("charset", 20), Delimiter: delimiterNames[v.typed("delimiter", 10)], Columns: map[string][]string{}, DateForm: v.typed("date_form", 20),
		Negate: v.typed("negate", 3) == "yes", InWords: splitWords(v.typed("in_words", 200)), OutWords: splitWords(v.typed("out_words", 200)), Ignore: splitWords(v.typed("ignore", 200))}
	header = int(v.number("header"))
	if p.Delimiter == "" {
		return p, header
	}
	sample, err := statement.Begin(body, &p, statement.HeaderMax)
	if err != nil || header < 1 || header > len(sample.Rows) {
		return p, header
	}
	for _, meaning := range statement.Meanings {
		at, err := strconv.Atoi(v.typed("col_"+meaning, 4))
		if err == nil && at > 0 && at <= len(sample.Rows[header-1]) && sample.Rows[header-1][at-1] != "" {
			p.Columns[meaning] = []string{sample.Rows[header-1][at-1]}
		}
	}
	return p, header
}

// showStatementProfile shows the form; shown has the lines as they would be imported.
func (v *visit) showStatementProfile(f *recon.File, s *recon.Source, body []byte, p statement.Profile, header, status int, wrong Errors, shown bool) error {
	here := statementFilesPath + "/" + f.ID.String() + "/profile"
	view := platformProfileView{Page: v.consolePage(T(v.lang, "platform.map"), statementsPath), Heading: f.Name, Lead: T(v.lang, "recon.map.lead"), Here: here, Form: newForm()}
	view.Errors, view.Path = wrong, here
	if p.Delimiter == "" {
		p.Delimiter = ","
	}
	sample, err := statement.Begin(body, &p, statement.HeaderMax)
	if err != nil {
		view.Errors.Add("charset", T(v.lang, "recon.sample.wrong"))
	}
	if header == 0 {
		header = max(sample.Header, 1)
	}
	columns := 0
	view.Sample = sample.Rows[:min(len(sample.Rows), max(sampleLines, header+2))]
	for _, row := range view.Sample {
		columns = max(columns, len(row))
	}
	for i := range view.Sample {
		view.Sample[i] = append(view.Sample[i], make([]string, columns-len(view.Sample[i]))...)
	}
	for i := range columns {
		view.Width = append(view.Width, i+1)
	}
	var names []string
	if header <= len(view.Sample) {
		names = view.Sample[header-1]
	}
	if err := v.statementFields(&view, p, names, header); err != nil {
		return err
	}
	if shown {
		v.wouldImport(&view, f, s, body, &p)
	}
	return v.s.render.Render(v.Response(), status, "console/platform_profile", view)
}

// wouldImport reads the file by a profile that is not saved.
func (v *visit) wouldImport(view *platformProfileView, f *recon.File, s *recon.Source, body []byte, p *statement.Profile) {
	would := grid{Title: T(v.lang, "recon.beginning"), Heads: v.heads("#recon.row", "recon.day", "#recon.amount", "#recon.balance", "recon.party", "recon.text")}
	opt := statement.Options{Format: s.Format, Account: s.Number, Currency: s.Currency, Zone: v.book.Zone, Profile: p, Opening: f.Opening, Closing: f.Closing}
	_, err := statement.Read(v.ctx(), body, opt, func(l *statement.Line) error {
		if len(would.Rows) < linesShown {
			balance := cell{Text: "—"}
			if l.Balance.Known {
				balance = cell{Sum: &money.Money{Minor: l.Balance.Minor, Currency: l.Currency}}
			}
			would.Rows = append(would.Rows, []cell{{Text: strconv.Itoa(l.Row)}, dayCell(l.Booked), {Sum: &money.Money{Minor: l.Amount, Currency: l.Currency}}, balance, textCell(l.Party),
				textCell(oneLine(l.Text, 120))})
		}
		return nil
	})
	view.Would = &would
	var refusal *statement.Refusal
	if errors.As(err, &refusal) {
		reason := string(refusal.Reason)
		row := int32(refusal.Line)
		faults := grid{Title: T(v.lang, "recon.refused"), Heads: v.heads("#recon.row", "offline.reason"), Rows: [][]cell{{{Text: strconv.Itoa(int(row))},
			{Text: v.reasonWords(&recon.File{Reason: &reason, Want: &refusal.Want, Got: &refusal.Got})}}}}
		view.Faults = &faults
	}
}

// statementFields makes the fields of the form.
func (v *visit) statementFields(view *platformProfileView, p statement.Profile, names []string, header int) error {
	options := []Option{{Value: "0", Label: T(v.lang, "platform.column.none")}}
	for i, name := range names {
		label := strconv.Itoa(i + 1)
		if name != "" {
			label += " · " + oneLine(name, 40)
		}
		options = append(options, Option{Value: strconv.Itoa(i + 1), Label: label})
	}
	for _, meaning := range statement.Meanings {
		at := 0
		for i, name := range names {
			if list := p.Columns[meaning]; at == 0 && len(list) > 0 && list[0] == name {
				at = i + 1
			}
		}
		field, err := newField(view.Page, "col_"+meaning, "recon.meaning."+meaning, at, "type", "select", "options", options)
		if err != nil {
			return err
		}
		view.Columns = append(view.Columns, field)
	}
	var delimiters, charsets, dates []Option
	delimiter := ""
	for _, name := range []string{"comma", "tab", "semicolon", "bar"} {
		delimiters = append(delimiters, Option{Value: name, Label: T(v.lang, "platform.delimiter."+name)})
		if delimiterNames[name] == p.Delimiter {
			delimiter = name
		}
	}
	for _, charset := range statement.Charsets {
		charsets = append(charsets, Option{Value: charset, Label: T(v.lang, "platform.charset."+charset)})
	}
	for _, form := range statement.DateForms {
		label := T(v.lang, "recon.date.usual")
		if form != "" {
			label = exampleDay.Format(form)
		}
		dates = append(dates, Option{Value: form, Label: label})
	}
	negate := "no"
	if p.Negate {
		negate = "yes"
	}
	for _, b := range []struct {
		blank
		value string
	}{
		{blank{name: "charset", label: "platform.charset", kind: "select", options: charsets}, p.Charset},
		{blank{name: "delimiter", label: "platform.delimiter", kind: "select", options: delimiters}, delimiter},
		{blank{name: "header", label: "platform.header", kind: "number"}, strconv.Itoa(header)},
		{blank{name: "date_form", label: "recon.date", kind: "select", options: dates}, p.DateForm},
		{blank{name: "negate", label: "recon.sign", kind: "select", options: []Option{{Value: "no", Label: T(v.lang, "recon.sign.in")}, {Value: "yes", Label: T(v.lang, "recon.sign.out")}}}, negate},
		{blank{name: "in_words", label: "recon.in.words", hint: "recon.words.hint", optional: true}, strings.Join(p.InWords, "，")},
		{blank{name: "out_words", label: "recon.out.words", optional: true}, strings.Join(p.OutWords, "，")},
		{blank{name: "ignore", label: "platform.ignore", hint: "platform.ignore.hint", optional: true}, strings.Join(p.Ignore, "，")},
	} {
		field, err := newField(view.Page, b.name, b.label, b.value, b.pairs()...)
		if err != nil {
			return err
		}
		view.Fields = append(view.Fields, field)
	}
	return nil
}
