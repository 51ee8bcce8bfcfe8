package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"sunfund/ledger/giving/match"
	"sunfund/ledger/money"
)

// errMatchDiffers makes the command exit 1.
var errMatchDiffers = errors.New("the match differs from what the rule gives")

// verifyMatchCmd recomputes a published match. It needs no database: anybody can run it.
type verifyMatchCmd struct {
	Rule       []string `required:"" placeholder:"FILE" help:"The published rule (JSON); once for each version that was in force."`
	Gifts      string   `required:"" placeholder:"FILE" help:"The published replay file (JSON lines): seed, gifts without names, and what each was matched with."`
	Commitment string   `placeholder:"HEX" help:"What was published before opening; the seed must be the one that was promised by it."`
	Words      bool     `help:"Say the rule in plain words too."`
	Lang       string   `env:"LANG" default:"en" help:"Language of the report: zh-CN or en."`
}

func (c *verifyMatchCmd) Run(term terminal) error {
	lang := language(c.Lang)
	verified, err := c.verify(term.out, lang)
	var terms *match.TermsError
	var replay *match.ReplayError
	switch {
	case errors.As(err, &terms):
		for _, wrong := range terms.List {
			fmt.Fprintln(term.err, wrong.Text(lang))
		}
	case errors.As(err, &replay):
		fmt.Fprintf(term.err, "%s: %s\n", c.Gifts, replay.Text(lang))
	case err == nil && !verified:
		err = errMatchDiffers
	}
	if err != nil {
		return fmt.Errorf("verify match: %w", err)
	}
	return nil
}

func (c *verifyMatchCmd) verify(w io.Writer, lang string) (clean bool, err error) {
	var rules []*match.Rule
	for _, path := range c.Rule {
		written, err := readAtMost(path, match.SizeMax+1)
		if err != nil {
			return false, err
		}
		rule, err := match.Parse(written)
		if err != nil {
			return false, fmt.Errorf("%s: %w", path, err)
		}
		rules = append(rules, rule)
	}
	gifts, err := os.Open(c.Gifts)
	if err != nil {
		return false, err
	}
	defer gifts.Close()
	v, err := match.Verify(rules, gifts)
	if err != nil {
		return false, err
	}
	promised := v.Promised && (c.Commitment == "" || strings.EqualFold(c.Commitment, v.Commitment))
	for _, rule := range rules {
		fmt.Fprintf(w, matchTexts[lang].rule, rule.Hash())
		if c.Words {
			for _, p := range rule.Words(lang, nil) {
				fmt.Fprintf(w, "%s\n  %s\n", p.Title, strings.Join(p.Lines, "\n  "))
			}
		}
	}
	printMatch(w, rules[0].Terms().Currency, v, promised, lang)
	return promised && v.Clean(), nil
}

// readAtMost reads a file whole, as far as a limit of bytes.
func readAtMost(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// matchText is what the report of a recomputed match says.
type matchText struct{ rule, seed, otherSeed, sums, equal, differ, line, refusal, more, nothing, held string }

var matchTexts = map[string]matchText{
	"en": {
		rule: "Rule %s\n", seed: "same     the seed is the one promised by %s\n", otherSeed: "DIFFERS  the seed is not the one that was promised: the file names %s\n",
		sums:  "         %d gifts of %s; %d matched with %s, %d of these held; %s taken back\n",
		equal: "same     every gift has what the rule gives\n", differ: "DIFFERS  %d lines say something else than the rule\n",
		line: "         line %d, gift %s: stands %s; by the rule %s. %s\n", refusal: "         line %d, gift %s: its match was refused and had not been held\n",
		more: "         and %d more\n", nothing: "nothing", held: " (held)",
	},
	"zh-CN": {
		rule: "规则 %s\n", seed: "相符  种子正是事先承诺的：%s\n", otherSeed: "不符  种子不是事先承诺的那个；文件写明的承诺值是 %s\n",
		sums:  "      捐赠 %d 笔，%s；其中 %d 笔得到配捐，%s，暂扣 %d 笔；收回 %s\n",
		equal: "相符  每笔捐赠得到的正是规则给的\n", differ: "不符  有 %d 行与规则不一致\n",
		line: "      第 %d 行，捐赠 %s：文件写 %s；按规则是 %s。%s\n", refusal: "      第 %d 行，捐赠 %s：它的配捐没有暂扣，却被取消\n",
		more: "      另有 %d 行\n", nothing: "没有", held: "（暂扣）",
	},
}

func printMatch(w io.Writer, currency string, v *match.Verified, promised bool, lang string) {
	text := matchTexts[lang]
	amount := func(minor int64) string { return currency + " " + money.Format(minor, currency) }
	said := func(parts []match.Part, held bool) string {
		if len(parts) == 0 {
			return text.nothing
		}
		var each []string
		for _, p := range parts {
			each = append(each, strings.TrimSuffix(p.Pool+"/"+p.Slice, "/")+" "+money.Format(p.Amount, currency))
		}
		if held {
			each[len(each)-1] += text.held
		}
		return strings.Join(each, " + ")
	}
	fmt.Fprintf(w, text.sums, v.Gifts, amount(v.Given), v.Matched, amount(v.Match), v.Held, amount(v.Fallen))
	if promised {
		fmt.Fprintf(w, text.seed, v.Commitment)
	} else {
		fmt.Fprintf(w, text.otherSeed, v.Commitment)
	}
	if v.Differs == 0 {
		fmt.Fprint(w, text.equal)
		return
	}
	fmt.Fprintf(w, text.differ, v.Differs)
	for _, d := range v.Differences {
		if d.Unheld {
			fmt.Fprintf(w, text.refusal, d.Line, d.Gift)
			continue
		}
		var why []string
		for _, reason := range d.Reasons {
			why = append(why, reason.Text(lang))
		}
		fmt.Fprintf(w, text.line, d.Line, d.Gift, said(d.Stands, d.StoodHeld), said(d.Wanted, d.HeldNow), strings.Join(why, " "))
	}
	if rest := v.Differs - len(v.Differences); rest > 0 {
		fmt.Fprintf(w, text.more, rest)
	}
}
