package platforms_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments/platforms"
)

// matched is one gift of 40,000.00 with match of 12,000.00: the figures of E21 to E24 in accounting.md.
const matched = "订单号,捐赠时间,捐赠金额,配捐金额,项目编号\nM-1,2026-09-09 08:00:00,40000.00,12000.00,P-001\n"

type plan func(context.Context, pgx.Tx) (*giving.Move, error)

// taken books a step and gives its entry.
func (d *desk) taken(do plan) (entry uuid.UUID) {
	d.Helper()
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		m, err := do(ctx, tx)
		if err != nil {
			return err
		}
		entry, err = m.Book(ctx, tx, d.book, d.sign())
		return err
	})
	return entry
}

func (d *desk) recognises(recognition string) {
	d.Helper()
	d.taken(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return platforms.Recognise(ctx, tx, d.book, uuid.Must(uuid.NewV7()), recognition, "理事会决定", start)
	})
}

func (d *desk) pays(f *platforms.File, ref string, gifts, match int64) uuid.UUID {
	d.Helper()
	return d.taken(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return platforms.Pay(ctx, tx, d.book, f, platforms.Payment{Day: paid, BankRef: ref, Gifts: gifts, Match: match})
	})
}

func differs(amount int64, reason string) platforms.Difference {
	return platforms.Difference{Day: paid, Amount: amount, Reason: reason}
}

// refusedAt tells that a step is refused at a field.
func (d *desk) refusedAt(field string, do plan) {
	d.Helper()
	var wrong *giving.FieldErrors
	if err := d.step(do); !errors.As(err, &wrong) || wrong.List[0].Field != field {
		d.Errorf("refused with %v, want a refusal at %s", err, field)
	}
}

// TestMatchIsKept: the match of a file is kept when it is booked to the end, and verify notices where that is not what its gifts earned. A file that was
// booked by a program that kept nothing is no difference.
func TestMatchIsKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	text, want := platforms.Sample(1200, feast)
	f := d.kept("名单.csv", []byte(text))
	kept := func() (lines int, amount int64) {
		d.ok(d.owner.QueryRow(t.Context(), `select count(*), coalesce(sum(amount), 0)::int8 from platform_match where file_id = $1`, f.ID).Scan(&lines, &amount))
		return lines, amount
	}
	killed := errors.New("killed")
	if _, err := platforms.Book(t.Context(), d.db, d.book, f, d.sign(), func(int, int) error { return killed }); !errors.Is(err, killed) {
		t.Fatal(err)
	}
	if lines, _ := kept(); lines != 0 {
		t.Errorf("%d lines are kept of a file that is not booked to the end", lines)
	}
	d.booked(f)
	if lines, amount := kept(); lines != 1 || amount != want.Match {
		t.Errorf("%d lines are kept, of %d; want one of %d", lines, amount, want.Match)
	}
	d.clean()
	for sql, differs := range map[string]int{
		`update platform_match set amount = amount + 1`:                                                                                  1,
		`update platform_match set fund_id = fund_id + 100`:                                                                              2,
		`update platform_gift set match = match + 1 where line = (select min(line) from platform_gift)`:                                  1,
		`insert into platform_match select book_id, '00000000-0000-0000-0000-000000000001', campaign_id, fund_id, 0 from platform_match`: 1,
		`delete from platform_match`: 0,
	} {
		tx, err := d.owner.Begin(t.Context())
		d.ok(err)
		_, err = tx.Exec(t.Context(), `set local session_replication_role = replica`) // past the triggers that refuse it
		d.ok(err)
		if tag, err := tx.Exec(t.Context(), sql); err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("%s: %v, %s", sql, err, tag)
		}
		checks, err := platforms.Verify(t.Context(), tx, d.book)
		d.ok(err)
		for _, c := range checks {
			if c.Code == "platform-kept" && int(c.DiffersAll) != differs {
				t.Errorf("%s: %d differences, want %d: %v", sql, c.DiffersAll, differs, c.Differs)
			}
		}
		d.ok(tx.Rollback(t.Context()))
	}
}

// TestMatchInBothWays: match is a memo or income when it is earned, by the book's policy; settled short, frozen and clawed back
// it leaves the same in the books.
func TestMatchInBothWays(t *testing.T) {
	t.Parallel()
	for _, way := range platforms.Recognitions {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			provisional := way == platforms.OnConditionMet
			if provisional {
				d.recognises(way)
			} else {
				d.refusedAt("recognition", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
					return platforms.Recognise(ctx, tx, d.book, uuid.Must(uuid.NewV7()), way, "不变", start)
				})
			}
			f := d.kept("配捐.csv", []byte(matched))
			d.booked(f)
			f = d.again(f)
			owed, income := int64(0), int64(-40_000_00)
			if provisional { // E22b
				owed, income = 12_000_00, -52_000_00
			}
			d.holds(d.r, map[chart.ID]int64{"ar.platform": 40_000_00, "gift.r": income, "ar.match": owed, "match.earned": 12_000_00, "match.contra": -12_000_00})
			d.clean()

			if provisional {
				d.keepsMatch(f)
			}

			// E23: 11,800 come, 200 are disallowed.
			d.pays(f, "B-1", 40_000_00, 11_800_00)
			d.keepsMatch(f)
			disallowed := d.taken(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return platforms.Disallow(ctx, tx, d.book, f, differs(200_00, "规则外"))
			})
			settled := map[chart.ID]int64{"ar.platform": 0, "ar.match": 0, "bank.online": 51_800_00, "gift.r": -51_800_00, "match.earned": 0, "match.contra": 0}
			d.holds(d.r, settled)
			d.clean()

			// What was said to be unpaid is taken back, and said again.
			d.taken(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return platforms.Undo(ctx, tx, d.book, f, disallowed, paid, "记错了")
			})
			if _, match := d.open(f); match != 200_00 {
				t.Errorf("open match of %d", match)
			}
			d.holds(d.r, map[chart.ID]int64{"ar.match": min(owed, 200_00), "match.earned": 200_00})
			d.clean()
			d.taken(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return platforms.Disallow(ctx, tx, d.book, f, differs(200_00, "规则外"))
			})
			d.holds(d.r, settled)

			// E24c, then E24a: 500 are frozen, 300 of them freed, and 500 go back; the rest that was frozen with them.
			freeze := func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return platforms.Freeze(ctx, tx, d.book, f, differs(500_00, "平台调查"))
			}
			d.taken(freeze)
			d.holds(d.r, map[chart.ID]int64{"resv": 500_00, "resv.contra": -500_00})
			d.refusedAt("amount", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return platforms.Freeze(ctx, tx, d.book, f, differs(11_300_01, "多于到账"))
			})
			d.taken(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return platforms.Unfreeze(ctx, tx, d.book, f, differs(300_00, "部分解除"))
			})
			d.clean()
			d.taken(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return platforms.Clawback(ctx, tx, d.book, f, differs(500_00, "平台追回"), giving.Outside)
			})
			d.holds(d.r, map[chart.ID]int64{"resv": 0, "resv.contra": 0, "return.due": 0, "bank.online": 51_300_00, "gift.r": -51_300_00})
			d.clean()

			// E24b: the general fund pays, the donors' fund is untouched. It has to have the money.
			byFault := func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return platforms.Clawback(ctx, tx, d.book, f, differs(500_00, "工作人员套捐"), giving.OwnFault)
			}
			if err := d.step(byFault); !errors.Is(err, ledger.ErrGuarded) {
				t.Errorf("the general fund pays what it has not: %v", err)
			}
			d.tx(func(ctx context.Context, tx pgx.Tx) error {
				_, err := ledger.PostOne(ctx, tx, d.book, ledger.Entry{Key: uuid.New(), Kind: ledger.KindOpening, EffectiveOn: paid, Actor: d.by,
					Document: &ledger.Document{Summary: "期初", SourceKind: "opening", SourceRef: "1", MadeBy: "王会计"},
					Lines:    []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "bank.basic", Fund: d.g.ID}, 1_000_00), ledger.Credit(ledger.Leaf{Chart: "na.u", Fund: d.g.ID}, 1_000_00)}})
				return err
			})
			d.taken(byFault)
			d.holds(d.g, map[chart.ID]int64{"admin.u": 500_00, "return.due": 0, "bank.basic": 500_00})
			d.holds(d.r, map[chart.ID]int64{"bank.online": 51_300_00, "gift.r": -51_300_00})
			d.refusedAt("amount", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return platforms.Clawback(ctx, tx, d.book, f, differs(10_800_01, "多于剩余"), giving.Outside)
			})
			d.clean()
			d.held(f, platforms.Held{Campaign: d.campaign.ID, Fund: d.r.ID, Paid: 11_800_00, Clawed: 1_000_00})
		})
	}
}

// keepsMatch: the foundation's gift is not refunded by hand, not even a fen of it, and says which file it is of.
func (d *desk) keepsMatch(f *platforms.File) {
	d.Helper()
	ctx := pg.WithBook(d.Context(), d.book.ID)
	gifts, err := giving.ListGifts(ctx, d.db, d.book, d.campaign.ID, uuid.Nil, 10)
	d.ok(err)
	kept := 0
	for _, g := range gifts {
		file, err := platforms.FileOfMatch(ctx, d.db, d.book, g.ID)
		d.ok(err)
		_, err = giving.PreviewRefund(ctx, d.db, d.book, giving.Refunded{GiftID: g.ID, Amount: 1, Currency: "CNY", RefundedAt: start, Channel: g.Channel, Ref: "TK-1"})
		if (file == f.ID) != (g.Channel == giving.Bank) || errors.Is(err, giving.ErrMatchOfFile) != (g.Channel == giving.Bank) {
			d.Errorf("%s gift of file %s is refunded by hand with %v", g.Channel.Code(), file, err)
		}
		if file != uuid.Nil {
			kept++
		}
	}
	if kept != 1 {
		d.Errorf("%d gifts of the foundation", kept)
	}
}

func (d *desk) held(f *platforms.File, want platforms.Held) {
	d.Helper()
	held, err := platforms.HeldOf(pg.WithBook(d.Context(), d.book.ID), d.db, d.book, f)
	d.ok(err)
	if len(held) != 1 || held[0] != want {
		d.Errorf("held %+v, want %+v", held, want)
	}
}

// TestAPaymentIsTakenBack: a payment that was typed wrong is reversed and recorded again under the same bank line; both stay in the
// file's story. One whose match has gone on cannot be.
func TestAPaymentIsTakenBack(t *testing.T) {
	t.Parallel()
	for _, way := range platforms.Recognitions {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			if way == platforms.OnConditionMet {
				d.recognises(way)
			}
			f := d.kept("配捐.csv", []byte(strings.ReplaceAll(matched, "40000", "400")))
			d.booked(f)
			f = d.again(f)
			wrong := d.pays(f, "B-1", 400_00, 11_000_00)
			undo := func(settlement uuid.UUID) plan {
				return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
					return platforms.Undo(ctx, tx, d.book, f, settlement, paid, "金额看错")
				}
			}
			d.refusedAt("settlement", undo(uuid.New()))
			d.refusedAt("day", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return platforms.Undo(ctx, tx, d.book, f, wrong, paid.AddDate(0, 0, -1), "金额看错")
			})
			d.taken(undo(wrong))
			if gifts, match := d.open(f); gifts != 400_00 || match != 12_000_00 {
				t.Errorf("open are %d and match of %d", gifts, match)
			}
			d.holds(d.r, map[chart.ID]int64{"bank.online": 0, "ar.platform": 400_00, "match.earned": 12_000_00})
			d.clean()
			d.refusedAt("settlement", undo(wrong))

			right := d.pays(f, "B-1", 400_00, 10_000_00)
			d.taken(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return platforms.Freeze(ctx, tx, d.book, f, differs(10_000_00, "平台调查"))
			})
			d.refusedAt("settlement", undo(right))
			list, err := platforms.Settlements(pg.WithBook(d.Context(), d.book.ID), d.db, d.book, f)
			d.ok(err)
			var story []string
			for _, s := range list {
				if s.Undone {
					s.Kind += " and undone"
				}
				story = append(story, s.Kind)
			}
			if len(list) != 3 || !strings.Contains(strings.Join(story, ","), "paid and undone") || !strings.Contains(strings.Join(story, ","), ",undone") || list[0].Match+list[1].Match+list[2].Match != 10_000_00 {
				t.Errorf("the story is %q: %+v", story, list)
			}
			d.clean()
		})
	}
}

// Two requests may name the same line of the bank before either is approved; it pays once.
func TestALineOfTheBankPaysOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	f := d.kept("配捐.csv", []byte(strings.ReplaceAll(matched, "40000", "400")))
	d.booked(f)
	f = d.again(f)
	d.refusedAt("ref", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		m, err := platforms.Pay(ctx, tx, d.book, f, platforms.Payment{Day: paid, BankRef: "B-1", Gifts: 100_00})
		d.pays(f, "B-1", 100_00, 0)
		return m, err
	})
	if gifts, _ := d.open(f); gifts != 300_00 {
		t.Errorf("open are %d", gifts)
	}
	d.clean()
}
