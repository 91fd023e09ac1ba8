entrypoints "dns" {
  address  = ":53"
  protocol = "udp"
}

entrypoints "file" {
  address  = "unix:/run/x.sock"
  protocol = "udp"
}

routers "first" {
  entrypoints = ["dns"]
  service     = "dns"
}

routers "second" {
  entrypoints = ["dns"]
  service     = "dns"
}

routers "split" {
  entrypoints = ["file"]
  service     = "split"
}

services "dns" {
  load_balancer {
    strategy = "hrw"
    hash_on  = "path"
    servers  = [{ url = "udp://127.0.0.1:5353" }]
    sticky   = { mode = "header" }
  }
  mirror {
    service = "copy"
  }
  retries {}
}

services "copy" {
  load_balancer {
    servers = [{ url = "udp://127.0.0.1:5354" }]
  }
}

services "split" {
  weighted {
    services = [{ name = "asked" }, { name = "web" }]
    sticky   = { mode = "cookie" }
  }
}

services "asked" {
  load_balancer {
    servers      = [{ url = "udp://127.0.0.1:5355" }]
  }
  failover {
    service = "dns"
  }
}

services "web" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:80" }]
  }
}

entrypoints "web" {
  address                  = ":80"
  udp_session_timeout_secs = 3
}

entrypoints "more" {
  address         = ":54"
  protocol        = "udp"
  max_connections = 5
  redirect        = { to = "web" }
  middlewares     = ["packed"]
}

middlewares "packed" {
  type        = "chain"
  middlewares = ["smaller"]
}

middlewares "smaller" {
  type = "compress"
}
