package web

import "net/http"

type aboutView struct{ Page }

// about answers /about: who runs this, how to reach them, what works and what does not yet.
func (v *visit) about() error {
	view := aboutView{v.page(T(v.lang, "about.heading"))}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/about", view)
}
