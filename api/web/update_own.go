package web

import (
	"net/http"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/updates"
	"sunfund/ledger/staff"
)

// ownUpdatesOf is the project of the address's contract, when that is one of the organisations that this person signs in for.
func (v *visit) ownUpdatesOf(q pg.Querier) (of updatesOf, err error) {
	id, err := v.recordParam()
	if err != nil {
		return of, err
	}
	c, err := v.ownContract(q, id)
	if err != nil {
		return of, err
	}
	p, err := projects.ProjectByID(v.ctx(), q, v.book, c.ProjectID)
	if err != nil {
		return of, err
	}
	of = updatesOfProject(p)
	of.payees, of.payee = []uuid.UUID{c.PayeeID}, &c.PayeeID
	of.back, of.place = providerPath+"/contracts/"+id.String(), providerPath
	return of, nil
}

// ownUpdates lists what an organisation wrote about the project of its contract, with the form of a new post.
func (v *visit) ownUpdates() error {
	of, err := v.ownUpdatesOf(v.s.DB)
	if err != nil {
		return err
	}
	return v.ownUpdatesAgain(of, http.StatusOK, nil)
}

func (v *visit) ownUpdatesAgain(of updatesOf, status int, wrong Errors) error {
	here := of.back + "/updates"
	view := v.providerRecord(T(v.lang, "update.of", of.name), wrong, here)
	view.Lead, view.Links = T(v.lang, "update.own.lead"), []Link{{T(v.lang, "update.own.back"), of.back}}
	list, err := v.updatesGrid(of, "", &view)
	if err != nil {
		return err
	}
	view.Grids = []grid{list}
	if of.public == "" {
		view.Lead = T(v.lang, "update.early")
	} else if err := v.offer(&view, here, v.updateWrite(of, nil)); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) ownUpdateWrite() error {
	of, err := v.ownUpdatesOf(v.s.DB)
	if err != nil {
		return err
	}
	return v.writeUpdate(of, v.ownUpdatesAgain)
}

// updateLetterPath is where the letter about a decided request leads: an organisation's person does not open requests.
func (v *visit) updateLetterPath(q pg.Querier, a staff.Approval) (string, error) {
	_, d, err := v.readStep(q, a)
	if err != nil {
		return "", err
	}
	p, err := updates.ByID(v.ctx(), q, v.book, d.ID)
	if err != nil || p.PayeeID == nil || a.MadeBy != p.WrittenBy { // staff may ask again for an organisation
		return approvalPath(a), err
	}
	return providerPath, nil
}
