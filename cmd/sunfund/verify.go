package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/recon"
)

// errDiffers makes the command exit 1.
var errDiffers = errors.New("the books differ from themselves")

// verifyCmds are the books, when nothing else is named, a match or a vote.
type verifyCmds struct {
	Books verifyCmd      `cmd:"" default:"withargs" help:"Recompute every figure of the books from the entries and compare."`
	Match verifyMatchCmd `cmd:"" help:"Recompute a published match from its rule, its seed and its gifts, and compare. Needs no database."`
	Vote  verifyVoteCmd  `cmd:"" help:"Count a published vote again from its ballots and its rule. Needs no database."`
}

// verifyCmd recomputes what is derived and compares; it changes nothing.
type verifyCmd struct {
	database
	keyRing
	Book   string `placeholder:"CODE" help:"Which book; all of them when missing."`
	Bundle string `placeholder:"FILE" help:"Check an auditor's bundle instead of a book; needs no database."`
	Root   string `placeholder:"HASH" help:"With --bundle: the SHA-256 of its SHA256SUMS as the association told it."`
	Papers string `type:"existingdir" placeholder:"FOLDER" help:"With --bundle: files that have to be among the papers of the bundle, by their hashes."`
	Lang   string `env:"LANG" default:"en" help:"Language of the report: zh-CN or en."`
}

func (c *verifyCmd) Run(ctx context.Context, term terminal) error {
	if c.Bundle != "" {
		if err := verifyOf(term.out, bundleCheck{c.Bundle, c.Root, c.Papers}, language(c.Lang)); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		return nil
	}
	clean := true
	ring, err := c.of(c.database)
	if err != nil && !errors.Is(err, errNoKeyRing) && !errors.Is(err, fs.ErrNotExist) { // only seeds of match that are still sealed need it, and say so
		return fmt.Errorf("verify: %w", err)
	}
	err = inOneMoment(ctx, c.database, func(tx pgx.Tx) error {
		books, err := chosenBooks(ctx, tx, c.Book)
		if err != nil {
			return err
		}
		for _, book := range books {
			book.Keys = ring
			checks, err := verifyBook(ctx, tx, book)
			if err != nil {
				return fmt.Errorf("book %s: %w", book.Code, err)
			}
			printChecks(term.out, book, checks, language(c.Lang))
			clean = clean && ledger.Clean(checks)
		}
		return nil
	})
	if err == nil && !clean {
		err = errDiffers
	}
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	return nil
}

// verifyBook is every check there is on one book.
func verifyBook(ctx context.Context, tx pgx.Tx, book *ledger.Book) ([]ledger.Check, error) {
	if err := pg.EnterBook(ctx, tx, book.ID); err != nil {
		return nil, err
	}
	return recon.Verify(ctx, tx, book)
}

// verifyText is what the report says beside the checks.
type verifyText struct{ book, same, differs, line, more, sum string }

var verifyTexts = map[string]verifyText{
	"en": {
		book: "Book %s: %s\n", same: "same   ", differs: "DIFFERS",
		line: "  %s  %s: %s; %d compared, %d differ\n", more: "           and %d more\n",
		sum: "  %d checks, %d compared, %d differ\n",
	},
	"zh-CN": {
		book: "账套 %s：%s\n", same: "相符", differs: "不符",
		line: "  %s  %s：%s；核对 %d 项，不符 %d 项\n", more: "           另有 %d 项\n",
		sum: "  共 %d 类检查，核对 %d 项，不符 %d 项\n",
	},
}

func printChecks(w io.Writer, book *ledger.Book, checks []ledger.Check, lang string) {
	text := verifyTexts[lang]
	fmt.Fprintf(w, text.book, book.Code, book.Name(lang))
	var compared, differ int64
	for _, c := range checks {
		mark, name := text.same, c.Name
		if c.DiffersAll > 0 {
			mark = text.differs
		}
		if lang == "zh-CN" {
			name = checkNames[c.Code]
		}
		fmt.Fprintf(w, text.line, mark, c.Code, name, c.Compared, c.DiffersAll)
		for _, row := range c.Differs {
			fmt.Fprintf(w, "           %s\n", row)
		}
		if rest := c.DiffersAll - int64(len(c.Differs)); rest > 0 {
			fmt.Fprintf(w, text.more, rest)
		}
		compared, differ = compared+c.Compared, differ+c.DiffersAll
	}
	fmt.Fprintf(w, text.sum, len(checks), compared, differ)
}

// checkNames are the checks in Chinese; in English they name themselves.
var checkNames = map[string]string{
	"balance":         "科目余额等于其分录之和，序号无缺",
	"running":         "每笔分录后的余额等于此前分录之和",
	"turnover":        "每日发生额等于当日分录之和",
	"sum":             "各月、各年的合计等于每日发生额之和",
	"recorded":        "各日入账数的标记等于当日入账的凭证",
	"entry":           "每张凭证在每个基金、每种货币内借贷平衡",
	"lines":           "凭证的分录齐全，分录都有凭证",
	"tags":            "分录的基金和货币与其科目一致",
	"guard":           "受保护的科目没有越过零",
	"interfund":       "基金间应收应付相等，划转合计为零",
	"mirror":          "冲销凭证与原凭证方向相反、金额相等",
	"numbers":         "凭证号连续无缺",
	"agency":          "受托代理资产等于受托代理负债",
	"account":         "科目与其键、货币和保护界限一致",
	"hash":            "凭证内容与记账时相同",
	"gift":            "每笔捐赠都有凭证，每张捐赠凭证都有捐赠",
	"gift-names":      "捐赠所属的基金、活动和捐赠人都存在",
	"donor":           "捐赠人的信息由已知密钥加密，删除后没有留下内容",
	"gift-amount":     "捐赠全额、一次记入其基金和活动",
	"gift-id":         "捐赠的编号、时间与记账时相同",
	"gift-day":        "捐赠记在付款当日；该月已结账的记在以后",
	"gift-units":      "外币捐赠按原币数量足额保留",
	"campaign":        "活动显示的笔数和金额等于逐笔捐赠之和",
	"campaign-refund": "活动显示的退款等于逐笔退款之和",
	"fee-kept":        "各笔捐赠的手续费等于支付机构从各基金扣下的金额",
	"fee-cost":        "各笔捐赠的手续费等于承担基金的筹资费用",
	"refund":          "每笔退款都有凭证，金额一致",
	"refunded":        "退款不超过捐赠",
	"receipt-number":  "票据号码按顺序使用，没有空号",
	"receipt-sum":     "票据金额等于其捐赠之和",
	"receipt-once":    "没有一笔捐赠在两张有效票据上",
	"receipt-gift":    "票据对应的捐赠都在，基金一致，金额不超过捐赠",
	"receipt-goods":   "实物捐赠票据与其物品同属一个基金，每个角色只有一张有效",
	"checkout":        "发起并已支付的捐赠都已入账，内容与发起时一致",
	"step":            "线下记录的每一步都有凭证，这些凭证都有记录",
	"bank-receipt":    "待查来款等于其负债科目余额",
	"cash-count":      "复点过的现金都是捐赠，金额等于收据合计",
	"lot":             "实物捐赠等于存货、跌价准备和未计价备查",
	"pledge":          "认捐未到部分等于备查科目",
	"contract":        "合同与账户相符",
	"contract-source": "合同各来源合计相符",
	"call":            "征集与资金来源、评分项相符", "call-award": "中选金额与预算明细、项目相符", "call-score": "每份打分出自评审、在评分项之内",
	"letter":          "街道配套函与账户相符",
	"payment-transit": "在途付款与账户相符",
	"trace-line":      "钱的去向各线与基金收付相符", "trace-piece": "钱的去向各段不重不漏",
	"recon-once":      "账单行和本方记录都没有重复匹配，已匹配的不再待匹配",
	"recon-amount":    "匹配的账单行与本方金额一致，差额另有一行",
	"poll-rule":       "投票与公布的一致",
	"poll-count":      "投票结果与选票一致",
	"letter-claim":    "配套函与请款单、到账相符",
	"letter-raised":   "配套函计入的捐赠与分录相符",
	"bidder":          "竞买保证金等于其负债科目余额",
	"platform-gift":   "平台名单各行与捐赠逐笔相符",
	"platform-owed":   "各基金应收平台待结算等于其科目余额",
	"platform-match":  "已赢得未到账的配捐等于备查科目",
	"platform-paid":   "平台结算都有凭证，到账配捐都是捐赠",
	"platform-earned": "已确认未到账的配捐等于应收配捐科目",
	"match-award":     "配捐记录的捐赠、项目和凭证都在，序号无缺",
	"match-pool":      "配捐科目等于配捐记录、处理和支付的结果",
	"match-reserved":  "自有资金的配捐在其基金中留足",
	"match-paid":      "已付和追回的配捐等于各项目的科目",
	"match-hour":      "按小时累计的捐赠，等于配捐记录和捐赠算出的结果",
	"match-earned":    "按配捐池累计的赢得和退回，等于配捐记录和处理步骤算出的结果",
	"match-missed":    "活动停配期间没有计算的捐赠，都有两人签字确认",
	"match-replay":    "按规则和种子重算，每笔捐赠的配捐都一样",
	"match-count":     "配捐计数等于重算的结果",
	"platform-kept":   "平台名单存下的配捐，等于名单各笔捐赠的配捐之和",
	"platform-frozen": "冻结的配捐等于占用备查科目",
	"platform-undone": "撤销的平台结算都已冲销",
	"deposit":         "缴存金额等于其点钞单之和，在途金额等于其科目余额",
}
