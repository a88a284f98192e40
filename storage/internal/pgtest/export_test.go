package pgtest

// What tests of this package look into.
var (
	Excuse       = excuse
	FindBin      = findBin
	WithDatabase = withDatabase
	WithAddress  = withAddress
)

// WaitUntil is how a proxy waits.
var WaitUntil = (*waiter).until

// Waiter waits for one goroutine.
type Waiter = waiter
