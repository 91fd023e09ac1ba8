# Every wait has an end, every size a limit.
#
#   curl -i http://127.0.0.1:8080/slow                                   504 when the endpoint takes more than a second
#   curl -i -H "X-Long: $(head -c 5000 /dev/zero | tr '\0' x)" http://127.0.0.1:8080/    431
#   curl -i "http://127.0.0.1:8080/$(head -c 5000 /dev/zero | tr '\0' x)"                414
#   (printf 'GET / HTTP/1.1\r\n'; sleep 3) | nc 127.0.0.1 8080           408 after two seconds

shutdown_timeout_secs = 5

entrypoints "web" {
  address             = "127.0.0.1:${env("PORT", "8080")}"
  max_connections     = 1000
  max_header_bytes    = "4KB"
  max_headers         = 50
  read_header_timeout = env("HEADER_TIMEOUT", "2s")
  idle_timeout        = "30s"
  body_idle_timeout   = "10s"
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

services "app" {
  load_balancer {
    connect_timeout      = "500ms"
    request_timeout      = env("REQUEST_TIMEOUT", "1s") # until the head of the answer
    stream_idle_timeout  = "1m"                         # between two pieces of its body
    stream_total_timeout = "1h"
    max_idle_connections = 64
    idle_timeout         = "20s"

    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
