"""Replay: send the events of a file, at any time again, without counting any twice."""
