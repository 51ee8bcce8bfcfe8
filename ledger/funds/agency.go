package funds

// AgencyTest is what was answered when a fund was applied for: whose money it would be (受托代理三项测试, accounting.md R22). It stays with the file.
type AgencyTest struct {
	PassOn     bool `json:"pass_on"`     // a written agreement says that it is to be passed on
	NoIncrease bool `json:"no_increase"` // the association must pass it on and is not the richer for it
	NoPower    bool `json:"no_power"`    // it can change neither who gets it nor what it is for
	Named      bool `json:"named"`       // the giver named the person or unit that gets it
}

// Agency tells the outcome: the money is owed to somebody named, and is neither income nor spending of the association. Otherwise it is a gift.
func (t AgencyTest) Agency() bool { return t.PassOn || t.NoIncrease && t.NoPower && t.Named }
