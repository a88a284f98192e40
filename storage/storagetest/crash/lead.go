package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
)

// freshName returns six letters and digits.
func freshName() string { return strings.ToLower(rand.Text()[:6]) }

func freshSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

// errWrong tells that a verification found something.
var errWrong = errors.New("the database is not what was acknowledged")

// lead is the parent: it starts the workers, makes the faults and has the
// database verified.
func lead(ctx context.Context, c config, out, errs io.Writer) (err error) {
	begun := time.Now()
	dir, err := os.MkdirTemp("", "chatelaine-crash-")
	if err != nil {
		return err
	}
	keep := false
	defer func() {
		if !keep {
			_ = os.RemoveAll(dir)
		}
	}()
	given := c.ledger != ""
	if !given {
		c.ledger = filepath.Join(dir, "ledger")
	}
	cluster, err := c.prepare(ctx)
	if err != nil {
		return err
	}
	if cluster != nil {
		defer func() { err = errors.Join(err, cluster.Stop()) }()
	}
	switch used, err := c.used(ctx); {
	case err != nil:
		return err
	case used:
		return fmt.Errorf("the name %q was used on this database", c.name)
	}
	l, err := newLedger(c.ledger)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "run %s, seed %d, on %s\n", c.name, c.seed, c.on(cluster))

	f := &faults{
		c: c, ledger: l, cluster: cluster, log: errs,
		rnd:   mathrand.New(mathrand.NewPCG(c.seed, 1)), //nolint:gosec // a run must be repeatable by its seed
		fleet: &fleet{c: c, ledger: l, workers: make([]*worker, c.workers)},
	}
	verdicts := 0
	check := func(final bool) (verdict, error) {
		verdicts++
		v, err := c.verified(ctx, l, final)
		if err == nil && len(v.Problems) > 0 {
			keep = !given
			err = fmt.Errorf("%w (the ledger is %s):\n%s", errWrong, c.ledger, v.text())
		}
		return v, err
	}
	err = f.fleet.startAll(ctx)
	if err == nil {
		l.working()
		err = f.run(ctx, func(final bool) error { _, err := check(final); return err })
	}
	interrupted := ctx.Err() != nil
	if interrupted && c.kill == killNone {
		// Whoever interrupts a load wants to know how it stands.
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
		defer stop()
	}
	err = errors.Join(err, f.fleet.endAll(err != nil || interrupted))
	var v verdict
	if err == nil {
		v, err = check(true)
	}
	f.report(out, v, verdicts, time.Since(begun))
	return errors.Join(err, l.close())
}

// prepare makes the database, where it is the program's own.
func (c *config) prepare(ctx context.Context) (*pgtest.Cluster, error) {
	if c.sqlite != "" {
		_, err := os.Stat(c.sqlite)
		c.alone = errors.Is(err, os.ErrNotExist)
		return nil, nil //nolint:nilnil // there is no server
	}
	if c.dsn != "" {
		return nil, nil //nolint:nilnil // it is somebody else's
	}
	o := &pgtest.Options{Settings: map[string]string{"max_connections": "200"}}
	for _, s := range c.settings {
		name, value, _ := strings.Cut(s, "=")
		o.Settings[name] = value
	}
	cluster, err := pgtest.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	c.dsn, c.alone = cluster.DSN("postgres"), true
	return cluster, nil
}

// on names the database without what a DSN may hold of secrets.
func (c *config) on(cluster *pgtest.Cluster) string {
	switch {
	case c.sqlite != "":
		return "SQLite, " + c.sqlite
	case cluster != nil:
		return "PostgreSQL " + cluster.Version()
	}
	return "PostgreSQL at the DSN given"
}

// verified has a process of its own look at the database.
func (c *config) verified(ctx context.Context, l *ledger, final bool) (verdict, error) {
	var v verdict
	if err := l.flush(); err != nil {
		return v, err
	}
	if err := patiently(ctx, func() error { return c.quiet(ctx) }); err != nil {
		return v, err
	}
	own := *c
	own.final = final
	cmd, err := own.command(ctx, roleVerify)
	if err != nil {
		return v, err
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	text, err := cmd.Output()
	if err != nil {
		return v, fmt.Errorf("verify: %w\n%s", err, tail(errs.String()))
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return v, fmt.Errorf("verify said %q: %w", text, err)
	}
	return v, nil
}

// report prints what the run was.
func (f *faults) report(out io.Writer, v verdict, verdicts int, took time.Duration) {
	n, done, lost := f.ledger.counts()
	unknown := n[lineBegin] + n[lineLost]
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	if f.c.kill == killNone {
		say("faults:        none of this program's")
	} else {
		say("faults:        %d kills (%s); at least %d operations were acknowledged between two", f.kills, f.c.kill, max(f.fewest, 0))
	}
	say("operations:    %d begun; %d acknowledged, of %d sorts; %d refused, %d failed, %d unknown",
		n[lineDone]+n[lineRefused]+n[lineFailed]+unknown, n[lineDone], done, n[lineRefused], n[lineFailed], unknown)
	say("unknown:       of %d sorts; %d are there as a whole, %d have left nothing", lost, v.Present, v.Absent)
	say("in the database: %d events, %d messages, %d rows", v.Events, v.Mails, v.Rows)
	say("verified:      %d times; %s", verdicts, strings.Join(v.Checked, ", "))
	f.ledger.mu.Lock()
	say("longest time without an acknowledged operation: %.3f s", f.ledger.gap.Seconds())
	f.ledger.mu.Unlock()
	if f.c.verbose {
		for _, text := range f.ledger.worst(10) {
			say("  %s", text)
		}
	}
	say("seconds:       %.1f", took.Seconds())
}
