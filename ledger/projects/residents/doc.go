// Package residents keeps who lives in a community, so far as it takes to ask for something and to vote: a code from the street, or a
// telephone number that the street has verified by a call or at its desk. There is no account and no password. A number is sealed as
// donors' data are; a code is kept as its hash.
package residents
