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

routers "shop" {
  rule          = "Host(`shop.example.com`)"
  service       = "shop"
  entrypoints   = ["websecure"]
  middlewares   = ["retry"]
  merge_slashes = false
  importance    = "high" # low | normal (default) | high
  timeouts {
    connect_timeout      = "1s"
    request_timeout      = "10s"
    stream_idle_timeout  = "1m"
    stream_total_timeout = "1h"
    total_timeout        = "2m"
  }
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

services "pool" {
  max_in_flight = 500

  load_shedding {
    low    = 50
    normal = 80
  }

  load_balancer {
    strategy = "consistent-hash"
    hash_on  = "header:X-Tenant" # ip (default) | path | header:X | cookie:X | claim:X
    servers = [
      { url = "http://app.example:8001", weight = 2, resolve = "dns" }, # dns (default) | srv | system
      { url = "https://_https._tcp.app.example", resolve = "srv" },
      { url = "http://app.internal", resolve = "system" },
    ]
    slow_start                = "30s"
    drain_header              = true
    max_connections           = 100
    queue_size                = 100
    queue_timeout             = "5s"
    connect_timeout           = "5s"
    request_timeout           = "30s"
    stream_idle_timeout       = "5m"
    stream_total_timeout      = "1h"
    total_timeout             = "2m"
    total_timeout_for_streams = false
    pass_host_header          = true
    max_idle_connections      = 256
    idle_timeout              = "60s"

    tls {
      ca_file              = "" # the authorities of the system
      insecure_skip_verify = false
      server_name          = "app.example"
    }

    health_check {
      mode                = "http" # http (default) | grpc | tcp
      path                = "/health"
      method              = "GET"
      hostname            = "app.example"
      port                = 8081
      scheme              = "http"
      headers             = { X-Probe = "a3sgw" }
      follow_redirects    = false
      status              = 204
      interval            = "10s"
      unhealthy_interval  = "2s"
      jitter              = 10
      timeout             = "5s"
      degraded_threshold  = 3
      unhealthy_threshold = 5
      healthy_threshold   = 2
    }

    passive_health_check {
      max_failed_attempts = 5
      failure_ratio       = 0.5
      failure_window      = "10s"
      min_requests        = 20
      ejection_time       = "10s"
      max_ejection_time   = "5m"
      max_ejected_percent = 50
    }

    circuit_breaker {
      failure_threshold    = 5
      failure_ratio        = 0.5
      latency_quantile     = 0.95
      latency_threshold_ms = 800
      window               = "10s"
      min_requests         = 20
      cooldown_secs        = 30
      half_open_requests   = 1
      success_threshold    = 2
    }

    sticky {
      mode      = "cookie" # cookie (default) | header | ip
      cookie    = "srv"
      ttl       = "8h"
      secret    = "${JWT_SECRET}"
      secure    = true
      http_only = true
      same_site = "none" # none | lax | strict
      max_age   = "8h"
      path      = "/"
      domain    = "example.com"
    }
  }

  retries {
    max_retries            = 3
    retry_interval_ms      = 25
    max_retry_interval_ms  = 1000
    retry_timeout          = "10s"
    on_network_errors      = true
    statuses               = [502, 503]
    max_body_bytes         = "64KB"
    max_held_bytes         = "16KB"
    budget_percent         = 20
    min_retries_per_second = 1
    count_header           = true
  }

  circuit_breaker {
    failure_threshold    = 5
    failure_ratio        = 0.5
    latency_quantile     = 0.95
    latency_threshold_ms = 800
    window               = "10s"
    min_requests         = 20
    cooldown_secs        = 30
    half_open_requests   = 1
    success_threshold    = 2

    fallback {
      status       = 200
      body         = "[]"
      content_type = "application/json"
    }
  }

  mirror {
    service           = "shadow-backend"
    percentage        = 10
    max_body_bytes    = "1MB"
    max_concurrent    = 100
    timeout           = "30s"
    sensitive_headers = false
    compare {
      ignore_fields      = ["updated_at", "meta.request_id"]
      max_body_bytes     = "256KB"
      max_slower_ms      = 250
      samples_per_minute = 10
    }
  }

  failover {
    service        = "backup-pool"
    statuses       = [502, 503]
    max_body_bytes = "64KB"
    return_after   = "5s"
  }
}

services "shop" {
  weighted {
    services = [{ name = "pool", weight = 9 }, { name = "sockets", weight = 1 }]
    sticky {
      mode   = "header"
      header = "X-Shop"
    }
  }
  circuit_breaker {
    fallback { service = "backup-pool" }
  }
}

services "sockets" {
  load_balancer {
    strategy = "least-time"
    servers { url = "10.0.0.8:7000" }
    health_check {
      mode   = "tcp"
      send   = "PING\r\n"
      expect = "+PONG"
    }
    sticky { mode = "ip" }
  }
}

services "calls" {
  load_balancer {
    strategy = "p2c"
    servers { url = "http://10.0.0.9:7000" }
    health_check {
      mode    = "grpc"
      service = "shop.Orders"
    }
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
  type                   = "retry"
  max_retries            = 3
  retry_interval_ms      = 100
  max_retry_interval_ms  = 1000
  retry_timeout          = "10s"
  on_network_errors      = true
  statuses               = [503]
  max_body_bytes         = "64KB"
  max_held_bytes         = "16KB"
  budget_percent         = 20
  min_retries_per_second = 1
  count_header           = true
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
