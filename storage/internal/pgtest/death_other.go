//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package pgtest

import "syscall"

// dieWithParent can do nothing here: the next Start removes what is left.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}
