# Routers that name no entrypoint, where there are several protocols.

entrypoints "web" {
  address = ":80"
}

entrypoints "dns" {
  address  = ":53"
  protocol = "udp"
}

routers "web" {
  rule    = "PathPrefix(`/`)"
  service = "dns"
}

routers "dns" {
  service = "dns"
}

services "dns" {
  load_balancer {
    servers = [{ url = "udp://127.0.0.1:5353" }]
  }
}
