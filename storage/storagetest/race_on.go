//go:build race

package storagetest

// slowly is how many times fewer random operations are made: under the race
// detector each takes that much longer, and what it looks for shows in few.
const slowly = 10
