package staff

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// RuleChange is the payload of a request to end a rule, or to put another in its place. A rule that is added only ever
// asks for more, so it needs no request: AddRule.
type RuleChange struct {
	End     uuid.UUID `json:"end"`
	Instead *Terms    `json:"instead,omitempty"` // nil: nothing takes its place
	Reason  string    `json:"reason"`
}

// Terms are what a rule says.
type Terms struct {
	Kind      Kind  `json:"kind"`
	From      int64 `json:"from_minor"` // minor units of the book's currency
	Hours     int32 `json:"window_hours"`
	Approvers int   `json:"approvers"`
	Role      Role  `json:"role"`
}

// Rule is a rule of these terms that is not made yet.
func (t Terms) Rule() Rule {
	return Rule{Kind: t.Kind, From: t.From, Window: time.Duration(t.Hours) * time.Hour, Approvers: t.Approvers, Role: t.Role}
}

// Terms of the rule, as a request keeps them.
func (r Rule) Terms() Terms {
	return Terms{Kind: r.Kind, From: r.From, Hours: int32(r.Window / time.Hour), Approvers: r.Approvers, Role: r.Role}
}

// RequestRule asks another admin to end or change a rule. ErrDenied, ErrNoRule, ErrRule, ErrRequestInvalid, ErrOtherBody.
func RequestRule(ctx context.Context, tx pgx.Tx, who Identity, form uuid.UUID, summary string, c RuleChange, now time.Time) (Approval, error) {
	if _, err := LiveRule(ctx, tx, who.Book, c.End); err != nil {
		return Approval{}, err
	}
	if c.Instead != nil && !c.Instead.Rule().fits() {
		return Approval{}, ErrRule
	}
	return Request(ctx, tx, who, Draft{Form: form, Kind: RuleKind, Summary: summary, Payload: c}, now)
}

// ReadRuleChange reads the payload of a request of kind rule.
func ReadRuleChange(a Approval) (c RuleChange, err error) {
	if err := json.Unmarshal(a.Payload, &c); err != nil {
		return c, fmt.Errorf("read rule change %s: %w", a.ID, err)
	}
	return c, nil
}

// ChangeRule is the effect of an approved rule change, from the next decision on. ErrNoRule, ErrRule.
func ChangeRule(ctx context.Context, tx pgx.Tx, book int32, a Approval, now time.Time) error {
	c, err := ReadRuleChange(a)
	if err != nil {
		return err
	}
	if err := EndRule(ctx, tx, book, c.End, a.MadeBy, c.Reason, now); err != nil || c.Instead == nil {
		return err
	}
	_, err = AddRule(ctx, tx, book, c.Instead.Rule(), a.MadeBy, now)
	return err
}

// LiveRule finds a rule that holds, or ErrNoRule.
func LiveRule(ctx context.Context, q pg.Querier, book int32, id uuid.UUID) (Rule, error) {
	rules, err := Rules(ctx, q, book, "")
	if err != nil {
		return Rule{}, err
	}
	for _, r := range rules {
		if r.ID == id {
			return r, nil
		}
	}
	return Rule{}, ErrNoRule
}

// EndedRule is a rule that held once.
type EndedRule struct {
	Rule
	EndedAt time.Time
	EndedBy uuid.UUID // who asked for it; nil: the command line
	Reason  string
}

// Who ended a rule, and why, is in the audit trail.
const sqlRulesEnded = `
select r.id, r.kind, r.from_amount, coalesce(r.window_hours, 0), r.approvers, r.role, r.made_at, r.ended_at,
       coalesce(e.who, '00000000-0000-0000-0000-000000000000'), coalesce(e.reason, '')
  from approval_rule r
  left join lateral (select who, reason from audit_event
                      where book_id = r.book_id and object = 'rule:' || r.id and what = 'rule.end' limit 1) e on true
 where r.book_id = $1 and r.ended_at is not null
 order by r.ended_at desc, r.id limit $2`

// EndedRules lists rules that hold no more, the last one first; n is at most 200.
func EndedRules(ctx context.Context, q pg.Querier, book int32, n int) ([]EndedRule, error) {
	rows, err := q.Query(ctx, sqlRulesEnded, book, limit(n))
	if err != nil {
		return nil, fmt.Errorf("read ended rules: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (EndedRule, error) {
		var r EndedRule
		var hours int64
		err := row.Scan(&r.ID, &r.Kind, &r.From, &hours, &r.Approvers, &r.Role, &r.MadeAt, &r.EndedAt, &r.EndedBy, &r.Reason)
		r.Window = time.Duration(hours) * time.Hour
		return r, err
	})
}

// RequestSettings asks another admin to change by what the book's people sign in. ErrDenied, ErrSettings, ErrOtherBody.
func RequestSettings(ctx context.Context, tx pgx.Tx, who Identity, form uuid.UUID, summary string, s Settings, now time.Time) (Approval, error) {
	if !s.fits() {
		return Approval{}, ErrSettings
	}
	return Request(ctx, tx, who, Draft{Form: form, Kind: SignInSet, Summary: summary, Payload: s}, now)
}

// ReadSettingsChange reads the payload of a request of kind sign_in.
func ReadSettingsChange(a Approval) (s Settings, err error) {
	if err := json.Unmarshal(a.Payload, &s); err != nil {
		return s, fmt.Errorf("read sign-in settings of %s: %w", a.ID, err)
	}
	return s, nil
}

// ChangeSettings is the effect of approved sign-in settings, from the next request on. ErrSettings.
func ChangeSettings(ctx context.Context, tx pgx.Tx, book int32, a Approval, now time.Time) error {
	s, err := ReadSettingsChange(a)
	if err != nil {
		return err
	}
	return SetSettings(ctx, tx, book, s, a.MadeBy, now)
}
