package staff_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

// What the table must say whatever else is added to it.
func TestRights(t *testing.T) {
	t.Parallel()
	changes := func(p staff.Permission) bool {
		return !slices.Contains([]staff.Permission{staff.FundRead, staff.EntryRead, staff.ReportRead, staff.CampaignRead,
			staff.GiftRead, staff.PeopleRead, staff.AuditRead, staff.RequestRead, staff.OfflineRead, staff.SettingRead, staff.DonorRead, staff.SubsidyRead, staff.PaperRead, staff.JobRead, staff.VoteRead, staff.NeedRead, staff.ProjectRead, staff.LawRead, staff.ExportRead}, p)
	}
	for _, p := range staff.Permissions() {
		for _, r := range []staff.Role{staff.Auditor, staff.Supervisor} {
			if p == staff.ProjectAssess && r == staff.Supervisor {
				continue // points for one side of an assessment are not a change of the books
			}
			if changes(p) && r.May(p) {
				t.Errorf("%s may change: %s", r, p)
			}
		}
		for _, r := range []staff.Role{staff.Donor, staff.Resident, staff.Provider} {
			if r.May(p) && (p != staff.OwnWork || r != staff.Provider) {
				t.Errorf("%s may %s in the console", r, p)
			}
		}
		if !changes(p) && !staff.Auditor.May(p) {
			t.Errorf("auditor may not read: %s", p)
		}
		if staff.Admin.May(p) && !slices.Contains([]staff.Permission{staff.PeopleRead, staff.PeopleAdmin, staff.KeyAdmin, staff.AuditRead,
			staff.RequestRead, staff.RoleRequest, staff.RoleApprove, staff.SettingRead, staff.SettingAsk, staff.SettingSettle, staff.JobRead, staff.JobRun, staff.ExportRead}, p) {
			t.Errorf("admin may %s", p)
		}
		// Sight is per person, not per permission: an officer of one street who becomes an approver
		// must not do for all streets what only officers may. Signing for a street asks for the role in that very street (SignsFor).
		for _, r := range []staff.Role{staff.StreetOfficer, staff.Supervisor} {
			if r.May(p) && p != staff.SubsidySign && !(staff.Accountant.May(p) && staff.Approver.May(p)) {
				t.Errorf("only %s may %s", r, p)
			}
		}
		if slices.IndexFunc(staff.Roles(), func(r staff.Role) bool { return r.May(p) }) < 0 {
			t.Errorf("nobody may %s", p)
		}
	}
	for _, r := range staff.Roles() {
		if r.May(staff.EntryDraft) && r.May(staff.EntryApprove) {
			t.Errorf("%s holds both sides", r)
		}
		if r.May(staff.PeopleAdmin) && (r.May(staff.EntryApprove) || r.May(staff.EntryDraft)) {
			t.Errorf("%s manages people and money", r)
		}
		if r.May("no.such") || (staff.Identity{}).May(staff.FundRead) {
			t.Error("an unknown permission or nobody is let in")
		}
	}
}

func TestStreets(t *testing.T) {
	t.Parallel()
	one, two := int32(1), int32(2)
	for name, c := range map[string]struct {
		roles          []staff.Held
		all            bool
		ids            []int32
		sees, seesBook bool // street 1, what belongs to no street
	}{
		"nobody":           {},
		"admin":            {roles: []staff.Held{role(staff.Admin)}},
		"accountant":       {roles: []staff.Held{role(staff.Accountant)}, all: true, sees: true, seesBook: true},
		"auditor":          {roles: []staff.Held{role(staff.Auditor)}, all: true, sees: true, seesBook: true},
		"officer":          {roles: []staff.Held{officer(1)}, ids: []int32{1}, sees: true},
		"other officer":    {roles: []staff.Held{officer(2)}, ids: []int32{2}},
		"both streets":     {roles: []staff.Held{officer(2), officer(1)}, ids: []int32{1, 2}, sees: true},
		"resident":         {roles: []staff.Held{{Role: staff.Resident, Street: &one}}},
		"supervisor":       {roles: []staff.Held{{Role: staff.Supervisor, Street: &one}}, ids: []int32{1}, sees: true},
		"of the fund":      {roles: []staff.Held{{Role: staff.Supervisor, Fund: new(int32(9))}}, sees: true, seesBook: true},
		"of another fund":  {roles: []staff.Held{{Role: staff.Supervisor, Fund: &two}}},
		"officer approver": {roles: []staff.Held{officer(2), role(staff.Approver)}, all: true, sees: true, seesBook: true},
	} {
		i := staff.Identity{Roles: c.roles}
		all, ids := i.Streets()
		if all != c.all || !slices.Equal(ids, c.ids) || i.MaySee(9, &one) != c.sees || i.MaySee(9, nil) != c.seesBook {
			t.Errorf("%s: all %v, streets %v, sees %v, book %v", name, all, ids, i.MaySee(9, &one), i.MaySee(9, nil))
		}
		if i.MaySee(8, &two) != (c.all || slices.Contains(c.ids, two)) {
			t.Errorf("%s: street 2", name)
		}
	}
}

func TestGrantRole(t *testing.T) {
	o := newOffice(t)
	admin := o.person("admin", role(staff.Admin))
	li := o.person("li", role(staff.Accountant))
	grant := func(to, by uuid.UUID, h staff.Held) error {
		return o.tx(func(tx pgx.Tx) error {
			_, err := staff.GrantRole(o.ctx, tx, book, to, by, h, now)
			return err
		})
	}
	street := int32(1)
	o.want(grant(admin.ID, admin.ID, role(staff.Approver)), staff.ErrOwn)
	o.want(grant(li.ID, admin.ID, role(staff.Admin)), staff.ErrRolesClash)
	o.want(grant(li.ID, admin.ID, role(staff.Auditor)), staff.ErrRolesClash)
	o.want(grant(admin.ID, li.ID, role(staff.Approver)), staff.ErrRolesClash)
	o.want(grant(li.ID, admin.ID, role(staff.Accountant)), staff.ErrRoleHeld)
	o.want(grant(li.ID, admin.ID, role(staff.StreetOfficer)), staff.ErrRoleInvalid)
	o.want(grant(li.ID, admin.ID, staff.Held{Role: staff.Approver, Street: &street}), staff.ErrRoleInvalid)
	o.want(grant(li.ID, admin.ID, officer(99)), staff.ErrRoleInvalid)
	o.want(grant(li.ID, admin.ID, role("owner")), staff.ErrRoleInvalid)
	o.want(grant(uuid.New(), admin.ID, role(staff.Approver)), staff.ErrNoPerson)
	o.must(grant(li.ID, admin.ID, officer(1)))
	o.must(grant(li.ID, admin.ID, officer(2)))
	o.want(grant(li.ID, admin.ID, officer(2)), staff.ErrRoleHeld)

	// Also past this code, nobody raises themselves.
	_, err := o.service.Exec(o.ctx, `insert into role_grant (book_id, id, person_id, role, granted_at, granted_by)
		values ($1, $2, $3, 'approver', now(), $3)`, book, uuid.New(), li.ID)
	if _, constraint := refusedBy(err); constraint != "role_grant_second_person" {
		t.Fatalf("got %v", err)
	}
}

// A role taken away is gone with the next request of a session that is open, and stays in the history.
func TestRevokeRole(t *testing.T) {
	o := newOffice(t)
	admin := o.person("admin", role(staff.Admin))
	li := o.person("li", role(staff.Accountant))
	token, before := o.as("li")
	if !before.May(staff.EntryDraft) {
		t.Fatal("not an accountant")
	}
	grants, err := staff.Grants(o.ctx, o.service, book, li.ID, false)
	o.must(err)
	revoke := func(grant, by uuid.UUID) error {
		return o.tx(func(tx pgx.Tx) error { return staff.RevokeRole(o.ctx, tx, book, grant, by, now) })
	}
	o.want(revoke(grants[0].ID, li.ID), staff.ErrOwn)
	o.want(revoke(uuid.New(), admin.ID), staff.ErrNoGrant)
	o.must(revoke(grants[0].ID, admin.ID))
	o.want(revoke(grants[0].ID, admin.ID), staff.ErrNoGrant)
	if after := o.lookup(token, now); after.May(staff.EntryDraft) || after.May(staff.FundRead) {
		t.Fatalf("still has %v", after.Roles)
	}
	history, err := staff.Grants(o.ctx, o.service, book, li.ID, true)
	o.must(err)
	if len(history) != 1 || *history[0].RevokedBy != admin.ID || history[0].GrantedBy != uuid.Nil {
		t.Fatalf("history %+v", history)
	}
}

// TestSignsFor: only the officer of the very street signs for it, and nobody who also works on the association's side.
func TestSignsFor(t *testing.T) {
	t.Parallel()
	one, two := int32(1), int32(2)
	officer := func(street *int32) staff.Held { return staff.Held{Role: staff.StreetOfficer, Street: street} }
	for _, c := range []struct {
		name  string
		roles []staff.Held
		signs bool
	}{
		{"its officer", []staff.Held{officer(&one)}, true},
		{"of two streets", []staff.Held{officer(&two), officer(&one)}, true},
		{"of another street", []staff.Held{officer(&two)}, false},
		{"of another street and approver", []staff.Held{officer(&two), {Role: staff.Approver}}, false},
		{"its officer and accountant", []staff.Held{officer(&one), {Role: staff.Accountant}}, false},
		{"its officer and approver", []staff.Held{officer(&one), {Role: staff.Approver}}, false},
		{"its supervisor", []staff.Held{{Role: staff.Supervisor, Street: &one}}, false},
		{"nobody", nil, false},
	} {
		if got := (staff.Identity{Roles: c.roles}).SignsFor(one); got != c.signs {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
