package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
)

// homesLetter is the letter of the worked example: yuan for yuan, at most 21,940.87, for the eleven homes.
var homesLetter = key("letter homes")

// homesCap is what the street promised, and paid.
const homesCap = 21_940_87

// letters takes the deeds of street letters.
func (l *loader) letters(ctx context.Context, deeds []deed) error {
	for _, d := range deeds {
		if err := l.deed(ctx, d); err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return nil
}

// ofLetter plans a step on a letter as it stands.
func (l *loader) ofLetter(id uuid.UUID, plan func(ctx context.Context, tx pgx.Tx, one *subsidies.Letter) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
	return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		one, err := subsidies.ByID(ctx, tx, l.book, id)
		if err != nil {
			return nil, err
		}
		return plan(ctx, tx, one)
	}
}

// claim is a statement over all that is earned, made by the accountant.
func (l *loader) claim(name string, letter, id uuid.UUID, on time.Time) deed {
	return deed{name, on, "wang", "", "", l.ofLetter(letter, func(ctx context.Context, tx pgx.Tx, one *subsidies.Letter) (*giving.Move, error) {
		if _, err := subsidies.Count(ctx, tx, l.book, one, on); err != nil {
			return nil, err
		}
		t, err := subsidies.TallyOf(ctx, tx, l.book, one)
		if err != nil {
			return nil, err
		}
		return subsidies.MakeClaim(ctx, tx, l.book, one, id, one.Claimable(t, on), l.persons["wang"], on)
	})}
}

// homesPromised is the letter as it came, before the campaign opened.
func (l *loader) homesPromised() []deed {
	on := ledger.Day(2025, 8, 28)
	campaign := l.campaign("e-ai-kongjian")
	return []deed{{"letter homes", on, "wang", "", "石坪桥街道配套函入备查账", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.Commit(ctx, tx, l.book, subsidies.Letter{ID: homesLetter, FundID: l.funds["EAI"].ID, StreetID: l.streets["spq"], CampaignID: &campaign, Party: "石坪桥街道办事处",
			Document: "函〔2025〕12号", SignedOn: on, Counts: subsidies.Online, Rule: subsidies.Rule{Per: subsidies.Whole, Num: 1, Den: 1, Cap: homesCap},
			OpensOn: ledger.Day(2025, 9, 5), ClosesOn: ledger.Day(2025, 9, 16), FiscalYear: 2025, LapsesOn: subsidies.FiscalYearEnd(2025), Terms: subsidies.Grant, Homes: 11,
			EnteredBy: l.persons["wang"]}, on)
	}}}
}

// homesReceived is the statement that both sides sign, and the money.
func (l *loader) homesReceived() []deed {
	made, signed, came := ledger.Day(2025, 9, 20), ledger.Day(2025, 9, 22), ledger.Day(2025, 10, 9)
	statement := key("letter homes statement")
	return []deed{
		l.claim("letter homes claim", homesLetter, statement, made),
		{"letter homes signed", signed, "chen", "", "", l.ofLetter(homesLetter, func(ctx context.Context, tx pgx.Tx, one *subsidies.Letter) (*giving.Move, error) {
			c, err := subsidies.ClaimByID(ctx, tx, l.book, statement)
			if err != nil {
				return nil, err
			}
			return subsidies.SignClaim(ctx, tx, l.book, one, c, c.Statement, l.persons["chen"], signed)
		})},
		{"letter homes received", came, "wang", "", "石坪桥街道配套支持到账，函〔2025〕12 号", l.ofLetter(homesLetter, func(ctx context.Context, tx pgx.Tx, one *subsidies.Letter) (*giving.Move, error) {
			return subsidies.Receive(ctx, tx, l.book, one, subsidies.Coming{Amount: homesCap, Bank: "bank.basic", Ref: "20251009-0004", Day: came})
		})},
	}
}

// homesSpent is the part of the works that the street's money bore, and what the street paid beside the books.
func (l *loader) homesSpent() []deed {
	on := ledger.Day(2025, 11, 20)
	return []deed{
		{"letter homes drawn", on, "wang", "li", "11 户改造验收由街道配套承担的部分", l.ofLetter(homesLetter, func(ctx context.Context, tx pgx.Tx, one *subsidies.Letter) (*giving.Move, error) {
			costs, err := ledger.Spendings(ctx, tx, l.book, one.FundID, 1)
			if err != nil {
				return nil, err
			}
			return subsidies.DrawOn(ctx, tx, l.book, one, costs[0].Entry, homesCap, on)
		})},
		{"letter homes beside", on, "wang", "", "街道直接支付楼道照明改造", l.ofLetter(homesLetter, func(ctx context.Context, tx pgx.Tx, one *subsidies.Letter) (*giving.Move, error) {
			return subsidies.Beside(ctx, tx, l.book, one, 3_200_00, "街道直接支付给施工队的楼道照明改造款", on)
		})},
	}
}

// openLetters are a letter whose statement waits for the street, and a draft of the street's own officer.
func (l *loader) openLetters(ctx context.Context) error {
	lunch, buildings := key("letter lunch"), key("letter buildings")
	campaign := l.campaign("elder-lunch")
	signed, made, drafted := ledger.Day(2026, 3, 2), ledger.Day(2026, 10, 20), ledger.Day(2026, 10, 22)
	one := subsidies.Letter{ID: lunch, FundID: l.funds["SPQ"].ID, StreetID: l.streets["spq"], CampaignID: &campaign, Party: "石坪桥街道办事处", Document: "函〔2026〕5号", SignedOn: signed,
		Counts: subsidies.All, Rule: subsidies.Rule{Per: subsidies.Whole, Num: 1, Den: 2, Cap: 30_000_00}, OpensOn: ledger.Day(2026, 3, 1), ClosesOn: ledger.Day(2026, 11, 30),
		FiscalYear: 2026, LapsesOn: subsidies.FiscalYearEnd(2026), Terms: subsidies.Grant, EnteredBy: l.persons["wang"]}
	block := one
	block.ID, block.CampaignID, block.Document, block.SignedOn, block.EnteredBy = buildings, nil, "函〔2026〕31号", drafted, l.persons["chen"]
	block.Rule = subsidies.Rule{Per: subsidies.PerCampaign, Threshold: 500_00, Lump: 500_00, Den: 1, Cap: 10_000_00}
	return l.letters(ctx, []deed{
		{"letter lunch", signed, "wang", "", "石坪桥街道长者午餐配套函入备查账", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return subsidies.Commit(ctx, tx, l.book, one, signed)
		}},
		l.claim("letter lunch claim", lunch, key("letter lunch statement"), made),
		{"letter buildings", drafted, "chen", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return subsidies.Enter(ctx, tx, l.book, block)
		}},
	})
}
