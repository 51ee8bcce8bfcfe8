package payments_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"sunfund/ledger/payments"
)

func ExampleSign() {
	secret, body := []byte("a secret of thirty-four bytes long"), []byte(`{"id":"evt_1"}`)
	at := time.Unix(1788838200, 0)
	header := payments.Sign(secret, body, at)
	fmt.Println(header)
	fmt.Println(payments.Verify([][]byte{secret}, body, header, at.Add(time.Minute)))
	// Output:
	// t=1788838200,v1=38120de9d16b7ad5d9cb518a44a030b06ab57596c79cc3b6220c28c1883badff
	// <nil>
}

// No header passes for a body that it was not made for.
func FuzzVerify(f *testing.F) {
	secret, signed, at := bytes.Repeat([]byte{7}, 32), []byte(`{"id":"evt_1"}`), time.Unix(1788838200, 0)
	header := payments.Sign(secret, signed, at)
	f.Add(header, []byte("other"))
	f.Add("t=1,v1=00", []byte(""))
	f.Add(",,==,t=,v1=", []byte("x"))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if bytes.Equal(body, signed) {
			return
		}
		if err := payments.Verify([][]byte{secret}, body, header, at); err == nil {
			t.Errorf("%q passes for %q", header, body)
		}
	})
}
