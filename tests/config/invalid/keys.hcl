entrypoints "web" {
  adress          = ":80"
  protocol        = "htp"
  max_connections = true
  idle_timeout    = "10 parsecs"
  middlewares     = "auth"
}

entrypoints "b@d" { address = ":8080" }

entrypoints "web2" {
  address = ":81"
  tls { cert_file = "x" }
}

routers "api" {
  rule     = "PathPrefix(`/`)"
  service  = "backend"
  priority = "high"
  service  = "other"
}

services "backend" {
  load_balancer {
    servers  = [{ url = "http://127.0.0.1:80/foo" }, { url = "ftp://x:1" }, { weight = 1 }]
    strategy = "round-robbin"
    health_check {
      unhealthy_threshold = 0
      headers             = { a = 1 }
    }
  }
}

services "scaled" {
  load_balancer { servers { url = "http://x:1" } }
  scaling { min_replicas = 11 }
}

services "utilised" {
  load_balancer { servers { url = "x:1" } }
  scaling { target_utilization = 0 }
  scaling { target_utilization = 0.5 }
}

services "empty" {}

workrs  = 3
workers = "many"
admin { address = "x" }
router "x" { rule = "y" }
locals "x" { a = 1 }
