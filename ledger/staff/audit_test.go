package staff_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

func TestEvents(t *testing.T) {
	o := newOffice(t)
	who := uuid.New()
	for n := range 5 {
		o.must(o.tx(func(tx pgx.Tx) error {
			return staff.Record(o.ctx, tx, book, staff.Event{At: now.Add(time.Duration(n) * time.Second), Who: who, What: "export.journal",
				Object: fmt.Sprintf("fund:%d", n%2), Detail: map[string]int{"lines": n}})
		}))
	}
	list := func(f staff.EventFilter) []staff.Event {
		t.Helper()
		events, err := staff.Events(o.ctx, o.service, book, f)
		o.must(err)
		return events
	}
	first := list(staff.EventFilter{Limit: 2})
	rest := list(staff.EventFilter{Before: first[1].ID})
	if len(first) != 2 || len(rest) != 3 || string(first[0].Detail.(json.RawMessage)) != `{"lines": 4}` {
		t.Fatalf("%v, %v", first, rest)
	}
	if n := len(list(staff.EventFilter{Object: "fund:1", Who: who})); n != 2 {
		t.Fatalf("%d events on fund 1", n)
	}
	if n := len(list(staff.EventFilter{Who: uuid.New()})); n != 0 {
		t.Fatalf("%d events of a stranger", n)
	}
	for _, sql := range []string{"update audit_event set what = 'nothing'", "delete from audit_event", "truncate audit_event"} {
		_, err := o.service.Exec(o.ctx, sql)
		if code, _ := refusedBy(err); code != "42501" {
			t.Errorf("service: %s: %v", sql, err)
		}
		_, err = o.owner.Exec(o.ctx, sql)
		if code, _ := refusedBy(err); code != "23000" {
			t.Errorf("owner: %s: %v", sql, err)
		}
	}
}

// The service can do what the code here does, and nothing more. * is the whole row.
func TestServiceRights(t *testing.T) {
	o := newOffice(t)
	want := map[string]string{
		"person":          "select * insert * update email,lang,name_en,name_zh,password,password_due,state,totp_secret,totp_step",
		"role_grant":      "select * insert * update revoked_at,revoked_by",
		"session":         "select * insert * update idle_until,last_seen_at,proved_at,proved_by,revoked_at delete *",
		"sign_in_attempt": "select * insert * update tries,window_ends delete *",
		"approval":        "select * insert * update amount,changed_at,decided_at,decided_by,entry_id,needed,payee,payload,payload_hash,reason,state,summary,version",
		"api_key":         "select * insert * update expires_at,last_used_at,revoked_at,revoked_by,successor",
		"request_key":     "select * insert * delete *",
		"audit_event":     "select * insert *",

		"approval_rule":     "select * insert * update ended_at",
		"approval_decision": "select * insert *",
		"mail":              "select * insert * update next_try,sent_at,tries delete *",
		"sign_in_setting":   "select * insert * update acr,client,issuer,password",
		"passkey":           "select * insert * update last_used_at,removed_at,sign_count,stopped_at",
		"identity_link":     "select * insert * update removed_at",
		"recovery_code":     "select * insert * update used_at delete *",
		"sign_in_ceremony":  "select * insert * delete *",
	}
	for table, rights := range want {
		var got []string
		for _, verb := range []string{"select", "insert", "update", "delete", "truncate", "references", "trigger"} {
			var whole bool
			o.must(o.owner.QueryRow(o.ctx, `select has_table_privilege('sunfund_app', $1, $2)`, table, verb).Scan(&whole))
			if whole {
				got = append(got, verb+" *")
				continue
			}
			if verb == "delete" || verb == "truncate" || verb == "trigger" {
				continue // there is no such right on a column
			}
			var columns string
			o.must(o.owner.QueryRow(o.ctx, `select coalesce(string_agg(attname, ',' order by attname), '') from pg_attribute
				where attrelid = $1::text::regclass and attnum > 0 and has_column_privilege('sunfund_app', attrelid, attnum, $2)`,
				table, verb).Scan(&columns))
			if columns != "" {
				got = append(got, verb+" "+columns)
			}
		}
		if g := strings.Join(got, " "); g != rights {
			t.Errorf("%s: %s\nwant %s", table, g, rights)
		}
	}
}
