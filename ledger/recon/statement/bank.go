package statement

// banks are the profiles of the CSV files that the large Chinese banks' online banking exports. A file may lack columns that are not
// needed, and have others.
var banks = map[Format]*Profile{
	CMB: {Columns: map[string][]string{
		"date": {"记账日期", "交易日期", "交易日", "日期"}, "time": {"交易时间", "时间"}, "value": {"起息日"},
		"in": {"收入", "收入金额", "贷方金额"}, "out": {"支出", "支出金额", "借方金额"}, "amount": {"交易金额"}, "balance": {"联机余额", "余额", "账户余额"},
		"currency": {"货币", "币种"}, "kind": {"交易类型", "交易摘要"}, "text": {"交易备注", "客户摘要", "摘要"}, "note": {"业务摘要"},
		"party": {"对手信息", "收(付)方名称", "对方户名"}, "party_account": {"收(付)方账号", "对方账号"}, "id": {"流水号", "交易流水号"},
	}},
	CCB: {Columns: map[string][]string{
		"date": {"记账日", "记账日期"}, "value": {"交易日期"}, "time": {"交易时间"}, "in": {"收入", "贷方发生额", "收入金额"}, "out": {"支出", "借方发生额", "支出金额"},
		"balance": {"余额", "账户余额"}, "currency": {"币种"}, "kind": {"摘要"}, "text": {"备注", "交易地点/附言"}, "note": {"交易地点"},
		"party": {"对方户名"}, "party_account": {"对方账号", "对方账号与户名"}, "id": {"交易流水号", "账户明细编号-交易流水号"},
	}},
	ICBC: {Columns: map[string][]string{
		"date": {"交易日期", "记账日期", "入账日期"}, "time": {"交易时间"}, "in": {"记账金额(收入)", "收入", "贷方发生额"}, "out": {"记账金额(支出)", "支出", "借方发生额"},
		"balance": {"余额"}, "currency": {"记账币种", "币种"}, "kind": {"摘要"}, "text": {"用途", "附言"}, "note": {"交易场所"},
		"party": {"对方户名", "对方单位名称", "对方单位"}, "party_account": {"对方账户", "对方账号"}, "id": {"交易流水号"},
	}},
	BOC: {Columns: map[string][]string{
		"date": {"记账日期", "交易日期"}, "time": {"记账时间", "交易时间"}, "amount": {"金额", "交易金额"}, "balance": {"余额", "交易后余额"}, "currency": {"币别", "币种", "交易货币"},
		"kind": {"交易名称", "交易类型"}, "text": {"附言", "用途"}, "note": {"摘要"}, "party": {"对方账户名", "对方户名"},
		"party_account": {"对方卡号/账号", "对方账号"}, "id": {"交易流水号"},
	}},
}

// marks are names that tell a bank's file from the others': one of them has to stand in its header.
var marks = map[Format][]string{
	CMB: {"联机余额", "交易备注", "收(付)方名称", "客户摘要"}, CCB: {"记账日", "交易地点", "账户明细编号-交易流水号", "交易地点/附言"},
	ICBC: {"记账金额(收入)", "钞/汇", "交易场所"}, BOC: {"币别", "交易名称", "对方账户名", "借记卡号"},
}
