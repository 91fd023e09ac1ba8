# Another server decides who may pass: any 2xx lets the request through with the fields it names, every other answer goes
# to the client. People with a browser, under /web/, are led to where they can sign in, and back again.
#
#   curl -i http://127.0.0.1:8080/                                  what the auth server says, such as 401
#   curl -i -H 'Authorization: Bearer good' http://127.0.0.1:8080/  200; the endpoint is told X-User
#   curl -i -H 'Authorization: Bearer good' -H 'X-User: root' http://127.0.0.1:8080/    and never the client's own
#   curl -i 'http://127.0.0.1:8080/web/?page=2'                     302 to the page where one signs in
#   curl -i -b session=good http://127.0.0.1:8080/web/              200, and a cookie that the auth server has renewed

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["auth"]
}

routers "people" {
  rule        = "PathPrefix(`/web/`)"
  service     = "app"
  middlewares = ["sign-in"]
}

middlewares "auth" {
  type                          = "forward-auth"
  forward_auth_url              = "http://127.0.0.1:${env("AUTH", "9002")}/check"
  forward_auth_response_headers = ["X-User"]
  header_field                  = "X-User"
  timeout                       = "2s"
}

middlewares "sign-in" {
  type                                = "forward-auth"
  forward_auth_url                    = "http://127.0.0.1:${env("AUTH", "9002")}/check"
  forward_auth_request_headers        = ["Cookie"]
  forward_auth_response_headers_regex = "^X-User"
  add_auth_cookies_to_response        = ["session"]
  auth_signin_url                     = "https://login.example/?back={url}"
  timeout                             = "2s"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
