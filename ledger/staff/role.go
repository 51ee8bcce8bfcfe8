package staff

import (
	"slices"

	"github.com/google/uuid"
)

// Role is what a person is in one book.
type Role string

const (
	Donor         Role = "donor"          // 捐赠人
	Resident      Role = "resident"       // 居民
	Provider      Role = "provider"       // 服务方
	StreetOfficer Role = "street_officer" // 街道工作人员
	Accountant    Role = "accountant"     // 会计
	Approver      Role = "approver"       // 审批人 (treasurer)
	Supervisor    Role = "supervisor"     // 监督
	Auditor       Role = "auditor"        // 审计
	Admin         Role = "admin"          // 管理员
)

// scope of a role is what one grant of it is good for.
type scope uint8

const (
	ofBook         scope = iota // the whole book
	ofPerson                    // only what is the person's own
	ofStreet                    // one street
	ofStreetOrFund              // one street or one fund
)

// scopes lists all roles, in the order in which a matrix prints them. Only roles of the whole book see every street;
// admin sees none, since people have no street and funds are nothing to an admin.
var scopes = []struct {
	role Role
	of   scope
	all  bool // sees the funds of every street
}{
	{Donor, ofPerson, false},
	{Resident, ofStreet, false},
	{Provider, ofPerson, false},
	{StreetOfficer, ofStreet, false},
	{Accountant, ofBook, true},
	{Approver, ofBook, true},
	{Supervisor, ofStreetOrFund, false},
	{Auditor, ofBook, true},
	{Admin, ofBook, false},
}

// Permission is what a handler asks for before it does anything.
type Permission string

const (
	FundRead      Permission = "fund.read"
	FundWrite     Permission = "fund.write"
	FundApply     Permission = "fund.apply" // for a fund of one's own street, with its committee
	EntryRead     Permission = "entry.read"
	EntryDraft    Permission = "entry.draft"
	EntryApprove  Permission = "entry.approve"
	ReportRead    Permission = "report.read"
	CampaignRead  Permission = "campaign.read"
	CampaignWrite Permission = "campaign.write"
	CampaignOpen  Permission = "campaign.open" // to the public, as somebody else asked
	UpdateAsk     Permission = "update.ask"    // write a post about a campaign or project in sight, and withdraw it
	GiftRead      Permission = "gift.read"     // with donors' names
	GiftWrite     Permission = "gift.write"
	DonorRead     Permission = "donor.read"  // all that is held on one, to be taken out
	DonorErase    Permission = "donor.erase" // for ever
	PeopleRead    Permission = "people.read"
	PeopleAdmin   Permission = "people.admin"
	KeyAdmin      Permission = "key.admin"
	AuditRead     Permission = "audit.read"
	RequestRead   Permission = "request.read" // of which kinds, the kinds say
	RoleRequest   Permission = "role.request"
	RoleApprove   Permission = "role.approve"
	OfflineRead   Permission = "offline.read" // receipts, cash, boxes, goods, pledges, with firms' names
	OfflineWrite  Permission = "offline.write"
	BreakWork     Permission = "break.work" // of reconciliation: work one off; leaving it as it is takes one who may approve entries
	CashCount     Permission = "cash.count" // count, confirm another's count, open a box, carry to the bank
	PaperAdd      Permission = "paper.add"
	PaperRead     Permission = "paper.read"    // of records that the person sees
	SubsidyRead   Permission = "subsidy.read"  // letters of streets, of those that the person sees
	SubsidyEnter  Permission = "subsidy.enter" // write a letter down: the street's officer as a draft
	SubsidyWrite  Permission = "subsidy.write" // take it on the books, claim, receive, spend
	SubsidySign   Permission = "subsidy.sign"  // for the street: a claim, or that something was delivered
	ProjectRead   Permission = "project.read"
	ProjectEnter  Permission = "project.enter"  // projects, visits, requests to pay: of one's own street
	ProjectAssess Permission = "project.assess" // one side's points for a contract
	ProjectWrite  Permission = "project.write"  // payees, contracts, payments
	VoteRead      Permission = "vote.read"      // votes of residents and their communities, of streets that the person sees
	VoteWrite     Permission = "vote.write"     // prepare a vote, give out codes, read ballot papers
	VoteSettle    Permission = "vote.settle"    // ask for a vote to be published, counted or taken back
	NeedRead      Permission = "need.read"      // needs, offers, calls and proposals
	NeedWrite     Permission = "need.write"     // sort, merge, answer, match, call, rank
	LawRead       Permission = "law.read"       // how the rules of law stand, deadlines, what is published
	LawWrite      Permission = "law.write"      // enter facts, draft what is published
	OwnWork       Permission = "own.work"       // of the organisations that one signs in for: offers, proposals, contracts, requests to be paid
	SettingRead   Permission = "setting.read"
	SettingAsk    Permission = "setting.ask"
	SettingSettle Permission = "setting.settle"
	JobRead       Permission = "job.read"    // what happens by itself
	JobRun        Permission = "job.run"     // now, out of its turn
	ExportRead    Permission = "export.read" // one's own files, each of what one may read
)

// rights is the whole truth about who may do what. Admin manages people and neither posts nor approves money; auditor
// and supervisor read, and a supervisor says how a contract went; donors, residents and providers have nothing in the console, and a provider only what is its organisation's own beside it. What a role of
// one street or fund may do, an accountant and an approver may do as well, so holding a second role never widens a
// street's view by accident.
var rights = []struct {
	permission Permission
	roles      []Role
}{
	{FundRead, []Role{Accountant, Approver, StreetOfficer, Supervisor, Auditor}},
	{FundWrite, []Role{Accountant}},
	{FundApply, []Role{Accountant, Approver, StreetOfficer}},
	{EntryRead, []Role{Accountant, Approver, StreetOfficer, Supervisor, Auditor}},
	{EntryDraft, []Role{Accountant}},
	{EntryApprove, []Role{Approver}},
	{ReportRead, []Role{Accountant, Approver, StreetOfficer, Supervisor, Auditor}},
	{CampaignRead, []Role{Accountant, Approver, StreetOfficer, Supervisor, Auditor}},
	{CampaignWrite, []Role{Accountant}},
	{CampaignOpen, []Role{Approver}},
	{UpdateAsk, []Role{Accountant, Approver, StreetOfficer}}, // shown by an approver who did not write it
	{GiftRead, []Role{Accountant, Approver, Auditor}},
	{GiftWrite, []Role{Accountant}},
	{DonorRead, []Role{Accountant, Auditor}},
	{DonorErase, []Role{Accountant}},
	{PeopleRead, []Role{Admin, Auditor}},
	{PeopleAdmin, []Role{Admin}},
	{KeyAdmin, []Role{Admin}},
	{AuditRead, []Role{Admin, Auditor}},
	{RequestRead, []Role{Accountant, Approver, StreetOfficer, Auditor, Admin}},
	{RoleRequest, []Role{Admin}},
	{RoleApprove, []Role{Admin}}, // another one: nobody decides what they asked for
	{OfflineRead, []Role{Accountant, Approver, Auditor}},
	{OfflineWrite, []Role{Accountant}},
	{BreakWork, []Role{Accountant, Approver}},
	{CashCount, []Role{Accountant, Approver}},               // two of them: nobody confirms what they counted
	{PaperAdd, []Role{Accountant, Approver, StreetOfficer}}, // beside records that they see
	{PaperRead, []Role{Accountant, Approver, StreetOfficer, Auditor}},
	{SubsidyRead, []Role{Accountant, Approver, StreetOfficer, Supervisor, Auditor}},
	{SubsidyEnter, []Role{Accountant, Approver, StreetOfficer}},
	{SubsidyWrite, []Role{Accountant}},
	{SubsidySign, []Role{StreetOfficer}}, // of that very street: see SignsFor
	{ProjectRead, []Role{Accountant, Approver, StreetOfficer, Supervisor, Auditor}},
	{ProjectEnter, []Role{Accountant, Approver, StreetOfficer}},
	{ProjectAssess, []Role{Accountant, Approver, StreetOfficer, Supervisor}}, // each for one side: see projects.Sides
	{ProjectWrite, []Role{Accountant}},
	{VoteRead, []Role{Accountant, Approver, StreetOfficer, Supervisor, Auditor}},
	{VoteWrite, []Role{Accountant, Approver, StreetOfficer}},
	{VoteSettle, []Role{Accountant}},
	{NeedRead, []Role{Accountant, Approver, StreetOfficer, Supervisor, Auditor}},
	{NeedWrite, []Role{Accountant, Approver, StreetOfficer}},
	{LawRead, []Role{Accountant, Approver, Auditor}},
	{LawWrite, []Role{Accountant}},
	{OwnWork, []Role{Provider}}, // outside of the console: what is one's own and nothing else
	{SettingRead, []Role{Accountant, Approver, Auditor, Admin}},
	{SettingAsk, []Role{Admin}}, // not those whom the rules bind
	{SettingSettle, []Role{Admin}},
	{JobRead, []Role{Accountant, Approver, Auditor, Admin}},
	{JobRun, []Role{Admin}},
	{ExportRead, []Role{Accountant, Approver, StreetOfficer, Supervisor, Auditor, Admin}},
}

// alone are the roles that nobody holds beside another.
var alone = []Role{Admin, Auditor}

// Roles lists all roles in the order in which a matrix prints them.
func Roles() []Role {
	all := make([]Role, len(scopes))
	for i, s := range scopes {
		all[i] = s.role
	}
	return all
}

// Of tells what a grant of the role must name: a street, a fund, or one of both.
func (r Role) Of() (street, fund bool) {
	for _, s := range scopes {
		if s.role == r {
			return s.of == ofStreet || s.of == ofStreetOrFund, s.of == ofStreetOrFund
		}
	}
	return false, false
}

// seesAll tells whether the role sees the funds of every street.
func (r Role) seesAll() bool {
	for _, s := range scopes {
		if s.role == r {
			return s.all
		}
	}
	return false
}

// May tells whether the role carries the permission. Unknown permissions are carried by nobody.
func (r Role) May(p Permission) bool {
	for _, right := range rights {
		if right.permission == p {
			return slices.Contains(right.roles, r)
		}
	}
	return false
}

// Held is a role that a person holds now, with the street or the fund that it is good for.
type Held struct {
	Role   Role   `json:"role"`
	Street *int32 `json:"street,omitempty"`
	Fund   *int32 `json:"fund,omitempty"`
}

// fits tells whether the role is known and names what it has to, and nothing else.
func (h Held) fits() bool {
	if !slices.Contains(Roles(), h.Role) {
		return false
	}
	street, fund := h.Role.Of()
	switch {
	case street && fund:
		return (h.Street == nil) != (h.Fund == nil)
	case street:
		return h.Street != nil && h.Fund == nil
	}
	return h.Street == nil && h.Fund == nil
}

// Identity is who asks, as of this request. The zero Identity may do nothing.
type Identity struct {
	Book    int32
	Person  Person
	Session uuid.UUID // its id in lists, not the token
	Roles   []Held
	Proved  Proof // when and by what the session last proved itself

	due     bool // the password is one that an admin has seen
	factors bool // something beside the password is set up
	rule    PasswordRule
}

// May tells whether one of the person's roles carries the permission. Of which streets, Streets says.
func (i Identity) May(p Permission) bool {
	return slices.ContainsFunc(i.Roles, func(h Held) bool { return h.Role.May(p) })
}

// Has tells whether the person holds the role, of whatever street.
func (i Identity) Has(r Role) bool {
	return slices.ContainsFunc(i.Roles, func(h Held) bool { return h.Role == r })
}

// SignsFor tells whether the person may put a name to a statement for the street: as its officer, and not as one who works on the
// association's side as well.
func (i Identity) SignsFor(street int32) bool {
	return !i.May(EntryDraft) && !i.May(EntryApprove) && slices.ContainsFunc(i.Roles, func(h Held) bool {
		return h.Role.May(SubsidySign) && h.Street != nil && *h.Street == street
	})
}

// Streets says whose funds the person sees: all of the book, or only those of the streets listed,
// in ascending order, and those of Funds. Queries carry them: `where $all or street_id = any($ids)`.
// A resident's street is no sight of its books.
func (i Identity) Streets() (all bool, ids []int32) {
	for _, h := range i.Roles {
		switch {
		case h.Role.seesAll():
			return true, nil
		case h.Street != nil && h.Role.May(FundRead):
			ids = append(ids, *h.Street)
		}
	}
	slices.Sort(ids)
	return false, slices.Compact(ids)
}

// Funds lists single funds that are in the person's sight beside those of Streets, in ascending order.
func (i Identity) Funds() (ids []int32) {
	for _, h := range i.Roles {
		if h.Fund != nil && h.Role.May(FundRead) {
			ids = append(ids, *h.Fund)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// MaySee tells whether a fund, of that street or of none (nil), is in the person's sight.
// Answer no with the same 404 as an unknown id.
func (i Identity) MaySee(fund int32, street *int32) bool {
	all, ids := i.Streets()
	return all || street != nil && slices.Contains(ids, *street) || slices.Contains(i.Funds(), fund)
}
