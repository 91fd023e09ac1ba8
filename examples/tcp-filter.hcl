# Connections are turned away before they say anything: from other networks, and beyond a number.
#
#   curl -i http://127.0.0.1:8080/                                          200
#   curl -i http://127.0.0.1:8080/ & curl -i http://127.0.0.1:8080/         with slow answers, a third one at once is closed
#   curl -i http://127.0.0.1:8081/                                          closed: only 192.0.2.0/24 may connect
#   curl -s http://127.0.0.1:9090/metrics | grep tcp-filter                 what was refused is counted

entrypoints "web" {
  address     = "127.0.0.1:${env("PORT", "8080")}"
  middlewares = ["two-each"]
}

entrypoints "direct" {
  address     = "127.0.0.1:${env("DIRECT", "8081")}"
  middlewares = ["office"]
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

middlewares "two-each" {
  type                   = "tcp-filter"
  max_connections        = 1000
  max_connections_per_ip = 2
}

middlewares "office" {
  type        = "tcp-filter"
  allowed_ips = ["192.0.2.0/24"]
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
