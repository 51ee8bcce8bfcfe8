package funds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// ErrNoCharter means that the fund has no charter, so that nothing can be done by its rules. It gets one by an application of its own.
var ErrNoCharter = errors.New("fund has no charter")

// Sorts of funds, as people speak of them. What the ledger makes of each says Kind.
const (
	Sunshine  = "sunshine"  // 社区阳光基金
	Service   = "service"   // 社区公益服务基金
	Street    = "street"    // 街道配套、社区经费: public money
	Holding   = "holding"   // a campaign's money until it is shared out
	Named     = "named"     // 冠名基金
	Endowment = "endowment" // 留本基金
	Agency    = "agency"    // 受托代理: not the association's money
)

// Sorts lists them in the order in which a form offers them.
func Sorts() []string {
	return []string{Sunshine, Service, Street, Holding, Named, Endowment, Agency}
}

// Kind is the ledger's kind of a sort of fund.
func Kind(sort string) string {
	switch sort {
	case Street:
		return ledger.Subsidy
	case Endowment:
		return ledger.Endowment
	case Agency:
		return ledger.Agency
	}
	return ledger.Restricted
}

// Whose a bank's interest on the fund's money is.
const (
	InterestFund    = "fund"
	InterestGeneral = "general"
)

// Terms are the rules of a fund, as applied for or as they stand. A basis point is a hundredth of a percent.
type Terms struct {
	Sort          string     `json:"sort"`
	Purposes      []string   `json:"purposes"`           // codes: all that it may be spent on
	OpensOn       *time.Time `json:"opens,omitempty"`    // first day on which it is spent; nil: at once
	ClosesOn      *time.Time `json:"closes,omitempty"`   // last day; nil: no end
	LevyBP        *int32     `json:"levy_bp,omitempty"`  // most that is levied, of gifts; nil: the agreement is silent, nothing is
	Interest      string     `json:"interest"`           // InterestFund, InterestGeneral
	FeeBearer     string     `json:"fee_bearer"`         // as ledger.Fund
	SpendBP       *int32     `json:"spend_bp,omitempty"` // least that is spent a year, of what was there when it began
	DormantMonths *int32     `json:"dormant,omitempty"`  // without movement it sleeps; nil: never
	Voted         bool       `json:"voted,omitempty"`    // its residents decide what is spent
}

// Charter is one version of a fund's rules.
type Charter struct {
	FundID   int32
	Version  int32
	Terms    Terms
	Basis    string // ByOpening, ByFiling, ByConsent
	BasisRef string // number of the agreement, the filing or the donors' consent
	File     uuid.UUID
	MadeBy   uuid.UUID
	Second   uuid.UUID
	MadeAt   time.Time
}

// What a version of a charter, or a move of money, rests on (accounting.md R12).
const (
	ByOpening = "opening"
	ByFiling  = "filing"  // 方案变更备案
	ByConsent = "consent" // 捐赠人同意
	BySimilar = "similar" // of moves only: the other fund's purposes are among this one's
)

const (
	charterColumns = `
fund_id, version, sort, purposes, opens_on, closes_on, levy_bp, interest, fee_bearer, spend_bp, dormant_months, voted, basis, basis_ref, file_id, made_by, second, made_at`

	sqlCharter  = `select ` + charterColumns + ` from fund_charter where book_id = $1 and fund_id = $2 order by version desc limit 1`
	sqlVersions = `select ` + charterColumns + ` from fund_charter where book_id = $1 and fund_id = $2 order by version`
	sqlCharters = `select distinct on (fund_id) ` + charterColumns + ` from fund_charter where book_id = $1 order by fund_id, version desc`

	sqlCharterInsert = `
insert into fund_charter (book_id, fund_id, version, sort, purposes, opens_on, closes_on, levy_bp, interest, fee_bearer, spend_bp, dormant_months, voted, basis, basis_ref,
       file_id, made_by, second, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
on conflict do nothing`

	sqlFundRules = `update fund set fee_bearer = $3, vote_required = $4 where book_id = $1 and fund_id = $2`
)

func scanCharter(row pgx.CollectableRow) (c Charter, err error) {
	t := &c.Terms
	err = row.Scan(&c.FundID, &c.Version, &t.Sort, &t.Purposes, &t.OpensOn, &t.ClosesOn, &t.LevyBP, &t.Interest, &t.FeeBearer, &t.SpendBP, &t.DormantMonths, &t.Voted,
		&c.Basis, &c.BasisRef, &c.File, &c.MadeBy, &c.Second, &c.MadeAt)
	return c, err
}

// CharterOf reads the rules that stand for a fund, or ErrNoCharter.
func CharterOf(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32) (*Charter, error) {
	rows, err := q.Query(ctx, sqlCharter, book.ID, fund)
	if err != nil {
		return nil, fmt.Errorf("read charter: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCharter)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: %d", ErrNoCharter, fund)
	}
	if err != nil {
		return nil, fmt.Errorf("read charter: %w", err)
	}
	return &c, nil
}

// Versions lists all versions of a fund's charter, oldest first.
func Versions(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32) ([]Charter, error) {
	rows, err := q.Query(ctx, sqlVersions, book.ID, fund)
	if err != nil {
		return nil, fmt.Errorf("list charters: %w", err)
	}
	return pgx.CollectRows(rows, scanCharter)
}

// Charters gives the rules that stand, by fund. A fund without a charter is not in it.
func Charters(ctx context.Context, q pg.Querier, book *ledger.Book) (map[int32]*Charter, error) {
	rows, err := q.Query(ctx, sqlCharters, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list charters: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanCharter)
	if err != nil {
		return nil, fmt.Errorf("list charters: %w", err)
	}
	byFund := make(map[int32]*Charter, len(list))
	for i := range list {
		byFund[list[i].FundID] = &list[i]
	}
	return byFund, nil
}

// check finds what is wrong with terms; fields are those of the form.
func (t *Terms) check(known []Purpose, wrong *giving.FieldErrors) {
	if !slices.Contains(Sorts(), t.Sort) {
		wrong.Refuse("sort", "fundfile.sort.wrong")
	}
	if len(t.Purposes) == 0 || len(t.Purposes) > 20 {
		wrong.Refuse("purposes", "fundfile.purposes.wrong")
	}
	for _, code := range t.Purposes {
		if !slices.ContainsFunc(known, func(p Purpose) bool { return p.Code == code }) {
			wrong.Refuse("purposes", "fundfile.purposes.wrong")
			break
		}
	}
	if t.OpensOn != nil && t.ClosesOn != nil && t.ClosesOn.Before(*t.OpensOn) {
		wrong.Refuse("due-closes", "fundfile.window.wrong")
	}
	if t.LevyBP != nil && (*t.LevyBP < 0 || *t.LevyBP > 10000) {
		wrong.Refuse("levy", "fundfile.percent.wrong")
	}
	if t.LevyBP != nil && *t.LevyBP > 0 && (t.Sort == Street || t.Sort == Agency) {
		wrong.Refuse("levy", "fundfile.levy.public")
	}
	if t.SpendBP != nil && (*t.SpendBP < 1 || *t.SpendBP > 10000) {
		wrong.Refuse("spend", "fundfile.percent.wrong")
	}
	if t.DormantMonths != nil && (*t.DormantMonths < 1 || *t.DormantMonths > 120) {
		wrong.Refuse("dormant", "fundfile.dormant.wrong")
	}
	if t.Interest != InterestFund && t.Interest != InterestGeneral {
		wrong.Refuse("interest", "fundfile.interest.wrong")
	}
	if !slices.Contains(ledger.FeeBearers(), t.FeeBearer) {
		wrong.Refuse("bearer", "fundfile.bearer.wrong")
	}
	if t.Voted && t.Sort == Agency {
		wrong.Refuse("voted", "fundfile.voted.wrong")
	}
}

// insert writes a version and makes the fund follow it.
func (c *Charter) insert(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	t := &c.Terms
	if err := giving.Settled(ctx, tx, sqlCharterInsert, book.ID, c.FundID, c.Version, t.Sort, t.Purposes, t.OpensOn, t.ClosesOn, t.LevyBP, t.Interest, t.FeeBearer, t.SpendBP, t.DormantMonths, t.Voted,
		c.Basis, c.BasisRef, c.File, c.MadeBy, c.Second, c.MadeAt); err != nil {
		return err
	}
	return giving.Settled(ctx, tx, sqlFundRules, book.ID, c.FundID, t.FeeBearer, t.Voted)
}
