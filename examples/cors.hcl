# Pages of other origins that may use an API. Preflights are answered before anybody may refuse.
#
#   curl -i -X OPTIONS -H 'Origin: https://app.example.com' -H 'Access-Control-Request-Method: PUT' http://127.0.0.1:8080/
#   curl -i -H 'Origin: https://app.example.com' http://127.0.0.1:8080/
#   curl -i -H 'Origin: https://elsewhere.example' http://127.0.0.1:8080/
#
# The first is told what it may do, and counts for no limit. The second is answered twice and then refused (429), which
# its script can read, too. The third learns nothing of CORS, so that a browser does not show its page the answer.

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "api" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["cors", "limit"]
}

middlewares "cors" {
  type                   = "cors"
  allowed_origins        = ["https://app.example.com", "https://*.preview.example.com"]
  allowed_origin_regexes = ["http://localhost:[0-9]+"]
  allowed_methods        = ["GET", "PUT", "DELETE"]
  allowed_headers        = ["Content-Type", "Authorization"]
  exposed_headers        = ["X-Request-Id"]
  allow_credentials      = true
  max_age                = "10m"
}

middlewares "limit" {
  type  = "rate-limit"
  rate  = 1 / 60
  burst = 2
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
