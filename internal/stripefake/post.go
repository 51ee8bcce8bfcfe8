package stripefake

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// letter is an event on its way.
type letter struct {
	body []byte
	wait int // deliveries that pass it first
}

// tell puts an event into the outgoing post, by the plan of faults.
func (f *Fake) tell(kind string, about object) {
	e := object{"id": f.id("evt"), "object": "event", "type": kind, "api_version": Version, "livemode": false, "created": f.Now().Unix(),
		"data": object{"object": about}}
	body, err := json.Marshal(e)
	if err != nil {
		panic(err) // objects of strings and numbers always marshal
	}
	if f.chance(f.Faults.Lost) {
		return
	}
	one := &letter{body: body}
	if f.chance(f.Faults.Late) {
		one.wait = 1 + f.rng.IntN(20)
	}
	f.post = append(f.post, one)
	if f.chance(f.Faults.Doubled) {
		f.post = append(f.post, &letter{body: body, wait: f.rng.IntN(10)})
	}
}

// Sign makes the header of a body.
func Sign(secret string, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "."))
	h.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(h.Sum(nil))
}

// Deliver sends the events that wait, late ones after the others, and keeps those that were not answered with 200.
func (f *Fake) Deliver(ctx context.Context, url string) error {
	f.mu.Lock()
	due := f.post
	f.post = nil
	f.mu.Unlock()
	var kept []*letter
	for _, one := range due {
		if one.wait > 0 {
			one.wait--
			kept = append(kept, one)
			continue
		}
		ok, err := f.send(ctx, url, one.body)
		if err != nil {
			return err
		}
		if !ok {
			kept = append(kept, one)
		}
	}
	f.mu.Lock()
	f.post = append(kept, f.post...)
	f.mu.Unlock()
	return nil
}

// Waiting is how many events are still to be delivered.
func (f *Fake) Waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.post)
}

func (f *Fake) send(ctx context.Context, url string, body []byte) (ok bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("write request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Stripe-Signature", Sign(f.Secret, body, f.Now()))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, nil // nobody there: again later
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode == http.StatusOK, err
}
