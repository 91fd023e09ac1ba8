# When nobody in the first data centre can answer, the second one does; and requests return when the first one is well again.
#
#   curl http://127.0.0.1:8080/
#   … let it answer 503: the request goes on to the second data centre, with its body
#   … stop it: the same, and the log says that it cannot be reached
#   … start it again: after its probe and ten more seconds it has everything back
#   … stop both: the page of the last resort

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}"
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

services "app" {
  load_balancer {
    connect_timeout = "500ms"
    servers         = [{ url = "http://127.0.0.1:${env("FIRST", "9001")}" }]

    health_check {
      mode     = "tcp"
      interval = env("INTERVAL", "2s")
    }
  }

  failover {
    service        = "second"
    statuses       = [502, 503]
    max_body_bytes = "1MB"                      # longer bodies are not kept: their first answer stands
    return_after   = env("RETURN_AFTER", "10s") # so that one that flickers does not throw requests back and forth
  }
}

services "second" {
  load_balancer {
    connect_timeout = "500ms"
    servers         = [{ url = "http://127.0.0.1:${env("SECOND", "9002")}" }]
  }
  failover { service = "sorry" } # a backup may have one of its own
}

services "sorry" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("SORRY", "9003")}" }]
  }
}
