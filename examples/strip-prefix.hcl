# An application that does not know under which path it is published.
#
#   curl http://127.0.0.1:8080/app/users?page=2    the endpoint sees /users?page=2 and X-Forwarded-Prefix: /app
#   curl http://127.0.0.1:8080/app                 the endpoint sees /
#   curl http://127.0.0.1:8080/users               404

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "app" {
  rule        = "Path(`/app`) || PathPrefix(`/app/`)"
  service     = "app"
  middlewares = ["without-app"]
}

middlewares "without-app" {
  type     = "strip-prefix"
  prefixes = ["/app"]
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
