# One name for several middlewares: every router of a kind gets the same policies, and a change is made in one place.
#
#   curl -i http://127.0.0.1:8080/api                                       200, with X-Frame-Options
#   curl -i -d "$(head -c 2000 /dev/zero)" http://127.0.0.1:8080/api        413: more than a kilobyte
#   … let the application answer 500 three times: the circuit breaker of the chain refuses with 503 for five seconds

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "api" {
  rule        = "PathPrefix(`/api`)"
  service     = "app"
  middlewares = ["public"]
}

middlewares "public" {
  type        = "chain"
  middlewares = ["no-frames", "small", "breaker"]
}

middlewares "no-frames" {
  type             = "headers"
  response_headers = { "X-Frame-Options" = "DENY" }
}

middlewares "small" {
  type           = "body-limit"
  max_body_bytes = "1KB"
}

middlewares "breaker" {
  type              = "circuit-breaker"
  failure_threshold = 3
  cooldown_secs     = env("COOLDOWN", "5s")
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
