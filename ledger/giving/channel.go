package giving

import (
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// Channel is the way a gift's money comes. Numbers are stored and never change meaning.
type Channel int16

const (
	Sandbox Channel = 1
	WeChat  Channel = 2
	Alipay  Channel = 3
	Stripe  Channel = 4
	Bank    Channel = 5
	Cash    Channel = 6
	// Platform is a giving platform that tells of gifts in files and pays later; what it holds cannot be withdrawn.
	Platform Channel = 7
)

type channelInfo struct {
	code, zh, en string
	processor    bool // holds the money for us, keeps a fee, pays out later
}

var channels = map[Channel]channelInfo{
	Sandbox: {"sandbox", "沙箱支付", "Sandbox", true},
	WeChat:  {"wechat", "微信支付", "WeChat Pay", true},
	Alipay:  {"alipay", "支付宝", "Alipay", true},
	Stripe:  {"stripe", "Stripe", "Stripe", true},
	Bank:    {"bank", "银行转账", "Bank transfer", false},
	Cash:    {"cash", "现金", "Cash", false},

	Platform: {"platform", "公益平台", "Giving platform", true},
}

// Channels lists all channels in stored order.
func Channels() []Channel { return []Channel{Sandbox, WeChat, Alipay, Stripe, Bank, Cash, Platform} }

// ChannelByCode finds a channel by its code ("wechat", "bank", …).
func ChannelByCode(code string) (Channel, bool) {
	for c, info := range channels {
		if info.code == code {
			return c, true
		}
	}
	return 0, false
}

// Code is how files, accounts and the API call the channel; empty when there is no such channel.
func (c Channel) Code() string { return channels[c].code }

// Name is the channel's name in lang.
func (c Channel) Name(lang string) string { return pick(lang, channels[c].zh, channels[c].en) }

// Processor tells whether somebody holds the money for us and pays it out later.
func (c Channel) Processor() bool { return channels[c].processor }

func pick(lang, zh, en string) string {
	if lang == "en" {
		return en
	}
	return zh
}

// asset is where the channel's money lies for a fund, and whether foreign units are counted there.
// A processor settles every currency in the book's; a bank and a cash box keep what they were given.
func (c Channel) asset(fund int32, ccy string, book *ledger.Book) (leaf ledger.Leaf, units bool) {
	leaf = c.balance(fund)
	foreign := ccy != book.Currency
	switch c {
	case Bank:
		leaf.Chart, leaf.Dims.Instrument = bankChart(foreign), "" // there is one account of each kind
	case Cash:
		leaf.Chart = "cash"
	default:
		return leaf, false
	}
	if foreign {
		leaf.Currency = ccy
	}
	return leaf, foreign
}

// balance is what the channel's processor holds for a fund.
func (c Channel) balance(fund int32) ledger.Leaf {
	if c == Platform {
		return Receivable(fund)
	}
	return ledger.Leaf{Chart: "psp.avail", Fund: fund, Dims: ledger.Dims{Instrument: c.Code()}}
}

// Receivable is what giving platforms hold for a fund and have not settled (应收平台待结算).
func Receivable(fund int32) ledger.Leaf {
	return ledger.Leaf{Chart: "ar.platform", Fund: fund, Dims: ledger.Dims{Instrument: Platform.Code()}}
}

func bankChart(foreign bool) chart.ID {
	if foreign {
		return "bank.fx"
	}
	return "bank.online"
}

// Drawer is where a fund's cash lies: what was handed in, and what came out of boxes.
func Drawer(fund int32) ledger.Leaf {
	return ledger.Leaf{Chart: "cash", Fund: fund, Dims: ledger.Dims{Instrument: Cash.Code()}}
}
