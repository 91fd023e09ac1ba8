# PROXY headers, received and sent. "edge" plays a load balancer in front: it passes connections on to "web", behind a
# header that says who the client is.
#
#   curl --interface 127.0.0.5 http://127.0.0.1:8081/         the endpoint is told X-Forwarded-For: 127.0.0.5
#   curl --haproxy-protocol http://127.0.0.1:8080/            the same, with a header of curl's
#   curl http://127.0.0.1:8080/                               closed: there is no header
#
# Who may send one says where each client is: trusted_ips are the load balancers, nobody else.

entrypoints "web" {
  address                 = "127.0.0.1:${env("PORT", "8080")}"
  trusted_ips             = ["127.0.0.1"]
  proxy_protocol_required = true # proxy_protocol = true, where some connections come without
}

entrypoints "edge" {
  address  = "127.0.0.1:${env("DIRECT", "8081")}"
  protocol = "tcp"
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

routers "app" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

routers "edge" {
  rule    = "HostSNI(`*`)"
  service = "web"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}

services "web" {
  load_balancer {
    servers        = [{ url = "tcp://127.0.0.1:${env("PORT", "8080")}" }]
    proxy_protocol = "v2"
  }
}
