# The configuration language: locals, conditions, for, functions, templates, the environment and files.
#
#   curl -i -H 'Host: eu.shop.example' http://127.0.0.1:8080/     X-Region: EU, X-Stage: test
#   curl -i -H 'Host: us.shop.example' http://127.0.0.1:8080/     X-Region: US
#   STAGE=production a3sgw --config examples/locals-and-templates.hcl

locals {
  stage   = env("STAGE", "test")
  domain  = "shop.example"
  regions = ["eu", "us"]
  host    = "127.0.0.1"
  timeout = local.stage == "production" ? "30s" : "5s"
}

entrypoints "web" {
  address = "${local.host}:${env("PORT", "8080")}"
}

# One router and one middleware per region, without writing them twice.
routers = {
  for region in local.regions : "shop-${region}" => {
    rule        = "Host(`${region}.${local.domain}`)"
    service     = "app"
    middlewares = ["mark-${region}"]
  }
}

middlewares = {
  for region in local.regions : "mark-${region}" => {
    type = "headers"
    response_headers = {
      "X-Region" = upper(region)
      "X-Stage"  = local.stage
    }
  }
}

services "app" {
  load_balancer {
    request_timeout = local.timeout
    servers = [
      for port in split(",", env("APPS", "9001,9002")) : { url = "http://${local.host}:${port}" }
    ]
  }
}
