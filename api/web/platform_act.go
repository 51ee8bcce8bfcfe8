package web

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/staff"
)

// platformPlan is a step with a platform file.
type platformPlan func(v *visit, q pg.Querier, f *platforms.File, in inputs) (*giving.Move, error)

func platformAct(name string, second staff.Kind, blanks []blank, plan platformPlan) act {
	return act{name: name, needs: staff.OfflineWrite, second: second, danger: second != "", blanks: blanks,
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			f, err := platforms.FileByID(v.ctx(), q, v.book, id)
			if err != nil {
				return nil, err
			}
			return plan(v, q, f, in)
		}}
}

// platformMark is a step that books nothing.
func platformMark(name, note string, f *platforms.File, settle func(ctx context.Context, tx pgx.Tx) error) *giving.Move {
	return &giving.Move{Object: f.Object(), Act: name, Note: note, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error { return settle(ctx, tx) }}
}

// platformReading are the steps before a file is booked.
func (v *visit) platformReading() ([]act, error) {
	profiles, err := platforms.Profiles(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return nil, err
	}
	options := []Option{{Label: T(v.lang, "offline.choose")}}
	for _, p := range profiles {
		options = append(options, Option{Value: p.ID.String(), Label: p.Name + " · " + p.Platform + " " + strconv.Itoa(int(p.Version))})
	}
	use := platformAct("platform-use", "", []blank{{name: "profile", label: "platform.profile", kind: "select", options: options}},
		func(v *visit, q pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
			p, err := platforms.ProfileByID(v.ctx(), q, v.book, in.id("profile"))
			if err != nil {
				return nil, err
			}
			return platformMark("platform-read", p.Platform+" "+strconv.Itoa(int(p.Version)), f, func(ctx context.Context, tx pgx.Tx) error {
				return platforms.UseProfile(ctx, tx, v.book, f, p.ID)
			}), nil
		})
	tell := platformAct("platform-tell", "", []blank{
		{name: "count", label: "platform.count", kind: "number", max: 6}, {name: "amount", label: "platform.amount", kind: "amount"},
		{name: "fee", label: "platform.fee", kind: "amount"}, {name: "match", label: "platform.match", kind: "amount"},
	}, func(v *visit, _ pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
		told := platforms.Totals{Count: int64(in.number("count")), Amount: in.sum("amount", v.book), Fee: in.sum("fee", v.book), Match: in.sum("match", v.book)}
		told.Net = told.Amount - told.Fee
		return platformMark("platform-told", money.Format(told.Amount, v.book.Currency), f, func(ctx context.Context, tx pgx.Tx) error {
			return platforms.Tell(ctx, tx, v.book, f, told)
		}), nil
	})
	drop := platformAct("platform-drop", "", []blank{{name: "reason", label: "offline.reason"}}, func(v *visit, _ pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
		return platformMark("platform-dropped", in["reason"], f, func(ctx context.Context, tx pgx.Tx) error { return platforms.Drop(ctx, tx, v.book, f) }), nil
	})
	drop.danger = true
	if len(profiles) == 0 {
		return []act{tell, drop}, nil
	}
	return []act{use, tell, drop}, nil
}

// platformSettling are the steps of a booked file that need one person.
func (v *visit) platformSettling() []act {
	return []act{
		platformAct("platform-pay", "", []blank{v.todayBlank("day", "bankline.day"), {name: "ref", label: "bankline.ref", hint: "bankline.ref.hint", max: 80},
			{name: "gifts", label: "platform.pay.gifts", kind: "amount"}, {name: "match", label: "platform.pay.match", kind: "amount", value: "0.00"}},
			func(v *visit, q pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
				return platforms.Pay(v.ctx(), q, v.book, f, platforms.Payment{Day: in.day("day"), BankRef: in["ref"], Gifts: in.sum("gifts", v.book), Match: in.sum("match", v.book)})
			}),
		platformAct("platform-late", "", []blank{{name: "due", label: "platform.due", kind: "day"}, {name: "reason", label: "offline.reason"}},
			func(v *visit, q pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
				return platforms.Late(v.ctx(), q, v.book, f, in.day("due"), in["reason"])
			}),
	}
}

// platformSeconds are the steps by which something a platform owed will not come; a second person approves.
func (v *visit) platformSeconds() []act {
	return []act{
		platformAct("platform-fee", staff.PlatformKind, v.differenceBlanks(), func(v *visit, q pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
			return platforms.KeptFee(v.ctx(), q, v.book, f, differenceOf(v, in))
		}),
		platformAct("platform-refund", staff.PlatformKind, v.differenceBlanks(blank{name: "order", label: "platform.meaning.order", max: 100}),
			func(v *visit, q pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
				return platforms.Refund(v.ctx(), q, v.book, f, in["order"], differenceOf(v, in))
			}),
		platformAct("platform-disallow", staff.PlatformKind, v.differenceBlanks(), func(v *visit, q pg.Querier, f *platforms.File, in inputs) (*giving.Move, error) {
			return platforms.Disallow(v.ctx(), q, v.book, f, differenceOf(v, in))
		}),
	}
}

// platformStory is what was settled of a booked file, and what match has come.
func (v *visit) platformStory(f *platforms.File) ([]platforms.Settlement, []platforms.Held, error) {
	settled, err := platforms.Settlements(v.ctx(), v.s.DB, v.book, f)
	if err != nil {
		return nil, nil, err
	}
	held, err := platforms.HeldOf(v.ctx(), v.s.DB, v.book, f)
	return settled, held, err
}

// platformStep takes a step with a file. Booking it takes as many transactions as it is long.
func (v *visit) platformStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	f, err := platforms.FileByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	if v.FormValue("act") == "platform-book" {
		return v.platformBook(id)
	}
	reading, err := v.platformReading()
	if err != nil {
		return err
	}
	acts := reading
	if f.State == platforms.FileBooked {
		settled, held, err := v.platformStory(f)
		if err != nil {
			return err
		}
		acts = v.platformBookedActs(true, settled, held)
	}
	return v.perform(id, platformsPath+"/"+id.String(), v.platformAgain, acts...)
}

// platformBooking is the form that books a file; performing it is platformBook's.
func (v *visit) platformBooking(differ bool) act {
	a := act{name: "platform-book", needs: staff.OfflineWrite}
	if differ {
		a.blanks = []blank{{name: "reason", label: "platform.differ.reason", hint: "platform.differ.hint"}}
	}
	return a
}

// platformBook has a file booked, or what is left of it; the page tells how far that is. Totals other than those of the letter need a reason.
func (v *visit) platformBook(id uuid.UUID) error {
	here := platformsPath + "/" + id.String()
	form, err := v.formID()
	if err != nil {
		return err
	}
	f, err := platforms.FileByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	content, _, err := f.Content(v.ctx(), v.s.DB, v.book, v.now)
	if errors.Is(err, giving.ErrStep) && f.State == platforms.FileBooked {
		return v.see(here) // the form came twice
	}
	if err != nil {
		return v.stepRefused(err, act{name: "platform-book"}, here, v.platformAgain)
	}
	a := v.platformBooking(f.Told == nil || *f.Told != content.Totals)
	in, wrong := v.readBlanks(a)
	if len(wrong) > 0 {
		return v.platformAgain(422, wrong)
	}
	summary := T(v.lang, "act.platform-book") + " · " + f.Name
	if in["reason"] != "" {
		summary = strings.Join([]string{summary, in["reason"]}, " · ")
	}
	sign := giving.Sign{Key: form, By: v.who.Person.ID, At: v.now, Made: v.who.Person.NameZH, Summary: oneLine(summary, 400)}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if err := platforms.Ask(v.ctx(), tx, v.book, f, len(content.Rows), sign); err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: offlineEvent + "platform_booked", Object: f.Object(),
			Detail: map[string]any{"lines": len(content.Rows), "faults": len(content.Faults), "reason": in["reason"]}})
	})
	if err != nil {
		return v.stepRefused(err, a, here, v.platformAgain)
	}
	if v.s.PlatformAsked != nil {
		v.s.PlatformAsked(v.book)
	}
	return v.see(here)
}
