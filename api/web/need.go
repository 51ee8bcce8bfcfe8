package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/staff"
)

// Addresses of the desk on which a street sorts what is asked for and offered.
const (
	needsPath   = "/console/needs"
	pairsPath   = "/console/pairs"
	intentsPath = "/console/intents"
)

// needTabs lead between the lists of this place.
var needTabs = []struct{ key, href string }{{"need.tab.items", needsPath}, {"need.tab.pairs", pairsPath}, {"need.tab.intents", intentsPath}, {"need.tab.calls", callsPath}, {"need.tab.proposals", proposalsPath}}

func (v *visit) needNav(here string) (tabs []NavItem) {
	for _, tab := range needTabs {
		tabs = append(tabs, NavItem{Label: T(v.lang, tab.key), Href: tab.href, Here: tab.href == here})
	}
	return tabs
}

// needDesk starts a list of this place; its words stand under family.
func (v *visit) needDesk(family, here string) workPages {
	heading := T(v.lang, family+".heading")
	return workPages{Page: v.consolePage(heading, needsPath), Heading: heading, Lead: T(v.lang, family+".lead"), Here: here, Tabs: v.needNav(here), Empty: Empty{Text: T(v.lang, family+".none")}}
}

func (v *visit) needRecord(heading, here string, wrong Errors, path string) recordView {
	view := recordView{Page: v.consolePage(heading, needsPath), Heading: heading, Tabs: v.needNav(here)}
	view.Errors, view.Path = wrong, path
	return view
}

// need reads an item in this person's sight: of her streets, or offered to all streets.
func (v *visit) need(q pg.Querier, id uuid.UUID) (*needs.Item, error) {
	i, err := needs.ByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if all, streets := v.who.Streets(); !all && !slices.Contains(streets, i.StreetID) && (i.StreetID != 0 || !i.Shown()) {
		return nil, needs.ErrNoItem
	}
	return i, nil
}

// sorts tells whether this person decides about an item: of her street, or of all streets for those who see all.
func (v *visit) sorts(i *needs.Item) bool {
	all, streets := v.who.Streets()
	return all || slices.Contains(streets, i.StreetID)
}

// needExists is nil when there is such a record in sight, for its papers.
func (v *visit) needExists(kind string, id uuid.UUID) (err error) {
	if !v.who.May(staff.NeedRead) {
		return giving.ErrNoRecord
	}
	switch kind {
	case "intent":
		_, _, err = v.intent(v.s.DB, id)
	case "call":
		_, err = v.call(v.s.DB, id)
	case "proposal":
		_, err = v.proposal(v.s.DB, id)
	default:
		_, err = v.need(v.s.DB, id)
	}
	return err
}

// needDeskList is the inbox and the three books of the streets in sight.
func (v *visit) needDeskList() error {
	view := v.needDesk("need.desk", needsPath)
	filter := needs.Filter{Filed: true}
	filter.All, filter.Streets = v.who.Streets()
	var err error
	if filter.Search, err = view.search(v, "need.search"); err != nil {
		return err
	}
	book, err := view.choose(v, "kind", "need.book", "need.book", needBooks()...)
	if err != nil {
		return err
	}
	if book != "" {
		filter.Books = []string{book}
	}
	if filter.State, err = view.choose(v, "state", "person.state", "need.state", needs.Filed, needs.Listed, needs.Taken, needs.Done, needs.Answered, needs.Merged); err != nil {
		return err
	}
	if filter.Theme, err = view.choose(v, "theme", "need.theme", "need.theme", needs.Themes()...); err != nil {
		return err
	}
	streets, err := v.streets()
	if err != nil {
		return err
	}
	communities, err := v.communityNames()
	if err != nil {
		return err
	}
	view.Grid.Heads = v.heads("need.number", "need.title", "need.book", "need.theme", "need.place", "person.state", "#need.people", "#need.amount", "#need.supporters", "need.filed")
	if v.who.May(staff.NeedWrite) {
		view.Links = []Link{{T(v.lang, "act.need-enter"), needsPath + "/new"}}
		view.Empty.Action = &view.Links[0]
	}
	return showAll(v, &view, "needs", v.turned(), listed[needs.Item, int32]{needs.ListMax, func(before int32) ([]needs.Item, error) {
		filter.Before = before
		return needs.Find(v.ctx(), v.db(), v.book, filter)
	}, func(i *needs.Item) int32 { return i.Number }, func(list []needs.Item) (rows [][]cell, err error) {
		for n := range list {
			i := &list[n]
			row := []cell{{Text: i.Name(), Href: needsPath + "/" + i.ID.String()}, textCell(i.Title), {Text: T(v.lang, "need.book."+i.Book)}, {Text: T(v.lang, "need.theme."+i.Theme)},
				textCell(v.needPlace(i, streets, communities)), v.needState(i), {}, {}, {Text: Count(i.Supporters)}, dayCell(v.book.Day(i.FiledAt))}
			if i.People > 0 {
				row[6] = cell{Text: Count(int64(i.People))}
			}
			if i.Amount > 0 {
				row[7] = v.sumCell(i.Amount)
			}
			rows = append(rows, row)
		}
		return rows, nil
	}})
}

// needPlaces offers streets in sight and their communities: "2", "2/7", and "0" for every street where all is set.
func (v *visit) needPlaces() ([]Option, error) {
	streets, err := v.streetOptions()
	if err != nil {
		return nil, err
	}
	communities, err := v.communities()
	if err != nil {
		return nil, err
	}
	options := []Option{{Label: T(v.lang, "offline.choose")}}
	for _, s := range streets {
		options = append(options, s)
		for i := range communities {
			if c := &communities[i]; strconv.Itoa(int(c.StreetID)) == s.Value {
				options = append(options, Option{Value: s.Value + "/" + strconv.Itoa(int(c.ID)), Label: s.Label + " · " + c.Name(string(v.lang))})
			}
		}
	}
	if all, _ := v.who.Streets(); all {
		options = append(options, Option{Value: "0", Label: T(v.lang, "need.street.every")})
	}
	return options, nil
}

// placeOf reads what needPlaces offered.
func placeOf(text string) (street int32, community *int32) {
	first, second, ok := strings.Cut(text, "/")
	n, err := strconv.ParseInt(first, 10, 32)
	if err != nil {
		return 0, nil
	}
	if c, err := strconv.ParseInt(second, 10, 32); ok && err == nil {
		id := int32(c)
		community = &id
	}
	return int32(n), community
}

// needEnter is what staff write down for others: it is shown at once.
func (v *visit) needEnter() (act, error) {
	places, err := v.needPlaces()
	if err != nil {
		return act{}, err
	}
	return act{name: "need-enter", needs: staff.NeedWrite, to: needsPath + "/", blanks: []blank{
		{name: "book", label: "need.book", kind: "select", options: v.choices("need.book", needBooks()...)}, {name: "title", label: "need.title", max: 60},
		{name: "theme", label: "need.theme", kind: "select", options: v.choices("need.theme", needs.Themes()...)}, {name: "street", label: "need.place", hint: "need.place.hint", kind: "select", options: places},
		{name: "place", label: "need.where", hint: "need.where.hint", max: 100, optional: true}, {name: "story", label: "need.story", kind: "area", max: 1000, optional: true},
		{name: "people", label: "need.people", hint: "need.people.hint", kind: "number", optional: true}, {name: "amount", label: "need.amount", hint: "need.amount.hint", kind: "amount", optional: true},
		{name: "firm", label: "need.firm", hint: "need.firm.hint", max: 100, optional: true}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			i := needs.Item{ID: id, Book: in["book"], Title: in["title"], Theme: in["theme"], Story: in["story"], Place: in["place"], People: int32(in.number("people")), Firm: in["firm"]}
			if in["amount"] != "" {
				i.Amount = in.sum("amount", v.book)
			}
			i.StreetID, i.CommunityID = placeOf(in["street"])
			return needs.Enter(v.book, i, v.now)
		}}, nil
}

func (v *visit) needDeskForm() error { return v.needDeskFormAgain(http.StatusOK, nil) }

func (v *visit) needDeskFormAgain(status int, wrong Errors) error {
	enter, err := v.needEnter()
	if err != nil {
		return err
	}
	view := v.needRecord(T(v.lang, "act.need-enter"), needsPath, wrong, needsPath+"/new")
	view.Lead = T(v.lang, "need.enter.lead")
	if err := v.offer(&view, needsPath, enter); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) needCreate() error {
	enter, err := v.needEnter()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, needsPath+"/new", v.needDeskFormAgain, enter)
}

// needParam is the item of the address.
func (v *visit) needParam() (*needs.Item, error) {
	id, err := v.recordParam()
	if err != nil {
		return nil, needs.ErrNoItem
	}
	return v.need(v.s.DB, id)
}

func ofNeed(plan func(v *visit, q pg.Querier, i *needs.Item, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		i, err := v.need(q, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, i, in)
	}
}

// needActs are the steps that may follow, the likeliest first.
func (v *visit) needActs(i *needs.Item) (acts []act, err error) {
	if !v.sorts(i) {
		return nil, nil
	}
	answer := blank{name: "answer", label: "need.answer", hint: "need.answer.hint", kind: "area", max: 400}
	reply := func(name, state string) act {
		return act{name: name, needs: staff.NeedWrite, danger: state == needs.Answered, blanks: []blank{answer}, plan: ofNeed(func(v *visit, _ pg.Querier, i *needs.Item, in inputs) (*giving.Move, error) {
			return needs.Reply(v.book, i, state, in["answer"])
		})}
	}
	switch i.State {
	case needs.Filed:
		acts = append(acts, act{name: "need-list", needs: staff.NeedWrite, plan: ofNeed(func(v *visit, _ pg.Querier, i *needs.Item, _ inputs) (*giving.Move, error) {
			return needs.List(v.book, i)
		})})
	case needs.Listed:
		if i.Book == needs.Need || i.Book == needs.Idea {
			link, err := v.intentSign(i)
			if err != nil {
				return nil, err
			}
			acts = append(acts, link)
		}
	case needs.Taken:
		return []act{reply("need-finish", needs.Done)}, nil
	default:
		return nil, nil
	}
	merge, err := v.needMerge(i)
	if err != nil {
		return nil, err
	}
	acts = append(acts, merge...)
	acts = append(acts, reply("need-refuse", needs.Answered))
	if i.State == needs.Listed {
		acts = append(acts, reply("need-finish", needs.Done))
	}
	return acts, nil
}

// needMerge offers the listed items that this may be put into: those of its theme first.
func (v *visit) needMerge(i *needs.Item) ([]act, error) {
	list, err := needs.Find(v.ctx(), v.s.DB, v.book, needs.Filter{Streets: []int32{i.StreetID}, Books: []string{i.Book}, State: needs.Listed, Limit: 200})
	if err != nil {
		return nil, err
	}
	var same, others []Option
	for n := range list {
		o := Option{Value: list[n].ID.String(), Label: list[n].Name() + " " + list[n].Title}
		switch {
		case list[n].ID == i.ID || list[n].StreetID != i.StreetID:
		case list[n].Theme == i.Theme:
			same = append(same, o)
		default:
			others = append(others, o)
		}
	}
	if same = append(same, others...); len(same) == 0 {
		return nil, nil
	}
	return []act{{name: "need-merge", needs: staff.NeedWrite, blanks: []blank{{name: "into", label: "need.into", kind: "select", options: same}}, plan: ofNeed(func(v *visit, q pg.Querier, i *needs.Item, in inputs) (*giving.Move, error) {
		into, err := v.need(q, in.id("into"))
		if err != nil {
			return nil, err
		}
		return needs.Merge(v.book, i, into)
	})}}, nil
}

// needDeskShow is an item with its photos, what suits it, its intents and its history.
func (v *visit) needDeskShow() error { return v.needDeskAgain(http.StatusOK, nil) }

func (v *visit) needDeskAgain(status int, wrong Errors) error {
	i, err := v.needParam()
	if err != nil {
		return err
	}
	here := needsPath + "/" + i.ID.String()
	view := v.needRecord(i.Name()+" "+i.Title, needsPath, wrong, here)
	state := v.needState(i)
	view.Status, view.State, view.Lead, view.Story = state.Tag, state.Text, T(v.lang, "need.next."+i.State), i.Story
	streets, err := v.streets()
	if err != nil {
		return err
	}
	communities, err := v.communityNames()
	if err != nil {
		return err
	}
	view.Facts = v.needFacts(i, streets, communities)
	if i.Answer != "" {
		view.Facts = append(view.Facts, v.fact("need.answer", i.Answer))
	}
	if v.who.May(staff.ProjectRead) {
		became, err := v.needProjects(i)
		if err != nil {
			return err
		}
		for _, p := range became {
			view.Facts = append(view.Facts, Fact{Term: T(v.lang, "contract.project"), Value: p.Name() + " " + p.Title, Href: projectsPath + "/" + p.ID.String()})
		}
	}
	if i.Shown() {
		view.Links = []Link{{T(v.lang, "need.public"), needHref(i)}}
	}
	if i.MergedInto != nil {
		view.Links = append(view.Links, Link{T(v.lang, "need.merged.into"), needsPath + "/" + i.MergedInto.String()})
	}
	if i.PayeeID != nil && v.who.May(staff.ProjectRead) {
		view.Links = append(view.Links, Link{T(v.lang, "need.firm.directory"), payeesPath + "/" + i.PayeeID.String()})
	}
	if err := v.needContact(&view, i); err != nil {
		return err
	}
	if view.Photos, err = v.photoViews(i, here); err != nil {
		return err
	}
	if v.sorts(i) && v.who.May(staff.NeedWrite) && len(view.Photos) < needs.PhotosMax && (i.State == needs.Filed || i.State == needs.Listed) {
		view.Upload = &uploadView{Words: "need.photo", Action: here + "/photo", Form: newForm(), Most: paperSize(needs.PhotoMax), Accept: "image/jpeg,image/png"}
	}
	if err := v.needGrids(&view, i); err != nil {
		return err
	}
	acts, err := v.needActs(i)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, acts...); err != nil {
		return err
	}
	return v.showRecord(view, i.Object(), status)
}

// needContact shows the number of whoever asked, to those who answer for that street. Each look at it is on the trail.
func (v *visit) needContact(view *recordView, i *needs.Item) error {
	if i.Resident == nil || !v.sorts(i) || !v.who.May(staff.NeedWrite) {
		return nil
	}
	number, err := residents.Number(v.ctx(), v.s.DB, v.book, *i.Resident)
	if err != nil || number == "" {
		view.Facts = append(view.Facts, v.fact("need.contact", T(v.lang, "need.contact.none")))
		return err
	}
	view.Facts = append(view.Facts, v.fact("need.contact", number))
	return pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "need.contact", Object: i.Object()})
	})
}

func (v *visit) needStep() error {
	i, err := v.needParam()
	if err != nil {
		return err
	}
	acts, err := v.needActs(i)
	if err != nil {
		return err
	}
	return v.perform(i.ID, needsPath+"/"+i.ID.String(), v.needDeskAgain, acts...)
}

// needDeskPhoto hands a photo out to whoever sees the item.
func (v *visit) needDeskPhoto() error {
	i, err := v.needParam()
	if err != nil {
		return err
	}
	return v.photoOf(i, false)
}

// needPhotoAdd puts a photo that staff took beside an item; it is drawn anew as residents' are.
func (v *visit) needPhotoAdd() error {
	i, err := v.needParam()
	if err != nil {
		return err
	}
	if !v.sorts(i) || i.State != needs.Filed && i.State != needs.Listed {
		return giving.ErrStep
	}
	return v.photosAdded(v.needDeskAgain, func(tx pgx.Tx, photo []byte) error { return needs.AddPhoto(v.ctx(), tx, v.book, i, photo) },
		staff.Event{What: "need.photo", Object: i.Object()}, needsPath+"/"+i.ID.String())
}
