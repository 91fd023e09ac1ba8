# Four ways to choose an endpoint, each for another kind of work.
#
#   for i in 1 2 3; do curl http://127.0.0.1:8080/pages/; done                      each endpoint once: round-robin
#   curl http://127.0.0.1:8080/reports/                                             the less busy of two drawn by lot: p2c
#   curl http://127.0.0.1:8080/search/                                              who answers soonest: least-time
#   curl -H 'X-Tenant: acme' http://127.0.0.1:8080/tenants/                         always the same endpoint: consistent-hash
#   … stop an endpoint, and ask for many tenants: only those that were there have moved

locals {
  servers = [for name in ["ONE", "TWO", "THREE"] : { url = "http://127.0.0.1:${env(name, { ONE = "9001", TWO = "9002", THREE = "9003" }[name])}" }]
}

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "pages" {
  rule    = "PathPrefix(`/pages/`)"
  service = "pages"
}

routers "reports" {
  rule    = "PathPrefix(`/reports/`)"
  service = "reports"
}

routers "search" {
  rule    = "PathPrefix(`/search/`)"
  service = "search"
}

routers "tenants" {
  rule    = "PathPrefix(`/tenants/`)"
  service = "tenants"
}

services "pages" {
  load_balancer {
    strategy = "round-robin"
    servers  = local.servers
  }
}

services "reports" {
  load_balancer {
    strategy = "p2c"
    servers  = local.servers
  }
}

services "search" {
  load_balancer {
    strategy = "least-time"
    servers  = local.servers
  }
}

services "tenants" {
  load_balancer {
    strategy = "consistent-hash"
    hash_on  = "header:X-Tenant" # requests without it go by the client's address
    servers  = local.servers
  }
}
