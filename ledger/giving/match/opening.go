package match

import "time"

// Opening tells whether a window of the rule is open, and when the next one opens; zero when none does any more.
func (r *Rule) Opening(now time.Time) (open bool, next time.Time) {
	_, bits := r.windowsAt(now)
	for i, w := range r.windows {
		for day := dayOf(r.zone, later(w.from, now)); ; day++ {
			at := later(instant(r.zone, day, w.opens), w.from)
			if !at.Before(w.to) || !next.IsZero() && !at.Before(next) {
				break
			}
			if at.After(now) && r.opensAt(i, at) {
				next = at
				break
			}
		}
	}
	return bits != 0, next
}

// opensAt tells whether the window was closed just before the moment and is open then.
func (r *Rule) opensAt(window int, at time.Time) bool {
	_, before := r.windowsAt(at.Add(-time.Second))
	_, then := r.windowsAt(at)
	return then&(1<<window) != 0 && before&(1<<window) == 0
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
