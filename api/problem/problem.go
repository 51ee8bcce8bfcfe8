// Package problem is the one table of what errors mean to those outside: HTTP status, a stable type, and
// a sentence in the caller's language. Both faces, JSON and pages, use it; nothing else of an error leaves
// the house.
package problem

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/disclosure"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/giving/teams"
	"sunfund/ledger/law"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/projects/trace"
	"sunfund/ledger/projects/votes"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
	"sunfund/ledger/reports"
	"sunfund/ledger/runs"
	"sunfund/ledger/staff"
)

// Problem is what an error means (RFC 9457). Type is stable; clients may branch on it.
type Problem struct {
	Type    string // last part of the type URI
	Status  int
	TitleZH string
	TitleEN string
}

// Title is the sentence in lang.
func (p Problem) Title(lang string) string {
	if strings.HasPrefix(lang, "en") {
		return p.TitleEN
	}
	return p.TitleZH
}

// row is one line of the table: the first row whose error is in the chain counts.
type row struct {
	err error
	Problem
}

// internal is what an error without a row means: it is logged, never shown.
var internal = Problem{"internal", http.StatusInternalServerError,
	"服务器出了问题，没有记下任何东西。请联系慈善会，并告知编号。",
	"Something went wrong here and nothing was recorded. Please contact the association and quote the reference."}

// unavailable is a database that cannot do its work now. It says nothing of what was recorded: whoever repeats the
// request with its key learns it.
var unavailable = Problem{"unavailable", http.StatusServiceUnavailable,
	"账本暂时没有回应。请过几秒用同一编号再试，不会重复记账。",
	"The book does not answer just now. Try again in a few seconds with the same key; nothing is booked twice."}

var table = []row{
	{ledger.ErrNoBook, Problem{"not-found", 404, "没有这本账，或者不在您的权限里。", "There is no such book, or it is not open to you."}},
	{ledger.ErrNoKeys, Problem{"keys-missing", 503, "个人信息的密钥没有设置，没有记下任何东西。请联系管理员。", "The keys for personal data are not set up, so nothing was recorded. Please tell the administrator."}},
	{ledger.ErrKeyLost, Problem{"keys-missing", 503, "个人信息的密钥缺了一把，没有记下任何东西。请联系管理员。", "A key for personal data is missing, so nothing was recorded. Please tell the administrator."}},
	{ledger.ErrNoFund, Problem{"not-found", 404, "没有这个基金，或者不在您的权限里。", "There is no such fund, or it is not open to you."}},
	{ledger.ErrNoEntry, Problem{"not-found", 404, "没有这张凭证，或者不在您的权限里。", "There is no such entry, or it is not open to you."}},
	{ledger.ErrUnknownAccount, Problem{"unknown-account", 422, "科目或基金不存在，或者科目不能记这种货币。", "The account or fund does not exist, or may not hold that currency."}},
	{ledger.ErrUnbalanced, Problem{"unbalanced", 422, "借贷不平：每个基金内借方合计必须等于贷方合计。", "The entry does not balance: debits must equal credits in every fund."}},
	{ledger.ErrTooManyLines, Problem{"too-many-lines", 422, "行数太多。", "There are too many lines."}},
	{ledger.ErrAmount, Problem{"amount", 422, "金额不能为零，也不能超出范围。", "The amount may not be zero or out of range."}},
	{ledger.ErrNoReason, Problem{"reason-needed", 422, "冲销必须写明理由和经办人。", "A reversal needs a reason and a name."}},
	{ledger.ErrKeyReused, Problem{"key-reused", 409, "这个编号已用于另一笔内容不同的记录。", "This key was used for something else already."}},
	{ledger.ErrPeriodClosed, Problem{"period-closed", 409, "这个月已结账，不能再记入。可以记在开放的月份，摘要里写明业务日期。", "That month is closed. Post in an open month and name the business day in the summary."}},
	{ledger.ErrPeriodHard, Problem{"period-hard", 409, "这个月已正式结账，不能再打开。", "That month is closed for good and cannot be reopened."}},
	{ledger.ErrPeriodOpen, Problem{"period-open", 409, "这个月没有结账。", "That month is open."}},
	{ledger.ErrPeriodOngoing, Problem{"period-ongoing", 409, "这个月还没有过完，不能结账。", "That month is not over, so it cannot be closed."}},
	{ledger.ErrYearOngoing, Problem{"year-ongoing", 409, "这一年还没有过完，不能年终结转。", "That year is not over, so it cannot be closed."}},
	{ledger.ErrYearBefore, Problem{"year-before", 409, "更早的年度还有收入或费用没有结转，请先结转那一年。", "Income or expense of an earlier year is not closed yet; close that year first."}},
	{ledger.ErrYearClosed, Problem{"year-closed", 409, "这一年没有要结转的余额。", "Nothing of that year is left to close."}},
	{ledger.ErrYearLater, Problem{"year-later", 409, "结转凭证不能再撤销：十二月已正式结账，或者后面的年度已经结转。", "The closing entries stand: December is closed for good, or a later year is closed."}},
	{ledger.ErrYearNone, Problem{"year-none", 409, "这一年没有可撤销的结转凭证。", "That year has no closing entries to take back."}},
	{ledger.ErrClosing, Problem{"closing-entry", 409, "结转凭证不能单独冲销，要在年终结转页上整年撤销。", "A closing entry is not reversed by itself; take the whole year's back on the year's page."}},
	{recon.ErrNoReport, Problem{"not-found", 404, "没有这份结账报告，或者不在您的权限里。", "There is no such close report, or it is not open to you."}},
	{recon.ErrCloseRed, Problem{"close-red", 409, "有检查不符或差异未了，既没有处理，也没有写明放行的理由。请按现在的情况重新申请结账。", "A check differs or a break is open, and it was neither cleared nor let pass with a reason. Ask to close again as things stand."}},
	{recon.ErrReportStale, Problem{"close-stale", 409, "报告之后账簿又有变动，没有结账。请重新生成报告再申请。", "The books moved after the report, so the month was not closed. Make a new report and ask again."}},
	{ledger.ErrCodeTaken, Problem{"code-taken", 409, "这个编号已经有了。", "This code is taken."}},
	{ledger.ErrBadFund, Problem{"fund-invalid", 422, "基金资料不合要求：编号、名称、类别或街道。", "The fund is not acceptable: code, name, kind or street."}},
	{ledger.ErrNoStreet, Problem{"not-found", 404, "没有这个街道，或者不在您的权限里。", "There is no such street, or it is not open to you."}},
	{ledger.ErrBadStreet, Problem{"street-invalid", 422, "街道资料不合要求：编号或名称。", "The street is not acceptable: code or name."}},
	{runs.ErrNoJob, Problem{"not-found", 404, "没有这项任务。", "There is no such job."}},
	{runs.ErrLost, Problem{"job-lost", 409, "另一个进程正在做这项任务。", "Another process runs this job."}},
	{funds.ErrSameFund, Problem{"same-fund", 422, "转出和转入不能是同一个基金。", "A transfer needs two funds."}},
	{funds.ErrNotTransferable, Problem{"not-transferable", 409, "受托代理款、财政补助和留本基金的钱不能划转。", "Agency money, subsidies and endowments may not be transferred."}},
	{ledger.ErrGuarded, Problem{"guarded", 409, "余额不够：这个科目不能越过零。", "Not enough: this account may not cross zero."}},
	{ledger.ErrShort, Problem{"short", 409, "基金的可用余额不够。", "The fund has not enough available."}},
	{ledger.ErrKept, Problem{"kept-by-gift", 409, "这张凭证属于一笔捐赠或线下记录，不能在这里冲销；请走退款，或在那条记录上更正。", "This entry belongs to a gift or an offline record and is not reversed here; give the money back by a refund, or correct it at its record."}},
	{ledger.ErrReversed, Problem{"reversed", 409, "这张凭证已经冲销过。", "This entry is reversed already."}},
	{ledger.ErrPaperKind, Problem{"paper-kind", 422, "附件只收 PDF、JPEG、PNG、WebP，文件内容要和扩展名一致。", "Papers are PDF, JPEG, PNG or WebP, and the content must be what the file's name says."}},
	{ledger.ErrPaperSize, Problem{"paper-size", 422, "请选择一个文件，不能是空的，最大 5 MB。", "Choose one file that is not empty and at most 5 MB."}},
	{platforms.ErrSize, Problem{"platform-size", 422, "请选择一个文件，不能是空的，最大 8 MB。", "Choose one file that is not empty and at most 8 MB."}},
	{platforms.ErrCharset, Problem{"platform-charset", 422, "文件不是这种编码的文本。只收 CSV 一类的文本文件，编码为 UTF-8 或 GBK/GB18030。", "The file is not text in this charset. Send a text file such as CSV, in UTF-8 or GBK/GB18030."}},
	{platforms.ErrShape, Problem{"platform-shape", 422, "文件不是规整的表格：列太多、内容太长，或引号没有成对。", "The file is no regular table: too many columns, too long a field, or a quote that stays open."}},
	{platforms.ErrLines, Problem{"platform-lines", 422, "文件超过 50,000 行，请分成几个文件。", "The file has more than 50,000 lines; send it in parts."}},
	{platforms.ErrStarted, Problem{"platform-started", 409, "文件已有部分入账，只能继续入账，不能换读法或作废。", "Some of the file is booked: it can be finished, but not read another way or put aside."}},
	{ledger.ErrHalted, halted("E5")},
	{reports.ErrNotBundle, Problem{"not-bundle", 422, "这不是本程序能读的审计包。", "This is no bundle that this program reads."}},
	{disclosure.ErrNoEntry, Problem{"not-found", 404, "没有公开过这一项。", "Nothing was published under this number."}},
	{disclosure.ErrNoObject, Problem{"not-found", 404, "没有这个可以公开的活动、项目、年度或事项。", "There is no such campaign, project, year or event to be published."}},
	{disclosure.ErrPhase, Problem{"disclosure-phase", 409, "这一版接不上：没有结束的不能公布最终结果，公布最终结果以后只能更正。", "This version does not follow: results wait for the end, and after them only corrections are published."}},
	{disclosure.ErrNote, Problem{"disclosure-note", 422, "更正要写明原来公布的、正确的和原因。", "A correction says what was published, what is right and why."}},
	{disclosure.ErrDiffers, Problem{"disclosure-differs", 409, "期初加收入减支出，与基金期末实有的不一致，不能公布；请先运行核验（sunfund verify）查明原因。", "Opening, income and cost do not lead to what the funds hold at the end: nothing can be published. Run sunfund verify and find the cause first."}},
	{disclosure.ErrUnsaid, Problem{"disclosure-unsaid", 422, "支出明细与账上起草的不同，请写明为什么。", "The lines of cost differ from those drafted from the books: say why."}},
	{trace.ErrBehind, Problem{"trace-behind", 409, "最近的凭证还没有跟踪到资金去向，请过几分钟再试。", "The last entries are not followed yet. Try again in some minutes."}},
	{disclosure.ErrCosts, Problem{"disclosure-costs", 422, "支出明细读不了，或合计与账上的支出不一致。", "The lines of cost cannot be read, or do not add up to what the books say was spent."}},
	{law.ErrLaw, Problem{"law", 409, "法规检查不允许这样做。", "A rule of law stands against it."}},
	{law.ErrNoRule, Problem{"not-found", 404, "没有这条规则。", "There is no such rule."}},
	{law.ErrNoFact, Problem{"not-found", 404, "没有这条有效的登记。", "No such fact stands."}},
	{law.ErrBadFact, Problem{"law-fact", 422, "登记的事项不完整：日期、金额、说明请按该项的要求填写。", "The fact is not complete: day, amount and words as its item asks for."}},
	{law.ErrBadProfile, Problem{"law-profile", 422, "法律身份不完整：法域（如 CN）、组织形式、起始日期，信用代码为十八位。", "The legal profile is not complete: jurisdiction (CN), form, first day; a credit code has eighteen characters."}},
	{law.ErrBadParam, Problem{"law-param", 422, "参数读不了：写成 70%、200000.00、10d、3wd、6m、05-31 或 yes/no，并写明依据。", "The parameter cannot be read: write 70%, 200000.00, 10d, 3wd, 6m, 05-31 or yes/no, and where it is written."}},
	{recon.ErrUnequal, Problem{"match-unequal", 422, "两边合计不相等，或其中有的已经匹配。差额请先单独记一行。", "The two sides do not add up to the same amount, or some of them are matched already. Book the difference as a line of its own first."}},
	{recon.ErrMatchBooked, Problem{"match-booked", 409, "这笔钱已按这个匹配入账，不能撤销匹配。请先冲销那张凭证，或在原记录上撤回，再来撤销。", "The money of this match is booked on the strength of it. Take that entry back first, by a reversal or at its own record, then take the match apart."}},
	{recon.ErrParts, Problem{"settlement-parts", 409, "这笔结算款的明细合计与到账不等，还不知道各是哪个基金的钱。先处理明细里的差异。", "The rows of the settlement do not add up to what arrived, so nobody knows which fund's money it is. Clear the breaks of its rows first."}},
	{statement.ErrRefused, Problem{"statement-refused", 422, "这份对账单文件没有收下，原因写在文件的记录里。", "The statement file was not taken; its record tells why."}},
	{ledger.ErrNoPaper, Problem{"not-found", 404, "没有这份附件，或者不在您的权限里。", "There is no such paper, or it is not open to you."}},
	{ledger.ErrCursor, Problem{"cursor", 400, "翻页位置无效，请从第一页开始。", "The page cursor is not valid; start from the first page."}},
	{ledger.ErrStale, Problem{"busy", 503, "同时记账的人太多，没有记下。请过几秒再试。", "Too many are posting at once; nothing was recorded. Try again in a few seconds."}},
	{ledger.ErrDocument, Problem{"document", 422, "摘要要有 1 到 400 个字，附件 0 到 999 张，文字里不能有特殊字符。", "A summary has 1 to 400 characters, attachments are 0 to 999, and texts may not hold control signs."}},
	{ledger.ErrSamePerson, Problem{"second-person", 403, "这一步要由另一个人来做：制单和审核、点钞和复点、缴存和确认都不能是同一个人。", "Another person must do this: maker and checker, counter and second counter, carrier and who confirms are two people."}},
	{giving.ErrNoCampaign, Problem{"not-found", 404, "没有这个项目，或者不在您的权限里。", "There is no such campaign, or it is not open to you."}},
	{giving.ErrNoGift, Problem{"not-found", 404, "没有这笔捐赠，或者不在您的权限里。", "There is no such gift, or it is not open to you."}},
	{giving.ErrNoDonor, Problem{"not-found", 404, "没有这位捐赠人，或者不在您的权限里。", "There is no such donor, or it is not open to you."}},
	{giving.ErrErased, Problem{"erased", 409, "这位捐赠人的个人信息已经删除。", "This donor's personal data were erased already."}},
	{match.ErrReplay, Problem{"match-replay", 422, "这不是这条配捐规则的重算文件，或者内容有误。", "This is no replay file of this match rule, or it is damaged."}},
	{giving.ErrNoEvent, Problem{"not-found", 404, "没有这场配捐活动，或者不在您的权限里。", "There is no such matching event, or it is not open to you."}},
	{giving.ErrNoPool, Problem{"not-found", 404, "这场活动没有这个配捐池。", "The event has no such match pool."}},
	{giving.ErrNoAward, Problem{"not-found", 404, "没有这笔配捐，或者它已经一分不剩。", "There is no such award of match, or nothing is left of it."}},
	{giving.ErrEventState, Problem{"match-event-state", 409, "活动现在的状态不适合这一步。请看它现在的样子。", "The event does not stand where this step begins. Please look at it as it stands."}},
	{giving.ErrEventUnread, Problem{"match-event-unread", 409, "这场活动的规则、种子或计数读不出来：请检查数据和密钥。在此期间的捐赠照常入账，不配捐。", "The rule, seed or counters of the event cannot be read: check the data and the keys. Meanwhile gifts are booked without match."}},
	{giving.ErrEventCode, Problem{"match-event-code", 409, "这个代号已经用在另一场活动上。", "Another event has this code."}},
	{giving.ErrRuleLate, Problem{"match-rule-late", 422, "规则要先公布、后生效：生效时间不能早于现在。", "A rule is published before it is in force: it cannot take effect in the past."}},
	{giving.ErrPools, Problem{"match-pools", 422, "配捐池和规则不一致：每个池都要说明怎么存放，金额只能增加，不能去掉。", "The pools are not those of the rule: each needs a way to be kept, none may become smaller or vanish."}},
	{giving.ErrNotice, Problem{"match-notice", 409, "配捐的公示期还没有结束。", "The public notice of the match is not over."}},
	{giving.ErrOverEarned, Problem{"match-over", 409, "金额超过现有的配捐。", "The amount is more than the match that is there."}},
	{giving.ErrNoBankLine, Problem{"match-bank-line", 422, "承诺的配捐要写明到账的银行流水号。", "Match that was promised needs the number of the bank line by which it came."}},
	{giving.ErrMatchOpen, Problem{"match-open", 409, "还有配捐等着支付、核查或退回。", "Match still waits to be paid, looked at or returned."}},
	{giving.ErrPaidMatch, Problem{"match-paid", 409, "这笔配捐已经支付，只能追回。", "This match was paid already; it can only be clawed back."}},
	{giving.ErrTooManyAwards, Problem{"match-too-many", 422, "一次最多处理 2000 笔配捐。", "At most 2,000 awards in one step."}},
	{match.ErrSeed, Problem{"match-seed", 422, "种子和承诺值都是 64 位十六进制数字。", "A seed and its commitment are 64 hexadecimal digits."}},
	{plans.ErrNoPlan, Problem{"not-found", 404, "没有这个每月捐。", "There is no such monthly gift."}},
	{plans.ErrEnded, Problem{"plan-ended", 409, "这个每月捐已经停了。", "This monthly gift has ended."}},
	{plans.ErrNoEmail, Problem{"plan-email", 422, "每月捐需要邮箱。", "Monthly giving needs an e-mail address."}},
	{plans.ErrNotDue, Problem{"plan-not-due", 409, "这个月没有要付的：已经付了，或者正在处理。", "Nothing is to be paid now: it is paid, or being processed."}},
	{payments.ErrNotByCard, Problem{"plan-not-by-card", 409, "这个定期捐赠不是用银行卡自动扣款的，没有卡可换。", "This regular gift is not taken from a card, so there is no card to replace."}},
	{giving.ErrForeign, Problem{"gift-currency", 422, "这里不收这个币种的捐赠。", "Gifts in this currency are not taken."}},
	{giving.ErrRules, Problem{"gift-rules", 422, "捐赠规则不可行：金额、天数或币种超出范围。", "What is asked of gifts is not possible: an amount, the days or a currency is out of range."}},
	{plans.ErrAmount, Problem{"plan-amount", 422, "金额或日期超出项目的范围。", "The amount or day is outside of what the campaign takes."}},
	{giving.ErrSignInLink, Problem{"not-found", 404, "这个链接打不开：用过了，或者过了 15 分钟。请重新要一个。", "This link does not open: it was used, or is over 15 minutes old. Please ask for a new one."}},
	{giving.ErrSignInBrowser, Problem{"other-browser", 403, "这个链接要在当时填写邮箱的那个浏览器里打开。", "This link opens only in the browser that asked for it."}},
	{giving.ErrNoSession, Problem{"signed-out", 401, "您还没有登录，或者登录已过期。", "You are not signed in, or no longer."}},
	{giving.ErrRef, Problem{"not-found", 404, "没有这个捐赠编号。", "There is no gift with this reference."}},
	{giving.ErrNoCheckout, Problem{"not-found", 404, "没有这笔待付款的捐赠。", "There is no such started gift."}},
	{giving.ErrBadCampaign, Problem{"campaign-invalid", 422, "项目资料不完整：两种语言的标题、简介和故事，目标、限额和起止时间都要填对。", "The campaign is not complete: title, summary and story in both languages, goal, limits and dates are needed."}},
	{giving.ErrNotDraft, Problem{"not-draft", 409, "这个项目已经公开或结束，不能再改。", "This campaign is public or closed and cannot be changed."}},
	{giving.ErrCampaignChanged, Problem{"campaign-changed", 409, "草稿在提交之后改过，请按新的内容重新提交。", "The draft was changed after it was sent; send it again as it now is."}},
	{giving.ErrNotPublished, Problem{"not-published", 409, "只有公开的项目可以结束。", "Only a published campaign can be closed."}},
	{giving.ErrSlugTaken, Problem{"code-taken", 409, "这个网址已经有项目在用。", "Another campaign has this address."}},
	{giving.ErrFundClosed, Problem{"fund-closed", 409, "这个基金已经终止，不再接收款项。", "This fund is closed and takes nothing any more."}},
	{giving.ErrFundKind, Problem{"fund-kind", 422, "这个基金不能接收捐赠收入。", "This fund does not take gifts as income."}},
	{giving.ErrFormReused, Problem{"form-reused", 409, "这张表单已经提交过，内容不同。请重新打开页面。", "This form was sent before with other content. Please open the page again."}},
	{giving.ErrBadPaid, Problem{"gift-invalid", 422, "捐赠资料不完整或超出限制：编号、金额、时间、渠道和文字长度。", "The gift is not complete or beyond its limits: reference, amount, time, channel, length of texts."}},
	{giving.ErrMismatch, Problem{"gift-mismatch", 409, "到账的金额、货币或项目与发起时不一致，没有记账。", "What was paid differs from what was started in amount, currency or campaign; nothing was booked."}},
	{giving.ErrRefReused, Problem{"key-reused", 409, "这个编号已用于另一笔内容不同的捐赠。", "This reference was booked before for something else."}},
	{giving.ErrPaidTwice, Problem{"paid-twice", 409, "这笔捐赠已用另一个编号付过款。", "This gift was paid already under another reference."}},
	{giving.ErrRateTaken, Problem{"rate-taken", 409, "这一天已经登记过这个币种的汇率，不能改。", "This currency already has a rate for that day, and it cannot be changed."}},
	{giving.ErrRate, Problem{"rate-invalid", 422, "汇率要大于零，最多八位小数，币种不能是记账本位币。", "A rate is above zero with at most eight decimals, of a currency other than that of the books."}},
	{giving.ErrNoRate, Problem{"no-rate", 422, "这一天没有这种货币的汇率。", "There is no exchange rate for that currency on or before the day."}},
	{giving.ErrNoGeneral, Problem{"no-general-fund", 409, "账上没有非限定基金来承担手续费。", "The book has no general fund to bear the fee."}},
	{giving.ErrFeeChannel, Problem{"fee-channel", 422, "只有支付机构收手续费；银行转账和现金不能带手续费。", "Only processors keep fees; bank transfers and cash have none."}},
	{giving.ErrNoRefund, Problem{"not-found", 404, "没有这笔退款。", "There is no such refund."}},
	{giving.ErrRefundTooLarge, Problem{"refund-too-large", 409, "退款超过这笔捐赠剩下的金额。", "The refund is more than is left of the gift."}},
	{giving.ErrMatchOfFile, Problem{"match-of-file", 409, "这是平台文件记下的配捐，不能在这里退款。请到那份平台文件：到账的用“配捐被追回”，没有到账的用“配捐不予支付”。", "This is match that a platform's file booked, and it cannot be refunded here. Go to that platform file: what came is “Match was clawed back”, what did not come is “Match will not be paid”."}},
	{giving.ErrNoRecord, Problem{"not-found", 404, "没有这条记录，或者不在您的权限里。", "There is no such record, or it is not open to you."}},
	{giving.ErrStep, Problem{"step", 409, "这条记录已经变了，这一步不再合适。请看它现在的样子。", "This record has moved on and the step no longer fits. Please look at it as it stands."}},
	{giving.ErrTooMany, Problem{"too-many-gifts", 422, "一次最多 1000 笔捐赠。", "At most 1,000 gifts in one call."}},
	{giving.ErrWidgetSite, Problem{"widget-site", 422, "网站要写成 https://www.example.org 这样。", "Write a site like https://www.example.org."}},
	{giving.ErrWidgetSites, Problem{"widget-sites", 422, "名单上的网站太多。", "There are too many sites on the list."}},
	{giving.ErrBusy, Problem{"busy", 503, "排队的捐赠太多，没有记下。请过几秒再试。", "Too many gifts are waiting; nothing was recorded. Try again in a few seconds."}},
	{giving.ErrClosed, Problem{"busy", 503, "服务正在重启，没有记下。请过几秒再试。", "The service is restarting; nothing was recorded. Try again in a few seconds."}},
	{receipts.ErrNoReceipt, Problem{"not-found", 404, "没有这张票据，或者不在您的权限里。", "There is no such receipt, or it is not open to you."}},
	{receipts.ErrNoBatch, Problem{"not-found", 404, "没有这批票据。", "There is no such batch of receipts."}},
	{receipts.ErrRange, Problem{"receipt-numbers", 422, "号段不对：代码 4 到 20 位，号码最多十位，起始不大于截止。", "Not a range of receipt numbers: a code of 4 to 20 signs, numbers of at most ten digits, the first not above the last."}},
	{receipts.ErrOverlap, Problem{"receipt-numbers-twice", 409, "其中有号码以前登记过。", "Some of these numbers were entered before."}},
	{receipts.ErrNoNumbers, Problem{"no-receipt-numbers", 409, "票据号码已用完，请先登记新领用的号码。", "No receipt numbers are left; enter those allotted to you first."}},
	{receipts.ErrNothingLeft, Problem{"receipt-nothing-left", 409, "这笔捐赠已全部退款，不能再开票据。", "All of this gift was given back; there is nothing to issue a receipt for."}},
	{receipts.ErrIssued, Problem{"receipt-issued", 409, "这笔捐赠已经开过票据。", "This gift has a receipt already."}},
	{receipts.ErrPayer, Problem{"receipt-payer", 422, "交款人要填写名称，最多 100 个字。", "The payer needs a name of at most 100 characters."}},
	{receipts.ErrCreditCode, Problem{"credit-code", 422, "统一社会信用代码不对：18 位，只用于单位，最后一位要校验得上。", "Not a unified social credit code: 18 characters, of an organisation, the last one fitting the others."}},
	{receipts.ErrVoid, Problem{"receipt-void", 409, "这张票据已经作废。", "This receipt is void already."}},
	{receipts.ErrReason, Problem{"reason-needed", 422, "作废必须写明理由。", "A void needs a reason."}},
	{receipts.ErrBatchDays, Problem{"receipt-days", 422, "日期不对：最多一年，并且要早于今天。", "The days span at most a year and lie before today."}},
	{reports.ErrNoReport, Problem{"no-report", 404, "没有这张报表，或者您看不到它。", "There is no such report, or none that you may see."}},
	{reports.ErrTooLong, Problem{"list-too-long", 422, "清单超过电子表格能容纳的行数，请缩小期间，或改用 CSV、JSON。", "The list has more rows than a spreadsheet can hold: ask for fewer days, or take CSV or JSON."}},
	{reports.ErrNoFont, Problem{"no-font", 501, "这里没有安装打印 PDF 所需的字体。请用浏览器的打印功能。", "No font for PDF is installed here. Please use your browser's print function."}},
	{receipts.ErrBatchRunning, Problem{"receipt-batch-running", 409, "另一批票据正在开具。", "Another batch of receipts is running."}},
	{payments.ErrNoProcessor, Problem{"not-found", 404, "没有这个支付机构。", "There is no such processor."}},
	{payments.ErrSignature, Problem{"signature", 400, "签名不对，没有收下。", "The signature does not fit; nothing was stored."}},
	{payments.ErrTooOld, Problem{"signature-time", 400, "签名的时间太早或在将来，没有收下。", "The signature is too old or from the future; nothing was stored."}},
	{payments.ErrMalformed, Problem{"event", 400, "事件读不懂，没有收下。", "The event cannot be read; nothing was stored."}},
	{payments.ErrForeign, Problem{"event-foreign", 400, "事件属于别的账户或模式，没有入账。", "The event is of another account or mode; nothing is booked from it."}},
	{payments.ErrStripeKeys, Problem{"processor-settings", 503, "支付渠道的设置与这本账不符，请联系管理员。", "The settings of the payment processor do not fit this book; please tell the administrator."}},
	{payments.ErrTries, Problem{"too-many", 429, "暂时不能付款，请过十分钟再试。", "Payment is not possible just now; try again in ten minutes."}},
	{payments.ErrCardsPaused, Problem{"cards-paused", 409, "银行卡付款暂停一会儿，没有扣款。请过十五分钟再来。", "Card payments are paused for a while; nothing was charged. Please come back in fifteen minutes."}},
	{payments.ErrNoMethod, Problem{"currency-not-taken", 422, "支付渠道不收这种货币。", "The payment processor takes no payments in this currency."}},
	{payments.ErrAway, Problem{"processor-away", 503, "支付机构暂时没有回应，没有扣款。请过几秒再试，不会重复付款。", "The payment processor does not answer just now and nothing was charged. Try again in a few seconds; nothing is paid twice."}},
	{payments.ErrNoOrder, Problem{"not-found", 404, "没有这笔退款申请。", "There is no such refund."}},
	{payments.ErrOrderState, Problem{"refund-state", 409, "这笔退款已经处理过，请刷新再看。", "This refund has moved on; reload to see where it stands."}},
	{payments.ErrInDispute, Problem{"in-dispute", 409, "这笔捐赠正处于支付争议，款项已被银行冻结，不能退款。", "This gift is under dispute: its money is held by the card's bank and cannot be refunded."}},
	{payments.ErrAskedOnce, Problem{"refund-asked", 409, "这笔捐赠已有一份退款申请在处理。", "A refund of this gift is asked for already."}},
	{payments.ErrAnswer, Problem{"refund-answer", 422, "请写明不退款的理由，最多 500 字。", "Give a reason why nothing is given back, in at most 500 characters."}},
	{payments.ErrReason, Problem{"refund-reason", 422, "请选择退款原因。", "Choose a reason for the refund."}},
	{payments.ErrNoSession, Problem{"not-found", 404, "没有这笔付款。", "There is no such payment."}},
	{payments.ErrDecided, Problem{"payment-decided", 409, "这笔付款已经有结果。", "This payment is decided already."}},
	{payments.ErrBadDecision, Problem{"decision", 422, "请选择付款成功、失败或稍后。", "Choose success, failure or later."}},
	{payments.ErrNotSandbox, Problem{"not-sandbox", 403, "这本账收的是真钱，沙箱支付没有开放。", "This book takes real money, so the sandbox is closed."}},
	{ledger.ErrPurpose, Problem{"purpose", 409, "规则 R12：这笔钱是限定用途的，基金的章程不允许用在这里。要改用途，需要方案变更的备案编号或捐赠人同意；也可以改用日常基金。", "Rule R12: this money is tied to a purpose and the fund's charter does not allow this one. A change of use needs a filing number or the donors' consent; or use the general fund."}},
	{ledger.ErrWindow, Problem{"fund-window", 409, "日期不在基金可以使用的期限内。要延长期限，需要方案变更的备案编号或捐赠人同意。", "The day is outside the time in which the fund may be spent. A longer time needs a filing number or the donors' consent."}},
	{ledger.ErrTied, Problem{"fund-tied", 409, "限定用途的钱不能用手工凭证转出或解除限制。请用划转、管理费提取、限制解除或终止基金。", "Restricted money does not leave its fund or its restriction by a manual entry. Use a transfer, a levy, a release or the closing of the fund."}},
	{funds.ErrNoCharter, Problem{"no-charter", 409, "这个基金还没有章程。请先为它申请章程。", "This fund has no charter yet. Apply for one first."}},
	{funds.ErrNoLevy, Problem{"no-levy", 409, "规则 R05：协议没有写管理费，一分也不能提取。要提取，先请捐赠人同意并变更章程。", "Rule R05: the agreement says nothing of a management fee, so none may be taken. It needs the donors' consent and a change of the charter first."}},
	{funds.ErrUnlike, Problem{"fund-unlike", 409, "转入的基金用途不相同也不相近。只能转到用途在本基金章程之内的限定性基金，或者写明备案编号或捐赠人同意；转到日常基金要走限制解除。", "The other fund is not for the same or a similar purpose. Choose a restricted fund whose purposes are among this one's, or name a filing or the donors' consent; the general fund gets money by a release only."}},
	{funds.ErrEnds, Problem{"fund-open-ends", 409, "基金还不能终止：还有募捐没有结束，或者有合同承诺、占用、应付、应收、在途的钱没有了结。", "The fund cannot be closed yet: a campaign is running, or something is promised, set aside, owed, due or on its way."}},
	{ledger.ErrUndecided, Problem{"undecided", 409, "这个基金由居民表决使用：没有投票结果的钱不能动。请先发起投票，或者用投票已经预留的钱。", "Residents decide on this fund: what no vote stands behind cannot be spent. Open a vote, or use what a vote has set aside."}},
	{projects.ErrPayee, Problem{"payee-not-ready", 409, "这个收款单位现在不能付款：还没有核对，新账户不满 72 小时，账户改过，付款被退回，或已禁止合作。请看它的页面。", "This payee cannot be paid now: not verified, its account newer than 72 hours or changed since, a payment came back, or it is barred. See its page."}},
	{projects.ErrVote, Problem{"vote-missing", 409, "这个基金由居民表决使用，请先写明是哪次投票选中的。", "Residents decide on this fund: say which vote chose the project."}},
	{projects.ErrBudget, Problem{"over-budget", 409, "合同合计会超过项目预算。请改小合同，或另立项目。", "Contracts would exceed the project's budget. Make the contract smaller, or open another project."}},
	{projects.ErrStages, Problem{"stages", 409, "各阶段的金额合计要等于合同金额；逐段指定来源的，每个来源也要相等；预付款不能超过合同。", "Stages must add up to the contract; where each names its source, for each source too; an advance may not exceed the contract."}},
	{projects.ErrHeld, Problem{"agency-short", 409, "代管的钱不够：已经答应出去的也要算上。", "Less money is held for this party than the contract needs, with what is promised already."}},
	{projects.ErrOpen, Problem{"open-ends", 409, "还有没办完的：阶段没有验收，款没有付清，预付款没有抵完，或合同没有结清。", "Something is still open: a stage, a payment, an advance, or a contract."}},
	{projects.ErrDraw, Problem{"sources-short", 409, "各来源剩下的不够承担这笔金额。", "What the sources have left does not bear this amount."}},
	{projects.ErrStopped, Problem{"contract-stopped", 409, "中期评估不合格，合同已停付。整改后由两个人恢复。", "The contract failed its assessment in the middle and is stopped. After correction two people let it go on."}},
	{projects.ErrScores, Problem{"scores-missing", 409, "四方评估还没有齐，最后一笔款不能付。", "Not all four sides have assessed the contract, so its last instalment cannot be paid."}},
	{projects.ErrScored, Problem{"scored-before", 409, "您已经代表另一方评过分，一个人只能代表一方。", "You have assessed for another side: one person speaks for one."}},
	{projects.ErrHoldOff, Problem{"holdback-open", 409, "按评估结果要扣减的尾款还没有入账，请先办理扣减。", "The hold-back that follows from the assessment is not booked yet; do that first."}},
	{projects.ErrScheme, Problem{"scheme", 422, "四方权重合计要是 100%，等级从高到低，最低一级从 0 分起。", "The four weights must add up to 100%; grades go from high to low, and the lowest begins at 0."}},
	{projects.ErrBank, Problem{"bank-short", 409, "这个银行账户里，该基金的钱不够付这笔款（已发出的也要扣除）。请先用凭证把该基金的钱从别的银行账户转过来，或者撤下这笔申请，从有钱的账户重新申请。", "This bank account holds too little money of the fund, less what is on its way out. Move the fund's money here from its other bank account by a voucher, or put the request aside and ask anew from the account that holds it."}},
	{projects.ErrBankFile, Problem{"bank-file", 409, "付款文件的结构或合计不对，没有给出。请核对付款账户和收款人资料。", "The file for the bank is not in order and was not handed out. Check the paying account and the payees."}},
	{residents.ErrNoCommunity, Problem{"not-found", 404, "没有这个社区。", "There is no such community."}},
	{residents.ErrNoCode, Problem{"resident-code", 404, "没有这个码，或者它已经停用。请核对，或向街道要一个新码。", "There is no such code, or it was taken back. Check it, or ask the street for a new one."}},
	{residents.ErrNoSession, Problem{"resident-session", 403, "请先输入街道给您的码。", "Please enter the code that the street gave you first."}},
	{residents.ErrNumber, Problem{"phone-number", 422, "请填写电话号码：7 至 15 位数字，前面可以有 +。", "Please enter a telephone number: 7 to 15 figures, perhaps with a + before them."}},
	{residents.ErrElsewhere, Problem{"resident-elsewhere", 409, "这个号码已经登记在另一个社区。一个人只在一个社区投票。", "This number is registered in another community. One person votes in one community."}},
	{calls.ErrLate, Problem{"call-closed", 409, "现在不收申报：还没有开始，或者已经截止。", "Proposals are not taken now: the call has not opened, or has closed."}},
	{calls.ErrOver, Problem{"proposal-over", 409, "申报的金额超过了征集允许的上限。请改小预算再提交。", "The proposal costs more than the call allows. Make its budget smaller and hand it in again."}},
	{calls.ErrNotReviewer, Problem{"not-reviewer", 403, "您不是这次征集的评审。", "You do not review this call."}},
	{calls.ErrConflict, Problem{"review-conflict", 403, "您和这份申报有利害关系（已声明回避、由您代为填写，或您代表申报单位），不能给它打分。请由别的评审打分。", "You have a conflict of interest with this proposal: you declared one, wrote it down, or sign in for its organisation. Another reviewer must score it."}},
	{calls.ErrReviewed, Problem{"reviewed-before", 409, "您已经对这份申报打过分或声明回避，每人只有一次。", "You have scored this proposal or declared a conflict already: each reviewer speaks once."}},
	{calls.ErrReviews, Problem{"reviews-missing", 409, "还有申报没有审核，或者打分的人不够，还不能排名。", "A proposal is not checked yet or has too few scores, so there is no ranking."}},
	{calls.ErrWindow, Problem{"notice-days", 409, "不在公示期内：异议要在公示期内提出，中选要等公示期满。", "Outside the days of the notice: objections are taken while it stands, awards are made when it is over."}},
	{calls.ErrRoom, Problem{"call-spent", 409, "征集的预算减去已经中选的，不够这份申报。", "The budget of the call, less what was awarded, has no room for this proposal."}},
	{calls.ErrObjections, Problem{"objections-open", 409, "还有异议没有答复，先答复才能定。", "An objection is not answered yet; answer it first."}},
	{needs.ErrNoItem, Problem{"not-found", 404, "没有这条需求、服务或资源，或者还没有公开。", "There is no such need, offer or resource, or it is not shown yet."}},
	{needs.ErrSupported, Problem{"need-supported", 409, "您已经支持过，或者这就是您提的。", "You support this already, or you filed it."}},
	{needs.ErrPhoto, Problem{"photo", 422, "请选 JPEG 或 PNG 照片，不超过 5 MB。", "Please choose a JPEG or PNG photo of 5 MB at most."}},
	{polls.ErrNoPoll, Problem{"not-found", 404, "没有这次投票，或者还没有公布。", "There is no such vote, or it is not published yet."}},
	{polls.ErrNotOpen, Problem{"vote-not-open", 409, "现在不在投票时间内，或者投票还没有到这一步。", "The vote is not open now, or has not come to this step."}},
	{polls.ErrNotEntitled, Problem{"vote-elsewhere", 403, "这次投票由别的社区的居民参加。", "Residents of other communities take part in this vote."}},
	{polls.ErrVoted, Problem{"voted", 409, "这位居民已经用另一种方式投过票：纸质和网上只能选一种。", "This resident has voted the other way already: on paper or on line, not both."}},
	{polls.ErrSheet, Problem{"vote-sheet", 422, "这张纸质选票录不进去：请核对编号，或者它已经改过太多次。", "This ballot paper cannot be taken in: check its number, or it was corrected too often."}},
	{polls.ErrSheets, Problem{"vote-sheets", 409, "纸质选票还没有核对完：每张都要两个人录得一样，张数不能多于发出的。", "Ballot papers are not settled: each must be read alike by two people, and there may not be more than were handed out."}},
	{polls.ErrNotWon, Problem{"vote-not-won", 409, "居民没有选中这个项目，或者不是用这个基金。", "Residents did not choose this project, or not on this fund."}},
	{polls.ErrOverVote, Problem{"over-vote", 409, "超过了投票为这个项目预留的、还没有用掉的钱。", "This is more than what the vote set aside for the project and nobody has used yet."}},
	{votes.ErrRule, Problem{"vote-rule", 422, "这条投票规则前后不一致，或者和项目对不上。", "This rule of a vote contradicts itself or its projects."}},
	{votes.ErrBallot, Problem{"ballot", 422, "这张选票不符合投票规则。", "This ballot breaks the rule of the vote."}},
	{votes.ErrPabulib, Problem{"vote-file", 422, "这不是 Pabulib 格式的选票文件，或者内容有误。", "This is no file of ballots in Pabulib format, or it is damaged."}},
	{teams.ErrNoTeam, Problem{"not-found", 404, "没有这个小队，或者它已经不再显示。", "There is no such team, or it is no longer shown."}},
	{teams.ErrFlowers, Problem{"flowers", 409, "今天的小红花送完了，明天再来。", "No flower is left for today; come back tomorrow."}},
	{teams.ErrUnpaid, Problem{"team-unpaid", 409, "这笔捐赠还没有入账，或者已经全部退回，不能发起小队。", "This gift is not on the books, or was given back in whole, so it begins no team."}},
	{subsidies.ErrLapsed, Problem{"letter-lapsed", 409, "这份配套函的财政年度已经结束，不能再请款。", "The fiscal year of this letter is over, so nothing of it can be claimed any more."}},
	{subsidies.ErrStatement, Problem{"statement-changed", 409, "请款单与您看到的不同，或其中的金额已不再赢得。没有签字，请看新的内容。", "The statement is not what you read, or is no longer earned. Nothing was signed; please read it again."}},
	{subsidies.ErrSameSide, Problem{"second-person", 403, "请款单是您做的，要由街道的人签字。", "You made this statement, so somebody of the street must sign it."}},
	{subsidies.ErrHomes, Problem{"homes", 422, "户数不对。", "The number of families is not acceptable."}},
	{payments.ErrHeader, Problem{"file-header", 422, "文件第一行的列名不对。", "The first line of the file does not name the expected columns."}},
	{payments.ErrLongRecord, Problem{"file-line", 422, "文件里有一行太长。", "A line of the file is too long."}},
	{payments.ErrSetup, Problem{"setup-invalid", 422, "设置文件不完整或与账本不符。", "The setup file is not complete or does not fit the book."}},
	{reports.ErrNoExport, Problem{"no-export", 404, "没有这个导出文件，或者您看不到它。", "There is no such export, or none that you may see."}},
	{reports.ErrExportGone, Problem{"export-gone", 410, "这个文件已经删除，请重新生成。", "This file was removed. Have it made again."}},
	{reports.ErrExports, Problem{"too-many-exports", 429, "正在生成的文件太多。等一个做完，或停掉一个，再来。", "Too many files are in the making. Wait for one to end, or stop one."}},
	{reports.ErrTorn, Problem{"torn", 500, "账上有一张凭证缺了分录，没有导出。请立即联系管理员。", "An entry in the book has lost postings, so nothing was exported. Please tell the administrator at once."}},
	{money.ErrSyntax, Problem{"amount-syntax", 422, "金额请用半角数字，例如 36.50。", "Write the amount with plain digits, for example 36.50."}},
	{money.ErrPrecision, Problem{"amount-precision", 422, "金额的小数位太多。", "The amount has too many decimals."}},
	{money.ErrRange, Problem{"amount-range", 422, "金额超出范围。", "The amount is out of range."}},
	{money.ErrCurrency, Problem{"currency", 422, "没有这种货币。", "There is no such currency."}},
	{pg.ErrUnknown, Problem{"outcome-unknown", 503, "提交结果未知（可能已入账）。请用同一编号再试，不会重复记账。", "The outcome is unknown: it may have been recorded. Try again with the same key; nothing is booked twice."}},
	{staff.ErrDenied, Problem{"forbidden", 403, "没有这一页，或者不在您的权限里。", "There is no such page, or it is not open to you."}},
	{staff.ErrKey, Problem{"unauthorized", 401, "密钥无效、已过期或已撤销。", "The API key is not valid, has expired or was revoked."}},
	{staff.ErrNoKey, Problem{"not-found", 404, "没有这把密钥。", "There is no such API key."}},
	{staff.ErrKeyInvalid, Problem{"key-invalid", 422, "密钥的名称、权限或期限不合要求。", "Name, scopes or expiry of the key are not acceptable."}},
	{staff.ErrNoApproval, Problem{"not-found", 404, "没有这个审批，或者不在您的权限里。", "There is no such request, or it is not open to you."}},
	{staff.ErrChanged, Problem{"changed", 409, "内容在您打开之后改过了，没有批准。请看新的内容。", "This was changed after you opened it, so nothing was decided. Please read the new version."}},
	{staff.ErrDecided, Problem{"decided", 409, "这个审批已经有结果。", "This request is decided already."}},
	{staff.ErrRequestInvalid, Problem{"request-invalid", 422, "申请内容不合要求。", "The request is not acceptable."}},
	{staff.ErrOtherBody, Problem{"key-reused", 409, "这个编号已用于另一个内容不同的请求。", "This Idempotency-Key was used for another request."}},
	{staff.ErrRequestKey, Problem{"idempotency-key", 400, "每个写请求都要带 Idempotency-Key，1 到 255 个可见字符。", "Every write needs an Idempotency-Key of 1 to 255 visible characters."}},
	{staff.ErrPayee, Problem{"payee", 403, "您是受益人，或最近改过收款信息，不能审批这个申请。", "You gain by this request or changed its payee's details lately, so another person must decide it."}},
	{staff.ErrRule, Problem{"rule-invalid", 422, "审批规则不合要求：种类、金额、人数或角色不对。", "The approval rule is not acceptable: kind, amount, number or role."}},
	{staff.ErrNoRule, Problem{"not-found", 404, "没有这条审批规则。", "There is no such approval rule."}},
	{staff.ErrSecond, Problem{"second-person", 403, "这一步要由另一位管理员批准。", "A second admin must approve this."}},
	{staff.ErrAccess, Problem{"access-invalid", 422, "登录方式的改动不合要求。", "The change to how somebody signs in is not acceptable."}},
	{staff.ErrEmail, Problem{"email", 422, "邮箱格式不对，或已属于另一个账号。", "The e-mail address is not acceptable, or belongs to another account."}},
	{staff.ErrRoleInvalid, Problem{"role-invalid", 422, "角色和街道或基金不匹配。", "Role and street or fund do not fit."}},
	{staff.ErrRolesClash, Problem{"roles-clash", 409, "管理员和审计员不能兼任其他角色。", "Admin and auditor hold no other role."}},
	{staff.ErrRoleHeld, Problem{"role-held", 409, "已经有这个角色。", "The role is held already."}},
	{staff.ErrInitialPassword, Problem{"initial-password", 409, "这个人还在用初始密码。请本人先登录并改成自己的密码。", "This person still has the initial password. They must sign in and choose their own first."}},
	{staff.ErrNoGrant, Problem{"not-found", 404, "没有这项授权。", "There is no such role."}},
	{staff.ErrPassword, Problem{"password", 422, "密码要有 10 到 200 个字符。", "A password has 10 to 200 characters."}},
	{staff.ErrNoPerson, Problem{"not-found", 404, "没有这个人，或者不在您的权限里。", "There is no such person, or it is not open to you."}},
	{staff.ErrLoginTaken, Problem{"login-taken", 409, "这个登录名已经有人用。", "This login is taken."}},
	{staff.ErrPersonInvalid, Problem{"person-invalid", 422, "登录名、姓名或语言不合要求。", "Login, name or language is not acceptable."}},
	{staff.ErrOwn, Problem{"second-person", 403, "您是制单人，不能审批自己的申请。", "You made this request, so a second person must decide it."}},
	{staff.ErrNoSession, Problem{"signed-out", 401, "请先登录。", "Please sign in."}},
	{staff.ErrWrong, Problem{"sign-in", 401, "登录名、密码或动态码不对。", "Login, password or code is wrong."}},
	{ErrReports, Problem{"too-many-reports", 429, "正在做的报表和导出太多，请过几秒再试。", "Too many reports and exports are in the making. Try again in a few seconds."}},
	{staff.ErrTooMany, Problem{"too-many", 429, "试的次数太多，请过几分钟再试。", "Too many tries; wait a few minutes."}},
	{staff.ErrCeremony, Problem{"sign-in-over", 409, "这一步已经用过或者过了时间，请重新开始。", "This step was used already or took too long. Please begin again."}},
	{staff.ErrPasskey, Problem{"passkey", 422, "通行密钥没有设置成功，请再试一次。", "The passkey could not be set up. Please try again."}},
	{staff.ErrNoPasskey, Problem{"not-found", 404, "没有这把通行密钥。", "There is no such passkey."}},
	{staff.ErrNoPasskeys, Problem{"no-passkeys", 409, "这个网址不能使用通行密钥。", "Passkeys cannot be used at this address."}},
	{staff.ErrLink, Problem{"identity", 422, "不能绑定这个身份：没有设置身份平台，或者编号不合要求。", "This identity cannot be linked: there is no issuer, or the subject is not acceptable."}},
	{staff.ErrLinkTaken, Problem{"identity-taken", 409, "这个身份已经绑定给别人。", "This identity is linked to somebody already."}},
	{staff.ErrNoLink, Problem{"not-found", 404, "没有这个绑定。", "There is no such linked identity."}},
	{staff.ErrIssuer, Problem{"issuer", 503, "身份平台没有回应。请稍后再试，或换一种方式登录。", "The identity provider does not answer. Try again later, or sign in another way."}},
	{staff.ErrSettings, Problem{"sign-in-settings", 422, "登录设置不合要求。", "The sign-in settings are not acceptable."}},
	{staff.ErrCode, Problem{"code", 422, "动态码不对。", "The time-based code is wrong."}},
}

// halted tells which check stops payments and where its rows are. The rows themselves are not told: they may be of a fund out of the reader's sight.
func halted(check string) Problem {
	what := map[string][2]string{"E5": {"某个基金的账不平", "a fund does not balance"}, "E6": {"某个项目的付款超过了指令、批准或合同", "a project paid more than was instructed, approved or agreed"}}[check]
	return Problem{"payments-stopped", 409,
		fmt.Sprintf("检查 %s 不符：%s，付款已经停下。请在「平衡检查」页看 %s 列出的各行；查清、改正，检查恢复正常后自动继续付款。", check, what[0], check),
		fmt.Sprintf("Check %s is red: %s, so payments are stopped. Look at the rows of %s on the page Checks; payments go on by themselves once they are put right and the check is green again.", check, what[1], check)}
}

// Of is what an error means. An error without a row is internal, unless the database is to blame.
func Of(err error) Problem {
	if h := (*ledger.Halted)(nil); errors.As(err, &h) {
		return halted(h.Check)
	}
	if r := (*law.Refusal)(nil); errors.As(err, &r) {
		return Problem{"law", http.StatusConflict, r.Text("zh-CN"), r.Text("en")}
	}
	for _, r := range table {
		if errors.Is(err, r.err) {
			return r.Problem
		}
	}
	if pg.Unavailable(err) {
		return unavailable
	}
	return internal
}
