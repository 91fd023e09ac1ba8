# What keeps failing is not asked for a while: a single endpoint, or the whole service, for which something else answers then.
#
#   for i in $(seq 8); do curl -i http://127.0.0.1:8080/; done       … with an application that answers 500:
#                                                                    five times 500, then the empty list at once
#   a3sgw server list app                                            circuit breakers of endpoints
#   curl -s http://127.0.0.1:9090/health/detailed                    and of services
#   … let it answer 200 again: after the cooldown, two good answers close it

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "recommendations"
}

routers "app" {
  rule    = "PathPrefix(`/app/`)"
  service = "app"
}

# The whole service: nice to have, so an empty answer is better than none.
services "recommendations" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("ONE", "9001")}" }]
  }

  circuit_breaker {
    failure_threshold    = 5
    failure_ratio        = 0.5
    latency_quantile     = 0.95
    latency_threshold_ms = 800
    window               = "10s"
    min_requests         = 20
    cooldown_secs        = env("COOLDOWN", "5s")
    half_open_requests   = 1
    success_threshold    = 2

    fallback {
      status       = 200
      body         = "[]"
      content_type = "application/json"
    }
  }
}

# Each endpoint: while one is left alone, the others have its requests.
services "app" {
  load_balancer {
    servers = [
      { url = "http://127.0.0.1:${env("ONE", "9001")}" },
      { url = "http://127.0.0.1:${env("TWO", "9002")}" },
    ]

    circuit_breaker {
      failure_threshold = 3
      cooldown_secs     = env("COOLDOWN", "5s")
    }
  }
}
