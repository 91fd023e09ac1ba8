# Requests that may be sent again are, to another endpoint, and only so often that an overload is not made worse.
#
#   curl http://127.0.0.1:8080/                  … kill -9 one of the endpoints meanwhile: no request fails
#   curl -d 'one order' http://127.0.0.1:8080/   a POST that was sent is not sent again, unless the status is in the list
#   curl -s http://127.0.0.1:9090/metrics | grep service_events       retries, redispatches, retries_over_budget
#   curl -d 'one order' http://127.0.0.1:8080/payments/          never again: its router takes the place of the service's word

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

routers "payments" {
  rule        = "PathPrefix(`/payments/`)"
  service     = "app"
  middlewares = ["once"]
}

middlewares "once" {
  type        = "retry"
  max_retries = 0
}

services "app" {
  load_balancer {
    connect_timeout = "500ms"
    request_timeout = "2s"  # for each endpoint that is asked
    total_timeout   = "10s" # for all of it

    servers = [
      { url = "http://127.0.0.1:${env("ONE", "9001")}" },
      { url = "http://127.0.0.1:${env("TWO", "9002")}" },
    ]
  }

  retries {
    max_retries            = 2
    retry_interval_ms      = 25    # then 50, each less up to half
    statuses               = [503] # the endpoint says it has done nothing, so any method may go on
    max_body_bytes         = "64KB"
    max_held_bytes         = "16KB"
    budget_percent         = 20
    min_retries_per_second = 1
    count_header           = true
  }
}
