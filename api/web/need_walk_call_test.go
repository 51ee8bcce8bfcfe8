package web

// callIsPublished: the street drafts a call with money of two kinds, criteria and reviewers, and publishes it.
func (w *needWalk) callIsPublished() {
	w.Helper()
	w.call = w.does("wu", callsPath+"/new", "call-enter", "title", w.in("楼道适老", "Safer stairs"), "about", w.in("扶手、长椅、照明", "Handrails, benches, lamps"), "street", "1", "due-opens", w.day(0), "due-closes", w.day(6), "each", "1000", "firm", "1",
		"credit", "good", "reviews", "2", "pass", "60", "ties", "cost-people", "notice", "7")
	w.does("wu", w.call, "call-source", "fund", w.fundID, "treatment", "gift", "payer", w.in("网上捐赠", "Gifts on line"), "amount", "1200")
	w.does("wu", w.call, "call-source", "fund", w.o.fundOf(1), "treatment", "grant", "payer", w.in("石坪桥街道办事处", "Shiping Bridge street office"), "amount", "800")
	w.does("wu", w.call, "call-criterion", "label", w.in("需求和方案", "Need and plan"), "points", "60")
	w.does("wu", w.call, "call-criterion", "label", w.in("团队和预算", "Team and budget"), "points", "40")
	for _, login := range []string{"wu", "chen", "jian"} {
		w.does("wu", w.call, "call-reviewer", "person", w.o.personID(login).String())
	}
	w.does("wu", w.call, "call-publish")
	w.is("")
	w.open("/calls/1")
	w.says(w.in("楼道适老", "Safer stairs"), "1,200.00", "800.00")
}

// organisationApplies: the organisation's own person applies with plan, itemised budget and a paper; for another one the accountant writes it down. The street checks both.
func (w *needWalk) organisationApplies() {
	w.Helper()
	w.at("yang", providerPath)
	w.says(w.in("楼道适老", "Safer stairs"))
	mine := w.does("yang", providerPath+"/calls/1", "own-apply", "title", w.in("楼道扶手", "Handrails for house 3"), "plan", w.in("三栋每层装双侧扶手", "Handrails on both sides of every floor"), "need", w.in("楼道装扶手", "Handrails on the stairs"), "people", "40", "due-starts", w.day(24), "due-ends", w.day(115))
	w.does("yang", mine, "proposal-item", "label", w.in("扶手材料", "Rails"), "amount", "600")
	w.does("yang", mine, "proposal-item", "label", w.in("安装人工", "Labour"), "amount", "400")
	w.uploads("yang", mine, providerPath+"/papers", w.in("方案.png", "plan.png"), scan)
	w.does("yang", mine, "proposal-file")
	w.says(w.in("方案", "plan.png"), "1,000.00", w.in("楼道装扶手", "Handrails on the stairs"))
	w.look("proposal", phoneWidth)
	w.proposal = proposalsPath + "/" + lastPart(mine)
	name := w.in("春晖助老服务中心", "Spring Elder Care")
	w.does("li", payeesPath+"/new", "payee-enter", "name", name, "standing", "registered", "code", "91500107MA5U0000C3")
	w.other = w.does("li", w.call, "proposal-enter", "payee", name, "title", w.in("楼道照明", "Lamps on the stairs"), "plan", w.in("每层一盏声控灯", "One lamp with a sensor on each floor"), "people", "60", "due-starts", w.day(24), "due-ends", w.day(115))
	w.does("li", w.other, "proposal-item", "label", w.in("灯具", "Lamps"), "amount", "900")
	w.does("li", w.other, "proposal-file")
	for _, p := range []string{w.proposal, w.other} {
		w.does("wu", p, "proposal-check")
		w.says(T(w.lang, "proposal.state.eligible"))
	}
}

// reviewersScore: after the last day one reviewer declares a conflict and stands aside, the others score, and the street announces the ranking.
func (w *needWalk) reviewersScore() {
	w.Helper()
	w.later(7)
	w.does("jian", w.proposal, "review-conflict", "conflict", w.in("我是这家中心的理事", "I sit on the board of this centre"))
	for _, login := range []string{"wu", "chen"} {
		w.does(login, w.proposal, "review-score", "points-1", "55", "points-2", "35", "note", w.in("方案清楚，做得到", "Clear, and can be done"))
		w.does(login, w.other, "review-score", "points-1", "50", "points-2", "30", "note", w.in("可以", "Fair"))
	}
	w.does("wu", w.call, "call-announce")
	w.says("90.0", "80.0")
}

// noticeRuns: everybody reads the ranking; a resident objects, the street answers, and the days of the notice pass.
func (w *needWalk) noticeRuns() {
	w.Helper()
	w.resident(1, "/calls/1")
	w.says(w.in("楼道扶手", "Handrails for house 3"), w.in("向阳社工服务中心", "Sunrise Social Work Centre"), "90.0")
	w.look("call", phoneWidth)
	w.set("about", w.in("楼道扶手", "Handrails for house 3"), "objection", w.in("扶手会不会挡住消防通道？", "Will the rails block the way out in a fire?"))
	w.press(`form[action="/calls/1"] button`)
	w.does("wu", w.call, "objection-reject", "objection", w.in("消防通道", "in a fire"), "answer", w.in("净宽留足 1.1 米，消防已经看过。", "1.1 m stay free; the fire brigade has seen it."))
	w.is("")
	w.open("/calls/1")
	w.says(w.in("消防已经看过", "the fire brigade has seen it"))
	w.later(8)
}

// residentsVote: the proposals that passed go to a vote, published by two people; one resident votes on a phone and changes her mind, another on paper that two people read.
func (w *needWalk) residentsVote() {
	w.Helper()
	w.poll = w.does("wu", pollsPath, "poll-enter", "communities", "1", "zh", "今年做什么", "en", "What to do this year", "fund", w.fundID, "budget", "1000", "due-opens", w.day(0), "due-closes", w.day(2), "paper", w.in("向阳居委会", "Community office"),
		"ballot", "approval", "least", "1", "method", "greedy", "ties", "cost-votes")
	w.does("wu", w.call, "call-to-vote", "vote", lastPart(w.poll))
	w.approves("chen", w.does("li", w.poll, "poll-publish"), "1,000.00")
	w.resident(0, "/vote/1")
	w.set("choice", "2")
	w.press(`button[value="check"]`)
	w.press(`button[value="cast"]`)
	w.set("choice", "1")
	w.drops("choice", "2")
	w.press(`button[value="check"]`)
	w.says(w.in("楼道扶手", "Handrails for house 3"))
	w.look("ballot", phoneWidth)
	w.press(`button[value="cast"]`)
	w.says(T(w.lang, "vote.cast"))
	paper := w.poll + "/paper"
	w.at("wu", paper)
	w.set("known", w.codes[1])
	w.press(`form:has(input[value="hand"]) button`)
	for _, login := range []string{"wu", "li"} {
		w.at(login, paper)
		w.set("sheet", "1", "choice", "1")
		w.press(`form:has(input[value="read"]) button`)
	}
	w.look("paper", deskWidth)
}

// drops unticks a choice.
func (w *needWalk) drops(name, value string) {
	w.Helper()
	eval(w.ctx, w.T, `document.querySelector('[name="`+name+`"][value="`+value+`"]').checked = false; ""`)
}

// votesAreCounted: the vote closes by itself; the accountant asks for the count, another person approves, and the winner's money is set aside on the fund.
func (w *needWalk) votesAreCounted() {
	w.Helper()
	w.o.now = w.o.now.AddDate(0, 0, 3)
	w.o.closeVote(1)
	w.later(0)
	w.approves("chen", w.does("li", w.poll, "poll-count"), "1,000.00", "9301")
	w.is("")
	w.open("/vote/1/result")
	w.says(w.in("楼道扶手", "Handrails for house 3"), "1,000.00")
	w.look("vote", phoneWidth)
	w.at("li", w.fund+"/available")
	w.says("500.00")
}
