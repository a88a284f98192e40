package processtest

import "time"

func migrations() []race {
	return []race{
		{"several processes start at once where no tables are, and each finds all of them", raceMigrate},
		{"a process is killed while it makes the tables, and none or all are there", killMigrate},
	}
}

func migrationJobs() map[string]job {
	return map[string]job{
		"migrate": func(p *process) (func(string) error, error) {
			return func(string) error {
				st, done, err := p.Open(p.ctx, p.place)
				if err != nil {
					return err
				}
				if err := st.Check(p.ctx); err != nil {
					return err
				}
				return done()
			}, nil
		},
	}
}

// Several processes start at once on a database without tables: the schema is
// complete for each of them (A103).
func raceMigrate(e *env) {
	met := false
	for round := 0; round < 3 || !met; round++ {
		e.holds(round < 20, "no two processes were under way at one moment")
		place := e.Empty(e.TB)
		c := e.crowd(place, "migrate")
		c.free(same(""))
		met = met || c.met
		c.dismiss()
		st, done, err := e.Open(e.ctx, place)
		e.ok(err, "Open")
		e.ok(st.Check(e.ctx), "Check")
		e.ok(done(), "closing the store")
		e.Sound(e.TB, place)
	}
}

// A process is killed while it migrates: the schema is untouched or complete,
// and the next process finishes the work (A103). Where the database tells who is at
// work, some must have been, the moment before they were killed.
func killMigrate(e *env) {
	c := e.crew(e.Empty(e.TB), "migrate")
	a := c.free(same(""))[0]
	c.dismiss()
	whole := time.Duration(a.over - a.began)
	midway, untouched := 0, 0
	const times, most = 12, 60
	for i := 0; i < times || midway == 0 && i < most; i++ {
		place := e.Empty(e.TB)
		m := e.crew(place, "migrate").members[0]
		m.tell(wordFree, "")
		time.Sleep(whole * time.Duration(i%times) / (times * 2 / 3)) // and some are done by then
		seen := e.Migrating == nil || e.Migrating(e.TB, place)
		m.kill()
		tables := e.Tables(e.TB, place)
		if tables == 0 {
			untouched++
			if seen {
				midway++
			}
		}
		all := e.complete(place)
		e.holds(tables == 0 || tables == all, "%d tables were there after the process was killed, of %d", tables, all)
	}
	e.Logf("%d were killed midway, %d before the tables were there; making them takes %v", midway, untouched, whole)
	e.holds(midway > 0, "nobody was killed midway")
}

// complete finishes the work, and returns how many tables there are then.
func (e *env) complete(place string) int {
	e.Helper()
	st, done, err := e.Open(e.ctx, place)
	e.ok(err, "Open")
	e.ok(st.Migrate(e.ctx), "Migrate")
	e.ok(st.Check(e.ctx), "Check")
	e.ok(done(), "closing the store")
	e.Sound(e.TB, place)
	return e.Tables(e.TB, place)
}
