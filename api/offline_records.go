package api

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

type bankReceiptJSON struct {
	ID      string `json:"id"`
	Ref     string `json:"ref"`
	Day     string `json:"day"`
	Amount  string `json:"amount"`
	Fund    string `json:"fund"`
	Firm    string `json:"firm,omitempty"`
	State   string `json:"state"`
	Gift    string `json:"gift,omitempty"`
	EndedOn string `json:"ended_on,omitempty"`
}

var bankReceiptRecords = offline[payments.BankReceipt, bankReceiptJSON]{payments.ReceiptsBefore, payments.ReceiptByID, func(r *payments.BankReceipt) uuid.UUID { return r.ID },
	func(c *call, p *places, r *payments.BankReceipt) (bankReceiptJSON, error) {
		j := bankReceiptJSON{ID: r.ID.String(), Ref: r.Ref, Day: isoDay(r.Day), Amount: c.shown(r.Amount), Fund: p.funds[r.FundID], Firm: r.Firm, State: r.State, Gift: idOrEmpty(r.GiftID)}
		if r.EndedOn != nil {
			j.EndedOn = isoDay(*r.EndedOn)
		}
		return j, nil
	}}

func (c *call) bankReceipts() error { return bankReceiptRecords.page(c) }
func (c *call) bankReceipt() error  { return bankReceiptRecords.one(c) }

// bankReceiptCreate records money on the giving account: with a campaign a gift (E12), without one to be claimed (E13a).
func (c *call) bankReceiptCreate() error {
	var in struct {
		Ref       string `json:"ref"`
		Day       string `json:"day"`
		Amount    string `json:"amount"`
		Campaign  string `json:"campaign"`
		Firm      string `json:"firm"`
		Person    string `json:"person"`
		Anonymous bool   `json:"anonymous"`
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	day, err := c.pastDay("/day", in.Day)
	if err != nil {
		return err
	}
	amount, err := c.sum("/amount", in.Amount)
	if err != nil {
		return err
	}
	if !oneLine(in.Person, nameMax) {
		return at{"/person", badText}
	}
	var to place
	if in.Campaign != "" {
		if to, err = c.place(in.Campaign); err != nil {
			return err
		}
	}
	return bankReceiptRecords.create(c, func(tx pgx.Tx, id uuid.UUID) (*giving.Move, error) {
		return payments.Take(c.ctx(), tx, c.book, payments.Seen{ID: id, Ref: in.Ref, Day: day, Amount: amount, CampaignID: to.campaign, Firm: in.Firm, Person: in.Person,
			Anonymous: in.Anonymous}, c.key.ID, c.now)
	})
}

type cashCountJSON struct {
	ID       string `json:"id"`
	Day      string `json:"day"`
	Campaign string `json:"campaign"`
	Fund     string `json:"fund"`
	State    string `json:"state"`
	Counted  string `json:"counted,omitempty"` // not before another person has confirmed it
	Slips    string `json:"slips,omitempty"`
	Gift     string `json:"gift,omitempty"`
	Deposit  string `json:"deposit,omitempty"`
}

var cashCountRecords = offline[payments.CashCount, cashCountJSON]{payments.CountsBefore, payments.CountByID, func(r *payments.CashCount) uuid.UUID { return r.ID },
	func(c *call, p *places, r *payments.CashCount) (cashCountJSON, error) {
		slug, err := p.slug(c, r.CampaignID)
		j := cashCountJSON{ID: r.ID.String(), Day: isoDay(r.Day), Campaign: slug, Fund: p.funds[r.FundID], State: r.State, Gift: idOrEmpty(r.GiftID), Deposit: idOrEmpty(r.Deposit)}
		if r.State != "counted" { // who confirms reads no earlier figure
			j.Counted, j.Slips = c.shown(r.Counted), c.shown(r.Slips)
		}
		return j, err
	}}

func (c *call) cashCounts() error { return cashCountRecords.page(c) }
func (c *call) cashCount() error  { return cashCountRecords.one(c) }

type partJSON struct {
	Due      string `json:"due"`
	Amount   string `json:"amount"`
	Received string `json:"received"`
}

type pledgeJSON struct {
	ID       string     `json:"id"`
	Number   int32      `json:"number"`
	Firm     string     `json:"firm"`
	Campaign string     `json:"campaign"`
	Fund     string     `json:"fund"`
	Document string     `json:"document"`
	SignedOn string     `json:"signed_on"`
	Amount   string     `json:"amount"`
	Received string     `json:"received"`
	GivenUp  string     `json:"given_up"`
	State    string     `json:"state"`
	Parts    []partJSON `json:"parts"`
}

var pledgeRecords = offline[giving.Pledge, pledgeJSON]{giving.PledgesBefore, giving.PledgeByID, func(r *giving.Pledge) uuid.UUID { return r.ID },
	func(c *call, p *places, r *giving.Pledge) (pledgeJSON, error) {
		slug, err := p.slug(c, r.CampaignID)
		if err != nil {
			return pledgeJSON{}, err
		}
		parts, err := giving.Parts(c.ctx(), p.q, c.book, r.ID)
		j := pledgeJSON{ID: r.ID.String(), Number: r.Number, Firm: r.Firm, Campaign: slug, Fund: p.funds[r.FundID], Document: r.Document, SignedOn: isoDay(r.SignedOn),
			Amount: c.shown(r.Amount), Received: c.shown(r.Received), GivenUp: c.shown(r.GivenUp), State: r.State, Parts: []partJSON{}}
		for _, part := range parts {
			j.Parts = append(j.Parts, partJSON{isoDay(part.Due), c.shown(part.Amount), c.shown(part.Received)})
		}
		return j, err
	}}

func (c *call) pledges() error { return pledgeRecords.page(c) }
func (c *call) pledge() error  { return pledgeRecords.one(c) }

// pledgeCreate records what a firm has promised in writing (E25a).
func (c *call) pledgeCreate() error {
	var in struct {
		Firm     string `json:"firm"`
		Campaign string `json:"campaign"`
		Document string `json:"document"`
		SignedOn string `json:"signed_on"`
		Amount   string `json:"amount"`
		Parts    []struct {
			Due    string `json:"due"`
			Amount string `json:"amount"`
		} `json:"parts"`
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	signed, err := c.pastDay("/signed_on", in.SignedOn)
	if err != nil {
		return err
	}
	amount, err := c.sum("/amount", in.Amount)
	if err != nil {
		return err
	}
	if len(in.Parts) > giving.PartsMax {
		return at{"/parts", fieldRules["offline.pledge.parts"]}
	}
	var parts []giving.Part
	for i, part := range in.Parts {
		due, ok := parseDay(part.Due)
		if !ok {
			return at{"/parts", badDay}
		}
		of, err := c.sum("/parts", part.Amount)
		if err != nil {
			return err
		}
		parts = append(parts, giving.Part{Part: int16(i + 1), Due: due, Amount: of})
	}
	to, err := c.place(in.Campaign)
	if err != nil {
		return err
	}
	return pledgeRecords.create(c, func(tx pgx.Tx, id uuid.UUID) (*giving.Move, error) {
		return giving.SignPledge(c.ctx(), tx, c.book, giving.Pledge{ID: id, Firm: in.Firm, CampaignID: to.campaign, Document: in.Document, SignedOn: signed, Amount: amount}, parts,
			giving.Contact{}, c.now)
	})
}

type lotJSON struct {
	ID         string `json:"id"`
	Number     int32  `json:"number"`
	Type       string `json:"type"`
	Title      string `json:"title"`
	Unit       string `json:"unit"`
	Pieces     int32  `json:"pieces"`
	Left       int32  `json:"left"`
	Campaign   string `json:"campaign"`
	Fund       string `json:"fund"`
	Firm       string `json:"firm,omitempty"`
	KeepsTitle bool   `json:"keeps_title"`
	ReceivedOn string `json:"received_on"`
	Place      string `json:"place,omitempty"`
	Basis      string `json:"basis"`
	Value      string `json:"value"`
	LeftValue  string `json:"left_value"`
	State      string `json:"state"`
}

var lotRecords = offline[giving.Lot, lotJSON]{giving.LotsBefore, giving.LotByID, func(r *giving.Lot) uuid.UUID { return r.ID },
	func(c *call, p *places, r *giving.Lot) (lotJSON, error) {
		slug, err := p.slug(c, r.CampaignID)
		return lotJSON{ID: r.ID.String(), Number: r.Number, Type: r.Kind, Title: r.Title, Unit: r.Unit, Pieces: r.Pieces, Left: r.Left, Campaign: slug, Fund: p.funds[r.FundID],
			Firm: r.Firm, KeepsTitle: r.KeepsTitle, ReceivedOn: isoDay(r.ReceivedOn), Place: r.Place, Basis: r.Basis, Value: c.shown(r.Value), LeftValue: c.shown(r.LeftValue - r.Impaired),
			State: r.State}, err
	}}

func (c *call) lots() error { return lotRecords.page(c) }
func (c *call) lot() error  { return lotRecords.one(c) }

// lotCreate takes a gift in kind in, without a value (E17).
func (c *call) lotCreate() error {
	var in struct {
		Type       string `json:"type"`
		Title      string `json:"title"`
		Unit       string `json:"unit"`
		Pieces     int32  `json:"pieces"`
		Campaign   string `json:"campaign"`
		Firm       string `json:"firm"`
		Person     string `json:"person"`
		KeepsTitle bool   `json:"keeps_title"`
		ReceivedOn string `json:"received_on"`
		Place      string `json:"place"`
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	day, err := c.pastDay("/received_on", in.ReceivedOn)
	if err != nil {
		return err
	}
	to, err := c.giver(in.Campaign, in.Firm, in.Person)
	if err != nil {
		return err
	}
	return lotRecords.create(c, func(tx pgx.Tx, id uuid.UUID) (*giving.Move, error) {
		return giving.ReceiveLot(c.ctx(), tx, c.book, giving.Lot{ID: id, Kind: in.Type, Title: in.Title, Unit: in.Unit, Pieces: in.Pieces, CampaignID: to.campaign, Firm: in.Firm,
			KeepsTitle: in.KeepsTitle, ReceivedOn: day, Place: in.Place}, in.Person, c.now)
	})
}

// giver checks the names of a record's giver and finds its campaign.
func (c *call) giver(campaign, firm, person string) (place, error) {
	for _, name := range [][2]string{{"/firm", firm}, {"/person", person}} {
		if !oneLine(name[1], 100) {
			return place{}, at{name[0], badText}
		}
	}
	return c.place(campaign)
}

type serviceJSON struct {
	ID       string `json:"id"`
	Day      string `json:"day"`
	What     string `json:"what"`
	Firm     string `json:"firm,omitempty"`
	Minutes  int32  `json:"minutes"`
	Campaign string `json:"campaign"`
	Fund     string `json:"fund"`
	Value    string `json:"value"`
	Document string `json:"document,omitempty"`
}

var serviceRecords = offline[giving.Service, serviceJSON]{giving.ServicesBefore, giving.ServiceByID, func(r *giving.Service) uuid.UUID { return r.ID },
	func(c *call, p *places, r *giving.Service) (serviceJSON, error) {
		slug, err := p.slug(c, r.CampaignID)
		return serviceJSON{ID: r.ID.String(), Day: isoDay(r.Day), What: r.What, Firm: r.Firm, Minutes: r.Minutes, Campaign: slug, Fund: p.funds[r.FundID], Value: c.shown(r.Value),
			Document: r.Document}, err
	}}

func (c *call) services() error { return serviceRecords.page(c) }
func (c *call) service() error  { return serviceRecords.one(c) }

// serviceCreate notes work given for nothing. Nothing is booked until two people have seen an invoice.
func (c *call) serviceCreate() error {
	var in struct {
		Day      string `json:"day"`
		What     string `json:"what"`
		Firm     string `json:"firm"`
		Person   string `json:"person"`
		Minutes  int32  `json:"minutes"`
		Campaign string `json:"campaign"`
	}
	if err := c.decode(&in); err != nil {
		return err
	}
	day, err := c.pastDay("/day", in.Day)
	if err != nil {
		return err
	}
	to, err := c.giver(in.Campaign, in.Firm, in.Person)
	if err != nil {
		return err
	}
	return serviceRecords.create(c, func(tx pgx.Tx, id uuid.UUID) (*giving.Move, error) {
		return giving.NoteService(c.ctx(), tx, c.book, giving.Service{ID: id, Day: day, What: in.What, Firm: in.Firm, Minutes: in.Minutes, CampaignID: to.campaign}, in.Person, c.now)
	})
}
