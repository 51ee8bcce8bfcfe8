package law

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// ErrBadFact means that a fact is of no known item, or lacks what its item asks for.
var ErrBadFact = errors.New("fact of a rule is not complete")

// Item is a kind of fact that no entry tells: what somebody reads off a paper and enters, confirmed by a second person.
type Item struct {
	Rule, Name     string
	Object         string // "book", "campaign", "fund", "gift", "payee", "contract", "project"
	Year, Day      bool   // which fields it needs
	Until, Amount  bool
	Count          bool // Amount is a count and no money
	Share          bool // Amount is a share in basis points
	Words          bool
	Each           bool // happens more than once, or begins and ends: every one that was entered stands
	Forbids        bool // what it says forbids: when its day is missing it holds from ever on
	NameZH, NameEN string
}

// Label is what the item is called, in lang.
func (i Item) Label(lang string) string { return pick(lang, i.NameZH, i.NameEN) }

// Items are all kinds of facts.
var Items = []Item{
	{Rule: "R01", Name: "income", Object: "book", Year: true, Amount: true, Words: true, NameZH: "全年实际收入（账簿开始以前的年度）", NameEN: "Income of the whole year (a year before these books)"},
	{Rule: "R01", Name: "time_barred", Object: "book", Year: true, Amount: true, Words: true, NameZH: "收入中当年不得使用的部分（减）", NameEN: "Income that might not be used in its year (taken off)"},
	{Rule: "R01", Name: "time_ended", Object: "book", Year: true, Amount: true, Words: true, NameZH: "时间限制当年解除的净资产（加）", NameEN: "Net assets whose time restriction ended that year (added)"},
	{Rule: "R01", Name: "reviewed", Object: "book", Year: true, Amount: true, Words: true, NameZH: "待判断支出中属于慈善活动的部分", NameEN: "Of the spending to be judged, what is charitable"},
	{Rule: "R01", Name: "explained", Object: "book", Year: true, Words: true, NameZH: "未达到比例，已向登记机关说明", NameEN: "Floor not reached: explained to the registrar"},
	{Rule: "R04", Name: "spend_by", Object: "gift", Day: true, Words: true, NameZH: "协议约定最迟使用日", NameEN: "To be used by, as its agreement says"},
	{Rule: "R04", Name: "fee_cap", Object: "gift", Amount: true, Share: true, Words: true, NameZH: "协议约定的管理费上限", NameEN: "Cap of the fee, as its agreement says"},
	{Rule: "R06", Name: "filed", Object: "campaign", Day: true, Until: true, Words: true, NameZH: "募捐方案备案（备案日、有效至、备案编号）", NameEN: "Plan filed (day, valid until, filing number)"},
	{Rule: "R06", Name: "emergency", Object: "campaign", Day: true, Words: true, NameZH: "突发事件应急募捐", NameEN: "Emergency campaign"},
	{Rule: "R10", Name: "event", Object: "book", Day: true, Words: true, Each: true, NameZH: "重大事项（资产变动、投资、交易、关联方往来）", NameEN: "Major event (assets, investment, deal, related party)"},
	{Rule: "R12", Name: "changed", Object: "fund", Day: true, Words: true, Each: true, NameZH: "变更用途（备案号或捐赠人同意）", NameEN: "Change of use (filing, or consent of the donor)"},
	{Rule: "R13", Name: "surplus", Object: "project", Day: true, Words: true, NameZH: "剩余财产的处理（依据和去向）", NameEN: "What is left over: on what ground and where to"},
	{Rule: "R14", Name: "no_invest", Object: "fund", Day: true, Words: true, Forbids: true, NameZH: "捐赠人约定不得投资（自何日）", NameEN: "Donors forbade to invest it (since)"},
	{Rule: "R19", Name: "pay", Object: "project", Amount: true, Words: true, NameZH: "项目预算中的人员经费", NameEN: "Pay in the project's budget"},
	{Rule: "R20", Name: "committee", Object: "fund", Amount: true, Count: true, Words: true, NameZH: "管理委员会人数", NameEN: "Members of the committee"},
	{Rule: "R20", Name: "supervisors", Object: "fund", Amount: true, Count: true, Words: true, NameZH: "监督员人数", NameEN: "Supervisors"},
	{Rule: "R20", Name: "unpaid", Object: "fund", Day: true, Words: true, NameZH: "委员不领报酬（依据）", NameEN: "Members are not paid (ground)"},
	{Rule: "R20", Name: "own_account", Object: "fund", Day: true, Words: true, Each: true, Forbids: true, NameZH: "自设账户（自何日）", NameEN: "Has an account of its own (since)"},
	{Rule: "R20", Name: "account_ended", Object: "fund", Day: true, Words: true, Each: true, NameZH: "自设账户已销户（自何日）", NameEN: "Account of its own closed (since)"},
	{Rule: "R21", Name: "assured", Object: "contract", Words: true, NameZH: "预算有保障、内容固定、连续、稳定（可至三年）", NameEN: "Budget assured, service fixed and continuous (up to three years)"},
	{Rule: "R21", Name: "purchaser", Object: "contract", Words: true, NameZH: "购买主体是国家机关等法定主体（名称、依据）", NameEN: "The purchaser is a state organ (name, ground)"},
	{Rule: "R21", Name: "eligible", Object: "contract", Words: true, NameZH: "承接主体符合条件（核对了什么）", NameEN: "The contractor is eligible (what was looked at)"},
	{Rule: "R21", Name: "listed", Object: "contract", Words: true, NameZH: "服务不在负面清单内（目录或条目）", NameEN: "The service is not on the negative list (catalogue, entry)"},
	{Rule: "R21", Name: "budget", Object: "contract", Day: true, Words: true, NameZH: "预算已批复（批复日、文号）", NameEN: "Its budget was approved (day, number)"},
	{Rule: "R21", Name: "terms", Object: "contract", Words: true, NameZH: "书面合同写明内容、期限、数量、质量、价款、结算、违约责任", NameEN: "The written contract says content, term, quantity, quality, price, settlement, liability"},
	{Rule: "R21", Name: "published", Object: "contract", Day: true, Words: true, NameZH: "购买合同已公开", NameEN: "Purchase contract published"},
	{Rule: "R22", Name: "agency", Object: "fund", Day: true, Words: true, NameZH: "受托代理的三项条件或转交协议", NameEN: "The three conditions of agency, or the pass-on agreement"},
	{Rule: "R23", Name: "related", Object: "payee", Day: true, Words: true, Each: true, Forbids: true, NameZH: "与管理人员有利害关系（自何日）", NameEN: "Close to the managers (since)"},
	{Rule: "R23", Name: "unrelated", Object: "payee", Day: true, Words: true, Each: true, NameZH: "利害关系已解除（自何日）", NameEN: "No longer close to the managers (since)"},
}

// Withdrawn is the item by which a fact of any rule is taken back: it was entered wrong, or of the wrong record. What stood before it stands again.
const Withdrawn = "withdrawn"

var withdrawal = Item{Name: Withdrawn, Object: "fact", Words: true, NameZH: "撤回登记", NameEN: "Taken back"}

// ItemOf finds a kind of fact, or nil.
func ItemOf(rule, name string) *Item {
	if name == Withdrawn && slices.ContainsFunc(Items, func(i Item) bool { return i.Rule == rule }) {
		return &withdrawal
	}
	if i := slices.IndexFunc(Items, func(i Item) bool { return i.Rule == rule && i.Name == name }); i >= 0 {
		return &Items[i]
	}
	return nil
}

// Fact is one such fact. Amount is minor units of the book's currency, or a count.
type Fact struct {
	ID         uuid.UUID
	Rule, Item string
	Object     string // "book", "campaign:3", "fund:2", "payee:…"
	Year       int32
	Day, Until *time.Time
	Amount     int64
	Words      string
	EnteredBy  uuid.UUID
	Second     *uuid.UUID
	EnteredAt  time.Time
}

// objectForm is how records are named: the book, those with a number, those with an id.
var objectForm = regexp.MustCompile(`^(book|(campaign|fund):[1-9][0-9]{0,9}|(gift|payee|contract|project|fact):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// Check says whether the fact has what its item asks for, and is about a record of its sort. ErrBadFact.
func (f Fact) Check() error {
	if err := f.readable(); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(f.Words); n == 0 && ItemOf(f.Rule, f.Item).Words || n > 400 {
		return fmt.Errorf("%w: words of %s %s", ErrBadFact, f.Rule, f.Item)
	}
	return nil
}

// readable says whether the fact has what rules go by: all that its item asks for but the words, which are read by people. ErrBadFact.
func (f Fact) readable() error {
	item := ItemOf(f.Rule, f.Item)
	switch {
	case item == nil:
		return fmt.Errorf("%w: no item %s %s", ErrBadFact, f.Rule, f.Item)
	case item.Year && f.Year == 0, item.Day && f.Day == nil, item.Until && f.Until == nil:
		return fmt.Errorf("%w: %s %s", ErrBadFact, f.Rule, f.Item)
	case f.Amount < 0 || f.Amount > ledger.AmountMax:
		return fmt.Errorf("%w: %s %s", ErrBadFact, f.Rule, f.Item)
	case item.Share && f.Amount > 10_000:
		return fmt.Errorf("%w: more than the whole", ErrBadFact)
	case !strings.HasPrefix(f.Object+":", item.Object+":") || !objectForm.MatchString(f.Object):
		return fmt.Errorf("%w: %s %s is about a %s and not about %q", ErrBadFact, f.Rule, f.Item, item.Object, f.Object)
	case f.Until != nil && f.Day != nil && f.Until.Before(*f.Day):
		return fmt.Errorf("%w: it ends before it begins", ErrBadFact)
	}
	return nil
}

const (
	sqlFactInsert = `
insert into law_fact (book_id, id, rule, item, object, year, day, until, amount, words, entered_by, second, entered_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

	sqlFacts = `
select id, rule, item, object, year, day, until, amount, words, entered_by, second, entered_at
  from law_fact where book_id = $1 and rule = $2 order by entered_at desc, id desc limit $3`

	// The newest of each object, item and year that was not taken back; of what happens more than once, or begins and ends, each.
	sqlStanding = `
select distinct on (rule, object, item, year, case when item = any($3) then id end) id, rule, item, object, year, day, until, amount, words, entered_by, second, entered_at
  from law_fact f where book_id = $1 and (cardinality($2::text[]) = 0 or rule = any($2)) and ($4::timestamptz is null or coalesce(recorded_at, entered_at) <= $4) and item <> 'withdrawn'
   and not exists (select from law_fact w where w.book_id = f.book_id and w.rule = f.rule and w.object = 'fact:' || f.id and w.item = 'withdrawn' and ($4::timestamptz is null or coalesce(w.recorded_at, w.entered_at) <= $4))
 order by rule, object, item, year, case when item = any($3) then id end, entered_at desc, id desc`
)

// Enter keeps a fact. An earlier one of the same object, item and year gives way to it and stays to be read; one is taken back once. ErrBadFact,
// ErrNoFact.
func Enter(ctx context.Context, tx pgx.Tx, book *ledger.Book, f Fact) error {
	if err := f.Check(); err != nil {
		return err
	}
	if f.Item == Withdrawn {
		if err := ledger.LockBook(ctx, tx, book); err != nil { // of two at once, one finds it taken back
			return err
		}
		list, err := Facts(ctx, tx, book, f.Rule)
		if err != nil {
			return err
		}
		if TakenBack(list)[f.Object] {
			return ErrNoFact
		}
	}
	_, err := tx.Exec(ctx, sqlFactInsert, book.ID, f.ID, f.Rule, f.Item, f.Object, f.Year, f.Day, f.Until, f.Amount, f.Words, f.EnteredBy, f.Second, f.EnteredAt)
	if err != nil {
		return fmt.Errorf("enter fact: %w", err)
	}
	return nil
}

// FactsMax is how many facts one call lists.
const FactsMax = 5000

// Facts lists the facts of a rule with those that gave way, the newest first, at most FactsMax.
func Facts(ctx context.Context, q pg.Querier, book *ledger.Book, rule string) ([]Fact, error) {
	rows, err := q.Query(ctx, sqlFacts, book.ID, rule, FactsMax)
	if err != nil {
		return nil, fmt.Errorf("read facts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Fact])
}

// facts are those that stand on a day, of each object, item and year one.
type facts struct {
	all   []Fact // readable; what forbids from no known day on has the zero day
	bad   []Fact // entered before their form was checked, and not complete; those of them that are not in all cannot be read
	today time.Time
}

// each are the names of the items of which every one stands.
var each = func() (names []string) {
	for _, i := range Items {
		if i.Each {
			names = append(names, i.Name)
		}
	}
	return names
}()

// standing reads the facts that stand, of all rules when none is named; of those that were recorded until a moment, unless that is zero.
func standing(ctx context.Context, q pg.Querier, book *ledger.Book, rules []string, today, recorded time.Time) (fs facts, err error) {
	rows, err := q.Query(ctx, sqlStanding, book.ID, append([]string{}, rules...), each, pg.TimeOrNull(recorded))
	if err != nil {
		return fs, fmt.Errorf("read facts: %w", err)
	}
	if fs.all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Fact]); err != nil {
		return fs, fmt.Errorf("read facts: %w", err)
	}
	read := fs.all[:0]
	for _, f := range fs.all {
		if f.Check() != nil {
			fs.bad = append(fs.bad, f)
		}
		if item := ItemOf(f.Rule, f.Item); item != nil && item.Forbids && f.Day == nil {
			f.Day = &time.Time{}
		}
		if f.readable() == nil {
			read = append(read, f)
		}
	}
	fs.all = read
	fs.today = today
	return fs, nil
}

// unread tells of a rule's facts that are not complete; the look goes on by what can be read of them.
func (fs facts) unread(f *Finding) {
	for _, bad := range fs.bad {
		if bad.Rule != f.Code {
			continue
		}
		name := bad.Item + " " + bad.Object
		words := cmp.Or(bad.Words, name)
		row := Row{Object: "fact:" + bad.ID.String(), Name: name, ZH: "登记的事项（" + words + "）读不了，没有按它检查。请在本页撤回，再重新登记。", EN: "What was entered (" + words + ") cannot be read, and nothing goes by it. Take it back on this page and enter it again."}
		if slices.ContainsFunc(fs.all, func(f Fact) bool { return f.ID == bad.ID }) {
			row.ZH, row.EN = "登记的事项（"+words+"）不完整，仍按写下的部分检查。请在本页撤回，再重新登记。", "What was entered ("+words+") is not complete; what it says holds all the same. Take it back on this page and enter it again."
		}
		f.row(row)
	}
}

// Said is what was entered in words; what its item is called, in lang, when nobody said more.
func (f *Fact) Said(lang string) string {
	if item := ItemOf(f.Rule, f.Item); f.Words == "" && item != nil {
		return item.Label(lang)
	}
	return f.Words
}

// ErrNoFact means that no fact of the item stands under the id, or none that can be read.
var ErrNoFact = errors.New("no such fact stands")

// Standing is the fact of a rule's item with an id: it was not taken back, nothing newer took its place, and rules can go by it; its words may be empty. ErrNoFact.
func Standing(ctx context.Context, q pg.Querier, book *ledger.Book, rule, item string, id uuid.UUID) (*Fact, error) {
	fs, err := standing(ctx, q, book, []string{rule}, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	for i := range fs.all {
		if f := &fs.all[i]; f.ID == id && f.Item == item {
			return f, nil
		}
	}
	return nil, ErrNoFact
}

// TakenBack are the objects of the withdrawals in a list of facts: "fact:…".
func TakenBack(list []Fact) map[string]bool {
	back := map[string]bool{}
	for _, f := range list {
		if f.Item == Withdrawn {
			back[f.Object] = true
		}
	}
	return back
}

// each are the facts of a rule, newest first.
func (fs facts) each(rule string) (all []*Fact) {
	for i := range fs.all {
		if fs.all[i].Rule == rule {
			all = append(all, &fs.all[i])
		}
	}
	slices.SortStableFunc(all, func(a, b *Fact) int { return b.EnteredAt.Compare(a.EnteredAt) })
	return all
}

// of is the fact of an item about an object and year, or nil.
func (fs facts) of(rule, item, object string, year int) *Fact {
	for i := range fs.all {
		if f := &fs.all[i]; f.Rule == rule && f.Item == item && f.Object == object && int(f.Year) == year {
			return f
		}
	}
	return nil
}

// since is the fact of something that has begun by today and has not ended; nil when there is none.
func (fs facts) since(rule, begins, ends, object string) *Fact {
	var all []*Fact
	for i := range fs.all {
		if f := &fs.all[i]; f.Rule == rule && f.Object == object && (f.Item == begins || f.Item == ends) {
			all = append(all, f)
		}
	}
	return during(all, begins, fs.today, fs.today)
}

// during is the fact of what began, about one object, that held on a day of from..to; the last one when there are several, nil when there is none.
// It begins on the day it names and is over on the day that its end names. Until its end is entered, a newer beginning takes its place.
func during(of []*Fact, begins string, from, to time.Time) (held *Fact) {
	order := map[string]int{begins: -1}
	slices.SortStableFunc(of, func(a, b *Fact) int { return cmp.Or(a.EnteredAt.Compare(b.EnteredAt), order[a.Item]-order[b.Item]) })
	for i, f := range of {
		rest := of[i+1:]
		ends := slices.IndexFunc(rest, func(f *Fact) bool { return f.Item == begins })
		if ends == 0 || f.Item != begins || f.Day.After(to) {
			continue
		}
		if ends < 0 {
			ends = len(rest)
		}
		if ends == 0 || rest[ends-1].Day.After(later(*f.Day, from)) {
			held = f
		}
	}
	return held
}

// Related are the payees that were close to the managers on a day of from..to (R23), each with the fact that says so, of the zero day when it names none; by what was
// entered until a moment, unless that is zero.
func Related(ctx context.Context, q pg.Querier, book *ledger.Book, from, to, recorded time.Time) (map[uuid.UUID]Fact, error) {
	fs, err := standing(ctx, q, book, []string{"R23"}, to, recorded)
	if err != nil {
		return nil, err
	}
	of := map[string][]*Fact{}
	for _, f := range fs.each("R23") {
		of[f.Object] = append(of[f.Object], f)
	}
	close := map[uuid.UUID]Fact{}
	for object, all := range of {
		if f := during(all, "related", from, to); f != nil {
			id, err := uuid.Parse(strings.TrimPrefix(object, "payee:"))
			if err != nil {
				return nil, fmt.Errorf("payee of a fact: %w", err)
			}
			close[id] = *f
		}
	}
	return close, nil
}

// Named is a record that a fact may speak of.
type Named struct{ Object, Name string }

const sqlNamed = `
select 'payee:' || id, name from payee where book_id = $1 and $2 in ('', 'payee')
union all
select 'contract:' || id, code || ' ' || title from contract where book_id = $1 and $2 in ('', 'contract') and state <> 'void'
union all
select 'project:' || id, title from project where book_id = $1 and $2 in ('', 'project') and state in ('approved', 'ended')
 order by 2 limit 2000`

// Records lists payees, contracts and projects by name, of one sort when kind is not empty.
func Records(ctx context.Context, q pg.Querier, book *ledger.Book, kind string) ([]Named, error) {
	rows, err := q.Query(ctx, sqlNamed, book.ID, kind)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Named])
}
