package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/staff"
)

// Addresses of the three books that everybody reads. needFormPath takes photos.
const (
	needsPublicPath = "/needs"
	needFormPath    = "/needs/new"
)

// needPhotosMost is how large a form with photos may be, in bytes.
const needPhotosMost = needs.PhotosMax*needs.PhotoMax + formMax

func needHref(i *needs.Item) string { return needsPublicPath + "/" + strconv.Itoa(int(i.Number)) }

type needListView struct {
	Page
	Search, Kind, Theme, Street string
	Kinds, Themes, Streets      []Option
	Cards, Mine                 []needCard
	First, Next                 string
	Empty                       Empty
}

type needCard struct {
	Href, Name, Title, What, Place string
	State                          cell
	Supporters                     int64
}

// needBooks are the books in the order in which a list offers them.
func needBooks() []string { return []string{needs.Need, needs.Idea, needs.Offer, needs.Means} }

// needState says where an item stands.
func (v *visit) needState(i *needs.Item) cell {
	tag := map[string]string{needs.Filed: "waiting", needs.Listed: "good", needs.Merged: "held", needs.Answered: "reversed", needs.Taken: "waiting", needs.Done: "done"}[i.State]
	return cell{Text: T(v.lang, "need.state."+i.State), Tag: tag}
}

// needPlace is the street, the community and the place that was written.
func (v *visit) needPlace(i *needs.Item, streets map[int32]string, communities map[int32]string) string {
	text := T(v.lang, "need.street.every")
	if i.StreetID != 0 {
		text = streets[i.StreetID]
	}
	if i.CommunityID != nil {
		text += " · " + communities[*i.CommunityID]
	}
	if i.Place != "" {
		text += " · " + i.Place
	}
	return text
}

// communityNames are those of the whole book: the public reads the needs of all.
func (v *visit) communityNames() (map[int32]string, error) {
	list, err := residents.Communities(v.ctx(), v.s.DB, v.book, true, nil)
	names := make(map[int32]string, len(list))
	for i := range list {
		names[list[i].ID] = list[i].Name(string(v.lang))
	}
	return names, err
}

func (v *visit) needCards(list []needs.Item) (cards []needCard, err error) {
	streets, err := v.streets()
	if err != nil {
		return nil, err
	}
	communities, err := v.communityNames()
	if err != nil {
		return nil, err
	}
	for n := range list {
		i := &list[n]
		cards = append(cards, needCard{Href: needHref(i), Name: i.Name(), Title: i.Title, What: T(v.lang, "need.book."+i.Book) + " · " + T(v.lang, "need.theme."+i.Theme), Place: v.needPlace(i, streets, communities),
			State: v.needState(i), Supporters: i.Supporters})
	}
	return cards, nil
}

// needList answers /needs: what residents ask for, and what organisations and others offer.
func (v *visit) needList() error {
	before, err := cursorID(v.QueryParam("before"))
	if err != nil {
		return err
	}
	view := needListView{Page: v.page(T(v.lang, "need.public.heading")), Search: oneLine(v.queried("q"), 60), Empty: Empty{Text: T(v.lang, "need.none")}}
	view.Filtered = v.filtered()
	filter := needs.Filter{All: true, Search: view.Search, Before: before}
	if view.Kind, view.Kinds = v.pick("kind", "need.book", needBooks()...); view.Kind != "" {
		filter.Books = []string{view.Kind}
	}
	view.Theme, view.Themes = v.pick("theme", "need.theme", needs.Themes()...)
	filter.Theme = view.Theme
	streets, err := v.streets()
	if err != nil {
		return err
	}
	places, err := v.allStreets()
	if err != nil {
		return err
	}
	view.Streets = append([]Option{{Label: T(v.lang, "filter.all")}}, places...)
	if street := v.number("street"); streets[street] != "" {
		view.Street, filter.All, filter.Streets = strconv.Itoa(int(street)), false, []int32{street}
	}
	list, err := needs.Find(v.ctx(), v.s.DB, v.book, filter)
	if err != nil {
		return err
	}
	if len(list) > needs.ListMax {
		list = list[:needs.ListMax]
		view.Next = v.with("before", strconv.Itoa(int(list[len(list)-1].Number)))
	}
	view.First = v.firstPage("before", before != 0)
	if view.Cards, err = v.needCards(list); err != nil {
		return err
	}
	if err := v.needsMine(&view); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/need_list", view)
}

// needsMine adds what the resident of this browser has filed, what is not sorted yet as well.
func (v *visit) needsMine(view *needListView) error {
	r, err := v.resident(v.s.DB)
	if errors.Is(err, residents.ErrNoSession) {
		return nil
	}
	if err != nil {
		return err
	}
	v.private()
	mine, err := needs.Find(v.ctx(), v.s.DB, v.book, needs.Filter{All: true, Filed: true, Resident: &r.ID, Limit: 20})
	if err != nil {
		return err
	}
	view.Mine, err = v.needCards(mine)
	return err
}

type needFormView struct {
	Page
	Form, Community                         string
	Kind, Theme, Name, Story, People, Place string
	Kinds, Themes                           []Option
	Most                                    string
}

// needForm answers /needs/new for whoever has entered a code.
func (v *visit) needForm() error { return v.needFormAgain(http.StatusOK, nil) }

func (v *visit) needFormAgain(status int, wrong Errors) error {
	v.private()
	r, err := v.resident(v.s.DB)
	if errors.Is(err, residents.ErrNoSession) {
		return v.see(residentPath + "?next=" + needFormPath)
	}
	if err != nil {
		return err
	}
	c, err := residents.CommunityByID(v.ctx(), v.s.DB, v.book, r.CommunityID)
	if err != nil {
		return err
	}
	view := needFormView{Page: v.page(T(v.lang, "need.file")), Community: c.Name(string(v.lang)), Form: newForm(), Most: paperSize(needs.PhotoMax), Kind: needs.Need}
	view.Errors, view.Path = wrong, needFormPath
	view.Crumbs = []Link{{view.T("need.public.heading"), needsPublicPath}, {Label: view.Title}}
	for _, kind := range []string{needs.Need, needs.Idea} {
		view.Kinds = append(view.Kinds, Option{Value: kind, Label: view.T("need.book." + kind), Hint: view.T("need.book." + kind + ".hint")})
	}
	view.Themes = append([]Option{{Label: view.T("offline.choose")}}, v.choices("need.theme", needs.Themes()...)...)
	if len(wrong) > 0 {
		form, err := v.formID()
		if err != nil {
			return err
		}
		view.Form, view.Kind, view.Theme, view.Name = form.String(), v.typed("kind", 10), v.typed("theme", 20), v.typed("title", 200)
		view.Story, view.Place, view.People = v.FormValue("story"), v.typed("place", 100), v.typed("people", 10)
	}
	return v.s.render.Render(v.Response(), status, "public/need_form", view)
}

// needFile takes a need or an idea in, with photos drawn anew.
func (v *visit) needFile() error {
	v.private()
	r, err := v.resident(v.s.DB)
	if errors.Is(err, residents.ErrNoSession) {
		return v.see(residentPath + "?next=" + needFormPath)
	}
	if err != nil {
		return err
	}
	if err := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.NeedForm, r.ID.String(), v.ip(), v.now); err != nil {
		return err
	}
	photos, wrong, err := v.photos("photo")
	if err != nil {
		return err
	}
	form, err := v.formID()
	if err != nil {
		return err
	}
	item := needs.Item{ID: form, Book: v.typed("kind", 10), Theme: v.typed("theme", 20), Title: v.typed("title", 61), Story: oneLine(v.FormValue("story"), 1001), Place: v.typed("place", 101)}
	if text := v.typed("people", 10); text != "" {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			wrong.Add("people", T(v.lang, "offline.number.wrong"))
		}
		item.People = int32(max(n, 0))
	}
	var filed *needs.Item
	if len(wrong) == 0 {
		err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) (err error) {
			filed, err = needs.File(v.ctx(), tx, v.book, r, item, photos, v.now)
			return err
		})
		wrong = v.layoutWrong(err)
	}
	if len(wrong) > 0 {
		return v.needFormAgain(http.StatusUnprocessableEntity, wrong)
	}
	if err != nil {
		return err
	}
	return v.see(needHref(filed) + "?filed=1")
}

type needView struct {
	Page
	Heading, Here, Story, Answer string
	State                        cell
	Facts                        []Fact
	Photos                       []photoView
	Into                         *Link  // the one that this was merged into
	Next                         string // what happens now
	Projects                     []Link // what became of it
	Filed, Supported, May        bool
	Ask                          string // where a code is entered to support it
	Form                         string
	Similar                      []needCard
}

// needProjects are the projects that answer a need.
func (v *visit) needProjects(i *needs.Item) (list []*projects.Project, err error) {
	awarded, err := calls.Answering(v.ctx(), v.s.DB, v.book, i.ID)
	if err != nil {
		return nil, err
	}
	became, err := v.becameProjects(awarded)
	for n := range awarded {
		if p := became[*awarded[n].ProjectID]; p != nil {
			list = append(list, p)
		}
	}
	return list, err
}

// becameProjects are the projects that proposals have become.
func (v *visit) becameProjects(list []calls.Proposal) (map[uuid.UUID]*projects.Project, error) {
	var ids []uuid.UUID
	for n := range list {
		if id := list[n].ProjectID; id != nil {
			ids = append(ids, *id)
		}
	}
	return projects.ProjectsByID(v.ctx(), v.s.DB, v.book, ids)
}

// photoView is a photo on a page.
type photoView struct{ Src, Alt string }

// photoViews are the photos of an item whose page is at here.
func (v *visit) photoViews(i *needs.Item, here string) (views []photoView, err error) {
	photos, err := needs.Photos(v.ctx(), v.s.DB, v.book, i)
	for n := range photos {
		views = append(views, photoView{fmt.Sprintf("%s/photo?n=%d", here, n), T(v.lang, "need.photo.alt", n+1)})
	}
	return views, err
}

// needOfNumber reads an item that the public may read, or that the resident of this browser filed.
func (v *visit) needOfNumber(q pg.Querier) (*needs.Item, *residents.Resident, error) {
	n, err := strconv.ParseInt(v.Param("number"), 10, 32)
	if err != nil {
		return nil, nil, needs.ErrNoItem
	}
	i, err := needs.ByNumber(v.ctx(), q, v.book, int32(n))
	if err != nil {
		return nil, nil, err
	}
	r, err := v.resident(q)
	if err != nil && !errors.Is(err, residents.ErrNoSession) {
		return nil, nil, err
	}
	if !i.Shown() && (r == nil || i.Resident == nil || *i.Resident != r.ID) {
		return nil, nil, needs.ErrNoItem
	}
	return i, r, nil
}

// needShow answers /needs/{number}: what is asked for, where it stands, and what the street answered.
func (v *visit) needShow() error {
	i, r, err := v.needOfNumber(v.s.DB)
	if err != nil {
		return err
	}
	v.private()
	view := needView{Page: v.page(i.Name() + " " + i.Title), Heading: i.Title, Here: needHref(i), Story: i.Story, Answer: i.Answer, State: v.needState(i), Form: newForm(), Filed: v.QueryParam("filed") == "1"}
	view.Crumbs = []Link{{view.T("need.public.heading"), needsPublicPath}, {Label: i.Name()}}
	view.Next = T(v.lang, "need.public.next."+i.State)
	streets, err := v.streets()
	if err != nil {
		return err
	}
	communities, err := v.communityNames()
	if err != nil {
		return err
	}
	view.Facts = v.needFacts(i, streets, communities)
	became, err := v.needProjects(i)
	if err != nil {
		return err
	}
	for _, p := range became {
		view.Projects = append(view.Projects, Link{T(v.lang, "need.project.link", p.Name()+" "+p.Title), projectHref(p)})
	}
	if view.Photos, err = v.photoViews(i, view.Here); err != nil {
		return err
	}
	if i.MergedInto != nil {
		into, err := needs.ByID(v.ctx(), v.s.DB, v.book, *i.MergedInto)
		if err != nil {
			return err
		}
		view.Into = &Link{into.Name() + " " + into.Title, needHref(into)}
	}
	wanted := i.State == needs.Listed && (i.Book == needs.Need || i.Book == needs.Idea)
	if r != nil {
		if view.Supported, err = i.SupportedBy(v.ctx(), v.s.DB, v.book, r); err != nil {
			return err
		}
	}
	view.May = wanted && r != nil && !view.Supported && (i.Resident == nil || *i.Resident != r.ID)
	if wanted && r == nil {
		view.Ask = residentPath + "?next=" + view.Here
	}
	if view.Similar, err = v.needSimilar(i); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/need", view)
}

// needFacts are what everybody may know of an item.
func (v *visit) needFacts(i *needs.Item, streets, communities map[int32]string) []Fact {
	facts := []Fact{v.fact("need.number", i.Name()), v.fact("need.book", T(v.lang, "need.book."+i.Book)), v.fact("need.theme", T(v.lang, "need.theme."+i.Theme)),
		v.fact("need.place", v.needPlace(i, streets, communities))}
	if i.Firm != "" {
		facts = append(facts, v.fact("need.firm", i.Firm))
	}
	if i.People > 0 {
		facts = append(facts, v.fact("need.people", Count(int64(i.People))))
	}
	if i.Amount > 0 {
		facts = append(facts, v.sumFact("need.amount", i.Amount))
	}
	if i.Book == needs.Need || i.Book == needs.Idea {
		facts = append(facts, v.fact("need.supporters", Count(i.Supporters)))
	}
	return append(facts, v.fact("need.filed", Day(v.lang, v.book.Day(i.FiledAt))))
}

// needSimilar are other listed items of the same theme and community, to support instead of asking twice.
func (v *visit) needSimilar(i *needs.Item) ([]needCard, error) {
	if i.CommunityID == nil || i.State != needs.Filed {
		return nil, nil
	}
	list, err := needs.Find(v.ctx(), v.s.DB, v.book, needs.Filter{All: true, Books: []string{i.Book}, State: needs.Listed, Theme: i.Theme, Community: *i.CommunityID, Limit: 3})
	if err != nil {
		return nil, err
	}
	return v.needCards(list)
}

// needSupport notes that a resident wants it too.
func (v *visit) needSupport() error {
	i, r, err := v.needOfNumber(v.s.DB)
	if err != nil {
		return err
	}
	if r == nil {
		return v.see(residentPath + "?next=" + needHref(i))
	}
	if err := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.NeedForm, r.ID.String(), v.ip(), v.now); err != nil {
		return err
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return needs.Support(v.ctx(), tx, v.book, r, i) })
	if err != nil && !errors.Is(err, needs.ErrSupported) {
		return err
	}
	return v.see(needHref(i) + "?supported=1")
}

// needPhoto hands a photo of an item out.
func (v *visit) needPhoto() error {
	i, _, err := v.needOfNumber(v.s.DB)
	if err != nil {
		return err
	}
	return v.photoOf(i, i.Shown())
}

func (v *visit) photoOf(i *needs.Item, public bool) error {
	hashes, err := needs.Photos(v.ctx(), v.s.DB, v.book, i)
	if err != nil {
		return err
	}
	n := int(v.number("n"))
	if n < 0 || n >= len(hashes) {
		return needs.ErrNoItem
	}
	body, err := needs.Photo(v.ctx(), v.s.DB, v.book, i, hashes[n])
	if err != nil {
		return err
	}
	return v.sendPhoto(body, public)
}
