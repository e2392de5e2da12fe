"""The erasure of a person or a session: found in the log, taken out, recomputed, proved."""
