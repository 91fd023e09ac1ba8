# A new version gets a tenth of the requests, in the two ways there are.
#
#   for i in $(seq 10); do curl http://127.0.0.1:8080/; done                   one of ten is answered by the new version
#   for i in $(seq 10); do curl -c jar -b jar http://127.0.0.1:8080/; done     all by one of them: clients stay with their version
#   for i in $(seq 10); do curl http://127.0.0.1:8080/api/; done               revisions: the same in one service
#   … change the weights and save; weight = 0 keeps the clients that are there and gets no new ones

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "shop" {
  rule    = "PathPrefix(`/`)"
  service = "shop"
}

routers "api" {
  rule    = "PathPrefix(`/api/`)"
  service = "api"
}

# Two services with everything of their own, and a third that shares the requests between them.
services "shop" {
  weighted {
    services {
      name   = "shop-v1"
      weight = 9
    }
    services {
      name   = "shop-v2"
      weight = 1
    }
    sticky { cookie = "version" }
  }
  retries {} # for both of them, since they say nothing about it
}

services "shop-v1" {
  load_balancer { servers = [{ url = "http://127.0.0.1:${env("OLD", "9001")}" }] }
}

services "shop-v2" {
  load_balancer { servers = [{ url = "http://127.0.0.1:${env("NEW", "9002")}" }] }
}

# One service in two versions, which have its timeouts, checks and limits in common.
services "api" {
  load_balancer {
    request_timeout = "5s"
  }
  revisions = [
    { name = "v1", traffic_percent = 90, servers = [{ url = "http://127.0.0.1:${env("OLD", "9001")}" }] },
    { name = "v2", traffic_percent = 10, servers = [{ url = "http://127.0.0.1:${env("NEW", "9002")}" }] },
  ]
}
