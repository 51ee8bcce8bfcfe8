package web

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// breakNext offers what may be done with the break by this person, and says what is waited for.
func (v *visit) breakNext(view *recordView, b *recon.BreakItem) error {
	here := breaksPath + "/" + b.ID.String()
	if b.Type == recon.FundEquation && b.EndedAt == nil {
		view.Grids = append([]grid{{Title: T(v.lang, "halt.heading"), Empty: T(v.lang, "halt.rule")}}, view.Grids...)
		view.Links = append(view.Links, Link{T(v.lang, "place.checks"), checksPath})
	}
	form, err := recon.AskedForm(v.ctx(), v.s.DB, v.book, b.ID)
	if err != nil {
		return err
	}
	if form != uuid.Nil && v.who.May(staff.RequestRead) {
		a, err := staff.ApprovalByForm(v.ctx(), v.s.DB, v.who, form)
		if err != nil && !errors.Is(err, staff.ErrNoApproval) {
			return err
		}
		if err == nil {
			view.Links = append(view.Links, Link{T(v.lang, "breaks.request"), approvalPath(a)})
			if a.Entry != nil {
				view.Links = append(view.Links, Link{T(v.lang, "breaks.voucher"), "/console/entries/" + a.Entry.String()})
			}
		}
	}
	if b.EndedAt != nil {
		return nil
	}
	if b.SourceID != nil && len(b.Lines) > 0 && v.who.May(staff.OfflineRead) {
		view.Links = append(view.Links, Link{T(v.lang, "breaks.match"), matchingHref(*b.SourceID, b.Lines[0])})
	}
	if (b.State == recon.BreakOpen || b.State == recon.BreakAssigned) && v.who.May(staff.EntryDraft) {
		view.Links = append(view.Links, Link{T(v.lang, "breaks.correct"), "/console/vouchers/new?break=" + b.ID.String()})
	}
	acts, err := v.breakActs(b)
	if err != nil {
		return err
	}
	return v.offer(view, here, acts...)
}

// breakActs are the steps with a break that is not over.
func (v *visit) breakActs(b *recon.BreakItem) (acts []act, err error) {
	why := blank{name: "reason", label: "offline.reason", kind: "area", max: 400}
	step := func(name string, needs staff.Permission, do func(ctx context.Context, tx pgx.Tx, in inputs) error, blanks ...blank) {
		acts = append(acts, act{name: name, needs: needs, blanks: blanks, plan: func(v *visit, _ pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
			return &giving.Move{Object: giving.Object("break", b.ID), Act: name, Source: "recon", Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error { return do(ctx, tx, in) }}, nil
		}})
	}
	steps, err := recon.Steps(v.ctx(), v.s.DB, v.book, b.ID)
	if err != nil {
		return nil, err
	}
	me := v.who.Person.ID
	waits := b.State == recon.BreakProposed
	if !waits {
		people, err := staff.Holding(v.ctx(), v.s.DB, v.book.ID, staff.Accountant)
		if err != nil {
			return nil, err
		}
		var options []Option
		for _, p := range people {
			options = append(options, Option{Value: p.ID.String(), Label: p.Name(string(v.lang))})
		}
		step("break-take", staff.OfflineWrite, func(ctx context.Context, tx pgx.Tx, in inputs) error {
			return recon.Assign(ctx, tx, v.book, b.ID, in.id("owner"), me, v.now)
		}, blank{name: "owner", label: "breaks.owner", kind: "select", options: options, value: me.String()})
	}
	step("break-note", staff.BreakWork, func(ctx context.Context, tx pgx.Tx, in inputs) error {
		return recon.Note(ctx, tx, v.book, b.ID, me, in["note"], nil, v.now)
	}, blank{name: "note", label: "breaks.note", kind: "area", max: 400})
	if b.Type == recon.FundEquation {
		return acts, nil
	}
	switch {
	case !waits:
		step("break-explain", staff.OfflineWrite, func(ctx context.Context, tx pgx.Tx, in inputs) error {
			return recon.CloseBreak(ctx, tx, v.book, b.ID, me, in["reason"], v.now)
		}, why)
		step("break-leave", staff.OfflineWrite, func(ctx context.Context, tx pgx.Tx, in inputs) error {
			return recon.AskAccept(ctx, tx, v.book, b.ID, me, in["reason"], v.now)
		}, why)
	case !correctionWaits(steps):
		step("break-accept", staff.EntryApprove, func(ctx context.Context, tx pgx.Tx, in inputs) error {
			return recon.Accept(ctx, tx, v.book, b.ID, me, v.now)
		})
		step("break-decline", staff.EntryApprove, func(ctx context.Context, tx pgx.Tx, in inputs) error {
			return recon.Decline(ctx, tx, v.book, b.ID, me, in["reason"], v.now)
		}, why)
	}
	return acts, nil
}

// correctionWaits tells whether what a break waits for is a correction, which is decided among the approvals.
func correctionWaits(steps []recon.BreakStep) bool {
	for _, s := range slices.Backward(steps) {
		if s.State == recon.BreakProposed {
			return len(s.Evidence) > 0
		}
	}
	return false
}

// breakStep takes a step with a break.
func (v *visit) breakStep() error {
	b, _, err := v.breakParam()
	if err != nil {
		return err
	}
	acts, err := v.breakActs(b)
	if err != nil {
		return err
	}
	return v.perform(b.ID, breaksPath+"/"+b.ID.String(), v.breakAgain, acts...)
}

// haltRow is why nothing is paid out of the book.
type haltRow struct {
	Href, Note string
	Since      string
	Sum        string
}

// halts are the breaks that stop payments.
func (v *visit) halts() (rows []haltRow, err error) {
	list, err := recon.Breaks(v.ctx(), v.s.DB, v.book, recon.BreakFilter{Type: recon.FundEquation, Now: v.now, Bands: recon.DefaultBands}, todayMost)
	if err != nil {
		return nil, err
	}
	for _, b := range list {
		rows = append(rows, haltRow{breaksPath + "/" + b.ID.String(), b.Note, Stamp(b.FirstSeen, v.book.Zone), Amount(v.lang, v.amount(b.Amount))})
	}
	return rows, nil
}

// settleCorrections looks what became of corrections that waited, once a request is decided. The job does so too, so that a failure here loses nothing.
func (v *visit) settleCorrections(kind staff.Kind) {
	if kind != staff.Voucher && kind != staff.Reversal {
		return
	}
	if err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		_, err := recon.Settle(v.ctx(), tx, v.book, v.now)
		return err
	}); err != nil {
		v.s.Log.Error("settle corrections", "error", err)
	}
}
