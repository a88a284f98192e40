// Package limit holds back bursts in one process: one token bucket a key.
//
// # What to use
//
// [New] makes a [Limiter]; [Limiter.Allow] before the work it protects says whether it may be done now. Key it on what
// the caller cannot choose: a user, an account, a recipient's address. An address taken from a header that anybody can
// write is no key. Keys share one name space, so begin them with what they are: "user:42", "login:10.0.0.7".
//
// Every key starts with a full bucket of Burst events, and gets Rate events a second back until it is full again. A
// refused event costs nothing, so whoever waits for RetryAfter is let through.
//
// # What to avoid
//
// A Limiter belongs to one process and forgets everything at its end: n replicas allow n times as much, and a restart
// gives every key a full bucket. Do not count wrong passwords or a day's invitations with it; such quotas are durable and
// live with the data. An empty key is a key like any other, shared by everyone whose key came out empty.
//
// # What is promised
//
//   - Forgetting is exact. A bucket is forgotten only when it is full, when a new one could not be told from it. No
//     number of other keys resets a limit.
//   - Memory is bounded, by MaxKeys buckets of at most about 400 bytes. Keys are copied; of one over 64 bytes a SHA-256 is
//     kept.
//   - Where MaxKeys buckets are all still filling, a new key is refused until the first of them is full. This fails
//     closed: those who hold buckets go on as before and strangers wait, because making room would lift a limit that
//     still holds somebody. Keeping every place taken costs an attacker Rate × MaxKeys allowed events a second, 500,000
//     with the defaults; where that is cheap, limit the sources of new keys first. Len near MaxKeys is the alarm.
//   - A clock that goes backwards stands still until it is where it was: it gives no event twice. The default clock has a
//     monotonic reading, and setting the system's time does not move it.
//   - There is no goroutine behind a Limiter, and nothing to close. Each call forgets a few of the buckets that have
//     filled; the cost is O(log MaxKeys) over time.
package limit
