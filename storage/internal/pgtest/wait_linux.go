package pgtest

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// early is how long before the moment the timer wakes: about as long as it takes
// to wake. The rest is spent turning.
const early = 40 * time.Microsecond

// waiter waits to within some microseconds. The timers of Go do not: an idle
// program waits in whole milliseconds. A timer of the kernel wakes it as a message
// does. It serves one goroutine.
type waiter struct{ timer *os.File }

func (w *waiter) until(t time.Time) {
	if d := t.Sub(now()) - early; d > 0 {
		w.sleep(d)
	}
	for now().Before(t) {
		continue
	}
}

func (w *waiter) sleep(d time.Duration) {
	if w.timer == nil {
		const monotonic = 1
		fd, _, err := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, monotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
		if err != 0 {
			_ = within(d, nil)
			return
		}
		w.timer = os.NewFile(fd, "timer")
	}
	raw, err := w.timer.SyscallConn()
	if err != nil {
		return
	}
	spec := [2]syscall.Timespec{{}, syscall.NsecToTimespec(int64(d))} // not again, and once in d
	err = raw.Control(func(fd uintptr) {
		_, _, _ = syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0) //nolint:gosec // what the kernel takes
	})
	if err == nil {
		var fired [8]byte
		_, _ = w.timer.Read(fired[:])
	}
}

func (w *waiter) close() {
	if w.timer != nil {
		_ = w.timer.Close()
	}
}
