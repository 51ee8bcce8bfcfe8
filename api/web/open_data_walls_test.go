package web

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/staff"
)

// Open data of a host is its own book's alone, and of that only what was published or approved: of a vote that is a draft, a project that is not approved, a contract that is not
// signed, a payment that is not made and a fund that is only applied for, no set has a word, as JSON or as CSV.
func TestOpenDataWalls(t *testing.T) {
	t.Parallel()
	n := &neighbourhood{office: newOffice(t), objects: map[string]object{}, neighbours: map[string]staff.Role{}}
	n.foundNext()
	n.others = []*ledger.Book{n.next}
	n.serve()
	n.plantProject(func(string, string, string) {})
	n.tx(func(ctx context.Context, tx pgx.Tx) error {
		m, err := projects.Propose(ctx, tx, n.book, projects.Project{ID: uuid.Must(uuid.NewV7()), Title: "未批项目", FundID: n.funds[2].ID, Plan: "未批", StartsOn: n.book.Day(n.now), EndsOn: n.book.Day(n.now), EnteredBy: n.personID("li")})
		if err != nil {
			return err
		}
		_, err = m.Book(ctx, tx, n.book, giving.Sign{Key: uuid.New(), By: n.personID("li"), At: n.now, Made: "李会计"})
		return err
	})
	li := n.as("li")
	li.stepped(communitiesPath, "community-found", "zh", "谢家湾社区", "en", "Xiejia community", "code", "XJW", "street", "2")
	li.stepped(pollsPath, "poll-enter", "communities", "1", "zh", "未发布投票", "en", "Hidden vote", "fund", n.fundOf(2), "budget", "77.00", "due-opens", "2026-09-07", "due-closes", "2026-09-30",
		"paper", "谢家湾居委会", "ballot", "approval", "least", "1", "method", "greedy", "ties", "order")
	li.stepped(fundFilesPath, "purpose-add", "code", "homes", "zh", "居住改造", "en", "Homes")
	li.stepped(fundFilesPath+"?passed=no&duty=no", "fund-apply", "purposes", "homes", "sort", "named", "street", "2", "code", "XJW9", "zh", "未设立基金", "en", "Hidden fund",
		"about-zh", "谢家湾的孩子", "about-en", "Children", "interest", "fund", "bearer", "general", "voted", "no")
	ctx := pg.WithBook(t.Context(), n.next.ID)
	n.must(pg.InTx(ctx, n.db, func(tx pgx.Tx) error { // money moves in the next book too
		_, err := ledger.PostOne(ctx, tx, n.next, ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: n.next.Day(n.now), Document: &ledger.Document{Summary: "邻区捐赠", SourceKind: "voucher", MadeBy: "邻"},
			Lines: []ledger.Line{{Leaf: ledger.Leaf{Chart: "bank.basic", Fund: 1}, Amount: 12_34}, {Leaf: ledger.Leaf{Chart: "gift.u", Fund: 1}, Amount: -12_34}}})
		return err
	}))

	here, next := n.browser(), n.browser()
	next.host = nextHost
	files := []string{"/grants.json"}
	for _, set := range openSets() {
		files = append(files, "/"+set.name+".json", "/"+set.name+".csv")
	}
	both := map[*client]string{}
	for _, file := range files {
		for _, c := range []*client{here, next} {
			page := c.get(dataPath + file)
			c.wants(page, http.StatusOK)
			both[c] += page.text
		}
	}
	for c, words := range map[*client]struct{ has, lacks string }{
		here: {"谢家湾街道阳光基金 XJW 谢家湾项目 SPQ", "邻区 Next nextHost 12.34 未批项目 未发布投票 Hidden 未设立基金 XJW9 谢家湾合同 XJW-1 谢家湾救助 谢家湾户 7777007777"},
		next: {"邻区基金 12.34", "谢家湾 Xiejia XJW SPQ 石坪桥 Shiping 向阳中心 阳光区慈善会"},
	} {
		for word := range strings.FieldsSeq(words.has) {
			if !strings.Contains(both[c], word) {
				t.Errorf("host %q has not %s", c.host, word)
			}
		}
		for word := range strings.FieldsSeq(words.lacks) {
			if strings.Contains(both[c], word) {
				t.Errorf("host %q has %s", c.host, word)
			}
		}
	}
}

// Grants and stages go over several pages: whoever takes them one by one has each once, and amounts are those of the contracts.
func TestOpenDataPages(t *testing.T) {
	t.Parallel()
	n := &neighbourhood{office: newOffice(t), objects: map[string]object{}, neighbours: map[string]staff.Role{}}
	n.plantProject(func(string, string, string) {})
	_, err := n.owner.Exec(t.Context(), `insert into contract (book_id, id, number, code, project_id, payee_id, title, kind, draws, amount, advance, kept_bp, signed_on, ends_on, state, entered_by)
		select c.book_id, gen_random_uuid(), 100 + g, 'HT-' || g, c.project_id, c.payee_id, '第 ' || g || ' 份', c.kind, c.draws, 9007199254740993 + g, 0, 0, '2026-09-01', c.ends_on,
		       (array['signed', 'stopped', 'terminated', 'closed', 'draft', 'void'])[g], c.entered_by
		  from contract c, generate_series(1, 6) g where c.book_id = $1 and c.code = 'XJW-1'`, n.book.ID)
	n.must(err)
	_, err = n.owner.Exec(t.Context(), `insert into contract_milestone (book_id, contract_id, position, title, due_on, amount, state)
		select book_id, id, g, '第 ' || g || ' 阶段', ends_on, 10 * g + 1, 'planned' from contract, generate_series(1, 3) g where book_id = $1 and code like 'HT-%'`, n.book.ID)
	n.must(err)
	anybody := n.browser()
	if grants := anybody.grantsHeld(); len(grants) != 4 { // more fen than a float can tell apart
		t.Errorf("%d grants", len(grants))
	}
	if rows := anybody.openSets(); rows["milestones"] != 12 {
		t.Errorf("%d stages", rows["milestones"])
	}
	anybody.wants(anybody.get(dataPath+"/milestones.csv?limit=500"), http.StatusOK, "第 3 阶段", "0.31")
}
