package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"sunfund/ledger/money"
)

// Files as banks and processors write them, for money of the demo. Numbers and names are invented.

// told is a payment as its processor tells it.
type told struct {
	no, ref     string // ours and the processor's
	at          time.Time
	amount, fee int64 // fen
	title       string
}

// moved is a line of a bank account.
type moved struct {
	day    time.Time
	amount int64  // fen or cents; negative is money out
	text   string // of the line, with its number
	e2e    string // end-to-end id of a payment of ours
	charge bool   // the bank's own charge
}

func yuan(fen int64) string { return money.Format(fen, "CNY") }

func day8(t time.Time) string { return t.Format("20060102") }

// wechatTrade is the trade bill of a day.
func wechatTrade(list []told) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n")
	var sum, fees int64
	for _, t := range list {
		fmt.Fprintf(&b, "`%s,`wx0000000000000001,`1900000001,`0,`,`%s,`%s,`o0000,`JSAPI,`SUCCESS,`OTHERS,`CNY,`%s,`0.00,`0,`0,`0.00,`0.00,`,`,`%s,`,`%s000,`0.60%%,`%s,`0.00,`\r\n",
			t.at.Format(time.DateTime), t.ref, t.no, yuan(t.amount), t.title, yuan(t.fee), yuan(t.amount))
		sum, fees = sum+t.amount, fees+t.fee
	}
	fmt.Fprintf(&b, "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n`%d,`%s,`0.00,`0.00,`%s000,`%s,`0.00\r\n", len(list), yuan(sum), yuan(fees), yuan(sum))
	return b.Bytes()
}

// wechatFund is the fund bill of a day, which begins with the balance of the day before, paid out in the night, and has the day's payments with their fees.
func wechatFund(day time.Time, out int64, list []told) []byte {
	opening := out
	var b bytes.Buffer
	b.WriteString("\ufeff记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\r\n")
	var ins, outs, in, outN int64
	row := func(at time.Time, ref, name, kind string, amount int64, no string) {
		opening += amount
		side := "收入"
		if amount < 0 {
			side, amount = "支出", -amount
			outs, outN = outs+amount, outN+1
		} else {
			ins, in = ins+amount, in+1
		}
		fmt.Fprintf(&b, "`%s,`%s,`%s,`%s,`%s,`%s,`%s,`%s,`system,`,`%s\r\n", at.Format(time.DateTime), ref, ref, name, kind, side, yuan(amount), yuan(opening), no)
	}
	if out > 0 {
		ref := "1010190000000" + day8(day) + "01"
		row(day.Add(4*time.Hour+15*time.Minute), ref, "提现", "提现", -out, ref)
	}
	for _, t := range list {
		row(t.at, t.ref, "交易", "交易", t.amount, t.no)
		if t.fee > 0 {
			row(t.at, t.ref, "交易", "扣除交易手续费", -t.fee, t.no)
		}
	}
	fmt.Fprintf(&b, "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`%d,`%d,`%s,`%d,`%s\r\n", in+outN, in, yuan(ins), outN, yuan(outs))
	return b.Bytes()
}

// alipayTrade is the trade bill of a day.
func alipayTrade(day time.Time, list []told) ([]byte, error) {
	var b bytes.Buffer
	at := func(t time.Time) string { return t.Format("2006年01月02日 15:04:05") }
	fmt.Fprintf(&b, "#支付宝业务明细查询\r\n#账号：[20880000000000000156]\r\n#起始日期：[%s]   终止日期：[%s]\r\n#-----------------------------------------业务明细列表----------------------------------------\r\n", at(day), at(day.AddDate(0, 0, 1)))
	b.WriteString("支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\r\n")
	var sum int64
	for _, t := range list {
		fmt.Fprintf(&b, "%s\t,%s\t,交易\t,%s\t,%s,%[4]s,\t,\t,\t,\t,*某(1******00)\t,%[5]s,%[5]s,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,\t,-%[6]s,0.00,\r\n", t.ref, t.no, t.title, t.at.Format(time.DateTime), yuan(t.amount), yuan(t.fee))
		sum += t.amount
	}
	fmt.Fprintf(&b, "#-----------------------------------------业务明细列表结束------------------------------------\r\n#交易合计：%d笔，商家实收共%s元，商家优惠共0.00元\r\n#退款合计：0笔，商家实收退款共0.00元，商家优惠退款共0.00元\r\n#导出时间：[%s]\r\n",
		len(list), yuan(sum), at(day.AddDate(0, 0, 1).Add(5*time.Hour)))
	body, err := simplifiedchinese.GB18030.NewEncoder().Bytes(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("write Alipay's bill: %w", err)
	}
	return body, nil
}

type object map[string]any

// stripeFiles are the pages of a balance with one payout of all of it, of payouts, and of the payout's members.
func stripeFiles(list []told, payout string, created, arrives time.Time) (balance, payouts, members []byte, sum int64, err error) {
	var rows, short []object
	row := func(id, kind string, amount, fee int64, at time.Time, source object) (object, object) {
		details := []object{}
		if fee != 0 {
			details = append(details, object{"amount": fee, "application": nil, "currency": "cny", "description": "Stripe processing fees", "type": "stripe_fee"})
		}
		one := object{"id": id, "object": "balance_transaction", "amount": amount, "available_on": arrives.Unix(), "created": at.Unix(), "currency": "cny", "description": nil, "exchange_rate": nil,
			"fee": fee, "fee_details": details, "net": amount - fee, "reporting_category": kind, "source": source, "status": "available", "type": kind}
		brief := object{}
		for k, v := range one {
			brief[k] = v
		}
		brief["source"] = source["id"]
		return one, brief
	}
	for _, t := range list {
		one, brief := row("txn_"+t.no, "charge", t.amount, t.fee, t.at, object{"id": t.ref, "object": "charge", "amount": t.amount, "amount_captured": t.amount, "amount_refunded": 0,
			"balance_transaction": "txn_" + t.no, "captured": true, "created": t.at.Unix(), "currency": "cny", "metadata": object{"gift_no": t.no}, "paid": true, "refunded": false, "status": "succeeded"})
		rows, short = append(rows, one), append(short, brief)
		sum += t.amount - t.fee
	}
	paid := object{"id": payout, "object": "payout", "amount": sum, "arrival_date": arrives.Unix(), "automatic": true, "balance_transaction": "txn_" + payout, "created": created.Unix(), "currency": "cny",
		"description": "STRIPE PAYOUT", "failure_balance_transaction": nil, "failure_code": nil, "failure_message": nil, "livemode": false, "metadata": object{}, "method": "standard", "original_payout": nil,
		"reconciliation_status": "completed", "reversed_by": nil, "source_type": "card", "statement_descriptor": nil, "status": "paid", "type": "bank_account"}
	one, brief := row("txn_"+payout, "payout", -sum, 0, created, paid)
	rows, short = append(rows, one), append(short, brief)
	slices.Reverse(rows)
	slices.Reverse(short)
	page := func(url string, data []object) []object {
		return []object{{"object": "list", "url": url, "has_more": false, "data": data}}
	}
	for _, f := range []struct {
		to   *[]byte
		what any
	}{{&balance, page("/v1/balance_transactions", rows)}, {&payouts, page("/v1/payouts", []object{paid})}, {&members, object{payout: page("/v1/balance_transactions", short)}}} {
		if *f.to, err = json.Marshal(f.what); err != nil {
			return nil, nil, nil, 0, fmt.Errorf("write Stripe's pages: %w", err)
		}
	}
	return balance, payouts, members, sum, nil
}

// camt is a statement as camt.053.001.02.
func camt(number int, account string, from, to time.Time, opening int64, list []moved) []byte {
	var b bytes.Buffer
	closing, in, out, ins, outs := opening, int64(0), int64(0), 0, 0
	for _, m := range list {
		closing += m.amount
		if m.amount < 0 {
			out, outs = out-m.amount, outs+1
		} else {
			in, ins = in+m.amount, ins+1
		}
	}
	side := func(amount int64) (int64, string) {
		if amount < 0 {
			return -amount, "DBIT"
		}
		return amount, "CRDT"
	}
	balance := func(code string, amount int64, on time.Time) {
		sum, of := side(amount)
		fmt.Fprintf(&b, `<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">%s</Amt><CdtDbtInd>%s</CdtDbtInd><Dt><Dt>%s</Dt></Dt></Bal>`, code, yuan(sum), of, on.Format(time.DateOnly))
	}
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr><MsgId>M%d</MsgId><CreDtTm>%sT18:00:00+08:00</CreDtTm></GrpHdr>`, number, to.Format(time.DateOnly))
	fmt.Fprintf(&b, `<Stmt><Id>%s-%d</Id><ElctrncSeqNb>%[2]d</ElctrncSeqNb><CreDtTm>%[3]sT18:00:00+08:00</CreDtTm><FrToDt><FrDtTm>%[4]sT00:00:00+08:00</FrDtTm><ToDtTm>%[3]sT23:59:59+08:00</ToDtTm></FrToDt><Acct><Id><Othr><Id>%[1]s</Id></Othr></Id><Ccy>CNY</Ccy></Acct>`,
		account, number, to.Format(time.DateOnly), from.Format(time.DateOnly))
	balance("OPBD", opening, from)
	balance("CLBD", closing, to)
	fmt.Fprintf(&b, `<TxsSummry><TtlCdtNtries><NbOfNtries>%d</NbOfNtries><Sum>%s</Sum></TtlCdtNtries><TtlDbtNtries><NbOfNtries>%d</NbOfNtries><Sum>%s</Sum></TtlDbtNtries></TxsSummry>`, ins, yuan(in), outs, yuan(out))
	for i, m := range list {
		sum, of := side(m.amount)
		id, family, code := "NOTPROVIDED", "RCDT", "DMCT"
		if m.e2e != "" {
			id = m.e2e
		}
		if m.amount < 0 {
			family = "ICDT"
		}
		if m.charge {
			family, code = "MDOP", "CHRG"
		}
		fmt.Fprintf(&b, `<Ntry><NtryRef>%d-%d</NtryRef><Amt Ccy="CNY">%s</Amt><CdtDbtInd>%s</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>%[5]s</Dt></BookgDt><ValDt><Dt>%[5]s</Dt></ValDt><AcctSvcrRef>%[6]s%03[2]d</AcctSvcrRef>`+
			`<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>%[7]s</Cd><SubFmlyCd>%[8]s</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>%[9]s</EndToEndId></Refs><RmtInf><Ustrd>%[10]s</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`,
			number, i+1, yuan(sum), of, m.day.Format(time.DateOnly), day8(m.day), family, code, id, m.text)
	}
	b.WriteString("</Stmt></BkToCstmrStmt></Document>")
	return b.Bytes()
}

// cmb is a month of a bank's CSV, the newest line first, as CMB writes it.
func cmb(from, to time.Time, opening int64, list []moved) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "\"# 招商银行交易记录\"\r\n\"# 导出时间: [            %s 18:02:11]\"\r\n\"# 账    号: [650101*****0001   招商银行]\"\r\n\"# 币    种: [                         人民币]\"\r\n\"# 起始日期: [%s]   终止日期: [%s]\"\r\n\"# 过滤设置:  无\"\r\n\r\n",
		to.Format(time.DateOnly), day8(from), day8(to))
	b.WriteString("\"交易日期\",\"交易时间\",\"收入\",\"支出\",\"余额\",\"交易类型\",\"交易备注\"\r\n")
	var rows []string
	balance, in, out, ins, outs := opening, int64(0), int64(0), 0, 0
	for i, m := range list {
		balance += m.amount
		credit, debit := "", ""
		if m.amount < 0 {
			debit, out, outs = yuan(-m.amount), out-m.amount, outs+1
		} else {
			credit, in, ins = yuan(m.amount), in+m.amount, ins+1
		}
		kind := "转账"
		if m.charge {
			kind = "手续费"
		}
		rows = append(rows, fmt.Sprintf("\"\t%s\",\"\t%02d:%02d:00\",\"%s\",\"%s\",\"%s\",\"\t%s\",\"\t%s\"\r\n", day8(m.day), 9+i/60, i%60, credit, debit, yuan(balance), kind, m.text))
	}
	slices.Reverse(rows)
	b.WriteString(strings.Join(rows, ""))
	fmt.Fprintf(&b, "\r\n\"# 收入合计: %d 笔，共 %s 元\"\r\n\"# 支出合计: %d 笔，共 %s 元\"\r\n", ins, yuan(in), outs, yuan(out))
	body, err := simplifiedchinese.GB18030.NewEncoder().Bytes(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("write a bank's CSV: %w", err)
	}
	return body, nil
}

// mt940 is a statement as MT940.
func mt940(number int, account string, from, to time.Time, opening int64, list []moved) []byte {
	var b bytes.Buffer
	comma := func(fen int64) string { return strings.Replace(yuan(fen), ".", ",", 1) }
	fmt.Fprintf(&b, ":20:M%d\r\n:25:%s\r\n:28C:%05[1]d/001\r\n:60F:C%[3]sCNY%[4]s\r\n", number, account, from.Format("060102"), comma(opening))
	for i, m := range list {
		side, sum := "C", m.amount
		if sum < 0 {
			side, sum = "D", -sum
		}
		fmt.Fprintf(&b, ":61:%s%s%s%sNTRFNONREF//%s%03d\r\n:86:/REMI/%s\r\n", m.day.Format("060102"), m.day.Format("0102"), side, comma(sum), m.day.Format("060102"), i+1, m.text)
		opening += m.amount
	}
	fmt.Fprintf(&b, ":62F:C%sCNY%s\r\n-\r\n", to.Format("060102"), comma(opening))
	return b.Bytes()
}

// ofx is a statement as OFX 1, in US dollars.
func ofx(account string, from, to time.Time, opening int64, list []moved) []byte {
	var b bytes.Buffer
	b.WriteString("OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:UTF-8\r\nCHARSET:NONE\r\nCOMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n")
	at := to.Format("20060102") + "180000[+8:CST]"
	fmt.Fprintf(&b, "<OFX>\r\n<SIGNONMSGSRSV1>\r\n<SONRS>\r\n<STATUS>\r\n<CODE>0\r\n<SEVERITY>INFO\r\n</STATUS>\r\n<DTSERVER>%s\r\n<LANGUAGE>CHI\r\n</SONRS>\r\n</SIGNONMSGSRSV1>\r\n<BANKMSGSRSV1>\r\n<STMTTRNRS>\r\n<TRNUID>1\r\n<STATUS>\r\n<CODE>0\r\n<SEVERITY>INFO\r\n</STATUS>\r\n<STMTRS>\r\n<CURDEF>USD\r\n<BANKACCTFROM>\r\n<BANKID>308584000013\r\n<ACCTID>%s\r\n<ACCTTYPE>CHECKING\r\n</BANKACCTFROM>\r\n<BANKTRANLIST>\r\n<DTSTART>%s\r\n<DTEND>%[1]s\r\n",
		at, account, from.Format("20060102")+"000000[+8:CST]")
	for i, m := range list {
		kind := "CREDIT"
		if m.amount < 0 {
			kind = "DEBIT"
		}
		opening += m.amount
		fmt.Fprintf(&b, "<STMTTRN>\r\n<TRNTYPE>%s\r\n<DTPOSTED>%s120000[+8:CST]\r\n<TRNAMT>%s\r\n<FITID>%[2]s%04[4]d\r\n<NAME>%[5]s\r\n<MEMO>%[5]s\r\n</STMTTRN>\r\n", kind, day8(m.day), yuan(m.amount), i+1, m.text)
	}
	fmt.Fprintf(&b, "</BANKTRANLIST>\r\n<LEDGERBAL>\r\n<BALAMT>%s\r\n<DTASOF>%s\r\n</LEDGERBAL>\r\n</STMTRS>\r\n</STMTTRNRS>\r\n</BANKMSGSRSV1>\r\n</OFX>\r\n", yuan(opening), at)
	return b.Bytes()
}
