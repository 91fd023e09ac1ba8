# A middleware of your own, from a package of your own.
#
#   pip install ./examples/plugin                     once, into the environment of a3sgw
#   a3sgw --config examples/plugin/gateway.hcl
#   curl -i http://127.0.0.1:8080/                    200 at the hours below, 503 with Retry-After at others

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["office"]
}

middlewares "office" {
  type      = "office-hours"
  opens     = "08:00"
  closes    = "18:00"
  time_zone = "Europe/Berlin"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
