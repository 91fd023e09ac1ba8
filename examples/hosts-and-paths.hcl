# Which request goes where: hosts, paths, methods, headers and queries, and who wins when several rules hold.
#
#   curl http://127.0.0.1:8080/                            the blog, for any host
#   curl -H 'Host: shop.example' http://127.0.0.1:8080/    the shop
#   curl -H 'Host: de.shop.example' http://127.0.0.1:8080/ the shop, too
#   curl -H 'Host: shop.example' http://127.0.0.1:8080/api the API of the shop
#   curl -X DELETE -H 'Host: shop.example' http://127.0.0.1:8080/api     404: only reading is allowed
#   curl 'http://127.0.0.1:8080/?preview=1'                the API, by query

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

# Longer rules win, because the default priority is the length of the rule.
routers "blog" {
  rule    = "PathPrefix(`/`)"
  service = "blog"
}

routers "shop" {
  rule    = "Host(`shop.example`) || HostRegexp(`^[a-z]+[.]shop[.]example$`)"
  service = "shop"
}

# A priority of its own: higher wins, whatever the length.
routers "read-only" {
  rule     = "Host(`shop.example`) && Path(`/api`) && (Method(`GET`) || Method(`HEAD`))"
  service  = "api"
  priority = 200
}

routers "changes-are-refused" {
  rule        = "Host(`shop.example`) && Path(`/api`)"
  service     = "api"
  middlewares = ["nobody"]
  priority    = 150
}

routers "preview" {
  rule    = "Query(`preview`, `1`) && !Header(`X-Bot`, `yes`)"
  service = "api"
}

middlewares "nobody" {
  type        = "ip-allow"
  allowed_ips = ["192.0.2.1"]
  status      = 404
}

services "blog" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("BLOG", "9001")}" }]
  }
}

services "shop" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("SHOP", "9002")}" }]
  }
}

services "api" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("API", "9003")}" }]
  }
}
