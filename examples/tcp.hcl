# TCP: connections instead of requests. Here two Redis servers behind one address; it could be anything.
#
#   redis-cli -p 6400 ping                                    PONG
#   curl telnet://127.0.0.1:6400                              type PING, and hear +PONG
#   curl -s http://127.0.0.1:9090/metrics | grep a3sgw_tcp    connections, bytes, why they ended
#
# A third connection of one address is closed. Change the rule and send HUP: connections end within 20 seconds. Change
# anything else, and they notice nothing.

entrypoints "redis" {
  address         = "127.0.0.1:${env("PORT", "6400")}"
  protocol        = "tcp"
  max_connections = 1000
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

routers "redis" {
  rule          = "HostSNI(`*`) && ClientIP(`127.0.0.0/8`)" # without TLS there is no name to ask for
  service       = "redis"
  middlewares   = ["two-each"]
  drain_timeout = "20s"
}

middlewares "two-each" {
  type                   = "tcp-filter"
  max_connections_per_ip = 2
}

services "redis" {
  load_balancer {
    strategy = "least-connections"

    servers = [
      { url = "tcp://127.0.0.1:${env("ONE", "6379")}" },
      { url = "tcp://127.0.0.1:${env("TWO", "6380")}" },
    ]
    stream_idle_timeout = "1h" # without a byte in either direction
    termination_delay   = "5s" # for the rest, once one side has said everything

    health_check {
      mode     = "tcp"
      send     = "PING\r\n"
      expect   = "+PONG"
      interval = "5s"
    }
  }
}
