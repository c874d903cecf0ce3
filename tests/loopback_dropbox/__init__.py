"""A Dropbox of the tests on loopback, as strict as the real one, with faults on demand (`LoopbackDropbox`)."""
