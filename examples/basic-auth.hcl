# Only users with a password get in: those of an htpasswd file, which is read again when it changes, and one who is
# written down here. The endpoint is told who it is, never by the client, and does not see the password.
#
#   curl -i http://127.0.0.1:8080/                                               401; a browser asks for a password
#   curl -i -u 'anna:for trying only' http://127.0.0.1:8080/                     200; the endpoint gets X-User: anna
#   curl -i -u 'anna:for trying only' -H 'X-User: root' http://127.0.0.1:8080/   and never the client's own
#   curl -i -u 'anna:wrong' http://127.0.0.1:8080/                               401
#   curl -i -u 'admin:change me' http://127.0.0.1:8080/                          200
#
# Add a line made by `htpasswd -nB carl` to files/users.htpasswd and ask again after a second.

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["password"]
}

middlewares "password" {
  type          = "basic-auth"
  users_file    = env("USERS_FILE", "files/users.htpasswd")
  username      = "admin"
  password      = env("ADMIN_PASSWORD", "change me")
  realm         = "the shop"
  header_field  = "X-User"
  remove_header = true
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
