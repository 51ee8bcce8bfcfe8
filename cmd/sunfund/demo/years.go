package demo

import "context"

// lastRef is the source of the story's last voucher, of the step month.
const lastRef = "WL-2026-11"

// firstYear is 2025: the eleven homes, from the opening balance to the year-end close. Its figures are those of
// the worked example in docs/bookkeeping.md: 27,505.13 raised online, 21,940.87 from the street, 49,446.00 spent.
func (l *loader) firstYear(ctx context.Context) error {
	if err := l.firstYearOpen(ctx); err != nil {
		return err
	}
	return l.post(ctx, []voucher{
		{"2025-12-31", closing, "2025 年终结转：E爱空间专项基金", "close", "2025", []string{
			"D gift.r EAI 27505.13 nature=close", "D grant.r EAI 21940.87 nature=close", "C na.r EAI 49446.00",
			"D na.r EAI 49446.00", "C program.r EAI 49446.00 nature=close"}},
		{"2025-12-31", closing, "2025 年终结转：日常基金", "close", "2025", []string{
			"D na.u G 165.03", "C fundraising.u G 165.03 nature=close"}},
	})
}

// firstYearOpen is all of 2025 but its close.
func (l *loader) firstYearOpen(ctx context.Context) error {
	if err := l.post(ctx, []voucher{
		{"2025-01-01", opening, "期初余额：日常基金", "opening", "2025", []string{"D bank.basic G 5000.00", "C na.u G 5000.00"}},
	}); err != nil {
		return err
	}
	if err := l.letters(ctx, l.homesPromised()); err != nil {
		return err
	}
	if err := l.firstGifts(ctx); err != nil {
		return err
	}
	if err := l.post(ctx, []voucher{
		{"2025-09-17", payoutStart, "E爱空间 网络捐款提现", "payout", "po-20250917", []string{
			"D psp.transit EAI 27340.10 instrument=sandbox", "C psp.avail EAI 27340.10 instrument=sandbox"}},
		{"2025-09-18", payoutLanded, "E爱空间 网络捐款到账，募捐专户", "bank", "20250918-0007", []string{
			"D bank.online EAI 27340.10", "C psp.transit EAI 27340.10 instrument=sandbox"}},
		{"2025-09-30", transfer, "9 月手续费由日常基金归还", "interfund", "2025-09", []string{
			"D bank.online EAI 165.03", "C if.due.from EAI 165.03 party=fund:1", "D if.due.to G 165.03 party=fund:2", "C bank.basic G 165.03"}},
	}); err != nil {
		return err
	}
	if err := l.letters(ctx, l.homesReceived()); err != nil {
		return err
	}
	if err := l.post(ctx, []voucher{
		{"2025-10-12", contract, "签订 11 户改造合同，向阳社工服务中心", "contract", "HT-2025-01", []string{
			"D enc EAI 49446.00 contract=HT-2025-01", "C enc.contra EAI 49446.00 contract=HT-2025-01"}},
		{"2025-11-20", acceptance, "11 户改造验收，居民代表签字", "acceptance", "HT-2025-01", []string{
			"D program.r EAI 49446.00 campaign=e-ai-kongjian project=EAI-11", "C ap EAI 47962.62 contract=HT-2025-01",
			"C retention EAI 1483.38 contract=HT-2025-01", "D enc.contra EAI 49446.00 contract=HT-2025-01",
			"C enc EAI 49446.00 contract=HT-2025-01"}},
	}); err != nil {
		return err
	}
	if err := l.letters(ctx, l.homesSpent()); err != nil {
		return err
	}
	return l.post(ctx, []voucher{
		{"2025-11-24", payment, "付向阳社工服务中心改造款，发票 00382", "payment", "FP-00382", []string{
			"D ap EAI 47962.62 contract=HT-2025-01", "C pay.transit EAI 47962.62 contract=HT-2025-01"}},
		{"2025-11-25", bankDebit, "改造款银行已扣", "bank", "20251125-0003", []string{
			"D pay.transit EAI 47962.62 contract=HT-2025-01", "C bank.online EAI 27505.13", "C bank.basic EAI 20457.49"}},
		{"2025-12-26", payment, "质保期满，退向阳社工服务中心质保金", "payment", "FP-00401", []string{
			"D retention EAI 1483.38 contract=HT-2025-01", "C bank.basic EAI 1483.38"}},
	})
}

// secondYear is 2026 so far: openings of the other funds, subsidies, contracts in several states.
func (l *loader) secondYear(ctx context.Context) error {
	if err := l.openLetters(ctx); err != nil {
		return err
	}
	if err := l.post(ctx, []voucher{
		{"2026-01-02", voucherKind, "理事单位年度捐赠（非限定）", "bank", "20260102-0001", []string{
			"D bank.basic G 60000.00", "C gift.u G 60000.00 party=board"}},
		{"2025-12-31", opening, "接收石坪桥社区阳光基金", "opening", "协议2025-01", []string{"D bank.basic SPQ 86000.00", "C na.r SPQ 86000.00"}},
		{"2025-12-31", opening, "接收临江社区阳光基金", "opening", "协议2025-02", []string{"D bank.basic LJ 52500.00", "C na.r LJ 52500.00"}},
		{"2025-12-31", opening, "接收青禾社区阳光基金", "opening", "协议2025-03", []string{"D bank.basic QH 31800.00", "C na.r QH 31800.00"}},
		{"2025-12-31", opening, "理事会指定应急款", "opening", "理事会2025-9", []string{"D bank.basic D-RES 20000.00", "C na.u D-RES 20000.00"}},
		{"2025-12-31", opening, "晨光助学留本基金本金", "opening", "协议2025-04", []string{"D bank.basic E-EDU 100000.00", "C na.r E-EDU 100000.00"}},
		{"2026-02-10", subsidy, "临江社区公益服务经费，财政拨款", "subsidy", "财〔2026〕3号", []string{
			"D bank.basic S-LJ 200000.00", "C grant.r S-LJ 200000.00 street=linjiang"}},
		{"2026-03-06", voucherKind, "代收指定受益人医疗救助款", "bank", "20260306-0002", []string{
			"D bank.agency A-HELP 10000.00", "C agency.l A-HELP 10000.00 party=B-01"}},
		{"2026-03-09", voucherKind, "代付指定受益人医疗救助款", "bank", "20260309-0001", []string{
			"D agency.l A-HELP 6000.00 party=B-01", "C bank.agency A-HELP 6000.00"}},
		{"2026-03-20", contract, "长者午餐服务合同，暖心食堂", "contract", "HT-2026-03", []string{
			"D enc SPQ 72000.00 contract=HT-2026-03", "C enc.contra SPQ 72000.00 contract=HT-2026-03"}},
		{"2026-03-25", payment, "长者午餐预付 20%", "payment", "FP-00411", []string{
			"D prepay SPQ 14400.00 contract=HT-2026-03", "C pay.transit SPQ 14400.00 contract=HT-2026-03",
			"D enc.contra SPQ 14400.00 contract=HT-2026-03", "C enc SPQ 14400.00 contract=HT-2026-03"}},
		{"2026-03-26", bankDebit, "长者午餐预付款银行已扣", "bank", "20260326-0004", []string{
			"D pay.transit SPQ 14400.00 contract=HT-2026-03", "C bank.basic SPQ 14400.00"}},
		{"2026-04-15", contract, "居民投票选定：文明晾晒等三个项目", "contract", "HT-2026-05", []string{
			"D enc S-LJ 195000.00 contract=HT-2026-05", "C enc.contra S-LJ 195000.00 contract=HT-2026-05"}},
		{"2026-06-30", acceptance, "长者午餐第一期验收，6,000 份", "acceptance", "HT-2026-03", []string{
			"D program.r SPQ 36000.00 campaign=elder-lunch project=LUNCH", "C prepay SPQ 7200.00 contract=HT-2026-03",
			"C ap SPQ 27720.00 contract=HT-2026-03", "C retention SPQ 1080.00 contract=HT-2026-03",
			"D enc.contra SPQ 28800.00 contract=HT-2026-03", "C enc SPQ 28800.00 contract=HT-2026-03"}},
		{"2026-07-03", payment, "付暖心食堂第一期，发票 00427", "payment", "FP-00427", []string{
			"D ap SPQ 27720.00 contract=HT-2026-03", "C pay.transit SPQ 27720.00 contract=HT-2026-03"}},
		{"2026-07-04", bankDebit, "长者午餐第一期银行已扣", "bank", "20260704-0002", []string{
			"D pay.transit SPQ 27720.00 contract=HT-2026-03", "C bank.basic SPQ 27720.00"}},
		{"2026-07-15", acceptance, "社区服务第一项验收", "acceptance", "HT-2026-05", []string{
			"D program.r S-LJ 80000.00 project=DRYING", "C ap S-LJ 80000.00 contract=HT-2026-05",
			"D enc.contra S-LJ 80000.00 contract=HT-2026-05", "C enc S-LJ 80000.00 contract=HT-2026-05"}},
		{"2026-07-20", payment, "付社区服务第一项，发票 00433", "payment", "FP-00433", []string{
			"D ap S-LJ 80000.00 contract=HT-2026-05", "C bank.basic S-LJ 80000.00"}},
		{"2026-09-01", contract, "暖心微改造 40 户合同", "contract", "HT-2026-09", []string{
			"D enc QH 24000.00 contract=HT-2026-09", "C enc.contra QH 24000.00 contract=HT-2026-09"}},
		{"2026-09-12", voucherKind, "审计费", "bank", "20260912-0001", []string{
			"D admin.u G 8000.00", "C bank.basic G 8000.00"}},
		{"2026-10-08", voucherKind, "误记：办公用品", "bank", "20261008-0001", []string{
			"D admin.u G 320.00", "C bank.basic G 320.00"}},
	}); err != nil {
		return err
	}
	if err := l.lamps(ctx); err != nil {
		return err
	}
	if err := l.commons(ctx); err != nil {
		return err
	}
	return l.post(ctx, []voucher{
		{"2026-10-20", reservation, "已批困难救助，待付", "request", "SQ-2026-17", []string{
			"D resv SPQ 3000.00 project=AID-17", "C resv.contra SPQ 3000.00 project=AID-17"}},
	})
}
