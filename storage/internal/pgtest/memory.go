package pgtest

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// dropSharedMemory removes the segment of shared memory that a killed server left,
// a few bytes which its next run would have taken over. It does so only on Linux,
// where the system tells who made a segment and that nobody uses it: its number
// may long be another's.
func dropSharedMemory(data string) {
	p := readPidFile(data)
	if p.shmID == "" {
		return
	}
	b, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(b)) {
		// key shmid perms size cpid lpid nattch …
		f := strings.Fields(line)
		if len(f) > 6 && sameKey(f[0], p.key) && f[1] == p.shmID && f[4] == strconv.Itoa(p.pid) && f[6] == "0" {
			if path, err := exec.LookPath("ipcrm"); err == nil {
				_ = (&exec.Cmd{Path: path, Args: []string{"ipcrm", "-m", p.shmID}}).Run()
			}
		}
	}
}

// sameKey compares keys that one side prints signed and the other unsigned.
func sameKey(a, b string) bool {
	m, err := strconv.ParseInt(a, 10, 64)
	n, nerr := strconv.ParseInt(b, 10, 64)
	return err == nil && nerr == nil && uint32(m) == uint32(n) //nolint:gosec // 32 bits are what a key has
}
