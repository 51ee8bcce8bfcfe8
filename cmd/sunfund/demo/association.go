package demo

import (
	"time"

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

var streets = []ledger.Street{
	{Code: "spq", NameZH: "石坪桥街道", NameEN: "Shipingqiao Street"},
	{Code: "linjiang", NameZH: "临江街道", NameEN: "Linjiang Street"},
	{Code: "qinghe", NameZH: "青禾街道", NameEN: "Qinghe Street"},
}

// demoFund is a fund with the code of its street.
type demoFund struct {
	ledger.Fund
	street string
}

var funds = []demoFund{
	{ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常基金", NameEN: "General fund",
		PurposeZH: "慈善会的全部公益用途", PurposeEN: "All charitable purposes of the association"}, ""},
	{ledger.Fund{Code: "EAI", Kind: ledger.Restricted, NameZH: "E爱空间·阳光相伴专项基金", NameEN: "E-Love Homes fund",
		PurposeZH: "困境儿童居住空间改造", PurposeEN: "Homes of children in difficulty"}, "spq"},
	{ledger.Fund{Code: "SPQ", Kind: ledger.Restricted, NameZH: "石坪桥社区阳光基金", NameEN: "Shipingqiao community sunshine fund",
		PurposeZH: "石坪桥街道社区服务", PurposeEN: "Community services in Shipingqiao Street"}, "spq"},
	{ledger.Fund{Code: "LJ", Kind: ledger.Restricted, NameZH: "临江社区阳光基金", NameEN: "Linjiang community sunshine fund",
		PurposeZH: "临江街道社区服务", PurposeEN: "Community services in Linjiang Street"}, "linjiang"},
	{ledger.Fund{Code: "QH", Kind: ledger.Restricted, NameZH: "青禾社区阳光基金", NameEN: "Qinghe community sunshine fund",
		PurposeZH: "青禾街道社区服务", PurposeEN: "Community services in Qinghe Street"}, "qinghe"},
	{ledger.Fund{Code: "S-LJ", Kind: ledger.Subsidy, NameZH: "临江社区公益服务经费", NameEN: "Linjiang community service budget",
		PurposeZH: "居民议定的社区服务，每年 200,000 元", PurposeEN: "Services decided by residents, 200,000 yuan a year"}, "linjiang"},
	{ledger.Fund{Code: "D-RES", Kind: ledger.Designated, NameZH: "应急指定基金", NameEN: "Emergency designated fund",
		PurposeZH: "理事会指定用于突发救助", PurposeEN: "Set apart by the board for emergencies"}, ""},
	{ledger.Fund{Code: "E-EDU", Kind: ledger.Endowment, NameZH: "晨光助学留本基金", NameEN: "Morning Light education endowment",
		PurposeZH: "保留本金，收益用于助学", PurposeEN: "Principal kept, income for education"}, ""},
	{ledger.Fund{Code: "A-HELP", Kind: ledger.Agency, NameZH: "受托代理款", NameEN: "Agency money",
		PurposeZH: "指定受益人的代收代付款", PurposeEN: "Money passed on to named beneficiaries"}, ""},
}

// demoCampaign is a campaign with the code of its fund and how many gifts the demo gives it.
type demoCampaign struct {
	giving.Campaign
	fund  string
	gifts int
}

// campaigns are those of a demo that is made now. Two of them run for a year or more from then, so that one can always give.
func campaigns(zone *time.Location, now time.Time) []demoCampaign {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, zone) }
	running := func(closes time.Time) time.Time {
		y, m, _ := now.In(zone).Date()
		if year := day(y+1, m+1, 1); year.After(closes) {
			return year
		}
		return closes
	}
	return []demoCampaign{
		{giving.Campaign{Slug: "e-ai-kongjian", TitleZH: "E爱空间·阳光相伴", TitleEN: "E-Love Homes",
			SummaryZH: "为 11 户困境儿童改造居住空间", SummaryEN: "Rebuilding the homes of 11 families with children in difficulty",
			StoryZH: "这 11 户人家的孩子，有的和外婆挤一张床，有的在灶台边写作业。社工入户看过每一家，量了尺寸，画了图。\n\n网上募来的钱和街道的配套合在一起，给每家隔出一块能睡觉、能写字的地方：一张床、一张书桌、一盏灯，换掉老化的电线。\n\n工程由社工站请居民代表一起验收，每一笔付款都写在这一页上。",
			StoryEN: "Some of the children in these 11 homes share a bed with a grandmother; some do their homework beside the stove. Social workers visited every home, measured it and drew a plan.\n\nGifts raised online and support from the street together give each family a corner to sleep and to write in: a bed, a desk, a lamp, and new wiring where the old was unsafe.\n\nResidents inspect the work together with the social work station, and every payment stands on this page.",
			Theme:   "children", FilingNo: "51500107MJP000001A25001", Goal: 50_000_00,
			OpensAt: day(2025, 9, 5), ClosesAt: day(2025, 9, 16)}, "EAI", 412},
		{giving.Campaign{Slug: "elder-lunch", TitleZH: "社区长者午餐", TitleEN: "Lunch for our elders",
			SummaryZH: "给独居和高龄老人送一份热午饭", SummaryEN: "A hot lunch for elders who live alone",
			StoryZH: "石坪桥有 326 位老人独自吃饭。街道食堂每份午餐成本 12 元，老人自付 6 元，余下的由基金补足。\n\n送餐的是楼栋里的志愿者，他们也顺便看看老人好不好。",
			StoryEN: "In Shipingqiao 326 elders eat alone. A lunch of the street canteen costs 12 yuan; the elder pays 6, the fund the rest.\n\nVolunteers from the same building bring it and see whether all is well.",
			Theme:   "elders", FilingNo: "51500107MJP000001A26001", Goal: 120_000_00,
			OpensAt: day(2026, 3, 1), ClosesAt: running(day(2027, 3, 1))}, "SPQ", 260},
		{giving.Campaign{Slug: "golden-ideas", TitleZH: "金点子微项目", TitleEN: "Golden ideas of residents",
			SummaryZH: "居民提出、居民动手的十个小项目", SummaryEN: "Ten small projects that residents propose and carry out",
			StoryZH: "文明晾晒、文明养犬、楼道里的一盏灯：好点子往往不大。居民议事会选出十个，每个不超过五千元，材料从这里出，力气居民自己出。",
			StoryEN: "A place to dry laundry, rules for dogs, a lamp in the stairway: good ideas are often small. The residents' council chose ten, of at most 5,000 yuan each. The fund pays the material, residents do the work.",
			Theme:   "neighbours", FilingNo: "51500107MJP000001A26002", Goal: 50_000_00,
			OpensAt: day(2026, 5, 1), ClosesAt: day(2026, 12, 31)}, "LJ", 140},
		{giving.Campaign{Slug: "school-desks", TitleZH: "孩子的新书桌", TitleEN: "A desk of one's own",
			SummaryZH: "给 60 个孩子一张写字的桌子", SummaryEN: "A desk to write at for 60 children",
			StoryZH: "青禾街道的社工在家访中发现，60 个孩子没有自己的书桌。一套桌椅和台灯 480 元。",
			StoryEN: "Visiting families in Qinghe Street, social workers found 60 children without a desk. Desk, chair and lamp cost 480 yuan.",
			Theme:   "children", FilingNo: "51500107MJP000001A26003", Goal: 28_800_00,
			OpensAt: day(2026, 8, 20), ClosesAt: day(2026, 12, 20)}, "QH", 180},
		{giving.Campaign{Slug: "warm-repairs", TitleZH: "暖心微改造", TitleEN: "Small repairs, warm homes",
			SummaryZH: "给残疾居民家里装扶手、坡道和感应灯", SummaryEN: "Handrails, ramps and sensor lights in the homes of disabled residents",
			StoryZH: "一根扶手、一段坡道、一盏感应灯，就能让一位老人敢自己上卫生间。2026 年做 40 户。",
			StoryEN: "A handrail, a ramp, a sensor light: enough for somebody to dare the way to the bathroom alone. 40 homes in 2026.",
			Theme:   "homes", FilingNo: "51500107MJP000001A26004", Goal: 80_000_00,
			OpensAt: day(2026, 4, 10), ClosesAt: day(2026, 10, 10)}, "QH", 150},
		{giving.Campaign{Slug: "reading-room", TitleZH: "临江路边书屋", TitleEN: "Reading room by the river",
			SummaryZH: "把一间空置的门面变成社区书屋", SummaryEN: "Turning an empty shop into a reading room",
			StoryZH: "居民投票选中的项目：街道腾出一间门面，书架和灯由大家凑，志愿者轮流值班。",
			StoryEN: "Chosen by residents' vote: the street gives an empty shop, everybody chips in for shelves and lamps, volunteers keep it open.",
			Theme:   "neighbours", FilingNo: "51500107MJP000001A26005", Goal: 36_000_00,
			OpensAt: day(2026, 6, 15), ClosesAt: day(2027, 1, 15)}, "LJ", 90},
		{giving.Campaign{Slug: "everyday", TitleZH: "每一天的善意", TitleEN: "Everyday kindness",
			SummaryZH: "捐给日常基金，由慈善会用在最需要的地方", SummaryEN: "To the general fund, used where it is needed most",
			StoryZH: "不指定用途的捐赠让慈善会能付审计费、手续费，也能在急难时当天就拿出救助款。",
			StoryEN: "Gifts without a named purpose pay for the audit and processor fees, and let the association help on the same day when there is an emergency.",
			Theme:   "general", FilingNo: "51500107MJP000001A26006", Goal: 100_000_00,
			OpensAt: day(2026, 1, 5), ClosesAt: running(day(2027, 1, 5))}, "G", 120},
	}
}
