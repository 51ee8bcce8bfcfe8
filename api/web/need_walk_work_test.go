package web

import "sunfund/ledger/projects"

// isAwarded: with the vote of its residents the proposal becomes a project; a campaign's gifts are named for it.
func (w *needWalk) isAwarded() {
	w.Helper()
	w.approves("chen", w.does("li", w.proposal, "proposal-award", "day", w.day(0)), "9101", "1,000.00")
	w.project = projectsPath + "/" + lastPart(w.proposal)
	w.does("li", w.project, "project-earmark", "campaign", w.campaign)
	w.says(w.in("楼道安全", "Safe stairs"))
	w.at("wu", w.need)
	w.says(T(w.lang, "need.state.taken"))
}

// isSigned: a contract out of two sources, in two stages, with a part kept back; its signature sets the money aside and takes a second person. The street's part comes in.
func (w *needWalk) isSigned() {
	w.Helper()
	w.contract = w.does("li", w.project, "contract-draft", "code", "HT-1", "kind", "works", "draws", "pro_rata", "kept", "3")
	w.does("li", w.contract, "source-add", "fund", w.fundID, "treatment", "gift", "payer", w.in("网上捐赠", "Gifts on line"), "amount", "600")
	w.does("li", w.contract, "source-add", "fund", w.o.fundOf(1), "treatment", "grant", "payer", w.in("石坪桥街道办事处", "Shiping Bridge street office"), "amount", "400")
	w.does("li", w.contract, "stage-add", "title", w.in("一至三层", "Floors 1 to 3"), "due", w.day(20), "amount", "500")
	w.does("li", w.contract, "stage-add", "title", w.in("四至六层", "Floors 4 to 6"), "due", w.day(40), "amount", "500")
	w.approves("chen", w.does("li", w.contract, "contract-sign", "day", w.day(0)), "HT-1", "9201", "600.00", "400.00")
	w.does("li", w.contract, "contract-receive", "day", w.day(0), "source", "2", "amount", "400", "ref", "20260925-8")
	w.says(w.in("楼道扶手", "Handrails for house 3"), T(w.lang, "contract.next.inspect"))
	w.look("contract", deskWidth)
}

// isDelivered: the supervisor visits and finds something, the organisation answers, the supervisor settles it; photo and invoice are put beside it; the street's own officer
// accepts each stage, the second with less than was promised, and another person books it.
func (w *needWalk) isDelivered() {
	w.Helper()
	own := providerPath + "/contracts/" + lastPart(w.contract)
	w.does("jian", w.contract, "visit-note", "day", w.day(0), "report", w.in("逐层看过", "Every floor looked at"), "times", "44", "people", "30", "finding", w.in("二楼扶手松动", "The rail on floor 2 is loose"), "due", w.day(10))
	w.does("yang", own, "own-answer", "visit", w.in("二楼扶手松动", "The rail on floor 2"), "answer", w.in("已重新固定", "Fixed again"))
	w.uploads("yang", own, providerPath+"/papers", "FP-1.png", scan)
	w.does("jian", w.contract, "finding-settle", "visit", w.in("二楼扶手松动", "The rail on floor 2"))
	w.uploads("wu", w.project, w.project+"/photo", w.in("扶手.jpg", "rail.jpg"), stairs(true))
	w.does("wu", w.contract, "stage-inspect", "stage", "1", "amount", "500", "report", w.in("一至三层都试过", "Floors 1 to 3 tried"))
	w.does("wu", w.contract, "stage-inspect", "stage", "2", "amount", "450", "report", w.in("六层少装一段", "One piece on floor 6 was not needed"))
	w.approves("chen", w.does("li", w.contract, "stage-book", "stage", "1", "day", w.day(0)), "500.00")
	w.approves("chen", w.does("li", w.contract, "stage-book", "stage", "2", "day", w.day(0)), "450.00")
	w.at("wu", w.contract)
	w.says("921.50", "28.50", "44", "FP-1", T(w.lang, "visit.state."+projects.Cleared))
}
