# Server-sent events: each one at once, and an end that the page can tell from a pause.
#
#   curl -N http://127.0.0.1:8080/events      events as they are made; kill the endpoint, and the last one is `error`

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "events" {
  rule    = "PathPrefix(`/events`)"
  service = "app"

  event_stream {
    error_event = true
  }

  timeouts {
    stream_idle_timeout = env("SILENCE", "1m") # between two events: longer than the comments that keep it open are apart
  }
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
