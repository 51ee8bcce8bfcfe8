// Package trace follows the money: which invoice a gift paid, and what a payment was made of.
//
// Every fund has a line of money that came in, in the order of booking, in fen: each gift is a stretch [at, at+amount) of it. Each payment is a
// stretch of the line of money that went out. The rule, as the public page of follow-the-money prints it:
//
//  1. Money goes out when the bank has paid it, not when it is promised or owed.
//  2. A payment of a contract takes first what came in for that contract: from its payers, or back from its provider. Then it takes what was given to
//     the campaigns that are named for its project (earmarked first), then what has waited longest in its fund (oldest first). Every other use takes
//     what has waited longest.
//  3. A gift that is given back leaves with its own stretch. Had it been spent, the oldest money that waits takes its place in what it paid.
//  4. A payment that comes back, or an entry that is reversed, frees the stretches it had taken; they wait again, in their old place.
//  5. Money that moves to another fund, by a transfer or since its restriction is over, keeps its order there: what arrives is made of what left.
//  6. What goes out before anything came in waits for the next money in.
//
// Come in and gone out are not entered by anybody: they are what an entry changes on the accounts of money of a fund (see moneyAccounts), so the
// lines of a fund always add up to its postings; Verify proves it, and that the pieces cover each line without overlap or gap.
package trace
