package match

import "time"

// Kind is what a counter counts. The numbers are stored and never change meaning.
type Kind int16

// Amounts are in minor units of the rule's currency.
const (
	PoolUsed         Kind = 1  // A pool: used of it outside its slices
	PoolDayUsed      Kind = 2  // A pool, Day: the same on one day
	SliceUsed        Kind = 3  // A pool, B window
	AllUsed          Kind = 4  // all pools together
	AllDayUsed       Kind = 5  // Day: all pools together, outside slices
	DonorDayMatch    Kind = 6  // A donor, Day
	DonorMatch       Kind = 7  // A donor
	CampaignDayMatch Kind = 8  // A campaign, Day
	CampaignMatch    Kind = 9  // A campaign
	OrgMatch         Kind = 10 // A organisation
	DonorGifts       Kind = 11 // A donor: gifts that counted
	DonorDayGifts    Kind = 12 // A donor, Day
	PairGifts        Kind = 13 // A donor, B campaign
	Raised           Kind = 14 // A campaign: amount of the gifts that counted
	Donors           Kind = 15 // A campaign: donors of gifts that counted
	LumpDone         Kind = 16 // A campaign: 1 when its lump sum was given
	StreakDays       Kind = 17 // A donor: days in a row
	StreakLast       Kind = 18 // A donor: the last of them, as Day
	DonorMinute      Kind = 19 // A donor, B minute of Unix time: gifts that counted
)

// Key names a counter of one event. Unused parts are empty.
type Key struct {
	Kind Kind
	A, B string
	Day  Day
}

// Change is what is added to a counter.
type Change struct {
	Key Key
	Add int64
}

// State is the counters that were loaded; one that is missing is zero.
type State map[Key]int64

// Apply adds the changes of an award.
func (s State) Apply(changes []Change) {
	for _, c := range changes {
		s[c.Key] += c.Add
	}
}

// Day is a day in the rule's time zone, counted from 1 January 1970.
type Day int32

// Date gives the day at midnight UTC, as PostgreSQL's date has it.
func (d Day) Date() time.Time { return time.Unix(int64(d)*secondsADay, 0).UTC() }

// String is the date as 2026-09-07.
func (d Day) String() string { return d.Date().Format(time.DateOnly) }

const secondsADay = 24 * 60 * 60
