# UDP: each client has a session with one of two name servers, for as long as something comes either way.
#
#   dig @127.0.0.1 -p 5300 example.org                        answered by one of the two
#   dig @127.0.0.1 -p 5300 example.org                        another port of the client is another session
#   curl -s http://127.0.0.1:9090/metrics | grep a3sgw_udp    sessions, datagrams, what was dropped

entrypoints "dns" {
  address                  = "127.0.0.1:${env("PORT", "5300")}"
  protocol                 = "udp"
  udp_session_timeout_secs = 10
  udp_max_sessions         = 5000
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

routers "dns" {
  service = "resolvers"
}

services "resolvers" {
  load_balancer {
    servers = [
      { url = "udp://127.0.0.1:${env("ONE", "5301")}" },
      { url = "udp://127.0.0.1:${env("TWO", "5302")}" },
    ]
    passive_health_check {
      max_failed_attempts = 2
    }
  }
}
