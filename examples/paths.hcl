# Six ways to change what the endpoint is asked for. The example strip-prefix has the most common one.
#
#   curl http://127.0.0.1:8080/v12/users          /users, with X-Forwarded-Prefix: /v12
#   curl http://127.0.0.1:8080/static/a.css       /public/static/a.css
#   curl http://127.0.0.1:8080/status?all         /internal/health?all, with X-Replaced-Path: /status
#   curl http://127.0.0.1:8080/downloads/a/b.zip  /files/b.zip/a
#   curl http://127.0.0.1:8080/shop/de/books?q=1  /de/books?shop=1&q=1, with Host: de.shop.internal
#   curl http://127.0.0.1:8080/old/x              /new/x

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "versions" {
  rule        = "PathRegexp(`^/v[0-9]+/`)"
  service     = "app"
  middlewares = ["without-version"]
}

middlewares "without-version" {
  type  = "strip-prefix-regex"
  regex = ["^/v[0-9]+"]
}

routers "static" {
  rule        = "PathPrefix(`/static/`)"
  service     = "app"
  middlewares = ["public"]
}

middlewares "public" {
  type   = "add-prefix"
  prefix = "/public"
}

routers "status" {
  rule        = "Path(`/status`)"
  service     = "app"
  middlewares = ["health"]
}

middlewares "health" {
  type = "replace-path"
  path = "/internal/health"
}

routers "download" {
  rule        = "PathPrefix(`/downloads/`)"
  service     = "app"
  middlewares = ["files"]
}

# $1 and $2 are groups of the expression; in HCL, $${1} is one that letters follow.
middlewares "files" {
  type        = "replace-path-regex"
  regex       = "^/downloads/([^/]+)/(.*)"
  replacement = "/files/$2/$1"
}

routers "shop" {
  rule        = "PathPattern(`/shop/:country/*`)"
  service     = "app"
  middlewares = ["shop"]
}

middlewares "shop" {
  type   = "rewrite"
  target = "/{path.country}/{path.*}?shop=1&{query}"
  host   = "{path.country}.shop.internal"
}

routers "moved" {
  rule        = "PathPrefix(`/old`)"
  service     = "app"
  middlewares = ["moved"]
}

middlewares "moved" {
  type   = "rewrite"
  prefix = "/old"
  target = "/new"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
