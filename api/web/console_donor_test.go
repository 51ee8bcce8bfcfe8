package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// mailed is a gift with all that a donor can tell.
func (o *office) mailed(name, email, message string) (donor uuid.UUID) {
	o.Helper()
	o.gift("", 10_00) // the campaign is there
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		out, err := giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: 1, Amount: 30_00, PaidAt: o.now, Channel: giving.Bank, Ref: "B" + uuid.NewString(),
			Name: name, Email: email, Message: message}})
		if err != nil {
			return err
		}
		donor = out[0].ID
		return out[0].Err
	})
	return donor
}

// Who may see what is held on a donor proves who they are first, and is on record; so is who takes it out.
func TestDonorRecord(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	donor := o.mailed("王芳", "wang@example.org", "为了孩子")
	other, namesake := o.mailed("Wang Fang", "WANG@example.org", ""), o.mailed("王芳", "", "别人")
	page := donorHref(donor)
	li, shen := o.as("li"), o.as("shen")
	li.wants(li.get("/console/gifts"), http.StatusOK, `<a href="`+page+`">`)
	chen := o.as("chen")
	chen.lacks(chen.get("/console/gifts"), page)
	chen.wants(chen.get(page), http.StatusForbidden)
	a := li.get(page)
	li.wants(a, http.StatusOK, "王芳 · wang@example.org", "Wang Fang · WANG@example.org", "为了孩子", "另有 1 条记录姓名相同", page+"/erase")
	li.lacks(a, "别人", namesake.String())
	a = shen.get(page)
	shen.wants(a, http.StatusOK, "王芳")
	shen.lacks(a, page+"/erase")
	shen.wants(shen.get(page+"/erase"), http.StatusForbidden)

	a = li.get(page + "/record")
	li.wants(a, http.StatusOK)
	var record donorRecordJSON
	o.must(json.Unmarshal([]byte(a.text), &record))
	i := slices.IndexFunc(record.Gifts, func(g donorGiftJSON) bool { return g.Donor == donor }) // two of one millisecond stand in any order
	if len(record.Told) != 2 || len(record.Gifts) != 2 || i < 0 || record.Gifts[i].Message != "为了孩子" || record.Gifts[i].Amount != "30.00" ||
		record.Told[0].ID != other && record.Told[1].ID != other || strings.Contains(a.head.Get("Content-Disposition"), "王") {
		t.Errorf("%s\n%s", a.head.Get("Content-Disposition"), a.text)
	}

	o.now = o.now.Add(staff.FreshFor + time.Minute)
	for _, path := range []string{page, page + "/record", page + "/erase"} {
		a := li.get(path)
		li.wants(a, http.StatusForbidden, "confirm_password")
		li.lacks(a, "王芳")
	}
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		events, err := staff.Events(ctx, tx, o.book.ID, staff.EventFilter{What: "personal", Object: "donor:" + donor.String()})
		if len(events) != 3 || events[0].What != "personal.export" || events[1].What != "personal.read" {
			t.Errorf("%+v", events)
		}
		return err
	})
}

// Erasing takes a reason and a second look; then pages say so wherever the name was, and figures are as before.
func TestDonorErased(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	donor := o.mailed("王芳", "wang@example.org", "为了孩子")
	o.mailed("芳", "wang@example.org", "再一次")
	page, ref := donorHref(donor), giving.Ref(o.book, donor)
	li := o.as("li")
	form := func(reason, sure, seen string) url.Values {
		return url.Values{"reason": {reason}, "sure": {sure}, "seen": {seen}}
	}
	look := li.get(page + "/erase")
	li.wants(look, http.StatusOK, "2 条记录的姓名、邮箱和留言连同密钥一起删除", "王芳")
	seen := li.hidden(look, "seen")
	for _, c := range []struct {
		form url.Values
		says string
	}{{form("", "yes", seen), "理由：请选择一项。"}, {form("王芳要求", "yes", seen), "理由：请选择一项。"}, {form("asked", "", seen), "请确认已核对"}, {form("asked", "yes", "00"), "记录有了变化"}} {
		li.wants(li.post(page+"/erase", c.form), http.StatusUnprocessableEntity, c.says)
	}
	later := o.mailed("王", "wang@example.org", "") // after the look
	li.wants(li.post(page+"/erase", form("asked", "yes", seen)), http.StatusUnprocessableEntity, "记录有了变化", "3 条记录")
	public := o.browser()
	before := public.get("/c/space")
	public.wants(before, http.StatusOK, "王芳", "为了孩子")
	seen = li.hidden(li.get(page+"/erase"), "seen")
	if a := li.post(page+"/erase", form("asked", "yes", seen)); a.status != http.StatusSeeOther || a.to != page {
		t.Fatalf("%d %s\n%s", a.status, a.to, a.text)
	}
	li.wants(li.post(page+"/erase", form("asked", "yes", seen)), http.StatusSeeOther) // sent twice

	gone := []string{"王芳", "为了孩子", "再一次", "wang@example.org"}
	for _, path := range []string{page, donorHref(later), "/console/gifts", "/g/" + ref, "/g/" + ref + "/receipt", "/c/space", "/console/gifts?format=csv", "/console/search?q=30.00"} {
		a := li.get(path)
		li.wants(a, http.StatusOK)
		li.lacks(a, gone...)
		if path != "/console/search?q=30.00" && !strings.Contains(a.text, "已删除") {
			t.Errorf("%s does not say that the name was erased", path)
		}
	}
	li.wants(li.get(page+"/record"), http.StatusOK, `"erased_at"`)
	li.wants(li.get(page+"/erase"), http.StatusConflict)
	if a := li.get("/console/gifts?q=" + url.QueryEscape("王芳")); !strings.Contains(a.text, "没有符合条件的捐赠") {
		t.Error("the name is still found")
	}
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		events, err := staff.Events(ctx, tx, o.book.ID, staff.EventFilter{What: "personal.erase"})
		if len(events) != 1 || events[0].Reason != "asked" || events[0].Object != "donor:"+donor.String() {
			t.Errorf("%+v", events)
		}
		checks, wrong := giving.Verify(ctx, tx, o.book)
		for _, c := range checks {
			if c.DiffersAll > 0 {
				t.Errorf("%s: %v", c.Code, c.Differs)
			}
		}
		if wrong != nil {
			return wrong
		}
		return err
	})
}
