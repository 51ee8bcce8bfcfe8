package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sunfund/ledger/giving/match"
)

// A published match recomputes to the same without any database; a fen more in one line, another promise or another rule exit 1.
func TestVerifyMatch(t *testing.T) {
	t.Parallel()
	rule, err := match.New(match.Terms{
		Language: match.Language, Currency: "CNY", Zone: "Asia/Shanghai",
		Windows: []match.Window{{Name: "days", From: "2026-09-07T00:00", To: "2026-09-10T00:00"}},
		Pools:   []match.Pool{{Code: "main", Funder: match.Name{ZH: "甲公司", EN: "Company A"}, Amount: "300.00"}},
		Award:   match.Formula{Draw: &match.Draw{Base: "50.00", Wave: "25.00"}},
		Caps:    match.Caps{DonorEvent: match.Limit{Amount: "80.00"}},
		Order:   match.FirstCome, Unspent: match.GiveBack, Refund: match.ToPool, Holds: match.Holds{PerMinute: 5},
	})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	seed := match.Seed{7}
	replay, err := match.NewReplay(&file, rule, seed)
	if err != nil {
		t.Fatal(err)
	}
	state := match.State{}
	for i, donor := range []string{"d1", "d2", "d1", "d3", "d2", "d1", "d4", "d5", "d6", "d7"} {
		g := match.Gift{ID: "gift-" + string(rune('a'+i)), Campaign: "lunch", Donor: donor, Amount: 20_00, Currency: "CNY", Channel: "wechat",
			PaidAt: time.Date(2026, 9, 7, 4, i, 0, 0, time.UTC)}
		a := rule.Decide(state, seed, g)
		state.Apply(a.Changes)
		if err := replay.Gift(rule, g, a.Parts, a.Held); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	terms, gifts := write("rule.json", string(rule.JSON())), write("gifts.jsonl", file.String())
	lines := strings.SplitAfter(file.String(), "\n")
	lines[1] = strings.Replace(lines[1], `"match":[{"pool":"main","amount":"`, `"match":[{"pool":"main","amount":"1`, 1)
	changed := write("changed.jsonl", strings.Join(lines, ""))
	broken := write("broken.jsonl", file.String()+"{")
	other := write("other.json", strings.Replace(string(rule.JSON()), `"300.00"`, `"300.01"`, 1))
	wrong := write("wrong.json", strings.Replace(string(rule.JSON()), `"300.00"`, `"300.001"`, 1))

	for _, c := range []struct {
		name        string
		args        []string
		code        int
		zh, en      []string
		complaint   bool
		zhComplaint string
	}{
		{"equal", []string{"--rule", terms, "--gifts", gifts, "--words"}, 0,
			[]string{rule.Hash().String(), "捐赠 10 笔，CNY 200.00", "相符  种子正是事先承诺的", "相符  每笔捐赠得到的正是规则给的", "每笔随机配 25.00 元到 75.00 元"},
			[]string{"10 gifts of CNY 200.00", "same     every gift has what the rule gives", "A random amount from CNY 25.00 to CNY 75.00"}, false, ""},
		{"as published", []string{"--rule", terms, "--gifts", gifts, "--commitment", strings.ToUpper(seed.Commitment())}, 0, []string{"相符"}, []string{"same"}, false, ""},
		{"another promise", []string{"--rule", terms, "--gifts", gifts, "--commitment", match.Seed{8}.Commitment()}, 1,
			[]string{"不符  种子不是事先承诺的那个"}, []string{"DIFFERS  the seed is not the one that was promised"}, false, ""},
		{"a match changed", []string{"--rule", terms, "--gifts", changed}, 1, []string{"不符  有 1 行与规则不一致", "第 2 行，捐赠 gift-a：文件写 main 1"}, []string{"DIFFERS  1 lines", "line 2, gift gift-a: stands main 1"}, false, ""},
		{"another rule", []string{"--rule", other, "--gifts", gifts}, 1, nil, nil, true, "第 1 行：这个文件属于另一条规则"},
		{"a wrong rule", []string{"--rule", wrong, "--gifts", gifts}, 1, nil, nil, true, "pools[0].amount：请写 CNY 金额"},
		{"a broken file", []string{"--rule", terms, "--gifts", broken}, 1, nil, nil, true, "第 12 行："},
		{"no file", []string{"--rule", terms, "--gifts", filepath.Join(dir, "none")}, 1, nil, nil, false, ""},
		{"no rule", []string{"--gifts", gifts}, 2, nil, nil, false, ""},
	} {
		for lang, texts := range map[string][]string{"zh-CN": c.zh, "en": c.en} {
			var out, complaints bytes.Buffer
			err := run(t.Context(), append([]string{"verify", "match", "--lang", lang}, c.args...), &out, &complaints)
			if code := exitCode(err, io.Discard); code != c.code {
				t.Errorf("%s: exit %d, %v", c.name, code, err)
			}
			for _, text := range texts {
				if !strings.Contains(out.String(), text) {
					t.Errorf("%s, %s: %q is missing in\n%s", c.name, lang, text, out.String())
				}
			}
			if c.complaint != (complaints.Len() > 0) || lang == "zh-CN" && !strings.Contains(complaints.String(), c.zhComplaint) {
				t.Errorf("%s, %s: complains %q", c.name, lang, complaints.String())
			}
		}
	}
}
