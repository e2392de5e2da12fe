"""The algebra: events, measures, cells, snapshots and deltas. Pure: no I/O, no clock, no ids but as arguments."""
