# Every block and every key that an operator can write.
shutdown_timeout_secs = 30
workers               = "auto"
worker_cpu_affinity   = true
drain_timeout         = "1m"

entrypoints "web" {
  address = "0.0.0.0:80"
}

entrypoints "websecure" {
  address = "0.0.0.0:443"
  tls {
    cert_file = "/etc/certs/cert.pem"
    key_file  = "/etc/certs/key.pem"
  }
}

entrypoints "tcp-db" {
  address         = "0.0.0.0:5432"
  protocol        = "tcp" # http (default) | tcp | udp
  max_connections = 100
  tcp_allowed_ips = ["10.0.0.0/8"]
}

routers "api" {
  rule        = "Host(`api.example.com`) && PathPrefix(`/v1`)"
  service     = "api-service"
  entrypoints = ["websecure"]
  middlewares = ["auth-jwt", "rate-limit"]
  priority    = 0
}

services "api-service" {
  load_balancer {
    strategy = "round-robin"
    servers  = [{ url = "http://127.0.0.1:8001", weight = 1 }, { url = "http://127.0.0.1:8002" }]
    health_check {
      path                = "/health"
      interval            = "10s"
      timeout             = "5s"
      unhealthy_threshold = 3
      healthy_threshold   = 1
    }
    sticky { cookie = "srv_id" }
  }
  mirror {
    service    = "shadow-backend"
    percentage = 10
  }
  failover { service = "backup-pool" }
  scaling {
    min_replicas          = 0
    max_replicas          = 10
    container_concurrency = 50
    target_utilization    = 0.7
    scale_down_delay_secs = 300
    buffer_enabled        = true
    buffer_timeout_secs   = 30
    buffer_size           = 100
    executor              = "box"
  }
  revisions = [
    { name = "v1", traffic_percent = 90, strategy = "round-robin", servers = [{ url = "http://127.0.0.1:8001" }] },
    { name = "v2", traffic_percent = 10, strategy = "round-robin", servers = [{ url = "http://127.0.0.1:8003" }] }
  ]
  rollout {
    from                 = "v1"
    to                   = "v2"
    step_percent         = 10
    step_interval_secs   = 60
    error_rate_threshold = 0.05
    latency_threshold_ms = 5000
  }
}

services "shadow-backend" {
  load_balancer { servers = [{ url = "127.0.0.1:9001" }] }
}

services "backup-pool" {
  load_balancer {
    servers { url = "unix:/run/backup.sock" }
    servers { url = "https://backup.example" }
  }
}

middlewares "key" {
  type   = "api-key"
  header = "X-API-Key"
  keys   = ["one", "two"]
}

middlewares "basic" {
  type     = "basic-auth"
  username = "admin"
  password = "secret"
}

middlewares "auth-jwt" {
  type  = "jwt"
  value = "${JWT_SECRET}"
}

middlewares "forward" {
  type                          = "forward-auth"
  forward_auth_url              = "http://127.0.0.1:9000/check"
  forward_auth_response_headers = ["X-User"]
}

middlewares "rate-limit" {
  type  = "rate-limit"
  rate  = 100
  burst = 50
}

middlewares "rate-redis" {
  type      = "rate-limit-redis"
  rate      = 100
  burst     = 50
  redis_url = "redis://127.0.0.1:6379"
}

middlewares "cors" {
  type            = "cors"
  allowed_origins = ["https://app.example"]
  allowed_methods = ["GET", "POST"]
  allowed_headers = ["Authorization"]
  max_age         = 3600
}

middlewares "headers" {
  type             = "headers"
  request_headers  = { X-Gateway = "a3sgw", X-Secret = "" }
  response_headers {
    X-Frame-Options = "DENY"
  }
}

middlewares "strip" {
  type     = "strip-prefix"
  prefixes = ["/v1"]
}

middlewares "body" {
  type           = "body-limit"
  max_body_bytes = 1048576
}

middlewares "retry" {
  type              = "retry"
  max_retries       = 3
  retry_interval_ms = 100
}

middlewares "breaker" {
  type              = "circuit-breaker"
  failure_threshold = 5
  cooldown_secs     = 30
  success_threshold = 2
}

middlewares "office" {
  type        = "ip-allow"
  allowed_ips = ["10.0.0.0/8", "192.0.2.7"]
}

middlewares "compress" {
  type = "compress"
}

middlewares "tcp" {
  type            = "tcp-filter"
  max_connections = 10
  allowed_ips     = ["10.0.0.0/8"]
}

providers {
  file {
    watch     = true
    directory = "conf.d/"
  }
  discovery {
    poll_interval_secs = 30
    timeout_secs       = 5
    seeds              = [{ url = "http://10.0.0.5:8080" }]
  }
  kubernetes {
    namespace           = ""
    label_selector      = ""
    watch_interval_secs = 30
    ingress_route_crd   = false
  }
  docker {
    host               = "/var/run/docker.sock"
    label_prefix       = "a3s"
    poll_interval_secs = 10
  }
}

admin { address = "127.0.0.1:9090" }
