//go:build !dolt

package main

// doltPeer is there with -tags dolt.
var doltPeer []peer
