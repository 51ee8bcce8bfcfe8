package demo

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/updates"
)

// news is what the street and the association wrote of a running project and of a campaign, each shown by the approver. One was withdrawn and written anew.
func (l *loader) news() []deed {
	lunch := l.campaign("elder-lunch")
	of := func(ctx context.Context, tx pgx.Tx, p updates.Post) (*giving.Move, error) {
		if p.CampaignID == nil {
			one, err := calls.ProposalByID(ctx, tx, l.book, key("proposal neighbours"))
			if err != nil {
				return nil, err
			}
			p.ProjectID = one.ProjectID
		}
		return updates.Write(l.book, p, nil)
	}
	written := func(name, by string, on time.Time, p updates.Post) []deed {
		p.ID = key("update %s", name)
		return []deed{
			{"update written " + name, on, by, "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) { return of(ctx, tx, p) }},
			{"update shown " + name, on.Add(time.Hour), by, "li", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				p, err := updates.ByID(ctx, tx, l.book, p.ID)
				if err != nil {
					return nil, err
				}
				return updates.Show(l.book, p)
			}},
		}
	}
	deeds := written("lunch rota", "wang", autumn(10, 16), updates.Post{CampaignID: &lunch, TitleZH: "送餐的排班换了办法", TextZH: "志愿者现在按楼栋认领，每栋两个人轮流。临时来不了的，在群里换班，不再由食堂打电话找人。\n\n下个月换一批保温箱，冬天的饭送到家还是热的。",
		TitleEN: "A new rota for bringing the lunches", TextEN: "Volunteers now sign up for their own building, two to each in turn. Whoever cannot come swaps with another; the canteen no longer has to ring round.\n\nNext month there will be new boxes, so that lunches are still warm in winter."})
	deeds = append(deeds, written("shopping begun early", "chen", autumn(10, 23), updates.Post{TitleZH: "老人买菜上楼开始了", TextZH: "第一趟今天上午送到，一共 14 户。"})...)
	deeds = append(deeds, deed{"update withdrawn shopping begun early", autumn(10, 26), "chen", "", "", func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		p, err := updates.ByID(ctx, tx, l.book, key("update shopping begun early"))
		if err != nil {
			return nil, err
		}
		return updates.End(l.book, p, "户数写错了，核对后另写一条")
	}})
	return append(deeds, written("shopping begun", "chen", autumn(10, 30), updates.Post{TitleZH: "老人买菜上楼开始了", TextZH: "社工和志愿者每周二、周五上午代购，中午前送到门口。街道今天跟了一趟，12 户都在中午前送到。\n\n到今天送了 92 人次，46 位老人。下一步：把电话记录做成一张表，月底和签收单核对。",
		TitleEN: "Shopping for elders has begun", TextEN: "Social workers and volunteers shop on Tuesday and Friday mornings and bring it to the door before noon. The street went along today: all 12 homes had it by noon.\n\nSo far 92 deliveries to 46 elders. Next: the calls go into one list, to be held against the signed slips at the end of the month."})...)
}
