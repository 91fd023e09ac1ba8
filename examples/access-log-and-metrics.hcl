# What the gateway tells about itself: one JSON line per request, Prometheus metrics, and the management API.
#
#   curl http://127.0.0.1:8080/hello
#   tail -1 access.log
#   curl http://127.0.0.1:9090/metrics
#   curl http://127.0.0.1:9090/health/detailed
#   curl http://127.0.0.1:9090/api/gateway/config
#   mv access.log access.log.1; kill -USR1 "$(pidof -x a3sgw)"     the log is opened anew

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

access_log {
  file = env("ACCESS_LOG", "access.log")
}

log {
  level  = "info"
  format = "json"
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
