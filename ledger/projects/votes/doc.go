// Package votes counts ballots over projects that cost money (居民投票): which projects a budget pays for. Ballots are by approval, by
// points or by budget basket; they are counted greedily or by the method of equal shares (等额分配法), in whole numbers and exact
// fractions. It knows no database and no clock: the same election always has the same result, whoever counts it.
//
// The method of equal shares is that of Peters, Pierczyński and Skowron ("Proportional participatory budgeting with additive utilities",
// 2021), with the utility of a project taken as its cost, as cities that use it do. Amounts are minor units of one currency.
package votes
