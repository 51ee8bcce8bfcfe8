package web

import (
	"net/http"
	"testing"
)

// A filter that can find nothing says so at its field, and is not silently left out.
func TestFiltersSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, shen := o.as("li"), o.as("shen")
	for path, message := range map[string]string{
		"/console/entries?kind=nope":                           "业务：没有这一种",
		"/console/entries?source=nope":                         "来源：没有这一种",
		"/console/entries?fund=nope":                           "基金：请从列表里选",
		"/console/entries?from=2026-09-02&to=2026-09-01":       "结束日期不能早于开始日期",
		"/console/gifts?from=2026-09-02&to=2026-09-01":         "结束日期不能早于开始日期",
		"/console/gifts?channel=nope":                          "支付渠道：没有这一种",
		"/console/trial-balance?from=2026-09-02&to=2026-09-01": "结束日期不能早于开始日期",
	} {
		li.wants(li.get(path), http.StatusUnprocessableEntity, message)
	}
	shen.wants(shen.get("/console/audit?from=2026-09-02&to=2026-09-01"), http.StatusUnprocessableEntity, "结束日期不能早于开始日期")
	li.wants(li.get("/console/entries?from=2026-09-01&to=2026-09-01"), http.StatusOK)
}
