package web

import (
	"strconv"

	"sunfund/ledger"
)

// sight is whose funds a person sees: all of the book, or those of her streets and funds. What is not in sight does not exist.
type sight struct {
	all   bool
	funds []ledger.Fund // in order of opening
}

func (v *visit) sight() (*sight, error) {
	if v.sees != nil {
		return v.sees, nil
	}
	funds, err := ledger.Funds(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return nil, err
	}
	s := &sight{}
	s.all, _ = v.who.Streets()
	for _, f := range funds {
		if v.who.MaySee(f.ID, f.StreetID) {
			s.funds = append(s.funds, f)
		}
	}
	return s, nil
}

// ids are the funds a query is held to; nil for all.
func (s *sight) ids() []int32 {
	if s.all {
		return nil
	}
	ids := make([]int32, len(s.funds))
	for i, f := range s.funds {
		ids[i] = f.ID
	}
	return ids
}

// fund finds a fund in sight, or nil.
func (s *sight) fund(id int32) *ledger.Fund {
	for i := range s.funds {
		if s.funds[i].ID == id {
			return &s.funds[i]
		}
	}
	return nil
}

// options offers the funds in sight in a select; first is the label of no fund at all, empty for none such.
func (s *sight) options(lang Lang, first string) []Option {
	var options []Option
	if first != "" {
		options = append(options, Option{Value: "", Label: first})
	}
	for _, f := range s.funds {
		options = append(options, Option{Value: strconv.Itoa(int(f.ID)), Label: fundLabel(lang, &f)})
	}
	return options
}

func fundLabel(lang Lang, f *ledger.Fund) string { return f.Code + " " + f.Name(string(lang)) }

func (v *visit) fundOption(f *ledger.Fund) Option {
	return Option{Value: strconv.Itoa(int(f.ID)), Label: fundLabel(v.lang, f)}
}
