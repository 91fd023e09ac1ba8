entrypoints "a" {
  address  = ":1"
  redirect = { to = "b" }
}

entrypoints "b" {
  address = ":2"
  tls { self_signed = true }
  redirect = { to = ":3", scheme = "http" }
}

entrypoints "c" {
  address  = ":3"
  redirect = { to = "b" }
}

entrypoints "own" {
  address  = ":4"
  redirect = { to = ":4" }
}

entrypoints "same" {
  address  = "127.0.0.1:5"
  redirect = { to = "port" }
}

entrypoints "port" {
  address = "127.0.0.2:5"
  tls { self_signed = true }
}

entrypoints "front" {
  address     = ":6"
  trusted_ips = ["10.0.0.0/8"]
  redirect    = { to = ":6" }
}

entrypoints "plainly" {
  address  = ":7"
  redirect = { to = "plain" }
}

entrypoints "plain" {
  address = ":8"
}

entrypoints "down" {
  address  = ":9"
  redirect = { to = "port", scheme = "http" }
}

entrypoints "file" {
  address  = ":10"
  redirect = { to = "socket" }
}

entrypoints "socket" {
  address = "unix:/run/x.sock"
}

entrypoints "self" {
  address  = ":11"
  redirect = { to = "self" }
}

entrypoints "elsewhere" {
  address  = ":12"
  redirect = { to = "database" }
}

entrypoints "database" {
  address  = ":13"
  protocol = "tcp"
}

entrypoints "outside" {
  address  = ":14"
  redirect = { to = ":443" }
}

routers "through" {
  rule    = "Path(`/`)"
  service = "s"
  tls { passthrough = true }
}

routers "disabled" {
  rule    = "Path(`/a`)"
  service = "s"
  tls { enabled = false }
}

services "s" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:1" }]
  }
}
