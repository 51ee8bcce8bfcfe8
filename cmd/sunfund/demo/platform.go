package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments/platforms"
)

// platform is a giving day at a platform that does not exist: its list booked on the next day, what it paid a week later, less
// than the list says, and the day it promised for the rest.
func (l *loader) platform(ctx context.Context) error {
	day := func(d int) time.Time { return ledger.Day(2026, 9, d) }
	text, totals := platforms.Sample(120, day(9))
	id, profile := key("platform file"), key("platform profile")
	file := func(ctx context.Context, q pg.Querier) (*platforms.File, error) {
		return platforms.FileByID(ctx, q, l.book, id)
	}
	err := pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
		layout, err := platforms.Guess([]byte(text), l.book.Zone.String())
		if err != nil {
			return err
		}
		layout.Codes, layout.Donor = []platforms.Code{{Code: "P-001", Campaign: l.campaign("elder-lunch")}}, "示例公益平台基金会"
		if err := platforms.SaveProfile(ctx, tx, l.book, platforms.Profile{ID: profile, Platform: "shili", Name: "示例公益平台", Layout: layout, MadeBy: l.persons["wang"], MadeAt: day(10)}); err != nil {
			return err
		}
		if _, err := platforms.Keep(ctx, tx, l.book, id, "示例公益平台_9月9日捐赠明细.csv", []byte(text), l.persons["wang"], day(10)); err != nil {
			return err
		}
		f, err := file(ctx, tx)
		if err != nil || f.State != platforms.FileNew {
			return err
		}
		if err := platforms.UseProfile(ctx, tx, l.book, f, profile); err != nil {
			return err
		}
		return platforms.Tell(ctx, tx, l.book, f, totals)
	})
	if err != nil {
		return fmt.Errorf("keep platform file: %w", err)
	}
	f, err := file(ctx, l.db)
	if err != nil {
		return err
	}
	if f.State == platforms.FileRead {
		sign := giving.Sign{Key: key("platform booked"), By: l.persons["wang"], At: day(10).Add(2 * time.Hour), Made: maker, Summary: "示例公益平台 9 月 9 日捐赠 120 笔入账"}
		if _, err := platforms.Book(ctx, l.db, l.book, f, sign, nil); err != nil {
			return err
		}
	}
	of := func(plan func(context.Context, pgx.Tx, *platforms.File) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			f, err := file(ctx, tx)
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, f)
		}
	}
	for _, d := range []deed{
		{"platform paid", day(16), "wang", "", "示例公益平台打款", of(func(ctx context.Context, tx pgx.Tx, f *platforms.File) (*giving.Move, error) {
			return platforms.Pay(ctx, tx, l.book, f, platforms.Payment{Day: day(16), BankRef: "20260916-0033", Gifts: totals.Net - 186_40, Match: totals.Match - 60_00})
		})},
		{"platform late", day(17), "wang", "", "", of(func(ctx context.Context, tx pgx.Tx, f *platforms.File) (*giving.Move, error) {
			return platforms.Late(ctx, tx, l.book, f, day(30), "两笔捐赠平台复核中，月底前补付")
		})},
	} {
		if err := l.deed(ctx, d); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return nil
}
