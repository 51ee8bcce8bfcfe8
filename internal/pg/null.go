package pg

import "time"

// TimeOrNull is a parameter that is null for the zero moment, as of a bound that was not given.
func TimeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
