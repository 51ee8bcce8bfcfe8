package law

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"sunfund/ledger"
)

const sqlCorrections = `
select count(*) filter (where corrects is not null), count(*) from disclosure_version where book_id = $1 and published_on between $2 and $3`

// lookCorrections is R09b: PostgreSQL refuses a correction without its note, and a published version that changes.
func lookCorrections(ctx context.Context, d *desk, f *Finding) error {
	d.param(f, "R09b", "note")
	var corrected, all int64
	if err := d.q.QueryRow(ctx, sqlCorrections, d.book.ID, ledger.Day(d.year, time.January, 1), ledger.Day(d.year, time.December, 31)).Scan(&corrected, &all); err != nil {
		return fmt.Errorf("read corrections: %w", err)
	}
	f.text("当年公开的版本", "Versions published this year", strconv.FormatInt(all, 10))
	f.text("其中更正", "of them corrections", strconv.FormatInt(corrected, 10))
	if all > 0 {
		f.State = Holds
	}
	return nil
}
