"""From a request to the route that serves it."""
