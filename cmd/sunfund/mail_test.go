package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger/staff"
)

func TestMailSettings(t *testing.T) {
	t.Parallel()
	if m, err := newMailer(serveCmd{}); m != nil || err != nil {
		t.Errorf("no server: %v, %v", m, err)
	}
	good := serveCmd{SMTP: "mail.example.org:587", MailFrom: "books@example.org", URL: "https://books.example.org/"}
	for name, spoil := range map[string]func(*serveCmd){
		"port":     func(c *serveCmd) { c.SMTP = "mail.example.org" },
		"sender":   func(c *serveCmd) { c.MailFrom = "" },
		"url":      func(c *serveCmd) { c.URL = "" },
		"password": func(c *serveCmd) { c.SMTPUser, c.SMTPSecret = "books", t.TempDir()+"/missing" },
	} {
		bad := good
		spoil(&bad)
		if _, err := newMailer(bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	m, err := newMailer(good)
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.MustParse("01a20061-35ef-7c6b-975e-fe7b47ea143b")
	message, err := m.message(staff.Mail{ID: id, Email: "li@example.org", Subject: "Waiting\r\nBcc: x@example.org", Body: "A request waits.", Path: "/console/approvals/1",
		MadeAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := message.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"To: <li@example.org>", "From: <books@example.org>", "https://books.example.org/console/approvals/1", id.String() + "@sunfund"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("lacks %q in\n%s", part, &text)
		}
	}
	if strings.Contains(text.String(), "\nBcc:") {
		t.Errorf("a subject makes a header:\n%s", &text)
	}
}
