//go:build !race

package storagetest

const slowly = 1
