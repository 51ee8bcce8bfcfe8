package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// wordsOr is what key says, or rest when there are no words for it: the trail may hold events of another version.
func wordsOr(lang Lang, key, rest string) string {
	if said := T(lang, key); !strings.HasPrefix(said, "⟦") {
		return said
	}
	return rest
}

// auditWhat says what somebody did.
func auditWhat(lang Lang, what string) string {
	area, rest, _ := strings.Cut(what, ".")
	switch area {
	case "recon":
		return wordsOr(lang, "act."+strings.ReplaceAll(rest, "_", "-"), T(lang, "audit.recon"))
	case "offline":
		return wordsOr(lang, "act."+rest, T(lang, "audit.offline"))
	case "subsidy":
		return wordsOr(lang, "deed."+strings.ReplaceAll(rest, "_", "-"), T(lang, "audit.subsidy"))
	case "need", "call", "proposal":
		return wordsOr(lang, "deed."+strings.ReplaceAll(rest, "_", "-"), T(lang, "audit.need"))
	case "update":
		return wordsOr(lang, "deed."+strings.ReplaceAll(rest, "_", "-"), T(lang, "audit.update"))
	case "payee", "project", "contract", "payment":
		return wordsOr(lang, "deed."+strings.ReplaceAll(rest, "_", "-"), T(lang, "audit.project"))
	}
	return wordsOr(lang, "audited."+what, wordsOr(lang, "audit."+area, what))
}

// auditObject says to what, with the page on which it stands, as far as it has one. Asking for a page is its own object.
func (v *visit) auditObject(e staff.Event, names *names) (Link, error) {
	kind, id, ok := strings.Cut(e.Object, ":")
	said := wordsOr(v.lang, "audited-object."+kind, "")
	if !ok || said == "" || e.What == staff.Denied {
		return Link{Label: e.Object}, nil
	}
	own, err := uuid.Parse(id)
	if err != nil {
		return Link{Label: said + " " + id}, nil
	}
	href := ""
	switch {
	case kind == "person":
		name, err := names.of(own)
		if err != nil {
			return Link{}, err
		}
		if v.who.May(staff.PeopleRead) {
			href = "/console/people/" + id
		}
		return Link{Label: said + " " + name, Href: href}, nil
	case kind == "approval" && v.who.May(staff.RequestRead):
		href = "/console/approvals/" + id
	case kind == "rule" && v.who.May(staff.SettingRead):
		href = "/console/settings/rules/" + id
	}
	return Link{Label: said + " …" + id[len(id)-6:], Href: href}, nil
}

// auditDetail turns the detail of an event into words, in the order of its names. What is zero, or stands in another
// column, is left out.
func (v *visit) auditDetail(e staff.Event) string {
	raw, ok := e.Detail.(json.RawMessage)
	if !ok {
		return ""
	}
	read := json.NewDecoder(bytes.NewReader(raw))
	read.UseNumber()
	var detail map[string]any
	if read.Decode(&detail) != nil {
		return string(raw)
	}
	keys := make([]string, 0, len(detail))
	for key := range detail {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var said []string
	for _, key := range keys {
		if value := v.auditValue(e, key, detail[key]); value != "" {
			said = append(said, wordsOr(v.lang, "audited-detail."+key, key)+T(v.lang, "audit.colon")+value)
		}
	}
	return strings.Join(said, T(v.lang, "audit.between"))
}

func (v *visit) auditValue(e staff.Event, key string, value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case []any:
		var each []string
		for _, one := range value {
			each = append(each, v.auditValue(e, key, one))
		}
		return strings.Join(each, T(v.lang, "console.and"))
	case json.Number:
		if n, err := value.Int64(); err == nil && (key == "amount" || key == "from" && e.What == "rule.add") {
			return Amount(v.lang, money.Money{Minor: n, Currency: v.book.Currency})
		}
		if value == "0" {
			return ""
		}
		return value.String()
	case string:
		if key == "ip" && e.IP.IsValid() && value == e.IP.String() || value == uuid.Nil.String() {
			return ""
		}
		if at, err := time.Parse(time.RFC3339, value); err == nil {
			return Stamp(at, v.book.Zone)
		}
		family := map[string]string{"kind": "approval.kind", "role": "role", "scopes": "scope"}[key]
		if family == "" {
			family = "audited-value." + key
		}
		return wordsOr(v.lang, family+"."+value, value)
	}
	return fmt.Sprint(value)
}
