package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/staff"
)

// offlineEvent begins the names of events of offline records.
const offlineEvent = "offline."

const (
	platformsPath      = "/console/platforms"
	platformUploadPath = platformsPath
)

// uploadView is the form that sends a file. Words are the keys below which its sentences stand.
type uploadView struct{ Action, Form, Most, Words, Accept string }

// platformList shows the files of giving platforms with what became of each, and how the files of each platform are read.
func (v *visit) platformList() error { return v.platformsAgain(http.StatusOK, nil) }

func (v *visit) platformsAgain(status int, wrong Errors) error {
	view := v.recordPage(T(v.lang, "platform.heading"), platformsPath)
	view.Lead, view.Path, view.Errors = T(v.lang, "platform.lead"), platformsPath, wrong
	stories, err := platforms.Stories(v.ctx(), v.s.DB, v.book, recordsShown)
	if err != nil {
		return err
	}
	files := grid{Title: T(v.lang, "platform.files"), Empty: T(v.lang, "platform.files.none"),
		Heads: v.heads("platform.file", "platform.code", "person.state", "#platform.count", "#platform.faults", "#platform.paid", "#platform.open", "#platform.open.match", "#bankline.age")}
	var gifts, match int64
	for _, s := range stories {
		gifts, match = gifts+s.OpenGifts, match+s.OpenMatch
		age := ""
		if s.LastDay != nil && s.OpenGifts+s.OpenMatch != 0 {
			age = strconv.Itoa(v.daysSince(*s.LastDay))
		}
		state := v.platformState(s.State, s.OpenGifts, s.OpenMatch)
		files.Rows = append(files.Rows, []cell{{Text: s.Name, Href: platformsPath + "/" + s.ID.String(), User: true}, {Text: s.Platform}, state,
			{Text: strconv.FormatInt(s.Lines, 10)}, {Text: strconv.FormatInt(s.Faults, 10)}, v.sumCell(s.Paid), v.sumCell(s.OpenGifts), v.sumCell(s.OpenMatch), {Text: age}})
	}
	view.Facts = []Fact{v.sumFact("platform.open.sum", gifts), v.sumFact("platform.match.sum", match)}
	profiles, err := platforms.Profiles(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	read := grid{Title: T(v.lang, "platform.profiles"), Empty: T(v.lang, "platform.profiles.none"), Heads: v.heads("platform.name", "platform.code", "#platform.version", "platform.charset", "platform.made")}
	for _, p := range profiles {
		read.Rows = append(read.Rows, []cell{textCell(p.Name), {Text: p.Platform}, {Text: strconv.Itoa(int(p.Version))}, {Text: T(v.lang, "platform.charset."+p.Layout.Charset)},
			dayCell(v.book.Day(p.MadeAt))})
	}
	way, policies, err := v.policyGrid()
	if err != nil {
		return err
	}
	view.Facts = append(view.Facts, way)
	view.Grids = []grid{files, read, policies}
	if err := v.offer(&view, platformPolicyPath, v.platformPolicies()...); err != nil {
		return err
	}
	if v.who.May(staff.OfflineWrite) {
		view.Upload = &uploadView{Action: platformUploadPath, Form: newForm(), Most: paperSize(platforms.FileMax), Words: "platform", Accept: ".csv,.txt,.tsv"}
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// platformState is what a file's state is called; a booked file is settled once nothing is open.
func (v *visit) platformState(state string, gifts, match int64) cell {
	if state == platforms.FileBooked && gifts == 0 && match == 0 {
		state = "settled"
	}
	return cell{Text: T(v.lang, "platform.state."+state), Tag: map[string]string{"new": "waiting", "read": "waiting", "booked": "attention", "settled": "done", "dropped": "reversed"}[state]}
}

// platformUpload keeps a file and leads to its page. The same file again leads to where it is already.
func (v *visit) platformUpload() error {
	if err := v.Request().ParseMultipartForm(platforms.FileMax + formMax); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return platforms.ErrSize
		}
		return echo.NewHTTPError(http.StatusUnprocessableEntity).SetInternal(err)
	}
	id, err := v.formID()
	if err != nil {
		return err
	}
	back := Link{T(v.lang, "offline.back"), platformsPath}
	file, head, err := v.Request().FormFile("file")
	if err != nil {
		return v.refuse(platforms.ErrSize, nil, back)
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, platforms.FileMax+1))
	if err != nil {
		return fmt.Errorf("read platform file: %w", err)
	}
	if _, err := platforms.Guess(body, v.book.Zone.String()); err != nil {
		return v.refuse(err, nil, back)
	}
	name := oneLine(giving.CleanText(head.Filename), 120)
	var kept uuid.UUID
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if kept, err = platforms.Keep(v.ctx(), tx, v.book, id, name, body, v.who.Person.ID, v.now); err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: offlineEvent + "platform_upload", Object: giving.Object("platform-file", kept),
			Detail: map[string]any{"size": len(body)}})
	})
	var fields *giving.FieldErrors
	if errors.As(err, &fields) {
		return v.refuse(platforms.ErrSize, nil, back)
	}
	if err != nil {
		return err
	}
	return v.see(platformsPath + "/" + kept.String())
}
