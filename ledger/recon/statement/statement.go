package statement

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"sunfund/ledger/money"
)

// Format is how a file is written.
type Format string

// Formats that are read. The banks' are CSV files as their online banking exports them.
const (
	Camt053     Format = "camt053" // ISO 20022 camt.053.001.02 to .10
	MT940       Format = "mt940"
	OFX         Format = "ofx" // 1 (SGML) and 2 (XML)
	WeChatTrade Format = "wechat-trade"
	WeChatFund  Format = "wechat-fund"
	AlipayTrade Format = "alipay-trade" // CSV, or the zip that it comes in
	CMB         Format = "cmb"
	CCB         Format = "ccb"
	ICBC        Format = "icbc"
	BOC         Format = "boc"
	CSV         Format = "csv" // any other bank's, by a saved profile

	StripeBalance Format = "stripe-balance" // list pages of balance transactions, with their sources
	StripePayouts Format = "stripe-payouts" // list pages of payouts
	StripeMembers Format = "stripe-members" // the rows of each payout
)

// Formats lists them in the order in which a form shows them.
var Formats = []Format{Camt053, MT940, OFX, WeChatTrade, WeChatFund, AlipayTrade, StripeBalance, StripePayouts, StripeMembers, CMB, CCB, ICBC, BOC, CSV}

// Limits of a file.
const (
	SizeMax  = 1 << 30 // bytes
	LinesMax = 2_000_000
	partsMax = 100_000 // of one line
	textMax  = 2_000   // characters of a line's text; more is cut, the file keeps it
)

// Options say what is known of a file before it is read.
type Options struct {
	Format   Format         // empty: as Detect tells
	Account  string         // number of the account; a file of another one is refused. Empty: any
	Currency string         // of the account; another one in the file is refused. Empty: as the file says, else CNY
	Charset  string         // of an MT940 or OFX file that does not say it; empty: UTF-8
	Zone     *time.Location // of clock times without one; nil: UTC+8
	Profile  *Profile       // for CSV
	SHA1     string         // hex, as the processor announced it; empty: not announced
	Opening  *int64         // minor units, as a person read them elsewhere, for a file that has no balance
	Closing  *int64
}

// Balance is a balance that a file tells, or that follows from what it tells.
type Balance struct {
	Minor int64
	Known bool
}

// Proof is what has been proved of a statement.
type Proof string

// Proofs.
const (
	ProofBalance Proof = "balance" // opening + lines = closing, both told by the file
	ProofRunning Proof = "running" // every line moves the running balance by its amount
	ProofTotals  Proof = "totals"  // counts and sums as the file's control totals
	ProofChain   Proof = "chain"   // nothing by itself: only a closing balance, to be held against the statement before
	ProofTold    Proof = "told"    // opening + lines = closing, as a person told them
)

// Statement is one account's statement in a file.
type Statement struct {
	Account     string
	Currency    string
	Number      string // of the bank
	From, To    time.Time
	Opening     Balance
	Closing     Balance
	CountIn     int
	CountOut    int
	In, Out     int64 // sums of the lines, minor units; Out is not negative
	Skipped     int   // entries that are not booked yet, or move nothing
	NewestFirst bool
	Proved      []Proof
	Gaps        []Gap // days that are missing inside it
}

// Gap is money that moved on days of which the file has no line.
type Gap struct {
	Line   int // of the file, where it shows
	Amount int64
}

// Line is one booked line.
type Line struct {
	Statement int // index in the summary
	No        int // in the file, from 1
	Row       int // line of the text, from 1
	At, Size  int // its bytes in the file, or in the member of an archive

	Booked   time.Time // business day
	Value    time.Time
	Clock    time.Time // moment, when the file tells it
	Amount   int64     // minor units; positive is money in
	Currency string
	Fee      int64   // minor units, rounded half up; positive is what the processor kept
	FeeExact int64   // the same in 1/100,000 of the major unit, as written
	Balance  Balance // after the line

	Kind         string // payment, refund, fee, withdrawal …: the processor's, in our words; empty for a bank's line
	Code         string // the bank's or processor's own word for the kind
	ID           string // given by the bank or processor
	Original     string // id of the payment that a refund belongs to
	Order        string // our number, as the processor repeats it
	EndToEnd     string
	Party        string
	PartyAccount string
	Text         string
	Reversal     bool
	Parts        []Part // what a batch consists of
}

// Part is one transaction of a batch that the bank booked in one line.
type Part struct {
	Amount       int64 // minor units of Currency, signed as the line; 0 without currency: not told
	Currency     string
	ID           string
	EndToEnd     string
	Party        string
	PartyAccount string
	Text         string
	Rate         string // units of the line's currency for one of this, as told; empty: not told
}

// Summary is what a file held.
type Summary struct {
	Format     Format
	Version    string // of the message
	Member     string // of an archive
	Statements []Statement
	Gaps       []Gap // statements that are missing between two of an account
	Lines      int
}

// reader carries a file on its way to lines.
type reader struct {
	ctx   context.Context
	body  []byte
	opt   Options
	sum   Summary
	yield func(*Line) error
}

// Read reads a file and gives its lines in the order of the file. They hold only when Read returns no error: totals stand at the end.
// A *Refusal tells why the file is not taken; ctx's deadline is the limit on time. What yield returns ends the reading and is returned.
func Read(ctx context.Context, body []byte, opt Options, yield func(*Line) error) (*Summary, error) {
	r := &reader{ctx: ctx, body: body, opt: opt, yield: yield}
	if opt.Zone == nil {
		r.opt.Zone = china
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	if len(r.sum.Statements) == 0 {
		return nil, refuse(ReasonEmpty, 0, "", "")
	}
	for i := range r.sum.Statements {
		if err := r.prove(&r.sum.Statements[i]); err != nil {
			return nil, err
		}
	}
	return &r.sum, nil
}

// china is the zone of Chinese processors and banks.
var china = time.FixedZone("UTC+8", 8*60*60)

func (r *reader) read() error {
	if len(r.body) == 0 {
		return refuse(ReasonEmpty, 0, "", "")
	}
	if len(r.body) > SizeMax {
		return refuse(ReasonSize, 0, strconv.Itoa(SizeMax), strconv.Itoa(len(r.body)))
	}
	if err := r.announced(); err != nil {
		return err
	}
	if err := r.unpack(); err != nil {
		return err
	}
	found := Detect(r.body)
	if r.sum.Format = r.opt.Format; r.sum.Format == "" {
		r.sum.Format = found
	}
	if found != "" && found != r.sum.Format && r.sum.Format != CSV {
		return refuse(ReasonFormat, 0, string(r.sum.Format), string(found))
	}
	switch r.sum.Format {
	case Camt053:
		return r.camt()
	case MT940:
		return r.mt940()
	case OFX:
		return r.ofx()
	case WeChatTrade:
		return r.wechatTrade()
	case WeChatFund:
		return r.wechatFund()
	case AlipayTrade:
		return r.alipay()
	case StripeBalance, StripePayouts, StripeMembers:
		return r.stripe()
	case CSV:
		if r.opt.Profile == nil {
			return refuse(ReasonHeader, 0, "", "")
		}
		return r.csv(r.opt.Profile)
	}
	if p := banks[r.sum.Format]; p != nil {
		return r.csv(p)
	}
	return refuse(ReasonFormat, 0, "", "")
}

// open begins a statement. A currency that is not the account's is refused, and so is one that nobody knows.
func (r *reader) open(s Statement, row int) (*Statement, error) {
	if s.Currency == "" {
		if s.Currency = r.opt.Currency; s.Currency == "" {
			s.Currency = "CNY"
		}
	}
	if r.opt.Currency != "" && s.Currency != r.opt.Currency {
		return nil, refuse(ReasonCurrency, row, r.opt.Currency, s.Currency)
	}
	if _, ok := money.Lookup(s.Currency); !ok {
		return nil, refuse(ReasonCurrency, row, r.opt.Currency, s.Currency)
	}
	if len(r.sum.Statements) == statementsMax {
		return nil, refuse(ReasonLines, row, strconv.Itoa(statementsMax), "")
	}
	r.sum.Statements = append(r.sum.Statements, s)
	return r.last(), nil
}

const statementsMax = 10_000

// last is the statement that is being read.
func (r *reader) last() *Statement { return &r.sum.Statements[len(r.sum.Statements)-1] }

// emit hands a line out.
func (r *reader) emit(l *Line) error {
	s := r.last()
	l.Statement = len(r.sum.Statements) - 1
	if r.sum.Lines++; r.sum.Lines > LinesMax {
		return refuse(ReasonLines, l.Row, strconv.Itoa(LinesMax), "")
	}
	if err := r.inTime(); err != nil {
		return err
	}
	l.No = r.sum.Lines
	if l.Currency == "" {
		l.Currency = s.Currency
	}
	if l.Value.IsZero() {
		l.Value = l.Booked
	}
	l.Party, l.PartyAccount, l.Text = clean(l.Party), clean(l.PartyAccount), clean(l.Text)
	l.ID, l.EndToEnd, l.Order, l.Original = clean(l.ID), clean(l.EndToEnd), clean(l.Order), clean(l.Original)
	var err error
	if l.Amount >= 0 {
		s.CountIn++
		s.In, err = money.Add(s.In, l.Amount)
	} else {
		s.CountOut++
		s.Out, err = money.Sub(s.Out, l.Amount)
	}
	if err != nil {
		return refuse(ReasonAmount, l.Row, "", "")
	}
	if s.From.IsZero() || l.Booked.Before(s.From) {
		s.From = l.Booked
	}
	if l.Booked.After(s.To) {
		s.To = l.Booked
	}
	return r.yield(l)
}

// inTime looks at the clock now and then.
func (r *reader) inTime() error {
	if r.sum.Lines%256 != 0 {
		return nil
	}
	if err := r.ctx.Err(); errors.Is(err, context.DeadlineExceeded) {
		return refuse(ReasonTime, 0, "", "")
	} else if err != nil {
		return fmt.Errorf("read statement: %w", err)
	}
	return nil
}
