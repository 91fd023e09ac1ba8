# Only who brings a valid token gets in; writing needs a scope, too. The endpoint is told who it is, never by the client.
# This makes a token that is good for an hour (pip install pyjwt):
#
#   TOKEN=$(python3 -c 'import jwt, time; print(jwt.encode({"sub": "anna", "scope": "read", "exp": time.time() + 3600},
#     "for trying only, and not a secret"))')
#   curl -i http://127.0.0.1:8080/                                               401, and what is needed
#   curl -i -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/             200; the endpoint gets X-User-Id: anna
#   curl -i -H "Authorization: Bearer $TOKEN" -H 'X-User-Id: root' http://127.0.0.1:8080/    and never the client's own
#   curl -i -H "Authorization: Bearer $TOKEN" -X POST http://127.0.0.1:8080/     403: the scope "write" is missing
#   curl -i -H "Authorization: Bearer ${TOKEN}x" http://127.0.0.1:8080/          401: changed on its way

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "read" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["token"]
}

routers "write" {
  rule        = "PathPrefix(`/`) && !Method(`GET`) && !Method(`HEAD`)"
  service     = "app"
  middlewares = ["token-to-write"]
}

locals {
  secret = env("JWT_SECRET", "for trying only, and not a secret")
}

middlewares "token" {
  type           = "jwt"
  value          = local.secret
  strip_token    = true
  forward_claims = { "X-User-Id" = "sub" }
}

middlewares "token-to-write" {
  type           = "jwt"
  value          = local.secret
  scopes         = ["write"]
  strip_token    = true
  forward_claims = { "X-User-Id" = "sub" }
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
