package payments

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Refusals of an event before anything is stored.
var (
	ErrSignature = errors.New("signature does not fit")
	ErrTooOld    = errors.New("signature is too old or from the future")
)

// SignatureHeader carries the signature of an event that the sandbox delivers.
const SignatureHeader = "Sunfund-Signature"

// SignatureTolerance is how far the signature's clock may be from ours, either way.
const SignatureTolerance = 300 * time.Second

// Sign makes the header of a body: "t=unix seconds,v1=hex(hmac-sha256(t.body))", the scheme Stripe uses too.
func Sign(secret, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret []byte, t string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(t))
	h.Write([]byte{'.'})
	h.Write(body)
	return h.Sum(nil)
}

// Limits of a signature header.
const (
	headerMax     = 2048
	signaturesMax = 8
)

// Verify holds a body to its header under any of the secrets (two while one is being replaced). The
// header may carry several v1 signatures. It fails with ErrSignature or ErrTooOld.
func Verify(secrets [][]byte, body []byte, header string, now time.Time) error {
	t, signatures, err := parseHeader(header)
	if err != nil {
		return err
	}
	fits := false
	for _, secret := range secrets {
		want := mac(secret, t, body)
		for _, got := range signatures {
			if hmac.Equal(want, got) { // constant time
				fits = true
			}
		}
	}
	if !fits {
		return ErrSignature
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: time %q", ErrSignature, t)
	}
	if d := now.Unix() - seconds; d > int64(SignatureTolerance/time.Second) || d < -int64(SignatureTolerance/time.Second) {
		return fmt.Errorf("%w: %d seconds", ErrTooOld, d)
	}
	return nil
}

func parseHeader(header string) (t string, signatures [][]byte, err error) {
	if len(header) > headerMax {
		return "", nil, fmt.Errorf("%w: header of %d bytes", ErrSignature, len(header))
	}
	for part := range strings.SplitSeq(header, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "t":
			if t != "" {
				return "", nil, fmt.Errorf("%w: two times", ErrSignature)
			}
			t = value
		case "v1":
			sum, err := hex.DecodeString(value)
			if err != nil || len(sum) != sha256.Size || len(signatures) == signaturesMax {
				return "", nil, fmt.Errorf("%w: malformed header", ErrSignature)
			}
			signatures = append(signatures, sum)
		}
	}
	if t == "" || len(t) > 20 || len(signatures) == 0 {
		return "", nil, fmt.Errorf("%w: malformed header", ErrSignature)
	}
	return t, signatures, nil
}
