// Package law holds the books against the rules that a charity stands under (R01 to R23).
//
// What a rule asks for is data: dated rows by jurisdiction and legal form (params.csv), and rows of the book's own that go before them.
// Which of them apply follows from the profile of the book (jurisdiction, form, whether it may raise from the public). A book without a
// profile stands under no law: nothing is checked and nothing is blocked.
//
// [Look] tells how each rule stands, with the working line by line. MayPublish, MayPost, MaySign, MayPay and MayCloseYear are asked on
// the ways in and answer with a [Refusal] that names rule, article and what would lift it. Caps are rounded down, floors up.
package law
