# Endpoints by name: every address the name has is an endpoint, and when the answer changes, so do they.
#
#   curl http://127.0.0.1:8080/                                          by name
#   a3sgw server list                                                    which addresses that is now
#   NAME=app.internal a3sgw --config examples/dns.hcl                    a name of your own
#   curl http://127.0.0.1:8080/by-system/                                whatever the system says, at each connection
#
# A name with SRV records has ports and weights in them: { url = "http://_http._tcp.app.internal", resolve = "srv" }

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

routers "system" {
  rule    = "PathPrefix(`/by-system/`)"
  service = "system"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://${env("NAME", "app.localhost")}:${env("APP", "9001")}" }]

    passive_health_check { max_failed_attempts = 3 } # an address on which nobody listens is left out
  }
}

services "system" {
  load_balancer {
    servers = [{ url = "http://localhost:${env("APP", "9001")}", resolve = "system" }]
  }
}
