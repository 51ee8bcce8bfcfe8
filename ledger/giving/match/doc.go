// Package match is the language in which a match or a subsidy is promised, and the engine that decides it.
//
// A rule is data: Terms, published as JSON, checked by Parse or New, named by its Hash. Everything it can do to money
// stands in its words, made from the same data in Chinese and in English (Rule.Words).
//
// The engine is a function. Rule.Decide looks at one gift, at counters of what happened before (State) and at a seed,
// and gives an Award: how much each pool adds, why not more, and by how much each counter moves. It has no clock, no
// randomness and no database of its own, so whoever holds the rule, the seed and the gifts gets the same awards.
// Gifts are decided one after the other; a caller that keeps the counters in a database loads what Rule.Needs names
// for a whole batch, decides gift by gift, applies each Award's changes, and writes the counters back under its lock.
//
//	state := match.State{}             // loaded: the counters of rule.Needs(gift) for every gift of the batch
//	for _, gift := range batch {
//		award := rule.Decide(state, seed, gift)
//		state.Apply(award.Changes)
//	}
//
// Rules that share a pool when all gifts are in (Terms.Order "end") are settled by Rule.Settle over all gifts.
//
// Money is int64 minor units of the rule's currency. Whatever is multiplied is rounded down to the minor unit; whatever
// is divided among many goes by largest remainder (money.Allocate).
package match
