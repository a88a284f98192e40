// Package processtest proves that a store keeps its promises between processes: real
// ones of the operating system, on one database. It is written once for all stores
// that processes can share.
//
// A child is the test binary, run again. An adapter has two things to write: what a
// child does instead of testing, before anything else in TestMain,
//
//	func TestMain(m *testing.M) {
//		if processtest.Child(processes) {
//			return
//		}
//		…
//	}
//
// and the test, which runs each race as a subtest:
//
//	func TestProcesses(t *testing.T) { t.Parallel(); processtest.Test(t, processes(t)) }
//
// [Adapter] says how a database is made, opened and looked at. What a child needs to
// open it, the place, is a string and reaches it through its environment.
//
// # How they meet
//
// Processes that are started one after another do not race. So each says when it is
// ready, with its connections open and its people logged in, and waits for its turn.
// A turn is taken in one of two ways:
//
//   - held: each stops in front of its first write, until all of them have read and
//     decided. Nothing is left to luck: whoever writes second has read what is not
//     true any more. The turn fails if fewer than two came to write, because it has
//     then tested nothing.
//   - free: all begin at one word, and the machine decides. Over the free turns of a
//     race two of them must have been under way at one moment.
//
// Every race ends with a look at the database as a whole ([Adapter.Sound]), and no
// child may have failed, or have been caught by the race detector.
//
// # What to avoid
//
// Looking at a place that children work on with anything but the store: what they
// have read before a turn is theirs. And time: the clock stands still at noon, in all
// of them.
package processtest
