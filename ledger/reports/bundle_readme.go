package reports

// bundleReadme says how to check a bundle without any program of ours. It is given the association's two names.
const bundleReadme = `%s · 审计包
%s · auditor's bundle

本包是一本账在某一刻的全部内容，不含个人姓名：经手人和审批人只有编号。金额以元为单位，借方为正，贷方为负。
This is a whole book at one moment. It names no persons: makers and approvers are told by their ids. Amounts are decimals, debit positive.

文件 · files
  about.json          哪一本账、记到哪里          which book, and how far it had come
  accounts.csv        末级科目及余额              accounts and their balances
  entries.csv         凭证                        entries
  postings.csv        分录                        postings
  trial-balance.csv   科目余额表（最后一年）      trial balance of the last year
  approvals.csv       审批申请及其内容的哈希      requests and the hash of what was approved
  decisions.csv       谁在何时同意或退回          who approved or rejected, and when
  papers.csv          附件的 SHA-256              hashes of the papers beside the records
  statements/         法定报表（最后一年）        statutory statements of the last year
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
  4. 另一个程序读出同样的余额 · another program finds the same balances (hledger.org)
       hledger -f book.journal check --strict
       hledger -f book.journal balance --flat -E
  5. 附件：对原件求 SHA-256，与 papers.csv 比较 · papers: hash the file at hand and look for it in papers.csv

也可以用本系统的程序核对以上各项 · or have this program do all of it, without a database:
       sunfund verify --bundle FILE.zip
`
