"""At the owner's computer: footage is read back from where it was sent, by a login that no camera has."""
