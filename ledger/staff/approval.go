package staff

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

var (
	// ErrDenied means that none of the person's roles carries the permission. Answer 403.
	ErrDenied = errors.New("not permitted")
	// ErrNoApproval means that there is no such request, or not for this person. Answer 404.
	ErrNoApproval = errors.New("no such approval request")
	// ErrChanged means that the request is no longer what the approver read. Show it again; nothing
	// was decided.
	ErrChanged = errors.New("request was changed since it was read")
	// ErrDecided means that the request is decided or withdrawn. Show the decision.
	ErrDecided = errors.New("request is decided already")
	// ErrPayee means that the approver gains by the request, or changed the payee's details lately. Say that another
	// person must do it.
	ErrPayee = errors.New("approver gains by the request or changed its payee lately")
	// ErrRequestInvalid means an unknown kind, an amount below zero, a summary or reason of unacceptable length, a
	// rejection without a reason, or a payload that is not canonical. Say so at the form.
	ErrRequestInvalid = errors.New("request is not acceptable")
	// ErrOtherBody means that the form id or Idempotency-Key was already used for something else.
	// Answer 422; the caller must take a new one.
	ErrOtherBody = errors.New("same key was used for another request")
)

// Kind says what a request's payload is and which room carries it out.
type Kind string

const (
	Voucher   Kind = "voucher"   // a manual entry: the payload is the entry as drafted
	Reversal  Kind = "reversal"  // the mirror entry of one that stands: the payload names it, the day and the reason
	Refund    Kind = "refund"    // money of a gift given back
	Transfer  Kind = "transfer"  // money from one fund to another
	RoleKind  Kind = "role"      // a role given or taken: the payload is a RoleChange
	Reopening Kind = "reopening" // a month that is closed for now opens again
	Opening   Kind = "campaign"  // a draft campaign goes public: the payload is the draft as it was read
	RuleKind  Kind = "rule"      // an approval rule ends or gives way to another: the payload is a RuleChange
	SignInSet Kind = "sign_in"   // by what the book's people sign in: the payload is Settings
	Reset     Kind = "reset"     // password, factor or e-mail address of somebody with a role: the payload is an Access
	// Steps of offline records: the payload names the step, the record and the fields of its form.
	BankReceiptKind Kind = "bank-receipt" // unidentified money sent back, kept or taken off the books
	GoodsKind       Kind = "goods"        // the value of a gift in kind judged, the gift sold, used or returned
	PledgeKind      Kind = "pledge"       // a promise given up
	PlatformKind    Kind = "platform"     // what a giving platform owes written off, or given back there
	MatchKind       Kind = "match"        // a rule of match published; match paid, released, refused, clawed back, or its rest returned
	CloseKind       Kind = "close"        // months closed for good, on the report that the payload names by its hash
	YearKind        Kind = "year-end"     // the closing entries of a year, or their taking back
	LawKind         Kind = "law"          // a fact that a rule of law rests on; figures published or corrected
	PollKind        Kind = "poll"         // a vote of residents published, taken back or counted, or a fund that requires one
	SubsidyKind     Kind = "subsidy"      // a street's money spent or returned, a receipt or a letter of it taken back
	PayeeKind       Kind = "payee"        // where a payee's money goes, or whether it may be paid at all
	ContractKind    Kind = "contract"     // a project approved or ended; a contract signed, changed, booked as delivered, ended
	FundKind        Kind = "fund"         // a fund opened, its charter changed, money of it levied, released or, at its end, handed on; interest shared out
	ReconKind       Kind = "recon"        // what a processor keeps and how long its money takes; days on which banks work; which account of the book a bank account is
	PaymentKind     Kind = "payment"      // money paid out under a contract or as aid, or given back to who paid for it
	UpdateKind      Kind = "update"       // a post about a campaign or a project shown to the public
)

// kinds says who may ask and who may decide; own is what else lets somebody ask, about what is an organisation's own.
var kinds = map[Kind]struct{ ask, decide, own Permission }{
	Voucher:   {ask: EntryDraft, decide: EntryApprove},
	Reversal:  {ask: EntryDraft, decide: EntryApprove},
	Refund:    {ask: GiftWrite, decide: EntryApprove},
	Transfer:  {ask: EntryDraft, decide: EntryApprove},
	RoleKind:  {ask: RoleRequest, decide: RoleApprove},
	Reopening: {ask: EntryDraft, decide: EntryApprove},
	Opening:   {ask: CampaignWrite, decide: CampaignOpen},
	RuleKind:  {ask: SettingAsk, decide: SettingSettle},
	SignInSet: {ask: SettingAsk, decide: SettingSettle},
	Reset:     {ask: PeopleAdmin, decide: RoleApprove},

	BankReceiptKind: {ask: OfflineWrite, decide: EntryApprove},
	GoodsKind:       {ask: OfflineWrite, decide: EntryApprove},
	PledgeKind:      {ask: OfflineWrite, decide: EntryApprove},
	PlatformKind:    {ask: OfflineWrite, decide: EntryApprove},
	MatchKind:       {ask: CampaignWrite, decide: EntryApprove},
	SubsidyKind:     {ask: SubsidyWrite, decide: EntryApprove},
	CloseKind:       {ask: EntryDraft, decide: EntryApprove},
	YearKind:        {ask: EntryDraft, decide: EntryApprove},
	PayeeKind:       {ask: ProjectWrite, decide: EntryApprove},
	ContractKind:    {ask: ProjectWrite, decide: EntryApprove},
	PaymentKind:     {ask: ProjectWrite, decide: EntryApprove},
	LawKind:         {ask: LawWrite, decide: EntryApprove},
	PollKind:        {ask: VoteSettle, decide: EntryApprove},
	FundKind:        {ask: FundWrite, decide: EntryApprove},
	ReconKind:       {ask: OfflineWrite, decide: EntryApprove},
	UpdateKind:      {ask: UpdateAsk, decide: CampaignOpen, own: OwnWork},
}

// PaysOut tells whether money leaves with the approval. Such requests wait while the book's payments are stopped.
func (k Kind) PaysOut() bool {
	switch k {
	case Refund, BankReceiptKind, PlatformKind, SubsidyKind, PaymentKind:
		return true
	}
	return false
}

// Kinds lists all kinds in the order in which a form offers them.
func Kinds() []Kind {
	return []Kind{Voucher, Reversal, Refund, Transfer, RoleKind, Reopening, Opening, RuleKind, SignInSet, Reset, BankReceiptKind, GoodsKind, PledgeKind, PlatformKind, MatchKind, SubsidyKind, CloseKind, YearKind,
		PayeeKind, ContractKind, PaymentKind, PollKind, LawKind, FundKind, ReconKind, UpdateKind}
}

// Deciders are the roles that may decide a kind.
func (k Kind) Deciders() (roles []Role) {
	for _, r := range Roles() {
		if r.May(kinds[k].decide) {
			roles = append(roles, r)
		}
	}
	return roles
}

// ApprovalState is where a request stands.
type ApprovalState string

const (
	Open      ApprovalState = "open"
	Approved  ApprovalState = "approved"
	Rejected  ApprovalState = "rejected"
	Withdrawn ApprovalState = "withdrawn"
)

// Approval is a request by one person that others decide.
type Approval struct {
	ID        uuid.UUID
	Form      uuid.UUID // the form it was sent with: sent twice, it is one request
	Kind      Kind
	Payload   json.RawMessage // canonical JSON
	Hash      []byte          // of all that is read, and the version: put it into the page that shows them
	Summary   string
	Amount    int64  // minor units of the book's currency; 0 when no money is spoken of
	Payee     string // who gains by it, see PersonPayee; empty for nobody
	Version   int32  // counted up by each Change, which voids what was approved before
	Needed    int    // approvals that it took; see Progress while it is open
	MadeBy    uuid.UUID
	MadeAt    time.Time
	ChangedAt time.Time
	State     ApprovalState
	DecidedBy *uuid.UUID // the last one, when it took several
	DecidedAt *time.Time
	Reason    string     // of the decision
	Entry     *uuid.UUID // the entry that the approval posted
}

// Draft is a request before it is made.
type Draft struct {
	Form    uuid.UUID // made with the form's page
	Kind    Kind
	Summary string // one sentence, at most 400 characters
	Amount  int64  // what rules look at, minor units of the book's currency
	Payee   string // who gains by it; empty for nobody
	// Payload is marshalled to JSON. Numbers in it must be integers; money is a decimal string.
	Payload any
}

const sqlApprovalInsert = `
insert into approval (book_id, id, form_id, kind, payload, payload_hash, summary, amount, payee, made_by, made_at, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
on conflict (book_id, form_id) do nothing`

// PersonPayee names somebody on the staff as the one who gains by a request.
func PersonPayee(person uuid.UUID) string { return personObject(person) }

// Request stores a request for a second person. The same form again gives the request it made, or
// ErrOtherBody if it says something else. ErrDenied, ErrRequestInvalid.
func Request(ctx context.Context, tx pgx.Tx, who Identity, d Draft, now time.Time) (Approval, error) {
	kind, known := kinds[d.Kind]
	if !known {
		return Approval{}, fmt.Errorf("%w: kind %q", ErrRequestInvalid, d.Kind)
	}
	if !who.May(kind.ask) && !who.May(kind.own) { // nobody carries an empty permission
		return Approval{}, ErrDenied
	}
	return store(ctx, tx, who, d, now)
}

// RequestByKey is Request of a program whose key has the scope. Whoever made the key answers for it: that person is the request's maker, and
// does not decide it. ErrDenied also when that is nobody on the staff, or somebody who may no longer sign in.
func RequestByKey(ctx context.Context, tx pgx.Tx, k Key, scope Scope, d Draft, now time.Time) (Approval, error) {
	maker, err := ByID(ctx, tx, k.Book, k.CreatedBy)
	if errors.Is(err, ErrNoPerson) || err == nil && maker.State != Active || !k.May(scope) {
		return Approval{}, ErrDenied
	}
	if err != nil {
		return Approval{}, err
	}
	if _, known := kinds[d.Kind]; !known {
		return Approval{}, fmt.Errorf("%w: kind %q", ErrRequestInvalid, d.Kind)
	}
	return store(ctx, tx, Identity{Book: k.Book, Person: maker}, d, now)
}

func store(ctx context.Context, tx pgx.Tx, who Identity, d Draft, now time.Time) (Approval, error) {
	payload, hash, err := seal(d, 1)
	if err != nil {
		return Approval{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Approval{}, fmt.Errorf("make approval id: %w", err)
	}
	tag, err := tx.Exec(ctx, sqlApprovalInsert, who.Book, id, d.Form, d.Kind, payload, hash, d.Summary, d.Amount, d.Payee, who.Person.ID, now)
	if err != nil {
		return Approval{}, fmt.Errorf("make approval request: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return requestedBefore(ctx, tx, who, d, hash)
	}
	a := Approval{ID: id, Form: d.Form, Kind: d.Kind, Payload: payload, Hash: hash, Summary: d.Summary,
		Amount: d.Amount, Payee: d.Payee, Version: 1, Needed: 1, MadeBy: who.Person.ID, MadeAt: now, ChangedAt: now, State: Open}
	return a, recordApproval(ctx, tx, who, "approval.request", a, nil, now)
}

func requestedBefore(ctx context.Context, tx pgx.Tx, who Identity, d Draft, hash []byte) (Approval, error) {
	a, err := readApproval(ctx, tx, sqlApprovalByForm, who.Book, d.Form)
	if err != nil {
		return Approval{}, err
	}
	if a.MadeBy != who.Person.ID || a.Kind != d.Kind || !bytes.Equal(a.Hash, hash) {
		return Approval{}, ErrOtherBody
	}
	return a, nil
}

const sqlApprovalChange = `
update approval set payload = $3, payload_hash = $4, summary = $5, amount = $6, payee = $7, version = $8, changed_at = $9
 where book_id = $1 and id = $2`

// Change replaces what an open request asks for; only its maker may. It voids every approval given so far, and whoever
// read the old one and approves gets ErrChanged. Form and Kind of d are not looked at.
// ErrNoApproval, ErrDenied, ErrDecided, ErrRequestInvalid.
func Change(ctx context.Context, tx pgx.Tx, who Identity, id uuid.UUID, d Draft, now time.Time) (Approval, error) {
	a, err := lockOwn(ctx, tx, who, id)
	if err != nil {
		return Approval{}, err
	}
	d.Form, d.Kind = a.Form, a.Kind
	before := a.Hash
	a.Version++
	if a.Payload, a.Hash, err = seal(d, a.Version); err != nil {
		return Approval{}, err
	}
	a.Summary, a.Amount, a.Payee, a.ChangedAt = d.Summary, d.Amount, d.Payee, now
	_, err = tx.Exec(ctx, sqlApprovalChange, who.Book, id, a.Payload, a.Hash, a.Summary, a.Amount, a.Payee, a.Version, now)
	if err != nil {
		return Approval{}, fmt.Errorf("change approval request: %w", err)
	}
	return a, recordApproval(ctx, tx, who, "approval.change", a, before, now)
}

func recordApproval(ctx context.Context, tx pgx.Tx, who Identity, what string, a Approval, before []byte, now time.Time) error {
	return Record(ctx, tx, who.Book, Event{At: now, Who: who.Person.ID, What: what, Object: a.object(), Before: before, After: a.Hash, Reason: a.Reason,
		Detail: map[string]any{"kind": a.Kind, "version": a.Version, "entry": a.Entry}})
}

func (a Approval) object() string { return "approval:" + a.ID.String() }

// draft is the request as it was drafted.
func (a Approval) draft() Draft {
	return Draft{Form: a.Form, Kind: a.Kind, Summary: a.Summary, Amount: a.Amount, Payee: a.Payee, Payload: a.Payload}
}

// seal makes the one spelling of a payload and the hash of all that an approver reads.
func seal(d Draft, version int32) (payload json.RawMessage, hash []byte, err error) {
	if d.Summary == "" || !textOK(d.Summary, 400) {
		return nil, nil, fmt.Errorf("%w: summary", ErrRequestInvalid)
	}
	if d.Amount < 0 || !textOK(d.Payee, 200) {
		return nil, nil, fmt.Errorf("%w: amount or payee", ErrRequestInvalid)
	}
	raw, err := json.Marshal(d.Payload)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrRequestInvalid, err)
	}
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrRequestInvalid, err)
	}
	if err := canonical(tree); err != nil {
		return nil, nil, err
	}
	if payload, err = json.Marshal(tree); err != nil { // maps come out sorted by key
		return nil, nil, fmt.Errorf("%w: %w", ErrRequestInvalid, err)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %d\n%q\n%d %q\n%s", d.Kind, version, d.Summary, d.Amount, d.Payee, payload)
	return payload, sum.Sum(nil), nil
}

// canonical refuses what PostgreSQL would store in another spelling than it was hashed in.
func canonical(tree any) error {
	switch v := tree.(type) {
	case map[string]any:
		for key, child := range v {
			if strings.ContainsRune(key, 0) {
				return fmt.Errorf("%w: zero byte", ErrRequestInvalid)
			}
			if err := canonical(child); err != nil {
				return err
			}
		}
	case []any:
		for _, child := range v {
			if err := canonical(child); err != nil {
				return err
			}
		}
	case string:
		if strings.ContainsRune(v, 0) {
			return fmt.Errorf("%w: zero byte", ErrRequestInvalid)
		}
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") || v == "-0" {
			return fmt.Errorf("%w: number %s is not an integer", ErrRequestInvalid, v)
		}
	}
	return nil
}

// textOK wants at most n characters that PostgreSQL can store.
func textOK(text string, n int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= n && !strings.ContainsRune(text, 0)
}
