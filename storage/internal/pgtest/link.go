package pgtest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// The types of messages that a proxy looks at.
const (
	msgQuery = 'Q'
	msgParse = 'P'
	msgBind  = 'B'
	msgRun   = 'E' // Execute
	msgClose = 'C'
	msgSync  = 'S'
	msgCall  = 'F' // FunctionCall
	msgEnd   = 'X' // Terminate
	msgPass  = 'p' // a password, and whatever else logs in

	msgReady    = 'Z' // ReadyForQuery, of the server
	msgError    = 'E' // ErrorResponse
	msgComplete = 'C' // CommandComplete
)

// What a client asks before it starts a connection.
const (
	codeCancel = 80877102
	codeTLS    = 80877103
	codeGSS    = 80877104
)

const (
	bufferSize = 64 << 10
	queueSize  = 1024
	headerSize = 5 // type and length
	maxMessage = 1 << 30
)

var errProtocol = errors.New("pgtest: this is not the protocol of PostgreSQL")

// link is one connection of a client, and the one to the server that belongs to it.
type link struct {
	proxy          *Proxy
	client, server net.Conn
	up, down       *lane

	once sync.Once
	done chan struct{} // closed when it is cut

	mu      sync.Mutex
	script  script
	started bool  // the client is logged in
	asked   int   // requests that the server answers with ReadyForQuery
	ready   int   // those that it has answered
	partial bool  // something was said since the last request
	spoke   bool  // the server said something since the client did
	hold    *hold // an answer that is withheld
}

// hold withholds the answer to one request.
type hold struct {
	rule    *rule
	request int
	bytes   []byte
	failed  bool
	undone  bool
}

func newLink(p *Proxy, client, server net.Conn) *link {
	l := &link{proxy: p, client: client, server: server, done: make(chan struct{}), script: newScript()}
	l.up, l.down = newLane(l, server), newLane(l, client)
	return l
}

// run passes on what is said until the connection ends.
func (l *link) run() {
	var w sync.WaitGroup
	w.Go(l.up.write)
	w.Go(l.down.write)
	w.Go(l.readClient)
	w.Go(l.readServer)
	w.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hold != nil { // it ended for another reason
		l.proxy.spend(l.hold.rule, false)
	}
}

// cut closes both connections now.
func (l *link) cut() {
	l.once.Do(func() {
		close(l.done)
		_ = l.client.Close()
		_ = l.server.Close()
	})
}

func (l *link) readClient() {
	r := bufio.NewReaderSize(l.client, bufferSize)
	first, err := l.start(r)
	if err == nil {
		l.proxy.counts.up.Add(int64(len(first)))
		l.up.send(first)
		err = l.each(r, l.up, l.fromClient)
	}
	l.up.sendCut() // behind what is on its way
	_ = err        // a connection ends with one, sooner or later
}

// start reads what begins a connection, and declines encryption, which nobody
// could read.
func (l *link) start(r *bufio.Reader) ([]byte, error) {
	for {
		head, err := r.Peek(8)
		if err != nil {
			return nil, err
		}
		n, code := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
		if n < 8 || n > bufferSize {
			return nil, errProtocol
		}
		message := make([]byte, n)
		if _, err := io.ReadFull(r, message); err != nil {
			return nil, err
		}
		if code == codeTLS || code == codeGSS {
			l.down.send([]byte{'N'})
			continue
		}
		if code == codeCancel {
			l.up.send(message)
			return nil, io.EOF
		}
		return message, nil
	}
}

func (l *link) readServer() {
	_ = l.each(bufio.NewReaderSize(l.server, bufferSize), l.down, l.fromServer)
	l.down.sendCut()
}

// errCut ends the reading of a side after a fault.
var errCut = errors.New("pgtest: a fault cut the connection")

// each reads messages and sends them on, as many at once as have arrived. What
// look returns takes the place of the message.
func (l *link) each(r *bufio.Reader, to *lane, look func(message []byte) (forward []byte, err error)) error {
	var out []byte
	for {
		message, err := readMessage(r)
		if err != nil {
			return err
		}
		forward, cut := look(message)
		if out == nil {
			out = forward
		} else {
			out = append(out, forward...)
		}
		if cut != nil || len(out) >= bufferSize || !another(r) {
			if len(out) > 0 {
				to.send(out)
				out = nil
			}
		}
		if cut != nil {
			return cut
		}
	}
}

func readMessage(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(headerSize)
	if err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n < 4 || n > maxMessage {
		return nil, errProtocol
	}
	message := make([]byte, 1+n)
	_, err = io.ReadFull(r, message)
	return message, err
}

// another reports whether a whole message waits to be read.
func another(r *bufio.Reader) bool {
	if r.Buffered() < headerSize {
		return false
	}
	head, err := r.Peek(headerSize)
	return err == nil && int64(r.Buffered()) > int64(binary.BigEndian.Uint32(head[1:]))
}

// fromClient looks at what the client says before the server hears it.
func (l *link) fromClient(message []byte) ([]byte, error) {
	c := &l.proxy.counts
	kind := message[0]
	c.up.Add(int64(len(message)))
	c.messages[kind].Add(1)

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.spoke && kind != msgPass && kind != msgEnd {
		c.turns.Add(1)
	}
	l.spoke = false
	m := l.script.client(message)
	request := l.asked + 1
	l.partial = kind != msgSync && kind != msgQuery && kind != msgCall
	if !l.partial {
		l.asked++
	}
	if l.hold != nil {
		return message, nil // this connection's fate is known, or will be before it says anything that depends on it
	}
	r := l.proxy.ruleFor(m)
	switch {
	case r == nil:
		return message, nil
	case r.before:
		l.proxy.spend(r, true)
		return nil, errCut
	}
	l.hold = &hold{rule: r, request: request}
	return message, nil
}

// fromServer looks at what the server says before the client hears it.
func (l *link) fromServer(message []byte) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spoke = true
	kind, body := message[0], message[headerSize:]
	if !l.started {
		l.started = kind == msgReady // which answers no request
		return l.forward(message)
	}
	request := l.ready + 1
	if kind == msgReady {
		l.ready++
		if l.ready == l.asked && !l.partial && len(body) > 0 {
			l.script.server(body[0])
		}
	}
	h := l.hold
	if h == nil || request != h.request {
		return l.forward(message)
	}
	h.bytes = append(h.bytes, message...)
	switch kind {
	case msgError:
		h.failed = true
	case msgComplete:
		h.undone = string(body) == "ROLLBACK\x00"
	case msgReady:
		l.hold = nil
		if h.rule.success && (h.failed || h.undone) {
			l.proxy.spend(h.rule, false)
			return l.forward(h.bytes)
		}
		l.proxy.spend(h.rule, true)
		return nil, errCut
	}
	return nil, nil
}

func (l *link) forward(message []byte) ([]byte, error) {
	l.proxy.counts.down.Add(int64(len(message)))
	return message, nil
}

// lane carries what was said to one side, in order and each thing when it is due.
type lane struct {
	link  *link
	to    net.Conn
	queue chan parcel
}

type parcel struct {
	bytes []byte
	due   time.Time // zero for at once
	cut   bool      // the connection ends here
}

func newLane(l *link, to net.Conn) *lane {
	return &lane{link: l, to: to, queue: make(chan parcel, queueSize)}
}

func (n *lane) send(b []byte) { n.put(parcel{bytes: slices.Clip(b)}) }

func (n *lane) sendCut() { n.put(parcel{cut: true}) }

func (n *lane) put(p parcel) {
	if d := time.Duration(n.link.proxy.delay.Load()); d > 0 {
		p.due = now().Add(d)
	}
	select {
	case n.queue <- p:
	case <-n.link.done:
	}
}

func (n *lane) write() {
	var w waiter
	defer w.close()
	for {
		select {
		case <-n.link.done:
			return
		case p := <-n.queue:
			if !n.wait(&w, p.due) {
				return
			}
			if p.cut {
				n.link.cut()
				return
			}
			if _, err := n.to.Write(p.bytes); err != nil {
				n.link.cut()
				return
			}
		}
	}
}

// wait waits until the moment, and reports whether the connection is still there.
func (n *lane) wait(w *waiter, due time.Time) bool {
	const coarse = 10 * time.Millisecond // what a timer of Go waits for well enough
	if due.IsZero() {
		return true
	}
	if d := due.Sub(now()) - coarse; d > 0 && within(d, n.link.done) {
		return false
	}
	w.until(due)
	return true
}
