"""Reading what can be read of a damaged journal, without writing to it."""
