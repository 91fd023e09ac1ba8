entrypoints "web" { address = ":80" }
admin { address = "127.0.0.1:9090" }

routers "api" {
  rule       = "PathPrefix(`/`)"
  service    = "pool"
  importance = "urgent"
  timeouts { total_timeout = "soon" }
}

services "pool" {
  load_balancer {
    strategy        = "least-conections"
    hash_on         = "colour"
    servers         = [{ url = "http://x:1", resolve = "hosts" }, { url = "http://x:2", weight = -1 }, { url = "http://x/path" }]
    max_connections = -1
    queue_timeout   = 0
    health_check {
      mode                = "ping"
      path                = "health"
      interval            = 0
      method              = "get"
      port                = 70000
      scheme              = "ftp"
      status              = 20
    }
    passive_health_check {
      failure_ratio       = 50
      ejection_time       = 0
      min_requests        = 0
    }
    sticky {
      mode      = "session"
      cookie    = "a b"
      header    = "X Session"
      same_site = "None"
      path      = "shop"
      domain    = "a example"
      expires   = "1h"
    }
    circuit_breaker {
      failure_threshold = -1
      cooldown_secs     = 0
      fallback { status = 200 }
    }
  }
  retries {
    max_retries = 101
    statuses    = [503, 700]
    budget      = 20
  }
  circuit_breaker {
    failure_ratio        = 0
    latency_quantile     = 95
    latency_threshold_ms = 0
    fallback {}
  }
  failover { statuses = [503] }
  mirror { percentage = 110 }
}

services "thresholds" {
  load_balancer {
    servers { url = "http://x:1" }
    health_check {
      degraded_threshold  = 3
      unhealthy_threshold = 3
    }
  }
}

services "cross-site" {
  load_balancer {
    servers { url = "http://x:1" }
    sticky { same_site = "none" }
  }
}

services "two-fallbacks" {
  load_balancer { servers { url = "http://x:1" } }
  circuit_breaker {
    fallback {
      service = "pool"
      status  = 503
    }
  }
}

services "no-final-status" {
  load_balancer { servers { url = "http://x:1" } }
  circuit_breaker {
    fallback { status = 103 }
  }
}

services "both" {
  load_balancer { servers { url = "http://x:1" } }
  weighted { services = [{ name = "pool" }] }
}

services "shedding" {
  load_balancer { servers { url = "http://x:1" } }
  load_shedding { low = 50 }
}

services "nothing" {
  retries {}
}

services "shares" {
  weighted {
    services = [{ name = "poool", weight = 1 }, { weight = 2 }, { name = "pool", weight = 1.5 }]
  }
}

services "twins" {
  revisions = [
    { name = "v1", traffic_percent = 50, servers = [{ url = "http://x:1" }] },
    { name = "v1", traffic_percent = 50, servers = [{ url = "http://x:2" }] },
  ]
}

middlewares "again" {
  type        = "retry"
  max_retries = "often"
}
