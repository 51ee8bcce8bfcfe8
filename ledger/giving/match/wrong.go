package match

import "strings"

// Wrong is what is wrong with one field of terms: "pools[1].amount". Key names the message in this package's texts.
type Wrong struct {
	Field, Key string
	Params     map[string]string
}

// TermsError is all that is wrong with terms.
type TermsError struct{ List []Wrong }

func (e *TermsError) Error() string {
	parts := make([]string, len(e.List))
	for i, w := range e.List {
		parts[i] = w.Text("en")
	}
	return "rule: " + strings.Join(parts, "; ")
}

func refused(field, key string, params ...string) *TermsError {
	e := &TermsError{}
	e.refuse(field, key, params...)
	return e
}

// refuse adds a message; params are names and values by turns.
func (e *TermsError) refuse(field, key string, params ...string) {
	w := Wrong{Field: field, Key: "wrong." + key, Params: map[string]string{}}
	for i := 0; i+1 < len(params); i += 2 {
		w.Params[params[i]] = params[i+1]
	}
	e.List = append(e.List, w)
}

// Text is the message in lang, with the field's name in front.
func (w Wrong) Text(lang string) string {
	message := text(lang, w.Key, w.Params)
	if w.Field == "" {
		return message
	}
	return w.Field + text(lang, "colon", nil) + message
}
