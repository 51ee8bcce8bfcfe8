package reports

// bundleReadme says how to check a bundle without any program of ours. It is given the association's two names.
const bundleReadme = `%s · 审计包
%s · auditor's bundle

本包是一本账在某一刻的全部内容。经手人、审批人只有编号，没有捐赠人姓名；摘要、依据和理由是经手人写的原话，可能提到人，请按会计档案保管。
金额以元为单位，借方为正，贷方为负。
This is a whole book at one moment. Makers and approvers are told by their ids, donors are not named; summaries, sources and reasons are what people typed and
may mention somebody: keep the bundle as you keep accounting records. Amounts are decimals, debit positive.

文件 · files
  about.json          哪一本账、记到哪里          which book, and how far it had come
  funds.csv           基金                        funds
  accounts.csv        末级科目及余额              accounts and their balances
  entries.csv         凭证，每张有哈希，前后成链  entries in the order of booking, each with its hash, in a chain
  postings.csv        分录                        postings
  trial-balance.csv   科目余额表（最后一年）      trial balance of the last year
  approvals.csv       审批申请及其内容的哈希      requests and the hash of what was approved
  decisions.csv       谁在何时同意或退回          who approved or rejected, and when
  papers.csv          附件的 SHA-256              hashes of the papers beside the records
  statements/         每年的报表，2026 与 2004 两套 statements of each year, under the rules of 2026 and of 2004
  statements/forms/   报表每行由哪些科目组成      which accounts stand in which line
  book.journal        全部凭证，hledger 格式      every entry, as an hledger journal
  SHA256SUMS          以上各文件的 SHA-256        hashes of the files above

不用本系统的程序就能核对 · how to check it without this program
  1. 文件没有被改过 · no file was changed
       sha256sum -c SHA256SUMS
     再把 SHA256SUMS 自己的哈希与慈善会另行告诉您的比较。
     Then compare the hash of SHA256SUMS itself with the one that the association told you by another way:
       sha256sum SHA256SUMS
  2. 每张凭证在每个基金、每种货币内借贷相等 · every entry balances in each fund and currency (prints nothing)
       awk -F, 'NR>1 {k=$1" "$5" "$6" "$7; s[k]+=$8*100} END {for (k in s) if (s[k]>0.5 || s[k]<-0.5) print k, s[k]}' postings.csv
  3. 分录加起来等于科目余额 · postings add up to the balances of the accounts
       awk -F, 'NR>1 {s[$4]+=$8} END {for (k in s) printf "%%s %%.2f\n", k, s[k]}' postings.csv | sort -n
  4. 一张凭证的哈希：先是它的分录，再是它自己 · the hashes of one entry: of its lines (lines_sha256), then of itself (sha256)
       E=…   # 凭证编号 its id
       grep "^$E," postings.csv | sha256sum
       grep "^$E," entries.csv | sed 's/,[^,]*,[^,]*$//' | sha256sum
  5. 链没有断：凭证改、减、增都会断 · the chain holds: to change, drop or add an entry breaks it (prints nothing)
       tail -n +2 entries.csv | sed 's/.*,\([^,]*\),\([^,]*\)$/\1 \2/' | while read h c; do
         p=$(printf '%%s%%s' "$p" "$h" | sha256sum | cut -c1-64); [ "$p" = "$c" ] || echo "$h"; done
     早先的审计包 about.json 里的 chain，应当在本包的 entries.csv 里：那以前的凭证一张也没有变。
     The chain in about.json of an earlier bundle stands in entries.csv of this one: nothing before it has changed.
       grep -c "$CHAIN" entries.csv
  6. 另一个程序读出同样的余额和报表 · another program finds the same balances and statements (hledger.org)
       hledger -f book.journal check --strict
       hledger -f book.journal balance --flat -E
       hledger -f book.journal balancesheet -e 2027-01-01 not:Memo
  7. 附件：对原件求 SHA-256，与 papers.csv 比较 · papers: hash the file at hand and look for it in papers.csv

也可以用本系统的程序核对以上各项 · or have this program do all of it, without a database:
       sunfund verify --bundle FILE.zip --root HASH --papers FOLDER
`
