package recon

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon/statement"
)

// System is the actor of what reconciliation does by itself (system:recon).
var System = uuid.NewSHA1(uuid.NameSpaceURL, []byte("sunfund:system:recon"))

// ruleset goes up when the rules may find otherwise than before.
const ruleset = 1

// Rules of matching; numbers are stored.
const (
	RuleKey      = 1 // the same number on both sides
	RuleGroup    = 2 // what was settled, counted or sent together
	RuleExpected = 3 // an instruction of ours
	RuleSweep    = 4 // an amount that stands once on either side
	RuleSubset   = 5 // the one set of ours that adds up: proposed only
	RuleText     = 6 // a number that is nearly ours: proposed only
	RulePerson   = 7 // a person said so
	RuleBooked   = 8 // a correction booked the line
)

// sweepDays is how far apart an amount's two sides may lie.
const sweepDays = 3

// Report says what a run has done. Counts are rows.
type Report struct {
	No       int32
	Files    int   // new
	Lines    int64 // of processors and banks that were looked at: new and open
	Ours     int64 // gifts, refunds and expectations that were looked at
	Matched  int64 // lines
	Proposed int64 // groups
	Raised   int64 // breaks
	Cleared  int64 // breaks that ended by themselves
	Written  bool  // false: nothing was new and nothing changed, so nothing was written

	Passes []Pass
}

// Pass is how long a part of a run took.
type Pass struct {
	Name string
	Took time.Duration
}

// roles are the sources of a book by what their files tell, and the channels of the gifts that they tell of.
type roles struct {
	trade, fund, balance, payouts, members, bank []int32
	tradeChannels, fundChannels                  []int16
	channels                                     []int16 // whose gifts are looked for
	days                                         []int32 // sources that settle by the day
}

const (
	sqlReconLock = `select pg_advisory_xact_lock(hashtextextended($1::int4 || ' recon', 0))`

	sqlReconSources = `select id, format from source_account where book_id = $1 order by id`

	sqlReconLast = `
select no, id, as_of, rules, inputs::text, channels from recon_run where book_id = $1 order by no desc limit 1`

	sqlReconSees = `select pg_current_snapshot()::text`

	sqlReconFiles = `
select f.id, f.hash, coalesce(f.fresh, 0), (select min(from_on) from source_statement s where s.book_id = $1 and s.file_id = f.id)
  from source_file f where f.book_id = $1 and f.state = 'imported' and f.run_no is null order by f.hash, f.id`

	sqlReconFilesTaken = `update source_file set run_no = $3 where book_id = $1 and id = any($2::uuid[]) and run_no is null`

	// Entries since the run before, as an estimate of how much is new.
	sqlReconNew = `
select count(*) from (select from entry where book_id = $1 and xid >= pg_snapshot_xmin($2::pg_snapshot) and not pg_visible_in_snapshot(xid, $2::pg_snapshot) limit 20001) x`

	sqlReconWrite = `
insert into recon_run (book_id, no, id, as_of, rules, inputs, channels, files, lines, ours, matched, proposed, raised, cleared, started, finished)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, clock_timestamp())`

	sqlReconLocked = `select (max(month) + interval '1 month - 1 day')::date from period where book_id = $1 and state = 'hard'`

	sqlReconTerms = `
select s.id, coalesce((select t.settle_days from source_term t where t.book_id = $1 and t.source_id = s.id and t.from_on <= $2 order by t.from_on desc limit 1), 1)
  from source_account s where s.book_id = $1`

	sqlCountStages = `
select (select count(*) from stage_trade) + (select count(*) from stage_fund) + (select count(*) from stage_bank), (select count(*) from stage_gift) + (select count(*) from stage_due where channel = 0)`

	// What the planner must know of tables that were filled a moment ago.
	sqlAnalyzePairs = `analyze stage_trade, stage_gift`
	sqlAnalyzeBank  = `analyze stage_bank, stage_due, stage_fund`

	sqlBulk = `
select set_config('work_mem', '192MB', true), set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)`
	sqlFew = `
select set_config('work_mem', '64MB', true), set_config('enable_nestloop', 'on', true), set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true)`

	// What has come a moment ago the planner takes for a handful of rows, and would sort all of it to add it up by days.
	sqlHashed = `select set_config('enable_sort', 'off', true)`
	sqlSorted = `select set_config('enable_sort', 'on', true)`

	sqlGroupsProposed = `select count(*) from recon_group where book_id = $1 and run_no = $2 and state = 'proposed'`
)

// never is a snapshot that has seen nothing.
const never = "3:3:"

// bulk is from how many new rows on whole tables are read rather than looked up, and matches by key go on pages.
const bulk = 20_000

// run carries one run through its passes.
type run struct {
	ctx      context.Context
	tx       pgx.Tx
	book     *ledger.Book
	asOf     time.Time
	day      time.Time
	calendar Calendar
	roles    roles
	last     struct {
		no     int32
		id     []byte
		asOf   time.Time
		rules  int32
		inputs string
		seen   []int16
	}
	sees    string
	locked  *time.Time // the last day that is closed for good
	files   []uuid.UUID
	hashes  [][]byte
	first   time.Time // day of the first new line
	fresh   int64
	bulk    int64
	paged   *paged // nil: lines are laid out one by one
	no      int32
	touched int64 // rows written
	report  Report
	clock   time.Time
}

// Run holds everything that is new and everything that is open against each other, as of a moment, and writes down what matches, what is proposed
// and what is wrong. What has been matched before is never looked at again. The same run again writes nothing. One run of a book at a time.
func Run(ctx context.Context, tx pgx.Tx, book *ledger.Book, asOf time.Time) (*Report, error) {
	return runFrom(ctx, tx, book, asOf, bulk)
}

func runFrom(ctx context.Context, tx pgx.Tx, book *ledger.Book, asOf time.Time, bulk int64) (*Report, error) {
	r := &run{ctx: ctx, tx: tx, book: book, asOf: asOf, day: book.Day(asOf), bulk: bulk, clock: time.Now()}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"begin", r.begin}, {"expect", r.expect}, {"stage", r.stage}, {"processors", r.processors}, {"settlements", r.settlements}, {"bank", r.bank}, {"propose", r.propose},
		{"write", r.write}, {"breaks", r.breaks}, {"end", r.end},
	} {
		if err := step.do(); err != nil {
			return nil, fmt.Errorf("reconcile, %s: %w", step.name, err)
		}
		now := time.Now()
		r.report.Passes = append(r.report.Passes, Pass{step.name, now.Sub(r.clock)})
		r.clock = now
	}
	return &r.report, nil
}

// do runs a statement and counts what it changed among the facts.
func (r *run) do(sql string, args ...any) error {
	_, err := r.tx.Exec(r.ctx, sql, args...)
	return err
}

// put is do for statements that write what stays.
func (r *run) put(sql string, args ...any) (int64, error) {
	tag, err := r.tx.Exec(r.ctx, sql, args...)
	if err != nil {
		return 0, err
	}
	r.touched += tag.RowsAffected()
	return tag.RowsAffected(), nil
}

// count is put for statements that answer with how many.
func (r *run) count(sql string, args ...any) (n int64, err error) {
	err = r.tx.QueryRow(r.ctx, sql, args...).Scan(&n)
	r.touched += n
	return n, err
}

func (r *run) begin() error {
	if err := r.do(sqlReconLock, r.book.ID); err != nil {
		return err
	}
	if err := r.sources(); err != nil {
		return err
	}
	l := &r.last
	l.inputs = never
	err := r.tx.QueryRow(r.ctx, sqlReconLast, r.book.ID).Scan(&l.no, &l.id, &l.asOf, &l.rules, &l.inputs, &l.seen)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	r.no = l.no + 1
	if err := r.tx.QueryRow(r.ctx, sqlReconSees).Scan(&r.sees); err != nil {
		return err
	}
	rows, err := r.tx.Query(r.ctx, sqlReconFiles, r.book.ID)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var hash []byte
	var fresh int64
	var from *time.Time
	if _, err := pgx.ForEachRow(rows, []any{&id, &hash, &fresh, &from}, func() error {
		r.files, r.hashes, r.fresh = append(r.files, id), append(r.hashes, slices.Clone(hash)), r.fresh+fresh
		if from != nil && (r.first.IsZero() || from.Before(r.first)) {
			r.first = *from
		}
		return nil
	}); err != nil {
		return err
	}
	r.report.Files = len(r.files)
	if r.calendar, err = BankDays(r.ctx, r.tx, r.book, r.day); err != nil {
		return err
	}
	for _, table := range stages {
		if err := r.do(table); err != nil {
			return err
		}
	}
	var entries int64
	if err := r.tx.QueryRow(r.ctx, sqlReconNew, r.book.ID, l.inputs).Scan(&entries); err != nil {
		return err
	}
	if r.fresh > r.bulk || entries > bulk {
		return r.do(sqlBulk)
	}
	return r.do(sqlFew)
}

// sources sorts the accounts outside by what their files tell.
func (r *run) sources() error {
	rows, err := r.tx.Query(r.ctx, sqlReconSources, r.book.ID)
	if err != nil {
		return err
	}
	s := &r.roles
	var id int32
	var format statement.Format
	if _, err := pgx.ForEachRow(rows, []any{&id, &format}, func() error {
		trade := func(c giving.Channel) {
			s.trade, s.tradeChannels = append(s.trade, id), append(s.tradeChannels, int16(c))
		}
		switch format {
		case statement.WeChatTrade:
			trade(giving.WeChat)
		case statement.AlipayTrade:
			trade(giving.Alipay)
		case statement.StripeBalance:
			trade(giving.Stripe)
			s.balance = append(s.balance, id)
		case statement.WeChatFund:
			s.fund, s.fundChannels = append(s.fund, id), append(s.fundChannels, int16(giving.WeChat))
		case statement.StripePayouts:
			s.payouts = append(s.payouts, id)
		case statement.StripeMembers:
			s.members = append(s.members, id)
		default:
			s.bank = append(s.bank, id)
		}
		return nil
	}); err != nil {
		return err
	}
	s.channels = slices.Clone(s.tradeChannels)
	if len(s.bank) > 0 {
		s.channels = append(s.channels, int16(giving.Bank), int16(giving.Cash))
	}
	slices.Sort(s.channels)
	s.channels = slices.Compact(s.channels)
	for i, c := range s.tradeChannels {
		if !slices.Contains(s.fundChannels, c) && (c != int16(giving.Stripe) || len(s.payouts) == 0) {
			s.days = append(s.days, s.trade[i])
		}
	}
	return nil
}

// stage lays out what is new and what is open; of processors that have sent many lines that is left to pages.
func (r *run) stage() error {
	s := &r.roles
	var atBank []int16
	if len(s.bank) > 0 {
		atBank = []int16{int16(giving.Bank), int16(giving.Cash)}
	}
	if err := r.lay(atBank); err != nil {
		return err
	}
	if r.paged = nil; r.fresh > r.bulk && len(s.trade) > 0 {
		r.paged = &paged{}
	} else if err := r.trade(); err != nil {
		return err
	}
	for _, take := range []struct {
		sql  string
		args []any
	}{
		{sqlTakeFund, []any{r.book.ID, s.fund, s.fundChannels, r.files}},
		{sqlTakeBank, []any{r.book.ID, s.bank, r.files}},
		{sqlTakeDueGifts, nil},
	} {
		if err := r.do(take.sql, take.args...); err != nil {
			return err
		}
	}
	return nil
}

// lay lays out gifts and refunds of channels.
func (r *run) lay(channels []int16) error {
	var known, fresh []int16
	for _, c := range channels {
		if slices.Contains(r.last.seen, c) {
			known = append(known, c)
		} else {
			fresh = append(fresh, c)
		}
	}
	zone := r.book.Zone.String()
	for _, sql := range []string{sqlTakeGifts, sqlTakeRefunds} {
		if len(known) > 0 {
			if err := r.do(sql, r.book.ID, known, r.last.inputs, r.sees, zone); err != nil {
				return err
			}
		}
	}
	for _, sql := range []string{sqlTakeGiftsFirst, sqlTakeRefundsFirst} {
		if len(fresh) > 0 {
			if err := r.do(sql, r.book.ID, fresh, r.sees, zone); err != nil {
				return err
			}
		}
	}
	return r.do(sqlTakeOpen, r.book.ID, channels)
}

// trade lays out lines of processors and what they may tell of, and tells apart what has the same number.
func (r *run) trade() error {
	s := &r.roles
	if err := r.lay(slices.Compact(slices.Sorted(slices.Values(s.tradeChannels)))); err != nil {
		return err
	}
	if err := r.do(sqlTakeTrade, r.book.ID, s.trade, s.tradeChannels, r.files); err != nil {
		return err
	}
	if err := r.do(sqlAnalyzePairs); err != nil {
		return err
	}
	var twice bool
	if err := r.tx.QueryRow(r.ctx, sqlTwice).Scan(&twice); err != nil || !twice {
		return err
	}
	if err := r.do(sqlTwiceGift); err != nil {
		return err
	}
	return r.do(sqlTwiceTrade)
}

// processors matches one line with one gift by key.
func (r *run) processors() error {
	if err := r.sideBySide(); err != nil {
		return err
	}
	for _, fit := range []string{sqlPairCovered, sqlPairFollowed, sqlPairDead} {
		if err := r.do(fit, r.book.ID); err != nil {
			return err
		}
	}
	if _, err := r.put(sqlPairWrite, r.book.ID, r.no); err != nil {
		return err
	}
	n, err := r.count(sqlPairCount, r.book.ID, r.no)
	if err != nil {
		return err
	}
	r.report.Matched += n
	for _, sql := range []string{sqlPairCloseLines, sqlPairCloseOurs} {
		if _, err := r.put(sql, r.book.ID); err != nil {
			return err
		}
	}
	for _, sql := range []string{sqlPairOpenLines, sqlPairOpenOurs} {
		if _, err := r.put(sql, r.book.ID, r.asOf); err != nil {
			return err
		}
	}
	if err := r.do(sqlBreakMismatch); err != nil {
		return err
	}
	for _, sql := range []string{sqlBreakFees, sqlBreakRates} {
		if err := r.do(sql, r.book.ID); err != nil {
			return err
		}
	}
	if len(r.roles.fund) > 0 {
		n, err := r.count(sqlFundMatch, r.book.ID, r.roles.trade, r.no, r.asOf)
		if err != nil {
			return err
		}
		r.report.Matched += n
	}
	return nil
}

// sideBySide lays lines and gifts side by side, and writes down what fits.
func (r *run) sideBySide() error {
	if err := r.tx.QueryRow(r.ctx, sqlReconLocked, r.book.ID).Scan(&r.locked); err != nil {
		return err
	}
	if r.paged != nil {
		done, err := r.pages()
		if err != nil || done {
			return err
		}
		r.paged = nil
		if err := r.trade(); err != nil {
			return err
		}
	}
	var dead bool
	if err := r.tx.QueryRow(r.ctx, sqlPairAnyDead, r.book.ID).Scan(&dead); err != nil {
		return err
	}
	t, err := r.terms()
	if err != nil {
		return err
	}
	return r.do(sqlPair, r.book.ID, r.no, dead, r.locked, t.sources, t.from, t.rates, t.fixed)
}

// settlements sums up what is on its way to the bank, and holds transfers against the processors' own account of them.
func (r *run) settlements() error {
	s := &r.roles
	days := map[int32]int32{}
	rows, err := r.tx.Query(r.ctx, sqlReconTerms, r.book.ID, r.day)
	if err != nil {
		return err
	}
	var id, n int32
	if _, err := pgx.ForEachRow(rows, []any{&id, &n}, func() error { days[id] = n; return nil }); err != nil {
		return err
	}
	of := func(sources []int32) (list []int32) {
		for _, id := range sources {
			list = append(list, days[id])
		}
		return list
	}
	if len(r.files) > 0 {
		if err := r.do(sqlHashed); err != nil {
			return err
		}
		for _, sum := range []struct {
			sql  string
			args []any
		}{
			{sqlSettleDays, []any{r.book.ID, s.days, of(s.days), r.files}},
			{sqlSettleFund, []any{r.book.ID, s.fund, of(s.fund)}},
			{sqlSettlePayouts, []any{r.book.ID, s.payouts, r.files}},
			{sqlSettleMembers, []any{r.book.ID, s.members, r.files, s.payouts}},
			{sqlSettleOpen, []any{r.book.ID, r.asOf, r.first.AddDate(0, 0, -31)}},
			{sqlOpenOther, []any{r.book.ID, slices.Concat(s.balance, s.fund, s.payouts), r.files, r.asOf}},
		} {
			if _, err := r.put(sum.sql, sum.args...); err != nil {
				return err
			}
		}
		if err := r.do(sqlSorted); err != nil {
			return err
		}
	}
	matched, err := r.count(sqlSettleTold, r.book.ID, s.balance, r.no)
	r.report.Matched += matched
	return err
}

// bank goes through the passes at the bank.
func (r *run) bank() error {
	if err := r.do(sqlTakeDueOpen, r.book.ID); err != nil {
		return err
	}
	if err := r.payees(); err != nil {
		return err
	}
	if err := r.do(sqlAnalyzeBank); err != nil {
		return err
	}
	for _, pass := range []struct {
		sql  string
		args []any
	}{
		{sqlBankKey, nil}, {sqlBankGroup, nil}, {sqlBankNamed, nil}, {sqlBankOther, nil}, {sqlBankPayee, nil}, {sqlBankSettle, []any{1}}, {sqlBankSettle, []any{2}}, {sqlBankSettle, []any{3}},
		{sqlBankSweep, []any{sweepDays}},
	} {
		if err := r.do(pass.sql, pass.args...); err != nil {
			return err
		}
		after := []string{sqlBankGoneLines, sqlBankGoneOurs}
		if pass.sql == sqlBankOther {
			after = []string{sqlBankOtherGone}
		}
		for _, sql := range after {
			if err := r.do(sql); err != nil {
				return err
			}
		}
	}
	return r.do(sqlBankTwice, r.book.ID)
}

// write writes down what was found at the bank.
func (r *run) write() error {
	if err := r.do(sqlMatchDead, r.book.ID, System); err != nil {
		return err
	}
	for _, sql := range []string{sqlProposalsAgain, sqlProposalsGone} {
		if _, err := r.put(sql, r.book.ID, System, r.asOf); err != nil {
			return err
		}
	}
	if _, err := r.put(sqlMatchGroups, r.book.ID, r.no, ruleset); err != nil {
		return err
	}
	if _, err := r.put(sqlMatchEvents, r.book.ID, r.no, System, r.asOf); err != nil {
		return err
	}
	n, err := r.put(sqlMatchMembers, r.book.ID, r.no)
	if err != nil {
		return err
	}
	r.report.Matched += n
	for _, sql := range []string{sqlMatchedLines, sqlMatchedOurs} {
		if _, err := r.put(sql, r.book.ID); err != nil {
			return err
		}
	}
	for _, sql := range []string{sqlBankOpenLines, sqlBankOpenOurs} {
		if _, err := r.put(sql, r.book.ID, r.asOf); err != nil {
			return err
		}
	}
	return r.tx.QueryRow(r.ctx, sqlGroupsProposed, r.book.ID, r.no).Scan(&r.report.Proposed)
}

// end writes the run down, when it wrote anything at all.
func (r *run) end() error {
	if err := r.tx.QueryRow(r.ctx, sqlCountStages).Scan(&r.report.Lines, &r.report.Ours); err != nil {
		return err
	}
	if r.paged != nil {
		r.report.Lines, r.report.Ours = r.report.Lines+r.paged.lines, r.report.Ours+r.paged.ours
	}
	n, err := r.put(sqlReconFilesTaken, r.book.ID, r.files, r.no)
	if err != nil {
		return err
	}
	newChannels := slices.ContainsFunc(r.roles.channels, func(c int16) bool { return !slices.Contains(r.last.seen, c) })
	if r.touched == 0 && n == 0 && !newChannels {
		return nil
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d\n%d\n%s\n%x\n%s\n", r.book.ID, ruleset, r.asOf.UTC().Format(time.RFC3339Nano), r.last.id, r.sees)
	for _, hash := range r.hashes {
		fmt.Fprintf(h, "%x\n", hash)
	}
	r.report.No, r.report.Written = r.no, true
	p := &r.report
	return r.do(sqlReconWrite, r.book.ID, r.no, h.Sum(nil), r.asOf, ruleset, r.sees, r.roles.channels, p.Files, p.Lines, p.Ours, p.Matched, p.Proposed, p.Raised, p.Cleared, r.asOf)
}
