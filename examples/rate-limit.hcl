# A client may ask three times at once, and then ten times a minute. A client is an address, or a /64 of IPv6; behind
# another proxy it is whom that proxy names, when its address is in trusted_ips. All workers count together.
#
#   for i in 1 2 3 4; do curl -i http://127.0.0.1:8080/; done                 200, 200, 200, 429 with Retry-After
#   curl -i -H 'X-Forwarded-For: 203.0.113.9' http://127.0.0.1:8080/          200: another client
#
# Change the numbers and save: whoever is over the limit stays so.

entrypoints "web" {
  address     = "127.0.0.1:${env("PORT", "8080")}"
  trusted_ips = ["127.0.0.0/8", "::1"]
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["fair"]
}

middlewares "fair" {
  type  = "rate-limit"
  rate  = 10 / 60 # per second
  burst = 3
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
