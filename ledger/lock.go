package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
)

// Refusals by a fund's charter (I8): money given for a purpose is spent on that purpose, in its time, and leaves the fund by its own steps.
var (
	ErrPurpose = errors.New("fund may not be spent on this purpose")
	ErrWindow  = errors.New("day is outside the time in which the fund is spent")
	ErrTied    = errors.New("money of this fund leaves by transfer, levy, release or closing only")
)

// PurposeError says what was to be spent for which purpose, and what the fund's charter allows. It is ErrPurpose. A new version of the charter,
// by filing number or by consent of the donors, would lift it.
type PurposeError struct {
	Fund    int32
	Chart   chart.ID
	Purpose string   // code; empty: the line does not say what it is for
	May     []string // codes
}

func (e *PurposeError) Error() string {
	return fmt.Sprintf("fund %d may be spent on %s only, not on %q (%s)", e.Fund, strings.Join(e.May, ", "), e.Purpose, e.Chart)
}

// Is makes it ErrPurpose.
func (e *PurposeError) Is(target error) bool { return target == ErrPurpose }

// WindowError says when the fund may be spent. It is ErrWindow.
type WindowError struct {
	Fund     int32
	Day      time.Time
	From, To *time.Time // nil: without limit
}

func (e *WindowError) Error() string {
	return fmt.Sprintf("fund %d is not spent on %s", e.Fund, e.Day.Format(time.DateOnly))
}

// Is makes it ErrWindow.
func (e *WindowError) Is(target error) bool { return target == ErrWindow }

// TiedError says which account of which fund an entry by hand may not take from. It is ErrTied.
type TiedError struct {
	Fund  int32
	Chart chart.ID
}

func (e *TiedError) Error() string {
	return fmt.Sprintf("%s of fund %d is not debited by this kind of entry", e.Chart, e.Fund)
}

// Is makes it ErrTied.
func (e *TiedError) Is(target error) bool { return target == ErrTied }

const sqlPurposesOf = `select purposes from fund_charter where book_id = $1 and fund_id = $2 order by version desc limit 1`

// PurposesOf lists the codes of what a fund's charter lets it be spent on; none for a fund without a charter, which nothing binds.
func PurposesOf(ctx context.Context, q pg.Querier, book *Book, fund int32) (may []string, err error) {
	err = q.QueryRow(ctx, sqlPurposesOf, book.ID, fund).Scan(&may)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("read purposes of fund %d: %w", fund, err)
	}
	return may, nil
}

// lock is what a fund's charter lets be spent. A fund without a charter has none.
type lock struct {
	may      []string // codes of purposes; empty: no lock
	from, to *time.Time
}

// beyondLock are the events that spend nothing of the fund's money on anything: a closing, a taking back, what stood there before, money that
// goes back where it came from, what residents set aside (its contract is looked at), and goods, which go where their giver said.
var beyondLock = map[Kind]bool{KindClose: true, KindCorrection: true, KindOpening: true, KindReturn: true, KindReservation: true, KindLetter: true, KindGoods: true, KindAuction: true}

// Spends tells whether a debit of the account uses money for something: a cost, an advance, a thing bought, or the promise of one. An unknown
// account does not.
func Spends(id chart.ID) bool {
	a, ok := chart.ByID(id)
	if !ok {
		return false
	}
	switch a.Type {
	case chart.Expense:
		return true
	case chart.Asset:
		return a.Liquid == 0 && !holdsAgency(id) && !strings.HasPrefix(string(id), "ar")
	}
	return a.Commit != 0
}

// tied tells the accounts that say whose money it is: debited by hand they would let it out of the fund, or out of its restriction.
func tied(id chart.ID) bool {
	a := chart.MustByID(id)
	return a.Type == chart.Income || a.Type == chart.NetAssets || id == "transfer" || id == "release.u" || id == "release.r"
}

// underLock tells whether a charter may have something to say about a line.
func underLock(s side) bool {
	return s.amount > 0 && (Spends(s.at.leaf.Chart) || tied(s.at.leaf.Chart))
}

// check refuses what the charter does not let be spent. Lines that take back a cost or a promise are credits and pass.
func (l *lock) check(d *draft, fund int32) error {
	kind := d.entry.Kind
	if len(l.may) == 0 || beyondLock[kind] {
		return nil
	}
	for _, s := range d.sides {
		leaf := &s.at.leaf
		if leaf.Fund != fund || s.amount <= 0 {
			continue
		}
		if tied(leaf.Chart) && (kind == KindVoucher || leaf.Chart == "transfer" && kind != KindTransfer) {
			return &TiedError{Fund: fund, Chart: leaf.Chart}
		}
		if !Spends(leaf.Chart) {
			continue
		}
		if !slices.Contains(l.may, leaf.Dims.Purpose) {
			return &PurposeError{Fund: fund, Chart: leaf.Chart, Purpose: leaf.Dims.Purpose, May: l.may}
		}
		day := d.entry.EffectiveOn
		if !d.happened.IsZero() {
			day = d.happened
		}
		if l.from != nil && day.Before(*l.from) || l.to != nil && day.After(*l.to) {
			return &WindowError{Fund: fund, Day: day, From: l.from, To: l.to}
		}
	}
	return nil
}
