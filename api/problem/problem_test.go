package problem

import (
	"fmt"
	"strings"
	"testing"

	"sunfund/ledger"
)

// Who may not pay is told which check is red and where its rows are, and not whose fund it is.
func TestStoppedPaymentsNameTheCheck(t *testing.T) {
	t.Parallel()
	for _, check := range []string{"E5", "E6"} {
		p := Of(fmt.Errorf("approve: %w", &ledger.Halted{Check: check, What: "EAI 5.00 6.00"}))
		if p.Type != "payments-stopped" || p.Status != 409 {
			t.Errorf("%+v", p)
		}
		for lang, page := range map[string]string{"zh-CN": "平衡检查", "en": "Checks"} {
			if title := p.Title(lang); !strings.Contains(title, check) || !strings.Contains(title, page) || strings.Contains(title, "EAI") || strings.Contains(title, "%!") {
				t.Errorf("%s: %s", lang, title)
			}
		}
	}
}
