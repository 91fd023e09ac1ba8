entrypoints "web" {
  address  = ":80"
  redirect = { to = ":99999" }
}

entrypoints "more" {
  address  = ":81"
  redirect = { to = ":0" }
}

entrypoints "most" {
  address  = ":82"
  redirect = { to = ":https" }
}

entrypoints "secure" {
  address = ":443"
  tls {
    self_signed = true
    alpn        = ["http/1.1", "", "é"]
  }
}

routers "long" {
  rule    = "HostSNI(`a.example`)"
  service = "s"
  tls {
    alpn = ["${join("", [for n in range(300) : "x"])}"]
  }
}

services "s" {
  load_balancer {
    servers = [{ url = "tcp://127.0.0.1:1" }]
  }
}
