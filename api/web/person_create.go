package web

import (
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// onceView shows a secret that nobody can read again.
type onceView struct {
	Page
	What   string // whose or what it is
	Secret string
	Hint   string
	Back   Link
}

// personCreate adds a person with an initial password, which is shown this once.
func (v *visit) personCreate() error {
	form := personForm{Login: v.typed("login", 64), NameZH: v.typed("name_zh", 100), NameEN: v.typed("name_en", 100), Speaks: v.typed("speaks", 10)}
	var wrong Errors
	if form.NameZH == "" {
		wrong.Add("name_zh", T(v.lang, "person.name.wrong"))
	}
	if form.NameEN == "" {
		wrong.Add("name_en", T(v.lang, "person.name.wrong"))
	}
	if len(wrong) > 0 {
		return v.peopleAgain(http.StatusUnprocessableEntity, form, wrong)
	}
	password, hash, err := v.initialPassword()
	if err != nil {
		return err
	}
	var made staff.Person
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) (err error) {
		made, err = staff.Create(v.ctx(), tx, v.book.ID, staff.Person{Login: form.Login, NameZH: form.NameZH, NameEN: form.NameEN, Lang: form.Speaks},
			hash, v.who.Person.ID, v.now)
		return err
	})
	switch {
	case errors.Is(err, staff.ErrLoginTaken):
		return v.peopleAgain(http.StatusUnprocessableEntity, form, Errors{{"login", T(v.lang, "person.login.taken")}})
	case errors.Is(err, staff.ErrPersonInvalid):
		return v.peopleAgain(http.StatusUnprocessableEntity, form, Errors{{"login", T(v.lang, "person.login.wrong")}})
	case err != nil:
		return err
	}
	return v.showPassword(made, password)
}

// initialPassword makes a password of 80 random bits in four groups, easy to read out.
func (v *visit) initialPassword() (password, hash string, err error) {
	text := rand.Text()
	password = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:16]
	hash, err = v.s.Hasher.Hash(v.ctx(), password)
	return password, hash, err
}

func (v *visit) showPassword(p staff.Person, password string) error {
	view := onceView{Page: v.consolePage(T(v.lang, "once.password.title"), "/console/people"), Secret: password,
		What: T(v.lang, "once.password.what", p.Name(string(v.lang)), p.Login), Hint: T(v.lang, "once.password.hint"),
		Back: Link{T(v.lang, "once.password.back"), "/console/people/" + p.ID.String()}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/once", view)
}
