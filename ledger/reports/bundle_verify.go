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

	"sunfund/ledger/money"
)

// ErrNotBundle means that a file is no auditor's bundle, or one of a later format.
var ErrNotBundle = errors.New("not a bundle that this program reads")

// bundleDiffsKept is how many differences of a bundle are told.
const bundleDiffsKept = 50

// BundleCheck is what was found in a bundle.
type BundleCheck struct {
	Info     BundleInfo
	Root     string // SHA-256 of SHA256SUMS, to be compared with what the association told by another way
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
	entries  map[string]string // kind, by id
	postings int64
}

type bundleAccount struct {
	name, chart, fund, currency string
	balance, sum, journal       int64
}

func (c *checker) differ(file, zh, en string) {
	if c.All++; len(c.Differs) < bundleDiffsKept {
		c.Differs = append(c.Differs, BundleDiff{file, zh, en})
	}
}

// VerifyBundle checks a bundle by itself: that no file was changed, left out or added; that every entry balances in each fund and currency; that
// postings, accounts, trial balance and journal tell the same balances; that what was approved was approved by somebody else, as it was read.
// ErrNotBundle.
func VerifyBundle(r io.ReaderAt, size int64) (*BundleCheck, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotBundle, err)
	}
	c := &checker{BundleCheck: &BundleCheck{}, zip: z, accounts: map[string]*bundleAccount{}, names: map[string]*bundleAccount{}, entries: map[string]string{}}
	if err := c.read(BundleAbout, func(r io.Reader) error { return json.NewDecoder(r).Decode(&c.Info) }); err != nil || c.Info.Format != bundleFormat {
		return nil, ErrNotBundle
	}
	for _, step := range []func() error{c.files, c.readAccounts, c.readEntries, c.readPostings, c.readTrial, c.readJournal, c.readApprovals} {
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
		if f.Name == BundleSums {
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

// rows reads a CSV of the bundle; of is given each row's fields by their heads. A file that cannot be read is a difference, not an error.
func (c *checker) rows(name string, of func(row map[string]string)) error {
	err := c.read(name, func(r io.Reader) error {
		all := csv.NewReader(r)
		all.ReuseRecord = true
		heads, err := all.Read()
		if err != nil {
			return err
		}
		heads = slices.Clone(heads)
		row := make(map[string]string, len(heads))
		for {
			fields, err := all.Read()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			for i, head := range heads {
				row[head] = strings.Clone(fields[i])
			}
			c.Compared++
			of(row)
		}
	})
	if err != nil {
		c.differ(name, "读不了："+err.Error(), "cannot be read: "+err.Error())
	}
	return nil
}

func (c *checker) amount(file, text, currency string) int64 {
	minor, err := money.Parse(text, currency)
	if err != nil {
		c.differ(file, "金额读不了："+text, "no amount: "+text)
	}
	return minor
}

func (c *checker) readAccounts() error {
	return c.rows(BundleAccounts, func(row map[string]string) {
		a := &bundleAccount{name: row["name"], chart: row["chart"], fund: row["fund"], currency: row["currency"]}
		a.balance = c.amount(BundleAccounts, row["balance"], a.currency)
		c.accounts[row["account"]], c.names[a.name] = a, a
	})
}

func (c *checker) readEntries() error {
	err := c.rows(BundleEntries, func(row map[string]string) { c.entries[row["entry"]] = row["lines"] })
	if n := int64(len(c.entries)); n != c.Info.Entries {
		c.differ(BundleEntries, fmt.Sprintf("有 %d 张凭证，about.json 说有 %d 张", n, c.Info.Entries), fmt.Sprintf("has %d entries, about.json says %d", n, c.Info.Entries))
	}
	return err
}

// readPostings adds the postings up by entry, and by account. An entry's lines stand together.
func (c *checker) readPostings() error {
	type side struct{ fund, currency, memo string }
	entry, lines := "", 0
	sums := map[side]int64{}
	end := func() {
		if entry == "" {
			return
		}
		for _, s := range slices.SortedFunc(maps.Keys(sums), func(a, b side) int { return strings.Compare(a.fund+a.currency+a.memo, b.fund+b.currency+b.memo) }) {
			if sums[s] != 0 {
				c.differ(BundlePostings, "凭证 "+entry+" 在基金 "+s.fund+" 内借贷相差 "+money.Format(sums[s], s.currency), "entry "+entry+" differs by "+money.Format(sums[s], s.currency)+" in fund "+s.fund)
			}
		}
		if want, ok := c.entries[entry]; !ok {
			c.differ(BundlePostings, "凭证 "+entry+" 不在 entries.csv 里", "entry "+entry+" does not stand in entries.csv")
		} else if want != strconv.Itoa(lines) {
			c.differ(BundlePostings, "凭证 "+entry+" 应有 "+want+" 行", "entry "+entry+" should have "+want+" lines")
		}
		lines = 0
		clear(sums)
	}
	err := c.rows(BundlePostings, func(row map[string]string) {
		if row["entry"] != entry {
			end()
			entry = row["entry"]
		}
		c.postings++
		lines++
		amount := c.amount(BundlePostings, row["amount"], row["currency"])
		sums[side{row["fund"], row["currency"], row["memo"]}] += amount
		if a := c.accounts[row["account"]]; a == nil || a.fund != row["fund"] || a.currency != row["currency"] {
			c.differ(BundlePostings, "凭证 "+entry+" 的科目不在 accounts.csv 里", "an account of entry "+entry+" does not stand in accounts.csv")
		} else {
			a.sum += amount
		}
	})
	end()
	if c.postings != c.Info.Position {
		c.differ(BundlePostings, fmt.Sprintf("有 %d 行，about.json 说有 %d 行", c.postings, c.Info.Position), fmt.Sprintf("has %d lines, about.json says %d", c.postings, c.Info.Position))
	}
	for _, number := range slices.Sorted(maps.Keys(c.accounts)) {
		if a := c.accounts[number]; a.sum != a.balance {
			c.differ(BundleAccounts, a.name+" 余额 "+money.Format(a.balance, a.currency)+"，分录合计 "+money.Format(a.sum, a.currency), a.name+" stands at "+money.Format(a.balance, a.currency)+", its postings add up to "+money.Format(a.sum, a.currency))
		}
	}
	return err
}

// readTrial holds the closing balances to the accounts.
func (c *checker) readTrial() error {
	sums := map[[3]string]int64{}
	for _, a := range c.accounts {
		sums[[3]string{a.chart, a.fund, a.currency}] += a.balance
	}
	err := c.rows(BundleTrial, func(row map[string]string) {
		key := [3]string{row["chart"], row["fund"], row["currency"]}
		f := func(name string) int64 { return c.amount(BundleTrial, row[name], row["currency"]) }
		closing := f("closing")
		if closing != sums[key] || f("opening")+f("debit")-f("credit") != closing {
			c.differ(BundleTrial, row["code"]+" 基金 "+row["fund"]+" 的期末余额与分录不符", row["code"]+" of fund "+row["fund"]+" does not close as its postings do")
		}
		delete(sums, key)
	})
	for key, sum := range sums {
		if sum != 0 {
			c.differ(BundleTrial, "缺 "+key[0]+" 基金 "+key[1], "lacks "+key[0]+" of fund "+key[1])
		}
	}
	return err
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
	err := c.rows(BundleApprovals, func(row map[string]string) {
		needed, _ := strconv.Atoi(row["needed"])
		all[row["request"]] = &request{row["made_by"], row["hash"], row["state"], needed, row["version"], row["entry"]}
		if _, ok := c.entries[row["entry"]]; row["entry"] != "" && !ok {
			c.differ(BundleApprovals, "申请 "+row["request"]+" 的凭证不在 entries.csv 里", "the entry of request "+row["request"]+" does not stand in entries.csv")
		}
	})
	if err != nil {
		return err
	}
	agreed := map[string]int{}
	err = c.rows(BundleDecisions, func(row map[string]string) {
		r := all[row["request"]]
		switch {
		case r == nil:
			c.differ(BundleDecisions, "没有申请 "+row["request"], "there is no request "+row["request"])
		case row["person"] == r.maker && row["verdict"] == "approve":
			c.differ(BundleDecisions, "申请 "+row["request"]+" 由提交人自己同意", "request "+row["request"]+" was approved by its maker")
		case row["verdict"] == "approve" && row["version"] == r.version && row["hash"] == r.hash:
			agreed[row["request"]]++
		}
	})
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if r := all[id]; r.state == "approved" && agreed[id] < r.needed {
			c.differ(BundleApprovals, fmt.Sprintf("申请 %s 已通过，但只有 %d 人同意，需要 %d 人", id, agreed[id], r.needed), fmt.Sprintf("request %s was approved by %d people, %d were needed", id, agreed[id], r.needed))
		}
	}
	return err
}
