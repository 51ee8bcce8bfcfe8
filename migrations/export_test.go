package migrations

// ApplyFS is Apply for other files than our own.
var ApplyFS = apply
