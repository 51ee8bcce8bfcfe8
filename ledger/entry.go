package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"sunfund/ledger/chart"
)

// Refusals of an entry. A refused entry changes nothing; the others of its batch stand.
var (
	ErrUnknownAccount = errors.New("unknown account")
	ErrUnbalanced     = errors.New("entry does not balance")
	ErrTooManyLines   = errors.New("entry has too many lines")
	ErrAmount         = errors.New("amount out of range")
	ErrNoReason       = errors.New("reversal needs a reason and a name")
	ErrKeyReused      = errors.New("key was used for another entry")
	ErrPeriodClosed   = errors.New("period is closed")
	ErrGuarded        = errors.New("guarded account would cross zero")
	ErrUndecided      = errors.New("fund is spent by vote of its residents only") // no vote stands behind it: open one
	ErrShort          = errors.New("fund has not enough available")
	ErrReversed       = errors.New("entry is already reversed")
	ErrKept           = errors.New("entry belongs to a gift or an offline record and is taken back there")
	ErrNoEntry        = errors.New("no such entry")
	ErrDocument       = errors.New("document is not complete")
	ErrSamePerson     = errors.New("maker of a document may not be its checker")
)

// Limits of one entry.
const (
	LinesMax  = 1000
	AmountMax = int64(1_000_000_000_000_000) // minor units: ten trillion yuan, far inside int64 for any sum
)

// Kind is the business event an entry records.
type Kind int16

// The events booked so far; numbers are stored and never change meaning. E.. is the event in docs/bookkeeping.md.
const (
	KindVoucher      Kind = 1  // made by hand
	KindOpening      Kind = 2  // E49
	KindGift         Kind = 3  // E02, E12, E14
	KindFee          Kind = 4  // E03
	KindPayoutStart  Kind = 5  // E04
	KindPayoutLanded Kind = 6  // E05
	KindPayoutFailed Kind = 7  // E06
	KindRefund       Kind = 8  // E07, E08
	KindSubsidy      Kind = 9  // E31, E32
	KindTransfer     Kind = 10 // E28, interfund settlement
	KindContract     Kind = 11 // E36
	KindAcceptance   Kind = 12 // E33, E38
	KindPayment      Kind = 13 // E37, E40, E43, E52
	KindBankDebit    Kind = 14 // E41
	KindClose        Kind = 15 // E45, E47
	KindCorrection   Kind = 16 // E48: reversal
	KindDispute      Kind = 17 // E09
	KindDisputeWon   Kind = 18 // E10
	KindAccountFee   Kind = 19 // E03 of the account itself, of no gift
	KindReceipt      Kind = 40 // E13: unidentified receipts
	KindReturn       Kind = 41 // a receipt or a deposit sent back
	KindCash         Kind = 42 // E14, E15: cash on its way to the bank
	KindGoods        Kind = 43 // E16, E17, E19, E54: gifts in kind and services
	KindAuction      Kind = 44 // E18, E20
	KindPledge       Kind = 45 // E25, E27
	KindMatch        Kind = 46 // E21, E22: match promised and earned
	KindPlatform     Kind = 47 // E23, E24: what a giving platform pays, keeps, does not pay, freezes or takes back
	KindMatchFund    Kind = 48 // E21, E28: match out of money that lies in a fund
	KindLetter       Kind = 55 // E31 to E34: a street's letter, its money, its end
	KindReservation  Kind = 60 // E39: what residents decided is set aside, or freed again
	KindWork         Kind = 61 // E36, E38, E43b, E44, E46 of a contract kept in ledger/projects, E39
	KindDisbursed    Kind = 62 // E37, E40, E43a, E52 of it
	KindDebited      Kind = 63 // E41, E42, E44b, E35: the bank's line for it
	KindLevy         Kind = 70 // E29: the management fee that a fund's agreement allows
	KindInterest     Kind = 71 // E30: a bank's interest, shared out
	KindRelease      Kind = 72 // E45: money whose restriction is over, moved to an unrestricted fund
)

// KindInfo is how a kind is called.
type KindInfo struct {
	Code   string
	NameZH string
	NameEN string
	// outside: it has already happened out there, so it is booked even when a fund falls short by it.
	outside bool
}

var kinds = map[Kind]KindInfo{
	KindVoucher:      {"voucher", "手工凭证", "Manual voucher", false},
	KindOpening:      {"opening", "期初余额", "Opening balance", false},
	KindGift:         {"gift", "捐赠", "Gift", true},
	KindFee:          {"fee", "支付手续费", "Processor fee", true},
	KindPayoutStart:  {"payout-start", "提现发起", "Payout started", true},
	KindPayoutLanded: {"payout-landed", "提现到账", "Payout landed", true},
	KindPayoutFailed: {"payout-failed", "提现失败", "Payout failed", true},
	KindRefund:       {"refund", "退款", "Refund", true},
	KindSubsidy:      {"subsidy", "街道配套", "Street subsidy", false},
	KindTransfer:     {"transfer", "基金间划转", "Transfer between funds", false},
	KindContract:     {"contract", "合同签订", "Contract signed", false},
	KindAcceptance:   {"acceptance", "验收", "Acceptance", false},
	KindPayment:      {"payment", "付款", "Payment", false},
	KindBankDebit:    {"bank-debit", "银行扣款", "Bank debit", true},
	KindClose:        {"close", "结转", "Closing transfer", false},
	KindCorrection:   {"correction", "红字冲销", "Reversal", false},
	KindDispute:      {"dispute", "支付争议", "Dispute opened", true},
	KindDisputeWon:   {"dispute-won", "争议胜诉", "Dispute won", true},
	KindAccountFee:   {"account-fee", "支付账户费用", "Processor account fee", true},
	KindReceipt:      {"bank-receipt", "待查来款", "Unidentified receipt", true},
	KindReturn:       {"return", "退回来款", "Money sent back", false},
	KindCash:         {"cash", "现金缴存", "Cash to the bank", true},
	KindGoods:        {"goods", "实物与服务捐赠", "Gift in kind", false},
	KindAuction:      {"auction", "义拍", "Charity auction", false},
	KindPledge:       {"pledge", "认捐", "Pledge", false},
	KindMatch:        {"match", "配捐", "Matched giving", true},
	KindPlatform:     {"platform", "平台结算", "Platform settlement", true},
	KindMatchFund:    {"match-fund", "自有资金配捐", "Match out of a fund", false},
	KindLetter:       {"letter", "街道配套函", "Letter of a street", false},
	KindReservation:  {"reservation", "居民表决预留", "Set aside by a vote", false},
	KindWork:         {"work", "项目与合同", "Project and contract", false},
	KindDisbursed:    {"disbursement", "项目付款", "Payment of a project", false},
	KindDebited:      {"disbursement-bank", "项目付款银行已扣", "Payment of a project at the bank", true},
	KindLevy:         {"levy", "管理费提取", "Management fee levied", false},
	KindInterest:     {"interest", "存款利息", "Deposit interest", false},
	KindRelease:      {"release", "限制解除", "Released from restriction", false},
}

// KeptByGiving tells that a gift, a refund or an offline record says the same as the entry: it is taken back there, by a
// refund or the record's own step, and not by a reversal that the row knows nothing of.
func (k Kind) KeptByGiving() bool {
	return k == KindGift || k == KindFee || k == KindRefund || k >= KindReceipt && k <= KindMatchFund || k == KindLetter || k >= KindReservation && k <= KindDebited
}

// Info names the kind.
func (k Kind) Info() KindInfo { return kinds[k] }

// Name is the kind's name in lang.
func (k Kind) Name(lang string) string { return pick(lang, kinds[k].NameZH, kinds[k].NameEN) }

// Kinds are all events, in the order of their numbers.
func Kinds() []Kind { return slices.Sorted(maps.Keys(kinds)) }

// KindByCode finds a kind by its code ("gift", "fee", …).
func KindByCode(code string) (Kind, bool) {
	for k, info := range kinds {
		if info.Code == code {
			return k, true
		}
	}
	return 0, false
}

// Line is one side of an entry. Amount is in minor units of the book's currency, debit positive.
// On a leaf in a foreign currency, Units are that currency's minor units and Amount is what they are
// worth; a revaluation has Amount only.
type Line struct {
	Leaf   Leaf
	Amount int64
	Units  int64
}

// Debit and Credit make lines; amount is not negative.
func Debit(leaf Leaf, amount int64) Line  { return Line{Leaf: leaf, Amount: amount} }
func Credit(leaf Leaf, amount int64) Line { return Line{Leaf: leaf, Amount: -amount} }

// Document says in words what an entry is for and who stands behind it. Gifts have none.
type Document struct {
	Summary     string // 摘要, 1 to 400 characters
	SourceKind  string // what caused it: "voucher", "subsidy", "contract", …
	SourceRef   string
	Reason      string // mandatory for a reversal
	Attachments int16
	MadeBy      string
	CheckedBy   string // second person; empty when none was needed
}

// check refuses what the document table would refuse for the whole batch.
func (doc *Document) check() error {
	if doc == nil {
		return nil
	}
	if n := utf8.RuneCountInString(doc.Summary); n < 1 || n > 400 {
		return fmt.Errorf("%w: summary of %d characters", ErrDocument, n)
	}
	if doc.Attachments < 0 || doc.Attachments > 999 {
		return fmt.Errorf("%w: %d attachments", ErrDocument, doc.Attachments)
	}
	if !storable(doc.Summary, doc.SourceKind, doc.SourceRef, doc.Reason, doc.MadeBy, doc.CheckedBy) {
		return fmt.Errorf("%w: text that cannot be stored", ErrDocument)
	}
	if doc.CheckedBy != "" && doc.CheckedBy == doc.MadeBy {
		return ErrSamePerson
	}
	return nil
}

// storable tells whether PostgreSQL takes the texts: UTF-8 without NUL.
func storable(texts ...string) bool {
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			return false
		}
	}
	return true
}

// Entry is one business event to be booked.
type Entry struct {
	ID          uuid.UUID // UUIDv7; made when zero
	Key         uuid.UUID // idempotency key: the same key and body are booked once; the ID when zero
	Kind        Kind
	EffectiveOn time.Time // business day (see Day)
	// Late is the open day on which it is booked when the month of EffectiveOn is closed for good; the day it belongs to stays with
	// it. Zero: it is refused then. It is no part of what the key stands for.
	Late     time.Time
	Actor    uuid.UUID // person or machine that records it
	Reverses uuid.UUID // the entry it mirrors, if any
	Document *Document
	Lines    []Line

	// Recount, when set, gives the lines once the entries before it in the batch are decided, such as
	// one fee entry over the gifts that were really booked. It may use only leaves that Lines names;
	// without lines nothing is booked.
	Recount func(before []Result) []Line
}

// Result says what became of one entry of a batch.
type Result struct {
	ID       uuid.UUID // of the entry that stands under the key; zero when a recount left nothing to book
	Replayed bool      // it was booked before
	Err      error     // why it was refused
}

// side is a posting to be: a line after foreign money has been taken apart.
type side struct {
	at     *held
	amount int64
}

// draft is an entry ready to be decided.
type draft struct {
	entry    Entry
	sides    []side
	hash     [32]byte
	happened time.Time // the day it belongs to, when it is booked late
}

// months are those that it may be booked in.
func (d *draft) months() []time.Time {
	first := Month(d.entry.EffectiveOn)
	if late := Month(d.entry.Late); !d.entry.Late.IsZero() && late.After(first) {
		return []time.Time{first, late}
	}
	return []time.Time{first}
}

// prepare checks what can be checked without the database.
func prepare(book *Book, ls leaves, e Entry) (draft, error) {
	if e.ID == uuid.Nil {
		e.ID = uuid.Must(uuid.NewV7())
	}
	if e.Key == uuid.Nil {
		e.Key = e.ID
	}
	e.EffectiveOn = Day(e.EffectiveOn.Date()) // a time of day would be hashed but not stored
	if !e.Late.IsZero() {
		e.Late = Day(e.Late.Date())
	}
	d := draft{entry: e}
	if _, ok := kinds[e.Kind]; !ok {
		return d, fmt.Errorf("unknown kind of entry %d", e.Kind)
	}
	if e.EffectiveOn.Year() < 1900 || e.EffectiveOn.Year() > 9999 {
		return d, fmt.Errorf("entry has no business day: %s", e.EffectiveOn.Format(time.DateOnly))
	}
	if err := e.Document.check(); err != nil {
		return d, err
	}
	if e.Reverses != uuid.Nil && (e.Document == nil || e.Document.Reason == "" || e.Document.MadeBy == "") {
		return d, ErrNoReason
	}
	if len(e.Lines) > LinesMax {
		return d, fmt.Errorf("%w: %d of at most %d", ErrTooManyLines, len(e.Lines), LinesMax)
	}
	d.sides = make([]side, 0, len(e.Lines))
	for _, l := range e.Lines {
		if err := d.take(book, ls, l); err != nil {
			return d, err
		}
	}
	if err := d.checkBalance(); err != nil {
		return d, err
	}
	d.hash = d.bodyHash()
	return d, nil
}

// take appends a line's postings. Foreign units get a contra of their own, so that each currency balances.
func (d *draft) take(book *Book, ls leaves, l Line) error {
	foreign := l.Leaf.Currency != "" && l.Leaf.Currency != book.Currency
	value := l.Leaf
	value.Currency = book.Currency
	if foreign {
		if acct, ok := chart.ByID(l.Leaf.Chart); !ok || !acct.Foreign {
			return fmt.Errorf("%w: %s may not hold %s", ErrUnknownAccount, l.Leaf.Chart, l.Leaf.Currency)
		}
		value.Dims.Foreign = l.Leaf.Currency
	}
	at := ls.of(value)
	if at.err != nil {
		return at.err
	}
	if outOfRange(l.Amount) || outOfRange(l.Units) || l.Amount == 0 && l.Units == 0 || l.Units != 0 && !foreign {
		return fmt.Errorf("%w: %d", ErrAmount, l.Amount)
	}
	if l.Amount != 0 {
		d.sides = append(d.sides, side{at, l.Amount})
	}
	if l.Units != 0 {
		units := Leaf{Chart: "fx.units", Fund: l.Leaf.Fund, Currency: l.Leaf.Currency, Dims: l.Leaf.Dims}
		units.Dims.UnitsOf = string(l.Leaf.Chart)
		contra := Leaf{Chart: "fx.units.contra", Fund: l.Leaf.Fund, Currency: l.Leaf.Currency}
		if at = ls.of(units); at.err != nil {
			return at.err
		}
		d.sides = append(d.sides, side{at, l.Units}, side{ls.of(contra), -l.Units})
	}
	return nil
}

func outOfRange(amount int64) bool { return amount > AmountMax || amount < -AmountMax }

// checkBalance holds the entry to I1, I2, I3 and I7: zero in every fund and unit, between funds, over
// transfers, and over the accounts of agency money, which balance by themselves.
func (d *draft) checkBalance() error {
	if len(d.sides) < 2 {
		return fmt.Errorf("%w: fewer than two lines", ErrUnbalanced)
	}
	type cell struct {
		fund   int32
		unit   int16
		agency bool
	}
	// Entries touch a handful of cells: a slice beats a map here.
	var cells [8]cell
	var sums [8]int64
	used := cells[:0]
	rest := sums[:0]
	var interfund, transfer int64
	for _, s := range d.sides {
		leaf := &s.at.leaf
		c := cell{leaf.Fund, s.at.unit, holdsAgency(leaf.Chart)}
		i := 0
		for i < len(used) && used[i] != c {
			i++
		}
		if i == len(used) {
			used, rest = append(used, c), append(rest, 0)
		}
		rest[i] += s.amount // at most LinesMax * AmountMax, inside int64
		switch leaf.Chart {
		case "if.due.from", "if.due.to":
			interfund += s.amount
		case "transfer":
			transfer += s.amount
		}
	}
	for i, r := range rest {
		if r != 0 {
			return &UnbalancedError{Fund: used[i].fund, Unit: used[i].unit, Difference: r}
		}
	}
	if interfund != 0 {
		return fmt.Errorf("%w: due from and due to other funds differ by %d", ErrUnbalanced, interfund)
	}
	if transfer != 0 {
		return fmt.Errorf("%w: transfers between funds do not add up to zero but %d", ErrUnbalanced, transfer)
	}
	return nil
}

// holdsAgency tells the accounts of money that is not ours (1801 + 1002.09 + 1009.09 = 2601).
func holdsAgency(id chart.ID) bool {
	switch id {
	case "agency.a", "bank.agency", "psp.agency", "agency.l":
		return true
	}
	return false
}

// UnbalancedError says in which fund an entry does not balance, and by how much (debits less credits). It is ErrUnbalanced.
type UnbalancedError struct {
	Fund       int32
	Unit       int16
	Difference int64
}

func (e *UnbalancedError) Error() string {
	return fmt.Sprintf("entry does not balance in fund %d: debits less credits are %d", e.Fund, e.Difference)
}

// Is makes it ErrUnbalanced.
func (e *UnbalancedError) Is(target error) bool { return target == ErrUnbalanced }

// bodyHash covers what the entry says and who stands behind it; not what sent it, when, or under which id.
func (d *draft) bodyHash() [32]byte {
	e := &d.entry
	b := make([]byte, 0, 64+24*len(d.sides))
	b = binary.BigEndian.AppendUint16(b, uint16(e.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(e.EffectiveOn.Unix()))
	b = append(b, e.Reverses[:]...)
	for _, s := range d.sides {
		b = append(b, s.at.hash[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(s.amount))
	}
	if e.Document != nil {
		doc := e.Document
		b = fmt.Appendf(b, "%q %q %q %q %d %q %q", doc.Summary, doc.SourceKind, doc.SourceRef, doc.Reason, doc.Attachments, doc.MadeBy, doc.CheckedBy)
	}
	return sha256.Sum256(b)
}

// addSafe adds two balances; overflow cannot happen below AmountMax a posting until 9,000 postings of it in one account.
func addSafe(a, b int64) (int64, error) {
	s := a + b
	if (b > 0 && s < a) || (b < 0 && s > a) || s == math.MinInt64 {
		return 0, fmt.Errorf("%w: balance would overflow", ErrAmount)
	}
	return s, nil
}
