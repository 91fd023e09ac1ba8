# One port for HTTPS and for TLS that the gateway does not end: the name that a client asks for decides.
#
#   curl -k https://app.localhost:8443/          answered by a router, with the gateway's certificate
#   curl -k https://own.localhost:8443/          answered by a server with a certificate of its own
#   curl -k https://other.localhost:8443/        404, with the gateway's certificate: there is no router
#
# Names come before what takes all, and routers of requests before those of connections. What is passed through stays
# encrypted: no middleware can look into it, and its endpoint learns the client's address only by a PROXY header.

entrypoints "websecure" {
  address = "127.0.0.1:${env("PORT", "8443")}"

  tls {
    self_signed = true
  }
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

routers "app" {
  rule    = "Host(`app.localhost`)"
  service = "app"
}

routers "own" {
  entrypoints = ["websecure"]
  rule        = "HostSNI(`own.localhost`)"
  service     = "own"

  tls {
    passthrough = true
  }
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}

services "own" {
  load_balancer {
    servers = [{ url = "tcp://127.0.0.1:${env("OWN", "9443")}" }]
    # proxy_protocol = "v2"    where the server expects it: listen 9443 ssl proxy_protocol; in nginx
  }
}
