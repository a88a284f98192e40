package pgtest

// Message is what a client said, as a fault sees it.
type Message struct {
	// Type is the type of the message: 'Q' for Query, 'P' Parse, 'B' Bind, 'E' Execute,
	// 'S' Sync.
	Type byte

	// SQL is the text of a Query and of a Parse, and what a Bind or an Execute runs.
	SQL string

	// Commits tells that this message makes durable what was written before: the Sync
	// of statements without a transaction, the COMMIT of one, or a Query that is both.
	// Statements write if their words say so: INSERT, UPDATE, DELETE, MERGE, or a
	// definition. A SELECT of a function that writes is taken for a read, and so is COPY.
	Commits bool
}

// rule is a fault that waits for its message.
type rule struct {
	match   func(Message) bool
	left    int  // how often it may fire yet
	before  bool // the message is not forwarded; else its answer is not
	success bool // an answer that is an error, or a rollback, passes and does not count
}

// LoseAnswers lets the next n changes of any client become durable, waits until the
// server has said so, and then cuts the connection, before a byte of that answer
// reaches the client. It is the lost answer of a commit. A change that the server
// refuses is answered and does not count.
func (p *Proxy) LoseAnswers(n int) { p.arm(&rule{match: commits, left: n, success: true}) }

// LoseChanges cuts the connections of the next n changes of any client before the
// message that would make them durable. The server has seen all that goes before,
// and rolls it back when it notices, a moment later: until then its locks are held.
func (p *Proxy) LoseChanges(n int) { p.arm(&rule{match: commits, left: n, before: true}) }

// CutBefore cuts a connection before the first message for which the function
// returns true. What the client said before reaches the server.
func (p *Proxy) CutBefore(f func(Message) bool) { p.arm(&rule{match: f, left: 1, before: true}) }

// CutAfter forwards the first message for which the function returns true, waits
// until the server has answered the request that it is part of, whatever it says,
// and cuts the connection before that answer reaches the client. The message
// must need no answer of the server before its Sync, as a Flush does.
func (p *Proxy) CutAfter(f func(Message) bool) { p.arm(&rule{match: f, left: 1}) }

// Fired returns how many connections faults have cut, Cut aside. A test that does
// not look at it may have tested nothing.
func (p *Proxy) Fired() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fired
}

// Disarm takes back all faults that have not fired.
func (p *Proxy) Disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

func commits(m Message) bool { return m.Commits }

func (p *Proxy) arm(r *rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, r)
}

// ruleFor returns the rule that a message meets, and takes one of its times.
func (p *Proxy) ruleFor(m Message) *rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rules {
		if r.left > 0 && r.match(m) {
			r.left--
			return r
		}
	}
	return nil
}

// spend counts a fault as fired, or gives its time back.
func (p *Proxy) spend(r *rule, fired bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fired {
		p.fired++
	} else {
		r.left++
	}
}
