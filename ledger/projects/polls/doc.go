// Package polls holds votes of residents (居民投票): published with their rule, voted on line and on paper, counted by package votes, and the
// result set aside on the fund as a memo (9301, E39).
//
// While a vote is open, an on-line ballot is sealed beside its voter, so that she can change it. When the vote closes, ballots are written
// without names in the order of their content, and what linked them is deleted with the key that sealed it. What stays is who voted.
package polls
