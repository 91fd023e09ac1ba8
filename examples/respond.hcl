# Answers without an endpoint: a health check of the gateway itself, robots.txt, and a maintenance page for one path.
#
#   curl -i http://127.0.0.1:8080/healthz                                   200 ok
#   curl -i http://127.0.0.1:8080/robots.txt                                the file beside this one
#   curl -i http://127.0.0.1:8080/shop                                      503 with Retry-After
#   curl -i http://127.0.0.1:8080/                                          the application

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

# Such a router needs no service.
routers "health" {
  rule        = "Path(`/healthz`)"
  middlewares = ["ok"]
}

routers "robots" {
  rule        = "Path(`/robots.txt`)"
  middlewares = ["robots"]
}

routers "maintenance" {
  rule        = "PathPrefix(`/shop`)"
  middlewares = ["back-soon"]
}

routers "rest" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

middlewares "ok" {
  type = "respond"
  body = "ok\n"
}

middlewares "robots" {
  type      = "respond"
  body_file = "files/robots.txt"
}

middlewares "back-soon" {
  type             = "respond"
  status           = 503
  body             = "<!doctype html><title>Back soon</title><h1>The shop opens again in ten minutes</h1>\n"
  content_type     = "text/html; charset=utf-8"
  response_headers = { "Retry-After" = "600", "Cache-Control" = "no-store" }
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
