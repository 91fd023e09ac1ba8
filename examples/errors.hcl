# Pages of your own for errors: of endpoints and of the gateway alike. They come from a file, from the configuration, or from a service.
#
#   curl -i http://127.0.0.1:8080/           with an application that answers 500: the page in files/error.html
#   curl -i http://127.0.0.1:8080/           without an application: the same, with 502
#   curl -i http://127.0.0.1:8080/nothing    with 404 from the application: what the service "pages" has at /404.html
#   curl -i http://127.0.0.1:8080/           with 403 from the application: 404, so that nobody learns what there is

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["pages"]
}

middlewares "pages" {
  type = "errors"

  pages {
    status  = [404]
    service = "pages"
    query   = "/{status}.html"
  }

  pages {
    status         = [403]
    body           = "<h1>Not found</h1>\n"
    rewrite_status = 404
  }

  pages {
    status = ["500-599"]
    file   = "files/error.html"
  }
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}

services "pages" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("PAGES", "9002")}" }]
  }
}
