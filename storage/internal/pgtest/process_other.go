//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package pgtest

import (
	"os"
	"os/exec"
	"syscall"
)

// Servers are not started here: tests use one that is running.
const (
	canStart = false

	sigStop      = syscall.SIGKILL
	sigFast      = syscall.SIGKILL
	sigImmediate = syscall.SIGKILL
)

func send(int, syscall.Signal) {}

func exists(int) bool { return false }

type identity struct{}

func serverIdentity() (*identity, error) { return nil, ErrNotInstalled }

func (*identity) give(string) error { return nil }

func (*identity) adopt(*exec.Cmd, syscall.Signal) {}

func tryLock(*os.File) bool { return false }

func ours(os.FileInfo) bool { return false }
