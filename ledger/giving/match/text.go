package match

import (
	"regexp"
	"strings"
)

// sentence is a text in both languages. {name} stands for a parameter, {name|day|days} for a number with its word.
type sentence struct{ zh, en string }

var placeholder = regexp.MustCompile(`\{([a-z]+)(?:\|([a-z ]+)\|([a-z ]+))?\}`)

// in fills the sentence in lang: zh-CN or en; what is neither reads Chinese.
func (t sentence) in(lang string, params map[string]string) string {
	pattern := t.zh
	if english(lang) {
		pattern = t.en
	}
	return placeholder.ReplaceAllStringFunc(pattern, func(p string) string {
		m := placeholder.FindStringSubmatch(p)
		value := params[m[1]]
		switch {
		case m[2] == "":
			return value
		case value == "1":
			return value + " " + m[2]
		}
		return value + " " + m[3]
	})
}

func english(lang string) bool { return strings.HasPrefix(lang, "en") }

// text fills a sentence of the table of messages.
func text(lang, key string, params map[string]string) string {
	t, ok := texts[key]
	if !ok {
		panic("match: no text for " + key)
	}
	return t.in(lang, params)
}

// Text says a reason in lang, as a donor reads it.
func (r Reason) Text(lang string) string { return text(lang, "reason."+string(r), nil) }

// Key names the reason's sentence in this package's texts: "reason.pool-empty".
func (r Reason) Key() string { return "reason." + string(r) }

var texts = map[string]sentence{
	"colon": {"：", ": "},

	"wrong.json":         {"不是规则：JSON 的写法有误。", "This is no rule: it is not proper JSON."},
	"wrong.unknown":      {"规则语言里没有这一项。", "The rule language has no such field."},
	"wrong.type":         {"值的类型不对：金额和百分比写成带引号的文字，次数写成整数。", "The value has the wrong type: amounts and percentages are texts in quotes, counts are whole numbers."},
	"wrong.size":         {"规则太长，最多 {most} 字节。", "The rule is too long: at most {most} bytes."},
	"wrong.language":     {"规则语言的版本应为 {known}。", "The version of the rule language must be {known}."},
	"wrong.currency":     {"请写三个大写字母的货币代码，例如 CNY。", "Write a currency as three capital letters, such as CNY."},
	"wrong.zone":         {"请写时区的名称，例如 Asia/Shanghai。", "Write the name of a time zone, such as Asia/Shanghai."},
	"wrong.moment":       {"请写当地日期和时间，例如 2026-09-07T10:00。", "Write a local date and time, such as 2026-09-07T10:00."},
	"wrong.hour":         {"请写时刻，例如 09:00；一天的末尾写 24:00。", "Write a time of day, such as 09:00; the end of a day is 24:00."},
	"wrong.window-order": {"结束要晚于开始，且最多相隔十年。", "The end must be after the beginning, by ten years at most."},
	"wrong.window-hours": {"每日结束的时刻要晚于开始的时刻。", "The daily closing must be after the opening."},
	"wrong.amount":       {"请写 {currency} 金额，例如 500.00，不能为负，小数位不能超过该货币的位数。", "Write an amount in {currency}, such as 500.00, not below zero and with no more decimals than the currency has."},
	"wrong.positive":     {"必须大于零。", "It must be above zero."},
	"wrong.decimal":      {"请写数字，最多四位小数，例如 20 或 0.5。", "Write a number with at most four decimals, such as 20 or 0.5."},
	"wrong.range":        {"要在 {low} 和 {high} 之间。", "It must be between {low} and {high}."},
	"wrong.length":       {"项数要在 {low} 和 {high} 之间。", "There must be {low} to {high} of them."},
	"wrong.word":         {"只能是下列之一：{words}。", "It must be one of: {words}."},
	"wrong.code":         {"请写 1 到 80 个小写字母、数字、点、横线或下划线。", "Write 1 to 80 small letters, digits, dots, dashes or underscores."},
	"wrong.name":         {"请写名称，1 到 120 个字，首尾没有空格。", "Write a name of 1 to 120 characters without spaces around it."},
	"wrong.twice":        {"前面已经有了。", "It stands there already."},
	"wrong.limit":        {"金额和百分比只能写一个。", "Give an amount or a percentage, not both."},
	"wrong.below-min":    {"不能低于最低捐赠额。", "It may not be below the smallest gift."},
	"wrong.pool":         {"没有这个配捐池，或者就是它自己。", "There is no such pool, or it is this one."},
	"wrong.at-most":      {"不能超过配捐池 {pool} 的 {amount}。", "It may not be above the {amount} of pool {pool}."},
	"wrong.slice-window": {"没有这个时段，或者这个时段已经留了一份。", "There is no such window, or it has a slice already."},
	"wrong.slices-sum":   {"各时段留出的金额合计超过了配捐池。", "The slices together are more than the pool."},
	"wrong.pool-shared":  {"所有捐赠到齐后再分配的配捐池不设每日额度和时段额度。", "A pool that is shared when all gifts are in has no daily quota and no slices."},
	"wrong.daily-needed": {"按天计算时，每个配捐池都要有每日额度。", "Where it is measured by day, every pool needs a daily quota."},
	"wrong.one-formula":  {"要选且只选一种计算方式。", "Choose one formula, and only one."},
	"wrong.nested":       {"这种计算方式不能放在阶段里。", "This formula cannot stand inside a stage."},
	"wrong.ascending":    {"要比前一项大。", "It must be greater than the one before."},
	"wrong.bands":        {"区间要从小到大，互不重叠，起点小于终点。", "Bands go upwards without overlap, each from below its end."},
	"wrong.low-high":     {"上限不能小于下限。", "The upper end may not be below the lower."},
	"wrong.last-stage":   {"只有最后一个阶段没有上限。", "The last stage has no end, and only the last."},
	"wrong.chance":       {"概率和奖励金额要同时填写。", "A chance and a bonus go together."},
	"wrong.step":         {"步长要大于零，上下限都是它的整数倍。", "The step is above zero, and both ends are multiples of it."},
	"wrong.share-order":  {"按比例或平方分配只能在所有捐赠到齐以后（end）进行。", "Shares are made only when all gifts are in (end)."},
	"wrong.not-shared":   {"按比例或平方分配时不能用；只能设每个项目的上限。", "Not possible with shares; only a cap for each campaign is."},

	"reason.currency":             {"这种货币的捐赠不参加配捐。", "Gifts in this currency are not matched."},
	"reason.window-closed":        {"付款时不在配捐时段内。", "It was paid outside the matching hours."},
	"reason.below-min":            {"金额低于参加配捐的最低捐赠额。", "The amount is below the smallest gift that is matched."},
	"reason.channel":              {"这种付款方式不参加配捐。", "Gifts paid this way are not matched."},
	"reason.campaign":             {"这个项目不在这次配捐的范围内。", "This campaign is not part of this match."},
	"reason.recurring":            {"只有规则写明的那一期每月捐才配捐。", "Only the stated payment of a monthly gift is matched."},
	"reason.from-funder":          {"出资方自己的捐赠不配捐。", "Gifts of those who fund the match are not matched."},
	"reason.donor-unknown":        {"不知道是谁捐的，而规则按人计算。", "Nobody knows who gave, and the rule counts by donor."},
	"reason.organisation-unknown": {"不知道项目属于哪个机构，而规则按机构设了上限。", "The campaign's organisation is not known, and the rule has a cap for each."},
	"reason.not-first":            {"只有第一笔捐赠配捐。", "Only the first gift is matched."},
	"reason.locked":               {"项目还没有达到配捐的门槛。", "The campaign has not reached the threshold for match yet."},
	"reason.no-award":             {"按规则，这笔捐赠没有得到配捐。", "By the rule this gift earned no match."},
	"reason.lump-paid":            {"项目已经得到过这笔一次性配捐。", "The campaign has had this lump sum already."},
	"reason.max-counted":          {"只有捐赠的一部分计入配捐。", "Only a part of the gift counts for match."},
	"reason.stage-ended":          {"这一阶段的配捐刚好用完，只得到剩下的部分。", "This stage of the match ended with this gift, which got what was left of it."},
	"reason.cap-gift":             {"达到每笔捐赠的配捐上限。", "The cap on the match of one gift was reached."},
	"reason.cap-donor-day":        {"达到每人每天的配捐上限。", "The cap for a donor and day was reached."},
	"reason.cap-donor-event":      {"达到每人的配捐上限。", "The cap for a donor was reached."},
	"reason.cap-campaign-day":     {"达到项目当天的配捐上限。", "The cap for a campaign and day was reached."},
	"reason.cap-campaign-event":   {"达到项目的配捐上限。", "The cap for a campaign was reached."},
	"reason.cap-organisation":     {"达到机构的配捐上限。", "The cap for an organisation was reached."},
	"reason.pool-day":             {"今天的配捐已经用完。", "Today's match is used up."},
	"reason.pool-empty":           {"配捐池已经用完。", "The match pools are used up."},
	"reason.slice-empty":          {"留给这个时段的配捐已经用完。", "The match kept for this time is used up."},
	"reason.decided-at-end":       {"所有捐赠到齐以后才分配配捐。", "The match is shared when all gifts are in."},
	"reason.held-rate":            {"一分钟内捐得太多，配捐暂扣待查。", "Too many gifts in a minute: the match is held for checking."},
	"reason.held-funder":          {"捐赠人是出资方，配捐暂扣待查。", "The donor funds the match: it is held for checking."},
	"reason.held-circular":        {"出资方的钱又作为捐赠回来，配捐暂扣待查。", "A funder's money came back as this gift: the match is held for checking."},

	"replay.at":     {"第 {line} 行：{why}", "Line {line}: {why}"},
	"replay.format": {"第一行应当写明这是重算文件、是哪条规则、种子和它的承诺值。", "The first line must say that this is a replay file, of which rule, with the seed and its commitment."},
	"replay.rule":   {"这个文件属于另一条规则，或规则的另一个版本。", "The file belongs to another rule, or to another version of it."},
	"replay.seed":   {"种子应为 64 位十六进制数字；活动结束前不公开。", "The seed must be 64 hexadecimal digits; it is not told before the event has closed."},
	"replay.line":   {"这一行不是一笔捐赠、一笔退款或一笔取消的配捐，或者金额、时间写法有误。", "This line is no gift, refund or refused match, or an amount or time in it is not proper."},
	"replay.long":   {"这一行太长。", "The line is too long."},
	"replay.twice":  {"这笔捐赠前面已经有了。", "This gift stands there already."},
	"replay.many":   {"捐赠太多：最多五百万笔，合计不超过一百亿亿个最小货币单位。", "There are too many gifts: at most five million, and not more than 10^18 of the smallest unit of money together."},
	"replay.late":   {"这条规则在捐赠到齐后才计算，退款以后不能再有捐赠。", "This rule is worked out when all gifts are in, so no gift may follow a refund."},
	"replay.gift":   {"前面没有这笔捐赠，或者它的配捐已经取消过。", "There is no such gift before, or its match was refused already."},
	"replay.mixed":  {"结束时才计算的规则不能和别的版本一起重算。", "A rule that is worked out at the end cannot be recomputed beside other versions."},
	"replay.refund": {"退款比剩下的捐赠还多。", "More goes back than is left of the gift."},
}
