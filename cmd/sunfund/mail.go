package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"sunfund/api/web"
	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// mailer sends notices to staff. It says where to look, not what the request holds.
type mailer struct {
	client *mail.Client
	from   string
	url    string // in front of the letter's path
}

const mailTimeout = 20 * time.Second

var errMailSettings = errors.New("notices need SUNFUND_SMTP as HOST:PORT, SUNFUND_MAIL_FROM and SUNFUND_URL")

// newMailer is nil when no mail server is set.
func newMailer(cfg serveCmd) (*mailer, error) {
	if cfg.SMTP == "" {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(cfg.SMTP)
	number, numberErr := strconv.Atoi(port)
	if err != nil || numberErr != nil || cfg.MailFrom == "" || cfg.URL == "" {
		return nil, errMailSettings
	}
	options := []mail.Option{mail.WithPort(number), mail.WithTimeout(mailTimeout), mail.WithTLSPolicy(mail.TLSMandatory)}
	if number == 465 {
		options = append(options, mail.WithSSL())
	}
	if cfg.SMTPUser != "" {
		secret, err := os.ReadFile(cfg.SMTPSecret)
		if err != nil {
			return nil, fmt.Errorf("read mail password: %w", err)
		}
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(cfg.SMTPUser), mail.WithPassword(strings.TrimSpace(string(secret))))
	}
	client, err := mail.NewClient(host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	return &mailer{client, cfg.MailFrom, strings.TrimSuffix(cfg.URL, "/")}, nil
}

// errNoLetter means that a letter to a donor could not be put into words.
var errNoLetter = errors.New("letter to a donor has no words")

// sendDonor sends a letter to a donor. What the letter says and to whom is known here only, and for no longer than it takes.
func (m *mailer) sendDonor(ctx context.Context, q pg.Querier, book *ledger.Book, l giving.Letter) error {
	text, err := web.WriteLetter(ctx, q, book, l)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoLetter, err)
	}
	if err := m.send(ctx, staff.Mail{ID: l.ID, Subject: text.Subject, Body: text.Body, Path: text.Path, MadeAt: l.MadeAt, Email: l.Email}); err != nil {
		return errLetterSend // the mail server's answer may hold the address
	}
	return nil
}

var errLetterSend = errors.New("mail server did not take a letter to a donor")

func (m *mailer) send(ctx context.Context, letter staff.Mail) error {
	message, err := m.message(letter)
	if err != nil {
		return err
	}
	if err := m.client.DialAndSendWithContext(ctx, message); err != nil {
		return fmt.Errorf("send mail: %s", anyAddress.ReplaceAllLiteralString(err.Error(), "(address)"))
	}
	return nil
}

// anyAddress finds e-mail addresses in what a mail server answers: the error goes to the log, where nobody's belongs.
var anyAddress = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]+`)

func (m *mailer) message(letter staff.Mail) (*mail.Msg, error) {
	message := mail.NewMsg()
	if err := errors.Join(message.From(m.from), message.To(letter.Email)); err != nil {
		return nil, fmt.Errorf("address mail: %w", err)
	}
	message.Subject(letter.Subject)
	message.SetDateWithValue(letter.MadeAt)
	message.SetMessageIDWithValue(letter.ID.String() + "@sunfund") // the same letter, sent again after a lost answer
	message.SetBodyString(mail.TypeTextPlain, letter.Body+"\n\n"+m.url+letter.Path+"\n")
	return message, nil
}
