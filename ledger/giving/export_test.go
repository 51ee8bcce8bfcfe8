package giving

// CountHoursTo is CountHours with a stride of its own.
var CountHoursTo = countHours
