package faults

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// line is one line of a journal: a gift that is about to be sent, or what was answered to it.
type line struct {
	At     time.Time `json:"at"`
	Key    string    `json:"key"`
	Hash   string    `json:"hash,omitempty"`
	Gift   *gift     `json:"gift,omitempty"`
	Status int       `json:"status,omitempty"` // as in HTTP; noAnswer
}

// noAnswer stands for a status when the connection failed: nobody knows.
const noAnswer = -1

// journal is what the driver knows, on disk before it acts on it. Many writers share a flush.
type journal struct {
	f *os.File

	mu              sync.Mutex
	turn            *sync.Cond
	buffer          bytes.Buffer
	written, synced int
	flushing        bool
	err             error
}

func newJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	j := &journal{f: f}
	j.turn = sync.NewCond(&j.mu)
	return j, nil
}

// write returns when the lines are on disk.
func (j *journal) write(lines ...line) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range lines {
		text, err := json.Marshal(l)
		if err != nil {
			return err
		}
		j.buffer.Write(append(text, '\n'))
	}
	j.written++
	for mine := j.written; j.synced < mine && j.err == nil; {
		if j.flushing {
			j.turn.Wait()
			continue
		}
		j.flush()
	}
	return j.err
}

func (j *journal) flush() {
	j.flushing = true
	text, upTo := bytes.Clone(j.buffer.Bytes()), j.written
	j.buffer.Reset()
	j.mu.Unlock()
	_, err := j.f.Write(text)
	if err == nil {
		err = j.f.Sync()
	}
	j.mu.Lock()
	j.flushing, j.synced, j.err = false, upTo, err
	j.turn.Broadcast()
}

// record is what a journal tells of one key.
type record struct {
	gift     gift
	hash     string
	answered bool // with success: it must be on the books
}

// readJournal reads a journal back from disk.
func readJournal(path string) (map[string]*record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all := map[string]*record{}
	in := bufio.NewReader(f)
	for {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return nil, err
		}
		if l.Gift != nil && all[l.Key] == nil {
			all[l.Key] = &record{gift: *l.Gift, hash: l.Hash}
		}
		if acknowledged(l.Status) {
			all[l.Key].answered = true
		}
	}
}

func acknowledged(status int) bool { return status == 200 || status == 201 }
func unanswered(status int) bool   { return !acknowledged(status) }

// gift is one gift of the driver, as the API takes it.
type gift struct {
	Ref      string `json:"ref"`
	Campaign string `json:"campaign"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Fee      string `json:"fee,omitempty"`
	PaidAt   string `json:"paid_at"`
	Channel  string `json:"channel"`
}

func (g gift) body() []byte {
	text, err := json.Marshal(g)
	if err != nil {
		panic(err) // strings only
	}
	return text
}

func (g gift) hash() string {
	sum := sha256.Sum256(g.body())
	return hex.EncodeToString(sum[:])
}
