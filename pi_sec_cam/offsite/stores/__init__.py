"""Places elsewhere that take files, one kind a module, all behind `protocol.Store`."""
