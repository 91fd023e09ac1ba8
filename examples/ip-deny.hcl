# Some networks may not pass: those in the list, and those in a file, which is read again when it changes. Behind proxies
# that nobody can go around, `depth` says which address of X-Forwarded-For counts, from the right.
#
#   curl -i http://127.0.0.1:8080/                                                   200
#   curl -i -H 'X-Forwarded-For: 203.0.113.9' http://127.0.0.1:8080/                 403
#   curl -i -H 'X-Forwarded-For: 198.51.100.7' http://127.0.0.1:8080/                403: it is in the file
#   curl -i -H 'X-Forwarded-For: 192.0.2.1, 10.0.0.1' http://127.0.0.1:8080/two/     200: 192.0.2.1 is the client
#   curl -i -H 'X-Forwarded-For: 203.0.113.9, 10.0.0.1' http://127.0.0.1:8080/two/   403
#   curl -i http://127.0.0.1:8080/two/                                               403: there is no second address
#
# Add a line with 192.0.2.0/24 to networks/denied.txt and ask again after a second.

entrypoints "web" {
  address     = "127.0.0.1:${env("PORT", "8080")}"
  trusted_ips = ["127.0.0.0/8", "::1"]
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["no-guests"]
}

routers "behind-two-proxies" {
  rule        = "PathPrefix(`/two/`)"
  service     = "app"
  middlewares = ["no-guests-far"]
}

middlewares "no-guests" {
  type            = "ip-deny"
  denied_ips      = ["203.0.113.0/24", "2001:db8:bad::/48"]
  denied_ips_file = env("DENIED", "networks/denied.txt")
}

middlewares "no-guests-far" {
  type       = "ip-deny"
  denied_ips = ["203.0.113.0/24"]
  depth      = 2
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
