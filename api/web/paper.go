package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// papersPath takes scans and photos. It is the one form that carries a file.
const papersPath = "/console/papers"

// papersView is the part of a page that shows the papers beside a record; the template part "papers" draws it.
type papersView struct {
	Object string
	Action string // where the form goes
	Rows   []paperRow
	MayAdd bool
	Most   string // size of the largest
}

type paperRow struct {
	Name, Href, Kind, Size, By string
	At                         time.Time
}

// papers reads what lies beside a record.
func (v *visit) papers(object string) (*papersView, error) {
	return v.papersOf(object, papersPath, func(ledger.Paper) bool { return true })
}

// papersOf reads those that are shown to who looks, under the addresses at which they are added and read.
func (v *visit) papersOf(object, path string, shown func(ledger.Paper) bool) (*papersView, error) {
	list, err := ledger.Papers(v.ctx(), v.s.DB, v.book, object)
	if err != nil {
		return nil, err
	}
	view := &papersView{Object: object, Action: path, MayAdd: v.who.May(staff.PaperAdd), Most: paperSize(ledger.PaperMax)}
	names := newNames(v)
	for _, p := range list {
		if !shown(p) {
			continue
		}
		by, err := names.of(p.AddedBy)
		if err != nil {
			return nil, err
		}
		_, kind, _ := strings.Cut(p.Media, "/")
		view.Rows = append(view.Rows, paperRow{p.Name, path + "/" + p.ID.String(), strings.ToUpper(kind), paperSize(int(p.Size)), by, p.AddedAt})
	}
	return view, nil
}

func paperSize(bytes int) string {
	if bytes < 1<<20 {
		return strconv.Itoa((bytes+1023)/1024) + " KB"
	}
	return strconv.Itoa(bytes>>20) + " MB"
}

// objects are the records that papers may lie beside, and where each is shown.
var objects = map[string]string{
	"bank-receipt": "/console/bank-receipts/", "cash-count": "/console/cash/", "deposit": "/console/deposits/", "box": "/console/boxes/", "lot": "/console/goods/",
	"auction": "/console/auctions/", "pledge": "/console/pledges/", "service": "/console/services/", "entry": "/console/entries/",
	"platform-file": platformsPath + "/", "match-policy": platformsPath + "#", "subsidy": subsidiesPath + "/",
	"source-file": statementFilesPath + "/", "need": needsPath + "/", "intent": intentsPath + "/", "call": callsPath + "/", "proposal": proposalsPath + "/", "poll": pollsPath + "/",
	"payee": payeesPath + "/", "project": projectsPath + "/", "contract": contractsPath + "/", "disbursement": disbursementsPath + "/",
	"fund-file": fundFilesPath + "/", "update": updatesDeskPath + "/",
}

var objectName = regexp.MustCompile(`^([a-z-]+):([0-9a-f-]{36})$`)

// objectPath is where a record is shown; empty for what is no record.
func objectPath(object string) string {
	m := objectName.FindStringSubmatch(object)
	if m == nil || objects[m[1]] == "" {
		return ""
	}
	return objects[m[1]] + m[2]
}

// paperAdd puts a scan or photo beside a record.
func (v *visit) paperAdd() error { return v.addPaper(objectPath, v.recordExists) }

// addPaper puts a scan or photo beside the record that a form names; pathOf says where that is shown, exists whether there is one in sight.
func (v *visit) addPaper(pathOf func(object string) string, exists func(object string) error) error {
	if err := v.Request().ParseMultipartForm(ledger.PaperMax + formMax); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return ledger.ErrPaperSize
		}
		return echo.NewHTTPError(http.StatusUnprocessableEntity).SetInternal(err)
	}
	object := v.FormValue("object")
	path := pathOf(object)
	if path == "" {
		return giving.ErrNoRecord
	}
	if err := exists(object); err != nil {
		return err
	}
	file, head, err := v.Request().FormFile("paper")
	if err != nil {
		return v.refuse(ledger.ErrPaperSize, nil, Link{T(v.lang, "offline.back"), path})
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, ledger.PaperMax+1))
	if err != nil {
		return fmt.Errorf("read paper: %w", err)
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		p, err := ledger.AddPaper(v.ctx(), tx, v.book, object, head.Filename, body, v.who.Person.ID, v.now)
		if err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "attachment.add", Object: object, After: p.Hash,
			Detail: map[string]any{"media": p.Media, "size": p.Size}})
	})
	if errors.Is(err, ledger.ErrPaperKind) || errors.Is(err, ledger.ErrPaperSize) {
		return v.refuse(err, nil, Link{T(v.lang, "offline.back"), path})
	}
	if err != nil {
		return err
	}
	return v.see(path)
}

// paperShow hands a paper out for download. It is never shown inside a page of ours, so nothing in it runs here.
func (v *visit) paperShow() error { return v.showPaper(v.paperSeen) }

// showPaper hands the paper of the address out where seen is nil for it.
func (v *visit) showPaper(seen func(ledger.Paper) error) error {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return ledger.ErrNoPaper
	}
	p, body, err := ledger.ReadPaper(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	if err := seen(p); err != nil {
		return ledger.ErrNoPaper
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "attachment.read", Object: p.Object, After: p.Hash})
	})
	if err != nil {
		return err
	}
	head := v.Response().Header()
	head.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": p.Name}))
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	head.Set("X-Content-Type-Options", "nosniff")
	return v.Blob(http.StatusOK, p.Media, body)
}

// paperSeen is nil when this person may read what lies beside the record.
func (v *visit) paperSeen(p ledger.Paper) error {
	if v.who.May(staff.OfflineRead) {
		return nil
	}
	if objectPath(p.Object) == "" {
		return giving.ErrNoRecord
	}
	return v.recordExists(p.Object)
}

// recordExists is nil when there is such a record to put papers beside, in this person's sight; else what its page answers.
func (v *visit) recordExists(object string) (err error) {
	m := objectName.FindStringSubmatch(object)
	id, err := uuid.Parse(m[2])
	if err != nil {
		return giving.ErrNoRecord
	}
	switch m[1] {
	case "subsidy":
		_, err = v.letter(v.s.DB, id)
		return err
	case "poll":
		_, err = v.poll(v.s.DB, id)
		return err
	case "need", "intent", "call", "proposal":
		return v.needExists(m[1], id)
	case "update":
		_, err = v.update(v.s.DB, id)
		return err
	case "fund-file":
		_, err = v.fundFile(v.s.DB, id)
		return err
	}
	if m[1] == "payee" || m[1] == "project" || m[1] == "contract" || m[1] == "disbursement" {
		return v.workExists(m[1], id)
	}
	if !v.who.May(staff.OfflineRead) { // a street's officer has no other records
		return giving.ErrNoRecord
	}
	ctx, db := v.ctx(), v.s.DB
	switch m[1] {
	case "bank-receipt":
		_, err = payments.ReceiptByID(ctx, db, v.book, id)
	case "cash-count":
		_, err = payments.CountByID(ctx, db, v.book, id)
	case "deposit":
		_, err = payments.DepositByID(ctx, db, v.book, id)
	case "box":
		_, err = payments.BoxByID(ctx, db, v.book, id)
	case "lot":
		_, err = giving.LotByID(ctx, db, v.book, id)
	case "auction":
		_, err = giving.AuctionByID(ctx, db, v.book, id)
	case "pledge":
		_, err = giving.PledgeByID(ctx, db, v.book, id)
	case "service":
		_, err = giving.ServiceByID(ctx, db, v.book, id)
	case "platform-file":
		_, err = platforms.FileByID(ctx, db, v.book, id)
	case "source-file":
		_, err = recon.FileByID(ctx, db, v.book, id)
	default:
		_, err = ledger.ReadEntry(ctx, db, v.book, id)
	}
	return err
}
