package main

import (
	"fmt"
	"io"
	"os"

	"sunfund/ledger/money"
	"sunfund/ledger/projects/votes"
)

// verifyVoteCmd counts a published vote again. It needs no database: anybody can run it.
type verifyVoteCmd struct {
	File string `arg:"" placeholder:"FILE" help:"The ballots without names, as the page of the result hands them out (pabulib.org's format)."`
	Lang string `env:"LANG" default:"en" help:"Language of the report: zh-CN or en."`
}

func (c *verifyVoteCmd) Run(term terminal) error {
	file, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("verify vote: %w", err)
	}
	defer file.Close()
	e, err := votes.ReadPabulib(file)
	if err != nil {
		return fmt.Errorf("verify vote: %w", err)
	}
	r, err := e.Count()
	if err != nil {
		return fmt.Errorf("verify vote: %w", err)
	}
	printVote(term.out, e, r, language(c.Lang))
	return nil
}

// voteText is what the report says; states are those of a project's outcome.
type voteText struct {
	head, line string
	states     map[string]string
}

var voteTexts = map[string]voteText{
	"en": {"%s\n%d ballots, %d projects chosen for %s of %s %s\n", "  %-10s %s  %s %s; %d votes of %d voters\n",
		map[string]string{votes.Won: "chosen", votes.Filled: "filled", votes.NoVotes: "no votes", votes.DoesNotFit: "too dear", votes.NotAfforded: "not paid"}},
	"zh-CN": {"%s\n%d 张选票，选出 %d 个项目，共 %s，预算 %s %s\n", "  %s %s  %s %s；%d 票，%d 人\n",
		map[string]string{votes.Won: "入选", votes.Filled: "补选", votes.NoVotes: "没有票", votes.DoesNotFit: "余额不够", votes.NotAfforded: "份额不够"}},
}

func printVote(w io.Writer, e *votes.Election, r *votes.Result, lang string) {
	text := voteTexts[lang]
	f := func(minor int64) string { return money.Format(minor, e.Currency) }
	fmt.Fprintf(w, text.head, e.Title, r.Ballots, len(r.Winners()), f(r.Cost), f(e.Budget), e.Currency)
	for i, o := range r.Outcomes {
		fmt.Fprintf(w, text.line, text.states[o.State], e.Options[i].ID, f(e.Options[i].Cost), e.Options[i].Name, o.Votes, o.Voters)
	}
}
