# Uploads up to a size; larger ones are refused with 413, before the endpoint hears of them when their length is known,
# and while they stream when it is not.
#
#   curl -i -d 'small' http://127.0.0.1:8080/
#   head -c 2000 /dev/zero | curl -i --data-binary @- http://127.0.0.1:8080/
#   head -c 2000 /dev/zero | curl -i -H 'Transfer-Encoding: chunked' --data-binary @- http://127.0.0.1:8080/

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

routers "all" {
  rule        = "PathPrefix(`/`)"
  service     = "app"
  middlewares = ["small"]
}

middlewares "small" {
  type           = "body-limit"
  max_body_bytes = "1KB"
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
