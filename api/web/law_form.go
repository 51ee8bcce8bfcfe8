package web

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/staff"
)

// lawProfile says under which law the book stands. It decides what is blocked, so another person approves.
func (v *visit) lawProfile(p *law.Profile) act {
	forms, yes := v.legalForms(), v.legalRights()
	public, form := "yes", law.Association
	a := act{name: "law-profile", needs: staff.LawWrite, second: staff.LawKind}
	place, code := "", ""
	if p != nil {
		place, code, form = p.Jurisdiction, p.Code, p.Form
		if !p.Public {
			public = "no"
		}
	}
	a.blanks = []blank{{name: "place", label: "law.jurisdiction", hint: "law.jurisdiction.hint", value: place, max: 9}, {name: "form", label: "law.form", kind: "select", options: forms, value: form},
		{name: "public", label: "law.public", kind: "select", options: yes, value: public}, {name: "due-from", label: "law.from", kind: "day", hint: "law.from.hint"},
		{name: "code", label: "law.code", optional: true, value: code, max: 18}}
	a.plan = func(v *visit, q pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
		p := law.Profile{From: in.day("due-from"), Jurisdiction: in["place"], Form: in["form"], Public: in["public"] == "yes", Code: in["code"]}
		if err := lawField("place", "law.profile.wrong", p.Check()); err != nil {
			return nil, err
		}
		return &giving.Move{Object: "law:00", Act: "law-profile", Note: in["place"] + " · " + in["form"], Source: "law", SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
			p.EnteredBy = &s.By
			return law.SetProfile(ctx, tx, v.book, p, s.At)
		}}, nil
	}
	return a
}

func (v *visit) legalForms() (forms []Option) {
	for _, form := range []string{law.Association, law.Foundation, law.Service} {
		forms = append(forms, Option{Value: form, Label: T(v.lang, "law.form."+form)})
	}
	return forms
}

func (v *visit) legalRights() []Option {
	return []Option{{Value: "yes", Label: T(v.lang, "law.public.yes")}, {Value: "no", Label: T(v.lang, "law.public.no")}}
}

// lawField is a refusal beside one field.
func lawField(field, key string, err error) error {
	if err == nil {
		return nil
	}
	var wrong giving.FieldErrors
	wrong.Refuse(field, key)
	return wrong.Err()
}

func (v *visit) lawProfileSet() error {
	return v.perform(uuid.Nil, lawPath, v.lawListAgain, v.lawProfile(nil))
}

// lawForms are the forms of a rule: the facts that it rests on, if any, one to take one of the list back, and a figure of the association's own.
func (v *visit) lawForms(code string, list []law.Fact) ([]act, error) {
	fact := v.lawFact(code)
	if len(fact.blanks[0].options) == 0 {
		return []act{v.lawParam(code)}, nil
	}
	withdraw := v.lawWithdraw(list)
	rest := []act{v.lawParam(code)}
	if len(withdraw.blanks[0].options) > 0 {
		rest = []act{withdraw, v.lawParam(code)}
	}
	kind, _, _ := strings.Cut(fact.blanks[0].options[0].Value, ".")
	for _, i := range law.Items {
		if i.Rule == kind {
			kind = i.Object
		}
	}
	if kind == "gift" { // a book has too many to choose from
		fact.blanks[1] = blank{name: "object", label: "law.gift", hint: "law.gift.hint", max: 60}
		return append([]act{fact}, rest...), nil
	}
	objects, err := v.lawObjects(kind)
	fact.blanks[1].options = objects
	return append([]act{fact}, rest...), err
}

// withdrawMax bounds the facts that are offered to be taken back: the newest.
const withdrawMax = 200

// lawWithdraw takes back a fact of a rule that was entered wrong; what stood before it stands again.
func (v *visit) lawWithdraw(list []law.Fact) act {
	back := law.TakenBack(list)
	var options []Option
	for _, f := range list {
		if object := "fact:" + f.ID.String(); f.Item != law.Withdrawn && !back[object] && len(options) < withdrawMax {
			options = append(options, Option{Value: f.Rule + " " + object, Label: factWords(v.lang, f)})
		}
	}
	return v.lawWithdrawal(options)
}

// factWords say what was entered in one line.
func factWords(lang Lang, f law.Fact) string {
	words := f.Item
	if item := law.ItemOf(f.Rule, f.Item); item != nil {
		words = item.Label(string(lang))
	}
	if f.Day != nil {
		words += " · " + ISODay(*f.Day)
	}
	return oneLine(words+" · "+f.Words, 120)
}

func (v *visit) lawWithdrawal(options []Option) act {
	return act{name: "law-withdraw", needs: staff.LawWrite, second: staff.LawKind, danger: true,
		blanks: []blank{{name: "object", label: "law.withdraw.what", thing: "law", kind: "select", options: options}, {name: "words", label: "law.withdraw.why", max: 300}},
		plan: func(v *visit, q pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
			rule, object, _ := strings.Cut(in["object"], " ")
			f := law.Fact{Rule: rule, Item: law.Withdrawn, Object: object, Words: in["words"]}
			list, err := law.Facts(v.ctx(), q, v.book, rule)
			if err != nil {
				return nil, err
			}
			of := slices.IndexFunc(list, func(x law.Fact) bool { return "fact:"+x.ID.String() == object && x.Item != law.Withdrawn })
			switch {
			case of < 0 || f.Check() != nil:
				return nil, lawField("object", "law.fact.wrong", law.ErrBadFact)
			case law.TakenBack(list)[object]: // another request was faster
				return nil, lawField("object", "law.fact.back", law.ErrNoFact)
			}
			return lawEnters(v, f, "law-withdraw", factWords(ZH, list[of])+" · "+f.Words), nil
		}}
}

// lawEnters is the deed that keeps a fact once a second person has agreed.
func lawEnters(v *visit, f law.Fact, act, words string) *giving.Move {
	return &giving.Move{Object: lawObject(f.Rule), Act: act, Note: oneLine(words, 400), Source: "law",
		SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
			f.ID, f.EnteredBy, f.EnteredAt = s.Key, s.By, s.At
			if s.Second != uuid.Nil {
				f.Second = &s.Second
			}
			return law.Enter(ctx, tx, v.book, f)
		}}
}

// lawFact is the form of the facts that a rule rests on, those of all rules when code is empty.
func (v *visit) lawFact(code string) act {
	a := act{name: "law-fact", needs: staff.LawWrite, second: staff.LawKind}
	var items []Option
	for _, i := range law.Items {
		if i.Rule == code || code == "" {
			items = append(items, Option{Value: i.Rule + "." + i.Name, Label: i.Label(string(v.lang))})
		}
	}
	a.blanks = []blank{{name: "item", label: "law.item", kind: "select", options: items}, {name: "object", label: "law.object", thing: "law", kind: "select"},
		{name: "year", label: "law.year", kind: "number", optional: true}, {name: "due-day", label: "law.day", kind: "day", optional: true}, {name: "due-until", label: "law.until", kind: "day", optional: true},
		{name: "amount", label: "law.amount", kind: "amount", optional: true},
		{name: "count", label: "law.count", kind: "number", optional: true}, {name: "share", label: "law.share", optional: true, max: 7}, {name: "words", label: "law.words", max: 300}}
	if code != "" {
		a.blanks = slices.DeleteFunc(a.blanks, func(b blank) bool { return !lawAsks(code, b.name) })
	}
	a.plan = func(v *visit, q pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
		rule, item, _ := strings.Cut(in["item"], ".")
		f := law.Fact{Rule: rule, Item: item, Object: in["object"], Year: int32(in.number("year")), Amount: in.sum("amount", v.book), Words: in["words"]}
		switch i := law.ItemOf(rule, item); {
		case i == nil:
		case i.Count:
			f.Amount = int64(in.number("count"))
		case i.Share:
			share, err := law.Share(in["share"])
			if err := lawField("share", "law.share.wrong", err); err != nil {
				return nil, err
			}
			f.Amount = share
		}
		if i := law.ItemOf(rule, item); i != nil && i.Object == "gift" {
			gift, err := giving.GiftByRef(v.ctx(), q, v.book, in["object"])
			if err := lawField("object", "law.gift.wrong", err); err != nil {
				return nil, err
			}
			f.Object = giving.Object("gift", gift.Gift.ID)
		}
		for name, to := range map[string]**time.Time{"due-day": &f.Day, "due-until": &f.Until} {
			if in[name] != "" {
				day := in.day(name)
				*to = &day
			}
		}
		if err := lawField("item", "law.fact.wrong", f.Check()); err != nil {
			return nil, err
		}
		return lawEnters(v, f, "law-fact", law.ItemOf(rule, item).Label("zh-CN")+" · "+in["words"]), nil
	}
	return a
}

// lawAsks tells whether one of a rule's facts needs a field.
func lawAsks(code, field string) bool {
	return slices.ContainsFunc(law.Items, func(i law.Item) bool {
		if i.Rule != code {
			return false
		}
		switch field {
		case "year":
			return i.Year
		case "due-day":
			return i.Day
		case "due-until":
			return i.Until
		case "amount":
			return i.Amount && !i.Count && !i.Share
		case "count":
			return i.Count
		case "share":
			return i.Share
		}
		return true
	}) || field == "item" || field == "object"
}

// lawParam is a figure of the association's own: its charter, or a rule newer than this program.
func (v *visit) lawParam(code string) act {
	names := []Option{}
	for _, p := range law.Params() {
		if (p.Rule == code || code == "") && !slices.ContainsFunc(names, func(o Option) bool { return o.Value == p.Rule+"."+p.Name }) {
			names = append(names, Option{Value: p.Rule + "." + p.Name, Label: p.Name})
		}
	}
	anyForm, anyRight := append([]Option{{Value: "*", Label: T(v.lang, "law.any")}}, v.legalForms()...), append([]Option{{Value: "*", Label: T(v.lang, "law.any")}}, v.legalRights()...)
	return act{name: "law-param", needs: staff.LawWrite, second: staff.LawKind, blanks: []blank{{name: "name", label: "law.param", kind: "select", options: names}, {name: "value", label: "law.value", hint: "law.value.hint", max: 100},
		{name: "due-from", label: "law.from", kind: "day"}, {name: "due-to", label: "law.to", hint: "law.to.hint", kind: "day", optional: true}, {name: "article", label: "law.article", max: 200},
		{name: "place", label: "law.jurisdiction", hint: "law.everywhere", optional: true, max: 9}, {name: "form", label: "law.form", kind: "select", options: anyForm, value: "*"}, {name: "public", label: "law.public", kind: "select", options: anyRight, value: "*"}},
		plan: func(v *visit, _ pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
			rule, name, _ := strings.Cut(in["name"], ".")
			p := law.Param{Rule: rule, Name: name, From: in.day("due-from"), Value: in["value"], ArticleZH: in["article"], Jurisdiction: in["place"], Form: in["form"], Public: in["public"]}
			if in["due-to"] != "" {
				p.To = in.day("due-to")
			}
			if err := lawField("value", "law.value.wrong", p.Check()); err != nil {
				return nil, err
			}
			return &giving.Move{Object: lawObject(rule), Act: "law-param", Note: oneLine(name+" "+p.Value+" · "+lawDays(p)+" · "+lawScope(ZH, p), 400), Source: "law", SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
				return law.SetParam(ctx, tx, v.book, p, s.By, s.At)
			}}, nil
		}}
}

// lawSeconds are the steps that another person approves, found by name.
func (v *visit) lawSeconds() []act {
	return []act{v.lawProfile(nil), v.lawParam(""), v.lawFact(""), v.lawWithdrawal(nil)}
}

// lawStep enters a fact or a figure of the association's own.
func (v *visit) lawStep() error {
	code := v.typed("code", 5)
	if law.ByCode(code) == nil {
		return law.ErrNoRule
	}
	list, err := law.Facts(v.ctx(), v.s.DB, v.book, code)
	if err != nil {
		return err
	}
	acts, err := v.lawForms(code, list)
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, lawRule(code), v.lawShowAgain, acts...)
}
