"""What the gateway tells about itself: counters, the access log and the application log."""
