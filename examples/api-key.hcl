# Only who brings a key gets in; writing needs a scope, too. Keys stand here, by themselves or with what is known of
# their owners, or in a file, which is read again when it changes. The endpoint is told who it is, never by the client.
#
#   curl -i http://127.0.0.1:8080/                                               401
#   curl -i -H 'X-API-Key: key-of-anna' http://127.0.0.1:8080/                   200; the endpoint gets X-Client: anna
#   curl -i -H 'X-API-Key: key-of-anna' -H 'X-Client: root' http://127.0.0.1:8080/    and never the client's own
#   curl -i 'http://127.0.0.1:8080/?api_key=carls-key-is-in-no-file'             200: the file has its SHA-256 only
#   curl -i -X POST -H 'X-API-Key: key-of-anna' http://127.0.0.1:8080/           403: the scope "write" is missing
#   curl -i -X POST -H 'X-API-Key: for-trying-only' http://127.0.0.1:8080/       200
#   curl -i -H 'X-API-Key: key-of-ben' http://127.0.0.1:8080/                    401: it has expired
#
# This makes a key and its line for files/keys.txt: KEY=$(openssl rand -hex 32); echo "$KEY";
# printf %s "$KEY" | sha256sum | sed 's/\([0-9a-f]*\).*/sha256:\1 identity=emil/'

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "read" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["key"]
}

routers "write" {
  rule        = "PathPrefix(`/`) && !Method(`GET`) && !Method(`HEAD`)"
  service     = "app"
  middlewares = ["key-to-write"]
}

locals {
  owners = [
    { key = "key-of-anna", identity = "anna", scopes = ["read"], metadata = { plan = "large" } },
    { key = "key-of-ben", identity = "ben", scopes = ["read"], expires = "2020-12-31" },
  ]
  keys_file = env("KEYS_FILE", "files/keys.txt")
}

middlewares "key" {
  type            = "api-key"
  query           = "api_key"
  clients         = local.owners
  keys_file       = local.keys_file
  strip_key       = true
  forward_headers = { "X-Client" = "identity", "X-Plan" = "plan" }
}

middlewares "key-to-write" {
  type            = "api-key"
  clients         = local.owners
  keys_file       = local.keys_file
  scopes          = ["write"]
  strip_key       = true
  forward_headers = { "X-Client" = "identity", "X-Plan" = "plan" }
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
