entrypoints "connections" {
  address               = ":1"
  protocol              = "tcp"
  idle_timeout          = "5s"
  max_headers           = 10
  merge_slashes         = false
  request_id            = true
  underscore_headers    = "keep"
  max_header_bytes      = "1KB"
  body_idle_timeout     = "1s"
  read_header_timeout   = "1s"
  max_connections       = 5
  proxy_protocol        = true
  udp_max_sessions      = 7
  redirect              = { to = ":443" }
}

entrypoints "refused" {
  address                 = ":2"
  proxy_protocol_required = true
  proxy_protocol          = true
  tls {
    self_signed = true
    client_auth {
      mode     = "none"
      ca_files = ["authorities.pem"]
    }
  }
}

entrypoints "near" {
  address                 = "unix:/run/x.sock"
  proxy_protocol_required = true
  tls {
    self_signed = true
    client_auth {
      mode     = "require"
      ca_files = ["authorities.pem"]
    }
  }
}

entrypoints "datagrams" {
  address             = ":3"
  protocol            = "udp"
  read_header_timeout = "1s"
  proxy_protocol      = false
  trusted_ips         = ["10.0.0.0/8"]
}

routers "connections" {
  entrypoints   = ["connections"]
  rule          = "HostSNI(`*`)"
  service       = "connections"
  merge_slashes = true
  importance    = "low"
  websocket { max_connections = 1 }
  event_stream { error_event = true }
  timeouts {
    connect_timeout = "1s"
    request_timeout = "1s"
    total_timeout   = "1s"
  }
}

routers "asked" {
  entrypoints = ["connections"]
  rule        = "HostSNI(`a.example`)"
  service     = "connections"
  tls { passthrough = true }
  timeouts { request_timeout = "1s" }
}

routers "datagrams" {
  entrypoints = ["datagrams"]
  service     = "datagrams"
  priority    = 5
  importance  = "low"
  timeouts {
    connect_timeout      = "1s"
    stream_idle_timeout  = "1s"
    stream_total_timeout = "1s"
  }
}

routers "requests" {
  entrypoints = ["refused"]
  rule        = "Path(`/`)"
  service     = "split"
}

services "connections" {
  load_balancer {
    proxy_protocol = "v2"
    servers        = [{ url = "tcp://127.0.0.1:1" }]
  }
}

services "datagrams" {
  load_balancer {
    servers = [{ url = "udp://127.0.0.1:1" }]
  }
}

services "split" {
  weighted {
    services = [{ name = "requests" }]
  }
}

services "requests" {
  load_balancer {
    proxy_protocol    = "v2"
    termination_delay = "1s"
    servers           = [{ url = "http://127.0.0.1:1" }]
  }
}

services "unused" {
  load_balancer {
    termination_delay = "1s"
    servers           = [{ url = "tcp://127.0.0.1:1" }]
  }
}
