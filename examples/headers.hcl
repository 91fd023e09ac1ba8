# Header fields set, replaced and deleted, on the way in and on the way out. An empty value deletes.
#
#   curl -i -H 'X-Debug: 1' http://127.0.0.1:8080/
#
# The endpoint sees X-Environment and no X-Debug; the client sees the security headers and no Server.

entrypoints "web" {
  address     = "127.0.0.1:${env("PORT", "8080")}"
  middlewares = ["security"] # for every router here
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["environment"]
}

middlewares "security" {
  type = "headers"
  response_headers = {
    "Strict-Transport-Security" = "max-age=31536000"
    "X-Content-Type-Options"    = "nosniff"
    "Server"                    = ""
  }
}

middlewares "environment" {
  type = "headers"
  request_headers = {
    "X-Environment" = env("ENVIRONMENT", "staging")
    "X-Debug"       = ""
  }
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
