package staff

import (
	"slices"

	"github.com/google/uuid"
)

// Role is what a person is in one book. A street officer is one for each street separately.
type Role string

const (
	Accountant    Role = "accountant"     // 会计
	Approver      Role = "approver"       // 审批人 (treasurer)
	StreetOfficer Role = "street_officer" // 街道工作人员
	Auditor       Role = "auditor"        // 审计
	Admin         Role = "admin"          // 管理员
)

// Permission is what a handler asks for before it does anything.
type Permission string

const (
	FundRead      Permission = "fund.read"
	FundWrite     Permission = "fund.write"
	EntryRead     Permission = "entry.read"
	EntryDraft    Permission = "entry.draft"
	EntryApprove  Permission = "entry.approve"
	ReportRead    Permission = "report.read"
	CampaignRead  Permission = "campaign.read"
	CampaignWrite Permission = "campaign.write"
	GiftRead      Permission = "gift.read" // with donors' names
	GiftWrite     Permission = "gift.write"
	PeopleRead    Permission = "people.read"
	PeopleAdmin   Permission = "people.admin"
	KeyAdmin      Permission = "key.admin"
	AuditRead     Permission = "audit.read"
)

// rights is the whole truth about who may do what. Admin manages people and neither posts nor
// approves; auditor reads all and changes nothing; a street officer may only do what an accountant
// and an approver may do as well, so holding a second role never widens a street's view by accident.
var rights = []struct {
	permission Permission
	roles      []Role
}{
	{FundRead, []Role{Accountant, Approver, StreetOfficer, Auditor}},
	{FundWrite, []Role{Accountant}},
	{EntryRead, []Role{Accountant, Approver, StreetOfficer, Auditor}},
	{EntryDraft, []Role{Accountant}},
	{EntryApprove, []Role{Approver}},
	{ReportRead, []Role{Accountant, Approver, StreetOfficer, Auditor}},
	{CampaignRead, []Role{Accountant, Approver, StreetOfficer, Auditor}},
	{CampaignWrite, []Role{Accountant}},
	{GiftRead, []Role{Accountant, Approver, Auditor}},
	{GiftWrite, []Role{Accountant}},
	{PeopleRead, []Role{Admin, Auditor}},
	{PeopleAdmin, []Role{Admin}},
	{KeyAdmin, []Role{Admin}},
	{AuditRead, []Role{Admin, Auditor}},
}

// wholeBook are the roles that see every street. Admin is none: people have no street, funds are
// nothing to an admin.
var wholeBook = []Role{Accountant, Approver, Auditor}

// alone are the roles that nobody holds beside another.
var alone = []Role{Admin, Auditor}

// Roles lists all roles in the order in which a matrix prints them.
func Roles() []Role { return []Role{Accountant, Approver, StreetOfficer, Auditor, Admin} }

// Permissions lists all permissions in the order of the table.
func Permissions() []Permission {
	all := make([]Permission, len(rights))
	for i, r := range rights {
		all[i] = r.permission
	}
	return all
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

// Held is a role that a person holds now; Street is set for street officers only.
type Held struct {
	Role   Role   `json:"role"`
	Street *int32 `json:"street"`
}

// Identity is who asks, as of this request. The zero Identity may do nothing.
type Identity struct {
	Book    int32
	Person  Person
	Session uuid.UUID // its id in lists, not the token
	Roles   []Held
	Proved  Proof // when and by what the session last proved itself

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

// Streets says whose funds the person sees: all of the book, or only those of the streets listed,
// in ascending order. Queries carry both: `where $all or street_id = any($ids)`.
func (i Identity) Streets() (all bool, ids []int32) {
	for _, h := range i.Roles {
		switch {
		case slices.Contains(wholeBook, h.Role):
			return true, nil
		case h.Street != nil:
			ids = append(ids, *h.Street)
		}
	}
	slices.Sort(ids)
	return false, slices.Compact(ids)
}

// MaySee tells whether a fund of that street, or of no street (nil), is in the person's sight.
// Answer no with the same 404 as an unknown id.
func (i Identity) MaySee(street *int32) bool {
	all, ids := i.Streets()
	return all || street != nil && slices.Contains(ids, *street)
}
