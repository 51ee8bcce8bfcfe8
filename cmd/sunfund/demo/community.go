package demo

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	charters "sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/projects/votes"
)

// commons is the autumn of 2026 in one community: a charter, needs, a vote, a call, and a project that runs. Names and numbers are invented.
func (l *loader) commons(ctx context.Context) error {
	if err := l.charter(ctx); err != nil {
		return err
	}
	if err := l.vote(ctx); err != nil {
		return err
	}
	return l.letters(ctx, append(append(l.wishes(), l.call()...), l.news()...))
}

func autumn(m time.Month, d int) time.Time { return ledger.Day(2026, m, d) }

// charter gives the homes fund its rules, as a committee of five decided under a supervisor's eyes.
func (l *loader) charter(ctx context.Context) error {
	file, fund, street := key("homes charter"), l.funds["EAI"].ID, l.streets["spq"]
	of := func(plan func(ctx context.Context, tx pgx.Tx, f *charters.File) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			f, err := charters.FileByID(ctx, tx, l.book, file)
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, f)
		}
	}
	levy, months, on := int32(500), int32(24), autumn(9, 18)
	deeds := []deed{
		{"purpose homes", on, "wang", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return charters.AddPurpose(ctx, tx, l.book, charters.Purpose{Code: "homes", NameZH: "困难家庭居室改造", NameEN: "Homes of families in need"})
		}},
		{"purpose elders", on, "wang", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return charters.AddPurpose(ctx, tx, l.book, charters.Purpose{Code: "elders", NameZH: "为老服务", NameEN: "Services for elders"})
		}},
		{"charter applied", on, "chen", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return charters.Apply(ctx, tx, l.book, charters.File{ID: file, FundID: &fund, StreetID: &street, AboutZH: "给有孩子的困难家庭改造住处：床、书桌、灯和卫生间。", AboutEN: "Beds, desks, lights and bathrooms for families with children in need.",
				Terms:  charters.Terms{Sort: charters.Sunshine, Purposes: []string{"homes"}, LevyBP: &levy, Interest: charters.InterestFund, FeeBearer: l.funds["EAI"].FeeBearer, DormantMonths: &months},
				Agency: &charters.AgencyTest{}, EnteredBy: l.persons["chen"], EnteredAt: on})
		}},
	}
	for i, s := range []charters.Seat{{Kind: charters.Member, Capacity: "居民代表", Vote: charters.Yes}, {Kind: charters.Member, Capacity: "居民代表", Vote: charters.Yes}, {Kind: charters.Member, Capacity: "街道办事处", Vote: charters.Yes},
		{Kind: charters.Member, Capacity: "捐赠企业", Vote: charters.Yes}, {Kind: charters.Member, Capacity: "慈善会", Vote: charters.Abstain}, {Kind: charters.Supervisor, Capacity: "监事", Vote: charters.Heard, Opinion: "同意设立章程，每季公示"}} {
		deeds = append(deeds, deed{fmt.Sprintf("charter seat %d", i), autumn(9, 21), "chen", "", "", of(func(ctx context.Context, tx pgx.Tx, f *charters.File) (*giving.Move, error) {
			return charters.AddSeat(ctx, tx, l.book, f, s)
		})})
	}
	if err := l.letters(ctx, deeds); err != nil {
		return err
	}
	paper := []byte("%PDF-1.4\n% demo agreement\n")
	hash := sha256.Sum256(paper)
	return l.letters(ctx, []deed{{"charter opened", autumn(9, 24), "wang", "li", "", of(func(ctx context.Context, tx pgx.Tx, f *charters.File) (*giving.Move, error) {
		if _, err := ledger.AddPaper(ctx, tx, l.book, f.Object(), "agreement.pdf", paper, l.persons["wang"], autumn(9, 24)); err != nil {
			return nil, err
		}
		return charters.Begin(ctx, tx, l.book, f, hash[:], "协议〔2026〕18号", l.book.Day(autumn(9, 24)))
	})}})
}

// vote is one that twelve residents decide: what wins is set aside on the fund.
func (l *loader) vote(ctx context.Context) error {
	poll, street := key("autumn vote"), l.streets["spq"]
	of := func(plan func(p *polls.Poll) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			p, err := polls.ByID(ctx, tx, l.book, poll)
			if err != nil {
				return nil, err
			}
			return plan(p)
		}
	}
	if err := l.letters(ctx, []deed{{"community", autumn(9, 20), "chen", "", "", func(context.Context, pgx.Tx) (*giving.Move, error) {
		return residents.Found(l.book, key("community"), residents.Community{StreetID: street, Code: "SPQ-1", NameZH: "石坪桥社区", NameEN: "Shipingqiao community"})
	}}}); err != nil {
		return err
	}
	places, err := residents.Communities(ctx, l.db, l.book, false, []int32{street})
	if err != nil {
		return err
	}
	place := &places[0]
	deeds := []deed{{"vote entered", autumn(9, 23), "chen", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return polls.Enter(ctx, tx, l.book, polls.Poll{ID: poll, FundID: l.funds["SPQ"].ID, StreetID: street, TitleZH: "这个秋天先做哪几件", TitleEN: "What to do first this autumn", PaperAt: "", Budget: 6_000_00,
			Rule:    votes.Rule{Ballot: votes.Approval, Least: 1, Method: votes.EqualShares, Completion: votes.Fill, Ties: []string{votes.LowerCost}},
			OpensAt: autumn(9, 25), ClosesAt: autumn(10, 2), MadeBy: l.persons["chen"], Communities: []int32{place.ID}})
	}}}
	for i, c := range []polls.Choice{{TitleZH: "单元门口的长椅", TitleEN: "Benches at the doors", About: "8 张，老人歇脚", Cost: 2_400_00}, {TitleZH: "楼道扶手", TitleEN: "Handrails", About: "3 栋没有电梯的楼", Cost: 3_200_00}, {TitleZH: "儿童书架", TitleEN: "Shelves for children", Cost: 1_800_00}} {
		deeds = append(deeds, deed{fmt.Sprintf("vote choice %d", i), autumn(9, 23), "chen", "", "", of(func(p *polls.Poll) (*giving.Move, error) { return polls.Add(l.book, p, c) })})
	}
	deeds = append(deeds, deed{"vote published", autumn(9, 24), "wang", "li", "", of(func(p *polls.Poll) (*giving.Move, error) { return polls.Publish(l.book, p, autumn(9, 24)) })})
	if err := l.letters(ctx, deeds); err != nil {
		return err
	}
	if err := l.ballots(ctx, poll, place); err != nil {
		return err
	}
	return l.letters(ctx, []deed{{"vote counted", autumn(10, 4), "wang", "li", "居民投票结果预留", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		p, err := polls.ByID(ctx, tx, l.book, poll)
		if err != nil {
			return nil, err
		}
		return polls.Count(ctx, tx, l.book, p, autumn(10, 4), autumn(10, 4))
	}}})
}

// ballots hands twelve codes out, takes the ballots and a need of the first resident, and closes the vote; all of it or nothing.
func (l *loader) ballots(ctx context.Context, poll uuid.UUID, place *residents.Community) error {
	return pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
		p, err := polls.ByID(ctx, tx, l.book, poll)
		if err != nil || p.State != polls.Open {
			return err
		}
		codes, err := residents.Slips(ctx, tx, l.book, place, 12, l.persons["chen"], rand.Reader, autumn(9, 24))
		if err != nil {
			return err
		}
		for i, code := range codes {
			r, err := residents.Find(ctx, tx, l.book, code)
			if err != nil {
				return err
			}
			b := votes.Ballot{{Option: i % 3, Points: 1}}
			if i%2 == 0 && i%3 != 1 {
				b = append(b, votes.Mark{Option: 1, Points: 1})
			}
			if err := polls.Cast(ctx, tx, l.book, p, r, b, autumn(9, 26)); err != nil {
				return err
			}
			if i > 0 {
				continue
			}
			if _, err := needs.File(ctx, tx, l.book, r, needs.Item{ID: key("need filed"), Book: needs.Need, Theme: "safety", Title: "小区南门晚上太暗", Story: "路灯坏了两盏，老人散步看不清台阶。", Place: "南门"}, nil, autumn(9, 26)); err != nil {
				return err
			}
		}
		return polls.Close(ctx, tx, l.book, p, autumn(10, 3))
	})
}

// wishes are needs in several states, an idea, a service and means on offer, and an intent that links three of them.
func (l *loader) wishes() (deeds []deed) {
	street := l.streets["spq"]
	for _, i := range []needs.Item{
		{ID: key("need shopping"), Book: needs.Need, Theme: "elderly", Title: "三楼以上的老人买菜上楼难", Story: "46 位老人住在没有电梯的楼里，想有人每周帮两次。", Place: "1 至 5 栋", People: 46, Amount: 5_600_00},
		{ID: key("need bags"), Book: needs.Need, Theme: "elderly", Title: "有人帮忙提菜吗", Place: "3 栋"},
		{ID: key("need rail"), Book: needs.Need, Theme: "safety", Title: "2 栋楼道扶手松了", Place: "2 栋"},
		{ID: key("need homework"), Book: needs.Need, Theme: "children", Title: "放学后没人看的孩子", Story: "双职工家庭，四点半到六点半。", People: 18, Amount: 3_000_00},
		{ID: key("idea swap"), Book: needs.Idea, Theme: "neighbours", Title: "周末旧物交换角", Story: "每月第一个周六，在活动室。"},
		{ID: key("offer homework"), Book: needs.Offer, Theme: "children", Title: "四点半课堂", Story: "每天两位社工，看作业、做手工。", People: 20, Firm: "石坪桥邻里社工服务中心"},
		{ID: key("means homework"), Book: needs.Means, Theme: "children", Title: "课桌椅 20 套和三千元", Amount: 3_000_00, Firm: "向阳家具店"},
	} {
		i.StreetID = street
		deeds = append(deeds, deed{"wish " + i.ID.String(), autumn(9, 21), "chen", "", "", func(context.Context, pgx.Tx) (*giving.Move, error) { return needs.Enter(l.book, i, autumn(9, 21)) }})
	}
	item := func(name string, plan func(one func(string) (*needs.Item, error)) (*giving.Move, error)) deed {
		return deed{name, autumn(9, 22), "chen", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return plan(func(name string) (*needs.Item, error) { return needs.ByID(ctx, tx, l.book, key("%s", name)) })
		}}
	}
	return append(deeds,
		item("wish merged", func(one func(string) (*needs.Item, error)) (*giving.Move, error) {
			bags, err := one("need bags")
			into, err2 := one("need shopping")
			if err := errors.Join(err, err2); err != nil {
				return nil, err
			}
			return needs.Merge(l.book, bags, into)
		}),
		item("wish answered", func(one func(string) (*needs.Item, error)) (*giving.Move, error) {
			rail, err := one("need rail")
			if err != nil {
				return nil, err
			}
			return needs.Reply(l.book, rail, needs.Done, "9 月 22 日物业已加固，也列进了秋天的居民投票。")
		}),
		item("wish intent", func(one func(string) (*needs.Item, error)) (*giving.Move, error) {
			need, err := one("need homework")
			offer, err2 := one("offer homework")
			means, err3 := one("means homework")
			if err := errors.Join(err, err2, err3); err != nil {
				return nil, err
			}
			return needs.Link(l.book, needs.Intent{ID: key("intent homework"), NeedID: need.ID, OfferID: offer.ID, MeansID: &means.ID, Amount: 3_000_00}, need, offer, means)
		}))
}

// call is one for help with the shopping: two proposals, scored by two, announced; the better one is a project that runs.
func (l *loader) call() (deeds []deed) {
	call, second := key("call shopping"), key("second payee")
	of := func(plan func(ctx context.Context, tx pgx.Tx, c *calls.Call) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			c, err := calls.ByID(ctx, tx, l.book, call)
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, c)
		}
	}
	ofProposal := func(name string, plan func(ctx context.Context, tx pgx.Tx, p *calls.Proposal) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			p, err := calls.ProposalByID(ctx, tx, l.book, key("proposal %s", name))
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, p)
		}
	}
	deeds = []deed{
		{"second payee", autumn(9, 20), "wang", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return projects.EnterPayee(ctx, tx, l.book, projects.Payee{ID: second, Name: "石坪桥楼栋互助队", Standing: projects.Filed, Code: "街备2026-014", Services: "陪同就医、代购上门", EnteredBy: l.persons["wang"]})
		}},
		{"call entered", autumn(9, 20), "chen", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			return calls.Enter(ctx, tx, l.book, calls.Call{ID: call, StreetID: l.streets["spq"], Title: "老人买菜上楼", About: "每周两次，帮 46 位老人买菜、送上楼，做半年。", OpensAt: autumn(9, 22), ClosesAt: autumn(10, 6), EachMost: 5_600_00, PerFirm: 1,
				Standings: []string{projects.Registered, projects.Filed}, Credit: projects.Good, RatingLeast: 60_00, RenewLeast: 90_00, RenewPoints: 5, Reviews: 2, Pass: 60_00, Ties: []string{calls.LowerCost, calls.MorePeople},
				NoticeDays: 7, MadeBy: l.persons["chen"]})
		}},
		{"call source", autumn(9, 20), "chen", "", "", of(func(ctx context.Context, tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
			return calls.AddSource(ctx, tx, l.book, c, calls.Source{FundID: l.funds["SPQ"].ID, Treatment: projects.AsGift, Payer: "给石坪桥的捐赠", Amount: 5_600_00})
		})},
	}
	for i, part := range []string{"方案做得到", "预算清楚"} {
		deeds = append(deeds, deed{fmt.Sprintf("call criterion %d", i), autumn(9, 20), "chen", "", "", of(func(ctx context.Context, tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
			return calls.AddCriterion(ctx, tx, l.book, c, part, []int32{60, 40}[i])
		})})
	}
	for _, who := range []string{"he", "qian"} {
		deeds = append(deeds, deed{"call reviewer " + who, autumn(9, 20), "chen", "", "", of(func(_ context.Context, _ pgx.Tx, c *calls.Call) (*giving.Move, error) {
			return calls.AddReviewer(l.book, c, l.persons[who])
		})})
	}
	deeds = append(deeds, deed{"call published", autumn(9, 21), "chen", "", "", of(func(ctx context.Context, tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
		return calls.Publish(ctx, tx, l.book, c, autumn(9, 21))
	})})
	offers := []struct {
		name   string
		payee  uuid.UUID
		plan   string
		amount int64
		points [2][]int32
	}{
		{"neighbours", key("project payee"), "两名社工带 12 名志愿者，周二、周五上午代购，中午前送到门口；电话记录每一次。", 5_400_00, [2][]int32{{54, 36}, {52, 34}}},
		{"stairs", second, "每栋一名队员，随叫随到。", 5_600_00, [2][]int32{{48, 26}, {45, 28}}},
	}
	for _, o := range offers {
		id := key("proposal %s", o.name)
		deeds = append(deeds,
			deed{"proposal " + o.name, autumn(9, 28), "chen", "", "", of(func(ctx context.Context, tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
				payee, err := projects.PayeeByID(ctx, tx, l.book, o.payee)
				if err != nil {
					return nil, err
				}
				return calls.Apply(ctx, tx, l.book, c, payee, calls.Proposal{ID: id, Title: "买菜上楼：" + payee.Name, Plan: o.plan, People: 46, StartsOn: autumn(10, 20), EndsOn: ledger.Day(2027, 4, 20), EnteredBy: l.persons["chen"]}, autumn(9, 28))
			})},
			deed{"proposal item " + o.name, autumn(9, 28), "chen", "", "", ofProposal(o.name, func(ctx context.Context, tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
				return calls.AddItem(ctx, tx, l.book, p, "人工与交通", o.amount, autumn(9, 28))
			})},
			deed{"proposal filed " + o.name, autumn(9, 29), "chen", "", "", ofProposal(o.name, func(ctx context.Context, tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
				return calls.File(ctx, tx, l.book, p, autumn(9, 29))
			})},
			deed{"proposal examined " + o.name, autumn(10, 7), "chen", "", "", ofProposal(o.name, func(ctx context.Context, tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
				return calls.Examine(ctx, tx, l.book, p)
			})})
		for i, who := range []string{"he", "qian"} {
			deeds = append(deeds, deed{"proposal scored " + o.name + " " + who, autumn(10, 8), who, "", "", ofProposal(o.name, func(ctx context.Context, tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
				return calls.Score(ctx, tx, l.book, p, calls.Review{Person: l.persons[who], Points: o.points[i], Note: "按评分表"}, autumn(10, 8))
			})})
		}
	}
	return append(append(deeds,
		deed{"call announced", autumn(10, 9), "chen", "", "", of(func(ctx context.Context, tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
			return calls.Announce(ctx, tx, l.book, c, autumn(10, 17), autumn(10, 9))
		})},
		deed{"call awarded", autumn(10, 19), "wang", "li", "老人买菜上楼立项", ofProposal("neighbours", func(ctx context.Context, tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
			return calls.Award(ctx, tx, l.book, p, "", autumn(10, 19), autumn(10, 19))
		})}), l.shopping()...)
}

// shopping is the contract of the award: signed, its first stage seen on site and not yet booked.
func (l *loader) shopping() []deed {
	contract := key("shopping contract")
	of := func(plan func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error)) func(context.Context, pgx.Tx) (*giving.Move, error) {
		return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			c, err := projects.ContractByID(ctx, tx, l.book, contract)
			if err != nil {
				return nil, err
			}
			return plan(ctx, tx, c)
		}
	}
	stage := func(n int, title string, amount int64, due time.Time) deed {
		return deed{fmt.Sprintf("shopping stage %d", n), autumn(10, 20), "wang", "", "", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.AddMilestone(ctx, tx, l.book, c, projects.Milestone{Title: title, Amount: amount, DueOn: due})
		})}
	}
	return []deed{
		{"shopping contract", autumn(10, 20), "wang", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
			one, err := calls.ProposalByID(ctx, tx, l.book, key("proposal neighbours"))
			if err != nil {
				return nil, err
			}
			p, err := projects.ProjectByID(ctx, tx, l.book, *one.ProjectID)
			if err != nil {
				return nil, err
			}
			payee, err := projects.PayeeByID(ctx, tx, l.book, key("project payee"))
			if err != nil {
				return nil, err
			}
			return projects.DraftContract(ctx, tx, l.book, p, payee, projects.Contract{ID: contract, Code: "HT-2026-12", Title: "老人买菜上楼服务", Kind: projects.Service, Draws: projects.ProRata, KeptBP: 1000, EndsOn: ledger.Day(2027, 4, 20), EnteredBy: l.persons["wang"]})
		}},
		{"shopping source", autumn(10, 20), "wang", "", "", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.AddSource(ctx, tx, l.book, c, projects.Source{FundID: l.funds["SPQ"].ID, Treatment: projects.AsGift, Payer: "给石坪桥的捐赠", Amount: 5_400_00})
		})},
		stage(1, "第一个月", 900_00, autumn(11, 20)), stage(2, "其余五个月", 4_500_00, ledger.Day(2027, 4, 20)),
		{"shopping signed", autumn(10, 22), "wang", "li", "签订老人买菜上楼合同", of(func(ctx context.Context, tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.Sign(ctx, tx, l.book, c, autumn(10, 22))
		})},
		{"shopping visit", autumn(10, 30), "chen", "", "", of(func(_ context.Context, _ pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.NoteVisit(l.book, c, projects.Visit{ID: key("shopping visit"), Day: autumn(10, 30), By: l.persons["chen"], Report: "跟了一趟，12 户都在中午前送到", PersonTimes: 92, People: 46})
		})},
	}
}
