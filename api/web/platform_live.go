package web

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"sunfund/ledger/giving"
	"sunfund/ledger/payments/platforms"
)

// progressView is how far something long is.
type progressView struct {
	Done, Total, Percent int
	Label, Line, Ended   string // for the ear; how far it is in words; what leads on when it has ended
	Here, Live           string
	Unknown              bool // how much there is in all
	Over                 bool // it has ended, and the page shows more than this
}

// progressOf is the booking of a file that runs, or has just ended; nil when nobody asked for one.
func (v *visit) progressOf(ctx context.Context, file uuid.UUID) (*platforms.Booking, *progressView, error) {
	b, err := platforms.BookingOf(ctx, v.s.DB, v.book, file)
	if errors.Is(err, giving.ErrNoRecord) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	here := platformsPath + "/" + file.String()
	view := &progressView{Done: int(b.Done), Total: int(b.Total), Percent: 100, Here: here, Over: b.State != platforms.BookingRuns,
		Label: T(v.lang, "platform.progress"), Line: T(v.lang, "platform.progress.lines", int(b.Done), int(b.Total)), Ended: T(v.lang, "platform.progress.over")}
	if b.Total > 0 {
		view.Percent = int(int64(b.Done) * 100 / int64(b.Total))
	}
	view.Live = here + "/live?v=" + view.version()
	return b, view, nil
}

// version tells two states of a booking apart.
func (p *progressView) version() string { return fmt.Sprintf("%d-%t", p.Done, p.Over) }

// platformLive streams how far the booking of a file is, to whoever may see the file.
func (v *visit) platformLive() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	if _, progress, err := v.progressOf(v.ctx(), id); err != nil || progress == nil {
		return errors.Join(err, giving.ErrNoRecord)
	}
	return v.progressLive(fmt.Sprintf("platform file %d %s", v.book.ID, id), func(ctx context.Context, of *visit) (string, *progressView, error) {
		_, progress, err := of.progressOf(ctx, id)
		if err != nil || progress == nil {
			return "", nil, errors.Join(err, giving.ErrNoRecord)
		}
		return progress.version(), progress, nil
	})
}

// progressLive streams how far something long is: at looks, in the language of each reader, and names the version of what it sees.
func (v *visit) progressLive(key string, at func(ctx context.Context, of *visit) (version string, p *progressView, err error)) error {
	begun := visit{s: v.s, book: v.book, lang: v.lang}
	look := func(ctx context.Context) (string, func(Lang) (string, error), error) {
		of := begun
		of.now = v.s.Now()
		version, _, err := at(ctx, &of)
		if err != nil {
			return "", nil, err
		}
		return version, func(lang Lang) (string, error) {
			of.lang = lang
			_, p, err := at(ctx, &of)
			if err != nil {
				return "", err
			}
			view := recordView{Page: Page{Site: of.site(), Prefs: Prefs{Lang: lang}, Now: of.now}, Progress: p}
			return of.s.render.Fragment(view.Page, "console/record", "progress", view)
		}, nil
	}
	updates, leave, err := v.s.live.watch(v.book.ID, key, v.lang, v.QueryParam("v"), liveEvery, look)
	if err != nil {
		return err
	}
	defer leave()
	return Stream(v.Context, v.book.Zone, v.s.Now, updates)
}
