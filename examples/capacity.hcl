# No endpoint gets more than it can bear: the rest waits a moment, and when it is too much, what matters least goes first.
#
#   … with endpoints that take a second for each answer:
#   for i in $(seq 6); do curl http://127.0.0.1:8080/ & done; wait         two at a time for each endpoint, the others wait
#   for i in $(seq 40); do curl -i http://127.0.0.1:8080/ & done; wait     some get 503 with Retry-After
#   … stop one of the endpoints: half of the room is left, for /batch a quarter, for /checkout all of it

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

routers "checkout" {
  rule       = "PathPrefix(`/checkout/`)"
  service    = "app"
  importance = "high"
}

routers "batch" {
  rule       = "PathPrefix(`/batch/`)"
  service    = "app"
  importance = "low"
}

services "app" {
  max_in_flight = 8 # at once, those that wait included

  load_shedding {
    low    = 50
    normal = 80
  }

  load_balancer {
    max_connections = 2 # at once, for each endpoint
    queue_size      = 20
    queue_timeout   = "2s"

    servers = [
      { url = "http://127.0.0.1:${env("ONE", "9001")}" },
      { url = "http://127.0.0.1:${env("TWO", "9002")}" },
    ]

    health_check {
      mode     = "tcp"
      interval = env("INTERVAL", "2s")
    }
  }
}
