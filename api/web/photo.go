package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"sunfund/internal/pg"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/staff"
)

// photos reads the photos that a form sent under field and draws them anew. The form is read whole before, in files beyond formMax.
func (v *visit) photos(field string) (photos [][]byte, wrong Errors, err error) {
	if err := v.Request().ParseMultipartForm(formMax); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, Errors{{field, T(v.lang, "need.photo.large")}}, nil
		}
		if errors.Is(err, http.ErrNotMultipart) { // a form without a field of files
			return nil, nil, nil
		}
		return nil, nil, echo.NewHTTPError(http.StatusUnprocessableEntity).SetInternal(err)
	}
	defer func() { _ = v.Request().MultipartForm.RemoveAll() }()
	for _, head := range v.Request().MultipartForm.File[field] {
		if head.Size == 0 {
			continue
		}
		if len(photos) == needs.PhotosMax {
			wrong.Add(field, T(v.lang, "need.photo.many", needs.PhotosMax))
			break
		}
		photo, err := cleanPhoto(head)
		if errors.Is(err, needs.ErrPhoto) {
			wrong.Add(field, T(v.lang, "need.photo.wrong", oneLine(head.Filename, 60)))
			break
		}
		if err != nil {
			return nil, nil, err
		}
		photos = append(photos, photo)
	}
	return photos, wrong, nil
}

// photosAdded puts what a form brought beside its object, with a line in the audit trail, and goes back to it; what is wrong is shown by again.
func (v *visit) photosAdded(again func(int, Errors) error, add func(tx pgx.Tx, photo []byte) error, event staff.Event, back string) error {
	photos, wrong, err := v.photos("file")
	if err != nil {
		return err
	}
	if len(wrong) == 0 && len(photos) == 0 {
		wrong.Add("file", T(v.lang, "need.photo.none"))
	}
	if len(wrong) > 0 {
		return again(http.StatusUnprocessableEntity, wrong)
	}
	event.At, event.Who = v.now, v.who.Person.ID
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		for _, photo := range photos {
			if err := add(tx, photo); err != nil {
				return err
			}
		}
		return staff.Record(v.ctx(), tx, v.book.ID, event)
	})
	if err != nil {
		return err
	}
	return v.see(back)
}

func cleanPhoto(head *multipart.FileHeader) ([]byte, error) {
	file, err := head.Open()
	if err != nil {
		return nil, fmt.Errorf("open photo: %w", err)
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, needs.PhotoMax+1))
	if err != nil {
		return nil, fmt.Errorf("read photo: %w", err)
	}
	return needs.CleanPhoto(body)
}

// sendPhoto hands a photo out; only what the public sees is kept on the way, and for a minute, since a need may be taken down.
func (v *visit) sendPhoto(body []byte, public bool) error {
	head := v.Response().Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	head.Set("Cache-Control", "no-store")
	if public {
		head.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(openKept/time.Second)))
	}
	return v.Blob(http.StatusOK, "image/jpeg", body)
}
