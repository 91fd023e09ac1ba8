# Several processes carry the traffic, and a limit means what it says, whichever of them a client meets.
#
#   ps -eo pid,args | grep 'a3sgw:'                              a supervisor, a nursery, two workers
#   curl http://127.0.0.1:9090/health/detailed                   which workers there are, and what each one holds
#   for i in 1 2 3 4 5 6; do curl -o /dev/null -sw '%{http_code} ' http://127.0.0.1:8080/; done
#                                                                200 five times, then 429, from whichever worker
#   kill -9 PID-OF-A-WORKER; curl -i http://127.0.0.1:8080/      answered: a successor is there; whoever had no turn has none
#
# Change the number of workers and save: new ones start, those too many finish what they do.

workers             = 2     # "auto", or nothing at all: one per core that may be used
worker_cpu_affinity = false # true: each on a core of its own, where nothing else runs
drain_timeout       = "10m" # what still runs gets after an upgrade (kill -USR2)

entrypoints "web" {
  address         = "127.0.0.1:${env("PORT", "8080")}"
  max_connections = 4 # of both workers together; more get 503
}

admin { address = "127.0.0.1:${env("ADMIN", "9090")}" }

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["fair"]
}

middlewares "fair" {
  type  = "rate-limit"
  rate  = 10 / 60 # per second, from each client, by all workers together
  burst = 5
}

services "app" {
  load_balancer {
    max_idle_connections = 32 # for later requests, to each endpoint, in each worker

    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
