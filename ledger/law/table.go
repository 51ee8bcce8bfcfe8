package law

import "context"

// rules is the table R01 to R23, in the order of their codes. What each asks for stands in params.csv.
var rules = []Rule{
	{Code: "R01", Effect: Blocks, NameZH: "慈善活动年度支出的下限（有公开募捐资格）", NameEN: "Least charitable spending of the year (raises from the public)",
		LiftZH: "增加当年慈善活动支出；年度已过的，先登记“已向登记机关说明”，再结转。", LiftEN: "Spend more on charity this year; once the year is over, enter that it was explained to the registrar, then close it."},
	{Code: "R02", Effect: Warns, NameZH: "年度管理费用的上限（有公开募捐资格）", NameEN: "Cap on management cost (raises from the public)",
		LiftZH: "压缩管理费用，核对记入管理费用的凭证是否应属业务活动成本。", LiftEN: "Spend less on management; look whether entries there belong to program cost."},
	{Code: "R03", Effect: Warns, NameZH: "支出下限和管理费用上限（无公开募捐资格的社会团体、社会服务机构）", NameEN: "Spending and management cost (associations and services that do not raise from the public)",
		LiftZH: "增加慈善活动支出，或压缩管理费用。", LiftEN: "Spend more on charity, or less on management."},
	{Code: "R03b", Effect: Warns, NameZH: "支出下限和管理费用上限（无公开募捐资格的基金会）", NameEN: "Spending and management cost (foundations that do not raise from the public)",
		LiftZH: "增加慈善活动支出，或压缩管理费用。", LiftEN: "Spend more on charity, or less on management."},
	{Code: "R04", Effect: Warns, NameZH: "捐赠协议另有约定的，从其约定", NameEN: "What a gift's agreement says goes first",
		LiftZH: "按协议使用，或与捐赠人另行书面约定。", LiftEN: "Keep to the agreement, or agree otherwise in writing with the donor."},
	{Code: "R05", Effect: Blocks, NameZH: "管理费提取不超过约定", NameEN: "A levy stays within what was agreed",
		LiftZH: "没有约定就不能提取：先在协议或备案方案里约定。", LiftEN: "Nothing agreed is nothing allowed: agree on it first, or have it in the filed plan."},
	{Code: "R06", Effect: Blocks, NameZH: "募捐方案在开始前备案", NameEN: "The plan is filed before the campaign starts",
		LiftZH: "备案后登记备案日和编号；来不及的，推迟开始日期；突发事件登记为应急。", LiftEN: "Have it filed and enter day and number; or let it start later; or enter the emergency."},
	{Code: "R07", Effect: Blocks, NameZH: "备案编号有效、覆盖活动日期、一号一活动", NameEN: "The filing number is valid, covers the dates and serves one campaign",
		LiftZH: "填写本活动自己的、有效期内的备案编号。", LiftEN: "Enter the campaign's own number, valid over its dates."},
	{Code: "R08", Effect: Queues, NameZH: "超过六个月的活动、项目，至少每三个月公开一次", NameEN: "What runs longer than six months is published every three months",
		LiftZH: "在「公开与期限」里起草并发布。", LiftEN: "Draft it under Deadlines and publish."},
	{Code: "R09", Effect: Queues, NameZH: "结束后三个月内公开结果", NameEN: "Results are published within three months of the end",
		LiftZH: "在「公开与期限」里起草并发布。", LiftEN: "Draft it under Deadlines and publish."},
	{Code: "R09b", Effect: Queues, NameZH: "更正已公开的数字：附更正说明，旧数字仍可见", NameEN: "A published figure is corrected with a note, the old one stays to be seen",
		LiftZH: "在公开页面发布更正：写明原来公布的、正确的、原因和更正人。", LiftEN: "Publish a correction: what was published, what is right, why, and who."},
	{Code: "R10", Effect: Queues, NameZH: "重大事项三十日内公开", NameEN: "Major events are published within thirty days",
		LiftZH: "登记重大事项，并在「公开与期限」里发布。", LiftEN: "Enter the event and publish it under Deadlines."},
	{Code: "R11", Effect: Queues, NameZH: "年度工作报告和财务报告", NameEN: "The yearly report",
		LiftZH: "结账、审计后在「公开与期限」里发布。", LiftEN: "Close the year, have it audited, publish it under Deadlines."},
	{Code: "R12", Effect: Blocks, NameZH: "变更用途须备案或经捐赠人同意", NameEN: "A change of use is filed, or the donor agrees",
		LiftZH: "登记变更备案号或捐赠人同意书。", LiftEN: "Enter the filing of the change, or the donor's consent."},
	{Code: "R13", Effect: Queues, NameZH: "剩余财产按约定或目的相近处理，并公开", NameEN: "What is left over goes where it was agreed or to a like purpose, and is published",
		LiftZH: "登记剩余财产的处理依据和去向。", LiftEN: "Enter on what ground and where it goes."},
	{Code: "R14", Effect: Blocks, NameZH: "财政资金、受托代理资金不得投资", NameEN: "Public money and money held for others is not invested",
		LiftZH: "改用可以投资的基金的钱。", LiftEN: "Use money of a fund that may invest."},
	{Code: "R15", Effect: Blocks, NameZH: "公开募捐须有公开募捐资格", NameEN: "Only a body with the right raises from the public",
		LiftZH: "取得公开募捐资格后在本页登记；没有的，与有资格的慈善组织合作。", LiftEN: "Obtain the right and enter it here; or work with a body that has it."},
	{Code: "R16", Effect: Document, NameZH: "捐赠票据只开给自愿无偿的捐赠", NameEN: "Receipts are for gifts alone",
		LiftZH: "作废不对应捐赠的票据。", LiftEN: "Void the receipts that stand on no gift."},
	{Code: "R17", Effect: Warns, NameZH: "现金和募捐箱：两人清点，按时入账、存行", NameEN: "Cash and boxes: counted by two, booked and banked in time",
		LiftZH: "请第二人清点确认，并尽快存入银行。", LiftEN: "Have a second person count and confirm, and take it to the bank."},
	{Code: "R18", Effect: Blocks, NameZH: "工程质量保证金的上限", NameEN: "Cap on retention of works",
		LiftZH: "降低质保金比例。", LiftEN: "Keep less back."},
	{Code: "R19", Effect: Warns, NameZH: "购买服务项目的费用构成（地方规定）", NameEN: "Mix of cost of purchased services (local)",
		LiftZH: "按当地规定调整预算。", LiftEN: "Change the budget as the local rule asks."},
	{Code: "R20", Effect: Warns, NameZH: "社区基金：管理委员会不少于规定人数、单数、不领报酬，有监督员，不自设账户", NameEN: "Community funds: a committee large enough, odd and unpaid, a supervisor, no account of its own",
		LiftZH: "补足人数；委员不领报酬的，登记依据；自设账户的，销户后登记。", LiftEN: "Fill the seats; enter on what paper members are unpaid; close an account of its own and enter that."},
	{Code: "R21", Effect: Document, NameZH: "政府购买服务合同：期限、文件和公开", NameEN: "Contracts of government purchase: term, papers, publication",
		LiftZH: "缩短期限，或登记“预算有保障”；逐项登记缺少的文件和合同公开日。", LiftEN: "Shorten the term, or enter that the budget is assured; enter the papers that are missing and when the contract was published."},
	{Code: "R22", Effect: Document, NameZH: "受托代理的判断", NameEN: "Whether money is held for others",
		LiftZH: "登记三项条件或转交协议；没有的，改记为捐赠。", LiftEN: "Enter the three conditions or the agreement; else book it as a gift."},
	{Code: "R23", Effect: Blocks, NameZH: "管理人员的利害关系人不得作为受益人", NameEN: "Nobody close to the managers is a beneficiary",
		LiftZH: "换一个收款单位；关系已解除的，登记解除。", LiftEN: "Choose another payee; where the tie has ended, enter that."},
}

// Rules are all rules, in the order of their codes.
func Rules() []Rule { return append([]Rule(nil), rules...) }

type looker func(ctx context.Context, d *desk, f *Finding) error

// lookOf is how a rule is looked at.
func lookOf(code string) looker {
	switch code {
	case "R01":
		return lookFloor
	case "R02":
		return lookCap
	case "R03", "R03b":
		return lookBands
	case "R04":
		return lookAgreements
	case "R05":
		return lookLevy
	case "R06":
		return lookFiling
	case "R07":
		return lookNumber
	case "R08", "R09", "R10", "R11", "R13":
		return lookDues
	case "R09b":
		return lookCorrections
	case "R12":
		return lookChanges
	case "R14":
		return lookInvesting
	case "R15":
		return lookRight
	case "R16":
		return lookReceipts
	case "R17":
		return lookCash
	case "R18":
		return lookRetention
	case "R19":
		return lookMix
	case "R20":
		return lookGovernance
	case "R21":
		return lookTerm
	case "R22":
		return lookAgency
	case "R23":
		return lookInsiders
	}
	return nil
}
