package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
)

// lamps is one project from its budget to its final account, each step by its own function and the right person. Names and numbers are invented.
func (l *loader) lamps(ctx context.Context) error {
	day := func(m time.Month, d int) time.Time { return ledger.Day(2026, m, d) }
	payee, project, contract := key("project payee"), key("project lamps"), key("project lamps contract")
	fund := l.funds["SPQ"].ID
	of := func(plan func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			c, err := projects.ContractByID(ctx, tx, l.book, contract)
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, c)
		}
	}
	ofProject := func(plan func(ctx context.Context, tx pgx.Tx, p *projects.Project) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			p, err := projects.ProjectByID(ctx, tx, l.book, project)
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, p)
		}
	}
	ofPayee := func(plan func(p *projects.Payee) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			p, err := projects.PayeeByID(ctx, tx, l.book, payee)
			if err != nil {
				return nil, err
			}
			return plan(p)
		}
	}
	deeds := []deed{
		{"payee entered", day(5, 6), "wang", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return projects.EnterPayee(ctx, tx, l.book, projects.Payee{ID: payee, Name: "石坪桥邻里社工服务中心", Standing: projects.Registered, Code: "52500107MJP000021X", Services: "社区营造、楼道微改造", EnteredBy: l.persons["wang"]})
		}},
		{"payee account", day(5, 7), "wang", "li", "", ofPayee(func(p *projects.Payee) (*giving.Move, error) {
			return projects.ChangeAccount(l.book, p, projects.Account{Holder: p.Name, Bank: "示例银行石坪桥支行", BankCode: "313653000013", Number: "650101040019999"}, day(5, 7))
		})},
		{"project entered", day(5, 8), "wang", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return projects.Propose(ctx, tx, l.book, projects.Project{ID: project, Title: "楼道里的一盏灯", FundID: fund, Community: "石坪桥社区", Plan: "给 20 个老楼道换感应灯，居民代表一起验收；做到每层亮、断电能报修。", People: 640,
				StartsOn: day(5, 15), EndsOn: day(9, 30), EnteredBy: l.persons["wang"]})
		}},
		{"project items", day(5, 8), "wang", "", "", ofProject(func(ctx context.Context, tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
			return projects.AddItem(ctx, tx, l.book, p, "感应灯 120 盏与安装", 5_400_00)
		})},
		{"project items 2", day(5, 8), "wang", "", "", ofProject(func(ctx context.Context, tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
			return projects.AddItem(ctx, tx, l.book, p, "线路检修", 600_00)
		})},
		{"project approved", day(5, 11), "wang", "li", "石坪桥社区楼道照明项目立项", ofProject(func(ctx context.Context, tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
			return projects.Approve(ctx, tx, l.book, p, nil, day(5, 11))
		})},
		{"lamps contract", day(5, 12), "wang", "", "", ofProject(func(ctx context.Context, tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
			one, err := projects.PayeeByID(ctx, tx, l.book, payee)
			if err != nil {
				return nil, err
			}
			return projects.DraftContract(ctx, tx, l.book, p, one, projects.Contract{ID: contract, Code: "HT-2026-07", Title: "楼道感应灯安装与检修", Kind: projects.Service, Draws: projects.ProRata, Advance: 1_200_00,
				KeptBP: 1000, EndsOn: day(9, 30), EnteredBy: l.persons["wang"]})
		})},
		{"lamps source", day(5, 12), "wang", "", "", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.AddSource(ctx, tx, l.book, c, projects.Source{FundID: fund, Treatment: projects.AsGift, Payer: "给石坪桥的捐赠", Amount: 4_000_00})
		})},
		{"lamps source 2", day(5, 12), "wang", "", "", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.AddSource(ctx, tx, l.book, c, projects.Source{FundID: fund, Treatment: projects.AsOwn, Payer: "石坪桥社区阳光基金", Amount: 2_000_00})
		})},
	}
	for i, s := range []struct {
		title  string
		amount int64
		due    time.Time
	}{{"前 10 个楼道", 3_000_00, day(6, 30)}, {"后 10 个楼道", 3_000_00, day(8, 31)}} {
		deeds = append(deeds, deed{fmt.Sprintf("lamps stage %d", i+1), day(5, 12), "wang", "", "", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.AddMilestone(ctx, tx, l.book, c, projects.Milestone{Title: s.title, Amount: s.amount, DueOn: s.due})
		})})
	}
	deeds = append(deeds, deed{"lamps signed", day(5, 15), "wang", "li", "签订楼道感应灯合同", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Sign(ctx, tx, l.book, c, day(5, 15))
	})})
	accept := func(stage int16, on time.Time, amount int64, report string) []deed {
		return []deed{
			{fmt.Sprintf("lamps inspected %d", stage), on, "chen", "", "", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
				return projects.Inspect(ctx, tx, l.book, c, stage, amount, report, l.persons["chen"])
			})},
			{fmt.Sprintf("lamps accepted %d", stage), on, "wang", "li", "楼道感应灯验收入账", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
				return projects.Book(ctx, tx, l.book, c, stage, on)
			})},
		}
	}
	if err := l.letters(ctx, deeds); err != nil {
		return err
	}
	pay := func(name, kind, invoice, purpose string, amount int64, on time.Time) error {
		id := key("payment %s", name)
		step := func(plan func(ctx context.Context, tx pgx.Tx, p *projects.Payment) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
			return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				p, err := projects.PaymentByID(ctx, tx, l.book, id)
				if err != nil {
					return nil, err
				}
				return plan(ctx, tx, p)
			}
		}
		if err := l.letters(ctx, []deed{
			{"pay asked " + name, on, "wang", "", "", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
				return projects.Ask(ctx, tx, l.book, c, projects.Payment{ID: id, Kind: kind, Bank: "bank.basic", Amount: amount, Invoice: invoice, Purpose: purpose, AskedBy: l.persons["wang"]}, on)
			})},
			{"pay approved " + name, on, "wang", "li", "", step(func(ctx context.Context, tx pgx.Tx, p *projects.Payment) (*giving.Move, error) {
				return projects.AgreeToPay(ctx, tx, l.book, p, on)
			})},
		}); err != nil {
			return err
		}
		err := pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
			return projects.MakeBatch(ctx, tx, l.book, projects.Batch{ID: key("file %s", name), Bank: chart.ID("bank.basic"), Day: on, MadeBy: l.persons["wang"], MadeAt: on.Add(3 * time.Hour), Account: "50001040009999"}, []uuid.UUID{id}, maker)
		})
		if err != nil {
			return err
		}
		return l.letters(ctx, []deed{{"pay debited " + name, on.AddDate(0, 0, 1), "wang", "", "楼道感应灯：" + purpose + "，银行已扣", step(func(ctx context.Context, tx pgx.Tx, p *projects.Payment) (*giving.Move, error) {
			return projects.Debited(ctx, tx, l.book, p, "2026-"+name, on.AddDate(0, 0, 1))
		})}})
	}
	if err := pay("advance", projects.ForAdvance, "", "预付 20%", 1_200_00, day(5, 18)); err != nil {
		return err
	}
	visits := []deed{{"lamps visit", day(6, 12), "chen", "", "", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.NoteVisit(l.book, c, projects.Visit{ID: key("lamps visit"), Day: day(6, 12), By: l.persons["chen"], Report: "看了 6 个楼道，灯位按图纸装", PersonTimes: 180, People: 320})
	})}}
	if err := l.letters(ctx, append(visits, accept(1, day(6, 29), 3_000_00, "10 个楼道都亮，居民代表签字")...)); err != nil {
		return err
	}
	if err := pay("first", projects.ForStage, "FP-00425", "前 10 个楼道", 2_100_00, day(7, 2)); err != nil {
		return err
	}
	if err := l.letters(ctx, accept(2, day(8, 28), 2_800_00, "9 个楼道完成，1 个楼道业主不同意，未装")); err != nil {
		return err
	}
	var scores []deed
	for i, s := range []struct {
		by     string
		points int32
		note   string
	}{{"chen", 92, "按期完成"}, {"wang", 90, "资料齐全"}, {"li", 96, "居民评分表 64 份"}, {"he", 84, "抽查 5 个楼道，1 盏不亮，已换"}} {
		scores = append(scores, deed{fmt.Sprintf("lamps score %d", i), day(9, 3), s.by, "", "", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.Assess(ctx, tx, l.book, c, projects.Score{Phase: projects.AtEnd, Side: projects.Sides()[i], By: l.persons[s.by], Points: s.points, Note: s.note, At: day(9, 3)})
		})})
	}
	if err := l.letters(ctx, scores); err != nil {
		return err
	}
	if err := pay("second", projects.ForStage, "FP-00446", "后 9 个楼道", 1_920_00, day(9, 7)); err != nil {
		return err
	}
	if err := pay("last", projects.ForLast, "", "尾款", 580_00, day(9, 10)); err != nil {
		return err
	}
	return l.letters(ctx, []deed{
		{"lamps closed", day(9, 15), "wang", "li", "楼道感应灯合同结清，余额留在基金", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.CloseContract(ctx, tx, l.book, c, true, day(9, 15))
		})},
		{"lamps ended", day(9, 18), "wang", "li", "楼道照明项目结项", ofProject(func(ctx context.Context, tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
			return projects.End(ctx, tx, l.book, p, day(9, 18))
		})},
		{"lamps published", day(10, 9), "wang", "", "", ofProject(func(ctx context.Context, tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
			return projects.Publish(ctx, tx, l.book, p, "石坪桥社区公告栏", "", day(10, 9))
		})},
	})
}
