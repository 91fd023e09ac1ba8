# Another server decides who may pass: any 2xx lets the request through with the fields it names, every other answer goes
# to the client.
#
#   curl -i http://127.0.0.1:8080/                                  what the auth server says, such as 401
#   curl -i -H 'Authorization: Bearer good' http://127.0.0.1:8080/  200; the endpoint is told X-User
#   curl -i -H 'Authorization: Bearer good' -H 'X-User: root' http://127.0.0.1:8080/    and never the client's own

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["auth"]
}

middlewares "auth" {
  type                          = "forward-auth"
  forward_auth_url              = "http://127.0.0.1:${env("AUTH", "9002")}/check"
  forward_auth_response_headers = ["X-User"]
  timeout                       = "2s"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
