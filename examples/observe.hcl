# A policy is tried on real traffic before it stops anybody: what it would refuse is counted and logged.
#
#   curl -i http://127.0.0.1:8080/                                          200, though 127.0.0.1 is not in the list
#   curl -s http://127.0.0.1:9090/metrics | grep would_block                how often
#   … and "would_block":"office" in the access log says which requests; then remove the line with mode

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["office"]
}

middlewares "office" {
  type        = "ip-allow"
  allowed_ips = ["10.0.0.0/8"]
  mode        = "observe"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
