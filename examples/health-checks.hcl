# Endpoints are asked whether they are well, watched while they work, asked for again when they fail, and eased back in.
# These four together are what most services should have.
#
#   for i in 1 2 3 4; do curl http://127.0.0.1:8080/; done
#   … let one of the two answer 503 to /health: after two probes it gets nothing, and the log says why
#   … stop it instead (kill -9): no request fails
#   a3sgw server list app                                       what is known of each
#   curl -s http://127.0.0.1:9090/health/detailed               the same as JSON, with the last failure of a probe
#   … bring it back: over ten seconds it gets more and more of its share

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
    connect_timeout = "1s"
    request_timeout = "5s"
    slow_start      = env("SLOW_START", "10s")

    servers = [
      { url = "http://127.0.0.1:${env("ONE", "9001")}" },
      { url = "http://127.0.0.1:${env("TWO", "9002")}" },
    ]

    health_check {
      path                = "/health"
      interval            = env("INTERVAL", "5s")
      unhealthy_interval  = env("INTERVAL", "1s") # notice soon that it is back
      timeout             = "2s"
      degraded_threshold  = 1 # after one failure only if there is nobody else
      unhealthy_threshold = 2
      healthy_threshold   = 2
    }

    passive_health_check {
      max_failed_attempts = 5
      failure_ratio       = 0.5
      failure_window      = "10s"
      ejection_time       = "10s"
    }
  }

  retries {
    max_retries = 2
  }
}
