package api

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

// K3. A key is replaced three times while six callers give; each caller takes the new key when it gets to it, some much later. No gift
// fails, none is booked twice.
func TestK3KeyRotatedUnderLoad(t *testing.T) {
	o := newOffice(t)
	admin, now := uuid.New(), testNow
	var id uuid.UUID
	var current atomic.Pointer[string]
	o.tx(func(tx pgx.Tx) error {
		key, token, err := staff.CreateKey(o.ctx, tx, o.book.ID, "till", staff.Scopes(), admin, now.AddDate(0, 1, 0), now)
		id = key.ID
		current.Store(&token)
		return err
	})
	const callers, each = 6, 40
	answered := make(chan struct{}, callers*each)
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			token := *current.Load()
			for n := range each {
				if n%(3+2*caller) == 0 { // slow to hear of it
					token = *current.Load()
				}
				a, err := o.try(request{method: http.MethodPost, path: "/gifts", body: wechat(fmt.Sprintf("k3-%d-%d", caller, n)), token: token})
				if err != nil || a.status != http.StatusCreated {
					t.Errorf("gift %d of %d: %d %s %v", n, caller, a.status, a.body, err)
				}
				answered <- struct{}{}
			}
		})
	}
	for range 3 {
		for range callers * each / 4 { // each key after as many answers
			<-answered
		}
		o.tx(func(tx pgx.Tx) error {
			key, token, err := staff.RotateKey(o.ctx, tx, o.book.ID, id, admin, 24*time.Hour, now)
			if err == nil {
				id = key.ID
				current.Store(&token)
			}
			return err
		})
	}
	all.Wait()
	if n := o.count(`select count(*) from gift where book_id = $1 and ref like 'k3-%'`, o.book.ID); n != callers*each {
		t.Errorf("%d gifts of %d", n, callers*each)
	}
}
