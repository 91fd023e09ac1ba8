# Three of four requests go to one endpoint, one to the other; when one cannot be reached the other gets all.
#
#   for i in 1 2 3 4; do curl http://127.0.0.1:8080/; done
#   … stop either of the two, and ask again: no request fails

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

services "app" {
  load_balancer {
    strategy        = "weighted"
    connect_timeout = "1s"

    servers {
      url    = "http://127.0.0.1:${env("BIG", "9001")}"
      weight = 3
    }
    servers {
      url    = "http://127.0.0.1:${env("SMALL", "9002")}"
      weight = 1
    }
  }
}
