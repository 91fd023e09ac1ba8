# Answers are compressed as the client likes best: br, zstd, gzip or deflate. Streams stay streams.
#
#   curl -i --compressed http://127.0.0.1:8080/
#   curl -s -H 'Accept-Encoding: zstd' http://127.0.0.1:8080/ | zstd -d
#
# br and zstd need `pip install 'a3sgw[compress]'`. What is small, compressed already or excluded stays as it is, as
# does an answer with `Cache-Control: no-transform`.

entrypoints "web" {
  address     = "127.0.0.1:${env("PORT", "8080")}"
  middlewares = ["compress"] # for every router here
}

routers "all" {
  rule    = "PathPrefix(`/`)"
  service = "app"
}

middlewares "compress" {
  type                    = "compress"
  min_response_body_bytes = "512B"
  excluded_content_types  = ["text/event-stream", "application/x-ndjson"]
  brotli_level            = 5
}

services "app" {
  load_balancer {
    servers = [{ url = "http://127.0.0.1:${env("APP", "9001")}" }]
  }
}
