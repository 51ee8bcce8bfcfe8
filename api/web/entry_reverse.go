package web

import (
	"net/http"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/staff"
)

// reversalDraft is the payload of a request to reverse an entry.
type reversalDraft struct {
	Entry  uuid.UUID `json:"entry"`
	Day    string    `json:"day"`
	Reason string    `json:"reason"`
}

// entryReverse asks a second person to reverse an entry. Nothing is booked yet.
func (v *visit) entryReverse() error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	r, err := v.visibleEntry(s)
	if err != nil {
		return err
	}
	if r.ReversedBy != uuid.Nil {
		return v.refuse(ledger.ErrReversed, nil, Link{T(v.lang, "refuse.reversal"), "/console/entries/" + r.ReversedBy.String()})
	}
	if r.Kind == ledger.KindClose {
		return v.refuse(ledger.ErrClosing, nil, Link{T(v.lang, "place.periods"), "/console/periods"})
	}
	if r.Kind.KeptByGiving() {
		return v.refuse(ledger.ErrKept, nil, Link{T(v.lang, "place.gifts"), "/console/gifts"})
	}
	form, err := v.formID()
	if err != nil {
		return err
	}
	var wrong Errors
	day, wrongDay := v.bookedDay(v.typed("day", 20))
	if wrongDay != "" {
		wrong.Add("day", wrongDay)
	}
	reason := v.typed("reason", 1000)
	if reason == "" {
		wrong.Add("reason", T(v.lang, "reverse.reason.wrong"))
	}
	if len(wrong) > 0 {
		return v.entryAgain(http.StatusUnprocessableEntity, wrong)
	}
	mirror := asked{lines: ledger.Mirror(r)}
	draft := staff.Draft{Form: form, Kind: staff.Reversal, Amount: mirror.debits(), Summary: oneLine(T(v.lang, "reverse.summary", v.entryName(r), v.summary(r)), 400),
		Payload: reversalDraft{Entry: r.ID, Day: ISODay(day), Reason: reason}}
	return v.request(draft)
}
