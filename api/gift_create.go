package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// giftInput is a gift whose money a platform partner, a bank or a cash box has received.
type giftInput struct {
	Campaign     string `json:"campaign"`
	Fund         string `json:"fund"` // empty: the campaign's
	Amount       string `json:"amount"`
	Currency     string `json:"currency"`
	Fee          string `json:"fee"` // in the book's currency; empty: none
	PaidAt       string `json:"paid_at"`
	Channel      string `json:"channel"`
	Ref          string `json:"ref"`
	ProcessorRef string `json:"processor_ref"`
	DonorName    string `json:"donor_name"`
	Anonymous    bool   `json:"anonymous"`
	Message      string `json:"message"`
	Effort       int64  `json:"effort"`
}

// Limits of a gift's texts, in characters, and of the partner's clock.
const (
	slugMax    = 60
	refMax     = 200
	nameMax    = 200
	messageMax = 2000
	clockAhead = 5 * time.Minute
)

var (
	badDay      = rule{"日期要写成 2026-03-31 这样。", "Write the day like 2026-03-31."}
	badText     = rule{"文字太长，或者带有换行、控制字符或改变书写方向的字符。", "The text is too long, or has line breaks, control signs or marks that turn the direction of writing."}
	badTime     = rule{"时间要写成 2026-03-31T10:00:00+08:00 这样。", "Write the time like 2026-03-31T10:00:00+08:00."}
	badEffort   = rule{"付出是 0 到 1000000000 的整数。", "Effort is a whole number from 0 to 1,000,000,000."}
	futureDay   = rule{"日期不能晚于账套所在地的今天。", "The day lies after today, as the book counts days."}
	futureTime  = rule{"付款时间在将来。", "The time of payment lies in the future."}
	badChannel  = rule{"渠道只能是 wechat、alipay、bank 或 cash。", "The channel is wechat, alipay, bank or cash."}
	noRef       = rule{"每笔捐赠都要有编号 ref。", "Every gift needs a ref."}
	wrongNumber = rule{"一次 1 到 1000 笔捐赠。", "A batch has 1 to 1,000 gifts."}
)

// oneLine tells whether a text is one line that shows what it says.
func oneLine(s string, max int) bool {
	if len(s) > max*utf8.UTFMax || utf8.RuneCountInString(s) > max {
		return false
	}
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return true
}

// apiChannel keeps programs to channels whose money nobody else reports to us.
func apiChannel(code string) (giving.Channel, bool) {
	channel, _ := giving.ChannelByCode(code)
	switch channel {
	case giving.WeChat, giving.Alipay, giving.Bank, giving.Cash:
		return channel, true
	}
	return 0, false
}

// placeKey is a campaign's slug or a fund's code in a book.
type placeKey struct {
	book int32
	name string
}

// place is where the gifts to a campaign go.
type place struct {
	campaign int32
	fundCode string
}

const sqlPlace = `
select c.campaign_id, f.code
  from campaign c join fund f on f.book_id = c.book_id and f.fund_id = c.fund_id
 where c.book_id = $1 and c.slug = $2 and c.state <> 'draft'`

// place finds a campaign by its slug. What it finds holds for as long as the book, so it is looked up once; a draft is not found.
func (c *call) place(slug string) (place, error) {
	key := placeKey{c.book.ID, slug}
	if p, ok := c.s.places.Load(key); ok {
		return p.(place), nil
	}
	var p place
	err := c.s.DB.QueryRow(c.ctx(), sqlPlace, c.book.ID, slug).Scan(&p.campaign, &p.fundCode)
	if errors.Is(err, pgx.ErrNoRows) {
		return place{}, at{"/campaign", errUnknownName}
	}
	if err != nil {
		return place{}, fmt.Errorf("read campaign: %w", err)
	}
	c.s.places.Store(key, p)
	return p, nil
}

// namedFund finds a fund by its code. Codes never change.
func (c *call) namedFund(code string) (int32, error) {
	key := placeKey{c.book.ID, code}
	if id, ok := c.s.funds.Load(key); ok {
		return id.(int32), nil
	}
	fund, err := ledger.FundByCode(c.ctx(), c.s.DB, c.book, code)
	if errors.Is(err, ledger.ErrNoFund) {
		return 0, at{"/fund", errUnknownName}
	}
	if err != nil {
		return 0, err
	}
	c.s.funds.Store(key, fund.ID)
	return fund.ID, nil
}

// received is one gift of a request, read and checked.
type received struct {
	paid           giving.Paid
	campaign, fund string
}

// check reads a gift. Its errors are the caller's, or ours when the database fails.
func (c *call) check(in *giftInput) (*received, error) {
	for _, text := range []struct {
		pointer, text string
		max           int
	}{{"/campaign", in.Campaign, slugMax}, {"/ref", in.Ref, refMax}, {"/processor_ref", in.ProcessorRef, refMax}, {"/donor_name", in.DonorName, nameMax}, {"/message", in.Message, messageMax}} {
		if !oneLine(text.text, text.max) {
			return nil, at{text.pointer, badText}
		}
	}
	if in.Ref == "" {
		return nil, at{"/ref", noRef}
	}
	channel, ok := apiChannel(in.Channel)
	if !ok {
		return nil, at{"/channel", badChannel}
	}
	paidAt, err := time.Parse(time.RFC3339, in.PaidAt)
	if err != nil {
		return nil, at{"/paid_at", badTime}
	}
	if paidAt.After(c.now.Add(clockAhead)) {
		return nil, at{"/paid_at", futureTime}
	}
	amount, err := positive(in.Amount, in.Currency)
	if errors.Is(err, money.ErrCurrency) {
		return nil, at{"/currency", err}
	}
	if err != nil {
		return nil, at{"/amount", err}
	}
	var fee int64
	if in.Fee != "" {
		if fee, err = money.Parse(in.Fee, c.book.Currency); err != nil {
			return nil, at{"/fee", err}
		}
		if fee < 0 || in.Currency == c.book.Currency && fee > amount {
			return nil, at{"/fee", ledger.ErrAmount}
		}
	}
	if in.Effort < 0 || in.Effort > giving.EffortMax {
		return nil, at{"/effort", badEffort}
	}
	r := &received{campaign: in.Campaign, paid: giving.Paid{Amount: amount, Currency: in.Currency, Fee: fee, PaidAt: paidAt,
		Channel: channel, Ref: in.Ref, ProcessorRef: in.ProcessorRef, Name: in.DonorName, Anonymous: in.Anonymous,
		Message: in.Message, Effort: in.Effort, Actor: c.key.ID}}
	return r, c.fill(r, in)
}

// fill finds campaign and fund.
func (c *call) fill(r *received, in *giftInput) error {
	p, err := c.place(in.Campaign)
	if err != nil {
		return err
	}
	r.paid.CampaignID, r.fund = p.campaign, p.fundCode
	if in.Fund != "" {
		r.fund = in.Fund
		r.paid.FundID, err = c.namedFund(in.Fund)
	}
	return err
}

func positive(text, ccy string) (int64, error) {
	minor, err := money.Parse(text, ccy)
	if err == nil && (minor <= 0 || minor > ledger.AmountMax) {
		err = ledger.ErrAmount
	}
	return minor, err
}

// answer is what is said of a gift that is on the books now, the first time and ever after.
func (c *call) answer(r *received, out giving.Outcome, before map[giving.Reference]giving.Listed) (giftJSON, error) {
	if !out.Replayed {
		p := &r.paid
		return c.giftOf(&giving.Gift{ID: out.ID, Amount: p.Amount, Currency: p.Currency, Fee: p.Fee,
			PaidAt: p.PaidAt.Truncate(time.Microsecond), Channel: p.Channel, Anonymous: p.Anonymous, Ref: p.Ref,
			ProcessorRef: p.ProcessorRef, Personal: p.Personal()}, r.campaign, r.fund), nil
	}
	g, ok := before[giving.Reference{Channel: r.paid.Channel, Ref: r.paid.Ref}]
	if !ok {
		return giftJSON{}, fmt.Errorf("gift %s was booked before and cannot be read", out.ID)
	}
	if !sameGift(&g.Gift, &r.paid) {
		return giftJSON{}, giving.ErrRefReused
	}
	return c.giftOf(&g.Gift, g.Campaign, g.Fund), nil
}

// sameGift compares what the intake does not. A donor who was erased since still made the same gift.
func sameGift(g *giving.Gift, p *giving.Paid) bool {
	return g.PaidAt.Equal(p.PaidAt.Truncate(time.Microsecond)) && g.Anonymous == p.Anonymous && g.ProcessorRef == p.ProcessorRef &&
		(g.Erased || g.Name == p.Name && g.Message == p.Message)
}

// bookedBefore reads the gifts of a request that were on the books already.
func (c *call) bookedBefore(list []*received, outcomes []giving.Outcome) (map[giving.Reference]giving.Listed, error) {
	var refs []giving.Reference
	for i, out := range outcomes {
		if out.Replayed && out.Err == nil {
			refs = append(refs, giving.Reference{Channel: list[i].paid.Channel, Ref: list[i].paid.Ref})
		}
	}
	if len(refs) == 0 {
		return nil, nil
	}
	return giving.GiftsByReference(c.ctx(), c.s.DB, c.book, refs)
}

// submit books gifts through the intake, which shares one commit among many callers.
func (c *call) submit(list []*received) ([]giving.Outcome, map[giving.Reference]giving.Listed, error) {
	intake := c.s.Intakes[c.book.ID]
	if intake == nil {
		return nil, nil, giving.ErrClosed
	}
	paid := make([]giving.Paid, len(list))
	for i, r := range list {
		paid[i] = r.paid
	}
	outcomes, err := intake.SubmitAll(c.ctx(), paid)
	if err != nil {
		return nil, nil, err
	}
	before, err := c.bookedBefore(list, outcomes)
	return outcomes, before, err
}

// giftCreate books one gift. It is known by its channel and ref for ever, so it needs no row of its own for the
// Idempotency-Key: the key stands in for a ref that the body does not give.
func (c *call) giftCreate() error {
	var in giftInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Ref == "" {
		in.Ref = c.Request().Header.Get(idempotencyKey)
		if in.Ref == "" || !oneLine(in.Ref, refMax) {
			return badParam{idempotencyKey}
		}
	}
	r, err := c.check(&in)
	if err != nil {
		return err
	}
	outcomes, before, err := c.submit([]*received{r})
	if err != nil {
		return err
	}
	out := outcomes[0]
	if out.Err != nil {
		return out.Err
	}
	answer, err := c.answer(r, out, before)
	if err != nil {
		return err
	}
	if out.Replayed {
		return c.JSON(http.StatusOK, answer)
	}
	return c.JSON(http.StatusCreated, answer)
}

// batchInput keeps its gifts unread, so that one that cannot be read fails alone.
type batchInput struct {
	Gifts []json.RawMessage `json:"gifts"`
}

// What became of one gift of a batch.
const (
	giftBooked  = "booked"
	giftAlready = "already"
	giftRefused = "refused"
)

type memberJSON struct {
	Outcome string       `json:"outcome"`
	Gift    *giftJSON    `json:"gift,omitempty"`
	Problem *problemBody `json:"problem,omitempty"`
}

type batchJSON struct {
	Booked  int          `json:"booked"`
	Already int          `json:"already"`
	Refused int          `json:"refused"`
	Items   []memberJSON `json:"items"` // in the order of the request
}

func (b *batchJSON) refuse(i int, p problemBody) {
	b.Items[i] = memberJSON{Outcome: giftRefused, Problem: &p}
}

func (b *batchJSON) count() {
	for _, m := range b.Items {
		switch m.Outcome {
		case giftBooked:
			b.Booked++
		case giftAlready:
			b.Already++
		case giftRefused:
			b.Refused++
		}
	}
}

// giftBatch books up to 1,000 gifts, each on its own. Every one is known by its ref, so the batch may be sent again in
// whole or in part.
func (c *call) giftBatch() error {
	var in batchInput
	if err := c.decode(&in); err != nil {
		return err
	}
	if len(in.Gifts) < 1 || len(in.Gifts) > giving.IntakeBatch {
		return at{"/gifts", wrongNumber}
	}
	answer := batchJSON{Items: make([]memberJSON, len(in.Gifts))}
	var list []*received
	var member []int
	for i, raw := range in.Gifts {
		var one giftInput
		err := strictly(raw, &one)
		var r *received
		if err == nil {
			r, err = c.check(&one)
		}
		if err != nil {
			p := problemOf(c.explain(err), lang(c))
			if p.Status >= http.StatusInternalServerError {
				return err
			}
			answer.refuse(i, p)
			continue
		}
		list, member = append(list, r), append(member, i)
	}
	if err := c.bookBatch(&answer, list, member); err != nil {
		return err
	}
	answer.count()
	return c.JSON(http.StatusOK, answer)
}

// bookBatch books the readable gifts of a batch and writes down what became of each.
func (c *call) bookBatch(answer *batchJSON, list []*received, member []int) error {
	if len(list) == 0 {
		return nil
	}
	outcomes, before, err := c.submit(list)
	if err != nil {
		return err
	}
	for k, out := range outcomes {
		i, err := member[k], out.Err
		var gift giftJSON
		if err == nil {
			gift, err = c.answer(list[k], out, before)
		}
		switch {
		case err != nil:
			p := problemOf(c.explain(err), lang(c))
			switch {
			case p.Status == http.StatusServiceUnavailable:
				c.s.refused.Note(c.s.Log, c.now, c.Path(), err)
			case p.Status >= http.StatusInternalServerError:
				c.s.Log.Error("gift of a batch failed", "ref", list[k].paid.Ref, "error", err)
			}
			answer.refuse(i, p)
		case out.Replayed:
			answer.Items[i] = memberJSON{Outcome: giftAlready, Gift: &gift}
		default:
			answer.Items[i] = memberJSON{Outcome: giftBooked, Gift: &gift}
		}
	}
	return nil
}
