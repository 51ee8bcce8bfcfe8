package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sunfund/ledger/projects/votes"
)

// A published vote is counted again without any database; a file that is no vote exits 1 and says where.
func TestVerifyVote(t *testing.T) {
	t.Parallel()
	e := votes.Election{Title: "今年做什么", Currency: "CNY", Budget: 1000_00, Rule: votes.Rule{Ballot: votes.Approval, Least: 1, Method: votes.Greedy, Ties: []string{votes.LowerCost, votes.MoreVotes}},
		Options: []votes.Option{{ID: "1", Name: "楼道扶手", Cost: 900_00}, {ID: "2", Name: "凉亭", Cost: 200_00}, {ID: "3", Name: "晾衣架", Cost: 100_00}},
		Ballots: []votes.Ballot{{{Option: 0, Points: 1}, {Option: 1, Points: 1}}, {{Option: 0, Points: 1}}}}
	var file bytes.Buffer
	if err := e.WritePabulib(&file); err != nil {
		t.Fatal(err)
	}
	good, bad := filepath.Join(t.TempDir(), "vote.pb"), filepath.Join(t.TempDir(), "bad.pb")
	for path, text := range map[string]string{good: file.String(), bad: "META\nkey;value\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for lang, texts := range map[string][]string{
		"zh-CN": {"今年做什么", "2 张选票，选出 1 个项目，共 900.00", "入选 1  900.00 楼道扶手；2 票，2 人", "余额不够 2", "没有票 3"},
		"en":    {"2 ballots, 1 projects chosen for 900.00 of 1000.00 CNY", "chosen", "too dear", "no votes"},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), []string{"verify", "vote", "--lang", lang, good}, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if !strings.Contains(out.String(), text) {
				t.Errorf("%s lacks %q:\n%s", lang, text, out.String())
			}
		}
	}
	err := run(t.Context(), []string{"verify", "vote", bad}, io.Discard, io.Discard)
	if code := exitCode(err, io.Discard); code != 1 {
		t.Errorf("exit %d, %v", code, err)
	}
}
