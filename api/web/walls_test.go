package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/disclosure"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/giving/teams"
	"sunfund/ledger/payments"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/projects/updates"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

// object is something of street 2 and of the first book, and an id like it that nothing has.
type object struct{ theirs, unknown string }

// neighbourhood is the office with a second book in the same database, whose people have every role there, and with one
// object of every sort that belongs to street 2 of the first book.
type neighbourhood struct {
	*office
	objects    map[string]object // by sort
	next       *ledger.Book
	neighbours map[string]staff.Role // by login
}

const nextHost = "next.example.org"

func newNeighbourhood(t *testing.T) *neighbourhood {
	t.Helper()
	n := &neighbourhood{office: newOffice(t), objects: map[string]object{}, neighbours: map[string]staff.Role{}}
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		return payments.AddProcessor(ctx, tx, n.book, payments.SandboxCode)
	})
	n.foundNext()
	n.others = []*ledger.Book{n.next}
	n.serve()
	n.plant()
	return n
}

// foundNext makes the second book: one fund, and a person of each role.
func (n *neighbourhood) foundNext() {
	n.Helper()
	street := int32(1)
	n.must(pg.InTx(n.Context(), n.db, func(tx pgx.Tx) (err error) {
		n.next, err = ledger.CreateBook(n.Context(), tx, ledger.Book{Keys: pgtest.Ring(), Code: "next", Host: nextHost, NameZH: "邻区慈善会", NameEN: "Next Charity",
			Regime: chart.CN2026, Currency: "CNY", Zone: shanghai(n.T), Sandbox: true})
		return err
	}))
	ctx := pg.WithBook(n.Context(), n.next.ID)
	n.must(pg.InTx(ctx, n.db, func(tx pgx.Tx) error {
		if _, err := ledger.CreateStreet(ctx, tx, n.next, ledger.Street{Code: "n", NameZH: "邻街", NameEN: "Next street"}); err != nil {
			return err
		}
		if _, err := ledger.CreateFund(ctx, tx, n.next, ledger.Fund{Code: "N", Kind: ledger.General, NameZH: "邻区基金", NameEN: "Next fund", StreetID: &street}); err != nil {
			return err
		}
		if err := staff.SetSettings(ctx, tx, n.next.ID, staff.Settings{Password: staff.PasswordAlone}, uuid.Nil, n.now); err != nil {
			return err
		}
		for _, role := range staff.Roles() {
			held := staff.Held{Role: role}
			if ofStreet, _ := role.Of(); ofStreet {
				held.Street = &street
			}
			login := "next-" + strings.ReplaceAll(string(role), "_", "-")
			p, err := staff.Create(ctx, tx, n.next.ID, staff.Person{Login: login, NameZH: "邻" + string(role), NameEN: "Next", Lang: "zh-CN"}, consoleHash, uuid.Nil, n.now)
			if err != nil {
				return err
			}
			if _, err := staff.GrantRole(ctx, tx, n.next.ID, p.ID, uuid.Nil, held, n.now); err != nil {
				return err
			}
			n.neighbours[login] = role
		}
		return nil
	}))
}

// plant makes one object of every sort.
func (n *neighbourhood) plant() {
	n.Helper()
	put := func(sort, theirs, unknown string) { n.objects[sort] = object{theirs, unknown} }
	id := func(sort string, theirs uuid.UUID) { put(sort, theirs.String(), uuid.Must(uuid.NewV7()).String()) }
	put("fund", n.fundOf(2), "9999")
	put("street", "2", "9999")
	put("account", strconv.Itoa(int(n.account("bank.basic", 2))), "9999")
	report := uuid.Must(uuid.NewV7())
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into close_report (book_id, id, first, month, body, hash, made_by, made_at)
			values ($1, $2, '2025-01-01', '2025-01-01', '{"month":"2025-01"}', sha256('{"month":"2025-01"}'), $2, $3)`, n.book.ID, report, n.now)
		return err
	})
	id("close-report", report)
	file := uuid.Must(uuid.NewV7())
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := reports.AskExport(ctx, tx, n.book, reports.ExportRun{ID: file, What: "/console/entries", Title: "t", Lang: "zh-CN", AskedBy: n.personID("li"), AskedAt: n.now}, "/console/entries?format=csv")
		return err
	})
	id("export", file)
	put("account-text", "#"+strconv.Itoa(int(n.account("bank.basic", 2))), "#9999")
	put("fund-code", "XJW", "XYZ")
	id("entry", n.other)
	id("person", n.personID("li"))
	n.person("xie-accountant", "谢会计", "Xie", staff.Held{Role: staff.Accountant})
	put("login", "xie-accountant", "yan-accountant")
	var campaign *giving.Campaign
	var gift uuid.UUID
	var checkout *giving.Checkout
	var session *payments.Session
	n.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		campaign, err = giving.CreateCampaign(ctx, tx, n.book, giving.Campaign{FundID: n.funds[2].ID, Slug: "xiejia", TitleZH: "谢家湾午餐", TitleEN: "Xiejia lunch",
			SummaryZH: "谢家湾的长者", SummaryEN: "Elders", StoryZH: "故事", StoryEN: "Story", Goal: 5_000_000, OpensAt: n.now.AddDate(0, -1, 0), ClosesAt: n.now.AddDate(0, 1, 0)})
		if err != nil {
			return err
		}
		out, err := giving.Book(ctx, tx, n.book, []giving.Paid{{CampaignID: campaign.ID, Amount: 777_00, PaidAt: n.now, Channel: giving.WeChat, Ref: "WX-xiejia", Name: "谢女士"}})
		if err != nil {
			return err
		}
		gift = out[0].ID
		if out[0].Err != nil {
			return out[0].Err
		}
		checkout, err = giving.Begin(ctx, tx, n.book, giving.Form{FormID: uuid.New(), CampaignID: campaign.ID, Amount: "50", Currency: "CNY", Lang: "zh-CN", Channel: giving.Sandbox}, n.now)
		if err != nil {
			return err
		}
		session, err = payments.OpenSession(ctx, tx, n.book, checkout, "谢家湾午餐", "/g/"+giving.Ref(n.book, checkout.ID), n.now)
		return err
	})
	put("slug", campaign.Slug, "nowhere")
	put("campaign", strconv.Itoa(int(campaign.ID)), "9999")
	id("gift", gift)
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		numbers := receipts.Range{Code: "50010126", First: 1, Last: 9, Digits: 8, AllottedOn: n.book.Day(n.now), MadeBy: n.personID("li")}
		if _, err := receipts.AddRange(ctx, tx, n.book, numbers, n.now); err != nil {
			return err
		}
		made, err := receipts.Issue(ctx, tx, n.book, rand.Reader, gift, receipts.Payer{Kind: receipts.Person, Name: "谢女士"}, uuid.Nil, n.now)
		id("receipt", made)
		if err != nil {
			return err
		}
		yesterday := n.book.Day(n.now).AddDate(0, 0, -1)
		batch, err := receipts.StartBatch(ctx, tx, n.book, receipts.Batch{ID: uuid.Must(uuid.NewV7()), From: yesterday, To: yesterday, SingleMin: 1, AskedBy: n.personID("li")}, n.now)
		id("batch", batch.ID)
		return err
	})
	id("donor", gift) // who has the id of the first gift
	o := n.office
	o.giftBy("谢女士", "xie@example.org", 77_00, n.now)
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		return giving.AskSignIn(ctx, tx, n.book, "xie@example.org", "", "zh-CN", n.now)
	})
	var plan uuid.UUID
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		checkout, err := giving.Begin(ctx, tx, n.book, giving.Form{FormID: uuid.New(), CampaignID: campaign.ID, Amount: "50", Currency: "CNY", Email: "xie@example.org", Lang: "zh-CN", Channel: giving.Sandbox}, n.now)
		if err != nil {
			return err
		}
		made, err := plans.Start(ctx, tx, n.book, checkout, plans.Terms{Way: plans.ByLetter, Every: plans.Monthly}, n.now)
		if err != nil {
			return err
		}
		plan = made.ID
		return nil
	})
	put("plan", giving.Ref(n.book, plan), n.unknownRef(plan))
	put("donor-link", o.letters()[0].Secret, giving.NewSecret())
	put("ref", giving.Ref(n.book, gift), n.unknownRef(gift))
	id("payment", session.ID)
	li := n.as("li")
	path := li.drafted("付谢家湾午餐款", [4]string{li.accountCode("program.r"), n.fundOf(2), "77.00", ""}, [4]string{li.accountCode("bank.basic"), n.fundOf(2), "", "77.00"})
	put("approval", strings.TrimPrefix(path, "/console/approvals/"), uuid.NewString())
	of, last := strconv.Itoa(int(campaign.ID)), func(path string) string { return path[strings.LastIndex(path, "/")+1:] }
	step := func(path, act string, pairs ...string) string {
		return li.stepped(path, act, append([]string{"day", "2026-09-07", "campaign", of}, pairs...)...)
	}
	lot := step("/console/goods", "lot-receive", "kind", "art", "title", "《谢家湾》", "pieces", "1", "unit", "幅", "firm", "谢家湾书画社", "place", "一号库")
	step(lot, "auction-open", "house", "谢家湾拍卖行", "reserve", "77")
	auction := regexp.MustCompile(`/console/auctions/[0-9a-f-]{36}`).FindString(li.get(lot).text)
	for sort, path := range map[string]string{"goods": lot, "auction": auction,
		"pledge":  step("/console/pledges", "pledge-sign", "firm", "谢家湾建设", "document", "谢家湾协议", "amount", "77", "parts", "1", "due", "2026-10-01", "months", "1", "email", "", "lang", "zh-CN"),
		"service": step("/console/services", "service-note", "what", "谢家湾咨询", "hours", "7", "firm", "谢家湾律师所")} {
		put(sort, last(path), uuid.Must(uuid.NewV7()).String())
	}
	letter := step("/console/subsidies", "letter-enter", "document", "谢街函〔2026〕1号", "party", "谢家湾街道办事处", "fund", n.fundOf(2), "counts", "all", "due-opens", "2026-09-01", "due-closes", "2026-09-30",
		"num", "1", "den", "1", "per", "letter", "cap", "77.00", "year", "2026", "terms", "grant")
	li.stepped(letter, "letter-claim", "amount", "77.00")
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		t, err := teams.Start(ctx, tx, n.book, gift, "谢家湾小队", 77_00, rand.Reader, n.now)
		if err == nil {
			put("team", t.Code, "aaaaaaaaaaaaaaaa")
		}
		return err
	})
	put("day", "xiejia-day", "no-day")
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		return givingDay(ctx, tx, n.book, "xiejia-day", "2026-09-08T12:05", false, n.now)
	})
	li.stepped(communitiesPath, "community-found", "zh", "谢家湾社区", "en", "Xiejia community", "code", "XJW", "street", "2")
	put("community", "1", "9999")
	poll := li.stepped(pollsPath, "poll-enter", "communities", "1", "zh", "谢家湾投票", "en", "Xiejia vote", "fund", n.fundOf(2), "budget", "77.00", "due-opens", "2026-09-07", "due-closes", "2026-09-30",
		"paper", "谢家湾居委会", "ballot", "approval", "least", "1", "method", "greedy", "ties", "order")
	id("poll", uuid.MustParse(last(poll)))
	put("poll-number", "1", "9999")
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		d, err := disclosure.Make(ctx, tx, n.book, "year:"+strconv.Itoa(n.now.Year()), n.now)
		if err != nil {
			return err
		}
		e, err := disclosure.Publish(ctx, tx, n.book, d, disclosure.Version{Entry: uuid.Must(uuid.NewV7()), Phase: disclosure.Progress, MadeBy: n.personID("li"), Second: n.personID("chen"), PublishedAt: n.now, PublishedOn: n.book.Day(n.now)})
		if err == nil {
			put("disclosure", e.ID.String(), uuid.Must(uuid.NewV7()).String())
		}
		return err
	})
	n.plantNeed(put)
	n.plantProject(put)
	n.plantUpdate(put, campaign)
	li.stepped(fundFilesPath, "purpose-add", "code", "homes", "zh", "居住改造", "en", "Homes")
	id("fund-file", uuid.MustParse(last(li.stepped(fundFilesPath+"?passed=no&duty=no", "fund-apply", "purposes", "homes", "sort", "named", "street", "2", "code", "XJW9", "zh", "谢家湾冠名基金", "en", "Xiejia named fund",
		"about-zh", "谢家湾的孩子", "about-en", "Children", "interest", "fund", "bearer", "general", "voted", "no"))))
	n.plantCall(put)
	put("subsidy", last(letter), uuid.Must(uuid.NewV7()).String())
	put("claim", last(regexp.MustCompile(`/console/claims/[0-9a-f-]{36}`).FindString(li.get(letter).text)), uuid.Must(uuid.NewV7()).String())
	people := staff.Identity{}
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		key, _, err := staff.CreateKey(ctx, tx, n.book.ID, "谢家湾的程序", staff.Scopes(), n.personID("guan"), n.now.AddDate(0, 1, 0), n.now)
		if err != nil {
			return err
		}
		id("key", key.ID)
		rule, err := staff.AddRule(ctx, tx, n.book.ID, staff.Rule{Kind: staff.Voucher, From: 777_000_00, Approvers: 1, Role: staff.Approver}, uuid.Nil, n.now)
		if err != nil {
			return err
		}
		id("rule", rule.ID)
		sessions, err := staff.Sessions(ctx, tx, n.book.ID, n.personID("li"), n.now)
		if err != nil {
			return err
		}
		id("session", sessions[0].ID)
		people.Session = sessions[0].ID
		grants, err := staff.Grants(ctx, tx, n.book.ID, n.personID("li"), false)
		if err != nil {
			return err
		}
		id("grant", grants[0].ID)
		_, err = tx.Exec(ctx, `insert into passkey (book_id, credential, id, person_id, name, public_key, sign_count, backup_eligible, transports, created_at)
			values ($1, 'x', $2, $3, '谢家湾的钥匙', 'x', 0, false, '{}', $4)`, n.book.ID, uuid.Must(uuid.NewV7()), n.personID("li"), n.now)
		if err != nil {
			return err
		}
		keys, err := staff.Passkeys(ctx, tx, n.book.ID, n.personID("li"))
		if err != nil {
			return err
		}
		id("passkey", keys[0].ID)
		if err := staff.LinkIdentity(ctx, tx, n.book.ID, n.personID("li"), uuid.Nil, "https://id.example.org", "subject-li", n.now); err != nil {
			return err
		}
		links, err := staff.Links(ctx, tx, n.book.ID, n.personID("li"))
		if err != nil {
			return err
		}
		id("link", links[0].ID)
		receipt, paper := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
		id("bankline", receipt)
		id("paper", paper)
		if _, err := tx.Exec(ctx, `insert into bank_receipt (book_id, id, ref, day, amount, fund_id, firm, state, seen_by, seen_at)
			values ($1, $2, 'B-xiejia', '2026-09-07', 7700, $3, '谢家湾商会', 'open', $4, $5)`, n.book.ID, receipt, n.funds[2].ID, n.personID("li"), n.now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into paper (book_id, hash, media, body, added_at) values ($1, sha256('x'), 'image/png', 'x', $2)`, n.book.ID, n.now); err != nil {
			return err
		}
		box, cash, deposit := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
		id("box", box)
		id("cash", cash)
		id("deposit", deposit)
		if _, err := tx.Exec(ctx, `insert into box (book_id, id, code, kind, campaign_id, open_days, state, place, since) values ($1, $2, 'XJW-1', 'box', $3, 90, 'placed', '谢家湾', '2026-09-01')`,
			n.book.ID, box, campaign.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into cash_count (book_id, id, campaign_id, fund_id, day, sheet, counted, slips, state, counted_by, counted_at)
			values ($1, $2, $3, $4, '2026-09-07', '{}', 7700, 7700, 'counted', $5, $6)`, n.book.ID, cash, campaign.ID, n.funds[2].ID, n.personID("li"), n.now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into cash_deposit (book_id, id, day, amount, bank, bag, state, carried_by)
			values ($1, $2, '2026-09-07', 7700, 'bank.basic', 'XJW-7', 'carried', $3)`, n.book.ID, deposit, n.personID("li")); err != nil {
			return err
		}
		platform := uuid.Must(uuid.NewV7())
		id("platform", platform)
		sample, _ := platforms.Sample(3, n.now.AddDate(0, 0, -2))
		if _, err := platforms.Keep(ctx, tx, n.book, platform, "谢家湾名单.csv", []byte(sample), n.personID("li"), n.now); err != nil {
			return err
		}
		source := recon.Source{Name: "谢家湾账户", Kind: "bank", Format: statement.CSV, Currency: "CNY", MadeBy: n.personID("li"), MadeAt: n.now}
		if source.ID, err = recon.AddSource(ctx, tx, n.book, source); err != nil {
			return err
		}
		put("source", strconv.Itoa(int(source.ID)), "9999")
		statementFile := uuid.Must(uuid.NewV7())
		id("statement-file", statementFile)
		if _, err := recon.Receive(ctx, tx, n.book, &source, recon.NewFile{ID: statementFile, Name: "谢家湾.csv", Body: []byte("日期,金额,余额\n2026-09-07,77.00,77.00\n"), By: n.personID("li")}, n.now); err != nil {
			return err
		}
		lineKey := make([]byte, 20)
		if _, err := tx.Exec(ctx, `insert into ext_line (book_id, source_id, line_key, file_id, statement, line_no, row_no, at, size, booked_on, value_on, amount, fee, fee_exact, kind, code, ext_id, original, order_no, end_to_end, marks, reversal)
			values ($1, $2, $3, $4, 0, 1, 2, 0, 9, '2026-09-07', '2026-09-07', 7700, 0, 0, '', '', '谢家湾', '', '', '', '{}', false)`, n.book.ID, source.ID, lineKey, statementFile); err != nil {
			return err
		}
		put("line", lineName(source.ID, lineKey), lineName(source.ID, append([]byte{1}, lineKey[1:]...)))
		broken := uuid.Must(uuid.NewV7())
		id("break", broken)
		if _, err := tx.Exec(ctx, `insert into break_item (book_id, id, key, type, amount, ccy, day, ours, lines, files, note, first_seen, due_at, run_no, state)
			values ($1, $2, 'B01:x', 'B01', 77700, 'CNY', '2026-09-07', array[$3::uuid], '{}', '{}', '谢家湾', $4, $4, 0, 'open')`, n.book.ID, broken, gift, n.now); err != nil {
			return err
		}
		event, err := giving.CreateEvent(ctx, tx, n.book, "sunshine-day", "阳光区公益日", "Sunshine day", match.Seed{1}, n.personID("li"), n.now)
		if err != nil {
			return err
		}
		put("event", event.Code, "no-such-day")
		_, err = tx.Exec(ctx, `insert into attachment (book_id, id, object, hash, name, added_by, added_at)
			values ($1, $2, 'bank-receipt:' || $3::text, sha256('x'), '谢家湾回单.png', $4, $5)`, n.book.ID, paper, receipt, n.personID("li"), n.now)
		return err
	})
}

// accountCode is what the voucher form takes for an account.
func (c *client) accountCode(id chart.ID) string { return chart.MustByID(id).Code2026 }

// neighbour signs somebody of the next book in, at its own host.
func (n *neighbourhood) neighbour(login string) *client {
	n.Helper()
	c := n.browser()
	c.host = nextHost
	if a := c.post("/console/sign-in", url.Values{"login": {login}, "password": {consolePassword}}); a.status != http.StatusSeeOther {
		n.Fatalf("sign in %s: %d\n%s", login, a.status, a.text)
	}
	return c
}

// unknownRef is a reference of nothing that the next book takes for one as it does that of known: under its own key one
// reference in 64 has the form of an id.
func (n *neighbourhood) unknownRef(known uuid.UUID) string {
	_, taken := giving.ParseRef(n.next, giving.Ref(n.book, known))
	for {
		ref := giving.Ref(n.book, uuid.Must(uuid.NewV7()))
		if _, err := giving.ParseRef(n.next, ref); (err == nil) == (taken == nil) {
			return ref
		}
	}
}

// plantNeed makes a need, an offer and their intent, of the other street.
func (n *neighbourhood) plantNeed(put func(sort, theirs, unknown string)) {
	n.Helper()
	ids := map[string]uuid.UUID{}
	for _, sort := range []string{"need", "offer", "intent"} {
		ids[sort] = uuid.Must(uuid.NewV7())
		put(sort, ids[sort].String(), uuid.Must(uuid.NewV7()).String())
	}
	put("need-number", "1", "9999")
	take := func(tx pgx.Tx, m *giving.Move, err error) error {
		if err == nil {
			_, err = m.Book(n.Context(), tx, n.book, giving.Sign{Key: uuid.New(), By: n.personID("li"), At: n.now, Made: "李会计"})
		}
		return err
	}
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		m, err := needs.Enter(n.book, needs.Item{ID: ids["need"], Book: needs.Need, Theme: "elderly", StreetID: 2, Title: "谢家湾需求"}, n.now)
		if err := take(tx, m, err); err != nil {
			return err
		}
		m, err = needs.Enter(n.book, needs.Item{ID: ids["offer"], Book: needs.Offer, Theme: "elderly", StreetID: 2, Title: "谢家湾服务", Firm: "谢家湾社工站"}, n.now)
		if err := take(tx, m, err); err != nil {
			return err
		}
		need, err := needs.ByID(ctx, tx, n.book, ids["need"])
		if err != nil {
			return err
		}
		offer, err := needs.ByID(ctx, tx, n.book, ids["offer"])
		if err != nil {
			return err
		}
		m, err = needs.Link(n.book, needs.Intent{ID: ids["intent"], FundID: &n.funds[2].ID, Amount: 77_00}, need, offer, nil)
		return take(tx, m, err)
	})
}

// plantUpdate makes a post about a campaign of the other street, shown to the public.
func (n *neighbourhood) plantUpdate(put func(sort, theirs, unknown string), c *giving.Campaign) {
	n.Helper()
	p := updates.Post{ID: uuid.Must(uuid.NewV7()), CampaignID: &c.ID, TitleZH: "谢家湾进展", TextZH: "谢家湾的第一顿午餐"}
	put("update", p.ID.String(), uuid.Must(uuid.NewV7()).String())
	put("update-number", "1", "9999")
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		m, err := updates.Write(n.book, p, [][]byte{[]byte("谢家湾")})
		if err != nil {
			return err
		}
		sign := giving.Sign{Key: uuid.New(), By: n.personID("li"), At: n.now, Made: "李会计"}
		if _, err := m.Book(ctx, tx, n.book, sign); err != nil {
			return err
		}
		written, err := updates.ByID(ctx, tx, n.book, p.ID)
		if err != nil {
			return err
		}
		if m, err = updates.Show(n.book, written); err != nil {
			return err
		}
		sign.Key, sign.Second = uuid.New(), n.personID("chen")
		_, err = m.Book(ctx, tx, n.book, sign)
		return err
	})
}

// plantCall makes a call and a proposal, of the other street.
func (n *neighbourhood) plantCall(put func(sort, theirs, unknown string)) {
	n.Helper()
	ids := map[string]uuid.UUID{}
	for _, sort := range []string{"call", "proposal"} {
		ids[sort] = uuid.Must(uuid.NewV7())
		put(sort, ids[sort].String(), uuid.Must(uuid.NewV7()).String())
	}
	put("call-number", "1", "9999")
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		list, err := projects.Payees(ctx, tx, n.book, projects.PayeeFilter{Kind: projects.Organisation})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into call (book_id, id, number, street_id, title, about, opens_at, closes_at, budget, each_most, per_firm, standings, credit, rating_least, renew_least, renew_points, reviews, pass,
			ties, notice_days, state, published_at, made_by) values ($1, $2, 1, 2, '谢家湾征集', '谢家湾', $3, $4, 7700, 0, 1, '{registered,other}', 'good', 0, 0, 0, 1, 0, '{}', 7, 'open', $3, $5)`,
			n.book.ID, ids["call"], n.now.AddDate(0, 0, -1), n.now.AddDate(0, 0, 7), n.personID("li")); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into call_source (book_id, call_id, position, fund_id, treatment, payer, amount) values ($1, $2, 1, $3, 'gift', '谢家湾', 7700)`, n.book.ID, ids["call"], n.funds[2].ID); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into proposal (book_id, id, number, call_id, street_id, fund_id, payee_id, title, plan, place, people, starts_on, ends_on, amount, state, entered_by)
			values ($1, $2, 1, $3, 2, $4, $5, '谢家湾申报', '谢家湾', '', 0, '2026-09-07', '2026-09-07', 7700, 'draft', $6)`, n.book.ID, ids["proposal"], ids["call"], n.funds[2].ID, list[0].ID, n.personID("li"))
		return err
	})
}

// plantProject makes a family, a project, a contract, aid and its file, all of the other street.
func (n *neighbourhood) plantProject(put func(sort, theirs, unknown string)) {
	n.Helper()
	ids := map[string]uuid.UUID{}
	for _, sort := range []string{"payee", "project", "contract", "disbursement", "bank-file"} {
		ids[sort] = uuid.Must(uuid.NewV7())
		put(sort, ids[sort].String(), uuid.Must(uuid.NewV7()).String())
	}
	put("project-number", "1", "9999")
	put("payment-number", "1", "9999")
	put("provider-number", "2", "9999")
	street, fund, organisation := int32(2), n.funds[2].ID, uuid.New()
	before := n.now.Add(-2 * projects.Cooling)
	take := func(plan func(ctx context.Context, tx pgx.Tx) (*giving.Move, error)) {
		n.Helper()
		n.tx(func(ctx context.Context, tx pgx.Tx) error {
			m, err := plan(ctx, tx)
			if err != nil {
				return err
			}
			_, err = m.Book(ctx, tx, n.book, giving.Sign{Key: uuid.New(), By: n.personID("li"), At: n.now, Made: "李会计"})
			return err
		})
	}
	take(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return projects.EnterHome(ctx, tx, n.book, projects.Payee{ID: ids["payee"], StreetID: &street, EnteredBy: n.personID("li")}, projects.Home{Name: "谢家湾户", Bank: "邮储", Account: "7777007777"}, before)
	})
	take(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		p, err := projects.PayeeByID(ctx, tx, n.book, ids["payee"])
		if err != nil {
			return nil, err
		}
		return projects.VerifyPayee(n.book, p, before)
	})
	take(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return projects.EnterPayee(ctx, tx, n.book, projects.Payee{ID: organisation, Name: "向阳中心", Standing: projects.Other, EnteredBy: n.personID("li")})
	})
	take(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return projects.Propose(ctx, tx, n.book, projects.Project{ID: ids["project"], Title: "谢家湾项目", FundID: fund, Plan: "谢家湾", StartsOn: n.book.Day(n.now), EndsOn: n.book.Day(n.now), EnteredBy: n.personID("li")})
	})
	project := func(plan func(ctx context.Context, tx pgx.Tx, p *projects.Project) (*giving.Move, error)) {
		take(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			p, err := projects.ProjectByID(ctx, tx, n.book, ids["project"])
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, p)
		})
	}
	project(func(ctx context.Context, tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
		return projects.AddItem(ctx, tx, n.book, p, "谢家湾", 77_00)
	})
	project(func(ctx context.Context, tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
		return projects.Approve(ctx, tx, n.book, p, nil, n.book.Day(n.now))
	})
	project(func(ctx context.Context, tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
		payee, err := projects.PayeeByID(ctx, tx, n.book, organisation)
		if err != nil {
			return nil, err
		}
		return projects.DraftContract(ctx, tx, n.book, p, payee, projects.Contract{ID: ids["contract"], Code: "XJW-1", Title: "谢家湾合同", Kind: projects.Service, Draws: projects.ProRata, EndsOn: n.book.Day(n.now), EnteredBy: n.personID("li")})
	})
	take(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		payee, err := projects.PayeeByID(ctx, tx, n.book, ids["payee"])
		if err != nil {
			return nil, err
		}
		return projects.AskAid(ctx, tx, n.book, payee, projects.Payment{ID: ids["disbursement"], FundID: &fund, Bank: "bank.basic", Amount: 77, Purpose: "谢家湾救助", AskedBy: n.personID("li")}, n.now)
	})
	take(func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		p, err := projects.PaymentByID(ctx, tx, n.book, ids["disbursement"])
		if err != nil {
			return nil, err
		}
		return projects.AgreeToPay(ctx, tx, n.book, p, n.now)
	})
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		return projects.MakeBatch(ctx, tx, n.book, projects.Batch{ID: ids["bank-file"], Bank: "bank.basic", Day: n.book.Day(n.now), MadeBy: n.personID("li"), MadeAt: n.now, Account: "50001040009999"},
			[]uuid.UUID{ids["disbursement"]}, "李会计")
	})
}

// objectOfPath names the sort of each parameter of an address. A route with one that is not here fails the test.
var objectOfPath = map[string]string{
	"/c/:slug": "slug", "/c/:slug/live": "slug", "/c/:slug/give": "slug", "/c/:slug/widget": "slug", "/sandbox/:session": "payment", "/g/:ref": "ref", "/g/:ref/live": "ref", "/g/:ref/receipt": "ref", "/g/:ref/refund": "ref",
	"/f/:code": "fund-code", "/f/:code/updates": "fund-code", "/f/:code/updates/feed": "fund-code", "/console/funds/:id": "fund", "/console/funds/:id/available": "fund", "/console/fund-files/:id": "fund-file", "/console/entries/:id": "entry", "/console/entries/:id/reverse": "entry",
	"/console/approvals/:id": "approval", "/console/accounts/:id": "account", "/console/gifts/:id/refund": "gift", "/console/gifts/:id/refund/decline": "gift", "/console/people/:id": "person",
	"/console/people/:id/roles": "person", "/console/campaigns/:id": "campaign", "/console/campaigns/:id/edit": "campaign", "/console/campaigns/:id/preview": "campaign", "/console/settings/rules/:id": "rule",
	"/g/:ref/receipt/mail": "ref", "/me/in/:token": "donor-link", "/plan/:ref": "plan",
	"/g/:ref/receipt/pdf": "ref", "/console/receipts/:id": "receipt", "/console/receipts/:id/pdf": "receipt",
	"/console/receipts/:id/void": "receipt", "/console/receipts/:id/replace": "receipt",
	"/console/bank-receipts/:id": "bankline", "/console/papers/:id": "paper", "/console/cash/:id": "cash", "/console/deposits/:id": "deposit",
	"/console/platforms/:id": "platform", "/console/platforms/:id/faults": "platform", "/console/platforms/:id/live": "platform", "/console/platforms/:id/profile": "platform",
	"/g/:ref/team": "ref", "/t/:code": "team", "/t/:code/poster": "team", "/t/:code/flower": "team", "/c/:slug/teams": "slug", "/days/:code": "day", "/days/:code/live": "day",
	"/console/communities/:community": "community", "/console/votes/:id": "poll", "/console/votes/:id/paper": "poll",
	"/updates/:number": "update-number", "/updates/:number/photo": "update-number", "/c/:slug/updates": "slug", "/c/:slug/updates/feed": "slug", "/projects/:number/updates": "project-number", "/projects/:number/updates/feed": "project-number",
	"/console/campaigns/:id/updates": "campaign", "/console/projects/:id/updates": "project", "/console/updates/:id": "update", "/console/updates/:id/photo": "update", "/provider/contracts/:id/updates": "contract",
	"/disclosure/:id": "disclosure", "/vote/:number": "poll-number", "/vote/:number/result": "poll-number", "/vote/:number/ballots": "poll-number",
	"/needs/:number": "need-number", "/needs/:number/photo": "need-number", "/console/needs/:id": "need", "/console/needs/:id/photo": "need", "/console/intents/:id": "intent",
	"/console/payees/:id": "payee", "/console/projects/:id": "project", "/console/projects/:id/photo": "project", "/projects/:number": "project-number", "/projects/:number/photo": "project-number", "/projects/:number/account": "project-number", "/payments/:number": "payment-number", "/organisations/:number": "provider-number", "/console/contracts/:id": "contract", "/console/disbursements/:id": "disbursement", "/console/disbursements/:id/note": "disbursement",
	"/calls/:number": "call-number", "/console/calls/:id": "call", "/console/proposals/:id": "proposal",
	"/provider/calls/:number": "call-number", "/provider/proposals/:id": "proposal", "/provider/contracts/:id": "contract", "/provider/payments/:id/note": "disbursement", "/provider/papers/:id": "paper",
	"/console/bank-files/:id": "bank-file", "/console/bank-files/:id/data": "bank-file",
	"/console/subsidies/:id": "subsidy", "/console/subsidies/:id/notice": "subsidy", "/console/claims/:id": "claim",
	"/console/statement-files/:id/raw": "statement-file", "/console/statement-files/:id/lines": "statement-file", "/console/breaks/:id": "break", "/console/lines/:id": "line",
	"/console/statements/:id": "source", "/console/statements/:id/account": "source", "/console/statement-files/:id": "statement-file", "/console/statement-files/:id/profile": "statement-file",
	"/console/match/:event": "event", "/console/match/:event/rule": "event", "/match/:event": "event", "/match/:event/recompute": "event", "/match/:event/replay": "event", "/match/:event/rule": "event",
	"/console/boxes/:id": "box", "/console/goods/:id": "goods", "/console/auctions/:id": "auction", "/console/pledges/:id": "pledge", "/console/services/:id": "service",
	"/console/receipt-batches/:id": "batch", "/console/receipt-batches/:id/mail": "batch",
	"/console/exports/:id": "export", "/console/exports/:id/live": "export", "/console/exports/:id/file": "export", "/console/exports/:id/stop": "export",
	"/console/donors/:id": "donor", "/console/donors/:id/record": "donor", "/console/donors/:id/statement": "donor", "/console/donors/:id/erase": "donor",
}

// formOf fills the forms in, so that each gets as far as its object.
func (n *neighbourhood) formOf(route string) url.Values {
	form := url.Values{"form": {uuid.NewString()}, "day": {"2026-09-07"}, "reason": {"试"}, "summary": {"试"}, "attachments": {"0"}, "amount": {"1.00"}, "document": {"试"}, "bank": {"bank.basic"}}
	more := map[string]url.Values{
		"/c/:slug/give":                        {"currency": {"CNY"}, "amount": {"other"}, "other": {"50"}},
		"/sandbox/:session":                    {"result": {"success"}},
		"/plan/:ref":                           {"do": {"stop"}},
		"/console/approvals/:id":               {"do": {"approve"}, "hash": {strings.Repeat("00", 32)}},
		"/console/gifts/:id/refund":            {"ref": {"R-1"}, "why": {"twice"}},
		"/console/gifts/:id/refund/decline":    {"answer": {"试"}},
		"/console/people/:id":                  {"do": {"disable"}},
		"/console/people/:id/roles":            {"role": {"auditor"}},
		"/console/vouchers":                    {"account": {"5101", "1002.01"}, "fund": {"1", "1"}, "debit": {"1.00", ""}, "credit": {"", "1.00"}, "do": {"submit"}},
		"/console/transfers":                   {"from": {"1"}, "to": {"1"}},
		"/console/periods":                     {"month": {"2026-05"}},
		"/console/keys/rotate":                 {"overlap": {"7"}},
		"/console/campaigns/:id":               {"do": {"close"}},
		"/console/settings/rules/:id":          {"do": {"end"}},
		"/console/me/sessions":                 {},
		"/console/me/passkeys/remove":          {},
		"/console/me/issuer/remove":            {},
		"/console/keys/revoke":                 {},
		"/console/entries/:id/reverse":         {},
		"/console/sign-in/passkey":             nil,
		"/console/receipts/:id/replace":        {"kind": {"person"}, "payer": {"他人"}},
		"/g/:ref/receipt":                      {"kind": {"person"}, "payer": {"他人"}},
		"/console/cash/:id":                    {"act": {"count-void"}, "count-void-reason": {"试"}},
		"/console/deposits/:id":                {"act": {"deposit-bank"}, "deposit-bank-day": {"2026-09-07"}, "deposit-bank-received": {"77.00"}, "deposit-bank-ref": {"X"}},
		"/console/goods/:id":                   {"act": {"lot-store"}, "lot-store-day": {"2026-09-07"}, "lot-store-place": {"二号库"}},
		"/console/auctions/:id":                {"act": {"auction-deposit"}, "auction-deposit-day": {"2026-09-07"}, "auction-deposit-paddle": {"1"}, "auction-deposit-firm": {"某"}, "auction-deposit-deposit": {"1"}},
		"/console/pledges/:id":                 {"act": {"pledge-paid"}, "pledge-paid-day": {"2026-09-07"}, "pledge-paid-amount": {"1"}, "pledge-paid-ref": {"B-3"}},
		"/console/needs/:id":                   {"act": {"need-refuse"}, "need-refuse-answer": {"试试"}},
		"/console/campaigns/:id/updates":       {"act": {"update-write"}, "update-write-title-zh": {"试"}, "update-write-text-zh": {"试"}},
		"/console/projects/:id/updates":        {"act": {"update-write"}, "update-write-title-zh": {"试"}, "update-write-text-zh": {"试"}},
		"/provider/contracts/:id/updates":      {"act": {"update-write"}, "update-write-title-zh": {"试"}, "update-write-text-zh": {"试"}},
		"/console/updates/:id":                 {"act": {"update-withdraw"}, "update-withdraw-reason": {"试试"}},
		"/console/intents/:id":                 {"act": {"intent-drop"}, "intent-drop-reason": {"试"}},
		"/console/calls/:id":                   {"act": {"call-revoke"}, "call-revoke-reason": {"试"}},
		"/console/proposals/:id":               {"act": {"proposal-withdraw"}, "proposal-withdraw-reason": {"试"}},
		"/console/payees/:id":                  {"act": {"payee-warn"}, "payee-warn-reason": {"试"}},
		"/console/projects/:id":                {"act": {"project-end"}, "project-end-day": {"2026-09-07"}},
		"/console/contracts/:id":               {"act": {"visit-note"}, "visit-note-day": {"2026-09-07"}, "visit-note-report": {"试"}},
		"/console/disbursements/:id":           {"act": {"pay-drop"}, "pay-drop-day": {"2026-09-07"}, "pay-drop-reason": {"试"}},
		"/console/services/:id":                {"act": {"service-value"}, "service-value-day": {"2026-09-07"}, "service-value-value": {"1"}, "service-value-document": {"试"}},
		"/console/fund-files/:id":              {"act": {"fund-drop"}, "fund-drop-reason": {"试"}},
		"/console/votes/:id":                   {"act": {"poll-discard"}, "poll-discard-reason": {"试"}},
		"/console/votes/:id/paper":             {"act": {"read"}, "sheet": {"7"}, "spoiled": {"1"}},
		"/console/communities/:community":      {"act": {"resident-slips"}, "resident-slips-count": {"2"}},
		"/vote/:number":                        {"do": {"cast"}, "choice": {"1"}},
		"/console/boxes/:id":                   {"act": {"box-seal"}, "box-seal-day": {"2026-09-07"}, "box-seal-seal": {"S1"}},
		"/console/platforms/:id":               {"act": {"platform-drop"}, "platform-drop-reason": {"试"}},
		"/console/platforms/:id/profile":       {"do": {"save"}, "platform": {"shili"}, "name": {"示例"}, "charset": {"utf-8"}, "delimiter": {"comma"}, "header": {"2"}},
		"/console/statement-files/:id":         {"act": {"statement-read"}},
		"/console/statement-files/:id/profile": {"do": {"save"}, "charset": {"utf-8"}, "delimiter": {"comma"}, "header": {"1"}, "col_date": {"1"}, "col_amount": {"2"}, "col_balance": {"3"}},
		"/console/breaks/:id":                  {"act": {"break-note"}, "break-note-note": {"试"}},
		"/console/statements/:id/account":      {"act": {"statement-tie"}, "statement-tie-source": {"1"}, "statement-tie-chart": {"bank.basic"}},
		"/console/lines/:id":                   {"act": {"match-undo"}, "match-undo-reason": {"试"}},
		"/console/bank-receipts/:id":           {"act": {"receipt-keep"}, "receipt-keep-day": {"2026-09-07"}, "receipt-keep-reason": {"试"}},
	}
	for name, values := range more[route] {
		form[name] = values
	}
	return form
}
