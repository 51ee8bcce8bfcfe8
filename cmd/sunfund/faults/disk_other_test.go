//go:build !linux

package faults

import "testing"

const onlyLinux = "shutting down and filling file systems is written for Linux only"

func TestPowerCut(t *testing.T)        { skip(t, onlyLinux) }
func TestControlPowerCut(t *testing.T) { skip(t, onlyLinux) }
func TestDiskFull(t *testing.T)        { skip(t, onlyLinux) }
