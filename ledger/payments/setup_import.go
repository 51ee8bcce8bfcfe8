package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// ErrSetup means that a set-up file cannot be read or does not fit the book.
var ErrSetup = errors.New("set-up file cannot be used")

// setup is what a set-up file says of funds and campaigns; the rest of it is for others.
type setup struct {
	Period struct {
		FirstDay string `json:"first_day"`
		LastDay  string `json:"last_day"`
	} `json:"period"`
	Funds []struct {
		Code string `json:"code"`
		ZH   string `json:"zh"`
		EN   string `json:"en"`
		Type string `json:"type"`
	} `json:"funds"`
	Campaigns []struct {
		Code  string   `json:"code"`
		ZH    string   `json:"zh"`
		EN    string   `json:"en"`
		Funds []string `json:"funds"`
	} `json:"campaigns"`
}

// setupBytesMax bounds a set-up file.
const setupBytesMax = 4 << 20

// setupGoal stands in until somebody sets the campaign's own: a set-up file names none, so its campaigns
// are opened as drafts, which take imported gifts but are not shown.
const setupGoal = 1_000_000_00

// PrepareFromSetup opens the funds and campaigns of a setup.json that the book does not have yet, so that a gift
// file that names them can be imported. Campaigns are opened as drafts.
func PrepareFromSetup(ctx context.Context, tx pgx.Tx, book *ledger.Book, r io.Reader) error {
	var s setup
	if err := json.NewDecoder(io.LimitReader(r, setupBytesMax)).Decode(&s); err != nil {
		return fmt.Errorf("%w: %w", ErrSetup, err)
	}
	opens, err1 := time.ParseInLocation(time.DateOnly, s.Period.FirstDay, book.Zone)
	last, err2 := time.ParseInLocation(time.DateOnly, s.Period.LastDay, book.Zone)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("%w: period: %w", ErrSetup, err)
	}
	funds, err := codes(ctx, tx, sqlFundCodes, book)
	if err != nil {
		return err
	}
	for _, f := range s.Funds {
		if _, ok := funds[f.Code]; ok {
			continue
		}
		made, err := ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: f.Code, Kind: f.Type, NameZH: f.ZH, NameEN: f.EN})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSetup, err)
		}
		funds[f.Code] = made.ID
	}
	campaigns, err := codes(ctx, tx, sqlCampaignCodes, book)
	if err != nil {
		return err
	}
	for _, c := range s.Campaigns {
		if _, ok := campaigns[c.Code]; ok {
			continue
		}
		if len(c.Funds) == 0 || funds[c.Funds[0]] == 0 {
			return fmt.Errorf("%w: campaign %s names no fund of the file", ErrSetup, c.Code)
		}
		en := c.EN
		if en == "" {
			en = strings.ToUpper(c.Code[:1]) + strings.ReplaceAll(c.Code[1:], "-", " ")
		}
		_, err := giving.CreateCampaign(ctx, tx, book, giving.Campaign{
			Slug: c.Code, FundID: funds[c.Funds[0]], TitleZH: c.ZH, TitleEN: en, SummaryZH: c.ZH, SummaryEN: en, StoryZH: c.ZH, StoryEN: en,
			Goal: setupGoal, OpensAt: opens, ClosesAt: last.AddDate(0, 0, 1), State: giving.Draft,
		})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSetup, err)
		}
	}
	return nil
}
