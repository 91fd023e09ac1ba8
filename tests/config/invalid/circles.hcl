entrypoints "web" { address = ":80" }

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "share"
}

services "share" {
  weighted {
    services = [{ name = "first" }, { name = "second" }]
  }
}

services "first" {
  load_balancer { servers { url = "http://x:1" } }
  failover { service = "share" }
}

services "second" {
  load_balancer { servers { url = "http://x:2" } }
  circuit_breaker {
    fallback { service = "share" }
  }
}

services "selfish" {
  load_balancer { servers { url = "http://x:3" } }
  mirror { service = "selfish" }
}

services "lost" {
  weighted { services = [{ name = "frist" }] }
  circuit_breaker {
    fallback { service = "secnd" }
  }
  failover { service = "nobody" }
  mirror { service = "selfsh" }
}
