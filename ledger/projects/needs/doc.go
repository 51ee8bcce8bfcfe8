// Package needs keeps the three books of a street (三本账): what residents and communities need, with their ideas (金点子); what social
// organisations offer; and what resources and funding there are. An intent (意向) links a need, an offer and money.
//
// Residents file without an account, by a code from the street. What links an item to a resident is the resident's id alone.
package needs
