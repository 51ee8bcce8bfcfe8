package recon

// What the property tests look at from outside.
var (
	Subset = subset
	Nearly = nearly
)

// BucketMax is the most amounts that Subset looks at.
const BucketMax = bucketMax
