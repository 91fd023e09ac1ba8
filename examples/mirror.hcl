# Half of the requests are copied to another version of the service, without credentials, and its answers are compared with
# those that clients get. Nobody waits for it, and nobody notices when it fails.
#
#   for i in 1 2 3 4; do curl -H 'Cookie: session=1' http://127.0.0.1:8080/; done    two of them reach the next version, too
#   curl -s http://127.0.0.1:9090/metrics | grep mirror      mirrored, mirror_same, mirror_differs_body, mirror_slower …
#   … stop the next version, and ask again: no request fails; mirror_failed counts
#
# The log tells up to ten differences a minute, by path and value; fields that always differ are in ignore_fields.

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

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
  mirror {
    service        = "next"
    percentage     = 50
    max_body_bytes = "64KB"
    timeout        = "5s"

    compare {
      ignore_fields      = ["request_id", "meta.served_by"]
      max_slower_ms      = 250
      samples_per_minute = 10
    }
  }
}

services "next" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("NEXT", "9002")}" }]
  }
}
