package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/wneessen/go-mail"

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

// A mail server that refuses repeats the address; what goes to the log keeps the reason and not the address.
func TestK1MailErrorsNameNobody(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		lines := bufio.NewScanner(conn)
		fmt.Fprint(conn, "220 mail.example.org\r\n")
		for lines.Scan() {
			answer := "250 fine"
			if strings.HasPrefix(lines.Text(), "RCPT") {
				answer = "550 5.1.1 <Li@Example.org>: no such user li@example.org"
			}
			fmt.Fprint(conn, answer+"\r\n")
		}
	}()
	client, err := mail.NewClient("127.0.0.1", mail.WithPort(listener.Addr().(*net.TCPAddr).Port), mail.WithTLSPolicy(mail.NoTLS))
	if err != nil {
		t.Fatal(err)
	}
	m := &mailer{client, "books@example.org", "https://books.example.org"}
	err = m.send(t.Context(), staff.Mail{ID: uuid.New(), Email: "li@example.org", Subject: "Waiting", Body: "A request waits.", Path: "/console", MadeAt: time.Now()})
	if err == nil || strings.Contains(err.Error(), "@") || !strings.Contains(err.Error(), "no such user (address)") {
		t.Errorf("%v", err)
	}
}
