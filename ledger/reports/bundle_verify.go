package reports

import (
	"archive/zip"
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// ErrNotBundle means that a file is no auditor's bundle, or one of a later format.
var ErrNotBundle = errors.New("not a bundle that this program reads")

// bundleDiffsKept is how many differences of a bundle are told.
const bundleDiffsKept = 50

// BundleCheck is what was found in a bundle.
type BundleCheck struct {
	Info     BundleInfo
	Root     string          // SHA-256 of SHA256SUMS, to be compared with what the association told by another way
	Papers   map[string]bool // SHA-256 of the papers beside the records
	Files    int
	Compared int64
	Differs  []BundleDiff
	All      int // differences, those that are not told as well
}

// BundleDiff is one thing that does not agree.
type BundleDiff struct{ File, ZH, EN string }

// Text is the difference in words, in lang.
func (d BundleDiff) Text(lang string) string {
	if lang == "en" {
		return d.File + ": " + d.EN
	}
	return d.File + "：" + d.ZH
}

// checker adds a bundle up again.
type checker struct {
	*BundleCheck
	zip      *zip.Reader
	accounts map[string]*bundleAccount // by number
	names    map[string]*bundleAccount
	entries  map[uuid.UUID]bundleEntry
	postings int64
	made     statementMaker
}

type bundleAccount struct {
	name, chart, fund, currency, nature string
	number, fundID                      int32
	balance, sum, journal               int64
	moved                               []ledger.Turnover // between the days that statements are made from
}

// bundleEntry is what the postings of an entry are held to.
type bundleEntry struct {
	kind  ledger.Kind
	lines int
	sum   [sha256.Size]byte // of its lines
	told  bool
}

func (c *checker) differ(file, zh, en string) {
	if c.All++; len(c.Differs) < bundleDiffsKept {
		c.Differs = append(c.Differs, BundleDiff{file, zh, en})
	}
}

// VerifyBundle checks a bundle by itself: that no file was changed, left out or added; that every entry has its hash and follows the one before it in the
// chain; that it balances in each fund and currency; that postings, accounts, trial balance and journal tell the same balances; that every figure of
// every statement is what the postings add up to by the bundle's own forms; that what was approved was approved by somebody else, as it was read.
// Its memory grows with the entries, some hundred bytes each, not with their postings. ErrNotBundle.
func VerifyBundle(r io.ReaderAt, size int64) (*BundleCheck, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotBundle, err)
	}
	c := &checker{BundleCheck: &BundleCheck{Papers: map[string]bool{}}, zip: z, accounts: map[string]*bundleAccount{}, names: map[string]*bundleAccount{}, entries: map[uuid.UUID]bundleEntry{}}
	if err := c.read(BundleAbout, func(r io.Reader) error { return json.NewDecoder(r).Decode(&c.Info) }); err != nil || c.Info.Format != bundleFormat {
		return nil, ErrNotBundle
	}
	for _, step := range []func() error{c.files, c.readForms, c.readAccounts, c.readEntries, c.readPostings, c.readTrial, c.readStatements, c.readJournal, c.readApprovals, c.readPapers} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("verify bundle: %w", err)
		}
	}
	return c.BundleCheck, nil
}

var errNoFile = errors.New("missing")

func (c *checker) read(name string, of func(io.Reader) error) error {
	f, err := c.zip.Open(name)
	if err != nil {
		return errNoFile
	}
	defer f.Close()
	return of(f)
}

// files holds every file to its hash.
func (c *checker) files() error {
	want := map[string]string{}
	err := c.read(BundleSums, func(r io.Reader) error {
		sum := sha256.New()
		lines := bufio.NewScanner(io.TeeReader(r, sum))
		for lines.Scan() {
			hash, name, ok := strings.Cut(lines.Text(), "  ")
			if ok {
				want[name] = hash
			}
		}
		c.Root = hex.EncodeToString(sum.Sum(nil))
		return lines.Err()
	})
	if errors.Is(err, errNoFile) {
		c.differ(BundleSums, "缺这个文件", "is missing")
		return nil
	}
	if err != nil {
		c.differ(BundleSums, "读不了", "cannot be read")
	}
	for _, f := range c.zip.File {
		if f.Name == BundleSums || strings.HasSuffix(f.Name, "/") { // folders of one that was packed again
			continue
		}
		c.Files++
		sum := sha256.New()
		if err := c.read(f.Name, func(r io.Reader) error { _, err := io.Copy(sum, r); return err }); err != nil {
			c.differ(f.Name, "读不了："+err.Error(), "cannot be read: "+err.Error())
		}
		switch hash, listed := want[f.Name]; {
		case !listed:
			c.differ(f.Name, "不在 SHA256SUMS 里", "does not stand in SHA256SUMS")
		case hash != hex.EncodeToString(sum.Sum(nil)):
			c.differ(f.Name, "内容被改过：哈希不符", "was changed: its hash is another")
		}
		delete(want, f.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		c.differ(name, "缺这个文件", "is missing")
	}
	return nil
}

// bundleRow is a row of a CSV. A column that is not there is empty.
type bundleRow struct {
	at     map[string]int
	fields []string
}

func (r bundleRow) of(head string) string {
	if i, there := r.at[head]; there {
		return r.fields[i]
	}
	return ""
}

// rows reads a CSV of the bundle, its heads first; of is given each row, for the time of the call. A file that cannot be read is a difference, not an error.
func (c *checker) rows(name string, of func(row bundleRow)) {
	err := c.read(name, func(r io.Reader) error {
		all := csv.NewReader(r)
		all.ReuseRecord = true
		heads, err := all.Read()
		if err != nil {
			return err
		}
		row := bundleRow{at: make(map[string]int, len(heads))}
		for i, head := range heads {
			row.at[head] = i
		}
		for {
			if row.fields, err = all.Read(); errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			c.Compared++
			of(row)
		}
	})
	if err != nil {
		c.differ(name, "读不了："+err.Error(), "cannot be read: "+err.Error())
	}
}

func (c *checker) amount(file, text, currency string) int64 {
	minor, err := money.Parse(text, currency)
	if err != nil {
		c.differ(file, "金额读不了："+text, "no amount: "+text)
	}
	return minor
}

func (c *checker) readAccounts() error {
	c.rows(BundleAccounts, func(row bundleRow) {
		a := &bundleAccount{name: row.of("name"), chart: row.of("chart"), fund: row.of("fund"), currency: row.of("currency"), nature: row.of("nature"), number: small(row.of("account")), fundID: small(row.of("fund")),
			moved: make([]ledger.Turnover, len(c.made.days))}
		a.balance = c.amount(BundleAccounts, row.of("balance"), a.currency)
		if _, known := chart.ByID(chart.ID(a.chart)); !known {
			c.differ(BundleAccounts, "不认识的科目 "+a.chart, "no such account in the chart: "+a.chart)
		}
		c.accounts[row.of("account")], c.names[a.name] = a, a
	})
	return nil
}

func small(text string) int32 {
	n, _ := strconv.ParseInt(text, 10, 32) // what is no number is no fund and no account
	return int32(n)
}

// readEntries holds every entry to its hash and to the chain.
func (c *checker) readEntries() error {
	chain := ""
	c.rows(BundleEntries, func(row bundleRow) {
		name := row.of("entry")
		id, err := uuid.Parse(name)
		if err != nil || len(row.fields) < entryHashed {
			c.differ(BundleEntries, "编号读不了："+name, "no id: "+name)
			return
		}
		if _, twice := c.entries[id]; twice {
			c.differ(BundleEntries, "凭证 "+name+" 有两张", "entry "+name+" stands there twice")
		}
		if hash := hexSum(csvText(row.fields[:entryHashed])); hash != row.of("sha256") {
			c.differ(BundleEntries, "凭证 "+name+" 被改过：哈希不符", "entry "+name+" was changed: its hash is another")
		}
		if chained(chain, row.of("sha256")) != row.of("chain") {
			c.differ(BundleEntries, "链在凭证 "+name+" 处断开：它前面的凭证被改过、少了或多了", "the chain breaks at entry "+name+": one before it was changed, dropped or added")
		}
		chain = row.of("chain")
		e := bundleEntry{lines: int(small(row.of("lines")))}
		e.kind, _ = ledger.KindByCode(row.of("kind"))
		if sum, err := hex.DecodeString(row.of("lines_sha256")); err == nil {
			copy(e.sum[:], sum)
		}
		c.entries[id] = e
	})
	if n := int64(len(c.entries)); n != c.Info.Entries {
		c.differ(BundleEntries, fmt.Sprintf("有 %d 张凭证，about.json 说有 %d 张", n, c.Info.Entries), fmt.Sprintf("has %d entries, about.json says %d", n, c.Info.Entries))
	}
	if chain != c.Info.Chain {
		c.differ(BundleEntries, "最后一张凭证的链与 about.json 所说的不同", "the chain of the last entry is not the one that about.json tells")
	}
	return nil
}

// readPostings adds the postings up by entry, and by account. An entry's lines stand together.
func (c *checker) readPostings() error {
	type side struct{ fund, currency, memo string }
	entry := ""
	var lines [][]string
	var parts []directPart
	sums := map[side]int64{}
	var day time.Time
	end := func() {
		if entry == "" {
			return
		}
		for _, s := range slices.SortedFunc(maps.Keys(sums), func(a, b side) int { return strings.Compare(a.fund+a.currency+a.memo, b.fund+b.currency+b.memo) }) {
			if sums[s] != 0 {
				c.differ(BundlePostings, "凭证 "+entry+" 在基金 "+s.fund+" 内借贷相差 "+money.Format(sums[s], s.currency), "entry "+entry+" differs by "+money.Format(sums[s], s.currency)+" in fund "+s.fund)
			}
		}
		id, _ := uuid.Parse(entry)
		switch want, ok := c.entries[id]; {
		case !ok:
			c.differ(BundlePostings, "凭证 "+entry+" 不在 entries.csv 里", "entry "+entry+" does not stand in entries.csv")
		case want.told:
			c.differ(BundlePostings, "凭证 "+entry+" 的分录不在一处", "lines of entry "+entry+" do not stand together")
		case want.lines != len(lines):
			c.differ(BundlePostings, fmt.Sprintf("凭证 %s 应有 %d 行", entry, want.lines), fmt.Sprintf("entry %s should have %d lines", entry, want.lines))
		case want.sum != sha256.Sum256(csvText(lines...)):
			c.differ(BundlePostings, "凭证 "+entry+" 的分录被改过：哈希不符", "lines of entry "+entry+" were changed: their hash is another")
		}
		if want, ok := c.entries[id]; ok {
			want.told = true
			c.entries[id] = want
			c.made.direct(id, want.kind, day, parts)
		}
		lines, parts = lines[:0], parts[:0]
		clear(sums)
	}
	c.rows(BundlePostings, func(row bundleRow) {
		if row.of("entry") != entry {
			end()
			entry = row.of("entry")
		}
		c.postings++
		lines = append(lines, slices.Clone(row.fields))
		amount := c.amount(BundlePostings, row.of("amount"), row.of("currency"))
		sums[side{row.of("fund"), row.of("currency"), row.of("memo")}] += amount
		day, _ = time.Parse(time.DateOnly, row.of("day")) // a day that cannot be read differs by its hash
		a := c.accounts[row.of("account")]
		if a == nil || a.fund != row.of("fund") || a.currency != row.of("currency") {
			c.differ(BundlePostings, "凭证 "+entry+" 的科目不在 accounts.csv 里", "an account of entry "+entry+" does not stand in accounts.csv")
			return
		}
		a.sum += amount
		c.made.moved(a, day, amount)
		parts = append(parts, directPart{a, amount})
	})
	end()
	for _, id := range slices.SortedFunc(maps.Keys(c.entries), func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) }) {
		if !c.entries[id].told {
			c.differ(BundlePostings, "凭证 "+id.String()+" 没有分录", "entry "+id.String()+" has no lines")
		}
	}
	if c.postings != c.Info.Position {
		c.differ(BundlePostings, fmt.Sprintf("有 %d 行，about.json 说有 %d 行", c.postings, c.Info.Position), fmt.Sprintf("has %d lines, about.json says %d", c.postings, c.Info.Position))
	}
	for _, number := range slices.Sorted(maps.Keys(c.accounts)) {
		if a := c.accounts[number]; a.sum != a.balance {
			c.differ(BundleAccounts, a.name+" 余额 "+money.Format(a.balance, a.currency)+"，分录合计 "+money.Format(a.sum, a.currency), a.name+" stands at "+money.Format(a.balance, a.currency)+", its postings add up to "+money.Format(a.sum, a.currency))
		}
	}
	return nil
}

// readTrial holds the closing balances to the accounts.
func (c *checker) readTrial() error {
	sums := map[[3]string]int64{}
	for _, a := range c.accounts {
		sums[[3]string{a.chart, a.fund, a.currency}] += a.balance
	}
	c.rows(BundleTrial, func(row bundleRow) {
		key := [3]string{row.of("chart"), row.of("fund"), row.of("currency")}
		f := func(name string) int64 { return c.amount(BundleTrial, row.of(name), row.of("currency")) }
		closing := f("closing")
		if closing != sums[key] || f("opening")+f("debit")-f("credit") != closing {
			c.differ(BundleTrial, row.of("code")+" 基金 "+row.of("fund")+" 的期末余额与分录不符", row.of("code")+" of fund "+row.of("fund")+" does not close as its postings do")
		}
		delete(sums, key)
	})
	for key, sum := range sums {
		if sum != 0 {
			c.differ(BundleTrial, "缺 "+key[0]+" 基金 "+key[1], "lacks "+key[0]+" of fund "+key[1])
		}
	}
	return nil
}

// readJournal adds the journal's postings up: lines that are set in and no comment.
func (c *checker) readJournal() error {
	err := c.read(BundleJournal, func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			text, in := strings.CutPrefix(lines.Text(), "    ")
			if !in || strings.HasPrefix(text, ";") {
				continue
			}
			name, rest, _ := strings.Cut(text, "  ")
			number, currency, _ := strings.Cut(rest, " ")
			a := c.names[name]
			if a == nil {
				c.differ(BundleJournal, "科目 "+name+" 不在 accounts.csv 里", "account "+name+" does not stand in accounts.csv")
				continue
			}
			c.Compared++
			a.journal += c.amount(BundleJournal, number, currency)
		}
		return lines.Err()
	})
	if err != nil {
		c.differ(BundleJournal, "读不了："+err.Error(), "cannot be read: "+err.Error())
	}
	for _, name := range slices.Sorted(maps.Keys(c.names)) {
		if a := c.names[name]; a.journal != a.balance {
			c.differ(BundleJournal, name+" 合计 "+money.Format(a.journal, a.currency)+"，余额 "+money.Format(a.balance, a.currency), name+" adds up to "+money.Format(a.journal, a.currency)+", the balance is "+money.Format(a.balance, a.currency))
		}
	}
	return nil
}

// readApprovals: what was approved was agreed to by enough others, on the very hash.
func (c *checker) readApprovals() error {
	type request struct {
		maker, hash, state string
		needed             int
		version, entry     string
	}
	all := map[string]*request{}
	c.rows(BundleApprovals, func(row bundleRow) {
		needed, err := strconv.Atoi(row.of("needed"))
		if err != nil || needed < 1 {
			c.differ(BundleApprovals, "申请 "+row.of("request")+" 需要几人同意读不了", "how many request "+row.of("request")+" needs cannot be read")
		}
		all[row.of("request")] = &request{row.of("made_by"), row.of("hash"), row.of("state"), needed, row.of("version"), row.of("entry")}
		id, _ := uuid.Parse(row.of("entry"))
		if _, ok := c.entries[id]; row.of("entry") != "" && !ok {
			c.differ(BundleApprovals, "申请 "+row.of("request")+" 的凭证不在 entries.csv 里", "the entry of request "+row.of("request")+" does not stand in entries.csv")
		}
	})
	agreed := map[string]map[string]bool{} // people, by request
	c.rows(BundleDecisions, func(row bundleRow) {
		r := all[row.of("request")]
		switch {
		case r == nil:
			c.differ(BundleDecisions, "没有申请 "+row.of("request"), "there is no request "+row.of("request"))
		case row.of("person") == r.maker && row.of("verdict") == "approve":
			c.differ(BundleDecisions, "申请 "+row.of("request")+" 由提交人自己同意", "request "+row.of("request")+" was approved by its maker")
		case row.of("verdict") == "approve" && row.of("version") == r.version && row.of("hash") == r.hash:
			if agreed[row.of("request")] == nil {
				agreed[row.of("request")] = map[string]bool{}
			}
			agreed[row.of("request")][row.of("person")] = true
		}
	})
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if r, n := all[id], len(agreed[id]); r.state == "approved" && n < r.needed {
			c.differ(BundleApprovals, fmt.Sprintf("申请 %s 已通过，但只有 %d 人同意，需要 %d 人", id, n, r.needed), fmt.Sprintf("request %s was approved by %d people, %d were needed", id, n, r.needed))
		}
	}
	return nil
}

func (c *checker) readPapers() error {
	c.rows(BundlePapers, func(row bundleRow) { c.Papers[row.of("sha256")] = true })
	return nil
}
