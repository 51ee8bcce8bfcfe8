package updates

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/needs"
)

// States of a post.
const (
	Waiting   = "waiting"   // written, not shown
	Shown     = "shown"     // to the public
	Withdrawn = "withdrawn" // was shown; the public reads the reason alone
	Dropped   = "dropped"   // will not be shown
)

// Limits of a post: characters of a title and of a text in one language, and of the reason for its end. It has as many photos as an item: needs.PhotosMax.
const (
	TitleMax  = 100
	TextMax   = 4000
	ReasonMax = 400
)

// Post is about one campaign or one project. It says something in Chinese, in English or in both.
type Post struct {
	ID               uuid.UUID
	Number           int32 // public, in the order of showing; zero: was never shown
	CampaignID       *int32
	ProjectID        *uuid.UUID
	TitleZH, TitleEN string
	TextZH, TextEN   string
	PayeeID          *uuid.UUID // the organisation that wrote it; nil: the association or a street
	WrittenBy        uuid.UUID
	WrittenAt        time.Time
	Photos           int16
	ShownAt          *time.Time
	EndedAt          *time.Time
	EndedBy          *uuid.UUID
	Reason           string // of its end

	// What it is about, and whose that is.
	FundID           int32
	StreetID         *int32
	Slug             string // of the campaign
	Project          int32  // the project's public number
	AboutZH, AboutEN string
	Firm             string // name of the organisation that wrote it
}

// State says where the post stands.
func (p *Post) State() string {
	switch {
	case p.ShownAt != nil && p.EndedAt != nil:
		return Withdrawn
	case p.ShownAt != nil:
		return Shown
	case p.EndedAt != nil:
		return Dropped
	}
	return Waiting
}

// Object names the post in its history, beside its papers, in feeds and in open data, for ever.
func (p *Post) Object() string { return giving.Object("update", p.ID) }

// In gives the post in a language, zh-CN or en; where it says nothing in that one, in the other, which is told by only.
func (p *Post) In(lang string) (title, text, only string) {
	switch {
	case lang == "en" && p.TitleEN != "":
		return p.TitleEN, p.TextEN, ""
	case lang != "en" && p.TitleZH != "":
		return p.TitleZH, p.TextZH, ""
	case p.TitleZH != "":
		return p.TitleZH, p.TextZH, "zh-CN"
	}
	return p.TitleEN, p.TextEN, "en"
}

// About is the name of its campaign or project in a language.
func (p *Post) About(lang string) string {
	if lang == "en" {
		return p.AboutEN
	}
	return p.AboutZH
}

const (
	sqlLock = `select pg_advisory_xact_lock(hashtextextended('update:' || $1::int4, 0))`

	sqlInsert = `
insert into update_post (book_id, id, campaign_id, project_id, title_zh, title_en, text_zh, text_en, payee_id, written_by, written_at)
select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
 where exists (select from campaign c where c.book_id = $1 and c.campaign_id = $3 and c.state <> 'draft')
    or exists (select from project p where p.book_id = $1 and p.id = $4 and p.state in ('approved', 'ended'))`

	sqlPhotoAdd = `insert into update_photo (book_id, post_id, place, body) values ($1, $2, $3, $4)`

	sqlShow = `
insert into update_shown (book_id, post_id, number, written_by, shown_by, shown_at)
select $1, $2, (select coalesce(max(number), 0) + 1 from update_shown where book_id = $1), $3, $4, $5
 where not exists (select from update_end e where e.book_id = $1 and e.post_id = $2) on conflict (book_id, post_id) do nothing`

	sqlEnd = `
insert into update_end (book_id, post_id, reason, ended_by, ended_at) select $1, $2, $3, $4, $5
 where exists (select from update_shown s where s.book_id = $1 and s.post_id = $2) = $6 on conflict do nothing`
)

// check holds what was typed to its limits: title and text in one language at least, and no number that is somebody's.
func (p *Post) check() error {
	var wrong giving.FieldErrors
	for _, one := range []struct{ lang, title, text string }{{"zh", p.TitleZH, p.TextZH}, {"en", p.TitleEN, p.TextEN}} {
		wrong.Text("title-"+one.lang, one.title, 0, TitleMax)
		wrong.Text("text-"+one.lang, one.text, 0, TextMax)
		switch {
		case one.title == "" && one.text != "":
			wrong.Refuse("title-"+one.lang, "update.title.missing")
		case one.title != "" && one.text == "":
			wrong.Refuse("text-"+one.lang, "update.text.missing")
		}
		if personal(one.title) {
			wrong.Refuse("title-"+one.lang, "update.personal")
		}
		if personal(one.text) {
			wrong.Refuse("text-"+one.lang, "update.personal")
		}
	}
	if p.TitleZH+p.TitleEN+p.TextZH+p.TextEN == "" {
		wrong.Refuse("title-zh", "update.title.missing")
	}
	return wrong.Err()
}

// Write plans a post with its photos, which were cleaned by needs.CleanPhoto before. It waits for another person: see Show.
// *giving.FieldErrors; giving.ErrStep where the public does not see what it is about.
func Write(book *ledger.Book, p Post, photos [][]byte) (*giving.Move, error) {
	note := p.TitleZH
	if note == "" {
		note = p.TitleEN
	}
	move := &giving.Move{Source: "update", Object: p.Object(), Act: "update-written", Note: note, SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
		if err := giving.Settled(ctx, tx, sqlInsert, book.ID, p.ID, p.CampaignID, p.ProjectID, p.TitleZH, p.TitleEN, p.TextZH, p.TextEN, p.PayeeID, s.By, s.At); err != nil {
			return err
		}
		for i, body := range photos[:min(len(photos), needs.PhotosMax)] {
			if _, err := tx.Exec(ctx, sqlPhotoAdd, book.ID, p.ID, i+1, body); err != nil {
				return fmt.Errorf("keep photo: %w", err)
			}
		}
		return nil
	}}
	return move, p.check()
}

// Show plans that the public reads the post. Who signs second is not who wrote it, whoever asked: ledger.ErrSamePerson. giving.ErrStep.
func Show(book *ledger.Book, p *Post) (*giving.Move, error) {
	if p.State() != Waiting {
		return nil, giving.ErrStep
	}
	title, _, _ := p.In("zh-CN")
	return &giving.Move{Source: "update", Object: p.Object(), Act: "update-shown", Note: title, SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
		if s.Second == uuid.Nil || s.Second == p.WrittenBy {
			return ledger.ErrSamePerson
		}
		if err := lock(ctx, tx, book); err != nil {
			return err
		}
		return giving.Settled(ctx, tx, sqlShow, book.ID, p.ID, p.WrittenBy, s.Second, s.At)
	}}, nil
}

// End plans that a shown post is withdrawn, or that another is never shown. The reason of a withdrawal is read by the public.
// *giving.FieldErrors, giving.ErrStep.
func End(book *ledger.Book, p *Post, reason string) (*giving.Move, error) {
	act := map[string]string{Shown: "update-withdrawn", Waiting: "update-dropped"}[p.State()]
	if act == "" {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 2, ReasonMax)
	if personal(reason) {
		wrong.Refuse("reason", "update.personal")
	}
	return &giving.Move{Source: "update", Object: p.Object(), Act: act, Note: reason, SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
		if err := lock(ctx, tx, book); err != nil {
			return err
		}
		return giving.Settled(ctx, tx, sqlEnd, book.ID, p.ID, reason, s.By, s.At, p.ShownAt != nil)
	}}, wrong.Err()
}

// lock lets one after the other show and end posts of a book: numbers have no gap, and no post is both shown and dropped.
func lock(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	if _, err := tx.Exec(ctx, sqlLock, book.ID); err != nil {
		return fmt.Errorf("lock updates: %w", err)
	}
	return nil
}

const sqlPhoto = `select body from update_photo where book_id = $1 and post_id = $2 and place = $3`

// Photo reads a photo of the post as a JPEG, counted from zero, or giving.ErrNoRecord. Whether who asks may see it is the caller's to say.
func Photo(ctx context.Context, q pg.Querier, book *ledger.Book, p *Post, n int) ([]byte, error) {
	rows, err := q.Query(ctx, sqlPhoto, book.ID, p.ID, n+1)
	if err != nil {
		return nil, fmt.Errorf("read photo: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("read photo: %w", err)
	}
	if len(list) == 0 {
		return nil, giving.ErrNoRecord
	}
	return list[0], nil
}
