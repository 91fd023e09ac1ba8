# Only some networks may pass. Behind another proxy the client is whom that proxy names in X-Forwarded-For, but only when
# its address is in trusted_ips: nobody else is believed.
#
#   curl -i http://127.0.0.1:8080/                                          403: 127.0.0.1 is not in the list
#   curl -i -H 'X-Forwarded-For: 10.1.2.3' http://127.0.0.1:8080/           200: 127.0.0.1 is trusted to say so
#   curl -i -H 'X-Forwarded-For: 203.0.113.9' http://127.0.0.1:8080/        403
#   curl -i -H 'X-Forwarded-For: 10.1.2.3' http://127.0.0.1:8081/           403: nobody is trusted on this entrypoint

entrypoints "behind-a-proxy" {
  address     = "127.0.0.1:${env("PORT", "8080")}"
  trusted_ips = ["127.0.0.0/8", "::1"]
}

entrypoints "direct" {
  address = "127.0.0.1:${env("DIRECT", "8081")}"
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["office"]
}

middlewares "office" {
  type        = "ip-allow"
  allowed_ips = ["10.0.0.0/8", "2001:db8::/32"]
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
