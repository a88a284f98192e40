package processtest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// crew are children on one place.
type crew struct {
	*env

	members []*member
	met     bool // two of them were under way at one moment, in one of the turns
}

// member is a child, seen from its parent.
type member struct {
	*env

	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  chan string
	gone bool
}

// answer is what a child did in a turn.
type answer struct {
	lines       []string
	began, over int64 // nanoseconds, by the clock of the machine
	wrote       bool  // came to write in a turn that was held
}

// crew starts a child for each job, and returns when all of them are ready.
func (e *env) crew(place string, jobs ...string) *crew {
	e.Helper()
	c := &crew{env: e}
	exe, err := os.Executable()
	e.ok(err, "os.Executable")
	for i, job := range jobs {
		m := &member{env: e, name: fmt.Sprintf("process %d (%s)", i, job), out: make(chan string, 1024)}
		m.cmd = exec.CommandContext(e.ctx, exe) //nolint:gosec // this binary
		m.cmd.Env = append(os.Environ(), envJob+"="+job, envPlace+"="+place, envNumber+"="+strconv.Itoa(i))
		m.cmd.Stderr = os.Stderr
		m.in, err = m.cmd.StdinPipe()
		e.ok(err, "StdinPipe")
		out, err := m.cmd.StdoutPipe()
		e.ok(err, "StdoutPipe")
		e.ok(m.cmd.Start(), "start")
		read := make(chan struct{})
		go func() {
			defer close(read)
			defer close(m.out)
			for s := bufio.NewScanner(out); s.Scan(); {
				m.out <- s.Text()
			}
		}()
		e.Cleanup(func() { // of a test that failed
			if m.gone {
				return
			}
			_ = m.cmd.Process.Kill()
			for range m.out { // until there is no more
			}
			<-read
			_ = m.cmd.Wait()
		})
		c.members = append(c.members, m)
	}
	for _, m := range c.members {
		m.wait(wordReady)
	}
	return c
}

// crowd is a crew of eight who do the same.
func (e *env) crowd(place, job string) *crew {
	e.Helper()
	list := make([]string, crowd)
	for i := range list {
		list[i] = job
	}
	return e.crew(place, list...)
}

func (m *member) tell(word, rest string) {
	m.Helper()
	_, err := io.WriteString(m.in, strings.TrimSuffix(word+" "+rest, " ")+"\n")
	m.ok(err, "%s hears no more", m.name)
}

// hear waits for what the child says next.
func (m *member) hear() (word, rest string) {
	m.Helper()
	line, more := <-m.out
	m.holds(more, "%s ended", m.name)
	word, rest, _ = strings.Cut(line, " ")
	m.holds(word != wordError, "%s: %s", m.name, rest)
	return word, rest
}

// wait waits for a word, which must be the next one.
func (m *member) wait(want string) (rest string) {
	m.Helper()
	word, rest := m.hear()
	equal(m.env, word, want, "%s said %q", m.name, rest)
	return rest
}

// rest hears a child out: until the end of its turn, or a word in front of that.
func (m *member) rest(a *answer, until string) (done bool) {
	m.Helper()
	for {
		switch word, rest := m.hear(); word {
		case wordSays:
			a.lines = append(a.lines, rest)
		case wordEnd:
			_, err := fmt.Sscan(rest, &a.began, &a.over)
			m.ok(err, "%s said %q", m.name, rest)
			return true
		case until:
			return false
		default:
			m.Fatalf("%s said %s", m.name, word)
		}
	}
}

// dismiss ends a child that has nothing to do any more, and must not have failed.
func (m *member) dismiss() {
	m.Helper()
	m.ok(m.in.Close(), "%s", m.name)
	for line := range m.out {
		m.Fatalf("%s said %q behind its last turn", m.name, line)
	}
	m.gone = true
	m.ok(m.cmd.Wait(), "%s", m.name)
}

// kill ends a child at once, and returns when it is gone.
func (m *member) kill() {
	m.Helper()
	_ = m.cmd.Process.Kill()
	for range m.out { // until there is no more
	}
	m.gone = true
	_ = m.cmd.Wait()
}

// dismiss ends the crew.
func (c *crew) dismiss() {
	c.Helper()
	for _, m := range c.members {
		m.dismiss()
	}
}

// held takes a turn in which all have read before anybody writes, and returns what
// they said. At least two must have come to write.
func (c *crew) held(arg func(i int) string) []answer {
	c.Helper()
	list := c.turn(wordHeld, arg)
	wrote := 0
	for _, a := range list {
		if a.wrote {
			wrote++
		}
	}
	c.holds(wrote > 1, "%d of %d processes came to write, and so nothing raced", wrote, len(list))
	return list
}

// free takes a turn in which the machine decides. All begin at one moment, when the
// last of them has been told.
func (c *crew) free(arg func(i int) string) []answer {
	c.Helper()
	at := time.Now().Add(5 * time.Millisecond).UnixNano()
	return c.turn(wordAt, func(i int) string { return fmt.Sprint(at, " ", arg(i)) })
}

// inOrder takes a turn in which all have read before anybody writes, and those of
// a group write when those of the group before it are done.
func (c *crew) inOrder(arg func(i int) string, groups ...[]int) []answer {
	c.Helper()
	list := make([]answer, len(c.members))
	for i, m := range c.members {
		m.tell(wordHeld, arg(i))
	}
	for i, m := range c.members {
		c.holds(!m.rest(&list[i], wordBrink), "%s wrote nothing, and so nothing raced", m.name)
		list[i].wrote = true
	}
	for _, group := range groups {
		for _, i := range group {
			c.members[i].tell(wordWrite, "")
		}
		for _, i := range group {
			c.members[i].rest(&list[i], "")
		}
	}
	return list
}

func (c *crew) turn(how string, arg func(i int) string) []answer {
	c.Helper()
	list := make([]answer, len(c.members))
	for i, m := range c.members {
		m.tell(how, arg(i))
	}
	done := make([]bool, len(list))
	if how == wordHeld {
		for i, m := range c.members {
			done[i] = m.rest(&list[i], wordBrink)
			list[i].wrote = !done[i]
		}
		for i, m := range c.members {
			if !done[i] {
				m.tell(wordWrite, "")
			}
		}
	}
	for i, m := range c.members {
		if !done[i] {
			m.rest(&list[i], "")
		}
	}
	for i := range list {
		for k := range i {
			c.met = c.met || list[i].began < list[k].over && list[k].began < list[i].over
		}
	}
	return list
}

// races takes a turn that is held, and more that are free until two met in one, at
// most twenty and at least two. Each is about something of its own, which stage
// makes: it returns the argument of each process. Judge looks at what they said.
func (c *crew) races(stage func(turn int) func(i int) string, judge func(turn int, list []answer)) {
	c.Helper()
	judge(0, c.held(stage(0)))
	c.met = false
	for turn := 1; turn <= 2 || !c.met; turn++ {
		c.holds(turn <= 20, "no two of %d processes were under way at one moment in %d turns", len(c.members), turn)
		judge(turn, c.free(stage(turn)))
	}
}

// lines are all that was said in a turn.
func lines(list []answer) []string {
	var all []string
	for _, a := range list {
		all = append(all, a.lines...)
	}
	return all
}

// sum adds up the numbers that were said.
func (e *env) sum(list []answer) int {
	e.Helper()
	n := 0
	for _, line := range lines(list) {
		v, err := strconv.Atoi(line)
		e.ok(err, "a number")
		n += v
	}
	return n
}

// said counts how often something was said.
func said(list []answer, what string) int {
	n := 0
	for _, line := range lines(list) {
		if line == what {
			n++
		}
	}
	return n
}

// same is the same argument for all.
func same(arg string) func(i int) string { return func(int) string { return arg } }
