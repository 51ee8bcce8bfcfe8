// Package payments is where money of the world meets the book: the inbox that takes processors' signed
// events, the worker that has them booked, the sandbox processor that stands in for a real one, and the
// import of gift files.
//
// An event is only a hint to look. It is verified, stored once and answered ([Receive]); the worker
// ([Worker]) then asks the processor itself what became of the payment and takes amounts from that
// answer alone. So forged, doubled, late and out-of-order events do no harm.
package payments
