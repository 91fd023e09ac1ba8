# Clients are sent elsewhere: from plain HTTP to HTTPS, from www to the bare name, from old addresses to new ones.
#
#   curl -i -H 'Host: shop.example' http://127.0.0.1:8080/a?b          302 to https://shop.example/a?b
#   curl -i -H 'Host: www.shop.example' http://127.0.0.1:8080/a        301 to http://shop.example/a
#   curl -i -d x -H 'Host: www.shop.example' http://127.0.0.1:8080/a   308: a POST stays one
#   curl -i -H 'Host: old.example' http://127.0.0.1:8080/item/7        302 to https://shop.example/products/7

entrypoints "web" {
  address = "127.0.0.1:${env("PORT", "8080")}"
}

# Routers that only redirect need no service.
routers "plain" {
  rule        = "Host(`shop.example`)"
  middlewares = ["https"]
}

routers "www" {
  rule        = "Host(`www.shop.example`)"
  middlewares = ["bare-name"]
}

routers "old" {
  rule        = "Host(`old.example`)"
  middlewares = ["products"]
}

middlewares "https" {
  type   = "redirect-scheme"
  scheme = "https"
}

middlewares "bare-name" {
  type        = "redirect-regex"
  regex       = "^(https?)://www\\.(.*)"
  replacement = "$1://$2"
  permanent   = true
}

middlewares "products" {
  type        = "redirect-regex"
  regex       = "^https?://[^/]+/item/([0-9]+)$"
  replacement = "https://shop.example/products/$1"
}
