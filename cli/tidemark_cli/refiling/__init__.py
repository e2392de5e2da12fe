"""Filing the log anew when a workspace moves to a timezone that has other hours."""
