package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
)

// eraseReasons are why a donor's data may be erased. There is no free text: it would stand in the audit trail for ever, and
// somebody would write the name into it.
var eraseReasons = []string{"asked", "consent", "needless", "mistake"}

type donorEraseView struct {
	Page
	Called  string
	Facts   []Fact
	Back    string
	Seen    string
	Records int
	Gifts   int
	Reason  string
	Reasons []Option
	Sure    []Option
}

// donorEraseForm is the second look: what goes, and what stays.
func (v *visit) donorEraseForm() error {
	r, id, err := v.donor("personal.read")
	if err != nil {
		return err
	}
	return v.donorEraseAgain(http.StatusOK, id, r, nil)
}

func (v *visit) donorEraseAgain(status int, id uuid.UUID, r *giving.DonorRecord, wrong Errors) error {
	if r.Erased() {
		return giving.ErrErased
	}
	view := donorEraseView{Page: v.consolePage(T(v.lang, "donor.erase.title"), "/console/gifts"), Called: v.donorCalled(r), Facts: v.donorFacts(r), Back: donorHref(id),
		Seen: seenOf(r), Records: len(r.Donors), Gifts: len(r.Gifts) + len(r.Started)}
	view.Errors = wrong
	view.Reasons = []Option{{Value: "", Label: view.T("donor.reason.choose")}}
	for _, key := range eraseReasons {
		view.Reasons = append(view.Reasons, Option{Value: key, Label: view.T("donor.reason." + key), Chosen: v.FormValue("reason") == key})
	}
	view.Sure = []Option{{Value: "yes", Label: view.T("donor.sure.yes")}}
	return v.s.render.Render(v.Response(), status, "console/donor_erase", view)
}

// seenOf is what the form showed, so that nobody erases what came since.
func seenOf(r *giving.DonorRecord) string {
	ids := r.IDs()
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	h := sha256.New()
	for _, id := range ids {
		h.Write(id[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// donorErase deletes the keys and data of a donor, for ever.
func (v *visit) donorErase() error {
	r, id, err := v.donor("personal.read")
	if err != nil {
		return err
	}
	if r.Erased() { // sent twice is done once
		return v.see(donorHref(id))
	}
	var wrong Errors
	reason := v.FormValue("reason")
	if !slices.Contains(eraseReasons, reason) {
		wrong.Add("reason", T(v.lang, "donor.reason.wrong"))
	}
	if v.FormValue("sure") != "yes" {
		wrong.Add("sure", T(v.lang, "donor.sure.wrong"))
	}
	if v.FormValue("seen") != seenOf(r) {
		wrong.Add("sure", T(v.lang, "donor.seen.wrong"))
	}
	if len(wrong) > 0 {
		return v.donorEraseAgain(http.StatusUnprocessableEntity, id, r, wrong)
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if _, err := giving.EraseDonors(v.ctx(), tx, v.book, r.IDs(), v.now); err != nil {
			return err
		}
		return v.recordDonor(tx, "personal.erase", id, r, reason)
	})
	if err != nil {
		return err
	}
	return v.see(donorHref(id))
}
