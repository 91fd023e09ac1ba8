entrypoints "web" {
  address     = ":80"
  middlewares = ["limits"]
}

entrypoints "same" { address = "127.0.0.1:80" }

entrypoints "tcp" {
  address  = ":81"
  protocol = "tcp"
}

entrypoints "loop" {
  address = ":82"
  redirect { to = "websecure" }
}

routers "api" {
  rule        = "PathPrefix(`/`)"
  service     = "backnd"
  entrypoints = ["web", "wob"]
  middlewares = ["limit", "limit"]
  priority    = "high"
}

routers "mixed" {
  rule        = "PathPrefix(`/`)"
  service     = "backend"
  entrypoints = ["web", "tcp"]
}

routers "sni" {
  rule        = "Method(`GET`) && HostSNI(`x`)"
  service     = "backend"
  entrypoints = ["web"]
}

routers "db" {
  rule        = "HostSNI(`*`)"
  service     = "backend"
  entrypoints = ["tcp"]
  middlewares = ["limit"]
}

routers "bare" { service = "backend" }

services "backend" {
  load_balancer { servers { url = "http://x:1" } }
  failover { service = "other" }
}

services "other" {
  load_balancer { servers { url = "http://x:1" } }
  failover { service = "backend" }
  mirror { service = "nobody" }
}

services "revised" {
  revisions = [{ name = "v1", traffic_percent = 50, servers = [{ url = "http://x:1" }] }]
}

services "rolled" {
  revisions = [{ name = "v1", traffic_percent = 100, servers = [{ url = "http://x:1" }] }]
  rollout {
    from = "v1"
    to   = "v2"
  }
}

middlewares "limit" {
  type = "rate-limit"
  rate = 3
}

routers "api" {
  rule    = "Path(`/`)"
  service = "backend"
}
