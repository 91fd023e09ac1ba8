# PostgreSQL databases on one port, by name. The gateway knows how their clients ask for TLS (and says no to GSSAPI).
#
#   psql "host=orders.localhost hostaddr=127.0.0.1 port=5433 sslmode=require"     TLS ends here
#   psql "host=payments.localhost hostaddr=127.0.0.1 port=5433 sslmode=require"   TLS ends in PostgreSQL
#   psql "host=127.0.0.1 port=5433 sslmode=disable"     without TLS: what the router "cancel" is for
#   curl -s http://127.0.0.1:9090/metrics | grep a3sgw_tcp
#
# The name is sent by clients since PostgreSQL 14. Clients before 17 cancel a query by a second connection that has
# neither TLS nor a name; "cancel" takes it, and can lead to one database only. Leave it out where nobody may come
# without TLS; Ctrl-C in psql then has no effect.

entrypoints "databases" {
  address  = "127.0.0.1:${env("PORT", "5433")}"
  protocol = "tcp"

  tls {
    self_signed = true
  }
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

routers "orders" {
  rule    = "HostSNI(`orders.localhost`)"
  service = "orders"
}

routers "payments" {
  rule    = "HostSNI(`payments.localhost`)"
  service = "payments"

  tls {
    passthrough = true
  }
}

routers "cancel" {
  rule    = "HostSNI(`*`)"
  service = "orders"

  tls {
    enabled = false
  }
}

services "orders" {
  load_balancer {
    servers = [{ url = "tcp://127.0.0.1:${env("ORDERS", "5432")}" }]
  }
}

services "payments" {
  load_balancer {
    servers = [{ url = "tcp://127.0.0.1:${env("PAYMENTS", "5434")}" }]
  }
}
