package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/staff"
)

// communitiesPath lists the communities of streets in sight.
const communitiesPath = "/console/communities"

// communities are those in this person's sight.
func (v *visit) communities() ([]residents.Community, error) {
	all, streets := v.who.Streets()
	return residents.Communities(v.ctx(), v.s.DB, v.book, all, streets)
}

// community is that of the address; one of another street is as one that is not there.
func (v *visit) community() (*residents.Community, error) {
	id, err := strconv.ParseInt(v.Param("community"), 10, 32)
	if err != nil {
		return nil, residents.ErrNoCommunity
	}
	c, err := residents.CommunityByID(v.ctx(), v.s.DB, v.book, int32(id))
	if err != nil {
		return nil, err
	}
	if all, streets := v.who.Streets(); !all && !slices.Contains(streets, c.StreetID) {
		return nil, residents.ErrNoCommunity
	}
	return c, nil
}

// streetOptions are the streets that this person works for.
func (v *visit) streetOptions() ([]Option, error) {
	all, mine := v.who.Streets()
	return v.streetsWhere(func(id int32) bool { return all || slices.Contains(mine, id) })
}

// allStreets are the streets of the book.
func (v *visit) allStreets() ([]Option, error) {
	return v.streetsWhere(func(int32) bool { return true })
}

func (v *visit) streetsWhere(wanted func(id int32) bool) (options []Option, err error) {
	list, err := ledger.Streets(v.ctx(), v.s.DB, v.book)
	for _, s := range list {
		if wanted(s.ID) {
			options = append(options, Option{Value: strconv.Itoa(int(s.ID)), Label: s.Name(string(v.lang))})
		}
	}
	return options, err
}

func (v *visit) communityList() error { return v.communitiesAgain(http.StatusOK, nil) }

func (v *visit) communitiesAgain(status int, wrong Errors) error {
	view := recordView{Page: v.consolePage(T(v.lang, "place.communities"), communitiesPath), Heading: T(v.lang, "place.communities"), Lead: T(v.lang, "community.lead")}
	view.Errors, view.Path = wrong, communitiesPath
	list, err := v.communities()
	if err != nil {
		return err
	}
	streets, err := v.streets()
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "community.list"), Empty: T(v.lang, "community.none"), Heads: v.heads("community.name", "community.code", "subsidy.street", "#community.slips", "#community.numbers")}
	for i := range list {
		c := &list[i]
		slips, numbers, err := residents.Count(v.ctx(), v.s.DB, v.book, c)
		if err != nil {
			return err
		}
		g.Rows = append(g.Rows, []cell{{Text: c.Name(string(v.lang)), Href: communitiesPath + "/" + strconv.Itoa(int(c.ID)), User: true}, {Text: c.Code}, textCell(streets[c.StreetID]),
			{Text: Count(slips)}, {Text: Count(numbers)}})
	}
	view.Grids = []grid{g}
	found, err := v.communityFound()
	if err != nil {
		return err
	}
	if err := v.offer(&view, communitiesPath, found); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) communityFound() (act, error) {
	streets, err := v.streetOptions()
	return act{name: "community-found", needs: staff.VoteWrite, blanks: []blank{{name: "zh", label: "streets.name.zh", max: 60}, {name: "en", label: "streets.name.en", max: 60},
		{name: "code", label: "community.code", hint: "community.code.hint", max: 20}, {name: "street", label: "subsidy.street", kind: "select", options: streets}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			return residents.Found(v.book, id, residents.Community{StreetID: int32(in.number("street")), Code: in["code"], NameZH: in["zh"], NameEN: in["en"]})
		}}, err
}

// communityCreate writes a community down.
func (v *visit) communityCreate() error {
	found, err := v.communityFound()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, communitiesPath, v.communitiesAgain, found)
}

// communityActs are done at once and show what is shown only once; they have no plan.
func (v *visit) communityActs() []act {
	return []act{
		{name: "resident-verify", needs: staff.VoteWrite, blanks: []blank{{name: "phone", label: "resident.phone", hint: "resident.phone.hint", max: 30}}},
		{name: "resident-slips", needs: staff.VoteWrite, blanks: []blank{{name: "count", label: "resident.slips.count", hint: "resident.slips.hint", kind: "number", value: "20"}}},
		{name: "resident-withdraw", needs: staff.VoteWrite, danger: true, blanks: []blank{{name: "known", label: "resident.known", hint: "resident.known.hint", max: 40}}},
	}
}

func (v *visit) communityShow() error { return v.communityAgain(http.StatusOK, nil) }

func (v *visit) communityAgain(status int, wrong Errors) error {
	c, err := v.community()
	if err != nil {
		return err
	}
	slips, numbers, err := residents.Count(v.ctx(), v.s.DB, v.book, c)
	if err != nil {
		return err
	}
	here := communitiesPath + "/" + strconv.Itoa(int(c.ID))
	view := recordView{Page: v.consolePage(c.Name(string(v.lang)), communitiesPath), Heading: c.Name(string(v.lang)), Lead: T(v.lang, "community.show.lead")}
	view.Errors, view.Path = wrong, here
	view.Facts = []Fact{v.fact("community.code", c.Code), v.fact("community.slips", Count(slips)), v.fact("community.numbers", Count(numbers)), v.fact("community.address", v.origin()+residentPath)}
	if err := v.offer(&view, here, v.communityActs()...); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

type slipsView struct {
	Page
	What, Hint, Address string
	Codes               []string
	Back                Link
}

// communityStep gives out codes, or takes one back. Codes are shown on the answer alone.
func (v *visit) communityStep() error {
	c, err := v.community()
	if err != nil {
		return err
	}
	var a act
	for _, one := range v.communityActs() {
		if one.name == v.FormValue("act") {
			a = one
		}
	}
	if a.name == "" {
		return giving.ErrStep
	}
	in, wrong := v.readBlanks(a)
	if len(wrong) > 0 {
		return v.communityAgain(http.StatusUnprocessableEntity, wrong)
	}
	here := Link{c.Name(string(v.lang)), communitiesPath + "/" + strconv.Itoa(int(c.ID))}
	view := slipsView{Page: v.consolePage(T(v.lang, "act."+a.name), communitiesPath), Address: v.origin() + residentPath, Back: here}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		detail := map[string]any{"codes": 1}
		switch a.name {
		case "resident-slips":
			view.Hint = T(v.lang, "resident.slips.once")
			view.Codes, err = residents.Slips(v.ctx(), tx, v.book, c, in.number("count"), v.who.Person.ID, rand.Reader, v.now)
			detail["codes"] = len(view.Codes)
		case "resident-verify":
			code, again, failed := residents.Verify(v.ctx(), tx, v.book, c, in["phone"], v.who.Person.ID, rand.Reader, v.now)
			view.Codes, view.Hint, err = []string{code}, T(v.lang, "resident.verify.once"), failed
			if again {
				view.What = T(v.lang, "resident.verify.again")
			}
		case "resident-withdraw":
			r, failed := residents.Find(v.ctx(), tx, v.book, in["known"])
			if failed != nil || r.CommunityID != c.ID {
				return residents.ErrNoCode
			}
			err = residents.Withdraw(v.ctx(), tx, v.book, r.ID, v.now)
		}
		if err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "resident." + a.name[len("resident-"):], Object: "community:" + c.Code, Detail: detail})
	})
	for refusal, field := range map[error]string{residents.ErrNumber: "phone", residents.ErrElsewhere: "phone", residents.ErrNoCode: "known"} {
		if errors.Is(err, refusal) {
			return v.communityAgain(http.StatusUnprocessableEntity, Errors{{a.name + "-" + field, problem.Of(refusal).Title(string(v.lang))}})
		}
	}
	if err != nil {
		return err
	}
	if len(view.Codes) == 0 {
		return v.see(here.Href)
	}
	v.private()
	return v.s.render.Render(v.Response(), http.StatusOK, "console/slips", view)
}
