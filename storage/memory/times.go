package memory

import "time"

// micros returns a time as edges keep it: microseconds since 1970, 0 for
// never. It takes a third of the room, and rounds as every other store does.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment is the reverse of micros. What it returns is UTC.
func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// trim rounds times in place as if they had been stored and read back.
func trim(times ...*time.Time) {
	for _, t := range times {
		*t = moment(micros(*t))
	}
}
