entrypoints "databases" {
  address  = ":5432"
  protocol = "tcp"
}

routers "office" {
  rule    = "ClientIP(`10.0.0.0/8`)"
  service = "database"
}

routers "site" {
  rule    = "PathPrefix(`/`)"
  service = "database"
}

routers "through" {
  rule    = "ClientIP(`10.0.0.0/8`)"
  service = "database"

  tls {
    passthrough = true
  }
}

routers "named" {
  entrypoints = ["databases"]
  rule        = "ClientIP(`10.1.0.0/16`)"
  service     = "database"
}

services "database" {
  load_balancer {
    servers = [{ url = "tcp://127.0.0.1:5433" }]
  }
}
