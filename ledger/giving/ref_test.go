package giving_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

func ExampleRef() {
	book := &ledger.Book{RefKey: [16]byte{1, 2, 3}}
	ref := giving.Ref(book, uuid.MustParse("01990000-0000-7000-8000-000000000001"))
	id, err := giving.ParseRef(book, ref)
	fmt.Println(ref, id, err)
	// Output: gwt37epjlkhqiysloi6h2sg6qy 01990000-0000-7000-8000-000000000001 <nil>
}

// What is read as a reference is the one reference of its gift.
func FuzzParseRef(f *testing.F) {
	book := &ledger.Book{RefKey: [16]byte{9}}
	f.Add(giving.Ref(book, uuid.MustParse("01990000-0000-7000-8000-000000000001")))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := giving.ParseRef(book, s); err == nil && giving.Ref(book, id) != s {
			t.Errorf("%q is read as %s", s, id)
		}
	})
}
