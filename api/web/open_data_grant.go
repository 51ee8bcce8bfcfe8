package web

import (
	"encoding/json"
	"fmt"
	"strconv"

	"sunfund/internal/pg"
	"sunfund/ledger/disclosure"
)

// The shape of 360Giving (standard.threesixtygiving.org, 1.1): amounts are numbers there.
type (
	grantOrg struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	grantDates struct {
		Start string `json:"startDate"`
		End   string `json:"endDate"`
	}
	grantProgramme struct {
		Code  string `json:"code"`
		Title string `json:"title"`
	}
	grant struct {
		ID          string           `json:"id"`
		Title       string           `json:"title"`
		Description string           `json:"description"`
		Currency    string           `json:"currency"`
		Amount      json.Number      `json:"amountAwarded"`
		AwardDate   string           `json:"awardDate"`
		Planned     []grantDates     `json:"plannedDates"`
		Recipients  []grantOrg       `json:"recipientOrganization"`
		Funders     []grantOrg       `json:"fundingOrganization"`
		Programmes  []grantProgramme `json:"grantProgramme"`
		DataSource  string           `json:"dataSource"`
	}
	grantPackage struct {
		Version string  `json:"version"`
		Licence string  `json:"license"`
		Access  string  `json:"accessURL"`
		Next    string  `json:"next,omitempty"` // not of the standard, which lets a package have more
		Grants  []grant `json:"grants"`
	}
)

// dataGrants answers signed contracts with organisations as grants.
func (v *visit) dataGrants() error {
	return v.remembered("application/json; charset=utf-8", (*visit).grants)
}

func (v *visit) grants(after string, most int) (*openBody, error) {
	prefix := "360G-sunfund-" + v.book.Code
	id, err := openID(after, prefix+"-")
	if err != nil {
		return nil, err
	}
	var list []disclosure.Grant
	err = v.read(func(q pg.Querier) (err error) {
		list, err = disclosure.OpenGrants(v.ctx(), q, v.book, id, most+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	var next string
	if len(list) > most {
		list = list[:most]
		next = v.openNext(prefix + "-" + list[most-1].ID.String())
	}
	grants := make([]grant, 0, len(list))
	for _, g := range list {
		payee := grantOrg{prefix + "-org-" + strconv.Itoa(int(g.PayeeNumber)), g.Payee}
		if len(g.PayeeCode) == 18 {
			payee.ID = "CN-USCC-" + g.PayeeCode
		}
		grants = append(grants, grant{ID: prefix + "-" + g.ID.String(), Title: g.Title, Description: g.Project + " · " + g.Code, Currency: v.book.Currency, Amount: json.Number(v.plain(g.Amount)), AwardDate: ISODay(g.SignedOn),
			Planned: []grantDates{{ISODay(g.SignedOn), ISODay(g.EndsOn)}}, Recipients: []grantOrg{payee}, Funders: []grantOrg{{prefix, v.book.Name(string(v.lang))}}, Programmes: []grantProgramme{{g.Fund, g.FundName[0]}},
			DataSource: v.address() + dataPath})
	}
	body, err := json.MarshalIndent(grantPackage{"1.1", openLicence, v.address() + dataPath, next, grants}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("write grants: %w", err)
	}
	return &openBody{body: append(body, '\n'), next: next}, nil
}
