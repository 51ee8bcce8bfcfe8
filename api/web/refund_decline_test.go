package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
)

// What a donor asks back is declined by one person with a reason: on the gift's page, in a letter, in the trail, and donor and
// accountant read the same lines.
func TestRefundDeclinedWithAReason(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.gift("", 1_00) // makes the campaign
	var id uuid.UUID
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		out, err := giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: 1, Amount: 50_00, PaidAt: o.now, Channel: giving.Sandbox, Ref: "sbx_1", Name: "王女士", Email: ownEmail}})
		id = out[0].ID
		return err
	})
	public, desk := "/g/"+giving.Ref(o.book, id), "/console/gifts/"+id.String()+"/refund"
	donor, li, chen := o.browser(), o.as("li"), o.as("chen")
	donor.wants(donor.post(public+"/refund", url.Values{"amount": {"20"}, "why": {"changed-mind"}, "note": {"我想少捐一点"}}), http.StatusSeeOther)
	page := li.get(desk)
	li.wants(page, http.StatusOK, "申请退还 20.00 元", "不同意捐赠人的退款申请", "我想少捐一点")
	asked := li.hidden(page, "asked")

	say := func(answer string) url.Values { return url.Values{"asked": {asked}, "answer": {answer}} }
	chen.wants(chen.post(desk+"/decline", say("不行")), http.StatusForbidden)
	li.wants(li.post(desk+"/decline", say(" ")), http.StatusUnprocessableEntity, "理由：请写明为什么不退款")
	li.wants(li.post("/console/gifts/"+uuid.NewString()+"/refund/decline", say("不行")), http.StatusNotFound)
	if letters := o.letters(); len(letters) != 0 {
		t.Errorf("letters before anything was decided: %v", letters)
	}

	const why = "款项已用于九月的午餐，凭证可在基金页查看。"
	li.wants(li.post(desk+"/decline", say(why)), http.StatusSeeOther)
	li.wants(li.post(desk+"/decline", say("再来一次")), http.StatusConflict)
	for _, seen := range []reply{donor.get(public), li.get(desk)} {
		li.wants(seen, http.StatusOK, "申请退还 20.00 元", "退还 20.00 元：不同意", "理由："+why)
		li.lacks(seen, "再来一次")
	}
	li.lacks(donor.get(public), "我想少捐一点") // whoever has the link reads the page, not the note
	li.lacks(li.get(desk), "不同意捐赠人的退款申请")
	letters := o.letters()
	if len(letters) != 1 || letters[0].Kind != giving.DeclinedLetter || letters[0].Email != ownEmail {
		t.Fatalf("letters %+v", letters)
	}
	text, err := WriteLetter(t.Context(), o.db, o.book, letters[0])
	o.must(err)
	if text.Path != public || !strings.Contains(text.Body, "20.00") || !strings.Contains(text.Body, why) {
		t.Errorf("the letter is %+v", text)
	}
	shen := o.as("shen")
	shen.wants(shen.get("/console/audit"), http.StatusOK, "不同意捐赠人的退款申请", why)

	// A second person's refusal of a request answers the donor nothing: the asking waits again, and can be declined with a reason.
	donor.wants(donor.post(public+"/refund", url.Values{"amount": {"30"}, "why": {"twice"}}), http.StatusSeeOther)
	page = li.get(desk)
	request := li.post(desk, url.Values{"form": {li.hidden(page, "form")}, "asked": {li.hidden(page, "asked")}, "amount": {"10"}, "why": {"wrong-amount"}, "reason": {"核对过"}})
	li.wants(request, http.StatusSeeOther)
	li.wants(li.get(desk), http.StatusOK, "申请退还 30.00 元", "退还 10.00 元：等第二人批准")
	chen.wants(chen.decides(request.to, "reject", "没有凭据"), http.StatusSeeOther)
	page = li.get(desk)
	li.wants(page, http.StatusOK, "不同意捐赠人的退款申请", `value="30.00"`)
	li.lacks(donor.get(public), "没有凭据")
}
