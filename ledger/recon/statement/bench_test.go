package statement

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"sunfund/ledger/money"
)

// long makes files of n lines, each of one yuan.
var long = map[Format]func(n int) []byte{
	WeChatTrade: func(n int) []byte {
		var b bytes.Buffer
		b.WriteString("交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n")
		for i := range n {
			fmt.Fprintf(&b, "`2026-09-01 15:01:29,`wx7b1d0c5e9a3f4d26,`1900012345,`0,`,`42000023492026090%011d,`SG2026%011d,`oXt4JNgRE5aAOSdulEKnI81yJDYl,`JSAPI,`SUCCESS,`CCB_CREDIT,`CNY,`1.00,`0.00,`0,`0,`0.00,`0.00,`,`,`月捐伙伴,`campaign=monthly&fund=G,`0.01000,`0.60%%,`1.00,`0.00,`\r\n", i, i)
		}
		fmt.Fprintf(&b, "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n`%d,`%d.00,`0.00,`0.00,`%s000,`%d.00,`0.00\r\n", n, n, money.Format(int64(n), "CNY"), n)
		return b.Bytes()
	},
	WeChatFund: func(n int) []byte {
		var b bytes.Buffer
		b.WriteString("记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\r\n")
		for i := range n {
			fmt.Fprintf(&b, "`2026-09-02 03:06:53,`420000264920260%013d,`420000264920260%013d,`交易,`交易,`收入,`1.00,`%d.00,`system,`结算总金额 1.00 元,`SG%013d\r\n", i, i, i+1, i)
		}
		fmt.Fprintf(&b, "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`%d,`%d,`%d.00,`0,`0.00\r\n", n, n, n)
		return b.Bytes()
	},
	AlipayTrade: func(n int) []byte {
		var b bytes.Buffer
		b.WriteString("#账号：[20885311900726140156]\r\n支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,对方账户,订单金额（元）,商家实收（元）,退款批次号/请求号,服务费（元）,备注\r\n")
		for i := range n {
			fmt.Fprintf(&b, "202609012200%016d\t,SG%013d\t,交易\t,重建家园,2026-09-01 00:32:54,2026-09-01 00:33:01,*敏(194******26)\t,1.00,1.00,\t,-0.01,\r\n", i, i)
		}
		fmt.Fprintf(&b, "#交易合计：%d笔，商家实收共%d.00元，商家优惠共0.00元\r\n#退款合计：0笔，商家实收退款共0.00元，商家优惠退款共0.00元\r\n", n, n)
		return b.Bytes()
	},
	CMB: func(n int) []byte {
		var b bytes.Buffer
		b.WriteString("\"交易日期\",\"交易时间\",\"收入\",\"支出\",\"余额\",\"交易类型\",\"交易备注\"\r\n")
		for i := range n {
			fmt.Fprintf(&b, "\"\t20260901\",\"\t04:05:23\",\"1.00\",\"\",\"%d.00\",\"\t汇入汇款\",\"\t李敏 爱心捐款\"\r\n", n-i)
		}
		return b.Bytes()
	},
	MT940: func(n int) []byte {
		var b bytes.Buffer
		b.WriteString(":20:A\r\n:25:12345678\r\n:28C:1/1\r\n:60F:C260901CNY0,\r\n")
		for i := range n {
			fmt.Fprintf(&b, ":61:2609010901C1,NTRFNONREF//26%013d\r\n:86:/REMI/DONATION Li Min/ORDP/Li Min\r\n", i)
		}
		fmt.Fprintf(&b, ":62F:C260901CNY%d,\r\n-\r\n", n)
		return b.Bytes()
	},
	OFX: func(n int) []byte {
		var b bytes.Buffer
		b.WriteString(ofxHead)
		for i := range n {
			fmt.Fprintf(&b, "<STMTTRN>\n<TRNTYPE>CREDIT\n<DTPOSTED>20260901080317[+8:CST]\n<DTUSER>20260901\n<TRNAMT>1.00\n<FITID>%d\n<NAME>孙志强\n<MEMO>孙志强 爱心捐款\n</STMTTRN>\n", i)
		}
		b.WriteString(ofxTail)
		return b.Bytes()
	},
	Camt053: func(n int) []byte {
		var b bytes.Buffer
		b.WriteString(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>1</Id><Acct><Id><IBAN>DE1</IBAN></Id></Acct>` +
			`<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>`)
		fmt.Fprintf(&b, `<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">%d</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>`, n)
		for i := range n {
			fmt.Fprintf(&b, `<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-09-01</Dt></BookgDt><ValDt><Dt>2026-09-01</Dt></ValDt><AcctSvcrRef>26%013d</AcctSvcrRef>`+
				`<NtryDtls><TxDtls><Refs><EndToEndId>E%d</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>Ann</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>DE9</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>gift</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`+"\n", i, i)
		}
		b.WriteString(xmlTail)
		return b.Bytes()
	},
}

// longOrder is the order in which benchmarks run.
var longOrder = []Format{WeChatTrade, WeChatFund, AlipayTrade, CMB, MT940, OFX, Camt053}

func TestLongFiles(t *testing.T) {
	t.Parallel()
	const n = 3000
	for _, format := range longOrder {
		sum, err := Read(context.Background(), long[format](n), Options{}, func(*Line) error { return nil })
		if err != nil || sum.Lines != n || sum.Format != format {
			t.Errorf("%s: %+v, %v", format, sum, err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	const n = 100_000
	for _, format := range longOrder {
		b.Run(string(format), func(b *testing.B) {
			body := long[format](n)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				k := Keys{Format: format}
				if _, err := Read(context.Background(), body, Options{Format: format}, func(l *Line) error {
					k.Key(l)
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
