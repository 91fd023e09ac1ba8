# Tokens of an OpenID provider, such as Keycloak: its keys are found and followed when they change. While it cannot be
# reached, the keys that are known stay in force; when none is known yet, tokens are answered with 503, not 401.
#
#   curl -i http://127.0.0.1:8080/                                       401, and what is needed
#   curl -i -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/     200 with a token of the provider for "shop"
#   curl -i "http://127.0.0.1:8080/?access_token=$TOKEN"                 the same; the log shows access_token=REDACTED
#   curl -i -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/admin/     403 without the role "admin"

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["customers"]
}

routers "admin" {
  rule        = "PathPrefix(`/admin/`)"
  service     = "app"
  middlewares = ["admins"]
}

locals {
  provider = env("PROVIDER", "http://127.0.0.1:9003/realms/shop")
}

middlewares "customers" {
  type               = "jwt"
  oidc_discovery_url = local.provider
  issuer             = local.provider
  audience           = "shop"
  query              = "access_token"
  strip_token        = true
  forward_claims     = { "X-User-Id" = "sub", "X-User-Mail" = "email" }
}

middlewares "admins" {
  type               = "jwt"
  oidc_discovery_url = local.provider
  issuer             = local.provider
  audience           = "shop"
  roles              = ["admin"]
  roles_claim        = "realm_access.roles"
  forward_claims     = { "X-User-Id" = "sub", "X-User-Mail" = "email" }
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
