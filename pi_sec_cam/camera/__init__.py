"""Sources of pictures behind one protocol; a vendor's library is imported only in its own file."""
