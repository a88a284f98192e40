package pgtest

import "syscall"

// dieWithParent makes the kernel send the signal when the thread that started
// the process ends.
func dieWithParent(a *syscall.SysProcAttr, s syscall.Signal) { a.Pdeathsig = s }
