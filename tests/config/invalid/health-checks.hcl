services "udp" {
  load_balancer {
    servers      = [{ url = "udp://127.0.0.1:5355" }]
    health_check = { interval = "1s" }
  }
}

services "port" {
  load_balancer {
    servers      = [{ url = "udp://127.0.0.1:5355" }]
    health_check = { mode = "tcp" }
  }
}

services "tcp" {
  load_balancer {
    servers      = [{ url = "tcp://127.0.0.1:5355" }]
    health_check = { path = "/health" }
  }
}

services "http" {
  load_balancer {
    servers      = [{ url = "http://127.0.0.1:80" }]
    health_check = { expect = "220" }
  }
}
