package statement

import (
	"errors"
	"fmt"
)

// Reason tells why a file is refused; words for it have the key recon.refusal.REASON.
type Reason string

// Reasons.
const (
	ReasonEmpty     Reason = "empty"      // no statement in it
	ReasonSize      Reason = "size"       // too large
	ReasonLines     Reason = "lines"      // too many lines
	ReasonTime      Reason = "time"       // takes too long to read
	ReasonHash      Reason = "hash"       // not the bytes that were announced
	ReasonArchive   Reason = "archive"    // a zip that holds no bill, or more than one, or too much
	ReasonFormat    Reason = "format"     // none that is known
	ReasonVersion   Reason = "version"    // of a message that is not read
	ReasonCharset   Reason = "charset"    // not text as it is declared
	ReasonShape     Reason = "shape"      // broken off, nested too deep, too long a field
	ReasonDoctype   Reason = "doctype"    // XML with a document type or entities of its own
	ReasonHeader    Reason = "header"     // columns that are needed are not there, or there twice
	ReasonAccount   Reason = "account"    // of another account
	ReasonCurrency  Reason = "currency"   // another than the account's, or one that nobody knows
	ReasonDate      Reason = "date"       // no day
	ReasonAmount    Reason = "amount"     // no amount, or too many decimals, or too large
	ReasonDirection Reason = "direction"  // neither in nor out
	ReasonLine      Reason = "line"       // a line that cannot be read
	ReasonTwice     Reason = "twice"      // an id that must be unique stands twice
	ReasonNoBalance Reason = "no-balance" // opening or closing balance missing
	ReasonBalance   Reason = "balance"    // opening + lines is not closing
	ReasonRunning   Reason = "running"    // a line does not move the running balance by its amount
	ReasonTotals    Reason = "totals"     // lines do not add up to the control totals
	ReasonBatch     Reason = "batch"      // transactions do not add up to their line
	ReasonUnproved  Reason = "unproved"   // neither balance nor totals: nothing shows that it is whole
)

// Reasons lists them all.
var Reasons = []Reason{ReasonEmpty, ReasonSize, ReasonLines, ReasonTime, ReasonHash, ReasonArchive, ReasonFormat, ReasonVersion, ReasonCharset,
	ReasonShape, ReasonDoctype, ReasonHeader, ReasonAccount, ReasonCurrency, ReasonDate, ReasonAmount, ReasonDirection, ReasonLine, ReasonTwice,
	ReasonNoBalance, ReasonBalance, ReasonRunning, ReasonTotals, ReasonBatch, ReasonUnproved}

// ErrRefused is what every *Refusal is.
var ErrRefused = errors.New("statement file is refused")

// Refusal says why a file is not taken, and where it shows.
type Refusal struct {
	Reason Reason
	Line   int    // of the text, from 1; 0: the file as a whole
	Want   string // what would have been right; may be empty
	Got    string // what the file has
}

func (e *Refusal) Error() string {
	return fmt.Sprintf("%v: %s at line %d, want %q, got %q", ErrRefused, e.Reason, e.Line, e.Want, e.Got)
}

// Is makes every refusal ErrRefused.
func (e *Refusal) Is(target error) bool { return target == ErrRefused }

// gotMax is how much of a file's own text a refusal repeats.
const gotMax = 60

func refuse(reason Reason, line int, want, got string) error {
	return &Refusal{reason, line, cut(clean(want), gotMax), cut(clean(got), gotMax)}
}
