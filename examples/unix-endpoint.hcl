# An endpoint on a unix socket, such as gunicorn or php-fpm's neighbour; and one to listen on.
#
#   gunicorn --bind unix:/run/app.sock app:app &
#   curl http://127.0.0.1:8080/
#   curl --unix-socket /run/a3sgw.sock http://localhost/

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

entrypoints "local" {
  address = "unix:${env("LISTEN", "/run/a3sgw.sock")}"
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

services "app" {
  load_balancer {
    servers = [{ url = "unix:${env("SOCKET", "/run/app.sock")}" }]
  }
}
