package ledger

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// Dims are what money is tagged with beside its fund (accounting.md 1.2). Empty means not tagged.
type Dims struct {
	Campaign     string `json:"campaign,omitempty"`
	Project      string `json:"project,omitempty"`
	Contract     string `json:"contract,omitempty"`
	Source       string `json:"source,omitempty"`
	Street       string `json:"street,omitempty"`
	Counterparty string `json:"counterparty,omitempty"`
	Instrument   string `json:"instrument,omitempty"` // the real bank account, box or processor account
	Nature       string `json:"nature,omitempty"`     // natural class of an expense; NatureGift on gift income
	Foreign      string `json:"foreign,omitempty"`    // currency whose worth stands here, in the book's currency
	UnitsOf      string `json:"units_of,omitempty"`   // chart account whose foreign units stand here
	Purpose      string `json:"purpose,omitempty"`    // what is spent says what for: see PurposeError
}

func (d *Dims) storable() bool {
	return *d == Dims{} || storable(d.Campaign, d.Project, d.Contract, d.Source, d.Street, d.Counterparty, d.Instrument,
		d.Nature, d.Foreign, d.UnitsOf, d.Purpose)
}

// NatureGift marks the accounts that only the gift intake posts to: one posting is one gift, so the
// account's own count of postings is the number of gifts.
const NatureGift = "gift"

// Leaf names an account: a chart account in a fund, in a currency, with its tags.
type Leaf struct {
	Chart    chart.ID
	Fund     int32
	Currency string // ISO 4217; empty means the book's
	Dims     Dims
}

// memoUnit is added to the currency's number on memo accounts, so that they balance among themselves.
const memoUnit = 1000

// unit is what amounts of the leaf count: the ISO 4217 number of its currency, plus memoUnit on memo accounts.
func (l Leaf) unit() (int16, error) {
	ccy, ok := money.Lookup(l.Currency)
	if !ok {
		return 0, fmt.Errorf("%w: currency %q", ErrUnknownAccount, l.Currency)
	}
	acct, ok := chart.ByID(l.Chart)
	if !ok {
		return 0, fmt.Errorf("%w: %q", ErrUnknownAccount, l.Chart)
	}
	if acct.Memo() {
		return ccy.Numeric + memoUnit, nil
	}
	return ccy.Numeric, nil
}

// dimsJSON is canonical: fixed field order, empty tags left out.
func (l Leaf) dimsJSON() string {
	b, err := json.Marshal(l.Dims)
	if err != nil {
		panic(err) // a struct of strings always marshals
	}
	return string(b)
}

// hash is the leaf's key in its book.
func (l Leaf) hash() uuid.UUID {
	return HashedID(fmt.Appendf(nil, "%s\n%d\n%s\n%s", l.Chart, l.Fund, l.Currency, l.dimsJSON()))
}

// HashedID is the id that a text gives, the same for ever: a UUID of version 8, the first bits of its SHA-256.
func HashedID(text []byte) uuid.UUID {
	h := sha256.Sum256(text)
	id := uuid.UUID(h[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}
