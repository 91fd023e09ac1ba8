# A client may have two requests under way at once, whatever it does with them: downloads, long polls, WebSockets. Another
# limit is for the whole site, so that a slow database is not asked by thousands.
#
#   for i in 1 2 3; do curl -i http://127.0.0.1:8080/slow & done; wait              200, 200, 429
#   curl -i http://127.0.0.1:8080/                                                  200: there is room again
#
# When one of them ends, in whatever way, the next may come. All workers count together.

entrypoints "web" {
  address     = "127.0.0.1:${env("PORT", "8080")}"
  trusted_ips = ["127.0.0.0/8", "::1"]
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["site", "client"]
}

middlewares "client" {
  type   = "in-flight"
  amount = 2
  key    = "ip"
}

middlewares "site" {
  type   = "in-flight"
  amount = 3
  key    = "host"
  status = 503
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
