// Package chart is the chart of accounts as data: stable ids, their codes in each regime, names in both languages,
// and what the book must know of an account (side, class, guard, liquidity). Balances are elsewhere.
package chart

import (
	"fmt"
	"slices"
	"strings"
)

// ID names a leaf account for ever; codes and names may differ by regime and year, the id does not.
type ID string

// Type says on which statement an account stands.
type Type string

const (
	Asset       Type = "asset"
	Liability   Type = "liability"
	NetAssets   Type = "net_assets"
	Income      Type = "income"
	Expense     Type = "expense"
	Internal    Type = "internal" // between funds of one book; adds up to nothing over the book
	MemoAccount Type = "memo"     // 备查: commitments and counts, never in statutory statements
)

// Side is the normal side of an account. Its value is the sign of a normal balance, debit positive.
type Side int8

const (
	Debit  Side = 1
	Credit Side = -1
)

// Class is the 限定性 mark of income, expense and net assets. Other accounts take it from their fund.
type Class string

const (
	ClassNone    Class = ""
	Unrestricted Class = "unrestricted"
	Restricted   Class = "restricted"
)

// Guard says which way a balance may not cross zero.
type Guard uint8

const (
	GuardNone    Guard = iota
	GuardFloor         // a debit balance that may not become a credit balance: cash boxes, stock, commitments
	GuardCeiling       // a credit balance that may not become a debit balance: restricted net assets, payables
)

// Regimes of codes. CN2026 is 财会〔2024〕25号, CN2004 is 财会〔2004〕7号.
const (
	CN2026 = "cn2026"
	CN2004 = "cn2004"
)

// Account is one leaf of the chart.
type Account struct {
	ID             ID
	Code2026       string
	Code2004       string // shared by several leaves; empty when the 2004 system has none
	NameZH, NameEN string
	Type           Type
	Normal         Side
	Class          Class
	Foreign        bool // may hold a currency other than the book's
	Guard          Guard
	Liquid         int8 // weight of the debit-positive balance in liquid(fund)
	Commit         int8 // weight of the debit-positive balance that is taken off liquid(fund) to give available(fund)
	CashLike       bool // 货币资金 of the balance sheet and cash-flow statement; agency cash is outside
}

// Memo tells the commitment ledger (9xxx) from the financial one.
func (a Account) Memo() bool { return a.Type == MemoAccount }

// Name is Chinese for languages starting with "zh" and English for all others.
func (a Account) Name(lang string) string { return name(lang, a.NameZH, a.NameEN) }

// Code is the account's code in a regime, empty when it has none there.
func (a Account) Code(regime string) string {
	switch regime {
	case CN2026:
		return a.Code2026
	case CN2004:
		return a.Code2004
	}
	return ""
}

func name(lang, zh, en string) string {
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		return zh
	}
	return en
}

// accounts is read-only, in order of the 2026 code.
var accounts = build()

var byID = index(accounts)

func build() []Account {
	all := make([]Account, 0, len(table))
	for _, r := range table {
		a := Account{
			ID: r.id, Code2026: r.code2026, Code2004: r.code2004, NameZH: r.zh, NameEN: r.en,
			Type: r.typ, Normal: r.normal, Class: r.class,
			Foreign: r.has&foreign != 0, CashLike: r.has&cash != 0,
		}
		if r.has&liquid != 0 {
			a.Liquid = 1
		}
		if r.has&commit != 0 {
			a.Commit = 1
		}
		switch {
		case r.has&floor != 0:
			a.Guard = GuardFloor
		case r.has&ceiling != 0:
			a.Guard = GuardCeiling
		}
		all = append(all, a)
	}
	return all
}

func index(all []Account) map[ID]Account {
	m := make(map[ID]Account, len(all))
	for _, a := range all {
		m[a.ID] = a
	}
	return m
}

// All gives every leaf in order of its 2026 code.
func All() []Account { return slices.Clone(accounts) }

// ByID finds a leaf.
func ByID(id ID) (Account, bool) {
	a, ok := byID[id]
	return a, ok
}

// MustByID is for ids written in the program; it panics on an unknown one.
func MustByID(id ID) Account {
	a, ok := byID[id]
	if !ok {
		panic(fmt.Sprintf("chart: unknown account %q", id))
	}
	return a
}

// ByCode gives the leaves that carry a code in a regime: at most one in cn2026, often several in cn2004.
func ByCode(regime, code string) []Account {
	if code == "" {
		return nil
	}
	var found []Account
	for _, a := range accounts {
		if a.Code(regime) == code {
			found = append(found, a)
		}
	}
	return found
}
