package processtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// What a child finds in its environment.
const (
	envJob    = "CHATELAINE_PROCESS_JOB"
	envPlace  = "CHATELAINE_PROCESS_PLACE"
	envNumber = "CHATELAINE_PROCESS_NUMBER"
)

// What parent and child say to each other: a word, and behind a space its rest, on a
// line.
const (
	wordFree  = "free"  // parent: take a turn with this argument
	wordAt    = "at"    // parent: at this moment, take a turn with this argument
	wordHeld  = "held"  // parent: take one, and stop in front of the first write
	wordWrite = "write" // parent: go on
	wordOver  = "over"  // parent: what you are looking at has ended
	wordReady = "ready" // child: waits for a turn
	wordBrink = "brink" // child: has stopped in front of a write
	wordSays  = "says"  // child: what the turn found
	wordEnd   = "end"   // child: the turn is over; when it began and ended
	wordError = "error" // child: the turn failed
)

// childLife is how long a child may live, whatever becomes of its parent.
const childLife = 3 * time.Minute

// job prepares a child and returns what a turn is. The argument is the parent's.
type job func(p *process) (turn func(arg string) error, err error)

// jobs are all that a child can do.
func jobs() map[string]job {
	all := map[string]job{}
	for _, list := range []map[string]job{
		migrationJobs(), writeJobs(), requestJobs(), decisionJobs(), offerJobs(), peopleJobs(), loginJobs(), clientJobs(), mailJobs(),
	} {
		for name, j := range list {
			all[name] = j
		}
	}
	return all
}

// process is a child, seen from inside.
type process struct {
	Adapter

	ctx    context.Context //nolint:containedctx // the process's
	job    string
	place  string
	number int
	in     chan string
	hold   bool // in front of the next write
}

// Child does what a parent asked for and reports whether this process is a child: if
// so, TestMain returns. The adapter is asked for only then. A child that fails ends
// the process itself.
func Child(a func() Adapter) bool {
	name := os.Getenv(envJob)
	if name == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), childLife)
	defer cancel()
	p := &process{Adapter: a(), ctx: ctx, job: name, place: os.Getenv(envPlace), in: make(chan string, 1)}
	p.number, _ = strconv.Atoi(os.Getenv(envNumber))
	go p.listen()
	if err := p.serve(); err != nil {
		p.tell(wordError, strings.ReplaceAll(err.Error(), "\n", "; "))
		os.Exit(1) //nolint:revive // the process ends here
	}
	return true
}

// listen hands on what the parent says. The channel is closed when it says no more.
func (p *process) listen() {
	defer close(p.in)
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		p.in <- s.Text()
	}
}

func (*process) tell(word, rest string) { fmt.Println(strings.TrimSuffix(word+" "+rest, " ")) }

// say tells the parent what the turn found.
func (p *process) say(what any) { p.tell(wordSays, fmt.Sprint(what)) }

// serve takes turns until the parent says no more.
func (p *process) serve() error {
	j := jobs()[p.job]
	if j == nil {
		return fmt.Errorf("no such job: %s", p.job)
	}
	turn, err := j(p)
	if err != nil {
		return err
	}
	p.tell(wordReady, "")
	for line := range p.in {
		word, arg, _ := strings.Cut(line, " ")
		switch word {
		case wordFree, wordHeld:
		case wordAt:
			var at string
			at, arg, _ = strings.Cut(arg, " ")
			n, err := strconv.ParseInt(at, 10, 64)
			if err != nil {
				return err
			}
			time.Sleep(time.Until(time.Unix(0, n)))
		default:
			continue // an answer to what is over by now
		}
		p.hold = word == wordHeld
		began := time.Now()
		if err := turn(arg); err != nil {
			return err
		}
		p.hold = false
		p.tell(wordEnd, fmt.Sprint(began.UnixNano(), " ", time.Now().UnixNano()))
	}
	return nil
}

// brink stops in front of the first write of a turn that is held.
func (p *process) brink() error {
	if !p.hold {
		return nil
	}
	p.hold = false
	p.tell(wordBrink, "")
	if line, more := <-p.in; !more || line != wordWrite {
		return errors.New("the parent has gone, or said " + line)
	}
	return nil
}

// over reports whether the parent has said that what is looked at has ended.
func (p *process) over() bool {
	select {
	case line, more := <-p.in:
		return !more || line == wordOver
	default:
		return false
	}
}

// open opens the store of the place, which stays open as long as the process lives.
// Its writes stop when they are held.
func (p *process) open() (storage.Storage, error) {
	st, _, err := p.Open(p.ctx, p.place)
	if err != nil {
		return nil, err
	}
	return door{st, p}, nil
}

// door is a store whose writes stop in turns that are held.
type door struct {
	storage.Storage

	p *process
}

// ApplyAccounts implements accounts.Store.
func (d door) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	if err := d.p.brink(); err != nil {
		return err
	}
	return d.Storage.ApplyAccounts(ctx, c)
}

// ApplyAccess implements access.RequestStore.
func (d door) ApplyAccess(ctx context.Context, c access.Change) error {
	if err := d.p.brink(); err != nil {
		return err
	}
	return d.Storage.ApplyAccess(ctx, c)
}

// ApplyInvites implements invites.Store.
func (d door) ApplyInvites(ctx context.Context, c invites.Change) error {
	if err := d.p.brink(); err != nil {
		return err
	}
	return d.Storage.ApplyInvites(ctx, c)
}

// ClaimMail implements mail.Outbox.
func (d door) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	if err := d.p.brink(); err != nil {
		return nil, err
	}
	return d.Storage.ClaimMail(ctx, c)
}
