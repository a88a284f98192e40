package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

// What a line of the ledger tells.
const (
	lineBegin   = "begin"   // an operation begins
	lineDone    = "done"    // it was acknowledged
	lineRefused = "refused" // it was answered with an error that decides, or gives up
	lineFailed  = "failed"  // the store failed, and says that nothing was done
	lineLost    = "lost"    // nobody knows what became of it
	lineWrong   = "wrong"   // an answer was not what it had to be
	lineCopy    = "copy"    // a message was given to the mailer
	lineSettled = "settled" // a message was settled, and that was acknowledged
	lineHanded  = "handed"  // an event was handed to the host
	lineTaken   = "taken"   // and that was acknowledged
)

// line is one line of the ledger.
type line struct {
	Tell string `json:"t"`
	At   int64  `json:"at"` // microseconds, by the machine's clock

	Op     string            `json:"op,omitempty"`   // of an operation; of an event too
	What   string            `json:"what,omitempty"` // the name of the operation
	Sets   map[string]string `json:"sets,omitempty"` // the state that it leads to
	Agency int               `json:"agency,omitempty"`
	N      int               `json:"n,omitempty"` // how many requests were sent; the number of an event
	Err    string            `json:"err,omitempty"`

	Mail  string `json:"mail,omitempty"`
	State string `json:"state,omitempty"` // of a message that was settled
}

// operation is what the ledger knows of one.
type operation struct {
	id, what string
	sets     map[string]string
	begun    int64
	state    string // lineBegin while no answer came
	n        int
	err      string
}

// unknown tells that nobody knows what became of the operation.
func (o operation) unknown() bool { return o.state == lineBegin || o.state == lineLost }

// ledger is what workers told, in memory and on disk.
type ledger struct {
	mu     sync.Mutex
	ops    map[string]*operation
	file   *os.File
	out    *bufio.Writer
	err    error // of the disk
	acks   int
	last   time.Time     // of the last one
	gap    time.Duration // the longest time without one
	agency int
	errors map[string]int // failures, by what they say
}

func newLedger(path string) (*ledger, error) {
	f, err := os.Create(path) //nolint:gosec // where the caller wants it
	if err != nil {
		return nil, err
	}
	return &ledger{ops: map[string]*operation{}, errors: map[string]int{}, file: f, out: bufio.NewWriterSize(f, 1<<16), last: time.Now()}, nil
}

// read takes the lines of one worker until its pipe ends. A last line that is cut
// off was never told.
func (l *ledger) read(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<16)
	for {
		text, err := in.ReadBytes('\n')
		if err != nil {
			return nil //nolint:nilerr // the worker is gone, and that is what ends a pipe
		}
		var x line
		if err := json.Unmarshal(text, &x); err != nil {
			return fmt.Errorf("a worker told %q: %w", text, err)
		}
		l.take(x, text)
	}
}

func (l *ledger) take(x line, text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.out.Write(text); err != nil {
		l.err = cmp.Or(l.err, err)
	}
	note(l.ops, x)
	l.agency = max(l.agency, x.Agency)
	switch x.Tell {
	case lineDone:
		l.acks++
		now := time.Now()
		l.gap, l.last = max(l.gap, now.Sub(l.last)), now
	case lineFailed, lineLost:
		if len(l.errors) < 1000 {
			l.errors[x.Err]++
		}
	}
}

// note adds what a line tells of an operation.
func note(ops map[string]*operation, x line) {
	switch x.Tell {
	case lineBegin:
		ops[x.Op] = &operation{id: x.Op, what: x.What, sets: x.Sets, begun: x.At, state: lineBegin}
	case lineDone, lineRefused, lineFailed, lineLost:
		if o := ops[x.Op]; o != nil {
			o.state, o.n, o.err = x.Tell, x.N, x.Err
		}
	}
}

// acknowledged returns how many operations were.
func (l *ledger) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acks
}

// working begins to measure the time without an acknowledged operation anew,
// for what the program itself held up.
func (l *ledger) working() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
}

// rested counts the time until now without an acknowledged operation, as if there
// were one.
func (l *ledger) rested() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gap = max(l.gap, time.Since(l.last))
}

// counts returns how many operations there are of each state, of how many sorts
// those are that were acknowledged, and those of which nobody knows.
func (l *ledger) counts() (states map[string]int, acknowledged, unknown int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	states = map[string]int{}
	done, lost := map[string]bool{}, map[string]bool{}
	for _, o := range l.ops {
		states[o.state]++
		if o.state == lineDone {
			done[o.what] = true
		}
		if o.unknown() {
			lost[o.what] = true
		}
	}
	return states, len(done), len(lost)
}

// worst returns what the store's failures said, the most frequent first.
func (l *ledger) worst(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(l.errors), func(a, b string) int {
		return cmp.Or(l.errors[b]-l.errors[a], cmp.Compare(a, b))
	})
	var list []string
	for _, k := range keys[:min(n, len(keys))] {
		list = append(list, fmt.Sprintf("%d× %s", l.errors[k], k))
	}
	return list
}

// flush writes to disk what is not there yet.
func (l *ledger) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return cmp.Or(l.err, l.out.Flush())
}

func (l *ledger) close() error {
	err := l.flush()
	return cmp.Or(err, l.file.Close())
}

// book is the ledger as it is read back from disk, by whoever verifies.
type book struct {
	ops     map[string]*operation
	copies  map[string][]int64  // when messages were given to the mailer
	settled map[string][]line   // how they were settled
	handed  map[string]int      // events, by key
	taken   map[string]struct{} // those of which that was acknowledged
	wrong   []string            // answers that must not be
}

// eventKey is how the ledger names an event.
func eventKey(op string, seq int) string { return fmt.Sprintf("%s/%d", op, seq) }

func readBook(path string) (*book, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the parent's
	if err != nil {
		return nil, err
	}
	b := &book{
		ops: map[string]*operation{}, copies: map[string][]int64{}, settled: map[string][]line{},
		handed: map[string]int{}, taken: map[string]struct{}{},
	}
	for part := range bytes.Lines(text) {
		var x line
		if err := json.Unmarshal(part, &x); err != nil {
			return nil, fmt.Errorf("the ledger says %q: %w", part, err)
		}
		b.note(x)
	}
	return b, nil
}

// note adds what a line tells.
func (b *book) note(x line) {
	note(b.ops, x)
	switch x.Tell {
	case lineWrong:
		b.wrong = append(b.wrong, x.Op+": "+x.Err)
	case lineCopy:
		b.copies[x.Mail] = append(b.copies[x.Mail], x.At)
	case lineSettled:
		b.settled[x.Mail] = append(b.settled[x.Mail], x)
	case lineHanded:
		b.handed[eventKey(x.Op, x.N)]++
	case lineTaken:
		b.taken[eventKey(x.Op, x.N)] = struct{}{}
	}
}

// inOrder returns the operations as they began.
func (b *book) inOrder() []*operation {
	list := slices.Collect(maps.Values(b.ops))
	slices.SortFunc(list, func(x, y *operation) int { return cmp.Or(cmp.Compare(x.begun, y.begun), cmp.Compare(x.id, y.id)) })
	return list
}
