package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/payments"
)

// A donor with more gifts than one page holds: totals, statement, file and erasing know all of them, and the file holds plans, wishes
// and what was asked back.
func TestOwnManyGifts(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.gift("", 1_00) // makes the campaign
	const many = 1203
	ctx := pg.WithBook(t.Context(), o.book.ID)
	var paid []giving.Paid
	for i := range many {
		paid = append(paid, giving.Paid{CampaignID: 1, Amount: 1_00, PaidAt: o.now.Add(-time.Duration(i) * time.Minute), Channel: giving.Sandbox, Ref: fmt.Sprint("sbx-many-", i),
			Name: "王女士", Email: ownEmail, Message: fmt.Sprint("第", i, "句")})
	}
	out, err := giving.Commit(ctx, o.db, o.book, paid)
	o.must(err)
	oldest := out[many-1].ID
	donor := o.browser()
	donor.opens(ownEmail)
	o.must(pg.InTx(ctx, o.db, func(tx pgx.Tx) error {
		begun, err := giving.Begin(ctx, tx, o.book, giving.Form{FormID: uuid.New(), CampaignID: 1, Amount: "50.00", Currency: "CNY", Lang: "zh-CN", Name: "王女士", Email: ownEmail,
			Channel: giving.Sandbox}, o.now)
		if err != nil {
			return err
		}
		if _, err := plans.Start(ctx, tx, o.book, begun, plans.Terms{Way: plans.ByLetter, Every: plans.Monthly}, o.now); err != nil {
			return err
		}
		return payments.AskRefund(ctx, tx, o.book, payments.Order{ID: uuid.Must(uuid.NewV7()), GiftID: oldest, Amount: 1_00, Reason: "twice", Note: "付了两次"}, o.now)
	}))
	donor.wants(donor.get("/me"), http.StatusOK, "1203", "1,203.00", "只列出最近的 1,000 笔")
	donor.wants(donor.post("/me/name", url.Values{"ref": {giving.Ref(o.book, oldest)}, "anonymous": {"yes"}}), http.StatusSeeOther)

	year := fmt.Sprint("/me/statement?year=", o.book.Day(o.now).Year())
	rows, pages := 0, 0
	for path := year; path != ""; pages++ {
		page := donor.get(path)
		donor.wants(page, http.StatusOK, "1,203.00")
		rows += strings.Count(page.text, `<tr><td class="code">`)
		path = strings.ReplaceAll(between(page.text, `rel="next" href="`, `"`), "&amp;", "&")
	}
	if rows != many || pages != 3 {
		t.Errorf("%d gifts on %d pages", rows, pages)
	}
	sheet := donor.get(year + "&format=csv")
	if n := strings.Count(sheet.text, "\n"); n != many+1 {
		t.Errorf("%d lines of the sheet", n)
	}

	var record donorRecordJSON
	o.must(json.Unmarshal([]byte(donor.get("/me/record").text), &record))
	if len(record.Gifts) != many || len(record.Told) != many+1 || len(record.Started) != 1 {
		t.Errorf("%d gifts, %d tellings, %d started", len(record.Gifts), len(record.Told), len(record.Started))
	}
	if len(record.Wishes) != 1 || record.Wishes[0].Reference != giving.Ref(o.book, oldest) || !record.Wishes[0].Anonymous {
		t.Errorf("wishes: %+v", record.Wishes)
	}
	if len(record.Plans) != 1 || record.Plans[0].Amount != "50.00" || record.Plans[0].Every != plans.Monthly {
		t.Errorf("plans: %+v", record.Plans)
	}
	if len(record.Refunds) != 1 || record.Refunds[0].Note != "付了两次" {
		t.Errorf("asked back: %+v", record.Refunds)
	}

	donor.wants(donor.post("/me/erase", url.Values{"sure": {"yes"}}), http.StatusOK)
	var left int
	o.must(o.db.QueryRow(ctx, `select count(*) from private.donor where name is not null or email is not null`).Scan(&left))
	if left != 0 {
		t.Errorf("%d tellings are left of whoever was erased", left)
	}
}
