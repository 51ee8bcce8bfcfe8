package staff

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// ErrRule means a rule of an unknown kind, or with a role that may not decide the kind, or beyond its limits.
var ErrRule = errors.New("approval rule is not acceptable")

// ErrNoRule means that there is no such rule, or it has ended.
var ErrNoRule = errors.New("no such approval rule")

// Rule asks for more than one approver, or for a certain role, from an amount on. With a Window, what counts is the sum
// of all requests of the same maker, or to the same payee, that are open or were approved within it: a payment that is
// split does not escape.
type Rule struct {
	ID        uuid.UUID
	Kind      Kind
	From      int64         // minor units of the book's currency
	Window    time.Duration // whole hours; zero: each request by itself
	Approvers int           // 1 to 5
	Role      Role          // that each of them holds
	MadeAt    time.Time
}

// Need is what a request has to have before it is approved.
type Need struct {
	Approvers int
	Role      Role  // that approvers must hold; empty: any that may decide the kind
	Rule      *Rule // that says so; nil: the one approver that every request needs
	Sum       int64 // what a rule with a window looked at
}

const sqlRuleInsert = `
insert into approval_rule (book_id, id, kind, from_amount, window_hours, approvers, role, made_at)
values ($1, $2, $3, $4, nullif($5, 0), $6, $7, $8)`

// AddRule gives the book a rule, from the next decision on. by is nil for the command line. ErrRule.
func AddRule(ctx context.Context, tx pgx.Tx, book int32, r Rule, by uuid.UUID, now time.Time) (Rule, error) {
	if !r.fits() {
		return Rule{}, ErrRule
	}
	hours := int32(r.Window / time.Hour)
	id, err := uuid.NewV7()
	if err != nil {
		return Rule{}, fmt.Errorf("make rule id: %w", err)
	}
	r.ID, r.MadeAt = id, now
	if _, err := tx.Exec(ctx, sqlRuleInsert, book, id, r.Kind, r.From, hours, r.Approvers, r.Role, now); err != nil {
		return Rule{}, fmt.Errorf("add approval rule: %w", err)
	}
	return r, Record(ctx, tx, book, Event{At: now, Who: by, What: "rule.add", Object: ruleObject(id), Detail: map[string]any{
		"kind": r.Kind, "from": r.From, "window_hours": hours, "approvers": r.Approvers, "role": r.Role}})
}

// fits tells whether the rule can be one.
func (r Rule) fits() bool {
	hours := r.Window / time.Hour
	return slices.Contains(r.Kind.Deciders(), r.Role) && r.From >= 0 && r.Approvers >= 1 && r.Approvers <= 5 &&
		r.Window == hours*time.Hour && hours >= 0 && hours <= 8784
}

const sqlRuleEnd = `
update approval_rule set ended_at = $3 where book_id = $1 and id = $2 and ended_at is null`

// EndRule takes a rule away, for a reason that its history shows. From the console it is the effect of a request
// (RequestRule), since a rule that ends loosens; by is nil for the command line. ErrNoRule, ErrRequestInvalid without a reason.
func EndRule(ctx context.Context, tx pgx.Tx, book int32, id, by uuid.UUID, reason string, now time.Time) error {
	if strings.TrimSpace(reason) == "" || !textOK(reason, 1000) {
		return fmt.Errorf("%w: reason", ErrRequestInvalid)
	}
	tag, err := tx.Exec(ctx, sqlRuleEnd, book, id, now)
	if err != nil {
		return fmt.Errorf("end approval rule: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrNoRule
	}
	return Record(ctx, tx, book, Event{At: now, Who: by, What: "rule.end", Object: ruleObject(id), Reason: reason})
}

func ruleObject(id uuid.UUID) string { return "rule:" + id.String() }

const sqlRules = `
select id, kind, from_amount, coalesce(window_hours, 0), approvers, role, made_at
  from approval_rule
 where book_id = $1 and ended_at is null and ($2::text = '' or kind = $2)
 order by kind, from_amount, id`

// Rules lists the rules of a book that hold, of one kind or, with an empty one, all.
func Rules(ctx context.Context, q pg.Querier, book int32, kind Kind) ([]Rule, error) {
	rows, err := q.Query(ctx, sqlRules, book, kind)
	if err != nil {
		return nil, fmt.Errorf("read approval rules: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Rule, error) {
		var r Rule
		var hours int64
		err := row.Scan(&r.ID, &r.Kind, &r.From, &hours, &r.Approvers, &r.Role, &r.MadeAt)
		r.Window = time.Duration(hours) * time.Hour
		return r, err
	})
}

// An open request counts however old it is: waiting until the window is over opens no gap.
const sqlVelocity = `
select greatest(
         (select coalesce(sum(amount), 0) from approval
           where book_id = $1 and id <> $2 and made_by = $3 and (state = 'open' or state = 'approved' and decided_at > $5)),
         (select coalesce(sum(amount), 0) from approval
           where book_id = $1 and id <> $2 and $4::text <> '' and payee = $4 and (state = 'open' or state = 'approved' and decided_at > $5)))::int8`

// needOf finds the strictest rule for a request. Of two that ask for as many approvers, the higher amount counts.
func needOf(ctx context.Context, q pg.Querier, book int32, a Approval, now time.Time) (Need, error) {
	need := Need{Approvers: 1}
	rules, err := Rules(ctx, q, book, a.Kind)
	if err != nil {
		return need, err
	}
	for _, r := range rules {
		sum := a.Amount
		if r.Window > 0 {
			var others int64
			if err := q.QueryRow(ctx, sqlVelocity, book, a.ID, a.MadeBy, a.Payee, now.Add(-r.Window)).Scan(&others); err != nil {
				return need, fmt.Errorf("sum requests of the window: %w", err)
			}
			sum += others
		}
		if sum >= r.From && r.Approvers >= need.Approvers {
			need = Need{Approvers: r.Approvers, Role: r.Role, Rule: &r, Sum: sum}
		}
	}
	return need, nil
}

// Decision is one person's word on a request.
type Decision struct {
	Person  uuid.UUID
	At      time.Time
	Approve bool
	Reason  string
	Void    bool // given for an earlier version
	Counts  bool // an approval of this version by somebody who may still decide
}

// Progress is who has decided on a request so far, and what is missing.
type Progress struct {
	Need      Need
	Decisions []Decision // oldest first, void ones too
}

// Approved counts the approvals that stand.
func (p Progress) Approved() (n int) {
	for _, d := range p.Decisions {
		if d.Counts {
			n++
		}
	}
	return n
}

// Missing is how many approvals are still needed.
func (p Progress) Missing() int { return max(0, p.Need.Approvers-p.Approved()) }

// Whoever has lost the role or the account meanwhile no longer counts.
const sqlDecisions = `
select d.person_id, d.decided_at, d.verdict = 'approve', d.reason, d.version <> $3 or d.payload_hash <> $4,
       d.verdict = 'approve' and d.version = $3 and d.payload_hash = $4 and p.state = 'active'
         and exists (select from role_grant g where g.book_id = p.book_id and g.person_id = p.id and g.revoked_at is null
                        and g.role = any($5::text[]))
  from approval_decision d
  join person p on p.book_id = d.book_id and p.id = d.person_id
 where d.book_id = $1 and d.approval_id = $2
 order by d.decided_at, d.version, d.person_id`

// ProgressOf tells how far a request has come.
func ProgressOf(ctx context.Context, q pg.Querier, book int32, a Approval, now time.Time) (p Progress, err error) {
	if p.Need, err = needOf(ctx, q, book, a, now); err != nil {
		return p, err
	}
	rows, err := q.Query(ctx, sqlDecisions, book, a.ID, a.Version, a.Hash, p.Need.roles(a.Kind))
	if err != nil {
		return p, fmt.Errorf("read decisions: %w", err)
	}
	p.Decisions, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Decision])
	return p, err
}

// roles are those of which an approver must hold one.
func (n Need) roles(k Kind) []Role {
	if n.Role != "" {
		return []Role{n.Role}
	}
	return k.Deciders()
}

const sqlApprovers = personSelect + `
 where book_id = $1 and state = 'active' and id <> $2 and 'person:' || id <> $3
   and exists (select from role_grant g where g.book_id = person.book_id and g.person_id = person.id and g.revoked_at is null
                  and g.role = any($4::text[]))
   and not exists (select from approval_decision d where d.book_id = person.book_id and d.approval_id = $5 and d.version = $6
                      and d.person_id = person.id)
   and not exists (select from audit_event e where $3 <> '' and e.book_id = person.book_id and e.object = $3 and e.who = person.id
                      and e.what = $7 and e.at > $8)
 order by login limit $9`

// Approvers lists who may still give their word for a request, at most 200.
func Approvers(ctx context.Context, q pg.Querier, book int32, a Approval, now time.Time) ([]Person, error) {
	need, err := needOf(ctx, q, book, a, now)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sqlApprovers, book, a.MadeBy, a.Payee, need.roles(a.Kind), a.ID, a.Version, PayeeChange, now.Add(-PayeeWait), pageLimit)
	if err != nil {
		return nil, fmt.Errorf("list approvers: %w", err)
	}
	return pgx.CollectRows(rows, scanPerson)
}
