# A client comes back to the endpoint it had: by a cookie, by a header field, or by its address.
#
#   curl -i -c jar -b jar http://127.0.0.1:8080/              Set-Cookie: session=…, which names an endpoint and tells no address
#   curl -i -c jar -b jar http://127.0.0.1:8080/              the same endpoint, and no new cookie
#   a3sgw server drain app http://127.0.0.1:9001              who is bound to it stays, everybody else goes to the other one
#   … stop the endpoint: its clients get another one, and a new cookie
#   curl -i http://127.0.0.1:8080/api/                        X-Session: …, for clients that keep no cookies
#   curl -i http://127.0.0.1:8080/by-address/                 nothing to keep: the address decides

entrypoints "web" {
  address     = "127.0.0.1:${env("PORT", "8080")}"
  trusted_ips = ["127.0.0.1"] # so that X-Forwarded-For can stand for other clients while you try
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

locals {
  servers = [
    { url = "http://127.0.0.1:${env("ONE", "9001")}" },
    { url = "http://127.0.0.1:${env("TWO", "9002")}" },
  ]
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

routers "api" {
  rule    = "PathPrefix(`/api/`)"
  service = "api"
}

routers "by-address" {
  rule    = "PathPrefix(`/by-address/`)"
  service = "by-address"
}

services "app" {
  load_balancer {
    servers = local.servers
    sticky {
      cookie    = "session"
      ttl       = "8h"
      http_only = true
      same_site = "lax" # and secure = true where clients come by https
      secret    = env("STICKY_SECRET", "the same on all nodes, and nobody else's")
    }
  }
}

services "api" {
  load_balancer {
    servers = local.servers
    sticky {
      mode   = "header"
      header = "X-Session"
    }
  }
}

services "by-address" {
  load_balancer {
    servers = local.servers
    sticky { mode = "ip" }
  }
}
