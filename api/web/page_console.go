package web

import (
	"strings"

	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// place is one entry of the console's side bar and the permission that shows it.
type place struct {
	group, key, href, icon string
	needs                  staff.Permission
	pinned                 bool // stands in the phone's bottom bar
}

// places is the side bar in order. A person sees those whose page would open for them.
var places = []place{
	{"", "place.today", "/console", "today", signedIn, true},
	{"", "place.provider", providerPath, "fund", staff.OwnWork, true},
	{"", "place.funds", "/console/funds", "fund", staff.FundRead, true},
	{"", "place.approvals", "/console/approvals", "approve", staff.RequestRead, true},
	{"place.books", "place.entries", "/console/entries", "", staff.EntryRead, false},
	{"place.books", "place.voucher", "/console/vouchers/new", "", staff.EntryDraft, false},
	{"place.books", "place.transfer", "/console/transfers/new", "", staff.EntryDraft, false},
	{"place.books", "place.accounts", "/console/accounts", "", staff.EntryRead, false},
	{"place.books", "place.trial", "/console/trial-balance", "", staff.ReportRead, false},
	{"place.books", "place.reports", reportsPath, "", staff.ReportRead, false},
	{"place.books", "place.statements", statementsPath, "", staff.OfflineRead, false},
	{"place.books", "place.matching", matchingPath, "", staff.OfflineRead, false},
	{"place.books", "place.breaks", breaksPath, "", staff.ReportRead, false},
	{"place.books", "place.periods", "/console/periods", "", staff.ReportRead, false},
	{"place.books", "place.checks", checksPath, "", staff.OfflineRead, false},
	{"place.books", "place.law", lawPath, "", staff.LawRead, false},
	{"place.books", "place.deadlines", deadlinesPath, "", staff.LawRead, false},
	{"place.books", "place.rates", ratesPath, "", staff.FundWrite, false},
	{"place.books", "place.streets", "/console/streets", "", staff.FundWrite, false},
	{"place.giving", "place.work", projectsPath, "", staff.ProjectRead, false},
	{"place.giving", "place.campaigns", "/console/campaigns", "", staff.CampaignRead, false},
	{"place.giving", "place.gifts", "/console/gifts", "", staff.GiftRead, false},
	{"place.giving", "place.payments", "/console/payments", "", staff.GiftRead, false},
	{"place.giving", "place.widget", widgetPath, "", staff.CampaignWrite, false},
	{"place.giving", "place.offline", "/console/offline", "", staff.OfflineRead, false},
	{"place.giving", "place.teams", teamsPath, "", staff.CampaignRead, false},
	{"place.giving", "place.match", matchPath, "", staff.CampaignRead, false},
	{"place.giving", "place.subsidies", subsidiesPath, "", staff.SubsidyRead, false},
	{"place.giving", "place.receipts", "/console/receipts", "", staff.GiftRead, false},
	{"place.street", "place.needs", needsPath, "", staff.NeedRead, false},
	{"place.street", "place.communities", communitiesPath, "", staff.VoteRead, false},
	{"place.street", "place.polls", pollsPath, "", staff.VoteRead, false},
	{"place.admin", "place.people", "/console/people", "", staff.PeopleRead, false},
	{"place.admin", "place.keys", "/console/keys", "", staff.KeyAdmin, false},
	{"place.admin", "place.settings", "/console/settings", "", staff.SettingRead, false},
	{"place.admin", "place.jobs", jobsPath, "", staff.JobRead, false},
	{"place.admin", "place.bundle", bundlePath, "", staff.LawRead, false},
	{"place.admin", "place.audit", "/console/audit", "", staff.AuditRead, false},
	{"place.mine", "place.me", "/console/me", "", signedIn, false},
}

// consolePage starts a page of the console. here is the address of its place in the side bar; empty for none.
func (v *visit) consolePage(title, here string) Page {
	p := NewPage(v.Context, v.site(), v.now, title)
	p.Person = &Person{Name: v.who.Person.Name(string(v.lang)), Role: v.roles()}
	p.Filtered = v.filtered()
	p.Period = v.now.In(v.book.Zone).Format("2006-01")
	for _, place := range places {
		if place.needs != signedIn && !v.who.May(place.needs) {
			continue
		}
		item := NavItem{Label: p.T(place.key), Href: place.href, Icon: place.icon, Here: place.href == here, Pinned: place.pinned}
		if place.group != "" {
			item.Group = p.T(place.group)
		}
		if place.key == "place.approvals" {
			item.Count = v.waiting()
		}
		if place.key == "place.payments" {
			item.Count = v.alarms()
		}
		if item.Here && place.href != "/console" {
			p.Crumbs = []Link{{p.T("place.today"), "/console"}, {item.Label, place.href}}
		}
		p.Nav = append(p.Nav, item)
	}
	if v.book.Sandbox {
		p.Nav = append(p.Nav, NavItem{Group: p.T("place.mine"), Label: p.T("place.mailbox"), Href: mailboxPath, Here: here == mailboxPath})
	}
	switch n := len(p.Crumbs); {
	case n == 0:
	case p.Crumbs[n-1].Label == title:
		p.Crumbs[n-1].Href = ""
	default:
		p.Crumbs = append(p.Crumbs, Link{Label: title})
	}
	return p
}

// filtered tells whether the address asks for more than a list from its beginning, in a language.
func (v *visit) filtered() bool {
	for name, values := range v.Request().URL.Query() {
		if name != "lang" && name != "before" && name != "after" && strings.Join(values, "") != "" {
			return true
		}
	}
	return false
}

// waiting counts what this person is asked to decide. A side bar without its count is better than no page.
func (v *visit) waiting() int64 {
	if !v.who.Decides() {
		return 0
	}
	n, err := staff.Waiting(v.ctx(), v.s.DB, v.who)
	if err != nil {
		v.s.Log.Error("count waiting requests", "error", err)
	}
	return int64(n)
}

// alarms counts notices of payments that nobody could book, for those who see the whole book.
func (v *visit) alarms() int64 {
	if all, _ := v.who.Streets(); !all {
		return 0
	}
	n, err := payments.Alarms(v.ctx(), v.s.DB, v.book, v.now)
	if err != nil {
		v.s.Log.Error("count alarms of payments", "error", err)
	}
	return n
}

// roles names the person's roles, each once.
func (v *visit) roles() string {
	var names []string
	seen := map[staff.Role]bool{}
	for _, held := range v.who.Roles {
		if !seen[held.Role] {
			seen[held.Role] = true
			names = append(names, T(v.lang, "role."+string(held.Role)))
		}
	}
	return strings.Join(names, T(v.lang, "console.and"))
}
