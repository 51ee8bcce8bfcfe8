package web

// Caption heads a table of figures: what it is, its unit, as of when, and the exports of exactly its rows.
type Caption struct {
	Title   string
	Unit    string // 元 or CNY: the function Unit
	AsOf    *AsOf
	Exports []Link
}

// Pager leads through a list by cursor. Total counts the whole filter, not the page.
type Pager struct {
	First        string // back to the beginning, of a list that only turns forward
	Prev, Next   string
	Shown, Total int64
}

// Turn leads through a list that is not counted; a view may have the two fields itself.
type Turn struct {
	First, Next string
}

// Empty says what will stand here, why nothing does yet, and one thing to do.
type Empty struct {
	Text   string
	Action *Link
}

// Step is one station of something that takes days. State is done, now or open.
type Step struct {
	State string
	Label string
	At    string // formatted by the handler: a day, or when it is expected
	Note  string
	Link  *Link // where it is done; may be nil
}

// Shape is the step's icon.
func (s Step) Shape() string {
	switch s.State {
	case "done":
		return "check"
	case "now":
		return "half"
	}
	return "ring"
}

// Fact is one line of a list of facts.
type Fact struct{ Term, Value, Href string }
