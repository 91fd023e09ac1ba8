# The smallest gateway: one address, one rule, one service.
#
#   python3 -m http.server 9001 &
#   a3sgw --config examples/minimal.hcl
#   curl -i http://127.0.0.1:8080/
#
# Every address in these examples can be changed by an environment variable: PORT=8888 a3sgw --config …

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
