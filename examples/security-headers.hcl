# The header fields that security scanners ask for, with one of them as this site needs it.
#
#   curl -i -H 'Host: www.example.com' http://127.0.0.1:8080/
#   curl -i -H 'Host: other.example' http://127.0.0.1:8080/
#
# Fields that the application sends itself stay, Server and X-Powered-By go. The application is told who asks in
# X-Client, and the client where its answer is from in X-Served-For. Other hosts get 421.

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "site" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["security"]
}

middlewares "security" {
  type                    = "headers"
  preset                  = "strict"
  content_security_policy = "default-src 'self'; img-src 'self' https://images.example.com; frame-ancestors 'none'"
  sts_seconds             = "365d"
  sts_include_subdomains  = true
  allowed_hosts           = ["www.example.com", "*.www.example.com"]

  request {
    delete = ["X-Debug"]
    set    = { "X-Client" = "{ip}" }
    append = { "Via" = "1.1 gateway" }
  }
  response {
    add     = { "X-Served-For" = "{host}" }
    default = { "Cache-Control" = "no-store" }
  }
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
