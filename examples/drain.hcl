# Endpoints are taken out for a restart, one after the other, without a failed request.
#
#   a3sgw server list                                               what is known of each
#   a3sgw server drain app http://127.0.0.1:9001 --wait             returns when nothing is in flight there, in no worker
#   … restart it
#   a3sgw server enable app http://127.0.0.1:9001
#   a3sgw server weight app http://127.0.0.1:9002 1                 another share, until "default", without an edit
#
# An application may ask for it by itself when it is told to end: with drain_header it answers its last requests with
# "X-A3S-Server: drain", and the first ones after its start with "X-A3S-Server: ready". Clients never see that field.
#
#   curl -i http://127.0.0.1:8080/

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

admin {
  address = "127.0.0.1:${env("ADMIN", "9090")}" # `a3sgw server` asks here; --admin or --config where it is another one
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

services "app" {
  load_balancer {
    drain_header = true
    slow_start   = "0s" # more where an application has to warm up

    servers = [
      { url = "http://127.0.0.1:${env("ONE", "9001")}", weight = 1 },
      { url = "http://127.0.0.1:${env("TWO", "9002")}", weight = 1 },
    ]
  }

  retries {} # for an endpoint that goes without a word
}
