package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"sunfund/ledger/projects/trace"
)

// A page of a list has so many rows and leads to the next one; a file has all rows of the filter, each once.
func TestAListsFileHasAllItsRows(t *testing.T) {
	t.Parallel()
	const most = 50
	for _, rows := range []int32{0, 1, most, most + 1, most + 2, 2*most + 1, 2*most + 2, 3 * most, 3*most + 3} {
		for query, want := range map[string]int32{"": min(rows, most), "?format=csv": rows} {
			v := &visit{Context: echo.New().NewContext(httptest.NewRequest(http.MethodGet, callsPath+query, nil), httptest.NewRecorder()), lang: EN}
			var view workPages
			var before int32 // rows are numbered from the newest, the highest, down to 1
			list, err := listed(v, &view, most, &before, func(one *int32) int32 { return *one }, func() (found []int32, _ error) {
				from := rows
				if before != 0 {
					from = before - 1
				}
				for n := from; n > 0 && len(found) <= most; n-- {
					found = append(found, n)
				}
				return found, nil
			})
			if err != nil || int32(len(list)) != want {
				t.Errorf("%d rows%s: %d, %v", rows, query, len(list), err)
			}
			for i, n := range list {
				if n != rows-int32(i) {
					t.Fatalf("%d rows%s: %d stands at %d", rows, query, n, i)
				}
			}
			if next := query == "" && rows > most; next != strings.HasPrefix(view.Next, callsPath+"?before=") {
				t.Errorf("%d rows%s: next page %q", rows, query, view.Next)
			}
		}
	}
}

// The page of a gift lists so many uses; the rest is one sum.
func TestUsesOfAGiftAreCutAtASum(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, usesShown, usesShown + 1, 3 * usesShown} {
		all := make([]trace.Use, n)
		for i := range all {
			all[i].Amount = int64(i + 1)
		}
		first, more, rest := firstUses(all)
		sum := rest
		for _, u := range first {
			sum += u.Amount
		}
		if len(first)+more != n || len(first) > usesShown || sum != int64(n*(n+1)/2) {
			t.Errorf("%d uses: %d shown, %d more of %d", n, len(first), more, rest)
		}
	}
}
