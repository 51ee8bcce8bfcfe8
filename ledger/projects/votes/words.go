package votes

import (
	"strconv"
	"strings"

	"sunfund/ledger/money"
)

// said are the sentences of Election.Words.
var said = map[string][2]string{
	"budget":            {"一共有 {budget}，{count} 个项目可选。", "There is {budget} in all, and {count} projects to choose from."},
	"approval":          {"在想要的项目上打勾。每一票作用相同，与勾几个无关。", "Tick the projects that you want. Each tick counts the same, however many you make."},
	"points":            {"一共有 {points} 分，分给想要的项目，可以不分完。", "You have {points} points to share out among the projects that you want. You need not use all."},
	"points-each":       {"一个项目最多 {each} 分。", "One project gets {each} points at most."},
	"basket":            {"把想要的项目放进篮子，总价不能超过 {budget}。", "Put the projects that you want into your basket. Together they may not cost more than {budget}."},
	"least":             {"至少选 {least} 个。", "Choose {least} or more."},
	"most":              {"最多选 {most} 个。", "Choose {most} at most."},
	"between":           {"选 {least} 至 {most} 个。", "Choose from {least} to {most}."},
	"greedy":            {"计票：得票最多的项目先入选，再看下一个；余下的钱不够付的跳过，直到看完。", "Counting: the project with the most votes is taken first, then the next. One that costs more than what is left is passed over, until all were looked at."},
	"greedy-points":     {"计票：得分最多的项目先入选，再看下一个；余下的钱不够付的跳过，直到看完。", "Counting: the project with the most points is taken first, then the next. One that costs more than what is left is passed over, until all were looked at."},
	"shares":            {"计票用等额分配法：预算平均分给每一位投票人，每人的份额只用在自己选的项目上。支持者的份额合起来付得起的项目才能入选，由支持者平摊，钱不够平摊的付出剩下的全部。", "Counting is by equal shares: the budget is divided equally among all who voted, and a voter's share pays only for projects that she chose. A project can be taken when the shares of its supporters together pay for it. They split its cost equally; who has less left than that pays all she has left."},
	"shares-points":     {"计票用等额分配法：预算平均分给每一位投票人，每人的份额只用在自己给了分的项目上。支持者的份额合起来付得起的项目才能入选，由支持者按所给的分数分摊，钱不够分摊的付出剩下的全部。", "Counting is by equal shares: the budget is divided equally among all who voted, and a voter's share pays only for projects that she gave points. A project can be taken when the shares of its supporters together pay for it. They split its cost in proportion to their points; who has less left than that pays all she has left."},
	"shares-order":      {"每一轮，按“成本除以每位支持者要付的钱”比较，最大的先入选：支持者付得越少的项目越先。", "In each round the project with the highest cost for each yuan that a supporter pays is taken: the more of its supporters can pay, the sooner it comes."},
	"shares-points-ord": {"每一轮，按“成本除以每一分要付的钱”比较，最大的先入选。", "In each round the project with the highest cost for each yuan paid for a point is taken."},
	"none":              {"付不起任何项目时结束，余下的钱留在基金里。", "It ends when no project can be paid for in this way. What is left stays in the fund."},
	"raise":             {"然后把每个人的份额提高 {step} 重新计票，一次一次地提高，直到再提高就会超过预算；以没有超过的最后一次为准，最多提高 {raises} 次。", "Then every share is raised by {step} and all is counted anew, again and again, until one more raise would cost more than the budget. The last count within the budget stands. There are {raises} raises at most."},
	"fill":              {"付不起任何项目时，余下的钱按得票多少依次给还放得下的项目。", "When no project can be paid for in this way, what is left goes to those that still fit, most votes first."},
	"fill-points":       {"付不起任何项目时，余下的钱按得分多少依次给还放得下的项目。", "When no project can be paid for in this way, what is left goes to those that still fit, most points first."},
	"ties":              {"不相上下时：{ties}。", "Between equals: {ties}."},
	"lower-cost":        {"价钱低的先", "the lower cost first"},
	"more-votes":        {"票数（分数）多的先", "more votes (or points) first"},
	"order":             {"按投票前公布的项目顺序", "the order of the projects that was published before the vote"},
	"then":              {"；再相同，", "; then "},
	"unchosen":          {"没有人选的项目不会入选。", "A project that nobody chose is not taken."},
	"recount":           {"全部选票不记名公布，任何人都可以重新计票，结果一定相同。", "All ballots are published without names. Anybody can count again and must come to the same result."},
}

// Words says in whole sentences, in zh-CN or en, how ballots are filled in, how they are counted and what decides between equals.
func (e *Election) Words(lang string) []string {
	r := &e.Rule
	say := func(key string, pairs ...string) string {
		text := said[key][0]
		if strings.HasPrefix(lang, "en") {
			text = said[key][1]
		}
		return strings.NewReplacer(pairs...).Replace(text)
	}
	number := func(n int) string { return strconv.Itoa(n) }
	suffix := ""
	if r.Ballot == Points {
		suffix = "-points"
	}
	lines := []string{say("budget", "{budget}", e.amount(lang, e.Budget), "{count}", number(len(e.Options))),
		say(r.Ballot, "{points}", number(r.Points), "{budget}", e.amount(lang, e.Budget))}
	if r.PointsEach > 0 {
		lines = append(lines, say("points-each", "{each}", number(r.PointsEach)))
	}
	switch {
	case r.Most > 0 && r.Least > 1:
		lines = append(lines, say("between", "{least}", number(r.Least), "{most}", number(r.Most)))
	case r.Most > 0:
		lines = append(lines, say("most", "{most}", number(r.Most)))
	case r.Least > 1:
		lines = append(lines, say("least", "{least}", number(r.Least)))
	}
	if r.Method == Greedy {
		lines = append(lines, say("greedy"+suffix))
	} else {
		lines = append(lines, say("shares"+suffix), say(map[string]string{"": "shares-order", "-points": "shares-points-ord"}[suffix]))
		switch r.Completion {
		case Raise:
			lines = append(lines, say("raise", "{step}", e.amount(lang, r.Step), "{raises}", number(RaisesMax)))
		case Fill:
			lines = append(lines, say("fill"+suffix))
		default:
			lines = append(lines, say("none"))
		}
	}
	var ties []string
	for _, t := range append(append([]string{}, r.Ties...), "order") {
		ties = append(ties, say(t))
	}
	return append(lines, say("ties", "{ties}", strings.Join(ties, say("then"))), say("unchosen"), say("recount"))
}

// amount writes an amount as match's published rules do: 200,000.00 元 or CNY 200,000.00.
func (e *Election) amount(lang string, minor int64) string {
	whole, fraction, _ := strings.Cut(money.Format(minor, e.Currency), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	switch {
	case strings.HasPrefix(lang, "en"):
		return e.Currency + " " + whole
	case e.Currency == "CNY":
		return whole + " 元"
	}
	return whole + " " + e.Currency
}
