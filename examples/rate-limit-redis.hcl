# Limits that hold for all gateways together: they count in one Redis. Requests go by the tenant a header names, or else
# by their client; while Redis does not answer, they pass. Each answer tells how many more may come at once.
#
#   redis-server --port 6379 --save '' &
#   for i in 1 2 3 4; do curl -i -H 'X-Tenant: blue' http://127.0.0.1:8080/; done   200, 200, 200, 429 with Retry-After
#   curl -i -H 'X-Tenant: blue' http://127.0.0.1:8081/                              429: as another gateway would say
#   curl -i -H 'X-Tenant: red' http://127.0.0.1:8080/                               200
#   curl -i http://127.0.0.1:8080/                                                  200: RateLimit-Remaining: 2
#
# Stop Redis: everything passes. Start it again: everybody begins anew.

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

entrypoints "second" {
  address = "127.0.0.1:${env("DIRECT", "8081")}"
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["fair"]
}

middlewares "fair" {
  type      = "rate-limit-redis"
  rate      = 10
  period    = "1m"
  burst     = 3
  key       = "header:X-Tenant"
  redis_url = env("REDIS_URL", "redis://127.0.0.1:6379/0")
  on_error  = "allow"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
