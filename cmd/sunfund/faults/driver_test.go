package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"sunfund/ledger/money"
)

// cutEvery is how rarely the wire to a donor's program breaks in the middle of an answer, in reads.
const cutEvery = 400

// newClient is a client whose connections break now and then during the answer.
func newClient() *http.Client {
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	return &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{
		MaxIdleConnsPerHost: 512,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			return &fragile{c}, err
		},
	}}
}

type fragile struct{ net.Conn }

func (f *fragile) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	if n > 0 && rand.IntN(cutEvery) == 0 {
		f.Close()
		return n / 2, errCut
	}
	return n, err
}

// round is one stretch of load with its journal: writers, a fault in their midst, an audit.
type round struct {
	w       *world
	prefix  string // of the keys of this round
	path    string
	journal *journal
	stop    chan struct{}
	writers sync.WaitGroup

	next    atomic.Int64
	acked   atomic.Int64       // gifts that were acknowledged
	faultAt atomic.Int64       // Unix nanoseconds; 0: none yet
	healed  chan time.Duration // how long after the fault the first gift was acknowledged
	once    sync.Once

	mu    sync.Mutex
	wrong []string
}

// begin starts writers that send gifts until end is called.
func (w *world) begin(writers int) *round {
	w.t.Helper()
	w.rounds++
	r := &round{w: w, prefix: fmt.Sprintf("r%d-", w.rounds), path: filepath.Join(w.dir, fmt.Sprintf("journal-%d", w.rounds)),
		stop: make(chan struct{}), healed: make(chan time.Duration, 1)}
	var err error
	if r.journal, err = newJournal(r.path); err != nil {
		w.t.Fatal(err)
	}
	for i := range writers {
		dice := dice(fmt.Sprint(w.figures.name, r.prefix, i))
		r.writers.Go(func() { r.write(dice) })
	}
	return r
}

// end stops the writers.
func (r *round) end() {
	close(r.stop)
	r.writers.Wait()
	r.journal.f.Close()
}

// busy waits until gifts were acknowledged: a fault before that could lose none.
func (r *round) busy() {
	r.w.t.Helper()
	await(r.w.t, "the first hundred gifts", func() bool { return r.acked.Load() >= 100 })
}

// fault notes the moment of a fault; recovered waits for the first gift that was sent after it and acknowledged.
func (r *round) fault() {
	r.w.figures.faults++
	r.faultAt.Store(time.Now().UnixNano())
}

func (r *round) recovered() {
	r.w.t.Helper()
	select {
	case after := <-r.healed:
		r.w.figures.firstSuccess = append(r.w.figures.firstSuccess, after)
	case <-time.After(deadline):
		r.w.t.Fatalf("no gift was acknowledged within %v of the fault", deadline)
	}
}

func (r *round) stopped() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}

// write is one writer: single gifts mostly, batches now and then, and sometimes what must change nothing.
func (r *round) write(dice *rand.Rand) {
	for !r.stopped() {
		n := 1
		if dice.IntN(8) == 0 {
			n = 1 + dice.IntN(20)
		}
		gifts := make([]gift, n)
		for i := range gifts {
			gifts[i] = r.gift(dice)
		}
		done := r.send(gifts)
		for !done && !r.stopped() && dice.IntN(10) > 0 { // else it is left open for the audit
			time.Sleep(time.Duration(10+dice.IntN(60)) * time.Millisecond)
			done = r.send(gifts)
		}
		if done && dice.IntN(30) == 0 {
			r.again(gifts[0])
		}
	}
}

func (r *round) gift(dice *rand.Rand) gift {
	amount := int64(1 + dice.IntN(500_00))
	g := gift{Ref: fmt.Sprintf("%s%d", r.prefix, r.next.Add(1)), Campaign: slug(int32(1 + dice.IntN(campaigns))), Currency: "CNY",
		Amount: money.Format(amount, "CNY"), Channel: "bank", PaidAt: time.Now().UTC().Format(time.RFC3339)}
	if dice.IntN(3) > 0 {
		g.Channel, g.Fee = "wechat", money.Format(amount*6/1000, "CNY")
	}
	return g
}

// send sends new gifts, or the same once more, between two entries in the journal. It says whether all were acknowledged.
func (r *round) send(gifts []gift) bool {
	lines := make([]line, len(gifts))
	for i := range gifts {
		lines[i] = line{At: time.Now(), Key: gifts[i].Ref, Hash: gifts[i].hash(), Gift: &gifts[i]}
	}
	if err := r.journal.write(lines...); err != nil {
		r.complain("journal: %v", err)
		return false
	}
	sent := time.Now()
	statuses := r.post(gifts)
	for i := range gifts {
		lines[i] = line{At: time.Now(), Key: gifts[i].Ref, Status: statuses[i]}
	}
	if err := r.journal.write(lines...); err != nil {
		r.complain("journal: %v", err)
		return false
	}
	return r.judge(gifts, statuses, sent)
}

func (r *round) judge(gifts []gift, statuses []int, sent time.Time) bool {
	good := 0
	for i, status := range statuses {
		switch {
		case acknowledged(status):
			good++
		case status != noAnswer && status != http.StatusServiceUnavailable:
			r.complain("gift %s was answered %d", gifts[i].Ref, status)
		}
	}
	r.acked.Add(int64(good))
	if at := r.faultAt.Load(); good > 0 && at != 0 && sent.UnixNano() > at {
		r.once.Do(func() { r.healed <- time.Since(time.Unix(0, at)) })
	}
	return good == len(gifts)
}

func (r *round) complain(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// again sends an acknowledged gift once more, which is answered 200, and then with another amount, which is refused.
func (r *round) again(g gift) {
	if status := r.post([]gift{g})[0]; status != 200 && status != noAnswer && status != http.StatusServiceUnavailable {
		r.complain("gift %s, sent again, was answered %d", g.Ref, status)
	}
	g.Amount = "9999999.99"
	if status := r.post([]gift{g})[0]; status != http.StatusConflict && status != noAnswer && status != http.StatusServiceUnavailable {
		r.complain("gift %s with another amount was answered %d", g.Ref, status)
	}
}

// post sends one gift alone and several as a batch. It gives the status of each.
func (r *round) post(gifts []gift) []int {
	statuses := make([]int, len(gifts))
	if len(gifts) == 1 {
		statuses[0], _ = r.call("/api/v1/gifts", gifts[0].body(), nil)
		return statuses
	}
	text, err := json.Marshal(map[string][]gift{"gifts": gifts})
	if err != nil {
		panic(err) // strings only
	}
	var answer struct {
		Items []struct {
			Outcome string
			Problem struct{ Status int }
		}
	}
	status, err := r.call("/api/v1/gifts/batch", text, &answer)
	for i := range statuses {
		switch {
		case status != 200:
			statuses[i] = status
		case err != nil || len(answer.Items) != len(gifts):
			statuses[i] = noAnswer
		case answer.Items[i].Outcome == "booked":
			statuses[i] = 201
		case answer.Items[i].Outcome == "already":
			statuses[i] = 200
		default:
			statuses[i] = answer.Items[i].Problem.Status
		}
	}
	return statuses
}

var errAnswer = errors.New("an answer that is not whole")

// call makes one request. An answer that breaks off is no answer.
func (r *round) call(path string, body []byte, into any) (status int, err error) {
	request, err := http.NewRequest(http.MethodPost, "http://"+r.w.address+path, bytes.NewReader(body))
	if err != nil {
		return noAnswer, err
	}
	request.Header.Set("Authorization", "Bearer "+base.token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := r.w.client.Do(request)
	if err != nil {
		return noAnswer, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || !json.Valid(text) {
		return noAnswer, errors.Join(errAnswer, err)
	}
	if answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "" {
		r.complain("503 without Retry-After: %s", text)
	}
	if answer.StatusCode >= 400 && answer.StatusCode != 503 && answer.StatusCode != 409 {
		r.complain("%s: %d %s", path, answer.StatusCode, text)
	}
	if into != nil {
		err = json.Unmarshal(text, into)
	}
	return answer.StatusCode, err
}

// sendOne sends one gift and gives its status.
func (r *round) sendOne(g gift) (status int) {
	if err := r.journal.write(line{At: time.Now(), Key: g.Ref, Hash: g.hash(), Gift: &g}); err != nil {
		r.complain("journal: %v", err)
		return noAnswer
	}
	status = r.post([]gift{g})[0]
	if err := r.journal.write(line{At: time.Now(), Key: g.Ref, Status: status}); err != nil {
		r.complain("journal: %v", err)
	}
	return status
}
