"""One step a file, named after its revision; copy the newest to write the next."""
