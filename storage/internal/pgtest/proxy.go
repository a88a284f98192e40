package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Proxy passes on what clients and a server say to each other, and is the network
// between them. Its methods may be called from many goroutines, but not from a
// function that CutBefore or CutAfter was given.
type Proxy struct {
	network, address string // of the server
	listener         net.Listener
	end              context.CancelFunc
	work             sync.WaitGroup

	delay    atomic.Int64 // nanoseconds
	refusing atomic.Bool
	counts   counts

	mu     sync.Mutex
	links  map[*link]struct{}
	closed bool
	rules  []*rule
	fired  int
}

// NewProxy starts a proxy before the server of a DSN, for one test.
func NewProxy(tb TB, dsn string) *Proxy {
	tb.Helper()
	p, err := OpenProxy(tb.Context(), dsn)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	tb.Cleanup(func() { _ = p.Close() })
	return p
}

// OpenProxy starts a proxy before the server of a DSN: the first host that it
// names, a socket or a TCP address. The proxy listens on a port of 127.0.0.1 until
// Close; the context's end does not matter to it.
func OpenProxy(ctx context.Context, dsn string) (*Proxy, error) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	p := &Proxy{links: make(map[*link]struct{})}
	p.network, p.address = pgconn.NetworkAddress(config.Host, config.Port)
	p.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	ctx, p.end = context.WithCancel(context.WithoutCancel(ctx))
	p.work.Go(func() { p.accept(ctx) })
	return p, nil
}

// Close cuts all connections, and returns when nothing of the proxy runs any more.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	p.end()
	p.Cut()
	p.work.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Addr returns where the proxy listens, "127.0.0.1:40123".
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// DSN returns a DSN of the server's, rewritten to go through the proxy.
func (p *Proxy) DSN(dsn string) string { return withAddress(dsn, p.Addr()) }

// SetDelay makes everything that is said from now on take this much longer, in each
// direction, so that a round trip takes twice as much. It delays and does not
// throttle: many messages travel at once. The proxy itself costs some tens of
// microseconds more, also without a delay: compare with a delay of 0, not with a
// connection that goes around it.
func (p *Proxy) SetDelay(d time.Duration) { p.delay.Store(int64(d)) }

// Cut closes all connections now. New ones are welcome.
func (p *Proxy) Cut() {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		l.cut()
	}
}

// Refuse makes new connections fail, as those to a server that is down do, until it
// is called with false. Those that are there stay.
func (p *Proxy) Refuse(on bool) { p.refusing.Store(on) }

func (p *Proxy) accept(ctx context.Context) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.refusing.Load() {
			_ = client.Close()
			continue
		}
		p.work.Go(func() { p.serve(ctx, client) })
	}
}

func (p *Proxy) serve(ctx context.Context, client net.Conn) {
	server, err := (&net.Dialer{}).DialContext(ctx, p.network, p.address)
	if err != nil {
		_ = client.Close()
		return
	}
	p.counts.conns.Add(1)
	l := newLink(p, client, server)
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.links[l] = struct{}{}
	}
	p.mu.Unlock()
	if closed {
		l.cut()
		return
	}
	l.run()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// Stats are what has gone through a proxy, as its clients sent it: what a fault
// withholds from the server is counted too.
type Stats struct {
	Conns     int   // connections that reached the server
	BytesUp   int64 // from clients
	BytesDown int64 // to clients

	// Messages are those of clients, by their type: 'Q' for Query, 'P' Parse, 'B' Bind,
	// 'E' Execute, 'S' Sync. What starts a connection has no type and is not counted.
	Messages map[byte]int

	// Syncs are the requests that the server answers with ReadyForQuery: each Sync,
	// and each Query.
	Syncs int

	// RoundTrips is how often a client that had been answered spoke again: the times
	// at which it waited. Starting a connection is not counted.
	RoundTrips int
}

type counts struct {
	conns, up, down, turns atomic.Int64
	messages               [256]atomic.Int64
}

// Stats returns what has gone through since the beginning, or since ResetStats.
func (p *Proxy) Stats() Stats {
	c := &p.counts
	s := Stats{
		Conns: int(c.conns.Load()), BytesUp: c.up.Load(), BytesDown: c.down.Load(),
		RoundTrips: int(c.turns.Load()), Messages: make(map[byte]int),
	}
	for i := range c.messages {
		if n := int(c.messages[i].Load()); n > 0 {
			s.Messages[byte(i)] = n
		}
	}
	s.Syncs = s.Messages[msgSync] + s.Messages[msgQuery] + s.Messages[msgCall]
	return s
}

// ResetStats begins to count anew.
func (p *Proxy) ResetStats() {
	c := &p.counts
	for _, n := range []*atomic.Int64{&c.conns, &c.up, &c.down, &c.turns} {
		n.Store(0)
	}
	for i := range c.messages {
		c.messages[i].Store(0)
	}
}

var _ io.Closer = (*Proxy)(nil)
