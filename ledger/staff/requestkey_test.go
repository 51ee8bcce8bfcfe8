package staff_test

import (
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

func TestRequestKey(t *testing.T) {
	o := newOffice(t)
	api, _ := o.key(staff.GiftsWrite)
	second, _ := o.key(staff.GiftsWrite)
	key := staff.RequestKey{Book: book, Key: api.ID, Text: "order-1", Hash: sha256.Sum256([]byte("a"))}
	do := func(k staff.RequestKey, body string) (a staff.Answer, done bool, err error) {
		err = o.tx(func(tx pgx.Tx) (err error) {
			if a, done, err = staff.Begin(o.ctx, tx, k); err != nil || done {
				return err
			}
			if body == "" {
				return errors.New("the effect failed")
			}
			return staff.Finish(o.ctx, tx, k, staff.Answer{Status: 201, Body: []byte(body)}, now)
		})
		return a, done, err
	}
	if _, _, err := do(key, ""); err == nil {
		t.Fatal("no failure")
	}
	if _, done, err := do(key, "one"); err != nil || done { // what failed left no trace
		t.Fatal(done, err)
	}
	if a, done, err := do(key, "two"); err != nil || !done || a.Status != 201 || string(a.Body) != "one" {
		t.Fatal(a, done, err)
	}
	other := key
	other.Hash = sha256.Sum256([]byte("b"))
	_, _, err := do(other, "three")
	o.want(err, staff.ErrOtherBody)
	other.Key = second.ID // the same text of another program is another key
	if _, done, err := do(other, "four"); err != nil || done {
		t.Fatal(done, err)
	}
	for _, text := range []string{"", strings.Repeat("k", 256), "a b", "键", "a\x00"} {
		bad := key
		bad.Text = text
		_, _, err := do(bad, "five")
		o.want(err, staff.ErrRequestKey)
	}
	o.must(o.tx(func(tx pgx.Tx) error { return staff.Sweep(o.ctx, tx, book, now.Add(staff.RequestKeyLife)) }))
	if _, done, err := do(key, "six"); err != nil || !done {
		t.Fatal("swept too early", err)
	}
}

// The same request many times at once has one effect, and all get its answer.
func TestRequestKeyAtOnce(t *testing.T) {
	o := newOffice(t)
	api, _ := o.key(staff.GiftsWrite)
	key := staff.RequestKey{Book: book, Key: api.ID, Text: uuid.NewString()}
	var effects atomic.Int32
	var wait sync.WaitGroup
	for range 12 {
		wait.Go(func() {
			err := o.tx(func(tx pgx.Tx) error {
				a, done, err := staff.Begin(o.ctx, tx, key)
				if err != nil {
					return err
				}
				if done {
					if string(a.Body) != "booked" {
						t.Errorf("answered %q", a.Body)
					}
					return nil
				}
				effects.Add(1)
				return staff.Finish(o.ctx, tx, key, staff.Answer{Status: 201, Body: []byte("booked")}, now)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if effects.Load() != 1 {
		t.Fatalf("%d effects", effects.Load())
	}
}
