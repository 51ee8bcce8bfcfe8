package recon

// What the property tests look at from outside.
var (
	Subset = subset
	Nearly = nearly

	// RunFrom is Run with matches by key on pages from another number of new lines on.
	RunFrom = runFrom

	VerifyMatches = verifyMatches
)

// MatchedRows is every match that holds.
const MatchedRows = matchedRows

// BucketMax is the most amounts that Subset looks at.
const BucketMax = bucketMax
