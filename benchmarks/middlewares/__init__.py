"""What each middleware adds to a request, in one process and without sockets."""
